//! Properties of the parser on any bytes.

use super::log::{Log, machine};
use super::{Failure, Kind, Protocol};

/// The first two bytes say how the rest is taken: which kind of message, how leniently, and where it is cut. What is told of it
/// does not depend on the cut, no position lies behind the end, and it is told in order.
pub(crate) fn parse(bytes: &[u8]) {
    let [how, cut, message @ ..] = bytes else { return };
    let kind = if how & 1 == 0 { Kind::Request } else { Kind::Response };
    let leniency = if how & 2 == 0 { 0 } else { u32::from(how >> 2) };
    let (whole, outcome) = {
        let mut log = Log::default();
        let mut machine = machine(kind, leniency);
        let outcome = machine.execute(message, &mut log);
        if outcome.is_ok() {
            let _ = machine.finish(&mut log);
        }
        (log.0, outcome)
    };
    match outcome {
        Ok(read) => assert!(read <= message.len()),
        Err(Failure::Parse(at, _)) => assert!(at <= message.len()),
        Err(_) => {}
    }
    let heads = whole.iter().filter(|event| event.starts_with("head ")).count();
    let begins = whole.iter().filter(|event| *event == "begin").count();
    assert!(heads <= begins, "{whole:?}");
    // Behind an upgrade comes what is no message.
    if message.is_empty() || outcome != Ok(message.len()) {
        return;
    }
    let (first, second) = message.split_at(usize::from(*cut) % message.len());
    let (mut machine, mut log) = (machine(kind, leniency), Log::default());
    let Ok(read) = machine.execute(first, &mut log) else { return };
    if read == first.len() && machine.execute(second, &mut log).is_ok() {
        let _ = machine.finish(&mut log);
        assert_eq!(log.0, whole);
    }
}
