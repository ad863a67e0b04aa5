//! Why the network refused something, in words: Node's errors have a number alone, and a number does not say which rule it
//! was. The words are there while JavaScript is told of the failure, and the library's classes of errors add them
//! (`guest-shim/js/node/main.js`).

use std::cell::RefCell;
use std::rc::Rc;

use isolate::library::{Scope, string};

use crate::binding::{Args, Return};
use crate::environment::Env;

/// See the module.
#[derive(Default)]
struct Refusal(RefCell<Option<String>>);

/// Has JavaScript told of something that failed for this reason.
pub(crate) fn told<T>(env: &Rc<Env>, reason: Option<String>, tell: impl FnOnce() -> T) -> T {
    let refusal = env.state::<Refusal>();
    *refusal.0.borrow_mut() = reason;
    let told = tell();
    *refusal.0.borrow_mut() = None;
    told
}

/// () -> the words, if something is being told of that has some
pub(crate) fn get(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let reason = env.state::<Refusal>().0.borrow().clone();
    if let Some(reason) = reason {
        result.set(string(scope, &reason).into());
    }
}
