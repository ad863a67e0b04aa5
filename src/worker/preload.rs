//! Native code of commands that is mapped before the process has its whole enclosure, while nothing else is said on the
//! channel. Where `jit` is denied that is all code that there will be: nothing becomes executable afterwards.

use std::io;

use command::{ArtifactFile, Prepared};
use protocol::broker::{BrokerCall, BrokerReply, FromWorker, ToWorker};
use protocol::wire::{ErrorData, code};

use super::channel::{Receiver, Sender};

/// Starts the engine of commands, asks for these modules and loads them. Which could not be had is left to who runs
/// them, and `is_all` says that nobody may load them later.
///
/// # Errors
/// The engine refuses, or the supervisor is gone.
pub(super) fn load(
    sender: &Sender,
    receiver: &mut Receiver,
    modules: &[String],
    is_all: bool,
) -> io::Result<Prepared> {
    let prepared = Prepared::new().map_err(io::Error::other)?;
    let mut lacking = Vec::new();
    for (call, module) in (1..).zip(modules) {
        let body = BrokerCall::CommandArtifact { module: module.clone() };
        sender.send(&FromWorker::Call { call, body });
        let Some(ToWorker::Reply { reply: BrokerReply::CommandArtifact { result }, .. }) = receiver.next()
        else {
            return Err(io::Error::other("the supervisor gave no answer"));
        };
        // The supervisor has verified what it hands out, and nobody can write to it any more.
        let artifact = result.and_then(|len| match receiver.take_descriptor() {
            Some(file) => Ok(ArtifactFile { file, len }),
            None => Err(unusable(module, &"its descriptor was lost on its way")),
        });
        let loaded = artifact
            .and_then(|artifact| prepared.load(module, &artifact).map_err(|error| unusable(module, &error)));
        if let Err(why) = loaded {
            lacking.push((module.clone(), why));
        }
    }
    if is_all {
        prepared.close(lacking);
    }
    Ok(prepared)
}

fn unusable(module: &str, why: &dyn std::fmt::Display) -> ErrorData {
    ErrorData::new(code::NOT_INSTALLED, format!("{module} has no native code: {why}"))
}
