//! `ls`, `dir` and `vdir`: uutils' read the arguments, find the files and put them in order; what is shown of a file that
//! WASI does not know of it (modes, links, owners, inodes, blocks, what is executable) is the virtual machine's, and
//! written here. Listings of bare names are uutils' altogether.

mod color;
mod grid;
mod line;
mod request;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;

use ansi_width::ansi_width;
use cordon_vm::byte_text::{ToText, encode};
use cordon_vm::filesystem;
use cordon_vm::types::{FileStatus, Symlinks};
use uu_ls::{Config, EntryInfo, Format, LsOutput, PathData, TextOutput, list_with_output, options};
use uucore::clap_localization::handle_clap_result_with_diagnostics;
use uucore::error::{UResult, get_exit_code};
use uucore::show_error;

use color::Colors;
use grid::Grid;
use line::Widths;
use request::Request;

/// The exit status of a mistake in the arguments.
const TROUBLE: i32 = 2;

type Args = std::vec::IntoIter<OsString>;
type Defaults = fn(&clap::ArgMatches, Option<&[OsString]>) -> UResult<Config>;

pub fn ls(args: Args) -> i32 {
    ended(list(args, Config::from))
}

pub fn dir(args: Args) -> i32 {
    ended(list(args, Config::from_dir))
}

pub fn vdir(args: Args) -> i32 {
    ended(list(args, Config::from_vdir))
}

fn ended(outcome: UResult<()>) -> i32 {
    let Err(error) = outcome else { return get_exit_code() };
    let message = error.to_string();
    if !message.is_empty() {
        show_error!("{message}");
    }
    error.code()
}

fn list(args: Args, defaults: Defaults) -> UResult<()> {
    let (matches, said) = handle_clap_result_with_diagnostics(uu_ls::uu_app(), args.collect(), TROUBLE)?;
    uucore::i18n::collator::init_locale_collation();
    let config = defaults(&matches, said.as_deref())?;
    let paths = match matches.get_many::<OsString>(options::PATHS) {
        Some(paths) => paths.map(Path::new).collect(),
        None => vec![Path::new(".")],
    };
    match Request::read(&matches, &config) {
        Some(request) => list_with_output(paths, &config, &mut Listing::new(request, &config)),
        None => uu_ls::list(paths, &config),
    }
}

/// A file that is to be shown.
struct Entry {
    info: EntryInfo,
    /// None for what could not be looked at; uutils' has complained.
    known: Option<FileStatus>,
    /// The name as it is shown.
    name: String,
    is_quoted: bool,
}

/// What writes a listing.
struct Listing<'a> {
    request: Request,
    colors: Option<Colors>,
    /// uutils', for the names of directories.
    headings: TextOutput<'a>,
    /// The next entries are those of a directory, and have a total before them.
    is_directory: bool,
    out: Vec<u8>,
}

impl<'a> Listing<'a> {
    fn new(request: Request, config: &'a Config) -> Listing<'a> {
        let colors = request.color.then(Colors::from_environment);
        Listing { request, colors, headings: TextOutput::new(config), is_directory: false, out: vec![] }
    }

    fn entries(&self, found: &[PathData], config: &Config) -> Vec<Entry> {
        let entry = |found: &PathData| {
            let info = found.to_entry_info(config);
            let symlinks = if info.must_dereference { Symlinks::Follow } else { Symlinks::NoFollow };
            let known = info.metadata.is_some().then(|| info.path.to_text()).and_then(|path| {
                let link = || filesystem::status(&path, Symlinks::NoFollow).ok();
                filesystem::status(&path, symlinks).ok().or_else(link)
            });
            let (name, is_quoted) = request::shown(&info.display_name, self.request.quoting);
            Entry { info, known, name, is_quoted }
        };
        let mut entries: Vec<Entry> = found.iter().map(entry).collect();
        self.request.order(&mut entries);
        entries
    }

    fn write_total(&mut self, entries: &[Entry]) {
        let sum = entries.iter().filter_map(|entry| entry.known.as_ref()).map(line::bytes_kept).sum();
        let total = self.request.blocks(sum);
        self.put(&format!("total {total}"));
        self.out.push(self.request.end);
    }

    fn put(&mut self, text: &str) {
        self.out.extend_from_slice(&encode(text));
    }

    /// Names, each with what goes before and after it.
    fn write_names(&mut self, entries: &[Entry], config: &Config) {
        let widths = Widths::of(entries, &self.request);
        let is_aligned = entries.iter().any(|entry| entry.is_quoted)
            && matches!(config.format, Format::Columns | Format::Across);
        let mut cells: Vec<String> = vec![];
        for entry in entries {
            let mut cell = String::new();
            line::leading(entry, &self.request, &widths, config.format == Format::Commas, &mut cell);
            if is_aligned && !entry.is_quoted {
                cell.push(' ');
            }
            self.name(entry, &mut cell);
            cells.push(cell);
        }
        match config.format {
            Format::Columns => self.write_grid(&cells, false),
            Format::Across => self.write_grid(&cells, true),
            Format::Commas => self.write_commas(&cells),
            Format::Long | Format::OneLine => {
                for cell in cells {
                    self.put(&cell);
                    self.out.push(self.request.end);
                }
            }
        }
    }

    /// The name of an entry and the letter that tells its kind.
    fn name(&mut self, entry: &Entry, text: &mut String) {
        match &mut self.colors {
            Some(colors) => colors.paint(entry, &entry.name, text),
            None => text.push_str(&entry.name),
        }
        if let Some(known) = &entry.known {
            text.extend(self.request.indicator(known));
        }
    }

    fn write_grid(&mut self, cells: &[String], is_across: bool) {
        let grid = Grid::new(cells, is_across, self.request.width, self.request.tab_size);
        self.put(&grid.to_string());
    }

    fn write_commas(&mut self, cells: &[String]) {
        let mut column = 0;
        for (at, cell) in cells.iter().enumerate() {
            let width = ansi_width(cell);
            if at > 0 {
                if self.request.width != 0 && column + width + 1 > self.request.width {
                    self.put(",\n");
                    column = 0;
                } else {
                    self.put(", ");
                }
            }
            self.put(cell);
            column += width + 2;
        }
        if !cells.is_empty() {
            self.out.push(self.request.end);
        }
    }
}

impl LsOutput for Listing<'_> {
    fn write_entries(&mut self, entries: &[PathData], config: &Config) -> UResult<()> {
        let entries = self.entries(entries, config);
        if std::mem::take(&mut self.is_directory) {
            self.write_total(&entries);
        }
        if config.format == Format::Long {
            self.write_lines(&entries)?;
        } else {
            self.write_names(&entries, config);
        }
        Ok(())
    }

    fn write_dir_header(&mut self, path: &PathData, config: &Config, is_first: bool) -> UResult<()> {
        // What is written there is written at once.
        self.flush()?;
        self.headings.write_dir_header(path, config, is_first)?;
        self.headings.flush()
    }

    fn write_total(&mut self, _: u64, _: &Config) -> UResult<()> {
        self.is_directory = true;
        Ok(())
    }

    fn flush(&mut self) -> UResult<()> {
        let out = std::mem::take(&mut self.out);
        let mut stdout = io::stdout().lock();
        stdout.write_all(&out)?;
        stdout.flush()?;
        Ok(())
    }
}
