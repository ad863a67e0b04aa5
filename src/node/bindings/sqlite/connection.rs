//! An open connection: what belongs to it, and calling SQLite for it.

use std::cell::{Cell, RefCell};
use std::ffi::{CString, c_int, c_void};
use std::rc::{Rc, Weak};

use isolate::library::Scope;
use libsqlite3_sys as ffi;

use super::authorizer::Authorizer;
use super::errors;
use super::session::Session;
use super::statement::Statement;
use crate::environment::Env;
use crate::sqlite::here::{self, Here};

/// Instructions of SQLite's between two looks at whether the job goes on.
const INSTRUCTIONS: c_int = 10_000;

/// See the module.
pub(super) struct Connection {
    raw: Cell<*mut ffi::sqlite3>,
    here: Here,
    /// How many calls of SQLite have called JavaScript and wait for it.
    callbacks: Cell<u32>,
    is_authorizing: Cell<bool>,
    /// What JavaScript has thrown while SQLite called it.
    thrown: RefCell<Option<v8::Global<v8::Value>>>,
    statements: RefCell<Vec<Weak<Statement>>>,
    sessions: RefCell<Vec<Weak<Session>>>,
    /// What SQLite asks with.
    authorizer: RefCell<Option<Box<Authorizer>>>,
}

/// Takes a function away that is nothing for hostile SQL: `fts3_tokenizer(?)` gives the address of a table of functions
/// in the process, and `fts3_tokenizer(?, ?)` takes one, which is then called. SQLite refuses that unless it is asked for,
/// but not if the values are bound to the statement. Full-text search does not need it.
fn withhold_tokenizers(raw: *mut ffi::sqlite3) -> c_int {
    let none = std::ptr::null_mut();
    let mut result = ffi::SQLITE_OK;
    for arguments in [1, 2] {
        // SAFETY: the connection is open and the name ends with a zero; no function at all means to delete what there is.
        let code = unsafe {
            ffi::sqlite3_create_function_v2(
                raw,
                c"fts3_tokenizer".as_ptr(),
                arguments,
                ffi::SQLITE_UTF8,
                none,
                None,
                None,
                None,
                None,
            )
        };
        if code != ffi::SQLITE_OK {
            result = code;
        }
    }
    result
}

impl Connection {
    /// `None` with an exception pending.
    pub fn open(
        scope: &mut Scope<'_, '_>,
        env: &Env,
        location: &str,
        flags: c_int,
    ) -> Option<Rc<Connection>> {
        let Some(process) = env.process().filter(|_| crate::sqlite::start()) else {
            crate::binding::unsupported_feature(scope, "a database while the library starts");
            return None;
        };
        let here = Here { process, core: env.core.clone() };
        let Ok(location) = CString::new(location) else {
            errors::invalid_type(scope, "The path must not contain null bytes.");
            return None;
        };
        let mut raw = std::ptr::null_mut();
        let code = here::call_quietly(&here, || {
            // SAFETY: the text ends with a zero, and there is room for the pointer; null stands for the VM's files.
            unsafe { ffi::sqlite3_open_v2(location.as_ptr(), &mut raw, flags, std::ptr::null()) }
        });
        let connection = Rc::new(Connection {
            raw: Cell::new(raw),
            here,
            callbacks: Cell::new(0),
            is_authorizing: Cell::new(false),
            thrown: RefCell::default(),
            statements: RefCell::default(),
            sessions: RefCell::default(),
            authorizer: RefCell::default(),
        });
        connection.check(scope, code, ffi::SQLITE_OK)?;
        // SAFETY: the connection is open; the function needs nothing else.
        unsafe {
            ffi::sqlite3_progress_handler(raw, INSTRUCTIONS, Some(progress), std::ptr::null_mut());
            ffi::sqlite3_extended_result_codes(raw, 1);
        }
        let code = connection.call_quietly(|| withhold_tokenizers(raw));
        connection.check(scope, code, ffi::SQLITE_OK)?;
        Some(connection)
    }

    /// Null once it was closed.
    pub fn raw(&self) -> *mut ffi::sqlite3 {
        self.raw.get()
    }

    pub fn is_open(&self) -> bool {
        !self.raw.get().is_null()
    }

    pub fn is_in_callback(&self) -> bool {
        self.callbacks.get() > 0
    }

    pub fn is_authorizing(&self) -> bool {
        self.is_authorizing.get()
    }

    /// Calls SQLite, which may call JavaScript.
    pub fn call<R>(&self, scope: &mut Scope<'_, '_>, call: impl FnOnce() -> R) -> R {
        here::call(&self.here, scope, call)
    }

    /// Calls SQLite, which does not call JavaScript.
    pub fn call_quietly<R>(&self, call: impl FnOnce() -> R) -> R {
        here::call_quietly(&self.here, call)
    }

    /// What a call has come to. `None` with an exception pending if it is not what was expected, or JavaScript has thrown.
    pub fn check(&self, scope: &mut Scope<'_, '_>, code: c_int, expected: c_int) -> Option<()> {
        self.rethrow(scope)?;
        if code == expected {
            return Some(());
        }
        let error = errors::last_error(scope, self.raw());
        scope.throw_exception(error);
        None
    }

    /// Throws again what JavaScript has thrown meanwhile.
    pub fn rethrow(&self, scope: &mut Scope<'_, '_>) -> Option<()> {
        // An outer call is the one to throw it.
        match self.thrown.take() {
            // The job is being ended.
            Some(_) if scope.is_execution_terminating() => None,
            Some(thrown) => {
                let thrown = v8::Local::new(scope, &thrown);
                scope.throw_exception(thrown);
                None
            }
            None => Some(()),
        }
    }

    pub fn has_thrown(&self) -> bool {
        self.thrown.borrow().is_some()
    }

    /// Calls JavaScript from what SQLite has called: what that throws is thrown once SQLite has returned. `None` if it
    /// threw, or there was something thrown already.
    pub fn call_back<R>(
        &self,
        scope: &mut Scope<'_, '_>,
        call: impl FnOnce(&mut Scope<'_, '_>) -> Option<R>,
    ) -> Option<R> {
        if self.has_thrown() {
            return None;
        }
        self.callbacks.set(self.callbacks.get() + 1);
        let result = {
            v8::tc_scope!(let scope, scope);
            let result = call(scope);
            if let Some(exception) = scope.exception() {
                let thrown = v8::Global::new(scope, exception);
                *self.thrown.borrow_mut() = Some(thrown);
                // One that ends the job goes on doing so.
                if !scope.has_terminated() {
                    scope.reset();
                }
                None
            } else {
                result
            }
        };
        self.callbacks.set(self.callbacks.get().saturating_sub(1));
        result
    }

    /// As [`call_back`](Self::call_back): asks whether something is allowed, while nothing else may be done.
    pub fn ask<R>(
        &self,
        scope: &mut Scope<'_, '_>,
        call: impl FnOnce(&mut Scope<'_, '_>) -> Option<R>,
    ) -> Option<R> {
        let outer = self.is_authorizing.replace(true);
        let result = self.call_back(scope, call);
        self.is_authorizing.set(outer);
        result
    }

    /// Keeps what SQLite asks with.
    pub fn set_authorizer(&self, authorizer: Option<Box<Authorizer>>) {
        *self.authorizer.borrow_mut() = authorizer;
    }

    pub fn enter_statement(&self, statement: &Rc<Statement>) {
        let mut statements = self.statements.borrow_mut();
        statements.retain(|known| known.strong_count() > 0);
        statements.push(Rc::downgrade(statement));
    }

    pub fn enter_session(&self, session: &Rc<Session>) {
        let mut sessions = self.sessions.borrow_mut();
        sessions.retain(|known| known.strong_count() > 0);
        sessions.push(Rc::downgrade(session));
    }

    /// Ends what was made of it.
    pub fn finalize_all(&self) {
        self.finalize_statements();
        for session in self.sessions.take() {
            if let Some(session) = session.upgrade() {
                session.delete();
            }
        }
    }

    /// Ends its statements.
    pub fn finalize_statements(&self) {
        for statement in self.statements.take() {
            if let Some(statement) = statement.upgrade() {
                statement.finalize();
            }
        }
    }

    /// Closes it: SQLite keeps it until the last that was made of it has ended.
    pub fn close(&self) {
        let raw = self.raw.replace(std::ptr::null_mut());
        if raw.is_null() {
            return;
        }
        self.call_quietly(|| {
            // SAFETY: it was open, and is closed once.
            unsafe { crate::sqlite::sqlite3_close_v2(raw) }
        });
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.close();
    }
}

/// SQLite asks whether it shall go on.
unsafe extern "C" fn progress(_: *mut c_void) -> c_int {
    c_int::from(here::is_interrupted())
}
