//! Execution: walks the syntax tree. Lists and compound commands are here; simple commands, pipelines, redirections,
//! jobs and subshells have their own files.

pub mod control;
pub mod coprocess;
pub mod jobs;
mod pipeline;
mod redirect;
mod simple;
mod subshell;
mod test;
pub mod transfer;
pub mod traps;

use crate::{
    builtins, bytes, stack,
    state::{Condition, ERROR_STATUS, Flow, Outcome, Shell},
    syntax::dialect::{self, Dialect},
    syntax::tree::{AfterArm, AndOr, Arm, Command, Compound, Connector, List, Piece, Pipeline, Word},
    variables::Value,
};

/// How deeply running commands may nest: calls of functions, substitutions, sourced files, compound commands. A function
/// that calls itself within an `if` takes three levels for each call. A level needs up to 1.2 KiB of the stack that the
/// host gives a program (`WASM_STACK` of `src/command`), and some of the one in linear memory, which `stack` watches.
pub const MAX_DEPTH: u32 = 3200;

impl Shell {
    pub fn run_list(&mut self, list: &List) -> Outcome {
        let mut status = 0;
        for item in &list.0 {
            status = if item.background {
                self.run_background(&item.and_or)?
            } else {
                self.run_and_or(&item.and_or)?
            };
            self.status = status;
        }
        Ok(status)
    }

    fn run_and_or(&mut self, list: &AndOr) -> Outcome {
        let last = list.rest.len();
        let mut status = self.handling_failure(last > 0, |shell| shell.run_pipeline(&list.first))?;
        for (index, (connector, pipeline)) in list.rest.iter().enumerate() {
            if (*connector == Connector::And) == (status == 0) {
                status = self.handling_failure(index + 1 < last, |shell| shell.run_pipeline(pipeline))?;
            }
        }
        Ok(status)
    }

    /// Runs something whose failure is looked at, so that `set -e` does not end the shell.
    fn handling_failure<T>(&mut self, handled: bool, run: impl FnOnce(&mut Shell) -> T) -> T {
        let before = self.failure_is_handled;
        self.failure_is_handled |= handled;
        let result = run(self);
        self.failure_is_handled = before;
        result
    }

    fn run_pipeline(&mut self, pipeline: &Pipeline) -> Outcome {
        if self.options.noexec {
            return Ok(0);
        }
        let started = pipeline.timed.then(std::time::Instant::now);
        let status = self.handling_failure(pipeline.negated, |shell| match pipeline.stages.as_slice() {
            [] => Ok(0),
            [command] => shell.run_command(command),
            stages => shell.run_stages(stages),
        })?;
        if let Some(started) = started {
            self.report_time(started.elapsed());
        }
        self.status = status;
        if let [Command::Simple(_)] = pipeline.stages.as_slice()
            && **self.extras.statuses != [status]
        {
            self.extras.statuses = std::rc::Rc::new(vec![status]);
        }
        if status != 0 && !pipeline.negated && !self.failure_is_handled && ends_shell(&pipeline.stages) {
            self.run_trap(Condition::Error)?;
            self.status = status;
            if self.options.errexit {
                return Err(Flow::Exit(status));
            }
        }
        self.run_traps()?;
        if pipeline.negated {
            self.status = i32::from(status == 0);
        }
        Ok(self.status)
    }

    #[inline(never)] // Its buffers are no part of what every level of nesting takes.
    fn report_time(&self, elapsed: std::time::Duration) {
        let (minutes, seconds) = (elapsed.as_secs() / 60, elapsed.as_secs_f64() % 60.0);
        if let Ok(handle) = self.descriptors.get(2) {
            // A lost report is no reason to fail.
            let _ = handle.write_text(&match self.dialect {
                Dialect::Posix => format!("real\t{minutes}m{seconds:.3}s\n"),
                // A VM has no clock for processor time that a program can read.
                Dialect::Bash => format!("\nreal\t{minutes}m{seconds:.3}s\nuser\t0m0.000s\nsys\t0m0.000s\n"),
            });
        }
    }

    pub fn run_command(&mut self, command: &Command) -> Outcome {
        self.nested(|shell| match command {
            Command::Simple(simple) => shell.run_simple(simple),
            Command::Compound(compound, redirects) if redirects.is_empty() => shell.run_compound(compound),
            Command::Compound(compound, redirects) => {
                let mut placed = false;
                let status = shell.with_redirects(redirects, |shell| {
                    placed = true;
                    shell.run_compound(compound)
                })?;
                // What fails inside a compound command was looked at there; this was not.
                if !placed && shell.options.errexit && !shell.failure_is_handled {
                    return Err(Flow::Exit(status));
                }
                Ok(status)
            }
            Command::Function { name, body } => {
                std::rc::Rc::make_mut(&mut shell.functions).insert(name.clone(), body.clone());
                shell.note_source(name);
                Ok(0)
            }
        })
    }

    /// Counts a level of nesting, or refuses it.
    pub fn nested(&mut self, run: impl FnOnce(&mut Shell) -> Outcome) -> Outcome {
        if self.depth >= MAX_DEPTH || stack::is_short() {
            self.report("commands are nested too deeply");
            return Err(Flow::Error);
        }
        self.depth += 1;
        let outcome = run(self);
        self.depth -= 1;
        outcome
    }

    pub fn run_compound(&mut self, compound: &Compound) -> Outcome {
        match compound {
            Compound::Group(list) => self.run_list(list),
            Compound::Subshell(list) => self.run_subshell(list),
            Compound::If { branches, otherwise } => {
                for (condition, body) in branches {
                    if self.handling_failure(true, |shell| shell.run_list(condition))? == 0 {
                        return self.run_list(body);
                    }
                }
                otherwise.as_ref().map_or(Ok(0), |body| self.run_list(body))
            }
            Compound::Loop { until, condition, body } => self.run_loop(|shell, run_body| {
                let met = match shell.handling_failure(true, |shell| shell.run_list(condition)) {
                    // `continue` is a success, at which bash's `until` ends.
                    Err(Flow::Continue(1)) if *until && shell.dialect == Dialect::Bash => return Ok(None),
                    outcome => outcome? == 0,
                };
                if met == *until { Ok(None) } else { run_body(shell, body).map(Some) }
            }),
            Compound::For { line, variable, words, body } => {
                self.line = *line;
                self.run_for(*line, variable, words.as_deref(), body)
            }
            Compound::Select { line, variable, words, body } => {
                self.line = *line;
                self.run_trap(Condition::Debug)?;
                self.run_select(variable, words, body)
            }
            Compound::Case { line, subject, arms } => {
                self.line = *line;
                self.run_trap(Condition::Debug)?;
                self.run_case(subject, arms)
            }
            Compound::Arithmetic { line, expression } => {
                self.line = *line;
                self.run_trap(Condition::Debug)?;
                let value = self.expand_arithmetic(expression)?;
                Ok(i32::from(value == 0))
            }
            Compound::ArithmeticFor { line, start, condition, step, body } => {
                self.line = *line;
                self.run_trap(Condition::Debug)?;
                self.expand_arithmetic(start)?;
                let mut first = true;
                self.run_loop(|shell, run_body| {
                    shell.line = *line;
                    if !std::mem::take(&mut first) {
                        shell.run_trap(Condition::Debug)?;
                        shell.expand_arithmetic(step)?;
                    }
                    shell.run_trap(Condition::Debug)?;
                    let endless = condition.0.is_empty();
                    if !endless && shell.expand_arithmetic(condition)? == 0 {
                        return Ok(None);
                    }
                    run_body(shell, body).map(Some)
                })
            }
            Compound::Coprocess { line, name, body } => {
                self.line = *line;
                self.start_coprocess(name, body)
            }
            Compound::Test { line, test } => {
                self.line = *line;
                self.run_trap(Condition::Debug)?;
                let met = self.run_test(test)?;
                Ok(if std::mem::take(&mut self.test_failed) { ERROR_STATUS } else { i32::from(!met) })
            }
        }
    }

    #[inline(never)] // A copy of the shell is no part of what every level of nesting takes.
    fn run_subshell(&mut self, list: &List) -> Outcome {
        if self.control.is_none() && !dialect::are_processes_told_apart() {
            return Ok(self.in_subshell(|_| (), |shell| shell.run_list(list)));
        }
        let Some(child) = self.as_subshell().start_instance(list) else {
            return Ok(self.error_status());
        };
        let statuses = self.wait_in_front(vec![child], || "( ... )".to_owned())?;
        Ok(statuses.last().copied().unwrap_or(0))
    }

    /// Calls `turn` until it has nothing more to run. `turn` gets the function that runs the body, which takes care of
    /// `break` and `continue` for it.
    fn run_loop(
        &mut self,
        mut turn: impl FnMut(&mut Shell, fn(&mut Shell, &List) -> Outcome) -> Result<Option<i32>, Flow>,
    ) -> Outcome {
        self.loops += 1;
        let mut status = 0;
        let outcome = loop {
            if let Err(flow) = self.run_traps() {
                break Err(flow);
            }
            match turn(self, Shell::run_list) {
                Ok(Some(last)) => status = last,
                Ok(None) => break Ok(status),
                Err(Flow::Break(levels)) if levels > 1 => break Err(Flow::Break(levels - 1)),
                Err(Flow::Break(_)) => break Ok(self.status),
                Err(Flow::Continue(levels)) if levels > 1 => break Err(Flow::Continue(levels - 1)),
                Err(Flow::Continue(_)) => status = 0,
                Err(flow) => break Err(flow),
            }
        };
        self.loops -= 1;
        outcome
    }

    #[inline(never)]
    fn run_for(&mut self, line: u32, variable: &str, words: Option<&[Word]>, body: &List) -> Outcome {
        let values = match words {
            Some(words) => self.expand_words(words)?,
            None => self.positional.to_vec(),
        };
        let mut values = values.into_iter();
        self.run_loop(|shell, run_body| {
            let Some(value) = values.next() else { return Ok(None) };
            shell.line = line;
            shell.run_trap(Condition::Debug)?;
            match shell.variables.get(variable) {
                // A loop leads a reference from one variable to the next.
                Some(known) if known.reference && !known.readonly => {
                    shell.variable_mut(variable).value = Some(Value::Text(value));
                }
                _ => shell.assign(variable, value)?,
            }
            run_body(shell, body).map(Some)
        })
    }

    /// Offers the words by their numbers until standard input ends or the body leaves the loop.
    #[inline(never)]
    fn run_select(&mut self, variable: &str, words: &[Word], body: &List) -> Outcome {
        let words = self.expand_words(words)?;
        if words.is_empty() {
            return Ok(0);
        }
        let menu: String =
            words.iter().enumerate().map(|(index, word)| format!("{}) {word}\n", index + 1)).collect();
        let mut shows_menu = true;
        self.run_loop(|shell, run_body| {
            loop {
                let prompt = shell.variable("PS3").unwrap_or("#? ").to_owned();
                if let Ok(handle) = shell.descriptors.get(2) {
                    // Nobody is left to choose otherwise.
                    let _ = handle.write_text(&if shows_menu { format!("{menu}{prompt}") } else { prompt });
                }
                let input = shell.descriptors.get(0).ok();
                let read = input.and_then(|handle| builtins::read_line(&handle, &|| false).ok());
                let line = match read {
                    Some((bytes, complete)) if complete || !bytes.is_empty() => bytes::decode(bytes),
                    _ => {
                        shell.status = 1;
                        return Ok(None);
                    }
                };
                shell.assign("REPLY", line.clone())?;
                shows_menu = line.is_empty();
                if shows_menu {
                    continue;
                }
                let chosen = line.trim().parse::<usize>().ok().and_then(|number| number.checked_sub(1));
                let chosen = chosen.and_then(|index| words.get(index)).cloned().unwrap_or_default();
                shell.assign(variable, chosen)?;
                return run_body(shell, body).map(Some);
            }
        })
    }

    fn pattern_matches(&mut self, pattern: &Word, text: &str) -> Result<bool, Flow> {
        if let [Piece::Text(own)] = pattern.0.as_slice()
            && own.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-./".contains(&byte))
            && !self.extras.patterns.nocasematch
        {
            return Ok(own == text);
        }
        Ok(self.expand_pattern(pattern)?.matches(text))
    }

    #[inline(never)]
    fn run_case(&mut self, subject: &Word, arms: &[Arm]) -> Outcome {
        let text = self.expand_text(subject)?;
        let mut falls_through = false;
        let mut status = 0;
        for arm in arms {
            let mut matches = std::mem::take(&mut falls_through);
            for pattern in &arm.patterns {
                matches = matches || self.pattern_matches(pattern, &text)?;
            }
            if !matches {
                continue;
            }
            status = self.run_list(&arm.body)?;
            match arm.then {
                AfterArm::Leave => return Ok(status),
                AfterArm::FallThrough => falls_through = true,
                AfterArm::TestNext => {}
            }
        }
        Ok(status)
    }
}

/// Whether the failure of these stages is a failure of its own under `set -e`. A compound command that only passes on
/// the status of what ran inside is not: that was looked at already.
fn ends_shell(stages: &[Command]) -> bool {
    match stages {
        [Command::Compound(compound, _)] => {
            matches!(**compound, Compound::Subshell(_) | Compound::Arithmetic { .. } | Compound::Test { .. })
        }
        _ => true,
    }
}
