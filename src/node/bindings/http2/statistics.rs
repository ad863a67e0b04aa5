//! What performance observers are told of sessions and streams once they are over.

use std::rc::Rc;
use std::time::Duration;

use isolate::library::{monotonic, string};

use super::engine::Statistics;
use super::session::{Session, put_off};
use crate::binding::{set, set_number};
use crate::bindings::performance::{self, HTTP2, milliseconds};
use crate::environment::Env;

const KIND: &str = "http2";

/// Tells observers, if there are any then, at the end of the loop's round.
fn tell(
    env: &Rc<Env>,
    name: &'static str,
    start: Duration,
    numbers: Vec<(&'static str, f64)>,
    side: Option<&'static str>,
) {
    if !performance::is_observed(env, HTTP2) {
        return;
    }
    let (then, end) = (env.clone(), monotonic());
    put_off(env, move |scope| {
        if !performance::is_observed(&then, HTTP2) {
            return Some(());
        }
        let details = v8::Object::new(scope);
        for (name, number) in numbers {
            set_number(scope, details, name, number)?;
        }
        if let Some(side) = side {
            let side = string(scope, side);
            set(scope, details, "type", side.into())?;
        }
        performance::tell(scope, &then, (name, KIND), (start, end), details.into())
    });
}

impl Statistics {
    pub fn note_received(&self, length: usize) {
        if self.first_byte.get().is_none() {
            self.first_byte.set(Some(monotonic()));
        }
        self.received.set(self.received.get().saturating_add(length as u64));
    }

    /// How long after its beginning something happened; negative if it never did.
    fn after(&self, moment: Option<Duration>) -> f64 {
        milliseconds(moment.unwrap_or_default()) - milliseconds(self.start)
    }
}

impl Session {
    /// A stream is over.
    pub fn note_stream_end(&self, env: &Rc<Env>, statistics: &Statistics, id: i32) {
        let age = milliseconds(monotonic().saturating_sub(statistics.start));
        let count = self.shared().counts.streams.get().max(1);
        self.average_duration.set(age / count as f64);
        let numbers = vec![
            ("bytesRead", statistics.received.get() as f64),
            ("bytesWritten", statistics.sent.get() as f64),
            ("id", f64::from(id)),
            ("timeToFirstByte", statistics.after(statistics.first_byte.get())),
            ("timeToFirstByteSent", statistics.after(statistics.first_byte_sent.get())),
            ("timeToFirstHeader", statistics.after(statistics.first_header.get())),
        ];
        tell(env, "Http2Stream", statistics.start, numbers, None);
    }

    pub fn tell_statistics(&self, env: &Rc<Env>) {
        let counts = &self.shared().counts;
        let numbers = vec![
            ("bytesWritten", self.data_sent.get() as f64),
            ("bytesRead", self.data_received.get() as f64),
            ("framesReceived", counts.frames_received.get() as f64),
            ("framesSent", counts.frames_sent.get() as f64),
            ("maxConcurrentStreams", counts.streams_max.get() as f64),
            ("pingRTT", self.ping_time.get().as_nanos() as f64),
            ("streamAverageDuration", self.average_duration.get()),
            ("streamCount", counts.streams.get() as f64),
        ];
        let side = if self.is_server { "server" } else { "client" };
        tell(env, "Http2Session", self.start, numbers, Some(side));
    }
}
