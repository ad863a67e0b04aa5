//! `jq` and `yq`: the programs around the language of `jaq`, which is a library; options and exit statuses are jq's.

use cordon_vm::byte_text::{ToText, shown};
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read, Write};

use bytes::Bytes;
use cordon_multicall::say;
use jaq_all::data::{self, Filter, Runner};
use jaq_all::fmts::write::{Writer, write};
use jaq_all::fmts::{Format, read};
use jaq_all::jaq_core::compile::Compiler;
use jaq_all::jaq_core::load::{Arena, File, Loader, import};
use jaq_all::jaq_core::{Exn, ValT, Vars};
use jaq_all::json::Val;
use jaq_all::json::write::{Pp, Styles};
use jaq_all::load::{FileReports, FileReportsDisp, compile_errors, load_errors};

/// Exit statuses: the last output was false or null, wrong use or no file, no program, no output, an error of the program.
const FALSE: i32 = 1;
const TROUBLE: i32 = 2;
const NO_PROGRAM: i32 = 3;
const NO_OUTPUT: i32 = 4;
const ERROR: i32 = 5;

const HELP: &str = "\
Usage:	jq [OPTIONS] FILTER [FILES...]
	jq [OPTIONS] -f FILE [FILES...]
	jq [OPTIONS] --args FILTER [STRINGS...]
	jq [OPTIONS] --jsonargs FILTER [JSON_VALUES...]

  -n, --null-input           the input is `null`
  -R, --raw-input            each line is a string, not JSON
  -s, --slurp                all inputs are one array, or one string
  -c, --compact-output       no newlines and blanks
  -r, --raw-output           strings without quotes
  -j, --join-output          the same, without newlines between
      --raw-output0          the same, with a NUL after each
  -S, --sort-keys            keys in order
  -C, --color-output         with colors
  -M, --monochrome-output    without
      --tab                  indent with tabs
      --indent N             indent with N blanks
  -f, --from-file            the filter is in a file
      --arg NAME VALUE       $NAME is the string
      --argjson NAME JSON    $NAME is the value
      --slurpfile NAME FILE  $NAME is an array of the values in the file
      --rawfile NAME FILE    $NAME is the text of the file
  -e, --exit-status          1 if the last output is false or null, 4 if there is none";

#[derive(Default)]
struct Options {
    null: bool,
    raw_input: bool,
    slurp: bool,
    compact: bool,
    raw: bool,
    join: bool,
    nul: bool,
    sort: bool,
    color: bool,
    indent: Option<String>,
    from_file: bool,
    status: bool,
    named: Vec<(String, Val)>,
    filter: Option<String>,
    /// The program has a word with which it may ask for input by itself.
    filter_reads: bool,
    files: Vec<String>,
    positional: Vec<Val>,
    /// Other forms than JSON, for `yq`.
    from: Option<Format>,
    to: Option<Format>,
    /// The file that gets the output.
    target: Option<String>,
}

/// Why it ends: the exit status and what is said of it.
struct Failure(i32, String);

pub fn main(args: std::vec::IntoIter<OsString>) -> i32 {
    let words = args.skip(1).map(|word| word.to_text().into_owned());
    let done = read_options(words).and_then(|options| match options {
        Some(options) => run(options),
        None => Ok(0),
    });
    match done {
        Ok(status) => status,
        Err(Failure(status, message)) => {
            if !message.is_empty() {
                say(&mut io::stderr(), &message);
            }
            status
        }
    }
}

fn misuse(message: &str) -> Failure {
    Failure(TROUBLE, format!("jq: error: {message}\nUse jq --help for help with command-line options"))
}

/// None if all that was asked for is said.
fn read_options(words: impl Iterator<Item = String>) -> Result<Option<Options>, Failure> {
    #[derive(Clone, Copy)]
    enum Rest {
        Files,
        Strings,
        Json,
    }
    let mut options = Options::default();
    let mut rest = Rest::Files;
    let mut only_operands = false;
    let mut words = words;
    while let Some(word) = words.next() {
        if only_operands || !word.starts_with('-') || word.len() == 1 {
            match rest {
                _ if options.filter.is_none() => options.filter = Some(word),
                Rest::Files => options.files.push(word),
                Rest::Strings => options.positional.push(Val::from(shown(&word).into_owned())),
                Rest::Json => options.positional.push(json(&word, "--jsonargs")?),
            }
            continue;
        }
        let mut value = |option: &str, of: usize| {
            let values: Vec<String> = words.by_ref().take(of).collect();
            if values.len() < of {
                return Err(misuse(&format!("{option} takes {of} parameter(s)")));
            }
            Ok(values)
        };
        match word.strip_prefix("--") {
            Some("") => only_operands = true,
            Some("help") => {
                say(&mut io::stdout(), HELP);
                return Ok(None);
            }
            Some("version") => {
                say(&mut io::stdout(), "jq-1.7 (jaq 3.1)");
                return Ok(None);
            }
            Some("tab") => options.indent = Some("\t".into()),
            Some("indent") => {
                let width = &value("--indent", 1)?[0];
                let width: usize = width
                    .parse()
                    .ok()
                    .filter(|width| *width <= 7)
                    .ok_or_else(|| misuse("Cannot indent more than 7 characters"))?;
                options.compact |= width == 0;
                options.indent = Some(" ".repeat(width));
            }
            Some("arg") => {
                let [name, text] = pair(value("--arg", 2)?);
                options.named.push((name, Val::from(shown(&text).into_owned())));
            }
            Some("argjson") => {
                let [name, text] = pair(value("--argjson", 2)?);
                options.named.push((name, json(&text, "--argjson")?));
            }
            Some(option @ ("slurpfile" | "rawfile")) => {
                let [name, file] = pair(value(&word, 2)?);
                let unread = |why: &dyn std::fmt::Display| {
                    misuse(&format!("Bad JSON in --{option} {name} {file}: {why}"))
                };
                let value = if option == "rawfile" {
                    Val::from(fs::read_to_string(&file).map_err(|error| unread(&reason(&error)))?)
                } else {
                    read::json_array(&file).map_err(|error| unread(&reason(&error)))?
                };
                options.named.push((name, value));
            }
            Some("args") => rest = Rest::Strings,
            Some("jsonargs") => rest = Rest::Json,
            Some("raw-output0") => (options.raw, options.nul) = (true, true),
            Some(long) => {
                let letter = LONG.iter().find(|(known, _)| *known == long).map(|(_, letter)| *letter);
                let letter = letter.ok_or_else(|| misuse(&format!("Unknown arguments: {word}")))?;
                options.set(letter);
            }
            None => {
                for letter in word[1..].chars() {
                    match letter {
                        'h' => {
                            say(&mut io::stdout(), HELP);
                            return Ok(None);
                        }
                        letter if LONG.iter().any(|(_, known)| *known == letter) => options.set(letter),
                        _ => return Err(misuse(&format!("Unknown arguments: {word}"))),
                    }
                }
            }
        }
    }
    Ok(Some(options))
}

const LONG: &[(&str, char)] = &[
    ("null-input", 'n'),
    ("raw-input", 'R'),
    ("slurp", 's'),
    ("compact-output", 'c'),
    ("raw-output", 'r'),
    ("join-output", 'j'),
    ("ascii-output", 'a'),
    ("sort-keys", 'S'),
    ("color-output", 'C'),
    ("monochrome-output", 'M'),
    ("from-file", 'f'),
    ("exit-status", 'e'),
    ("unbuffered", 'u'),
];

impl Options {
    fn set(&mut self, letter: char) {
        match letter {
            'n' => self.null = true,
            'R' => self.raw_input = true,
            's' => self.slurp = true,
            'c' => self.compact = true,
            'r' => self.raw = true,
            'j' => (self.raw, self.join) = (true, true),
            'S' => self.sort = true,
            'C' => self.color = true,
            'M' => self.color = false,
            'f' => self.from_file = true,
            'e' => self.status = true,
            _ => {}
        }
    }

    fn writer(&self) -> Writer {
        let indent = self.indent.clone().unwrap_or_else(|| "  ".into());
        Writer {
            pp: Pp {
                indent: (!self.compact).then_some(indent),
                sort_keys: self.sort,
                styles: if self.color { Styles::ansi() } else { Styles::default() },
                sep_space: !self.compact,
            },
            format: self.to.unwrap_or(if self.raw { Format::Raw } else { Format::Json }),
            join: self.join,
        }
    }
}

fn pair(values: Vec<String>) -> [String; 2] {
    values.try_into().unwrap_or_default()
}

fn json(text: &str, option: &str) -> Result<Val, Failure> {
    read::json::parse_single(text.as_bytes())
        .map_err(|_| misuse(&format!("Invalid JSON text passed to {option}")))
}

fn reason(error: &io::Error) -> String {
    uucore::error::strip_errno(error)
}

fn run(mut options: Options) -> Result<i32, Failure> {
    let mut source = options.filter.take();
    if options.from_file {
        let file = source.take().ok_or_else(|| misuse("no program"))?;
        let unread =
            |error| Failure(TROUBLE, format!("jq: error: Could not open {file}: {}", reason(&error)));
        source = Some(fs::read_to_string(&file).map_err(unread)?);
    }
    let source = source.unwrap_or_else(|| ".".into());
    if is_too_deep(&source) {
        return Err(Failure(
            NO_PROGRAM,
            "jq: error: the program is too deeply nested\njq: 1 compile error".into(),
        ));
    }
    options.filter_reads = source.contains("input");
    let named: Vec<_> =
        options.named.iter().map(|(name, value)| (name.clone().into(), value.clone())).collect();
    let args = [
        ("positional".to_owned().into(), options.positional.iter().cloned().collect::<Val>()),
        ("named".to_owned().into(), Val::obj(named.into_iter().collect())),
    ];
    make_environment_unicode();
    let environment = std::env::vars().map(|(name, value)| (name.into(), Val::from(value))).collect();
    let mut variables = std::mem::take(&mut options.named);
    variables.push(("ARGS".into(), Val::obj(args.into_iter().collect())));
    variables.push(("ENV".into(), Val::obj(environment)));
    let (names, values): (Vec<String>, Vec<Val>) = variables.into_iter().unzip();
    let filter = compile(&source, &names).map_err(|reports| {
        let texts: String = reports.iter().map(|report| FileReportsDisp::new(report).to_string()).collect();
        Failure(NO_PROGRAM, format!("jq: error: {}jq: 1 compile error", texts.trim_start_matches("Error: ")))
    })?;

    let (input, is_missing) = input(&options)?;
    let format = options.from.unwrap_or(if options.raw_input { Format::Raw } else { Format::Json });
    let bytes = Bytes::from(input);
    let text =
        read::bytes_str(format, &bytes).map_err(|error| Failure(TROUBLE, format!("jq: error: {error}")))?;
    let inputs = read::parse(format, &bytes, text, options.slurp);
    let runner = Runner { null_input: options.null, color_err: false, writer: options.writer() };
    let mut out = io::BufWriter::new(match options.target {
        Some(_) => Out::Kept(vec![]),
        None => Out::Shown(io::stdout().lock()),
    });
    let mut has_document = false;
    let mut raw = options.writer();
    raw.format = Format::Raw;
    let mut last = None;
    let name = Val::Null;
    let result = data::run(
        &runner,
        &filter,
        Vars::new(values),
        (&name, inputs),
        |why| Failure(TROUBLE, format!("jq: error (at <stdin>:0): {why}")),
        |value| {
            let value = match value {
                Ok(value) => value,
                Err(end) => return Err(ended(end)),
            };
            last = Some(value.as_bool());
            // Texts alone are shown as they are in YAML.
            let is_text = options.raw && matches!(value, Val::TStr(_) | Val::BStr(_));
            let writer = if is_text { &raw } else { &runner.writer };
            let is_document = !is_text && matches!(writer.format, Format::Yaml);
            let written = if is_document {
                let has_parts = matches!(value, Val::Arr(_) | Val::Obj(_));
                let text = bare_document(writer, &value);
                text.and_then(|text| {
                    // One behind the other they are documents.
                    if has_parts && std::mem::replace(&mut has_document, true) {
                        out.write_all(b"---\n")?;
                    }
                    out.write_all(&text)
                })
            } else {
                write(&mut out, writer, &value)
            };
            let written = written.and_then(|()| if options.nul { out.write_all(b"\0") } else { Ok(()) });
            written.map_err(|error| match error.kind() {
                io::ErrorKind::BrokenPipe => Failure(TROUBLE, String::new()),
                _ => Failure(TROUBLE, format!("jq: error: writing output failed: {}", reason(&error))),
            })
        },
    );
    let flushed = out.flush();
    result?;
    if let (Some(target), Out::Kept(bytes)) = (&options.target, out.get_ref()) {
        let unwritten =
            |error| Failure(TROUBLE, format!("jq: error: Could not write {target}: {}", reason(&error)));
        fs::write(target, bytes).map_err(unwritten)?;
    }
    if flushed.is_err() || is_missing {
        return Ok(TROUBLE);
    }
    Ok(match last {
        _ if !options.status => 0,
        None => NO_OUTPUT,
        Some(is_true) => {
            if is_true {
                0
            } else {
                FALSE
            }
        }
    })
}

/// A document of YAML without the marks around it.
fn bare_document(writer: &Writer, value: &Val) -> io::Result<Vec<u8>> {
    let mut text = vec![];
    write(&mut text, writer, value)?;
    let bare = text.strip_prefix(b"---").unwrap_or(&text);
    let bare = bare.strip_suffix(b"...\n").unwrap_or(bare);
    let mut bare = bare.trim_ascii_start().to_vec();
    if bare.last() != Some(&b'\n') {
        bare.push(b'\n');
    }
    Ok(bare)
}

/// Where the output goes.
enum Out<'a> {
    Shown(io::StdoutLock<'a>),
    /// Written when all of it is there: the input may be the same file.
    Kept(Vec<u8>),
}

impl Write for Out<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Shown(out) => out.write(bytes),
            Self::Kept(kept) => kept.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Shown(out) => out.flush(),
            Self::Kept(_) => Ok(()),
        }
    }
}

const YQ_HELP: &str = "\
Usage: yq [eval] [OPTIONS] [EXPRESSION] [FILES...]
The language is that of jq.

  -p, --input-format FORMAT    yaml, json, toml, xml, csv, tsv; by the file's name, else yaml
  -o, --output-format FORMAT   the same
  -i, --inplace                change the first file
  -r, --unwrapScalar           texts without quotes (as always in YAML)
  -n, --null-input             the input is `null`
  -s, --slurp                  all inputs are one array
  -e, --exit-status            1 if the last output is false or null, 4 if there is none
  -I, --indent N               indent with N blanks
  -S, --sort-keys              keys in order
  -C, -M                       with colors, without
  -P, --prettyPrint            accepted";

/// `yq`: the same for YAML and other forms. Options are named like those of the `yq` in Go.
/// Replaces what is no Unicode in the environment, as jq does: the crate reads it again, and takes nothing else.
fn make_environment_unicode() {
    for (name, value) in
        std::env::vars_os().filter(|pair| pair.0.to_str().is_none() || pair.1.to_str().is_none())
    {
        // SAFETY: this program has one thread.
        unsafe {
            std::env::remove_var(&name);
            std::env::set_var(&*name.to_string_lossy(), &*value.to_string_lossy());
        }
    }
}

pub fn yq(args: std::vec::IntoIter<OsString>) -> i32 {
    let done = read_yq_options(args).and_then(|options| match options {
        Some(options) => run(options),
        None => Ok(0),
    });
    match done {
        Ok(status) => status,
        Err(Failure(status, message)) => {
            if !message.is_empty() {
                say(&mut io::stderr(), &message.replace("jq: ", "yq: ").replace("jq --help", "yq --help"));
            }
            status
        }
    }
}

fn read_yq_options(args: std::vec::IntoIter<OsString>) -> Result<Option<Options>, Failure> {
    let longs = [
        "input-format:=p",
        "output-format:=o",
        "inplace=i",
        "unwrapScalar=r",
        "raw-output=r",
        "null-input=n",
        "slurp=s",
        "exit-status=e",
        "indent:=I",
        "sort-keys=S",
        "colors=C",
        "no-colors=M",
        "prettyPrint=P",
        "no-doc=N",
        "tojson=j",
        "compact-output=c",
        "yaml-output=y",
        "help=h",
        "version=V",
    ];
    let parsed = cordon_multicall::options::parse(args, "p:o:irnseI:SCMPNjcyhV", &longs)
        .map_err(|message| misuse(&message))?;
    if parsed.has('h') {
        say(&mut io::stdout(), YQ_HELP);
        return Ok(None);
    }
    if parsed.has('V') {
        say(&mut io::stdout(), "yq (cordon; jaq 3.1)");
        return Ok(None);
    }
    let mut operands = parsed.words();
    if operands.first().is_some_and(|word| matches!(word.as_str(), "eval" | "e")) {
        operands.remove(0);
    }
    // A file alone is shown as it is.
    let is_file =
        |word: &String| !word.starts_with('.') && fs::metadata(word).is_ok_and(|about| about.is_file());
    let filter = if operands.is_empty() || (operands.len() == 1 && is_file(&operands[0])) {
        ".".to_owned()
    } else {
        operands.remove(0)
    };
    let named = |letter: char| -> Result<Option<Format>, Failure> {
        let Some(name) = parsed.value(letter) else { return Ok(None) };
        let name = match name {
            "auto" | "a" => return Ok(None),
            "y" | "yml" => "yaml",
            "j" => "json",
            "x" => "xml",
            "c" => "csv",
            "t" => "tsv",
            name => name,
        };
        let known = ["yaml", "json", "toml", "xml", "csv", "tsv", "cbor"].contains(&name);
        let format = Format::parse(name).filter(|_| known);
        format.map(Some).ok_or_else(|| misuse(&format!("unknown format '{name}'")))
    };
    let of_name = operands.first().and_then(|file| Format::determine(std::path::Path::new(file)));
    let from = named('p')?.or(of_name.filter(|format| !matches!(format, Format::Raw | Format::Raw0)));
    let to = match named('o')? {
        Some(to) => to,
        None if parsed.has('j') => Format::Json,
        None if parsed.has('y') => Format::Yaml,
        None => from.unwrap_or(Format::Yaml),
    };
    let indent = parsed.value('I').map(|text| text.parse::<usize>().map_err(|_| misuse("invalid indent")));
    let indent = indent.transpose()?.map(|width| width.min(16));
    let mut options = Options {
        raw: parsed.has('r') || matches!(to, Format::Yaml),
        filter_reads: filter.contains("input"),
        filter: Some(filter),
        null: parsed.has('n'),
        slurp: parsed.has('s'),
        status: parsed.has('e'),
        sort: parsed.has('S'),
        color: parsed.has('C') && !parsed.has('M'),
        compact: parsed.has('c') || indent == Some(0),
        indent: indent.map(|width| " ".repeat(width)),
        from: Some(from.unwrap_or(Format::Yaml)),
        to: Some(to),
        files: operands,
        ..Options::default()
    };
    if parsed.has('i') {
        let Some(file) = options.files.first() else { return Err(misuse("-i needs a file")) };
        options.target = Some(file.clone());
    }
    Ok(Some(options))
}

fn ended(end: Exn<'_, Val>) -> Failure {
    match end.get_err() {
        Ok(error) => Failure(ERROR, format!("jq: error (at <stdin>:0): {error}")),
        Err(end) => Failure(end.get_halt().unwrap_or(ERROR), String::new()),
    }
}

/// How deep brackets of a program may be in each other: it is read by calls that are as deep.
const NESTING_MAX: usize = 500;

/// Counted without looking at texts, whose brackets are few.
fn is_too_deep(code: &str) -> bool {
    let mut depth = 0usize;
    code.bytes().any(|byte| {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > NESTING_MAX
    })
}

fn compile(code: &str, names: &[String]) -> Result<Filter, Vec<FileReports<String>>> {
    let names: Vec<_> = names.iter().map(|name| format!("${name}")).collect();
    let arena = Arena::default();
    let file = File { path: String::new(), code };
    let modules = Loader::new(jaq_all::defs()).load(&arena, file).map_err(load_errors)?;
    import(&modules, |_| Err("modules are not supported".into())).map_err(load_errors)?;
    Compiler::default()
        .with_funs(data::funs())
        .with_global_vars(names.iter().map(|name| &**name))
        .compile(modules)
        .map_err(compile_errors)
}

/// All of the input: to jq files are one stream. Whether one was missing.
fn input(options: &Options) -> Result<(Vec<u8>, bool), Failure> {
    let mut all = vec![];
    let mut is_missing = false;
    if options.files.is_empty() {
        // Without input there is nothing to wait for, unless the program asks for it.
        if options.null && !options.filter_reads {
            return Ok((all, false));
        }
        if let Err(error) = io::stdin().lock().read_to_end(&mut all) {
            return Err(Failure(TROUBLE, format!("jq: error: {}", reason(&error))));
        }
        return Ok((all, false));
    }
    for file in &options.files {
        let read = match file.as_str() {
            "-" => {
                let mut read = vec![];
                io::stdin().lock().read_to_end(&mut read).map(|_| read)
            }
            file => fs::read(file),
        };
        match read {
            Ok(read) => {
                all.extend(read);
                if all.last().is_some_and(|last| *last != b'\n') && !options.raw_input {
                    all.push(b'\n');
                }
            }
            Err(error) => {
                let own = if options.from.is_some() { "yq" } else { "jq" };
                let line = format!("{own}: error: Could not open {file}: {}", reason(&error));
                say(&mut io::stderr(), &line);
                is_missing = true;
            }
        }
    }
    Ok((all, is_missing))
}
