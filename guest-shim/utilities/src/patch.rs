//! `patch`: applies differences in the unified, the context and the normal form.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Read};
use std::path::Path;

use cordon_multicall::files::reason;
use cordon_multicall::quoting::unquoted;
use cordon_multicall::{options, say};
use cordon_vm::byte_text::decoded;
use cordon_vm::filesystem;
use cordon_vm::types::Symlinks;

type Args = std::vec::IntoIter<OsString>;

const HELP: &str = "\
Usage: patch [OPTION]... [ORIGFILE [PATCHFILE]]

  -p NUM  --strip=NUM       Strip NUM leading components from file names.
  -F LINES  --fuzz LINES    Set the fuzz factor to LINES for inexact matching.
  -l  --ignore-whitespace   Ignore white space changes between patch and input.
  -c  -n  -u                Interpret the patch as a context, normal or unified difference.
  -N  --forward             Ignore patches that appear to be reversed or already applied.
  -R  --reverse             Assume patches were created with old and new files swapped.
  -i PATCHFILE  --input=PATCHFILE  Read patch from PATCHFILE instead of stdin.
  -o FILE  --output=FILE    Output patched files to FILE.
  -r FILE  --reject-file=FILE  Output rejects to FILE.
  -E  --remove-empty-files  Remove output files that are empty after patching.
  -t  --batch               Ask no questions; assume reversed where it appears so.
  -f  --force               Like -t, but ignore bad-Prereq patches, and assume unreversed.
  -s  --quiet  --silent     Work silently unless an error occurs.
  --dry-run                 Do not actually change any files; just print what would happen.
  -d DIR  --directory=DIR   Change the working directory to DIR first.
  -b  --backup              Back up the original contents of each file.
  --no-backup-if-mismatch   Back up mismatches only if otherwise requested.
  -z SUFFIX  --suffix=SUFFIX  Append SUFFIX to backup file names.";

#[rustfmt::skip]
const LONGS: &[&str] = &[
    "strip:=p", "fuzz:=F", "ignore-whitespace=l", "context=c", "normal=n", "unified=u", "forward=N", "reverse=R",
    "input:=i", "output:=o", "reject-file:=r", "remove-empty-files=E", "batch=t", "force=f", "quiet=s", "silent=s",
    "dry-run=0", "directory:=d", "backup=b", "backup-if-mismatch=1", "no-backup-if-mismatch=2", "suffix:=z",
    "prefix:=B", "verbose=3", "binary=4", "posix=5", "help=h", "version=v", "ed=e", "ifdef:=D", "merge::=m",
    "get:=g", "set-time=T", "set-utc=Z", "reject-format:=6", "read-only:=7", "follow-symlinks=8",
];

const TROUBLE: i32 = 2;

/// A line as it is in a file, with its end unless it has none.
type Line = Vec<u8>;

#[derive(Clone, Debug, PartialEq)]
enum Change {
    Same(Line),
    Gone(Line),
    New(Line),
}

#[derive(Clone, Debug)]
struct Hunk {
    /// Where it begins, and how many lines it has, before and after.
    old: (usize, usize),
    new: (usize, usize),
    changes: Vec<Change>,
}

impl Hunk {
    fn reversed(&self) -> Self {
        let changes = self.changes.iter().map(|change| match change {
            Change::Same(line) => Change::Same(line.clone()),
            Change::Gone(line) => Change::New(line.clone()),
            Change::New(line) => Change::Gone(line.clone()),
        });
        let mut changes: Vec<Change> = changes.collect();
        // What goes comes first, so that a reject is written as usual.
        let mut at = 0;
        while at < changes.len() {
            let end = changes[at..].iter().position(|change| matches!(change, Change::Same(_)));
            let end = end.map_or(changes.len(), |count| at + count);
            changes[at..end].sort_by_key(|change| matches!(change, Change::New(_)));
            at = end + 1;
        }
        Self { old: self.new, new: self.old, changes }
    }

    fn side(&self, is_new: bool) -> Vec<&Line> {
        self.changes
            .iter()
            .filter_map(|change| match change {
                Change::Same(line) => Some(line),
                Change::Gone(line) => (!is_new).then_some(line),
                Change::New(line) => is_new.then_some(line),
            })
            .collect()
    }

    /// How many lines of context are in front and behind.
    fn context(&self) -> (usize, usize) {
        let is_same = |change: &&Change| matches!(change, Change::Same(_));
        let front = self.changes.iter().take_while(is_same).count();
        (front, self.changes.iter().rev().take_while(is_same).count())
    }
}

/// What a patch says of one file.
#[derive(Debug, Default)]
struct Part {
    /// Where it begins, and what stands before its first hunk.
    line: usize,
    header: Vec<String>,
    old: Option<String>,
    new: Option<String>,
    index: Option<String>,
    renamed: Option<(String, String)>,
    hunks: Vec<Hunk>,
}

pub fn main(args: Args) -> i32 {
    let fail = |message: &str| {
        say(&mut io::stderr(), &format!("patch: {message}"));
        TROUBLE
    };
    let parsed = match options::parse(args, "p:F:lcnuNRi:o:r:Etfsd:bz:B:hveD:m::g:TZ", LONGS) {
        Ok(parsed) => parsed,
        Err(message) => return fail(&format!("{message}\npatch: Try 'patch --help' for more information.")),
    };
    if parsed.has('h') {
        say(&mut io::stdout(), HELP);
        return 0;
    }
    if parsed.has('v') {
        say(&mut io::stdout(), "patch (cordon)");
        return 0;
    }
    if let Some((letter, _)) = parsed.options.iter().find(|(letter, _)| "eDmTZB".contains(*letter)) {
        return fail(&format!("**** option '-{letter}' is not supported"));
    }
    let number = |letter: char| -> Result<Option<usize>, String> {
        let text = parsed.value(letter);
        text.map(|text| text.parse().map_err(|_| text.to_owned())).transpose()
    };
    let (strip, fuzz) = match (number('p'), number('F')) {
        (Ok(strip), Ok(fuzz)) => (strip, fuzz.unwrap_or(2)),
        (Err(text), _) => return fail(&format!("**** strip count {text} is not a number")),
        (_, Err(text)) => return fail(&format!("**** fuzz factor {text} is not a number")),
    };
    if let Some(directory) = parsed.value('d')
        && let Err(error) = std::env::set_current_dir(directory)
    {
        return fail(&format!("**** Can't change to directory {directory} : {}", reason(&error)));
    }
    let names = parsed.words();
    if names.len() > 2 {
        return fail(&format!(
            "{}: extra operand\npatch: Try 'patch --help' for more information.",
            names[2]
        ));
    }
    let source = parsed.value('i').map(str::to_owned).or_else(|| names.get(1).cloned());
    let mut text = vec![];
    let read = match source.as_deref() {
        None | Some("-") => io::stdin().lock().read_to_end(&mut text).map(drop),
        Some(name) => fs::read(name).map(|bytes| text = bytes),
    };
    if let Err(error) = read {
        let name = source.unwrap_or_else(|| "-".into());
        return fail(&format!("**** Can't open patch file {name} : {}", reason(&error)));
    }
    let parts = match Reader::new(&text).parts() {
        Ok(parts) => parts,
        Err(message) => return fail(&format!("**** {message}")),
    };
    if parts.is_empty() {
        // Nothing at all is no mistake.
        return if text.is_empty() { 0 } else { fail("**** Only garbage was found in the patch input.") };
    }
    let job = Patch { parsed: &parsed, strip, fuzz, file: names.first().map(String::as_str) };
    let mut status = 0;
    for part in parts {
        match job.apply(part) {
            Ok(applied) => status = status.max(i32::from(!applied)),
            Err(message) => return fail(&format!("**** {message}")),
        }
    }
    status
}

/// Lines of a text, each with its end.
fn lines_of(text: &[u8]) -> Vec<Line> {
    text.split_inclusive(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect()
}

struct Reader {
    lines: Vec<Line>,
    at: usize,
}

impl Reader {
    fn new(text: &[u8]) -> Self {
        Self { lines: lines_of(text), at: 0 }
    }

    /// A line without its end, as far as it is text.
    fn text(&self, at: usize) -> String {
        let line = self.lines.get(at).map_or(&[][..], Vec::as_slice);
        decoded(line).trim_end_matches(['\n', '\r']).to_owned()
    }

    fn malformed<T>(&self) -> Result<T, String> {
        Err(format!("malformed patch at line {}: {}", self.at + 1, self.text(self.at)))
    }

    fn parts(&mut self) -> Result<Vec<Part>, String> {
        let mut parts: Vec<Part> = vec![];
        let mut part = Part::default();
        let mut is_started = false;
        while self.at < self.lines.len() {
            let line = self.text(self.at);
            let next = self.text(self.at + 1);
            let mut begin = |part: &mut Part, at: usize| {
                if !part.hunks.is_empty() || part.renamed.is_some() {
                    parts.push(std::mem::take(part));
                }
                if !is_started || part.header.is_empty() {
                    part.line = at + 1;
                }
                is_started = true;
            };
            if let Some(rest) = line.strip_prefix("diff --git ") {
                begin(&mut part, self.at);
                part.header = vec![line.clone()];
                // Used where no other names are told.
                part.index = rest.split(" b/").nth(1).map(|name| format!("b/{name}"));
                self.at += 1;
            } else if let Some(name) = line.strip_prefix("rename from ") {
                part.renamed = Some((name.to_owned(), String::new()));
                part.header.push(line);
                self.at += 1;
            } else if let (Some(name), Some((_, to))) = (line.strip_prefix("rename to "), &mut part.renamed) {
                name.clone_into(to);
                part.header.push(line);
                self.at += 1;
            } else if (line.starts_with("--- ") && next.starts_with("+++ "))
                || (line.starts_with("*** ") && next.starts_with("--- ") && !line.ends_with(" ****"))
            {
                begin(&mut part, self.at);
                part.header.extend([line.clone(), next.clone()]);
                (part.old, part.new) = (name_in(&line[4..]), name_in(&next[4..]));
                self.at += 2;
            } else if let Some(name) = line.strip_prefix("Index: ") {
                begin(&mut part, self.at);
                part.index = Some(name.trim().to_owned());
                part.header.push(line);
                self.at += 1;
            } else if line.starts_with("@@ -") {
                let hunk = self.unified(&line)?;
                part.hunks.push(hunk);
            } else if line.starts_with("***************") {
                let hunk = self.context()?;
                part.hunks.push(hunk);
            } else if let Some(hunk) = self.normal(&line)? {
                part.hunks.push(hunk);
            } else {
                if part.hunks.is_empty() && is_started {
                    part.header.push(line);
                }
                self.at += 1;
            }
        }
        if !part.hunks.is_empty() || part.renamed.is_some() {
            parts.push(part);
        }
        Ok(parts)
    }

    /// Takes the end from the last line where the patch says that it has none.
    fn trim(&mut self, line: &mut Line) {
        if self.lines.get(self.at).is_some_and(|next| next.starts_with(b"\\ ")) {
            self.at += 1;
            if line.last() == Some(&b'\n') {
                line.pop();
            }
        }
    }

    fn unified(&mut self, head: &str) -> Result<Hunk, String> {
        let range = |text: &str| -> Option<(usize, usize)> {
            let (start, count) = text.split_once(',').unwrap_or((text, "1"));
            Some((start.parse().ok()?, count.parse().ok()?))
        };
        let mut words = head.split(' ').skip(1);
        let old = words.next().and_then(|word| range(word.strip_prefix('-')?));
        let new = words.next().and_then(|word| range(word.strip_prefix('+')?));
        let (Some(old), Some(new)) = (old, new) else { return self.malformed() };
        self.at += 1;
        let (mut before, mut after) = (old.1, new.1);
        let mut changes = vec![];
        while before > 0 || after > 0 {
            let Some(line) = self.lines.get(self.at).cloned() else { return self.malformed() };
            let mut bare = line.get(1..).unwrap_or_default().to_vec();
            if bare.last() != Some(&b'\n') && line.len() > 1 {
                bare.push(b'\n');
            }
            let change: fn(Line) -> Change = match line.first() {
                Some(b' ' | b'\t') if before > 0 && after > 0 => Change::Same,
                // Mails lose the blank of an empty line.
                Some(b'\n') if before > 0 && after > 0 => {
                    bare = vec![b'\n'];
                    Change::Same
                }
                Some(b'-') if before > 0 => Change::Gone,
                Some(b'+') if after > 0 => Change::New,
                _ => return self.malformed(),
            };
            if line.first() == Some(&b'\t') {
                bare.insert(0, b'\t');
            }
            before -= usize::from(line.first() != Some(&b'+'));
            after -= usize::from(line.first() != Some(&b'-'));
            self.at += 1;
            self.trim(&mut bare);
            changes.push(change(bare));
        }
        Ok(Hunk { old, new, changes })
    }

    fn context(&mut self) -> Result<Hunk, String> {
        self.at += 1;
        let (old_start, old) = self.context_side("*** ", " ****", "--- ")?;
        let (new_start, new) = self.context_side("--- ", " ----", "")?;
        let changes = merged(&old, &new);
        let Some(changes) = changes else { return self.malformed() };
        let hunk = Hunk { old: (old_start, 0), new: (new_start, 0), changes };
        let counts = (hunk.side(false).len(), hunk.side(true).len());
        Ok(Hunk { old: (old_start, counts.0), new: (new_start, counts.1), ..hunk })
    }

    fn context_side(
        &mut self,
        front: &str,
        back: &str,
        until: &str,
    ) -> Result<(usize, Vec<(u8, Line)>), String> {
        let head = self.text(self.at);
        let range = head.strip_prefix(front).and_then(|rest| rest.strip_suffix(back));
        let Some(start) = range.and_then(|range| range.split(',').next()?.parse().ok()) else {
            return self.malformed();
        };
        self.at += 1;
        let mut lines = vec![];
        while let Some(line) = self.lines.get(self.at) {
            let text = self.text(self.at);
            let is_header = !until.is_empty() && text.starts_with(until) && text.ends_with(" ----");
            if is_header || !matches!(line.get(..2), Some(b"  " | b"! " | b"- " | b"+ ")) {
                break;
            }
            let (mark, mut bare) = (line[0], line[2..].to_vec());
            self.at += 1;
            self.trim(&mut bare);
            lines.push((mark, bare));
        }
        Ok((start, lines))
    }

    fn normal(&mut self, head: &str) -> Result<Option<Hunk>, String> {
        let Some(at) = head.find(['a', 'c', 'd']).filter(|at| *at > 0) else { return Ok(None) };
        let range = |text: &str| -> Option<(usize, usize)> {
            let (first, last) = text.split_once(',').unwrap_or((text, text));
            Some((first.parse().ok()?, last.parse().ok()?))
        };
        let (Some(old), Some(new)) = (range(&head[..at]), range(&head[at + 1..])) else { return Ok(None) };
        let letter = head.as_bytes()[at];
        self.at += 1;
        let mut changes = vec![];
        let mut side = |reader: &mut Self, mark: &[u8], change: fn(Line) -> Change| {
            while let Some(line) = reader.lines.get(reader.at).filter(|line| line.starts_with(mark)) {
                let mut bare = line[mark.len()..].to_vec();
                reader.at += 1;
                reader.trim(&mut bare);
                changes.push(change(bare));
            }
        };
        if letter != b'a' {
            side(self, b"< ", Change::Gone);
        }
        if letter == b'c' {
            if self.text(self.at) != "---" {
                return self.malformed();
            }
            self.at += 1;
        }
        if letter != b'd' {
            side(self, b"> ", Change::New);
        }
        let count = |range: (usize, usize)| (range.1 + 1).saturating_sub(range.0);
        // Where nothing is, the line before it is named.
        let old = if letter == b'a' { (old.0, 0) } else { (old.0, count(old)) };
        let new = if letter == b'd' { (new.0, 0) } else { (new.0, count(new)) };
        let hunk = Hunk { old, new, changes };
        if hunk.side(false).len() != old.1 || hunk.side(true).len() != new.1 {
            return self.malformed();
        }
        Ok(Some(hunk))
    }
}

/// Both sides of a context hunk as one; a side without changes may be left out.
fn merged(old: &[(u8, Line)], new: &[(u8, Line)]) -> Option<Vec<Change>> {
    let mut changes = vec![];
    let (mut o, mut n) = (0, 0);
    loop {
        while let Some((b'!' | b'-', line)) = old.get(o) {
            changes.push(Change::Gone(line.clone()));
            o += 1;
        }
        while let Some((b'!' | b'+', line)) = new.get(n) {
            changes.push(Change::New(line.clone()));
            n += 1;
        }
        match (old.get(o), new.get(n)) {
            (None, None) => return Some(changes),
            (Some((_, line)), Some((_, other))) if line == other => {
                changes.push(Change::Same(line.clone()));
                (o, n) = (o + 1, n + 1);
            }
            (Some((_, line)), None) if new.is_empty() || n >= new.len() && new.is_empty() => {
                changes.push(Change::Same(line.clone()));
                o += 1;
            }
            (None, Some((_, line))) if old.is_empty() => {
                changes.push(Change::Same(line.clone()));
                n += 1;
            }
            _ => return None,
        }
    }
}

/// The name in a header, without the time behind it. None for what is not there.
fn name_in(text: &str) -> Option<String> {
    if let Some((name, _)) = unquoted(text) {
        return Some(name).filter(|name| !name.is_empty());
    }
    let name = text.split('\t').next().unwrap_or_default().trim_end();
    // Times without a tab in front begin with a year.
    let name = match name.rfind(" 20").or(name.rfind(" 19")) {
        Some(at) if name[at..].contains(':') => name[..at].trim_end(),
        _ => name,
    };
    (!name.is_empty()).then(|| name.to_owned())
}

const NOTHING: &str = "/dev/null";

struct Patch<'a> {
    parsed: &'a options::Parsed,
    strip: Option<usize>,
    fuzz: usize,
    file: Option<&'a str>,
}

enum Question {
    No,
    Reverse,
    Skip,
}

impl Patch<'_> {
    fn has(&self, letter: char) -> bool {
        self.parsed.has(letter)
    }

    fn tell(&self, line: &str) {
        if !self.has('s') {
            say(&mut io::stdout(), line);
        }
    }

    /// A name without its first components, or only its last where nothing is said of that.
    fn stripped(&self, name: &str) -> Option<String> {
        let mut rest = name;
        match self.strip {
            None => rest = rest.rsplit('/').next().unwrap_or(rest),
            Some(count) => {
                for _ in 0..count {
                    rest = rest.split_once('/')?.1.trim_start_matches('/');
                }
            }
        }
        (!rest.is_empty()).then(|| rest.to_owned())
    }

    /// The file that a part is of.
    fn target(&self, part: &Part) -> Option<String> {
        if let Some(file) = self.file {
            return Some(file.to_owned());
        }
        let names = if self.has('R') { [&part.new, &part.old] } else { [&part.old, &part.new] };
        let names = [names[0], names[1], &part.index];
        let names: Vec<String> = names
            .into_iter()
            .flatten()
            .filter(|name| *name != NOTHING)
            .filter_map(|name| self.stripped(name))
            // Nothing outside of the folder is looked for.
            .filter(|name| !name.starts_with('/') && !name.split('/').any(|part| part == ".."))
            .collect();
        let depth = |name: &&String| {
            let base = name.rsplit('/').next().map_or(0, str::len);
            (name.matches('/').count(), base, name.len())
        };
        let found = names.iter().filter(|name| fs::metadata(name.as_str()).is_ok()).min_by_key(depth);
        let creates =
            part.old.as_deref() == Some(NOTHING) || part.hunks.first().is_some_and(|hunk| hunk.old.1 == 0);
        match found {
            Some(name) => Some(name.clone()),
            None if creates => names.iter().min_by_key(depth).cloned(),
            None => None,
        }
    }

    fn skip(&self, part: &Part, message: &str) -> bool {
        let hint = if self.strip.is_none() {
            "Perhaps you should have used the -p or --strip option?"
        } else {
            "Perhaps you used the wrong -p or --strip option?"
        };
        let header: String = part.header.iter().map(|line| format!("|{line}\n")).collect();
        let line = "--------------------------";
        say(
            &mut io::stdout(),
            &format!(
                "can't find file to patch at input line {}\n{hint}\nThe text leading up to this was:\n{line}\n\
                 {header}{line}{message}",
                part.line + part.header.len()
            ),
        );
        let count = part.hunks.len();
        let plural = if count == 1 { "" } else { "s" };
        say(&mut io::stdout(), &format!("{count} out of {count} hunk{plural} ignored"));
        false
    }

    /// Whether all of it was applied.
    fn apply(&self, mut part: Part) -> Result<bool, String> {
        if self.has('R') {
            part.hunks = part.hunks.iter().map(Hunk::reversed).collect();
            (part.old, part.new) = (part.new.take(), part.old.take());
            part.renamed = part.renamed.take().map(|(from, to)| (to, from));
        }
        let target = match &part.renamed {
            Some((from, _)) if self.file.is_none() => self.renamed_name(from),
            _ => self.target(&part),
        };
        self.apply_to(&part, target)
    }

    /// Names of renamings have no `a/` in front.
    fn renamed_name(&self, name: &str) -> Option<String> {
        match self.strip {
            Some(count) if count > 0 => {
                Self { strip: Some(count - 1), parsed: self.parsed, fuzz: 0, file: None }.stripped(name)
            }
            _ => self.stripped(name),
        }
    }

    fn apply_to(&self, part: &Part, target: Option<String>) -> Result<bool, String> {
        let Some(name) = target else {
            let asked = if self.has('f') || self.has('t') {
                "\nNo file to patch.  Skipping patch."
            } else {
                "\nFile to patch: \nSkip this patch? [y] \nSkipping patch."
            };
            return Ok(self.skip(part, asked));
        };
        let contents = match fs::read(&name) {
            Ok(contents) => contents,
            Err(error) if error.kind() == io::ErrorKind::NotFound => vec![],
            Err(error) => return Err(format!("Can't open file {name} : {}", reason(&error))),
        };
        let is_there = fs::metadata(&name).is_ok();
        let output = self.parsed.value('o').unwrap_or(&name);
        let verb = if self.has('0') { "checking" } else { "patching" };
        match &part.renamed {
            Some((from, to)) if self.parsed.value('o').is_none() => {
                let (from, to) = (self.renamed_name(from), self.renamed_name(to));
                let (from, to) = (from.unwrap_or_default(), to.unwrap_or_default());
                self.tell(&format!("{verb} file {to} (renamed from {from})"));
            }
            _ if output == name => self.tell(&format!("{verb} file {name}")),
            _ => self.tell(&format!("{verb} file {output} (read from {name})")),
        }
        let lines = lines_of(&contents);
        let mut hunks = part.hunks.clone();
        match self.question(&hunks, &lines, is_there) {
            Question::No => {}
            Question::Reverse => hunks = hunks.iter().map(Hunk::reversed).collect(),
            Question::Skip => {
                self.reject(part, &hunks, hunks.len(), &name, "ignored")?;
                return Ok(false);
            }
        }
        let mut applied = self.applied(&hunks, &lines);
        let failed = std::mem::take(&mut applied.failed);
        if !failed.is_empty() {
            let rejected: Vec<Hunk> = failed.iter().map(|at| hunks[*at].clone()).collect();
            self.reject(part, &rejected, hunks.len(), &name, "FAILED")?;
        }
        if self.has('0') {
            return Ok(failed.is_empty());
        }
        let is_backed = self.has('b') || (applied.is_inexact && !self.has('2'));
        if is_backed && output == name {
            let backup = format!("{name}{}", self.parsed.value('z').unwrap_or(".orig"));
            fs::write(&backup, &contents)
                .map_err(|error| format!("Can't create file {backup} : {}", reason(&error)))?;
        }
        if failed.len() == hunks.len() && !hunks.is_empty() {
            return Ok(false);
        }
        let output = match &part.renamed {
            Some((_, to)) if self.parsed.value('o').is_none() => {
                self.renamed_name(to).unwrap_or_else(|| name.clone())
            }
            _ => output.to_owned(),
        };
        let mode = filesystem::status(&name, Symlinks::Follow).map(|status| status.mode & 0o7777);
        let text = applied.lines.concat();
        let is_gone = text.is_empty() && (part.new.as_deref() == Some(NOTHING) || self.has('E'));
        let failed_to = |error: io::Error| format!("Can't create file {output} : {}", reason(&error));
        if is_gone && self.parsed.value('o').is_none() {
            fs::remove_file(&name).map_err(failed_to)?;
            // Folders that are empty then go, too.
            let mut parent = Path::new(&name).parent();
            while let Some(folder) = parent.filter(|folder| !folder.as_os_str().is_empty()) {
                if fs::remove_dir(folder).is_err() {
                    break;
                }
                parent = folder.parent();
            }
            return Ok(failed.is_empty());
        }
        if let Some(parent) = Path::new(&output).parent().filter(|parent| !parent.as_os_str().is_empty()) {
            fs::create_dir_all(parent).map_err(failed_to)?;
        }
        if output == "-" {
            io::Write::write_all(&mut io::stdout(), &text).map_err(failed_to)?;
            return Ok(failed.is_empty());
        }
        fs::write(&output, text).map_err(failed_to)?;
        if output != name && part.renamed.is_some() {
            fs::remove_file(&name).map_err(failed_to)?;
            if let Ok(mode) = mode {
                let _ = filesystem::set_mode(&output, mode);
            }
        }
        Ok(failed.is_empty())
    }

    /// Whether the first hunk fits only the other way round.
    fn question(&self, hunks: &[Hunk], lines: &[Line], is_there: bool) -> Question {
        let Some(first) = hunks.first() else { return Question::No };
        let place = |hunk: &Hunk| self.place(hunk, lines, 0, 0, 0).map(drop);
        let creates = first.old.1 == 0 && first.old.0 == 0;
        let fits = if creates { !is_there || lines.is_empty() } else { place(first).is_some() };
        if fits || self.has('f') || place(&first.reversed()).is_none() {
            return Question::No;
        }
        // With less context it may fit as it is.
        let (front, back) = first.context();
        let most = self.fuzz.min(front.max(back));
        if !creates && (1..=most).any(|fuzz| self.place(first, lines, fuzz, 0, 0).is_some()) {
            return Question::No;
        }
        let detected = if self.has('R') {
            "Unreversed (or previously applied) patch detected!"
        } else {
            "Reversed (or previously applied) patch detected!"
        };
        let other = if self.has('R') { "Ignore" } else { "Assume" };
        if self.has('N') {
            say(&mut io::stdout(), &format!("{detected}  Skipping patch."));
            return Question::Skip;
        }
        if self.has('t') {
            say(&mut io::stdout(), &format!("{detected}  {other}ing -R."));
            return Question::Reverse;
        }
        // Nobody is there to be asked.
        say(&mut io::stdout(), &format!("{detected}  {other} -R? [n] \nApply anyway? [n] \nSkipping patch."));
        Question::Skip
    }

    fn same(&self, one: &[u8], other: &[u8]) -> bool {
        if !self.has('l') {
            return one == other;
        }
        let words = |line: &[u8]| decoded(line).split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        words(one) == words(other)
    }

    /// Where a hunk's old lines are, counted from 0; near to where it says, moved by what others were moved by. With
    /// `fuzz` that many lines of context may differ.
    fn place(&self, hunk: &Hunk, lines: &[Line], fuzz: usize, moved: isize, from: usize) -> Option<usize> {
        let old = hunk.side(false);
        let guess = if hunk.old.1 == 0 { hunk.old.0 } else { hunk.old.0.saturating_sub(1) };
        let guess = guess.saturating_add_signed(moved);
        if old.is_empty() {
            return Some(guess.clamp(from.min(lines.len()), lines.len()));
        }
        let (front, back) = hunk.context();
        let context = front.max(back);
        // Less context on one side is left out later; none where the file begins or ends there.
        let (skipped_front, skipped_back) =
            ((fuzz + front).checked_sub(context), (fuzz + back).checked_sub(context));
        let at_start = skipped_front.is_none() && hunk.old.0 <= 1;
        let at_end = skipped_back.is_none();
        let skipped_front = skipped_front.unwrap_or(0).min(front);
        let skipped_back = skipped_back.unwrap_or(0).min(back);
        let pattern = old.get(skipped_front..old.len() - skipped_back)?;
        let fits = |at: usize| {
            let begin = at + skipped_front;
            at >= from
                && lines.get(begin..begin + pattern.len()).is_some_and(|part| {
                    part.iter().zip(pattern).all(|(line, wanted)| self.same(line, wanted))
                })
                && (!at_start || at == 0)
                && (!at_end || begin + pattern.len() == lines.len())
        };
        if at_start {
            return fits(0).then_some(0);
        }
        (0..=lines.len()).find_map(|distance| {
            let after = guess + distance;
            let before = guess.checked_sub(distance);
            [Some(after), before].into_iter().flatten().find(|at| *at <= lines.len() && fits(*at))
        })
    }

    fn applied(&self, hunks: &[Hunk], lines: &[Line]) -> Applied {
        let mut applied = Applied { lines: vec![], failed: vec![], is_inexact: false };
        let (mut moved, mut grown, mut from) = (0isize, 0isize, 0);
        let signed = |number: usize| isize::try_from(number).unwrap_or(isize::MAX);
        for (at, hunk) in hunks.iter().enumerate() {
            let (front, back) = hunk.context();
            let most = self.fuzz.min(front.max(back));
            let found = (0..=most).find_map(|fuzz| Some((self.place(hunk, lines, fuzz, moved, from)?, fuzz)));
            let number = at + 1;
            let Some((place, fuzz)) = found else {
                let line = hunk.old.0.saturating_add_signed(moved + grown);
                say(&mut io::stdout(), &format!("Hunk #{number} FAILED at {line}."));
                applied.failed.push(at);
                applied.is_inexact = true;
                continue;
            };
            let said = if hunk.old.1 == 0 { hunk.old.0 } else { hunk.old.0.saturating_sub(1) };
            let offset = signed(place) - signed(said);
            if fuzz > 0 || offset != 0 {
                applied.is_inexact = true;
                let mut text = format!("Hunk #{number} succeeded at {}", signed(place) + 1 + grown);
                if fuzz > 0 {
                    text.push_str(&format!(" with fuzz {fuzz}"));
                }
                if offset != 0 {
                    let plural = if offset.abs() == 1 { "" } else { "s" };
                    text.push_str(&format!(" (offset {offset} line{plural})"));
                }
                self.tell(&format!("{text}."));
            }
            moved = offset;
            applied.lines.extend_from_slice(lines.get(from..place).unwrap_or_default());
            let mut old = place;
            for change in &hunk.changes {
                match change {
                    // As the file has it, where that differs.
                    Change::Same(_) => {
                        applied.lines.extend(lines.get(old).cloned());
                        old += 1;
                    }
                    Change::Gone(_) => old += 1,
                    Change::New(line) => {
                        // A line that had no end gets one where something follows.
                        if let Some(last) = applied.lines.last_mut()
                            && last.last() != Some(&b'\n')
                        {
                            last.push(b'\n');
                        }
                        applied.lines.push(line.clone());
                    }
                }
            }
            grown += signed(hunk.side(true).len()) - signed(hunk.side(false).len());
            from = old.min(lines.len());
        }
        applied.lines.extend_from_slice(lines.get(from..).unwrap_or_default());
        applied
    }

    fn reject(
        &self,
        part: &Part,
        hunks: &[Hunk],
        count: usize,
        name: &str,
        verb: &str,
    ) -> Result<(), String> {
        let plural = if count == 1 { "" } else { "s" };
        let mut line = format!("{} out of {count} hunk{plural} {verb}", hunks.len());
        if self.has('0') {
            say(&mut io::stdout(), &line);
            return Ok(());
        }
        let file = self.parsed.value('r').map_or_else(|| format!("{name}.rej"), str::to_owned);
        if file != "-" {
            line.push_str(&format!(" -- saving rejects to file {file}"));
        }
        say(&mut io::stdout(), &line);
        if file == "-" {
            return Ok(());
        }
        let mut text = vec![];
        for (mark, own) in [("---", &part.old), ("+++", &part.new)] {
            let own = own.as_deref().unwrap_or(name);
            text.extend_from_slice(format!("{mark} {own}\n").as_bytes());
        }
        for hunk in hunks {
            let range = |(start, count): (usize, usize)| {
                if count == 1 { start.to_string() } else { format!("{start},{count}") }
            };
            text.extend_from_slice(format!("@@ -{} +{} @@\n", range(hunk.old), range(hunk.new)).as_bytes());
            for change in &hunk.changes {
                let (mark, line) = match change {
                    Change::Same(line) => (b' ', line),
                    Change::Gone(line) => (b'-', line),
                    Change::New(line) => (b'+', line),
                };
                text.push(mark);
                text.extend_from_slice(line);
                if line.last() != Some(&b'\n') {
                    text.extend_from_slice(b"\n\\ No newline at end of file\n");
                }
            }
        }
        fs::write(&file, text).map_err(|error| format!("Can't create file {file} : {}", reason(&error)))
    }
}

struct Applied {
    lines: Vec<Line>,
    /// Which hunks did not fit.
    failed: Vec<usize>,
    is_inexact: bool,
}
