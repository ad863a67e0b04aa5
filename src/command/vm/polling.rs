//! `cordon:vm/polling`: waits that have an end.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use wasmtime::component::Resource;

use kernel::Errno;

use super::super::guest::Guest;
use super::bindings::cordon::vm::polling;
use super::descriptors::{Descriptor, transfer_failure};
use super::errors::Failure;

impl polling::Host for Guest {
    async fn wait_readable(
        &mut self,
        descriptor: Resource<Descriptor>,
        milliseconds: u32,
    ) -> Result<bool, Failure> {
        let (process, file) = (&*self.process, self.open_file(&descriptor)?);
        if poll_fn(|cx| Poll::Ready(file.poll_readable(cx).is_ready())).await {
            return Ok(true);
        }
        let readable = poll_fn(|cx| match file.poll_readable(cx) {
            Poll::Pending => process.poll_interrupted(cx).map(|()| Err(Errno::Eintr)),
            Poll::Ready(()) => Poll::Ready(Ok(true)),
        });
        let waited = tokio::time::timeout(Duration::from_millis(milliseconds.into()), readable).await;
        waited.unwrap_or(Ok(false)).map_err(|errno| transfer_failure(process, errno))
    }
}
