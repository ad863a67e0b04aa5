//! `wasi:cli`: arguments, environment, standard streams and the end of a command.

use wasmtime::component::{Linker, Resource};
use wasmtime_wasi::p2::bindings::cli::{
    environment, exit, stderr, stdin, stdout, terminal_input, terminal_output, terminal_stderr,
    terminal_stdin, terminal_stdout,
};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream};

use super::super::guest::{Ended, Guest};
use super::streams::{ClosedStream, FileInput, FileOutput};
use artifact::exit_import;

/// Where a program is told to be whose directory was removed and has no name any more: relative paths find nothing and
/// make nothing there, as they should, which from `/` they would.
const REMOVED_DIRECTORY: &str = "/proc/self/cwd";

/// See [`Guest::room`].
const OWN_PROGRAM_BYTES: usize = 16 * 1024;
/// What a text takes besides its bytes: two pairs of pointer and length.
const TEXT_BYTES: usize = 16;

type TerminalInput = terminal_input::TerminalInput;
type TerminalOutput = terminal_output::TerminalOutput;

impl environment::Host for Guest {
    fn get_environment(&mut self) -> wasmtime::Result<Vec<(String, String)>> {
        // WASI programs begin at `/`; those that know of working directories find theirs here.
        let environment = self.process.env().iter().filter(|(name, _)| name != "PWD").cloned();
        let directory = ("PWD".to_owned(), self.working_directory());
        let mut room = self.room();
        let fits = |(name, value): &(String, String)| take(&mut room, name.len() + value.len());
        Ok([directory].into_iter().chain(environment).filter(fits).collect())
    }

    fn get_arguments(&mut self) -> wasmtime::Result<Vec<String>> {
        let mut room = self.room();
        let arguments = self.process.argv().iter();
        Ok(arguments.take_while(|argument| take(&mut room, argument.len())).cloned().collect())
    }

    fn initial_cwd(&mut self) -> wasmtime::Result<Option<String>> {
        Ok(Some(self.working_directory()))
    }
}

impl exit::Host for Guest {
    fn exit(&mut self, status: Result<(), ()>) -> wasmtime::Result<()> {
        Err(Ended::Exit(u8::from(status.is_err())).into())
    }

    fn exit_with_code(&mut self, code: u8) -> wasmtime::Result<()> {
        Err(Ended::Exit(code).into())
    }
}

/// Links what `proc_exit` of preview 1 programs is turned into.
pub(super) fn add_exit_with_code(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.instance(exit_import::INTERFACE)?.func_wrap(
        exit_import::FUNCTION,
        |_, (code,): (u32,)| -> wasmtime::Result<()> {
            // As on Linux, a waiting parent sees the low eight bits.
            Err(Ended::Exit(code.to_le_bytes()[0]).into())
        },
    )
}

/// Whether one more text of this length, with what it takes besides, has room.
fn take(room: &mut usize, length: usize) -> bool {
    let left = room.checked_sub(length + TEXT_BYTES);
    *room = left.unwrap_or(*room);
    left.is_some()
}

impl Guest {
    /// The bytes of arguments, or of the environment, that the program is told here. The adapter has one page of memory to
    /// take them in and ends a program that has more; the virtual machine's own programs ask `cordon:vm` for all of them.
    fn room(&self) -> usize {
        if self.is_own { OWN_PROGRAM_BYTES } else { usize::MAX }
    }

    /// What programs that know of working directories take relative paths from.
    fn working_directory(&self) -> String {
        self.process.cwd().unwrap_or_else(|_| REMOVED_DIRECTORY.to_owned())
    }

    fn input(&mut self, number: u32) -> wasmtime::Result<Resource<DynInputStream>> {
        let stream: DynInputStream = match self.process.fds().get(number) {
            Ok(file) => Box::new(FileInput::sequential(self.process.clone(), file)),
            Err(_) => Box::new(ClosedStream),
        };
        Ok(self.table.push(stream)?)
    }

    fn output(&mut self, number: u32) -> wasmtime::Result<Resource<DynOutputStream>> {
        let stream: DynOutputStream = match self.process.fds().get(number) {
            Ok(file) => Box::new(FileOutput::sequential(self.process.clone(), file)),
            Err(_) => Box::new(ClosedStream),
        };
        Ok(self.table.push(stream)?)
    }

    fn is_terminal(&self, number: u32) -> bool {
        self.process.fds().get(number).is_ok_and(|file| file.is_terminal())
    }

    fn terminal_output(&mut self, number: u32) -> wasmtime::Result<Option<Resource<TerminalOutput>>> {
        if !self.is_terminal(number) {
            return Ok(None);
        }
        Ok(Some(self.table.push(terminal_output::TerminalOutput)?))
    }
}

impl stdin::Host for Guest {
    fn get_stdin(&mut self) -> wasmtime::Result<Resource<DynInputStream>> {
        self.input(0)
    }
}

impl stdout::Host for Guest {
    fn get_stdout(&mut self) -> wasmtime::Result<Resource<DynOutputStream>> {
        self.output(1)
    }
}

impl stderr::Host for Guest {
    fn get_stderr(&mut self) -> wasmtime::Result<Resource<DynOutputStream>> {
        self.output(2)
    }
}

impl terminal_input::Host for Guest {}

impl terminal_input::HostTerminalInput for Guest {
    fn drop(&mut self, terminal: Resource<TerminalInput>) -> wasmtime::Result<()> {
        self.table.delete(terminal)?;
        Ok(())
    }
}

impl terminal_output::Host for Guest {}

impl terminal_output::HostTerminalOutput for Guest {
    fn drop(&mut self, terminal: Resource<TerminalOutput>) -> wasmtime::Result<()> {
        self.table.delete(terminal)?;
        Ok(())
    }
}

impl terminal_stdin::Host for Guest {
    fn get_terminal_stdin(&mut self) -> wasmtime::Result<Option<Resource<TerminalInput>>> {
        if !self.is_terminal(0) {
            return Ok(None);
        }
        Ok(Some(self.table.push(terminal_input::TerminalInput)?))
    }
}

impl terminal_stdout::Host for Guest {
    fn get_terminal_stdout(&mut self) -> wasmtime::Result<Option<Resource<TerminalOutput>>> {
        self.terminal_output(1)
    }
}

impl terminal_stderr::Host for Guest {
    fn get_terminal_stderr(&mut self) -> wasmtime::Result<Option<Resource<TerminalOutput>>> {
        self.terminal_output(2)
    }
}
