//! Another instance of the shell that goes on with a copy of this environment. There is no fork: what a child would have
//! inherited is written to a file in memory, which the instance gets as a descriptor. This module owns that format; it
//! is spoken only between equal builds of this program.

use std::rc::Rc;

use serde::{Deserialize, Serialize};

use crate::{
    bash::Extras,
    names::Names,
    state::{Condition, Descriptors, Options, Shell},
    syntax::{
        aliases::Aliases,
        dialect::{self, Dialect},
        tree::{FunctionBody, List},
    },
    system::{self, Child, Errno, Program, signals},
    variables::Variable,
};

/// The option that names the descriptor.
pub const OPTION: &str = "--inherit";

#[derive(Serialize, Deserialize)]
struct Environment {
    name: String,
    dialect: Dialect,
    is_command: bool,
    extras: Extras,
    variables: Rc<Names<Variable>>,
    functions: Rc<Names<Rc<FunctionBody>>>,
    aliases: Aliases,
    positional: Rc<Vec<String>>,
    options: Options,
    status: i32,
    process_id: u32,
    last_background: Option<u32>,
    line: u32,
    calls: u32,
    loops: u32,
    failure_is_handled: bool,
    getopts_offset: usize,
    ignored_signals: Vec<String>,
    locals: Vec<Vec<(String, Option<Variable>)>>,
    list: List,
}

impl Shell {
    /// Starts an instance that runs `list` in a copy of this environment. None when that failed, which was reported.
    pub fn start_instance(&self, list: &List) -> Option<Child> {
        let environment = Environment {
            name: self.name.to_string(),
            dialect: self.dialect,
            is_command: self.is_command,
            extras: self.extras.clone(),
            variables: self.variables.clone(),
            functions: self.functions.clone(),
            aliases: self.aliases.clone(),
            positional: self.positional.clone(),
            options: self.options,
            status: self.status,
            process_id: self.process_id,
            last_background: self.last_background,
            line: self.line,
            calls: self.calls,
            loops: self.loops,
            failure_is_handled: self.failure_is_handled,
            getopts_offset: self.getopts_offset,
            ignored_signals: self
                .ignored_signals()
                .into_iter()
                .map(|signal| signals::name(signal).to_owned())
                .collect(),
            locals: self.locals.clone(),
            list: list.clone(),
        };
        let file = match postcard::to_allocvec(&environment) {
            Ok(bytes) => system::file_with(&bytes).map_err(system::describe),
            Err(_) => Err("the environment can't be written down"),
        };
        let number = self.descriptors.unused();
        let started = file.and_then(|file| {
            let mut descriptors = self.descriptors.all();
            descriptors.push((number, file));
            Child::start(Program {
                path: system::SHELL_PATH,
                arguments: vec![self.name.to_string(), OPTION.to_owned(), number.to_string()],
                environment: self.exported(),
                descriptors,
                ignored_signals: self.ignored_signals(),
                group: self.group_to_start_in(),
                default_signals: self.signals_for_jobs(),
            })
            .map_err(|errno| match errno {
                Errno::Eagain | Errno::Enomem => system::CANNOT_FORK,
                errno => system::describe(errno),
            })
        });
        match started {
            Ok(child) => Some(child),
            Err(message) => {
                self.report(&format!("cannot start a subshell: {message}"));
                None
            }
        }
    }
}

/// The environment that descriptor `number` describes, and what to run in it.
pub fn receive(number: &str) -> Option<(Shell, List)> {
    let number: u32 = number.parse().ok()?;
    let bytes = system::read_to_end(&system::inherited(number)?).ok()?;
    let environment: Environment = postcard::from_bytes(&bytes).ok()?;
    let mut shell = Shell::new(&environment.name, Descriptors::inherited(number));
    shell.dialect = environment.dialect;
    shell.is_command = environment.is_command;
    shell.extras = environment.extras;
    dialect::set(shell.dialect);
    dialect::set_extended_patterns(shell.extras.patterns.extglob);
    shell.variables = environment.variables;
    shell.functions = environment.functions;
    shell.aliases = environment.aliases;
    shell.positional = environment.positional;
    shell.options = environment.options;
    shell.status = environment.status;
    shell.process_id = environment.process_id;
    shell.last_background = environment.last_background;
    shell.line = environment.line;
    shell.calls = environment.calls;
    shell.loops = environment.loops;
    shell.failure_is_handled = environment.failure_is_handled;
    shell.getopts_offset = environment.getopts_offset;
    shell.locals = environment.locals;
    for signal in environment.ignored_signals.iter().filter_map(|name| signals::find(name)) {
        signals::is_ignored_by_trap(signal);
        shell.traps.push((Condition::Signal(signal), String::new()));
    }
    Some((shell, environment.list))
}
