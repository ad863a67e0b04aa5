//! What a parser tells, written down: for tests and fuzzing.

use std::rc::Rc;

use super::{Answer, Head, Kind, Leniency, Machine, Methods, Sink, Told};

/// Events in their order, pieces of one put together.
#[derive(Default)]
pub(super) struct Log(pub(super) Vec<String>);

impl Log {
    fn piece(&mut self, what: &str, piece: &[u8]) -> Told {
        let text = String::from_utf8_lossy(piece);
        match self.0.last_mut() {
            Some(last) if last.starts_with(what) => last.push_str(&text),
            _ => self.0.push(format!("{what}{text}")),
        }
        Ok(())
    }

    fn event(&mut self, what: &str) -> Told {
        self.0.push(what.to_owned());
        Ok(())
    }
}

impl Sink for Log {
    fn message_begin(&mut self) -> Told {
        self.event("begin")
    }
    fn url(&mut self, piece: &[u8]) -> Told {
        self.piece("url ", piece)
    }
    fn status(&mut self, piece: &[u8]) -> Told {
        self.piece("status ", piece)
    }
    fn field(&mut self, piece: &[u8]) -> Told {
        self.piece("field ", piece)
    }
    fn value(&mut self, piece: &[u8]) -> Told {
        self.piece("value ", piece)
    }
    fn headers_complete(&mut self, head: &Head) -> Told<Answer> {
        self.event(&format!("head {} {} {}", head.status, head.upgrade, head.keep_alive))?;
        Ok(Answer::Go)
    }
    fn body(&mut self, piece: &[u8]) -> Told {
        self.piece("body ", piece)
    }
    fn chunk_extension(&mut self, piece: &[u8]) -> Told {
        self.piece("extension ", piece)
    }
    fn chunk_header(&mut self) -> Told {
        Ok(())
    }
    fn chunk_complete(&mut self) -> Told {
        Ok(())
    }
    fn message_complete(&mut self) -> Told {
        self.event("end")
    }
}

/// A parser that knows some methods.
pub(super) fn machine(kind: Kind, leniency: u32) -> Machine {
    let all = ["DELETE", "GET", "HEAD", "POST", "PUT", "CONNECT", "BIND", "SETUP"];
    let all: Vec<String> = all.into_iter().map(str::to_owned).collect();
    let http = all.iter().take(7).cloned().collect();
    Machine::new(kind, Leniency(leniency), Rc::new(Methods { all, http }))
}
