//! `make`, in GNU's form: what has to be made anew, by rules and times of files.
//!
//! `read` owns the language of makefiles, `text` variables and functions, `run` what is made and by which commands. Nothing
//! is made at the same time as another thing: `-j` changes nothing.

mod read;
mod run;
mod text;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::rc::Rc;

use cordon_multicall::{options, say};
use cordon_vm::byte_text::ToText;
use cordon_vm::process;

type Args = std::vec::IntoIter<OsString>;

/// Something is wrong with a makefile, or could not be made.
const TROUBLE: i32 = 2;

/// Why it goes no further, as it is told.
#[derive(Debug)]
pub struct Stop(pub String);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Origin {
    Default,
    Environment,
    File,
    CommandLine,
    Override,
    Automatic,
}

impl Origin {
    const fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Environment => "environment",
            Self::File => "file",
            Self::CommandLine => "command line",
            Self::Override => "override",
            Self::Automatic => "automatic",
        }
    }
}

#[derive(Clone, Debug)]
pub struct Variable {
    value: String,
    /// Whether its references are resolved when it is used.
    recursive: bool,
    origin: Origin,
}

impl Variable {
    fn simple(value: &str, origin: Origin) -> Self {
        Self { value: value.to_owned(), recursive: false, origin }
    }
}

/// The commands of a rule, and where they are.
#[derive(Debug)]
pub struct Recipe {
    file: String,
    lines: Vec<(usize, String)>,
}

/// One way in which something is made.
#[derive(Clone, Default, Debug)]
pub struct Rule {
    prerequisites: Vec<String>,
    order_only: Vec<String>,
    recipe: Option<Rc<Recipe>>,
    stem: Option<String>,
}

#[derive(Clone, Default, Debug)]
pub struct Target {
    rule: Rule,
    /// Rules with two colons, each for itself.
    doubles: Vec<Rule>,
    assignments: Vec<Assignment>,
    is_phony: bool,
}

#[derive(Clone, Debug)]
pub struct Assignment {
    name: String,
    operator: String,
    value: String,
    overrides: bool,
    exports: bool,
}

/// A rule with `%` in its targets.
#[derive(Clone, Debug)]
pub struct Pattern {
    targets: Vec<String>,
    rule: Rule,
}

#[derive(Default)]
pub struct Make {
    variables: HashMap<String, Variable>,
    scopes: Vec<HashMap<String, Variable>>,
    exported: HashMap<String, bool>,
    exports_all: bool,
    targets: BTreeMap<String, Target>,
    patterns: Vec<Pattern>,
    pattern_assignments: Vec<(String, Assignment)>,
    /// The first target, which is made where none is named.
    first: Option<String>,
    missing: Vec<(String, String)>,
    /// Where is read, or which command is run.
    place: Option<(String, usize)>,
    expanding: Vec<String>,
    depth: usize,
    name: String,
    options: Options,
    done: HashMap<String, run::Outcome>,
    visiting: Vec<String>,
    ran: usize,
    special: HashSet<String>,
    /// Files that makefiles name: what is not among them is only on the way to others.
    mentioned: HashSet<String>,
    temporary: Vec<String>,
}

#[derive(Clone, Default)]
struct Options {
    always: bool,
    dry: bool,
    silent: bool,
    keeps_going: bool,
    ignores: bool,
    asks: bool,
    touches: bool,
    environment_wins: bool,
    tells_directory: Option<bool>,
}

const USAGE: &str = "\
Usage: make [options] [target] ...
Options:
  -B, --always-make           Unconditionally make all targets.
  -C DIRECTORY, --directory=DIRECTORY
                              Change to DIRECTORY before doing anything.
  -e, --environment-overrides
                              Environment variables override makefiles.
  -f FILE, --file=FILE, --makefile=FILE
                              Read FILE as a makefile.
  -h, --help                  Print this message and exit.
  -i, --ignore-errors         Ignore errors from recipes.
  -j [N], --jobs[=N]          Accepted: one thing is made at a time.
  -k, --keep-going            Keep going when some targets can't be made.
  -n, --just-print, --dry-run, --recon
                              Don't actually run any recipe; just print them.
  -q, --question              Run no recipe; exit status says if up to date.
  -s, --silent, --quiet       Don't echo recipes.
  -t, --touch                 Touch targets instead of remaking them.
  -v, --version               Print the version number of make and exit.
  -w, --print-directory       Print the current directory.
      --no-print-directory    Turn off -w, even if it was turned on implicitly.";

const LONGS: &[&str] = &[
    "always-make=B",
    "directory:=C",
    "environment-overrides=e",
    "file:=f",
    "makefile:=f",
    "help=h",
    "ignore-errors=i",
    "jobs::=j",
    "keep-going=k",
    "just-print=n",
    "dry-run=n",
    "recon=n",
    "question=q",
    "silent=s",
    "quiet=s",
    "touch=t",
    "version=v",
    "print-directory=w",
    "no-print-directory=W",
    "no-builtin-rules=r",
    "no-builtin-variables=R",
    "include-dir:=I",
    "no-keep-going=S",
    "stop=S",
    "max-load::=l",
    "load-average::=l",
    "output-sync::=O",
    "trace=T",
    "warn-undefined-variables=U",
];

pub fn main(args: Args) -> i32 {
    let mut words: Vec<OsString> = args.collect();
    // `-j 4` is one option with or without its number.
    let mut at = 1;
    while at + 1 < words.len() {
        let is_number = words[at + 1]
            .to_str()
            .is_some_and(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit()));
        if matches!(words[at].to_str(), Some("-j" | "-l")) && is_number {
            words.remove(at + 1);
        }
        at += 1;
    }
    let parsed = match options::parse(words, "BbC:eEf:hI:ij::kl::mno:pqrRsStvwW:", LONGS) {
        Ok(parsed) => parsed,
        Err(message) => {
            say(&mut io::stderr(), &format!("make: {message}\n{USAGE}"));
            return TROUBLE;
        }
    };
    if parsed.has('h') {
        say(&mut io::stdout(), USAGE);
        return 0;
    }
    if parsed.has('v') {
        say(&mut io::stdout(), "GNU Make 4.3 as far as it goes (cordon)");
        return 0;
    }
    let level: usize = env::var("MAKELEVEL").ok().and_then(|level| level.parse().ok()).unwrap_or(0);
    let name = if level == 0 { "make".to_owned() } else { format!("make[{level}]") };
    if let Some(letter) = ['p', 'o', 'E'].into_iter().find(|letter| parsed.has(*letter)) {
        say(&mut io::stderr(), &format!("{name}: -{letter} is not supported"));
        return TROUBLE;
    }
    let mut letters: String = parsed.options.iter().map(|(letter, _)| *letter).collect();
    let (mut assignments, mut goals) = (vec![], vec![]);
    // What a `make` around this one was told.
    let flags = env::var("MAKEFLAGS").unwrap_or_default();
    for (at, word) in flags.split_whitespace().enumerate() {
        if word.contains('=') {
            assignments.push(word.to_owned());
        } else if at == 0 && !word.starts_with("--") {
            letters.push_str(word.trim_start_matches('-'));
        } else if word == "--no-print-directory" {
            letters.push('W');
        }
    }
    for word in parsed.operands.iter().map(|word| word.to_text().into_owned()) {
        if word.contains('=') { assignments.push(word) } else { goals.push(word) }
    }
    let has = |letter| letters.contains(letter);
    let options = Options {
        always: has('B'),
        dry: has('n'),
        silent: has('s'),
        keeps_going: has('k') && !parsed.has('S'),
        ignores: has('i'),
        asks: has('q'),
        touches: has('t'),
        environment_wins: has('e'),
        tells_directory: has('W').then_some(false).or(has('w').then_some(true)),
    };
    let directories = parsed.options.iter().filter(|(letter, _)| *letter == 'C');
    for (_, directory) in directories.clone() {
        if let Err(error) = env::set_current_dir(directory) {
            say(
                &mut io::stderr(),
                &format!("{name}: *** {directory}: {}.  Stop.", cordon_multicall::files::reason(&error)),
            );
            return TROUBLE;
        }
    }
    let here = env::current_dir().unwrap_or_default().to_text().into_owned();
    let moved = directories.count() > 0 || level > 0;
    let tells = options.tells_directory.unwrap_or(moved && !options.silent);
    if tells {
        say(&mut io::stdout(), &format!("{name}: Entering directory '{here}'"));
    }
    let files: Vec<String> =
        parsed.options.iter().filter(|(letter, _)| *letter == 'f').map(|(_, file)| file.clone()).collect();
    let mut status = TROUBLE;
    // Makefiles that were made are read again, as often as that makes others.
    for _ in 0..8 {
        let mut make = Make { name: name.clone(), options: options.clone(), ..Make::default() };
        make.begin(&here, level, &letters, &assignments, &goals);
        match make.all(&files, &assignments, &goals) {
            Ok(Some(code)) => {
                status = code;
                break;
            }
            Ok(None) => {}
            Err(Stop(message)) => {
                let bare = message.starts_with("***") || !message.contains(": ***");
                say(&mut io::stderr(), &if bare { format!("{name}: {message}") } else { message });
                break;
            }
        }
    }
    if tells {
        say(&mut io::stdout(), &format!("{name}: Leaving directory '{here}'"));
    }
    status
}

impl Make {
    /// Sets what there is before a makefile is read.
    fn begin(&mut self, here: &str, level: usize, letters: &str, assignments: &[String], goals: &[String]) {
        let mut set = |name: &str, value: &str, recursive: bool, origin: Origin| {
            self.variables.insert(name.to_owned(), Variable { value: value.to_owned(), recursive, origin });
        };
        for (name, value) in [
            ("SHELL", "/bin/sh"),
            (".SHELLFLAGS", "-c"),
            ("MAKE_VERSION", "4.3"),
            ("MAKE_COMMAND", "make"),
            ("AR", "ar"),
            ("ARFLAGS", "rv"),
            ("AWK", "awk"),
            ("CC", "cc"),
            ("CXX", "g++"),
            ("CPP", "$(CC) -E"),
            ("LD", "ld"),
            ("LEX", "lex"),
            ("YACC", "yacc"),
            ("RM", "rm -f"),
            ("MAKE", "$(MAKE_COMMAND)"),
        ] {
            set(name, value, true, Origin::Default);
        }
        for (name, value) in process::environment() {
            if name != "SHELL" && name != "MAKELEVEL" && name != "MAKEFLAGS" {
                set(&name, &value, true, Origin::Environment);
            }
        }
        set("CURDIR", here, false, Origin::File);
        set("MAKELEVEL", &level.to_string(), false, Origin::Environment);
        set("MAKECMDGOALS", &goals.join(" "), false, Origin::File);
        set("MAKEFILE_LIST", "", false, Origin::File);
        let mut flags: String = "Beiknqst".chars().filter(|letter| letters.contains(*letter)).collect();
        if letters.contains('W') {
            flags.push_str(" --no-print-directory");
        }
        if !assignments.is_empty() {
            flags.push_str(" -- ");
            flags.push_str(&assignments.join(" "));
        }
        set("MAKEFLAGS", &flags, false, Origin::File);
    }

    /// Reads makefiles and makes the goals. None where makefiles were made, and are to be read again.
    fn all(
        &mut self,
        files: &[String],
        assignments: &[String],
        goals: &[String],
    ) -> Result<Option<i32>, Stop> {
        for text in assignments {
            if let Some((name, operator, value)) = read::assignment(text) {
                self.assign(&name, &operator, &value, Origin::CommandLine)?;
            }
        }
        let mut chosen = files.to_vec();
        if chosen.is_empty() {
            let usual =
                ["GNUmakefile", "makefile", "Makefile"].into_iter().find(|name| fs::metadata(name).is_ok());
            chosen.extend(usual.map(str::to_owned));
        }
        let mut absent = None;
        for file in &chosen {
            if !self.read_file(file, None)? {
                say(&mut io::stderr(), &format!("{}: {file}: No such file or directory", self.name));
                absent = Some(file.clone());
            }
        }
        if let Some(file) = absent {
            return Err(Stop(format!("*** No rule to make target '{file}'.  Stop.")));
        }
        if self.make_missing()? {
            return Ok(None);
        }
        let default = self.variable(".DEFAULT_GOAL").map(|variable| variable.value.clone());
        let default = default.filter(|goal| !goal.is_empty()).or_else(|| self.first.clone());
        let goals: Vec<String> =
            if goals.is_empty() { default.into_iter().collect() } else { goals.to_vec() };
        if goals.is_empty() {
            let text = if chosen.is_empty() {
                "*** No targets specified and no makefile found.  Stop."
            } else {
                "*** No targets.  Stop."
            };
            return Err(Stop(text.into()));
        }
        self.goals(&goals).map(Some)
    }
}
