//! What comes into a session: read frame by frame, with what JavaScript is told of each in between.

use std::rc::{Rc, Weak};

use isolate::library::{Scope, memory_for};

use super::engine::Event;
use super::session::{Maybe, Session};
use crate::environment::Env;
use crate::stream_base::{Base, Consumer, Incoming};

impl Session {
    /// Reads out of a stream from now on, and writes to it.
    pub fn consume(self: &Rc<Session>, base: Rc<dyn Base>) {
        base.set_consumer(Some(Rc::new(Reader(Rc::downgrade(self)))));
        let before = self.base.replace(Some(base));
        drop(before);
    }

    /// Takes bytes that have come in.
    pub fn take(self: &Rc<Session>, scope: &mut Scope<'_, '_>, env: &Rc<Env>, bytes: Vec<u8>) -> Option<()> {
        self.data_received.set(self.data_received.get().saturating_add(bytes.len() as u64));
        let waiting: usize = self.backlog.borrow().iter().map(Vec::len).sum();
        if !memory_for(waiting.saturating_add(bytes.len())) {
            return self.call_error(scope, env, super::engine::ERR_NOMEM, None);
        }
        self.shared().charge(bytes.len());
        self.backlog.borrow_mut().push_back(bytes);
        self.read_on(scope, env)
    }

    /// Reads what has come in, unless that is being done.
    pub fn read_on(self: &Rc<Session>, scope: &mut Scope<'_, '_>, env: &Rc<Env>) -> Option<()> {
        if self.flags.receiving.get() {
            return Some(());
        }
        self.submit(scope, env, |scope| {
            loop {
                // What was left undone by a callback that threw goes first.
                if self.dispatch_received(scope, env).is_none() {
                    return self.interrupted(scope, env);
                }
                self.finish_pending_close(scope, env)?;
                let Some(bytes) = self.backlog.borrow_mut().pop_front() else { return Some(()) };
                self.read_all(scope, env, bytes)?;
                self.maybe_stop_reading(scope, env)?;
            }
        })
    }

    fn interrupted(self: &Rc<Session>, scope: &mut Scope<'_, '_>, env: &Rc<Env>) -> Option<()> {
        self.resume_later(scope, env);
        None
    }

    fn dispatch_received(self: &Rc<Session>, scope: &mut Scope<'_, '_>, env: &Rc<Env>) -> Option<()> {
        self.flags.receiving.set(true);
        let dispatched = self.dispatch(scope, env);
        self.flags.receiving.set(false);
        dispatched
    }

    /// Reads one piece of what has come in.
    fn read_all(self: &Rc<Session>, scope: &mut Scope<'_, '_>, env: &Rc<Env>, bytes: Vec<u8>) -> Option<()> {
        self.shared().refusal.set(None);
        self.flags.receiving.set(true);
        let mut rest = bytes.as_slice();
        let mut read = Ok(());
        let mut told = Some(());
        while !rest.is_empty() && read.is_ok() && told.is_some() {
            let length = self.splitter.borrow_mut().piece(rest);
            let (frame, after) = rest.split_at_checked(length.max(1)).unwrap_or((rest, &[]));
            rest = after;
            read = self.engine.receive(frame);
            told = self.dispatch(scope, env);
        }
        self.flags.receiving.set(false);
        let left = if read.is_ok() { rest.len() } else { 0 };
        self.shared().discharge(bytes.len() - left);
        if told.is_none() {
            if let Err(error) = read {
                self.shared().tell(Event::Error(error));
            }
            if left > 0 {
                self.backlog.borrow_mut().push_front(rest.to_vec());
            }
            return self.interrupted(scope, env);
        }
        self.finish_pending_close(scope, env)?;
        match read {
            Ok(()) if self.flags.destroyed.get() => Some(()),
            Ok(()) => self.send_pending(scope, env).map(drop),
            Err(error) => self.call_error(scope, env, error, self.shared().refusal.take()),
        }
    }
}

/// Takes what comes in at the stream beneath.
struct Reader(Maybe);

impl Consumer for Reader {
    fn take(&self, scope: &mut Scope<'_, '_>, env: &Rc<Env>, incoming: &Incoming) -> Option<()> {
        let Some(session) = Weak::upgrade(&self.0) else { return Some(()) };
        // Its object stays for as long as this runs.
        let _held = session.held(scope);
        match incoming {
            Incoming::Data(bytes) => session.take(scope, env, bytes.clone()),
            // The library knows what the end of a connection means.
            Incoming::End(error) => {
                let base = session.base.borrow().clone();
                match base {
                    Some(base) => base.hand_over(scope, env, Incoming::End(*error)),
                    None => Some(()),
                }
            }
        }
    }
}
