//! `cordon:vm/engine`: what runs this VM.

use super::super::guest::Guest;
use super::bindings::cordon::vm::engine;

impl engine::Host for Guest {
    fn report(&mut self) -> wasmtime::Result<String> {
        Ok(self.services.engine_report())
    }
}
