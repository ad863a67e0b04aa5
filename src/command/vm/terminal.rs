//! `cordon:vm/terminal`: modes, size and foreground of terminals.

use std::future::poll_fn;
use std::sync::Arc;

use wasmtime::component::Resource;

use kernel::{
    Attributes, ChangeWhen, ControlCharacters, Errno, InputModes, LocalModes, OpenFile, OutputModes,
    Terminal, WindowSize,
};

use super::super::guest::Guest;
use super::bindings::cordon::vm::terminal;
use super::descriptors::Descriptor;
use super::errors::Failure;
use super::process::live_on;

/// Modes by the names that both sides give them.
macro_rules! modes {
    ($to:ident, $from:ident, $contract:ident, $kernel:ident: $($name:ident)*) => {
        fn $to(modes: $kernel) -> terminal::$contract {
            let mut all = terminal::$contract::empty();
            $(if modes.contains($kernel::$name) { all |= terminal::$contract::$name; })*
            all
        }

        fn $from(modes: terminal::$contract) -> $kernel {
            let mut all = $kernel::empty();
            $(all.set($kernel::$name, modes.contains(terminal::$contract::$name));)*
            all
        }
    };
}

modes! { input_to, input_from, InputModes, InputModes:
STRIP NEWLINE_TO_RETURN IGNORE_RETURN RETURN_TO_NEWLINE FLOW_CONTROL ANY_STARTS UTF8 }
modes! { output_to, output_from, OutputModes, OutputModes:
PROCESS NEWLINE_TO_RETURN_NEWLINE RETURN_TO_NEWLINE NO_RETURN_AT_START NEWLINE_RETURNS }
modes! { local_to, local_from, LocalModes, LocalModes:
SIGNALS CANONICAL ECHO ECHO_ERASE ECHO_KILL ECHO_NEWLINE ECHO_CONTROL ECHO_KILL_ERASE NO_FLUSH STOP_BACKGROUND
EXTENDED }

/// Special characters likewise.
macro_rules! characters {
    ($($name:ident)*) => {
        fn characters_to(characters: ControlCharacters) -> terminal::ControlCharacters {
            terminal::ControlCharacters { $($name: characters.$name,)* }
        }

        fn characters_from(characters: terminal::ControlCharacters) -> ControlCharacters {
            ControlCharacters { $($name: characters.$name,)* }
        }
    };
}

characters! { interrupt quit suspend erase word_erase kill end_of_file end_of_line start stop literal_next reprint
minimum }

impl Guest {
    fn terminal(&self, handle: &Resource<Descriptor>) -> Result<&Arc<Terminal>, Failure> {
        Ok(self.open_file(handle)?.terminal().ok_or(Errno::Enotty)?)
    }

    fn terminal_file(&self, handle: &Resource<Descriptor>) -> Result<Arc<OpenFile>, Failure> {
        Ok(self.open_file(handle)?.clone())
    }
}

impl terminal::Host for Guest {
    fn get_attributes(&mut self, handle: Resource<Descriptor>) -> Result<terminal::Attributes, Failure> {
        let Attributes { input, output, local, characters } = self.terminal(&handle)?.attributes();
        Ok(terminal::Attributes {
            input: input_to(input),
            output: output_to(output),
            local: local_to(local),
            characters: characters_to(characters),
        })
    }

    async fn set_attributes(
        &mut self,
        handle: Resource<Descriptor>,
        when: terminal::ChangeWhen,
        attributes: terminal::Attributes,
    ) -> Result<(), Failure> {
        let file = self.terminal_file(&handle)?;
        let when = match when {
            terminal::ChangeWhen::Now => ChangeWhen::Now,
            terminal::ChangeWhen::Drained => ChangeWhen::Drained,
            terminal::ChangeWhen::Flushed => ChangeWhen::Flushed,
        };
        let attributes = Attributes {
            input: input_from(attributes.input),
            output: output_from(attributes.output),
            local: local_from(attributes.local),
            characters: characters_from(attributes.characters),
        };
        let process = self.process.clone();
        let set = poll_fn(|cx| process.poll_set_terminal_attributes(cx, &file, when, attributes)).await;
        live_on(&process).await?;
        Ok(set?)
    }

    fn get_size(&mut self, handle: Resource<Descriptor>) -> Result<terminal::Size, Failure> {
        let WindowSize { columns, rows } = self.terminal(&handle)?.size();
        Ok(terminal::Size { columns, rows })
    }

    fn set_size(&mut self, handle: Resource<Descriptor>, size: terminal::Size) -> Result<(), Failure> {
        let terminal::Size { columns, rows } = size;
        self.terminal(&handle)?.resize(WindowSize { columns, rows });
        Ok(())
    }

    fn get_foreground(&mut self, handle: Resource<Descriptor>) -> Result<u32, Failure> {
        Ok(self.process.terminal_foreground(self.open_file(&handle)?)?)
    }

    async fn set_foreground(&mut self, handle: Resource<Descriptor>, group: u32) -> Result<(), Failure> {
        let (file, process) = (self.terminal_file(&handle)?, self.process.clone());
        let set = poll_fn(|cx| process.poll_set_terminal_foreground(cx, &file, group)).await;
        live_on(&process).await?;
        Ok(set?)
    }
}
