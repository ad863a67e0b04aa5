//! What an execution environment of bash has beyond that of `sh`: its own options, the functions that are being called,
//! and the variables whose values come about when they are asked for.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
    time::SystemTime,
};

use serde::{Deserialize, Serialize};

use crate::{
    builtins::completion::Completion,
    editor::Editor,
    exec::{coprocess::Coprocess, jobs::Job, traps::Traps},
    state::{Descriptors, Shell},
    syntax::dialect::{self, Dialect},
    system::{self, Child},
    variables::{Associative, Value, Variable},
};

/// The version whose language this is.
const VERSION: &str = "5.2.15(1)-release";
const VERSION_PARTS: [&str; 6] = ["5", "2", "15", "1", "release", "wasm32-unknown-wasi"];

/// Variables whose values come about when they are asked for, and are not kept.
pub const MADE_UP: [&str; 15] = [
    "BASHOPTS",
    "BASHPID",
    "BASH_LINENO",
    "BASH_SOURCE",
    "BASH_SUBSHELL",
    "DIRSTACK",
    "EPOCHREALTIME",
    "EPOCHSECONDS",
    "FUNCNAME",
    "GROUPS",
    "PIPESTATUS",
    "RANDOM",
    "SECONDS",
    "SHELLOPTS",
    "SRANDOM",
];

/// Names that are variables as any other once they are unset, and where a function has them as its own.
fn loses_meaning(name: &str) -> bool {
    matches!(
        name,
        "BASHPID"
            | "BASH_SUBSHELL"
            | "DIRSTACK"
            | "EPOCHREALTIME"
            | "EPOCHSECONDS"
            | "LINENO"
            | "RANDOM"
            | "SECONDS"
            | "SRANDOM"
    )
}

fn is_hidden_by_locals(name: &str) -> bool {
    loses_meaning(name) || name == "PIPESTATUS"
}

/// The options of `shopt` that change something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatternOptions {
    pub dotglob: bool,
    pub extglob: bool,
    pub failglob: bool,
    pub globstar: bool,
    pub nocaseglob: bool,
    pub nocasematch: bool,
    pub nullglob: bool,
}

/// A function or a sourced file that runs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Frame {
    /// `source` for a file.
    pub function: String,
    /// The file that it is in.
    pub source: String,
    /// The line that it was called from.
    pub called_from: u32,
}

#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Extras {
    pub patterns: PatternOptions,
    pub expands_aliases: bool,
    pub echo_escapes: bool,
    pub last_pipe: bool,
    pub inherit_errexit: bool,
    /// The innermost last.
    pub frames: Rc<Vec<Frame>>,
    /// The files that functions are in.
    pub sources: Rc<BTreeMap<String, String>>,
    /// `PIPESTATUS`
    pub statuses: Rc<Vec<i32>>,
    /// What `pushd` has put aside, the last first.
    pub directories: Rc<Vec<String>>,
    /// `$_`
    pub last_argument: String,
    /// `BASH_SUBSHELL`
    pub subshells: u32,
    /// The state that `RANDOM` goes on from; 0 before it was asked for.
    random: Cell<u32>,
    /// Names without the meaning that they had. One that functions have as their own is in here once for each.
    ordinary: Vec<String>,
    /// The second since 1970 that `SECONDS` counts from.
    seconds_from: i64,
    /// What `complete` has been told, in that order.
    pub completions: Vec<(String, Completion)>,
    /// Process substitutions that this environment has begun.
    #[serde(skip)]
    pub substituted: Vec<Substituted>,
    /// The processes of `coproc` that this environment talks to.
    #[serde(skip)]
    pub coprocesses: Vec<Coprocess>,
    /// The jobs of the shell around this substitution or stage, which may list them.
    #[serde(skip)]
    pub jobs_around: Vec<Rc<Job>>,
    /// The traps that the functions around this command do not have.
    #[serde(skip)]
    pub hidden_traps: Vec<Traps>,
    /// A trap of DEBUG, ERR or RETURN runs: none runs within.
    #[serde(skip)]
    pub in_trap: bool,
    /// What edits the lines of a shell that somebody sits at, with the commands that were typed.
    #[serde(with = "crate::editor::transfer")]
    pub editor: Option<Rc<RefCell<Editor>>>,
}

/// A command that a process substitution runs.
#[derive(Clone)]
pub struct Substituted {
    pub child: Rc<Child>,
    /// The descriptor that this environment has of it while its command runs.
    pub number: u32,
    /// It reads what this environment writes.
    pub reads: bool,
}

fn is_directory(path: &str) -> bool {
    system::status(path).is_ok_and(|status| status.file_type == system::FileType::Directory)
}

fn now() -> std::time::Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

impl Shell {
    /// Process substitutions that have ended are of no more interest.
    pub fn forget_ended_substitutions(&mut self) {
        self.extras.substituted.retain(|substituted| substituted.child.try_wait().is_none());
    }

    /// This program ends: what still has its output to read may do so before.
    pub fn wait_for_substitutions(&mut self) {
        self.descriptors = Descriptors::default();
        for Substituted { child, reads, .. } in std::mem::take(&mut self.extras.substituted) {
            if reads {
                child.wait();
            }
        }
    }

    /// A function is in the file that is being read.
    pub fn note_source(&mut self, function: &str) {
        let source = self.source();
        Rc::make_mut(&mut self.extras.sources).insert(function.to_owned(), source);
    }

    /// The file that is being read.
    pub fn source(&self) -> String {
        let file = || match (self.is_command, self.options.stdin) {
            (true, _) => "environment".to_owned(),
            (_, true) => "main".to_owned(),
            _ => self.name.to_string(),
        };
        self.extras.frames.last().map_or_else(file, |frame| frame.source.clone())
    }

    /// `SECONDS` counts from now.
    pub fn start_clock(&mut self) {
        self.extras.seconds_from = now().as_secs() as i64;
    }

    /// Makes this a bash.
    pub fn speak_bash(&mut self) {
        self.dialect = Dialect::Bash;
        dialect::set(Dialect::Bash);
        let level = self.variable("SHLVL").and_then(|level| level.parse::<u32>().ok()).unwrap_or(0);
        let path = system::SHELL_PATH.replace("/sh", "/bash");
        let mut preset = |name: &str, value: &str, exported: bool| {
            let variable = self.variable_mut(name);
            variable.value = Some(Value::Text(value.to_owned()));
            variable.exported |= exported;
        };
        preset("BASH", &path, false);
        preset("BASH_VERSION", VERSION, false);
        let architecture = system::machine("arch");
        preset("HOSTTYPE", &architecture, false);
        preset("MACHTYPE", &format!("{architecture}-pc-linux-gnu"), false);
        preset("OSTYPE", "linux-gnu", false);
        preset("OPTERR", "1", false);
        preset("SHLVL", &level.saturating_add(1).to_string(), true);
        for name in ["OLDPWD", "PWD"] {
            let before = self.variable(name).map(str::to_owned);
            let variable = self.variable_mut(name);
            variable.exported = true;
            if name == "OLDPWD" && before.is_some_and(|path| !is_directory(&path)) {
                variable.value = None;
            }
        }
        let parts = VERSION_PARTS.iter().enumerate();
        let parts = parts.map(|(index, part)| (index as u64, (*part).to_owned())).collect();
        *self.variable_mut("BASH_VERSINFO") =
            Variable { value: Some(Value::Indexed(parts)), readonly: true, ..Variable::default() };
        for name in ["UID", "EUID"] {
            let id = system::USER_ID.to_string();
            *self.variable_mut(name) = Variable {
                value: Some(Value::Text(id)),
                readonly: true,
                integer: true,
                ..Variable::default()
            };
        }
        if self.variable("SHELL").is_none() {
            self.variable_mut("SHELL").value = Some(Value::Text(path.clone()));
        }
        if self.variable("HOSTNAME").is_none() {
            self.variable_mut("HOSTNAME").value = Some(Value::Text(system::machine("hostname")));
        }
        self.variables_of_hash();
    }

    /// `BASH_CMDS` and `BASH_ALIASES` are there, and empty.
    fn variables_of_hash(&mut self) {
        for name in ["BASH_ALIASES", "BASH_CMDS"] {
            self.variable_mut(name).value = Some(Value::Associative(Associative::default()));
        }
    }

    /// The directories of `dirs`, the current one first.
    pub fn directory_stack(&self) -> Vec<String> {
        let current = self.variable("PWD").unwrap_or_default().to_owned();
        std::iter::once(current).chain(self.extras.directories.iter().cloned()).collect()
    }

    /// What an assignment to a variable with a meaning of its own does.
    pub fn notice_assignment(&mut self, name: &str, value: &str) {
        match name {
            "OPTIND" => self.getopts_offset = 0,
            "PATH" => self.remembered = Rc::default(),
            // To POSIX these are variables as any other.
            _ if self.dialect == Dialect::Posix && (name == "LINENO" || MADE_UP.contains(&name)) => {
                self.lose_meaning(name);
            }
            _ if self.is_ordinary(name) => {}
            "RANDOM" => {
                self.extras.random.set(value.parse::<i64>().unwrap_or(0) as u32);
            }
            "SECONDS" => {
                self.extras.seconds_from =
                    (now().as_secs() as i64).saturating_sub(value.parse::<i64>().unwrap_or(0));
            }
            _ => {}
        }
    }

    /// Whether the name has lost the meaning that it has when a shell begins.
    pub fn is_ordinary(&self, name: &str) -> bool {
        !self.extras.ordinary.is_empty() && self.extras.ordinary.iter().any(|known| known == name)
    }

    /// What `unset` does beside taking the value.
    pub fn unset_meaning(&mut self, name: &str) {
        if loses_meaning(name) || matches!(name, "FUNCNAME" | "GROUPS") {
            self.lose_meaning(name);
        }
    }

    fn lose_meaning(&mut self, name: &str) {
        if !self.is_ordinary(name) {
            self.extras.ordinary.push(name.to_owned());
        }
    }

    /// The function that runs has a variable of its own of that name.
    pub fn hide_meaning(&mut self, name: &str) {
        if is_hidden_by_locals(name) {
            self.extras.ordinary.push(name.to_owned());
        }
    }

    /// Such a function has ended.
    pub fn show_meaning(&mut self, name: &str) {
        if is_hidden_by_locals(name)
            && let Some(at) = self.extras.ordinary.iter().position(|known| known == name)
        {
            self.extras.ordinary.swap_remove(at);
        }
    }

    /// The value of a variable that bash makes up when it is asked for.
    pub fn made_up(&self, name: &str) -> Option<String> {
        if self.is_ordinary(name) {
            return None;
        }
        Some(match name {
            "RANDOM" => self.random().to_string(),
            "SRANDOM" => (u64::from(self.random()) << 17 | u64::from(self.random())).to_string(),
            "SECONDS" => (now().as_secs() as i64).saturating_sub(self.extras.seconds_from).to_string(),
            "EPOCHSECONDS" => now().as_secs().to_string(),
            "EPOCHREALTIME" => format!("{}.{:06}", now().as_secs(), now().subsec_micros()),
            "BASHPID" => system::process_id().to_string(),
            "BASH_SUBSHELL" => self.extras.subshells.to_string(),
            "BASHOPTS" => self.shopt_names(),
            "SHELLOPTS" => {
                let mut options = self.options;
                let on = options.table().into_iter().filter(|(_, _, on)| **on).map(|(name, _, _)| name);
                let mut names: Vec<&str> =
                    on.chain(["braceexpand", "hashall", "interactive-comments"]).collect();
                names.sort_unstable();
                names.join(":")
            }
            "FUNCNAME" | "BASH_SOURCE" | "BASH_LINENO" | "PIPESTATUS" | "DIRSTACK" | "GROUPS" => {
                return self.made_up_list(name)?.into_iter().next();
            }
            _ => return None,
        })
    }

    /// The same for arrays.
    pub fn made_up_list(&self, name: &str) -> Option<Vec<String>> {
        if self.is_ordinary(name) {
            return None;
        }
        let frames = || self.extras.frames.iter().rev();
        let in_file = !self.is_command && !self.options.stdin;
        let in_function = self.extras.frames.iter().any(|frame| frame.function != "source");
        Some(match name {
            "FUNCNAME" if in_function => {
                let main = in_file.then(|| "main".to_owned());
                frames().map(|frame| frame.function.clone()).chain(main).collect()
            }
            "FUNCNAME" => Vec::new(),
            "BASH_SOURCE" => {
                let main = in_file.then(|| self.name.to_string());
                frames().map(|frame| frame.source.clone()).chain(main).collect()
            }
            "BASH_LINENO" => frames()
                .map(|frame| frame.called_from.to_string())
                .chain(in_file.then(|| "0".to_owned()))
                .collect(),
            "PIPESTATUS" => self.extras.statuses.iter().map(i32::to_string).collect(),
            "DIRSTACK" => self.directory_stack(),
            "GROUPS" => vec![system::USER_ID.to_string()],
            _ => return None,
        })
    }

    /// The generator that bash has had since 5.1, so that a seed gives the numbers that scripts expect of it.
    fn random(&self) -> u32 {
        let state = match self.extras.random.get() {
            0 => {
                use std::hash::BuildHasher;
                std::hash::RandomState::new().hash_one(self.process_id) as u32 & 0x7fff_ffff
            }
            state => state,
        };
        let state = if state == 0 { 123_459_876 } else { i64::from(state) };
        let next = 16_807 * (state % 127_773) - 2_836 * (state / 127_773);
        let next = if next < 0 { next + 0x7fff_ffff } else { next } as u32;
        self.extras.random.set(next);
        ((next >> 16) ^ (next & 0xffff)) & 0x7fff
    }
}
