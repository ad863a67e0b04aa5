//! What a shell execution environment is: variables, functions, options, parameters, descriptors. Cloning it is how a
//! subshell begins, so the large parts are shared until one side changes them.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use serde::{Deserialize, Serialize};

use crate::{
    bash::Extras,
    builtins::STANDARD_PATH,
    exec::{
        control::Control,
        jobs::Job,
        traps::{Enclosing, Traps},
    },
    expand::Patterns,
    names::Names,
    syntax::{
        aliases::Aliases,
        dialect::{self, Dialect},
        tree::FunctionBody,
    },
    system::{self, Errno, Handle, Signal, signals},
    variables::{Value, Variable},
};

/// The status of what an error ended, except in bash.
pub const ERROR_STATUS: i32 = 2;

/// Whether a path is absolute, without `.` and `..`.
fn is_plain(path: &str) -> bool {
    path.starts_with('/') && !path.split('/').any(|part| matches!(part, "." | ".."))
}

/// Why control leaves the command that is running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// The execution environment ends.
    Exit(i32),
    /// An error, which was reported, ends the execution environment with `ERROR_STATUS`, or the builtin it came up in:
    /// one that is not special, or that runs through `command`.
    Error,
    /// A function or a sourced file ends.
    Return(i32),
    /// Whoever sits at the terminal has interrupted it.
    Interrupt,
    /// So many loops end.
    Break(u32),
    /// All but one of so many loops end, and that one goes on.
    Continue(u32),
}

/// An exit status, or control that leaves.
pub type Outcome = Result<i32, Flow>;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Options {
    pub allexport: bool,
    pub errexit: bool,
    pub noclobber: bool,
    pub noexec: bool,
    pub noglob: bool,
    pub notify: bool,
    pub nounset: bool,
    pub pipefail: bool,
    pub verbose: bool,
    pub xtrace: bool,
    /// bash's: functions and subshells keep the trap of ERR, those of DEBUG and RETURN.
    pub errtrace: bool,
    pub functrace: bool,
    /// Not options that `set` knows: somebody sits at a terminal.
    pub interactive: bool,
    /// The script comes from standard input.
    pub stdin: bool,
}

/// Options of POSIX about terminals and what is shown there.
pub const WITHOUT_EFFECT: [&str; 5] = ["emacs", "ignoreeof", "monitor", "nolog", "vi"];
/// Options of bash that are always as they are at first.
pub const WITHOUT_EFFECT_IN_BASH: [&str; 9] = [
    "braceexpand",
    "hashall",
    "histexpand",
    "history",
    "interactive-comments",
    "keyword",
    "onecmd",
    "physical",
    "posix",
];

impl Options {
    /// Every option by its name and, where it has one, its letter.
    pub fn table(&mut self) -> [(&'static str, Option<char>, &mut bool); 12] {
        [
            ("allexport", Some('a'), &mut self.allexport),
            ("errexit", Some('e'), &mut self.errexit),
            ("errtrace", Some('E'), &mut self.errtrace),
            ("functrace", Some('T'), &mut self.functrace),
            ("noclobber", Some('C'), &mut self.noclobber),
            ("noexec", Some('n'), &mut self.noexec),
            ("noglob", Some('f'), &mut self.noglob),
            ("notify", Some('b'), &mut self.notify),
            ("nounset", Some('u'), &mut self.nounset),
            ("pipefail", None, &mut self.pipefail),
            ("verbose", Some('v'), &mut self.verbose),
            ("xtrace", Some('x'), &mut self.xtrace),
        ]
    }

    pub fn set_letter(&mut self, letter: char, on: bool) -> bool {
        let entry = self.table().into_iter().find(|(_, known, _)| *known == Some(letter));
        entry.map(|(_, _, value)| *value = on).is_some()
    }

    pub fn set_name(&mut self, name: &str, on: bool) -> bool {
        let entry = self.table().into_iter().find(|(known, _, _)| *known == name);
        entry.map(|(_, _, value)| *value = on).is_some()
            || WITHOUT_EFFECT.contains(&name)
            || (dialect::is_bash() && WITHOUT_EFFECT_IN_BASH.contains(&name))
    }

    /// What `$-` shows.
    pub fn letters(mut self) -> String {
        let (stdin, interactive) = (self.stdin, self.interactive);
        let table = self.table();
        let is_on = |letter: char| {
            (letter == 's' && stdin)
                || (letter == 'i' && interactive)
                || table.iter().any(|(_, known, on)| **on && *known == Some(letter))
        };
        let known = |letters: &str| letters.chars().filter(|letter| is_on(*letter)).collect::<String>();
        if dialect::is_bash() {
            // `h` and `B` are always on.
            return format!("{}h{}B{}", known("abef"), known("inuvx"), known("CETs"));
        }
        // In the order that dash shows, and what it has not.
        "ubaCvixsnfeET".chars().filter(|letter| is_on(*letter)).collect()
    }
}

/// The open descriptors by number.
#[derive(Clone, Default)]
pub struct Descriptors {
    slots: Vec<Option<Handle>>,
    /// Numbers of those that programs do not get.
    own: Vec<u32>,
}

/// Numbers from here on are refused.
pub const MAX_DESCRIPTOR: u32 = 256;
/// Descriptors up to this number are looked for when the shell starts; it opens none of its own among them.
const INHERITED_DESCRIPTORS: u32 = 10;

impl Descriptors {
    /// The descriptors this program was started with, below `end` and at least those that a script can name by one
    /// digit.
    pub fn inherited(end: u32) -> Self {
        let end = end.clamp(INHERITED_DESCRIPTORS, MAX_DESCRIPTOR);
        Descriptors { slots: (0..end).map(system::inherited).collect(), own: Vec::new() }
    }

    pub fn get(&self, number: u32) -> Result<Handle, Errno> {
        self.slots.get(number as usize).cloned().flatten().ok_or(Errno::Ebadf)
    }

    pub fn set(&mut self, number: u32, handle: Option<Handle>) -> Result<(), Errno> {
        if number >= MAX_DESCRIPTOR {
            return Err(Errno::Ebadf);
        }
        let index = number as usize;
        if self.slots.len() <= index {
            self.slots.resize(index + 1, None);
        }
        self.slots[index] = handle;
        if !self.own.is_empty() {
            self.own.retain(|own| *own != number);
        }
        Ok(())
    }

    /// Sets one that programs do not get.
    pub fn set_own(&mut self, number: u32, handle: Handle) -> Result<(), Errno> {
        self.set(number, Some(handle))?;
        self.own.push(number);
        Ok(())
    }

    /// Closes those that programs do not get.
    pub fn close_own(&mut self) {
        for number in std::mem::take(&mut self.own) {
            // It was set.
            let _ = self.set(number, None);
        }
    }

    /// Takes over those that programs do not get.
    pub fn keep_own(&mut self, later: &Descriptors) {
        if self.own == later.own {
            return;
        }
        self.close_own();
        for number in &later.own {
            if let Ok(handle) = later.get(*number) {
                // It was set there.
                let _ = self.set_own(*number, handle);
            }
        }
    }

    /// Everything open, as a program that is started gets it.
    pub fn all(&self) -> Vec<(u32, Handle)> {
        let open = self.slots.iter().enumerate();
        let open = open.filter_map(|(number, slot)| Some((number as u32, slot.clone()?)));
        open.filter(|(number, _)| !self.own.contains(number)).collect()
    }

    /// A number above 9 that is not in use.
    pub fn unused(&self) -> u32 {
        (self.slots.len() as u32).max(INHERITED_DESCRIPTORS)
    }
}

/// A `trap` condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    Exit,
    Signal(Signal),
    /// bash's: before each simple command.
    Debug,
    /// bash's: where `set -e` would end the shell.
    Error,
    /// bash's: a function or a sourced file has ended.
    Return,
}

impl Condition {
    /// The number that `trap` takes for it.
    pub fn number(self) -> i32 {
        match self {
            Condition::Exit => 0,
            Condition::Signal(signal) => signals::number(signal),
            // After all signals, as bash lists them.
            Condition::Debug => 1000,
            Condition::Error => 1001,
            Condition::Return => 1002,
        }
    }
}

/// One shell execution environment.
#[derive(Clone)]
pub struct Shell {
    /// `$0`, and the name in messages.
    pub name: Rc<str>,
    pub dialect: Dialect,
    /// The script is an argument: it is in no file.
    pub is_command: bool,
    /// What only bash has.
    pub extras: Extras,
    pub variables: Rc<Names<Variable>>,
    pub functions: Rc<Names<Rc<FunctionBody>>>,
    pub aliases: Aliases,
    /// The patterns that words are, compiled.
    pub patterns: Rc<RefCell<Patterns>>,
    /// Where programs were found.
    pub remembered: Rc<BTreeMap<String, Rc<str>>>,
    pub positional: Rc<Vec<String>>,
    pub options: Options,
    pub descriptors: Descriptors,
    /// `$?`
    pub status: i32,
    /// `$$`: stays that of the main shell in subshells.
    pub process_id: u32,
    /// `$!`
    pub last_background: Option<u32>,
    /// The line of the command that runs.
    pub line: u32,
    pub jobs: Vec<Rc<Job>>,
    /// The terminal, for job control.
    pub control: Option<Rc<Control>>,
    /// The group of the pipeline that is being started.
    pub job_group: Option<u32>,
    /// What is started does not get the terminal.
    pub starts_in_background: bool,
    pub traps: Traps,
    /// The traps around this subshell.
    pub enclosing: Option<Rc<Enclosing>>,
    /// Variables that `local` hides, by the depth of functions.
    pub locals: Vec<Vec<(String, Option<Variable>)>>,
    pub loops: u32,
    /// Functions and sourced files around the running command.
    pub calls: u32,
    /// Everything that nests while running: the limit against running out of stack.
    pub depth: u32,
    /// A failing command does not end the shell here, whatever `set -e` says.
    pub failure_is_handled: bool,
    /// This environment is one part of a pipeline: a write that nobody can read ends it as SIGPIPE would.
    pub ends_at_broken_pipe: bool,
    /// In a trap: the status the shell ends with unless the trap says otherwise.
    pub status_before_trap: Option<i32>,
    /// In a trap: the functions around it.
    pub calls_before_trap: u32,
    /// Traps were set since this environment began.
    pub has_set_traps: bool,
    /// Where `getopts` is within an operand.
    pub getopts_offset: usize,
    /// Where to go back to when this subshell ends, once it has changed its directory; empty for one that was removed.
    pub original_directory: Option<Rc<str>>,
    /// The mask to put back when this subshell ends, once it has changed it.
    pub original_umask: Option<u32>,
    /// The status of the last command substitution, for commands that consist only of assignments.
    pub substitution_status: Option<i32>,
    /// A `[[ ]]` had an expression that is none.
    pub test_failed: bool,
    /// The subshell that begins is a command substitution.
    pub in_substitution: bool,
}

impl Shell {
    pub fn new(name: &str, descriptors: Descriptors) -> Self {
        Shell {
            name: name.into(),
            dialect: Dialect::Posix,
            is_command: false,
            extras: Extras::default(),
            variables: Rc::default(),
            functions: Rc::default(),
            aliases: Rc::default(),
            patterns: Rc::default(),
            remembered: Rc::default(),
            positional: Rc::default(),
            options: Options::default(),
            descriptors,
            status: 0,
            process_id: 0,
            last_background: None,
            line: 1,
            jobs: Vec::new(),
            control: None,
            job_group: None,
            starts_in_background: false,
            traps: Traps::new(),
            enclosing: None,
            locals: Vec::new(),
            loops: 0,
            calls: 0,
            depth: 0,
            failure_is_handled: false,
            ends_at_broken_pipe: false,
            status_before_trap: None,
            calls_before_trap: 0,
            has_set_traps: false,
            getopts_offset: 0,
            original_directory: None,
            original_umask: None,
            substitution_status: None,
            test_failed: false,
            in_substitution: false,
        }
    }

    /// Takes over the environment that the program was started with.
    pub fn import_environment(&mut self, environment: Vec<(String, String)>) {
        let variables = Rc::make_mut(&mut self.variables);
        for (name, value) in environment {
            if crate::syntax::extent::is_name(&name) {
                variables.insert(name, Variable::exported(value));
            }
        }
        let mut preset = |name: &str, value: String| {
            let variable = variables.entry(name.to_owned()).or_default();
            variable.value = Some(Value::Text(value));
        };
        preset("IFS", " \t\n".to_owned());
        preset("OPTIND", "1".to_owned());
        preset("PPID", system::parent_id().to_string());
        preset("PS4", "+ ".to_owned());
        variables.entry("PATH".to_owned()).or_insert_with(|| Variable {
            value: Some(Value::Text(STANDARD_PATH.to_owned())),
            ..Variable::default()
        });
        let named = variables.get("PWD").and_then(Variable::text).map(str::to_owned);
        let directory = match (named, system::current_directory()) {
            // The name by which it was entered is kept.
            (Some(named), Some(_)) if is_plain(&named) && system::same_file(&named, ".") => named,
            (_, Some(directory)) => directory,
            (Some(named), None) if is_plain(&named) => named,
            _ => return,
        };
        variables.entry("PWD".to_owned()).or_default().value = Some(Value::Text(directory));
    }

    /// Writes a message to standard error, in the shape `sh: 1: message`, of bash `bash: line 1: message`.
    pub fn report(&self, message: &str) {
        let line = if self.dialect == Dialect::Bash { "line " } else { "" };
        let text = format!("{}: {line}{}: {message}\n", self.name, self.line);
        if let Ok(handle) = self.descriptors.get(2) {
            // Nobody is left to tell when standard error is gone too.
            let _ = handle.write_text(&text);
        }
    }

    /// The status of what an error ended.
    pub fn error_status(&self) -> i32 {
        match self.dialect {
            Dialect::Posix => ERROR_STATUS,
            Dialect::Bash => 1,
        }
    }
}
