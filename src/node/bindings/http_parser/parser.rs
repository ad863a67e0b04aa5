//! `HTTPParser`: reads what it is given, or what comes in at a stream that it consumes.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use isolate::library::{Scope, copy_bytes, memory_for, monotonic, string};

use super::Shared;
use super::connections::{Connections, Progress};
use super::session::{Assembly, ON_EXECUTE, Session};
use crate::async_wrap::AsyncWrap;
use crate::binding::{Args, Function, Return, functions, set, set_number};
use crate::environment::Env;
use crate::handle;
use crate::handle_wrap::is_no_construction;
use crate::http_parser::{Failure, Kind, Leniency, Machine, ParseError, Protocol};
use crate::stream_base::{self, Base, Consumer, Incoming};

pub(super) const REQUEST: i32 = 1;
pub(super) const RESPONSE: i32 = 2;

/// Longest head of a message, unless the program says otherwise.
const HEADER_BYTES_MAX: usize = 16 * 1024;

pub(super) const METHODS: &[Function] = functions! {
    "close" => close,
    "free" => free,
    "remove" => remove,
    "execute" => execute,
    "finish" => finish,
    "initialize" => initialize,
    "pause" => pause,
    "resume" => resume,
    "consume" => consume,
    "unconsume" => unconsume,
    "getCurrentBuffer" => get_current_buffer,
};

/// The native half of a parser.
pub(super) struct Parser {
    pub wrap: AsyncWrap,
    /// None while it runs.
    machine: RefCell<Option<Box<dyn Protocol>>>,
    /// Counts beginnings: what ran before the last is forgotten.
    pub epoch: Cell<u64>,
    /// What came while it was running already.
    later: RefCell<Vec<u8>>,
    kind: Cell<Kind>,
    pub header_bytes_max: Cell<usize>,
    pub assembly: RefCell<Assembly>,
    pub progress: Rc<Progress>,
    connections: RefCell<Option<Rc<Connections>>>,
    is_paused: Cell<bool>,
    is_running: Cell<bool>,
    /// What is being read, or has been read last, for whoever asks meanwhile.
    current: RefCell<Vec<u8>>,
    stream: RefCell<Option<Rc<dyn Base>>>,
}

impl Parser {
    pub fn is_request(&self) -> bool {
        self.kind.get() == Kind::Request
    }

    pub fn set_active(&self, active: bool) {
        if let Some(connections) = &*self.connections.borrow() {
            connections.set_active(&self.progress, active);
        }
    }

    fn leave_connections(&self) {
        if let Some(connections) = self.connections.borrow().clone() {
            connections.remove(&self.progress);
        }
    }

    /// What runs is none of what comes from now on.
    fn begin_anew(&self) {
        self.epoch.set(self.epoch.get().wrapping_add(1));
        self.later.take();
    }

    fn let_go_of_stream(&self) {
        if let Some(stream) = self.stream.take() {
            stream.set_consumer(None);
        }
    }

    /// Reads bytes, or the end without any. Gives what JavaScript is given; `None` with an exception pending.
    fn run<'s>(
        self: &Rc<Parser>,
        scope: &mut Scope<'s, '_>,
        env: &Rc<Env>,
        object: v8::Local<'s, v8::Object>,
        bytes: Option<&[u8]>,
    ) -> Option<v8::Local<'s, v8::Value>> {
        if self.is_paused.get() {
            return parse_error(scope, 0, ParseError::new("HPE_PAUSED", "Paused"));
        }
        if self.is_running.get() {
            // Its turn comes once what is read now has been read.
            let length = bytes.map_or(0, <[u8]>::len);
            if !memory_for(self.later.borrow().len().saturating_add(length).saturating_mul(2)) {
                isolate::library::throw_no_memory(scope, "There is no memory for what is to be read");
                return None;
            }
            self.later.borrow_mut().extend_from_slice(bytes.unwrap_or_default());
            return Some(v8::Number::new(scope, length as f64).into());
        }
        let Some(mut machine) = self.machine.take() else {
            let reason = "The parser was not initialized";
            return parse_error(scope, 0, ParseError::new("HPE_INTERNAL", reason));
        };
        let epoch = self.epoch.get();
        self.is_running.set(true);
        let outcome = {
            let mut session = Session { scope, env, parser: self, object, epoch };
            let outcome = match bytes {
                Some(bytes) => machine.execute(bytes, &mut session).map(Some),
                None => machine.finish(&mut session).map(|()| None),
            };
            outcome.and_then(|read| {
                loop {
                    let later = self.later.take();
                    if later.is_empty() {
                        return Ok(read);
                    }
                    machine.execute(&later, &mut session)?;
                }
            })
        };
        self.is_running.set(false);
        self.later.take();
        let is_upgraded = machine.is_upgraded();
        // Not if it has begun anew meanwhile, for another connection.
        if self.epoch.get() == epoch {
            *self.machine.borrow_mut() = Some(machine);
        }
        match outcome {
            Ok(Some(read)) => Some(v8::Number::new(scope, read as f64).into()),
            Ok(None) => Some(v8::undefined(scope).into()),
            Err(Failure::Threw) => None,
            Err(Failure::Gone) => Some(v8::Number::new(scope, bytes.map_or(0, <[u8]>::len) as f64).into()),
            Err(Failure::Parse(at, _)) if is_upgraded => Some(v8::Number::new(scope, at as f64).into()),
            Err(Failure::Parse(at, error)) => parse_error(scope, at, error),
        }
    }
}

fn parse_error<'s>(
    scope: &mut Scope<'s, '_>,
    at: usize,
    error: ParseError,
) -> Option<v8::Local<'s, v8::Value>> {
    let message = string(scope, "Parse Error");
    let value = v8::Exception::error(scope, message);
    let object: v8::Local<v8::Object> = value.try_cast().ok()?;
    set_number(scope, object, "bytesParsed", at as f64)?;
    let code = string(scope, error.code);
    set(scope, object, "code", code.into())?;
    let reason = string(scope, error.reason);
    set(scope, object, "reason", reason.into())?;
    Some(value)
}

pub(super) fn construct(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if is_no_construction(scope, &args) {
        return;
    }
    let Some(env) = Env::of(scope) else { return };
    let wrap = AsyncWrap::new(scope, &env, args.this(), "HTTPINCOMINGMESSAGE");
    let parser = Parser {
        wrap,
        machine: RefCell::new(None),
        epoch: Cell::new(0),
        later: RefCell::default(),
        is_running: Cell::new(false),
        kind: Cell::new(Kind::Request),
        header_bytes_max: Cell::new(HEADER_BYTES_MAX),
        assembly: RefCell::default(),
        progress: Rc::default(),
        connections: RefCell::default(),
        is_paused: Cell::new(false),
        current: RefCell::default(),
        stream: RefCell::default(),
    };
    let _ = handle::attach(scope, &env, args.this(), Rc::new(parser));
}

fn receiver(scope: &mut Scope<'_, '_>, args: &Args<'_>) -> Option<(Rc<Env>, Rc<Parser>)> {
    handle::receiver::<Parser>(scope, args.this())
}

/// It will not be used any more; its memory goes with its object.
fn close(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((_, parser)) = receiver(scope, &args) else { return };
    parser.leave_connections();
    parser.let_go_of_stream();
    parser.begin_anew();
    parser.machine.take();
}

/// It waits for another connection.
fn free(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if let Some((env, parser)) = receiver(scope, &args) {
        parser.begin_anew();
        parser.wrap.destroy(scope, &env);
    }
}

fn remove(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if let Some((_, parser)) = receiver(scope, &args) {
        parser.leave_connections();
    }
}

/// (bytes) -> how many were read, or an error
fn execute<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let Some((env, parser)) = receiver(scope, &args) else { return };
    if !args.get(0).is_array_buffer_view() {
        return isolate::library::throw_type(scope, "The first argument must be a view of bytes");
    }
    let Some(bytes) = copy_bytes(args.get(0)) else {
        return isolate::library::throw_no_memory(scope, "There is no memory for what is to be read");
    };
    if let Some(value) = parser.run(scope, &env, args.this(), Some(&bytes)) {
        result.set(value);
    }
}

/// () -> undefined, or an error
fn finish<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let Some((env, parser)) = receiver(scope, &args) else { return };
    if let Some(value) = parser.run(scope, &env, args.this(), None) {
        result.set(value);
    }
}

/// (kind, resource, longest head, leniency, list of connections)
fn initialize(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((env, parser)) = receiver(scope, &args) else { return };
    let kind = match args.get(0).int32_value(scope) {
        Some(REQUEST) => Kind::Request,
        Some(RESPONSE) => Kind::Response,
        _ => return isolate::library::throw_type(scope, "There is no such kind of messages"),
    };
    let header_bytes = args.get(2).number_value(scope).filter(|bytes| *bytes >= 1.0);
    let leniency = Leniency(args.get(3).uint32_value(scope).unwrap_or(0));
    if let Ok(resource) = args.get(1).try_cast::<v8::Object>() {
        parser.wrap.renew(scope, &env, resource);
    }
    let methods = env.state::<Shared>().methods.get().cloned().unwrap_or_default();
    parser.kind.set(kind);
    // Beyond the range of sizes it is the largest.
    parser.header_bytes_max.set(header_bytes.map_or(HEADER_BYTES_MAX, |bytes| bytes as usize));
    parser.begin_anew();
    *parser.machine.borrow_mut() = Some(Box::new(Machine::new(kind, leniency, methods)));
    *parser.assembly.borrow_mut() = Assembly::default();
    parser.is_paused.set(false);
    parser.progress.has_headers.set(false);
    parser.leave_connections();
    let connections = match args.get(4).try_cast::<v8::Object>() {
        Ok(object) => handle::of::<Connections>(scope, &env, object),
        Err(_) => None,
    };
    if let Some(connections) = &connections {
        // Whoever connects and says nothing has a time for that, too.
        parser.progress.since.set(Some(monotonic()));
        let object = v8::Weak::new(scope, args.this());
        connections.enter(&parser.progress, object);
    }
    *parser.connections.borrow_mut() = connections;
}

fn pause(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if let Some((_, parser)) = receiver(scope, &args) {
        parser.is_paused.set(true);
    }
}

fn resume(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if let Some((_, parser)) = receiver(scope, &args) {
        parser.is_paused.set(false);
    }
}

/// (stream's handle): what comes in there is read here
fn consume(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((env, parser)) = receiver(scope, &args) else { return };
    let Some(stream) = stream_base::of(scope, &env, args.get(0)) else {
        return isolate::library::throw_type(scope, "The first argument must be the handle of a stream");
    };
    parser.let_go_of_stream();
    let object = v8::Global::new(scope, args.this());
    let reader = Reader { parser: parser.clone(), object, stream: stream.clone() };
    stream.set_consumer(Some(Rc::new(reader)));
    *parser.stream.borrow_mut() = Some(stream);
}

fn unconsume(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if let Some((_, parser)) = receiver(scope, &args) {
        parser.let_go_of_stream();
    }
}

/// What is being read now; nothing at other times
fn get_current_buffer<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let Some((env, parser)) = receiver(scope, &args) else { return };
    let bytes = parser.current.borrow().clone();
    if let Some(buffer) = crate::bindings::buffer::from_bytes(scope, &env, &bytes) {
        result.set(buffer);
    }
}

/// Reads what comes in at a stream. The stream has it until it is closed, or read otherwise.
struct Reader {
    parser: Rc<Parser>,
    object: v8::Global<v8::Object>,
    stream: Rc<dyn Base>,
}

impl Consumer for Reader {
    fn take(&self, scope: &mut Scope<'_, '_>, env: &Rc<Env>, incoming: &Incoming) -> Option<()> {
        let bytes = match incoming {
            Incoming::Data(bytes) => bytes,
            // The library knows what the end of a connection means.
            Incoming::End(error) => {
                return self.stream.hand_over(scope, env, Incoming::End(*error));
            }
        };
        let object = v8::Local::new(scope, &self.object);
        *self.parser.current.borrow_mut() = bytes.clone();
        let answer = self.parser.run(scope, env, object, Some(bytes));
        let called = answer.and_then(|answer| {
            let index = u32::try_from(ON_EXECUTE).ok()?;
            match object.get_index(scope, index)?.try_cast::<v8::Function>() {
                Ok(function) => self.parser.wrap.call(scope, env, object, function, &[answer]).map(drop),
                Err(_) => Some(()),
            }
        });
        self.parser.current.take();
        called
    }
}
