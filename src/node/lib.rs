//! The platform `node`: Node's own standard library, unmodified, on an `internalBinding` layer over a VM's kernel.
//!
//! Owns what Node's C++ part owns in Node: the boot order, the process object, the bindings (one file each in
//! `bindings/`, under Node's name for it), the callbacks of its event loop. The library's text and the constants of
//! its bindings come from Node's own binary (`scripts/node-lib.sh`). It stands on `isolate::library` and the kernel, and
//! knows neither commands nor the broker.
//!
//! Guest code is assumed to reach every function here: each checks its arguments, and none ends the process.

mod async_wrap;
mod binding;
mod bindings;
mod boot;
mod bytes;
mod callbacks;
mod child;
mod coded_error;
mod command_line;
mod compiled;
mod encoding;
mod environment;
mod facts;
mod handle;
mod handle_wrap;
mod http_parser;
mod locks;
mod net;
mod options;
mod process;
mod refusal;
mod request;
mod scripts;
mod sqlite;
mod store;
mod stream_base;
mod system_error;
#[cfg(test)]
mod table;
mod threads;
mod wrapping;

use std::rc::Rc;
use std::sync::Arc;

use isolate::library::{Core, Library, Realm, Scope};

pub use compiled::{Unfit, compiled, fits, use_compiled};
use environment::Env;

/// Node's standard library, for `isolate::Isolate::new`.
pub fn library() -> Box<dyn Library> {
    Box::new(Node { facts: facts::Facts::shared(), scripts: Rc::default(), thread: None })
}

/// What a command line of the program `node` asks for.
pub fn program(argv: &[String]) -> isolate::library::Work {
    command_line::CommandLine::read(&facts::Facts::shared(), argv, "").work()
}

/// For an isolate that is a thread of a program's.
fn library_of_thread(start: threads::Start) -> Box<dyn Library> {
    let thread = Some(Rc::new(threads::Own::new(start)));
    Box::new(Node { facts: facts::Facts::shared(), scripts: Rc::default(), thread })
}

struct Node {
    facts: Arc<facts::Facts>,
    scripts: Rc<scripts::Scripts>,
    /// None in a main thread.
    thread: Option<Rc<threads::Own>>,
}

impl Library for Node {
    fn install(&self, isolate: &mut v8::OwnedIsolate) {
        callbacks::install(isolate);
    }

    fn rehearsed(&self, scope: &mut Scope<'_, '_>) {
        self.scripts.keep(scope);
        self.facts.read();
    }

    fn boot(&self, scope: &mut Scope<'_, '_>, core: &Rc<Core>, realm: &Rc<Realm>) -> Option<()> {
        let env = Env::new(core, realm, self.facts.clone(), self.scripts.clone(), self.thread.clone());
        boot::boot(scope, realm, env)
    }
}
