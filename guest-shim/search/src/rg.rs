//! `rg`: ripgrep's options over its libraries.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use cordon_multicall::files::reason;
use cordon_multicall::options::{self, Parsed};
use cordon_multicall::say;
use cordon_vm::descriptors;
use cordon_vm::types::FileType;
use grep_printer::{ColorSpecs, JSONBuilder, StandardBuilder, Stats, SummaryBuilder, SummaryKind};
use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use grep_searcher::{BinaryDetection, Encoding, Searcher, SearcherBuilder};
use ignore::overrides::OverrideBuilder;
use ignore::types::TypesBuilder;
use ignore::{Walk, WalkBuilder};
use termcolor::{Ansi, NoColor, WriteColor};

use crate::told;

type Args = std::vec::IntoIter<OsString>;

const HELP: &str = "\
ripgrep (cordon)
Recursively searches the current directory for lines matching a regex pattern.

USAGE:
    rg [OPTIONS] PATTERN [PATH ...]
    rg [OPTIONS] -e PATTERN ... [PATH ...]
    rg [OPTIONS] -f PATTERNFILE ... [PATH ...]
    rg [OPTIONS] --files [PATH ...]
    rg [OPTIONS] --type-list
    command | rg [OPTIONS] PATTERN

OPTIONS:
    -A/-B/-C NUM   lines after, before, around      -c  count of lines     --count-matches
    -e PATTERN     several patterns                 -f FILE  patterns of a file
    -F  literal    -i  any case   -S  smart case    -w  words     -x  lines     -v  invert
    -g GLOB        files (with ! not)   --iglob     -t/-T TYPE  types   --type-list  --type-add
    -l  names of files that match   --files-without-match   --files   -0  names end in NUL
    -n/-N  line numbers   -H/-I  names   --heading   --column   -b  offsets   --vimgrep   --json
    -o  only what matches   -r TEXT  replacement   -m NUM  most lines   -M NUM  longest line
    -U  several lines   --multiline-dotall   -a  binary files as text   -E  encoding   --crlf
    -u  unrestricted: no ignore files; twice: hidden files; three times: binary files
    --hidden  --no-ignore  --no-ignore-vcs  --max-depth NUM  --max-filesize SIZE  --ignore-file FILE
    -q  quiet   --no-messages   --stats   --passthru   --trim   --sort path   --color WHEN   -p  pretty";

/// Letters of long options that have none.
#[rustfmt::skip]
const LONGS: &[&str] = &[
    "after-context:=A", "before-context:=B", "context:=C", "count=c", "regexp:=e", "encoding:=E",
    "fixed-strings=F", "file:=f", "glob:=g", "with-filename=H", "no-filename=I", "ignore-case=i", "threads:=j",
    "follow=L", "files-with-matches=l", "max-columns:=M", "max-count:=m", "no-line-number=N", "line-number=n",
    "only-matching=o", "pcre2=P", "pretty=p", "quiet=q", "replace:=r", "smart-case=S", "case-sensitive=s",
    "type-not:=T", "type:=t", "multiline=U", "unrestricted=u", "version=V", "invert-match=v", "word-regexp=w",
    "line-regexp=x", "search-zip=z", "null=0", "text=a", "byte-offset=b", "hidden=.", "help=h",
    "count-matches=α", "files=β", "files-without-match=γ", "type-list=δ", "type-add:=ε", "iglob:=ζ", "heading=η",
    "no-heading=θ", "column=ι", "vimgrep=κ", "json=λ", "multiline-dotall=μ", "crlf=ν", "no-ignore=ξ",
    "no-ignore-vcs=ο", "max-depth:=d", "maxdepth:=d", "max-filesize:=π", "ignore-file:=ρ", "no-messages=σ",
    "stats=τ", "passthru=υ", "trim=φ", "sort:=χ", "color:=ψ", "null-data=ω", "context-separator:=Α",
    "no-ignore-parent=Β", "no-require-git=Γ", "sortr:=Δ", "binary=Ε", "no-unicode=Ζ", "no-config=Η", "no-mmap=Η",
    "mmap=Η", "line-buffered=Η", "block-buffered=Η", "engine:=Θ", "no-ignore-global=Η", "no-ignore-dot=Ι",
    "glob-case-insensitive=Κ", "no-column=Λ", "no-hidden=Μ", "one-file-system=Η", "no-context-separator=Ν",
    "max-columns-preview=Ξ", "include-zero=Ο", "no-ignore-files=Η", "no-ignore-messages=Η", "debug=Η",
    "field-match-separator:=Π", "field-context-separator:=Ρ", "ignore-file-case-insensitive=Η", "no-ignore-exclude=Η",
    "regex-size-limit:=Θ", "dfa-size-limit:=Θ", "colors:=Θ", "hyperlink-format:=Θ", "stop-on-nonmatch=Σ",
];

pub fn main(args: Args) -> i32 {
    let parsed = match options::parse(args, "A:B:C:ce:E:Ff:g:HIij:LlM:m:NnoPpqr:SsT:t:UuVvwxz0abd:h.", LONGS)
    {
        Ok(parsed) => parsed,
        Err(message) => {
            say(&mut io::stderr(), &format!("rg: {message}\n\nFor more information try --help"));
            return 2;
        }
    };
    if parsed.has('h') {
        say(&mut io::stdout(), HELP);
        return 0;
    }
    if parsed.has('V') {
        say(&mut io::stdout(), "ripgrep (cordon)");
        return 0;
    }
    let is_colored = parsed.value('ψ').is_some_and(|when| matches!(when, "always" | "ansi"));
    let out = BufWriter::with_capacity(64 * 1024, io::stdout());
    let done = if is_colored || (parsed.has('p') && parsed.value('ψ') != Some("never")) {
        Rg::new(parsed).and_then(|rg| rg.run(Ansi::new(out)))
    } else {
        Rg::new(parsed).and_then(|rg| rg.run(NoColor::new(out)))
    };
    match done {
        Ok(status) => status,
        Err(message) => {
            say(&mut io::stderr(), &message);
            2
        }
    }
}

struct Rg {
    parsed: Parsed,
    paths: Vec<String>,
    patterns: Vec<String>,
    /// Names were given, rather than looked for where the program is.
    are_named: bool,
}

/// What came of all.
#[derive(Default)]
struct Outcome {
    matched: bool,
    failed: bool,
    stats: Stats,
    searches: u64,
}

impl Rg {
    fn new(parsed: Parsed) -> Result<Self, String> {
        for (letter, name) in [('P', "PCRE2 is"), ('z', "decompression is"), ('L', "following links is")] {
            if parsed.has(letter) {
                return Err(format!("rg: {name} not available in this build of ripgrep"));
            }
        }
        if let Some(sort) = parsed.value('χ').or(parsed.value('Δ'))
            && (parsed.has('Δ') || !matches!(sort, "path" | "none"))
        {
            return Err(format!("rg: sorting by '{sort}' is not available in this build of ripgrep"));
        }
        let mut paths = parsed.words();
        let mut patterns = vec![];
        for (letter, value) in &parsed.options {
            match letter {
                'e' => patterns.push(value.clone()),
                'f' => {
                    let lines: io::Result<Vec<String>> = match value.as_str() {
                        "-" => io::stdin().lock().lines().collect(),
                        name => File::open(name).and_then(|file| BufReader::new(file).lines().collect()),
                    };
                    patterns.extend(lines.map_err(|error| format!("{value}: {}", reason(&error)))?);
                }
                _ => {}
            }
        }
        let has_patterns = parsed.has('e') || parsed.has('f');
        if !has_patterns && !parsed.has('β') && !parsed.has('δ') {
            if paths.is_empty() {
                return Err("rg: ripgrep requires at least one pattern to execute a search".into());
            }
            patterns.push(paths.remove(0));
        }
        let are_named = !paths.is_empty();
        Ok(Self { parsed, paths, patterns, are_named })
    }

    fn has(&self, letter: char) -> bool {
        self.parsed.has(letter)
    }

    fn number(&self, letter: char) -> Result<Option<u64>, String> {
        let parsed = self.parsed.value(letter).map(|text| {
            text.parse::<u64>()
                .map_err(|_| format!("rg: error parsing '{text}': value is not a valid number"))
        });
        parsed.transpose()
    }

    /// Whichever of two options comes last.
    fn later(&self, one: char, other: char) -> Option<char> {
        self.parsed
            .options
            .iter()
            .rev()
            .map(|(letter, _)| *letter)
            .find(|letter| *letter == one || *letter == other)
    }

    fn matcher(&self) -> Result<RegexMatcher, String> {
        let mut builder = RegexMatcherBuilder::new();
        let case = self
            .parsed
            .options
            .iter()
            .rev()
            .map(|(letter, _)| *letter)
            .find(|letter| "isS".contains(*letter));
        builder
            .multi_line(true)
            .unicode(!self.has('Ζ'))
            .octal(false)
            .fixed_strings(self.has('F'))
            .case_insensitive(case == Some('i'))
            .case_smart(case == Some('S'))
            .word(self.has('w'))
            .whole_line(self.has('x'))
            .dot_matches_new_line(self.has('μ'));
        if !self.has('U') {
            builder.line_terminator(Some(if self.has('ω') { 0 } else { b'\n' }));
        }
        if self.has('ν') {
            builder.crlf(true);
        }
        builder.build_many(&self.patterns).map_err(|error| {
            let text = error.to_string();
            if text.contains("line terminator") || text.contains("not allowed in a regex") {
                format!("rg: {text}\n\nConsider enabling multiline mode with the --multiline flag (or -U for short).")
            } else {
                format!("rg: {text}")
            }
        })
    }

    fn searcher(&self) -> Result<Searcher, String> {
        let around = self.number('C')?;
        let lines = |count: Option<u64>| usize::try_from(count.or(around).unwrap_or(0)).unwrap_or(usize::MAX);
        let mut builder = SearcherBuilder::new();
        builder
            .after_context(lines(self.number('A')?))
            .before_context(lines(self.number('B')?))
            .invert_match(self.has('v'))
            .line_number(self.shows_lines())
            .multi_line(self.has('U'))
            .passthru(self.has('υ'))
            .stop_on_nonmatch(self.has('Σ'))
            .max_matches(self.number('m')?);
        if self.has('ω') {
            builder.line_terminator(grep_matcher::LineTerminator::byte(0));
        } else if self.has('ν') {
            builder.line_terminator(grep_matcher::LineTerminator::crlf());
        }
        match self.parsed.value('E') {
            None | Some("auto") => {}
            Some("none") => {
                builder.bom_sniffing(false);
            }
            Some(label) => {
                let encoding = Encoding::new(label).map_err(|error| format!("rg: {error}"))?;
                builder.encoding(Some(encoding));
            }
        }
        Ok(builder.build())
    }

    fn shows_lines(&self) -> bool {
        match self.later('n', 'N') {
            Some('n') => true,
            Some(_) => false,
            None => self.has('p') || self.has('κ') || self.has('λ') || self.has('ι'),
        }
    }

    fn walk(&self) -> Result<Walk, String> {
        let mut paths = self.paths.iter();
        let mut builder = WalkBuilder::new(paths.next().map_or("./", String::as_str));
        for path in paths {
            builder.add(path);
        }
        let unrestricted = self.parsed.options.iter().filter(|(letter, _)| *letter == 'u').count();
        let ignores = unrestricted == 0 && !self.has('ξ');
        let ignores_vcs = ignores && !self.has('ο');
        builder
            .hidden(!(self.later('.', 'Μ') == Some('.') || unrestricted > 1))
            .parents(ignores && !self.has('Β'))
            .ignore(ignores && !self.has('Ι'))
            .git_global(false)
            .git_ignore(ignores_vcs)
            .git_exclude(ignores_vcs)
            .require_git(!self.has('Γ'))
            .max_depth(self.number('d')?.and_then(|depth| usize::try_from(depth).ok()))
            .sort_by_file_name(|one, other| one.cmp(other));
        if ignores && !self.has('Ι') {
            builder.add_custom_ignore_filename(".rgignore");
        }
        for (_, file) in self.parsed.options.iter().filter(|(letter, _)| *letter == 'ρ') {
            if let Some(error) = builder.add_ignore(file) {
                say(&mut io::stderr(), &format!("rg: {error}"));
            }
        }
        if let Some(text) = self.parsed.value('π') {
            let unit = |end: char, factor: u64| text.strip_suffix(end).map(|digits| (digits, factor));
            let (digits, factor) =
                unit('K', 1 << 10).or(unit('M', 1 << 20)).or(unit('G', 1 << 30)).unwrap_or((text, 1));
            let size = digits.parse::<u64>().ok().and_then(|size| size.checked_mul(factor));
            let size = size.ok_or_else(|| format!("rg: error parsing '{text}': invalid format for size"))?;
            builder.max_filesize(Some(size));
        }
        let mut overrides = OverrideBuilder::new("./");
        for (letter, glob) in &self.parsed.options {
            let folds = match letter {
                'g' => self.has('Κ'),
                'ζ' => true,
                _ => continue,
            };
            overrides
                .case_insensitive(folds)
                .and_then(|builder| builder.add(glob))
                .map_err(|error| format!("rg: {error}"))?;
        }
        builder.overrides(overrides.build().map_err(|error| format!("rg: {error}"))?);
        builder.types(self.types()?.build().map_err(|error| format!("rg: {error}"))?);
        Ok(builder.build())
    }

    fn types(&self) -> Result<TypesBuilder, String> {
        let mut types = TypesBuilder::new();
        types.add_defaults();
        for (letter, value) in &self.parsed.options {
            match letter {
                'ε' => types.add_def(value).map_err(|error| format!("rg: {error}"))?,
                't' => drop(types.select(value)),
                'T' => drop(types.negate(value)),
                _ => {}
            }
        }
        Ok(types)
    }

    fn run<W: WriteColor>(mut self, mut out: W) -> Result<i32, String> {
        if self.has('δ') {
            for definition in self.types()?.definitions() {
                say(&mut out, &format!("{}: {}", definition.name(), definition.globs().join(", ")));
            }
            return Ok(0);
        }
        if !self.are_named {
            // What comes through a pipe or from a file is what is searched.
            let input =
                descriptors::inherited(0).and_then(|input| input.status()).map(|input| input.file_type);
            // The input of what a VM was asked to run is a pipe too, most often one that nothing comes through.
            let is_input = matches!(input, Ok(FileType::Fifo | FileType::RegularFile))
                && !self.has('β')
                && io::stdin().lock().fill_buf().is_ok_and(|bytes| !bytes.is_empty());
            self.paths.push(if is_input { "-" } else { "./" }.into());
        }
        if self.has('β') {
            return self.files(&mut out);
        }
        let matcher = self.matcher()?;
        let mut outcome = Outcome::default();
        let begun = std::time::Instant::now();
        self.search(&matcher, &mut out, &mut outcome)?;
        let Outcome { matched, failed, stats, searches } = &outcome;
        if self.has('λ') {
            let (elapsed, spent) = (begun.elapsed(), stats.elapsed());
            let line = format!(
                "{{\"data\":{{\"elapsed_total\":{{\"human\":\"{:.6}s\",\"nanos\":{},\"secs\":{}}},\"stats\":\
                 {{\"bytes_printed\":{},\"bytes_searched\":{},\"elapsed\":{{\"human\":\"{:.6}s\",\"nanos\":{},\
                 \"secs\":{}}},\"matched_lines\":{},\"matches\":{},\"searches\":{searches},\
                 \"searches_with_match\":{}}}}},\"type\":\"summary\"}}",
                elapsed.as_secs_f64(),
                elapsed.subsec_nanos(),
                elapsed.as_secs(),
                stats.bytes_printed(),
                stats.bytes_searched(),
                spent.as_secs_f64(),
                spent.subsec_nanos(),
                spent.as_secs(),
                stats.matched_lines(),
                stats.matches(),
                stats.searches_with_match(),
            );
            say(&mut out, &line);
        } else if self.has('τ') {
            let line = format!(
                "\n{} matches\n{} matched lines\n{} files contained matches\n{searches} files searched\n{} bytes \
                 printed\n{} bytes searched\n{:.6} seconds spent searching\n{:.6} seconds",
                stats.matches(),
                stats.matched_lines(),
                stats.searches_with_match(),
                stats.bytes_printed(),
                stats.bytes_searched(),
                stats.elapsed().as_secs_f64(),
                begun.elapsed().as_secs_f64(),
            );
            say(&mut out, &line);
        }
        let is_written = out.flush().is_ok();
        Ok(match (*matched, *failed) {
            (true, true) if self.has('q') => 0,
            (true, false) if is_written => 0,
            (false, false) => 1,
            _ => 2,
        })
    }

    fn complain(&self, message: &str) {
        if !self.has('σ') {
            say(&mut io::stderr(), &format!("rg: {message}"));
        }
    }

    fn files(&self, out: &mut impl Write) -> Result<i32, String> {
        let (mut matched, mut failed) = (false, false);
        for entry in self.walk()? {
            match entry {
                Ok(entry) if entry.file_type().is_some_and(|kind| kind.is_file()) => {
                    matched = true;
                    let end = if self.has('0') { '\0' } else { '\n' };
                    let path = shown(entry.path(), self.are_named);
                    if self.has('q') || write!(out, "{}{end}", path.display()).is_err() {
                        break;
                    }
                }
                Ok(_) => {}
                Err(error) => {
                    self.complain(&told(&error));
                    failed = true;
                }
            }
        }
        let _ = out.flush();
        Ok(if failed { 2 } else { i32::from(!matched) })
    }

    fn shows_names(&self) -> bool {
        match self.later('H', 'I') {
            Some('H') => true,
            Some(_) => false,
            None => {
                self.has('κ')
                    || self.paths.len() > 1
                    || self
                        .paths
                        .first()
                        .is_some_and(|path| fs::metadata(path).is_ok_and(|about| about.is_dir()))
            }
        }
    }

    /// Whether it goes on.
    fn each(
        &self,
        outcome: &mut Outcome,
        mut search: impl FnMut(&mut Searcher, Option<&Path>) -> io::Result<Searched>,
    ) -> Result<(), String> {
        let mut searcher = self.searcher()?;
        let unrestricted = self.parsed.options.iter().filter(|(letter, _)| *letter == 'u').count();
        let mut one = |path: Option<&Path>, is_named: bool, outcome: &mut Outcome| -> bool {
            let binary = if self.has('a') || self.has('ω') {
                BinaryDetection::none()
            } else if is_named || self.has('Ε') || unrestricted > 2 {
                BinaryDetection::convert(0)
            } else {
                BinaryDetection::quit(0)
            };
            searcher.set_binary_detection(binary);
            outcome.searches += 1;
            match search(&mut searcher, path) {
                Ok(searched) => {
                    outcome.matched |= searched.matched;
                    if let Some(stats) = searched.stats {
                        outcome.stats += &stats;
                    }
                    !(outcome.matched && self.has('q') && !self.has('τ'))
                }
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => false,
                Err(error) => {
                    let name = path.map_or("<stdin>".into(), |path| path.display().to_string());
                    self.complain(&format!("{name}: {}", reason(&error)));
                    outcome.failed = true;
                    true
                }
            }
        };
        if self.paths.iter().any(|path| path == "-") && !one(None, true, outcome) {
            return Ok(());
        }
        if self.paths.iter().all(|path| path == "-") {
            return Ok(());
        }
        let files = Self {
            parsed: Parsed { options: self.parsed.options.clone(), operands: vec![] },
            paths: self.paths.iter().filter(|path| *path != "-").cloned().collect(),
            patterns: vec![],
            are_named: self.are_named,
        };
        for entry in files.walk()? {
            match entry {
                Ok(entry) => {
                    if let Some(error) = entry.error() {
                        self.complain(&error.to_string());
                    }
                    let is_file = entry.file_type().is_some_and(|kind| kind.is_file());
                    let is_named = entry.depth() == 0;
                    let is_directory = entry.file_type().is_some_and(|kind| kind.is_dir());
                    if !is_file && (!is_named || is_directory) {
                        continue;
                    }
                    if !one(Some(shown(entry.path(), self.are_named)), is_named, outcome) {
                        return Ok(());
                    }
                }
                Err(error) => {
                    self.complain(&told(&error));
                    outcome.failed = true;
                }
            }
        }
        Ok(())
    }

    fn search<W: WriteColor>(
        &self,
        matcher: &RegexMatcher,
        out: &mut W,
        outcome: &mut Outcome,
    ) -> Result<(), String> {
        let kind = self.parsed.options.iter().rev().find_map(|(letter, _)| {
            Some(match letter {
                'l' => SummaryKind::PathWithMatch,
                'γ' => SummaryKind::PathWithoutMatch,
                'α' => SummaryKind::CountMatches,
                'c' if self.has('o') && !self.has('v') => SummaryKind::CountMatches,
                'c' => SummaryKind::Count,
                _ => return None,
            })
        });
        let is_lacking = kind.as_ref().is_some_and(|kind| matches!(kind, SummaryKind::PathWithoutMatch));
        let kind = if self.has('q') { Some(SummaryKind::QuietWithMatch) } else { kind };
        let colors = ColorSpecs::default_with_color();
        if self.has('λ') && kind.is_none() {
            let mut printer = JSONBuilder::new().build(out);
            return self.each(outcome, |searcher, path| {
                let mut sink = match path {
                    Some(path) => printer.sink_with_path(matcher, path),
                    None => printer.sink(matcher),
                };
                search_one(searcher, matcher, path, &mut sink)?;
                Ok(Searched { matched: sink.has_match(), stats: Some(sink.stats().clone()) })
            });
        }
        let path_end = self.has('0').then_some(0);
        if let Some(kind) = kind {
            let mut printer = SummaryBuilder::new()
                .kind(kind)
                .color_specs(colors)
                .stats(self.has('τ'))
                .path(self.shows_names())
                .exclude_zero(!self.has('Ο'))
                .path_terminator(path_end)
                .build(out);
            return self.each(outcome, |searcher, path| {
                let mut sink = match path {
                    Some(path) => printer.sink_with_path(matcher, path),
                    None => printer.sink(matcher),
                };
                search_one(searcher, matcher, path, &mut sink)?;
                let matched = sink.has_match() != is_lacking;
                Ok(Searched { matched, stats: sink.stats().cloned() })
            });
        }
        let is_headed = match self.later('η', 'θ') {
            Some('η') => true,
            Some(_) => false,
            None => self.has('p'),
        };
        let separator = if self.has('Ν') {
            None
        } else {
            Some(self.parsed.value('Α').unwrap_or("--").as_bytes().to_vec())
        };
        let is_around = !self.has('υ') && ['A', 'B', 'C'].iter().any(|letter| self.has(*letter));
        let mut builder = StandardBuilder::new();
        builder
            .color_specs(colors)
            .stats(self.has('τ'))
            .heading(is_headed)
            .path(self.shows_names())
            .only_matching(self.has('o'))
            .per_match(self.has('κ'))
            .per_match_one_line(true)
            .replacement(self.parsed.value('r').map(|text| text.as_bytes().to_vec()))
            .max_columns(self.number('M')?.filter(|most| *most > 0))
            .max_columns_preview(self.has('Ξ'))
            .column((self.has('ι') || self.has('κ')) && !self.has('Λ'))
            .byte_offset(self.has('b'))
            .trim_ascii(self.has('φ'))
            .separator_search(None)
            .separator_context(separator.clone())
            .path_terminator(path_end);
        if is_headed {
            builder.separator_search(Some(vec![]));
        } else if is_around {
            builder.separator_search(separator);
        }
        if let Some(separator) = self.parsed.value('Π') {
            builder.separator_field_match(separator.as_bytes().to_vec());
        }
        if let Some(separator) = self.parsed.value('Ρ') {
            builder.separator_field_context(separator.as_bytes().to_vec());
        }
        let mut printer = builder.build(out);
        self.each(outcome, |searcher, path| {
            let mut sink = match path {
                Some(path) => printer.sink_with_path(matcher, path),
                None if self.shows_names() => printer.sink_with_path(matcher, "<stdin>"),
                None => printer.sink_with_path(matcher, ""),
            };
            search_one(searcher, matcher, path, &mut sink)?;
            Ok(Searched { matched: sink.has_match(), stats: sink.stats().cloned() })
        })
    }
}

struct Searched {
    matched: bool,
    stats: Option<Stats>,
}

fn search_one<S: grep_searcher::Sink<Error = io::Error>>(
    searcher: &mut Searcher,
    matcher: &RegexMatcher,
    path: Option<&Path>,
    sink: &mut S,
) -> io::Result<()> {
    match path {
        Some(path) => searcher.search_file(matcher, &File::open(path)?, sink),
        None => searcher.search_reader(matcher, io::stdin().lock(), sink),
    }
}

/// A path as it is shown: without the `./` that nobody gave.
fn shown(path: &Path, are_named: bool) -> &Path {
    if are_named { path } else { path.strip_prefix("./").unwrap_or(path) }
}
