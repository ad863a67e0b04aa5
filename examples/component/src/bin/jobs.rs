//! Job control in a hundred lines: starts programs in the foreground of its terminal, and has them stopped and resumed.
//!
//! A line is a program and its arguments, or one of `fg`, `bg`, `size`, `key`, `signal GROUP`, `take GROUP` and `exit`.

use cordon_vm::descriptors::{self, Descriptor};
use cordon_vm::jobs::{self, Changes, ChildStatus, Grouping};
use cordon_vm::process::{self, Child, Disposition, ExitStatus, Signal, SpawnOptions};
use cordon_vm::terminal::{self, ChangeWhen, InputModes, LocalModes};
use cordon_vm::types::Errno;

/// Keys are for what runs in the foreground; and a shell may come back there from the background.
const IGNORED: [Signal; 5] =
    [Signal::Interrupt, Signal::Quit, Signal::TerminalStop, Signal::TerminalInput, Signal::TerminalOutput];

/// The shell, at its terminal.
struct Shell {
    terminal: Descriptor,
    /// What was stopped last.
    stopped: Option<Child>,
}

fn main() {
    let terminal = descriptors::inherited(0).expect("standard input");
    for signal in IGNORED {
        process::set_disposition(signal, Disposition::Ignore).expect("they can be ignored");
    }
    let mut shell = Shell { terminal, stopped: None };
    loop {
        shell.say("$ ");
        let line = shell.terminal.read(4096).unwrap_or_default();
        let text = String::from_utf8_lossy(&line).into_owned();
        let words: Vec<&str> = text.split_whitespace().collect();
        match words[..] {
            [] if line.is_empty() => return,
            [] => {}
            ["exit"] => return,
            _ => {
                if let Err(errno) = shell.run(&words) {
                    shell.say(&format!("{}\n", errno.name()));
                }
            }
        }
    }
}

impl Shell {
    fn say(&self, text: &str) {
        let _ = self.terminal.write(text.as_bytes());
    }

    fn run(&mut self, words: &[&str]) -> Result<(), Errno> {
        match words {
            ["fg"] => {
                let child = self.stopped.take().ok_or(Errno::Esrch)?;
                terminal::set_foreground(&self.terminal, child.id())?;
                jobs::kill_group(child.id(), Signal::Continue)?;
                self.wait(child)
            }
            ["bg"] => {
                let child = self.stopped.as_ref().ok_or(Errno::Esrch)?;
                jobs::kill_group(child.id(), Signal::Continue)
            }
            ["size"] => {
                let size = terminal::get_size(&self.terminal)?;
                self.say(&format!("{} by {}\n", size.columns, size.rows));
                Ok(())
            }
            ["key"] => self.key(),
            ["signal", group] => {
                jobs::kill_group(group.parse().map_err(|_| Errno::Einval)?, Signal::Terminate)
            }
            ["take", group] => {
                terminal::set_foreground(&self.terminal, group.parse().map_err(|_| Errno::Einval)?)
            }
            [program, ..] => {
                let options = SpawnOptions {
                    program: (*program).to_owned(),
                    arguments: words.iter().map(|&word| word.to_owned()).collect(),
                    environment: process::environment(),
                    current_directory: None,
                    descriptors: vec![(0, &self.terminal), (1, &self.terminal), (2, &self.terminal)],
                    ignored_signals: vec![],
                };
                let child = jobs::spawn(&options, &IGNORED, Grouping::NewGroup, Some(&self.terminal))?;
                self.wait(child)
            }
            [] => Ok(()),
        }
    }

    /// Until a child has ended or was stopped. Then the terminal is the shell's again.
    fn wait(&mut self, child: Child) -> Result<(), Errno> {
        let status = jobs::wait(&child, Changes::STOPPED);
        terminal::set_foreground(&self.terminal, jobs::get_group())?;
        match status? {
            ChildStatus::Ended(ExitStatus::Exited(code)) => self.say(&format!("exited {code}\n")),
            ChildStatus::Ended(ExitStatus::Signaled(signal)) => self.say(&format!("ended by {signal:?}\n")),
            ChildStatus::Stopped(signal) => {
                self.say(&format!("stopped by {signal:?}\n"));
                self.stopped = Some(child);
            }
            ChildStatus::Continued => {}
        }
        Ok(())
    }

    /// One key, as it is typed.
    fn key(&self) -> Result<(), Errno> {
        let before = terminal::get_attributes(&self.terminal)?;
        let mut raw = before;
        raw.input = raw.input ^ (raw.input & InputModes::RETURN_TO_NEWLINE);
        let off = LocalModes::CANONICAL | LocalModes::ECHO | LocalModes::SIGNALS | LocalModes::EXTENDED;
        raw.local = raw.local ^ (raw.local & off);
        terminal::set_attributes(&self.terminal, ChangeWhen::Drained, raw)?;
        self.say("key? ");
        let key = self.terminal.read(1);
        terminal::set_attributes(&self.terminal, ChangeWhen::Now, before)?;
        self.say(&format!("{:?}\n", key?));
        Ok(())
    }
}
