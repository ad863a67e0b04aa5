//! A PING or a SETTINGS frame that the peer has yet to acknowledge. Node's `Http2Ping` and `Http2Settings`.

use std::rc::Rc;
use std::time::Duration;

use isolate::library::{Scope, monotonic};

use crate::async_wrap::AsyncWrap;
use crate::bindings::buffer::from_bytes;
use crate::bindings::performance::milliseconds;
use crate::environment::Env;
use crate::stream_base::Turn;

/// See the module.
pub(super) struct Outstanding {
    wrap: AsyncWrap,
    object: v8::Global<v8::Object>,
    callback: v8::Global<v8::Function>,
    start: Duration,
}

impl Outstanding {
    /// `provider` is a name of `internalBinding('async_wrap').Providers`.
    pub fn new(
        scope: &mut Scope<'_, '_>,
        env: &Env,
        provider: &'static str,
        callback: v8::Local<'_, v8::Function>,
    ) -> Outstanding {
        let object = v8::Object::new(scope);
        let wrap = AsyncWrap::new(scope, env, object, provider);
        let (object, callback) = (v8::Global::new(scope, object), v8::Global::new(scope, callback));
        Outstanding { wrap, object, callback, start: monotonic() }
    }

    pub fn age(&self) -> Duration {
        monotonic().saturating_sub(self.start)
    }

    fn call(
        &self,
        scope: &mut Scope<'_, '_>,
        env: &Rc<Env>,
        is_acknowledged: bool,
        payload: Option<[u8; 8]>,
    ) -> Option<()> {
        let mut arguments: Vec<v8::Local<v8::Value>> = vec![
            v8::Boolean::new(scope, is_acknowledged).into(),
            v8::Number::new(scope, milliseconds(self.age())).into(),
        ];
        if let Some(payload) = payload {
            arguments.push(from_bytes(scope, env, &payload)?);
        }
        let (object, callback) = (v8::Local::new(scope, &self.object), v8::Local::new(scope, &self.callback));
        self.wrap.call(scope, env, object, callback, &arguments)?;
        self.wrap.destroy(scope, env);
        Some(())
    }

    /// Tells JavaScript how it has ended.
    pub fn done(
        self,
        scope: &mut Scope<'_, '_>,
        env: &Rc<Env>,
        is_acknowledged: bool,
        payload: Option<[u8; 8]>,
    ) -> Option<()> {
        let turn = Turn::of_code(env);
        self.call(scope, env, is_acknowledged, payload)?;
        turn.end(scope, env)
    }

    /// It will never be acknowledged.
    pub fn cancel(self, scope: &mut Scope<'_, '_>, env: &Rc<Env>) -> Option<()> {
        self.call(scope, env, false, None)
    }
}
