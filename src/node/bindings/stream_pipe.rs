//! `StreamPipe`: what is read from a file goes into a stream of HTTP/2, without JavaScript in between.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use isolate::library::{Delivery, Environment as _, Scope, spawn};

use super::fs::file_handle::Source;
use super::http2::Stream;
use crate::async_wrap::{AsyncWrap, async_methods};
use crate::binding::{Args, Binding, Class, Return, functions, get, set};
use crate::environment::Env;
use crate::handle;
use crate::handle_wrap::is_no_construction;
use crate::request::Done;
use crate::stream_base::{self, EOF};

pub(super) static BINDING: Binding = Binding { name: "stream_pipe", functions: &[], make: Some(make) };

/// Most that is read at once.
const CHUNK: usize = 64 * 1024;

/// `UV_ENOMEM`, where nothing more can be begun.
const ENOMEM: i32 = stream_base::ENOMEM;

/// The native half.
pub(crate) struct Pipe {
    wrap: AsyncWrap,
    object: v8::Weak<v8::Object>,
    /// Keeps the object while anything flows.
    held: RefCell<Option<v8::Global<v8::Object>>>,
    source: Rc<Source>,
    sink: Rc<Stream>,
    /// How much the sink has asked for.
    wanted: Cell<usize>,
    is_reading: Cell<bool>,
    is_writing: Cell<bool>,
    is_at_end: Cell<bool>,
    is_closed: Cell<bool>,
}

fn make(scope: &mut Scope<'_, '_>, _: &Rc<Env>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    let class = Class::new(scope, "StreamPipe", v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(construct))?;
    class.methods(scope, async_methods!(Pipe, wrap))?;
    class.methods(
        scope,
        functions! {
            "unpipe" => unpipe,
            "start" => start,
            "isClosed" => is_closed,
            "pendingWrites" => pending_writes,
        },
    )?;
    class.publish(scope, binding, "StreamPipe")
}

/// (file's handle, stream)
fn construct(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if is_no_construction(scope, &args) {
        return;
    }
    let Some(env) = Env::of(scope) else { return };
    let (Ok(source), Ok(sink)) = (args.get(0).try_cast::<v8::Object>(), args.get(1).try_cast::<v8::Object>())
    else {
        return isolate::library::throw_type(scope, "The ends of a pipe must be streams");
    };
    let halves = (Source::of(scope, &env, source), handle::of::<Stream>(scope, &env, sink));
    let (Some(source_half), Some(sink_half)) = halves else {
        return crate::binding::unsupported_feature(scope, "A pipe between such streams");
    };
    let this = args.this();
    if set(scope, this, "source", source.into()).is_none() || set(scope, this, "sink", sink.into()).is_none()
    {
        return;
    }
    let pipe = Rc::new(Pipe {
        wrap: AsyncWrap::new(scope, &env, this, "STREAMPIPE"),
        object: v8::Weak::new(scope, this),
        held: RefCell::default(),
        source: Rc::new(source_half),
        sink: sink_half,
        wanted: Cell::new(0),
        is_reading: Cell::new(false),
        is_writing: Cell::new(false),
        is_at_end: Cell::new(false),
        is_closed: Cell::new(true),
    });
    pipe.sink.set_source(Some(Rc::downgrade(&pipe)));
    let _ = handle::attach(scope, &env, this, pipe);
}

fn receiver(scope: &mut Scope<'_, '_>, args: &Args<'_>) -> Option<(Rc<Env>, Rc<Pipe>)> {
    handle::receiver::<Pipe>(scope, args.this())
}

fn start(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((env, pipe)) = receiver(scope, &args) else { return };
    pipe.is_closed.set(false);
    let _ = pipe.held.replace(Some(v8::Global::new(scope, args.this())));
    if pipe.wanted.get() > 0 {
        let _ = pipe.wants_write(scope, &env, pipe.wanted.get());
    }
}

fn unpipe(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if let Some((env, pipe)) = receiver(scope, &args) {
        pipe.close(&env);
    }
}

fn is_closed(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Some((_, pipe)) = receiver(scope, &args) {
        result.set_bool(pipe.is_closed.get());
    }
}

fn pending_writes(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Some((_, pipe)) = receiver(scope, &args) {
        result.set_int32(i32::from(pipe.is_writing.get()));
    }
}

impl Pipe {
    /// The sink could send more.
    pub fn wants_write(
        self: &Rc<Pipe>,
        scope: &mut Scope<'_, '_>,
        env: &Rc<Env>,
        length: usize,
    ) -> Option<()> {
        self.wanted.set(length);
        if self.is_reading.get() || self.is_closed.get() || self.is_at_end.get() {
            return Some(());
        }
        let Some(realm) = env.realm() else { return Some(()) };
        self.is_reading.set(true);
        let (pipe, then) = (self.clone(), env.clone());
        let operation = async move {
            let read = pipe.source.read(length.clamp(1, CHUNK)).await;
            let deliver: Delivery = Box::new(move |scope| pipe.deliver(scope, &then, read));
            deliver
        };
        if spawn(&env.core, &realm, operation).is_none() {
            self.is_reading.set(false);
            return self.end(scope, env, ENOMEM);
        }
        Some(())
    }

    /// Something was read.
    fn deliver(
        self: &Rc<Pipe>,
        scope: &mut Scope<'_, '_>,
        env: &Rc<Env>,
        read: Result<Vec<u8>, i32>,
    ) -> Option<()> {
        self.is_reading.set(false);
        if self.is_closed.get() {
            return Some(());
        }
        match read {
            Ok(bytes) if !bytes.is_empty() => {
                self.is_writing.set(true);
                let pipe = self.clone();
                let done: Done = Box::new(move |scope, env, status| pipe.written(scope, env, status));
                match self.sink.write(scope, env, bytes, done) {
                    0 => Some(()),
                    error => self.written(scope, env, error),
                }
            }
            Ok(_) => self.end(scope, env, EOF),
            Err(error) => self.end(scope, env, error),
        }
    }

    fn written(self: &Rc<Pipe>, scope: &mut Scope<'_, '_>, env: &Rc<Env>, status: i32) -> Option<()> {
        self.is_writing.set(false);
        if self.is_closed.get() {
            return Some(());
        }
        if self.is_at_end.get() {
            self.sink.shut_down(scope, env);
            self.close(env);
        } else if status != 0 {
            self.close(env);
        }
        Some(())
    }

    /// Nothing more is read: JavaScript is told, and so is the sink once it has sent everything.
    fn end(self: &Rc<Pipe>, scope: &mut Scope<'_, '_>, env: &Rc<Env>, error: i32) -> Option<()> {
        self.is_at_end.set(true);
        let told = self.tell_end(scope, env, error);
        if !self.is_writing.get() && !self.is_closed.get() {
            self.sink.shut_down(scope, env);
            self.close(env);
        }
        told
    }

    fn tell_end(&self, scope: &mut Scope<'_, '_>, env: &Rc<Env>, error: i32) -> Option<()> {
        let Some(object) = self.object.to_local(scope) else { return Some(()) };
        let source = get(scope, object, "source")?;
        let Ok(source) = source.try_cast::<v8::Object>() else { return Some(()) };
        stream_base::tell_read(env, error);
        let undefined = v8::undefined(scope).into();
        let onread = get(scope, source, "onread")?;
        match onread.try_cast::<v8::Function>() {
            Ok(onread) => self.wrap.call(scope, env, source, onread, &[undefined]).map(drop),
            Err(_) => Some(()),
        }
    }

    /// The sink is no more.
    pub fn sink_is_gone(self: &Rc<Pipe>, env: &Rc<Env>) {
        self.is_at_end.set(true);
        self.close(env);
    }

    /// Ends it, and tells JavaScript at the end of the loop's round.
    fn close(self: &Rc<Pipe>, env: &Rc<Env>) {
        if self.is_closed.replace(true) {
            return;
        }
        self.sink.set_source(None::<Weak<Pipe>>);
        let (pipe, then) = (self.clone(), env.clone());
        env.set_immediate(move |scope| {
            let object = pipe.object.to_local(scope);
            let held = pipe.held.take();
            drop(held);
            let Some(object) = object else { return Some(()) };
            pipe.wrap.call_method(scope, &then, object, "onunpipe", &[])?;
            let null = v8::null(scope).into();
            set(scope, object, "source", null)?;
            set(scope, object, "sink", null)?;
            then.settle(scope)
        });
    }
}
