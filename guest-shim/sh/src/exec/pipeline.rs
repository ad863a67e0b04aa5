//! Pipelines of several stages. Programs are started directly. Of the stages that need the shell itself (builtins,
//! functions, compound commands) the last runs in this process while the others run beside it, each in an instance of
//! its own: everything is concurrent, so no stage can block another for good.

use crate::{
    builtins,
    exec::jobs,
    state::{Condition, Flow, Outcome, Shell},
    syntax::dialect::Dialect,
    syntax::tree::{AndOr, Command, Item, List, Pipeline, Simple, Word},
    system::{self, Child, Handle, Whence},
};

/// What a stage is, once its words are known.
enum Kind<'a> {
    Program {
        simple: &'a Simple,
        arguments: Vec<String>,
    },
    Shell(Command),
    /// It failed before it could run.
    Failed(i32),
}

/// A stage ready to start, with the environment it runs in.
struct Stage<'a> {
    shell: Shell,
    kind: Kind<'a>,
}

/// How far a stage is.
enum Progress {
    Running(Child),
    Ended(i32),
}

/// Builtins that read nothing and end soon: their output is complete before the next stage begins.
const FINITE: [&str; 9] = ["echo", "printf", "pwd", "true", "false", ":", "test", "[", "jobs"];

impl Shell {
    /// Runs all stages and waits for them.
    #[inline(never)] // What it keeps of each stage is no part of what every level of nesting takes.
    pub fn run_stages(&mut self, commands: &[Command]) -> Outcome {
        let mut stages = self.prepare_stages(commands)?;
        if self.control.is_some() {
            return self.run_stages_as_job(stages, commands);
        }
        let shell_stages = |stages: &[Option<Stage>]| {
            stages.iter().rposition(|stage| matches!(stage, Some(Stage { kind: Kind::Shell(_), .. })))
        };
        let here = shell_stages(&stages);
        if here != Some(0) {
            self.run_finite_first_stage(&mut stages)?;
        }
        let mut progress: Vec<Progress> = Vec::with_capacity(stages.len());
        for (index, stage) in stages.iter_mut().enumerate() {
            progress.push(match stage.take() {
                Some(kept) if here == Some(index) => {
                    *stage = Some(kept);
                    Progress::Ended(0)
                }
                Some(stage) => stage.start(),
                None => Progress::Ended(0),
            });
        }
        if let Some(index) = here
            && let Some(Stage { shell, kind: Kind::Shell(command) }) = stages[index].take()
        {
            let last = index + 1 == commands.len();
            let status = if last && self.extras.last_pipe {
                let before = std::mem::replace(&mut self.descriptors, shell.descriptors);
                let outcome = self.run_command(&command);
                self.descriptors = before;
                outcome?
            } else {
                self.run_stage_here(shell, &command, last)
            };
            progress[index] = Progress::Ended(status);
        }
        let statuses: Vec<i32> = progress
            .into_iter()
            .map(|stage| match stage {
                Progress::Running(child) => child.wait(),
                Progress::Ended(status) => status,
            })
            .collect();
        self.extras.statuses = std::rc::Rc::new(statuses.clone());
        let last = statuses.last().copied().unwrap_or_default();
        let failed = statuses.iter().rev().copied().find(|status| *status != 0).unwrap_or_default();
        Ok(if self.options.pipefail { failed } else { last })
    }

    /// Starts all stages, each as a process, for a job in the background.
    pub fn start_stages(&mut self, commands: &[Command]) -> Vec<Child> {
        match self.prepare_stages(commands) {
            Ok(stages) => start_all(stages),
            Err(_) => Vec::new(),
        }
    }

    /// Runs all stages in front of a terminal, each as a process of one group.
    fn run_stages_as_job(&mut self, stages: Vec<Option<Stage>>, commands: &[Command]) -> Outcome {
        let wanted = stages.len();
        let children = start_all(stages);
        if children.is_empty() {
            return Ok(self.error_status());
        }
        let missing = children.len() < wanted;
        let statuses = self.wait_in_front(children, || jobs::description(commands))?;
        self.extras.statuses = std::rc::Rc::new(statuses.clone());
        let last = if missing { self.error_status() } else { statuses.last().copied().unwrap_or_default() };
        let failed = statuses.iter().rev().copied().find(|status| *status != 0).unwrap_or_default();
        Ok(if self.options.pipefail { failed } else { last })
    }

    fn prepare_stages<'a>(&mut self, commands: &'a [Command]) -> Result<Vec<Option<Stage<'a>>>, Flow> {
        let mut stages = Vec::with_capacity(commands.len());
        let mut input: Option<Handle> = None;
        for (index, command) in commands.iter().enumerate() {
            let mut shell = self.clone();
            shell.enter_subshell();
            if self.dialect == Dialect::Bash {
                shell.extras.jobs_around = self.jobs.clone();
            }
            if let Some(input) = input.take() {
                // Numbers 0 and 1 are always in range.
                let _ = shell.descriptors.set(0, Some(input));
            }
            if index + 1 < commands.len() {
                let (read, write) = system::pipe().map_err(|errno| {
                    self.report(&format!("cannot make a pipe: {}", system::describe(errno)));
                    Flow::Error
                })?;
                let _ = shell.descriptors.set(1, Some(write));
                input = Some(read);
            }
            if let Command::Simple(simple) = command {
                self.line = simple.line;
                self.run_trap(Condition::Debug)?;
            }
            let kind = shell.stage_kind(command, index == 0);
            stages.push(Some(Stage { shell, kind }));
        }
        Ok(stages)
    }

    /// Looks at what a stage will run. Words whose expansion runs commands are left alone unless the stage is the first:
    /// those commands may read what the stage before has yet to write.
    fn stage_kind<'a>(&mut self, command: &'a Command, first: bool) -> Kind<'a> {
        let Command::Simple(simple) = command else { return Kind::Shell(command.clone()) };
        let runs_commands = simple.words.iter().any(Word::runs_commands)
            || simple.assignments.iter().any(|assignment| assignment.value.runs_commands())
            || simple.redirects.iter().any(|redirect| redirect.target.runs_commands());
        if runs_commands && !first {
            return Kind::Shell(command.clone());
        }
        self.line = simple.line;
        match self.expand_words(&simple.words) {
            Err(flow) => Kind::Failed(self.finish(Err(flow))),
            Ok(arguments) => match arguments.first() {
                Some(name)
                    if !self.functions.contains_key(name)
                        && builtins::find(name, self.dialect).is_none()
                        && !self.may_wait_to_open(&simple.redirects) =>
                {
                    Kind::Program { simple, arguments }
                }
                // What was expanded must not be expanded again.
                _ => Kind::Shell(Command::Simple(Simple {
                    words: arguments.iter().map(|argument| Word::literal(argument)).collect(),
                    ..simple.clone()
                })),
            },
        }
    }

    /// If the first stage is a builtin that soon ends, another shell stage does not need it to be a process: it runs now
    /// and the next stage reads what it wrote from a file in memory.
    fn run_finite_first_stage(&mut self, stages: &mut [Option<Stage>]) -> Result<(), Flow> {
        let finite = |stage: &Stage| match &stage.kind {
            Kind::Shell(Command::Simple(simple)) => {
                let name = simple.words.first().map(|word| word.0.as_slice());
                matches!(name, Some([crate::syntax::tree::Piece::Quoted(name)])
                    if FINITE.contains(&name.as_str()) && !stage.shell.functions.contains_key(name))
                    && !stage.shell.may_wait_to_open(&simple.redirects)
            }
            _ => false,
        };
        if !matches!(&stages[0], Some(stage) if finite(stage)) {
            return Ok(());
        }
        let Some(Stage { mut shell, kind: Kind::Shell(command) }) = stages[0].take() else { return Ok(()) };
        let failed = |errno| {
            self.report(&format!("cannot keep output: {}", system::describe(errno)));
            Flow::Error
        };
        let file = system::memory_file().map_err(failed)?;
        // Numbers 0 and 1 are always in range.
        let _ = shell.descriptors.set(1, Some(file.clone()));
        let status = self.run_inner(shell, |shell| shell.run_command(&command));
        file.seek(0, Whence::Start).map_err(failed)?;
        if let Some(next) = &mut stages[1] {
            let _ = next.shell.descriptors.set(0, Some(file));
        }
        stages[0] = Some(Stage { shell: self.clone(), kind: Kind::Failed(status) });
        Ok(())
    }

    /// Runs a stage in this process. A stage that is not the last ends at a broken pipe, but this process must not.
    fn run_stage_here(&self, shell: Shell, command: &Command, last: bool) -> i32 {
        if last {
            return self.run_inner(shell, |shell| shell.run_command(command));
        }
        self.without_sigpipe(shell, |shell| self.run_inner(shell, |shell| shell.run_command(command)))
    }
}

/// Starts all stages, in one group where there is job control.
fn start_all(mut stages: Vec<Option<Stage>>) -> Vec<Child> {
    let mut group = None;
    let mut children = Vec::with_capacity(stages.len());
    for mut stage in stages.iter_mut().filter_map(Option::take) {
        stage.shell.job_group = group;
        let shell = stage.shell.clone();
        let started = match stage.start() {
            Progress::Running(child) => Some(child),
            // The job still has to end with that status.
            Progress::Ended(status) => shell.start_instance(&exit_with(status)),
        };
        if let Some(child) = started {
            if shell.control.is_some() {
                group.get_or_insert(child.id);
            }
            children.push(child);
        }
    }
    children
}

impl Stage<'_> {
    /// Starts it as a process.
    fn start(self) -> Progress {
        let Stage { mut shell, kind } = self;
        let started = match kind {
            Kind::Failed(status) => return Progress::Ended(status),
            Kind::Program { simple, arguments } => {
                let trace = shell.options.xtrace.then(|| shell.descriptors.get(2).ok()).flatten();
                match shell.start_simple(simple, &arguments, trace) {
                    Ok(started) => started,
                    Err(flow) => Err(shell.status_of(flow)),
                }
            }
            Kind::Shell(command) => match shell.start_instance(&list_of(command)) {
                Some(child) => Ok(child),
                None => Err(2),
            },
        };
        match started {
            Ok(child) => Progress::Running(child),
            Err(status) => Progress::Ended(status),
        }
    }
}

fn list_of(command: Command) -> List {
    let first = Pipeline { negated: false, timed: false, stages: vec![command] };
    List(vec![Item { and_or: AndOr { first, rest: Vec::new() }, background: false }])
}

fn exit_with(status: i32) -> List {
    let words = vec![Word::literal("exit"), Word::literal(&status.to_string())];
    list_of(Command::Simple(Simple { words, ..Simple::default() }))
}
