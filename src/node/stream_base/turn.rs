//! Who runs native code: the event loop, or the library's own code. Behind a call of the library's from the loop all is
//! done that it has put off, as at the end of a turn; within the library's own code that would be too early.

use std::cell::Cell;
use std::rc::Rc;

use isolate::library::{Environment as _, Scope};

use crate::environment::Env;

/// Whether it is the loop.
#[derive(Default)]
struct IsLoop(Cell<bool>);

/// For as long as it lives, somebody runs native code.
pub(crate) struct Turn {
    state: Rc<IsLoop>,
    before: bool,
}

impl Turn {
    /// The event loop does.
    pub fn of_loop(env: &Env) -> Turn {
        Turn::new(env, true)
    }

    /// The library's code does, or is about to run itself.
    pub fn of_code(env: &Env) -> Turn {
        Turn::new(env, false)
    }

    fn new(env: &Env, is_loop: bool) -> Turn {
        let state = env.state::<IsLoop>();
        let before = state.0.replace(is_loop);
        Turn { state, before }
    }

    /// Whether it is the loop.
    pub fn is_of_loop(env: &Env) -> bool {
        env.state::<IsLoop>().0.get()
    }

    /// The library's code has returned: if the loop had called it, what it has put off is done. `None` with an exception
    /// pending if that threw.
    pub fn end(self, scope: &mut Scope<'_, '_>, env: &Env) -> Option<()> {
        if self.before { env.settle(scope) } else { Some(()) }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.state.0.set(self.before);
    }
}
