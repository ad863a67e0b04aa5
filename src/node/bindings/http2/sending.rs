//! What goes out of a session: gathered from nghttp2, written to the stream beneath.

use std::rc::Rc;

use isolate::library::{Scope, memory_for};

use super::session::{Session, put_off};
use crate::environment::Env;
use crate::request::Done;
use crate::stream_base::{ECANCELED, Turn, Written};

/// As much is written at once; the rest follows.
const GATHERED_MAX: usize = 1 << 20;

impl Session {
    /// Has what waits to be sent written at the end of the loop's round, if anything does.
    pub fn schedule_write(self: &Rc<Session>, scope: &mut Scope<'_, '_>, env: &Rc<Env>) {
        if !self.engine.wants_write() {
            return;
        }
        self.flags.write_scheduled.set(true);
        let (held, then) = (self.held(scope), env.clone());
        put_off(env, move |scope| {
            if !held.session.flags.write_scheduled.get() {
                return Some(());
            }
            held.session.send_pending(scope, &then).map(drop)
        });
    }

    /// Writes what waits to be sent. Whether that must wait, since something else is being sent or read.
    pub fn send_pending(self: &Rc<Session>, scope: &mut Scope<'_, '_>, env: &Rc<Env>) -> Option<bool> {
        if self.flags.destroyed.get() {
            return Some(false);
        }
        self.flags.write_scheduled.set(false);
        // While what has come in is read, streams that are being told of must not end.
        if self.flags.sending.get() || self.flags.receiving.get() {
            return Some(true);
        }
        self.flags.sending.set(true);
        let Some(is_all) = self.gather(scope, env) else {
            // A callback threw: the rest is done later.
            self.flags.sending.set(false);
            self.resume_later(scope, env);
            return None;
        };
        let base = self.base.borrow().clone().filter(|base| base.is_open());
        let Some(base) = base else {
            self.outgoing.take();
            self.clear_outgoing(scope, env, ECANCELED)?;
            return Some(false);
        };
        let bytes = self.outgoing.take();
        if bytes.is_empty() {
            self.clear_outgoing(scope, env, 0)?;
            return Some(false);
        }
        self.data_sent.set(self.data_sent.get().saturating_add(bytes.len() as u64));
        self.chunks_sent.set(self.chunks_sent.get().wrapping_add(1));
        self.flags.write_in_progress.set(true);
        let held = self.held(scope);
        let done: Done = Box::new(move |scope, env, status| held.session.after_write(scope, env, status));
        if let Written::Over(status) = base.write(scope, env, bytes, done)? {
            self.flags.write_in_progress.set(false);
            self.clear_outgoing(scope, env, status)?;
            self.tell_graceful_end(scope, env)?;
            if !is_all && !self.flags.write_scheduled.get() {
                self.schedule_write(scope, env);
            }
        }
        self.maybe_stop_reading(scope, env)?;
        if self.shared().goaway_was_sent.replace(false) && !self.is_closing() && !self.flags.destroyed.get() {
            self.call_error(scope, env, super::engine::ERR_PROTO, None)?;
        }
        Some(false)
    }

    /// Takes what nghttp2 has, and tells JavaScript what happens meanwhile. Whether that is all for now; `None` with an
    /// exception pending if the guest's code threw.
    fn gather(self: &Rc<Session>, scope: &mut Scope<'_, '_>, env: &Rc<Env>) -> Option<bool> {
        loop {
            let mut bytes = self.outgoing.take();
            let gathered = self.engine.gather(&mut bytes);
            let length = bytes.len();
            let _ = self.outgoing.replace(bytes);
            self.dispatch(scope, env)?;
            match gathered {
                Ok(true) if length < GATHERED_MAX && memory_for(length.saturating_mul(2)) => {}
                Ok(true) => return Some(false),
                Ok(false) => return Some(true),
                Err(error) => {
                    self.call_error(scope, env, error, None)?;
                    return Some(true);
                }
            }
        }
    }

    /// What was interrupted goes on in the loop's next round.
    pub fn resume_later(self: &Rc<Session>, scope: &mut Scope<'_, '_>, env: &Rc<Env>) {
        if self.flags.read_scheduled.replace(true) {
            return;
        }
        let (held, then) = (self.held(scope), env.clone());
        put_off(env, move |scope| {
            let session = &held.session;
            session.flags.read_scheduled.set(false);
            let _turn = Turn::of_loop(&then);
            session.read_on(scope, &then)?;
            session.send_pending(scope, &then).map(drop)
        });
    }

    /// What was written is written.
    fn after_write(self: &Rc<Session>, scope: &mut Scope<'_, '_>, env: &Rc<Env>, status: i32) -> Option<()> {
        self.tell_graceful_end(scope, env)?;
        self.flags.write_in_progress.set(false);
        self.clear_outgoing(scope, env, status)?;
        if self.flags.reading_stopped.get() && !self.flags.write_in_progress.get() && self.engine.wants_read()
        {
            self.flags.reading_stopped.set(false);
            let base = self.base.borrow().clone();
            if let Some(base) = base {
                base.read_start(scope, env)?;
            }
        }
        if self.flags.destroyed.get() {
            return self.call_done(scope, env);
        }
        if !self.flags.write_scheduled.get() {
            self.schedule_write(scope, env);
        }
        Some(())
    }

    /// Tells whoever waits for what has been written, then resets the streams that were to be reset after it.
    fn clear_outgoing(
        self: &Rc<Session>,
        scope: &mut Scope<'_, '_>,
        env: &Rc<Env>,
        _status: i32,
    ) -> Option<()> {
        self.flags.sending.set(false);
        let written = self.shared().written.take();
        self.complete(scope, env, written, 0)?;
        let resets = self.pending_resets.take();
        if resets.is_empty() {
            return Some(());
        }
        // They are pending again if this does not come to its end.
        let Some(_) = self.send_pending(scope, env) else {
            self.pending_resets.borrow_mut().extend(resets);
            return None;
        };
        for id in resets {
            if let Some(exchange) = self.shared().find(id) {
                self.flush_reset(scope, env, &exchange);
            }
        }
        Some(())
    }

    /// Completes writes. Where one throws, the others have their turn later.
    pub fn complete(
        self: &Rc<Session>,
        scope: &mut Scope<'_, '_>,
        env: &Rc<Env>,
        written: Vec<Done>,
        status: i32,
    ) -> Option<()> {
        let mut written = written.into_iter();
        while let Some(done) = written.next() {
            v8::scope!(let scope, scope);
            let turn = Turn::of_code(env);
            if done(scope, env, status).and_then(|()| turn.end(scope, env)).is_none() {
                for done in written {
                    let then = env.clone();
                    put_off(env, move |scope| done(scope, &then, status));
                }
                return None;
            }
        }
        Some(())
    }

    /// Tells JavaScript that everything is done that a graceful end waits for.
    fn tell_graceful_end(self: &Rc<Session>, scope: &mut Scope<'_, '_>, env: &Rc<Env>) -> Option<()> {
        if !self.flags.graceful.get() || self.engine.wants_write() || self.engine.wants_read() {
            return Some(());
        }
        self.call_method(scope, env, "ongracefulclosecomplete")
    }

    /// Reads no more where nothing more is wanted.
    pub fn maybe_stop_reading(self: &Rc<Session>, scope: &mut Scope<'_, '_>, env: &Rc<Env>) -> Option<()> {
        if self.flags.reading_stopped.get() || self.is_closing() || self.engine.wants_read() {
            return Some(());
        }
        self.flags.reading_stopped.set(true);
        let base = self.base.borrow().clone();
        match base {
            Some(base) => base.read_stop(scope, env).map(drop),
            None => Some(()),
        }
    }
}
