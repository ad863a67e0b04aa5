//! `cordon:vm/host`: functions of the embedder.

use super::super::guest::Guest;
use super::bindings::cordon::vm::host;
use protocol::abi::HostCallError;

impl host::Host for Guest {
    fn functions(&mut self) -> wasmtime::Result<Vec<String>> {
        Ok(self.services.host_functions())
    }

    async fn call(
        &mut self,
        name: String,
        input: String,
    ) -> wasmtime::Result<Result<String, host::CallError>> {
        Ok(self.services.call_host(name, input).await.map_err(|error| match error {
            HostCallError::Unknown {} => host::CallError::Unknown,
            HostCallError::Denied {} => host::CallError::Denied,
            HostCallError::TooLarge {} => host::CallError::TooLarge,
            HostCallError::TimedOut {} => host::CallError::TimedOut,
            HostCallError::Failed { message } => host::CallError::Failed(message),
        }))
    }
}
