//! What all sessions of a realm share: memory that JavaScript reads and writes too, and the functions of the library that
//! are called back.

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

use isolate::library::Scope;

use crate::binding::set;
use crate::environment::{Env, poke};

type Store = OnceCell<v8::SharedRef<v8::BackingStore>>;

/// Functions of the library, in the order in which it hands them over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Callback {
    Error,
    Priority,
    Settings,
    Ping,
    Headers,
    FrameError,
    Goaway,
    Altsvc,
    Origin,
    Trailers,
    Close,
}

/// How many that are.
pub(super) const CALLBACKS: usize = 11;

/// See the module.
#[derive(Default)]
pub(super) struct State {
    pub session: Store,
    pub stream: Store,
    pub settings: Store,
    pub options: Store,
    callbacks: RefCell<Vec<v8::Global<v8::Function>>>,
}

impl State {
    pub fn set_callbacks(&self, callbacks: Vec<v8::Global<v8::Function>>) {
        let before = self.callbacks.replace(callbacks);
        drop(before);
    }

    /// None before the library has handed it over.
    pub fn callback<'s>(
        &self,
        scope: &mut Scope<'s, '_>,
        callback: Callback,
    ) -> Option<v8::Local<'s, v8::Function>> {
        let function = self.callbacks.borrow().get(callback as usize).cloned()?;
        Some(v8::Local::new(scope, &function))
    }
}

/// Shows numbers to JavaScript.
pub(super) fn show(store: &Store, numbers: &[f64]) {
    for (index, number) in numbers.iter().enumerate() {
        poke(store, index, number.to_ne_bytes());
    }
}

/// Makes the shared memory, each piece as long as Node's binary says.
pub(super) fn make(
    scope: &mut Scope<'_, '_>,
    env: &Rc<Env>,
    binding: v8::Local<'_, v8::Object>,
) -> Option<()> {
    let state = env.state::<State>();
    let facts = env.facts.clone();
    let length = |name: &str| {
        let length = facts.binding("http2")?.get(name)?.get("length")?.as_u64()?;
        usize::try_from(length).ok().filter(|length| *length <= 4096)
    };
    for (name, store) in [("sessionState", &state.session), ("streamState", &state.stream)] {
        let length = length(name)?;
        let buffer = v8::ArrayBuffer::new(scope, length * 8);
        let _ = store.set(buffer.get_backing_store());
        let view = v8::Float64Array::new(scope, buffer, 0, length)?;
        set(scope, binding, name, view.into())?;
    }
    for (name, store) in [("settingsBuffer", &state.settings), ("optionsBuffer", &state.options)] {
        let length = length(name)?;
        let buffer = v8::ArrayBuffer::new(scope, length * 4);
        let _ = store.set(buffer.get_backing_store());
        let view = v8::Uint32Array::new(scope, buffer, 0, length)?;
        set(scope, binding, name, view.into())?;
    }
    Some(())
}
