//! `ResponseParser`: reads responses for undici, under the terms of llhttp's own interface (`undici.js`): numbers of
//! errors, positions, callbacks that are told where a piece lies.

use std::cell::{Cell, RefCell};

use isolate::library::{Scope, copy_bytes, string};

use crate::binding::{Args, Class, Function, Return, functions, get};
use crate::environment::Env;
use crate::handle;
use crate::handle_wrap::is_no_construction;
use crate::http_parser::{
    Answer, Failure, Head, Kind, Leniency, Machine, PAUSED, ParseError, Protocol, Refusal, Sink, Told,
};

const METHODS: &[Function] = functions! {
    "execute" => execute,
    "finish" => finish,
    "resume" => resume,
    "errorPosition" => error_position,
    "errorReason" => error_reason,
};

/// Numbers of llhttp's errors.
const NUMBERS: &[(&str, i32)] = &[
    ("HPE_INTERNAL", 1),
    ("HPE_STRICT", 2),
    ("HPE_LF_EXPECTED", 3),
    ("HPE_UNEXPECTED_CONTENT_LENGTH", 4),
    ("HPE_CLOSED_CONNECTION", 5),
    ("HPE_INVALID_METHOD", 6),
    ("HPE_INVALID_URL", 7),
    ("HPE_INVALID_CONSTANT", 8),
    ("HPE_INVALID_VERSION", 9),
    ("HPE_INVALID_HEADER_TOKEN", 10),
    ("HPE_INVALID_CONTENT_LENGTH", 11),
    ("HPE_INVALID_CHUNK_SIZE", 12),
    ("HPE_INVALID_STATUS", 13),
    ("HPE_INVALID_EOF_STATE", 14),
    ("HPE_INVALID_TRANSFER_ENCODING", 15),
    ("HPE_CB_MESSAGE_BEGIN", 16),
    ("HPE_CB_HEADERS_COMPLETE", 17),
    ("HPE_CB_MESSAGE_COMPLETE", 18),
    ("HPE_PAUSED", PAUSED_NUMBER),
    ("HPE_PAUSED_UPGRADE", UPGRADE_NUMBER),
    ("HPE_PAUSED_H2_UPGRADE", 23),
    ("HPE_USER", 24),
    ("HPE_CR_EXPECTED", 25),
    ("HPE_UNEXPECTED_SPACE", 30),
];
const PAUSED_NUMBER: i32 = 21;
const UPGRADE_NUMBER: i32 = 22;

fn number(error: ParseError) -> i32 {
    NUMBERS.iter().find(|(name, _)| *name == error.code).map_or(1, |(_, number)| *number)
}

const UPGRADED: ParseError = ParseError::new("HPE_PAUSED_UPGRADE", "Pause on CONNECT/Upgrade");
const USER: ParseError = ParseError::new("HPE_USER", "Span callback error");

/// The native half of a parser.
struct ResponseParser {
    /// What undici calls it.
    pointer: u32,
    /// None while it runs.
    machine: RefCell<Option<Machine>>,
    /// Why it reads no further, and where.
    error: Cell<Option<ParseError>>,
    position: Cell<f64>,
}

pub(super) fn publish(scope: &mut Scope<'_, '_>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    let class =
        Class::new(scope, "ResponseParser", v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(construct))?;
    class.methods(scope, METHODS)?;
    class.publish(scope, binding, "ResponseParser")
}

/// new (pointer)
fn construct(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if is_no_construction(scope, &args) {
        return;
    }
    let Some(env) = Env::of(scope) else { return };
    let parser = ResponseParser {
        pointer: args.get(0).uint32_value(scope).unwrap_or(0),
        machine: RefCell::new(Some(Machine::new(Kind::Response, Leniency::default(), Default::default()))),
        error: Cell::new(None),
        position: Cell::new(0.0),
    };
    let _ = handle::attach(scope, &env, args.this(), std::rc::Rc::new(parser));
}

/// (callbacks, bytes, where they begin) -> number of an error, or 0
fn execute<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let Some((_, parser)) = handle::receiver::<ResponseParser>(scope, args.this()) else { return };
    if !args.get(1).is_array_buffer_view() {
        return isolate::library::throw_type(scope, "The second argument must be a view of bytes");
    }
    let Some(base) = args.get(2).number_value(scope) else { return };
    let Some(bytes) = copy_bytes(args.get(1)) else {
        return isolate::library::throw_no_memory(scope, "There is no memory for what is to be read");
    };
    if let Some(number) = parser.run(scope, args.get(0), Some(&bytes), base) {
        result.set_int32(number);
    }
}

/// (callbacks) -> number of an error, or 0
fn finish<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let Some((_, parser)) = handle::receiver::<ResponseParser>(scope, args.this()) else { return };
    if let Some(number) = parser.run(scope, args.get(0), None, 0.0) {
        result.set_int32(number);
    }
}

fn resume(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if let Some((_, parser)) = handle::receiver::<ResponseParser>(scope, args.this())
        && parser.error.get() == Some(PAUSED)
    {
        parser.error.set(None);
    }
}

fn error_position(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Some((_, parser)) = handle::receiver::<ResponseParser>(scope, args.this()) {
        result.set_double(parser.position.get());
    }
}

fn error_reason(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Some((_, parser)) = handle::receiver::<ResponseParser>(scope, args.this()) {
        let reason = parser.error.get().map_or("", |error| error.reason);
        result.set(string(scope, reason).into());
    }
}

impl ResponseParser {
    /// Reads bytes, or the end without any. `None` with an exception pending.
    fn run<'s>(
        &self,
        scope: &mut Scope<'s, '_>,
        callbacks: v8::Local<'s, v8::Value>,
        bytes: Option<&[u8]>,
        base: f64,
    ) -> Option<i32> {
        let Ok(callbacks) = callbacks.try_cast::<v8::Object>() else {
            isolate::library::throw_type(scope, "The first argument must be an object");
            return None;
        };
        match (self.error.get(), bytes) {
            // Who was told of an error need not be told again.
            (Some(_), None) => return Some(0),
            (Some(error), Some(_)) => return Some(number(error)),
            (None, _) => {}
        }
        let Some(mut machine) = self.machine.take() else { return Some(1) };
        let start = bytes.map_or(0, |bytes| bytes.as_ptr() as usize);
        let mut session =
            Session { scope, callbacks, pointer: self.pointer, start, base, is_complete: false };
        let outcome = match bytes {
            Some(bytes) => machine.execute(bytes, &mut session),
            None => machine.finish(&mut session).map(|()| 0),
        };
        let is_upgraded = session.is_complete && machine.is_upgraded();
        *self.machine.borrow_mut() = Some(machine);
        let (at, error) = match outcome {
            Ok(at) if is_upgraded && bytes.is_some() => (at, UPGRADED),
            Ok(_) => return Some(0),
            Err(Failure::Parse(at, error)) => (at, error),
            Err(Failure::Threw | Failure::Gone) => return None,
        };
        self.position.set(base + at as f64);
        self.error.set(Some(error));
        Some(number(error))
    }
}

/// One run of a parser.
struct Session<'a, 's, 'i> {
    scope: &'a mut Scope<'s, 'i>,
    callbacks: v8::Local<'s, v8::Object>,
    pointer: u32,
    /// Where the bytes lie that are read, and what undici calls that.
    start: usize,
    base: f64,
    is_complete: bool,
}

impl Session<'_, '_, '_> {
    fn call(&mut self, name: &str, numbers: &[f64]) -> Told<i32> {
        let function = get(self.scope, self.callbacks, name).ok_or(Refusal::Threw)?;
        let Ok(function) = function.try_cast::<v8::Function>() else { return Ok(0) };
        let mut arguments = vec![v8::Number::new(self.scope, f64::from(self.pointer)).into()];
        arguments.extend(
            numbers
                .iter()
                .map(|number| -> v8::Local<v8::Value> { v8::Number::new(self.scope, *number).into() }),
        );
        let receiver = v8::undefined(self.scope).into();
        let answer = function.call(self.scope, receiver, &arguments).ok_or(Refusal::Threw)?;
        answer.int32_value(self.scope).ok_or(Refusal::Threw)
    }

    /// Tells of something that has no text.
    fn event(&mut self, name: &str, numbers: &[f64], otherwise: ParseError) -> Told<i32> {
        match self.call(name, numbers)? {
            PAUSED_NUMBER => Err(Refusal::Error(PAUSED)),
            number @ 0..=2 => Ok(number),
            _ => Err(Refusal::Error(otherwise)),
        }
    }

    fn piece(&mut self, name: &str, piece: &[u8]) -> Told {
        // An empty one may lie anywhere.
        let at = if piece.is_empty() { 0 } else { (piece.as_ptr() as usize).saturating_sub(self.start) };
        match self.call(name, &[self.base + at as f64, piece.len() as f64])? {
            0 => Ok(()),
            PAUSED_NUMBER => Err(Refusal::Error(PAUSED)),
            _ => Err(Refusal::Error(USER)),
        }
    }
}

impl Sink for Session<'_, '_, '_> {
    fn message_begin(&mut self) -> Told {
        self.is_complete = false;
        let error = ParseError::new("HPE_CB_MESSAGE_BEGIN", "`on_message_begin` callback error");
        self.event("wasm_on_message_begin", &[], error).map(drop)
    }

    fn url(&mut self, _: &[u8]) -> Told {
        Ok(())
    }

    fn status(&mut self, piece: &[u8]) -> Told {
        self.piece("wasm_on_status", piece)
    }

    fn field(&mut self, piece: &[u8]) -> Told {
        self.piece("wasm_on_header_field", piece)
    }

    fn value(&mut self, piece: &[u8]) -> Told {
        self.piece("wasm_on_header_value", piece)
    }

    fn headers_complete(&mut self, head: &Head) -> Told<Answer> {
        let numbers =
            [f64::from(head.status), f64::from(u8::from(head.upgrade)), f64::from(u8::from(head.keep_alive))];
        let error = ParseError::new("HPE_CB_HEADERS_COMPLETE", "User callback error");
        Ok(match self.event("wasm_on_headers_complete", &numbers, error)? {
            1 => Answer::NoBody,
            2 => Answer::Upgrade,
            _ => Answer::Go,
        })
    }

    fn body(&mut self, piece: &[u8]) -> Told {
        self.piece("wasm_on_body", piece)
    }

    fn chunk_extension(&mut self, _: &[u8]) -> Told {
        Ok(())
    }

    fn chunk_header(&mut self) -> Told {
        Ok(())
    }

    fn chunk_complete(&mut self) -> Told {
        Ok(())
    }

    fn message_complete(&mut self) -> Told {
        self.is_complete = true;
        let error = ParseError::new("HPE_CB_MESSAGE_COMPLETE", "`on_message_complete` callback error");
        self.event("wasm_on_message_complete", &[], error).map(drop)
    }
}
