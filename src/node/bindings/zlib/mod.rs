//! Compression: one class for each family of formats, all with the same methods. The formats are in the other files.
//!
//! A stream writes at once, or in a turn of its own (`write`); only one such is under way at a time. What it writes to,
//! and what it reads, are the guest's buffers; a closed stream keeps its compressor until that has ended.

mod brotli;
mod codec;
mod deflate;
mod deflater;
mod inflater;
mod zstd;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use isolate::library::{Delivery, Scope, memory_for, spawn, string};

use self::codec::{Codec, Failure};
use crate::async_wrap::{AsyncWrap, async_methods};
use crate::binding::{Args, Binding, Class, Function, Return, functions};
use crate::bytes::{Memory, throw_no_memory};
use crate::coded_error::{Kind, throw};
use crate::encoding::Encoding;
use crate::environment::Env;
use crate::handle;

pub(super) static BINDING: Binding =
    Binding { name: "zlib", functions: functions! { "crc32" => crc32, }, make: Some(make) };

/// The native half of a stream.
struct Stream {
    wrap: AsyncWrap,
    mode: Option<deflate::Mode>,
    codec: RefCell<Option<Box<dyn Codec>>>,
    started: RefCell<Option<Started>>,
    is_writing: Cell<bool>,
    /// It is to be closed when the write under way has ended.
    is_closing: Cell<bool>,
}

/// What a stream has from its `init` on.
#[derive(Clone)]
struct Started {
    /// Where the library reads how much room and how much input was left.
    result: Rc<Memory>,
    callback: v8::Global<v8::Function>,
}

fn make(scope: &mut Scope<'_, '_>, _: &Rc<Env>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    class(
        scope,
        binding,
        "Zlib",
        v8::MapFnTo::map_fn_to(construct_zlib),
        functions! { "init" => init_zlib, },
    )?;
    for (name, init) in [
        ("BrotliEncoder", functions! { "init" => init_brotli_encoder, } as &[Function]),
        ("BrotliDecoder", functions! { "init" => init_brotli_decoder, }),
        ("ZstdCompress", functions! { "init" => init_zstd_compress, }),
        ("ZstdDecompress", functions! { "init" => init_zstd_decompress, }),
    ] {
        class(scope, binding, name, v8::MapFnTo::map_fn_to(construct), init)?;
    }
    Some(())
}

fn class(
    scope: &mut Scope<'_, '_>,
    binding: v8::Local<'_, v8::Object>,
    name: &str,
    constructor: v8::FunctionCallback,
    init: &[Function],
) -> Option<()> {
    let class = Class::new(scope, name, constructor)?;
    class.methods(scope, async_methods!(Stream, wrap))?;
    class.methods(scope, init)?;
    class.methods(
        scope,
        functions! {
            "write" => write,
            "writeSync" => write_sync,
            "params" => params,
            "reset" => reset,
            "close" => close,
        },
    )?;
    class.publish(scope, binding, name)
}

fn construct(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    attach(scope, &args, None);
}

/// (mode)
fn construct_zlib(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some(mode) = args.get(0).int32_value(scope).and_then(deflate::Mode::from_number) else {
        return isolate::library::throw_type(scope, "Bad argument");
    };
    attach(scope, &args, Some(mode));
}

fn attach(scope: &mut Scope<'_, '_>, args: &Args<'_>, mode: Option<deflate::Mode>) {
    if !args.is_construct_call() {
        return isolate::library::throw_type(scope, "Class constructor cannot be invoked without 'new'");
    }
    let Some(env) = Env::of(scope) else { return };
    let stream = Stream {
        wrap: AsyncWrap::new(scope, &env, args.this(), "ZLIB"),
        mode,
        codec: RefCell::default(),
        started: RefCell::default(),
        is_writing: Cell::new(false),
        is_closing: Cell::new(false),
    };
    let _ = handle::attach(scope, &env, args.this(), Rc::new(stream));
}

/// Notes what every kind of stream is given: where results go, and what is called after a write. `None` with an exception
/// pending if they are none.
fn start(
    scope: &mut Scope<'_, '_>,
    stream: &Stream,
    result: v8::Local<'_, v8::Value>,
    callback: v8::Local<'_, v8::Value>,
) -> Option<()> {
    let (Ok(result), Ok(callback)) =
        (result.try_cast::<v8::Uint32Array>(), callback.try_cast::<v8::Function>())
    else {
        isolate::library::throw_type(scope, "Bad argument");
        return None;
    };
    if stream.is_writing.get() {
        isolate::library::throw_type(scope, "write already in progress");
        return None;
    }
    let result = Rc::new(Memory::expect(scope, result.into())?);
    *stream.started.borrow_mut() = Some(Started { result, callback: v8::Global::new(scope, callback) });
    Some(())
}

/// Takes a compressor into use, or throws why there is none.
fn begin(scope: &mut Scope<'_, '_>, stream: &Stream, codec: Result<Box<dyn Codec>, Failure>) {
    match codec {
        Ok(codec) => *stream.codec.borrow_mut() = Some(codec),
        Err(failure) => throw(scope, Kind::Error, &failure.message, "ERR_ZLIB_INITIALIZATION_FAILED"),
    }
}

/// A dictionary, copied; none where none is given. `None` with an exception pending if there is no memory for it.
fn dictionary(scope: &mut Scope<'_, '_>, value: v8::Local<'_, v8::Value>) -> Option<Option<Vec<u8>>> {
    let Some(memory) = Memory::of(value) else { return Some(None) };
    if !memory_for(memory.len()) {
        throw_no_memory(scope);
        return None;
    }
    Some(Some(memory.bytes().into_owned()))
}

/// (windowBits, level, memLevel, strategy, result, callback, dictionary, whether junk at the end is an error)
fn init_zlib(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((_, stream)) = handle::receiver::<Stream>(scope, args.this()) else { return };
    let mut numbers = [0; 4];
    for (index, number) in (0..).zip(numbers.iter_mut()) {
        let Some(value) = args.get(index).int32_value(scope) else { return };
        *number = value;
    }
    let Some(dictionary) = dictionary(scope, args.get(6)) else { return };
    let settings =
        stream.mode.and_then(|mode| deflate::Settings::new(mode, numbers, dictionary, args.get(7).is_true()));
    let Some(settings) = settings else {
        return isolate::library::throw_type(scope, "Bad argument");
    };
    if start(scope, &stream, args.get(4), args.get(5)).is_none() {
        return;
    }
    if !memory_for(deflate::COMPRESSOR_SIZE) {
        return throw_no_memory(scope);
    }
    begin(scope, &stream, settings.codec());
}

/// The numbers of an `Uint32Array`. `None` with an exception pending if it is none.
fn parameters(scope: &mut Scope<'_, '_>, value: v8::Local<'_, v8::Value>) -> Option<Vec<u32>> {
    let memory = Memory::expect(scope, value)?;
    let bytes = memory.slice(0..4 * 1024);
    Some(bytes.as_chunks::<4>().0.iter().map(|number| u32::from_ne_bytes(*number)).collect())
}

/// (parameters, result, callback, dictionary)
fn init_brotli(
    scope: &mut Scope<'_, '_>,
    args: &Args<'_>,
    codec: impl FnOnce(&[u32]) -> Option<Box<dyn Codec>>,
) {
    let Some((_, stream)) = handle::receiver::<Stream>(scope, args.this()) else { return };
    let Some(parameters) = parameters(scope, args.get(0)) else { return };
    if args.get(3).is_array_buffer_view() {
        return crate::binding::unsupported_feature(scope, "zlib: a dictionary for Brotli");
    }
    if start(scope, &stream, args.get(1), args.get(2)).is_none() {
        return;
    }
    if !memory_for(brotli::compressor_size(&parameters)) {
        return throw_no_memory(scope);
    }
    let failure = Failure::new("Initialization failed", -1, "ERR_ZLIB_INITIALIZATION_FAILED");
    begin(scope, &stream, codec(&parameters).ok_or(failure));
}

fn init_brotli_encoder(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    init_brotli(scope, &args, |parameters| Some(Box::new(brotli::Compressor::new(parameters)?)));
}

fn init_brotli_decoder(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    init_brotli(scope, &args, |parameters| Some(Box::new(brotli::Decompressor::new(parameters)?)));
}

/// (parameters, size of the input if that is known, result, callback, dictionary, whether junk is an error)
fn init_zstd(
    scope: &mut Scope<'_, '_>,
    args: &Args<'_>,
    codec: impl FnOnce(zstd::Settings) -> Result<Box<dyn Codec>, Failure>,
) {
    let Some((env, stream)) = handle::receiver::<Stream>(scope, args.this()) else { return };
    let Some(parameters) = parameters(scope, args.get(0)) else { return };
    let pledged_size = match args.get(1) {
        size if size.is_undefined() => None,
        size => match size.number_value(scope) {
            // Sizes that no input has become the largest.
            Some(size) => Some(size as u64),
            None => return,
        },
    };
    let Some(dictionary) = dictionary(scope, args.get(4)) else { return };
    if start(scope, &stream, args.get(2), args.get(3)).is_none() {
        return;
    }
    let facts = env.facts.clone();
    let names = Box::new(move |number: i32| {
        let known = facts.binding("constants")?.get("zlib")?.get("object")?.as_object()?;
        let is = |value: &serde_json::Value| value.get("value")?.as_i64();
        let (name, _) = known
            .iter()
            .find(|(name, value)| name.starts_with("ZSTD_error_") && is(value) == Some(number.into()))?;
        Some(name.clone())
    });
    let rejects_junk = args.get(5).is_true();
    begin(
        scope,
        &stream,
        codec(zstd::Settings { parameters, pledged_size, dictionary, rejects_junk, names }),
    );
}

fn init_zstd_compress(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    init_zstd(scope, &args, |settings| Ok(Box::new(zstd::Compressor::new(settings)?)));
}

fn init_zstd_decompress(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    init_zstd(scope, &args, |settings| Ok(Box::new(zstd::Decompressor::new(settings)?)));
}

/// One write: parts of two buffers.
struct Job {
    started: Started,
    flush: u32,
    input: Option<(Memory, std::ops::Range<usize>)>,
    output: (Memory, std::ops::Range<usize>),
}

/// (flush, input, its offset, its length, output, its offset, its length). `None` with an exception pending if that cannot
/// be.
fn job(scope: &mut Scope<'_, '_>, stream: &Stream, args: &Args<'_>) -> Option<Job> {
    let refuse = |scope: &mut Scope<'_, '_>, message: &str| {
        throw(scope, Kind::Error, message, "ERR_INVALID_STATE");
    };
    let flush = args.get(0).uint32_value(scope)?;
    let mut numbers = [0usize; 4];
    for (number, index) in numbers.iter_mut().zip([2, 3, 5, 6]) {
        *number = args.get(index).uint32_value(scope)? as usize;
    }
    let [input_start, input_length, output_start, output_length] = numbers;
    let range = |start: usize, length: usize, memory: &Memory| {
        let end = start.checked_add(length).filter(|end| *end <= memory.len());
        end.map(|end| start..end)
    };
    let input = match args.get(1) {
        input if input.is_null() => None,
        input => {
            let memory = Memory::expect(scope, input)?;
            match range(input_start, input_length, &memory) {
                Some(range) => Some((memory, range)),
                None => {
                    throw(scope, Kind::Range, "Index out of range", "ERR_OUT_OF_RANGE");
                    return None;
                }
            }
        }
    };
    let memory = Memory::expect(scope, args.get(4))?;
    let Some(output) = range(output_start, output_length, &memory) else {
        throw(scope, Kind::Range, "Index out of range", "ERR_OUT_OF_RANGE");
        return None;
    };
    if stream.is_writing.get() {
        refuse(scope, "write already in progress");
        return None;
    }
    let (started, codec) = (stream.started.borrow().clone(), stream.codec.borrow());
    let (Some(started), Some(codec)) = (started, codec.as_ref()) else {
        refuse(scope, "there is no stream, or it has been closed");
        return None;
    };
    if !codec.has_flush(flush) {
        refuse(scope, "Invalid flush value");
        return None;
    }
    Some(Job { started, flush, input, output: (memory, output) })
}

impl Job {
    /// Does it, and notes what was left. What went wrong, if something has.
    fn run(&self, stream: &Stream) -> Option<Failure> {
        let mut codec = stream.codec.borrow_mut();
        let codec = codec.as_mut()?;
        let (output, range) = &self.output;
        let room = range.len();
        let input = match &self.input {
            // The same memory is not read while it is written to.
            Some((memory, range)) if memory.lent().overlaps(&output.lent()) => {
                memory.slice(range.clone()).into_owned().into()
            }
            Some((memory, range)) => memory.slice(range.clone()),
            None => std::borrow::Cow::Borrowed(&[][..]),
        };
        let mut step = codec::Step::default();
        output.fill(range.clone(), |out| {
            step = codec.step(self.flush, &input, out);
            step.written
        });
        if step.failure.is_none() {
            let left = |all: usize, done: usize| u32::try_from(all.saturating_sub(done)).unwrap_or(u32::MAX);
            let left = [left(room, step.written), left(input.len(), step.read)];
            self.started.result.write(0, left.map(u32::to_ne_bytes).as_flattened());
        }
        step.failure
    }
}

/// Tells a stream's `onerror`. `None` with an exception pending if that threw.
fn fail(
    scope: &mut Scope<'_, '_>,
    env: &Env,
    stream: &Stream,
    object: v8::Local<'_, v8::Object>,
    failure: &Failure,
) -> Option<()> {
    let object = v8::Local::new(scope, object);
    let arguments = [
        string(scope, &failure.message).into(),
        v8::Integer::new(scope, failure.number).into(),
        string(scope, &failure.code).into(),
    ];
    stream.wrap.call_method(scope, env, object, "onerror", &arguments).map(drop)
}

/// As [`job`] says: does it now.
fn write_sync(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((env, stream)) = handle::receiver::<Stream>(scope, args.this()) else { return };
    let Some(job) = job(scope, &stream, &args) else { return };
    if let Some(failure) = job.run(&stream) {
        let _ = fail(scope, &env, &stream, args.this(), &failure);
    }
}

/// As [`job`] says: does it in a turn of its own, and calls the stream's callback.
fn write(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((env, stream)) = handle::receiver::<Stream>(scope, args.this()) else { return };
    let Some(job) = job(scope, &stream, &args) else { return };
    let Some(realm) = env.realm() else { return };
    let object = v8::Global::new(scope, args.this());
    let (then, writer) = (env.clone(), stream.clone());
    let operation = async move {
        let deliver: Delivery = Box::new(move |scope| {
            let failure = job.run(&writer);
            writer.is_writing.set(false);
            let object = v8::Local::new(scope, &object);
            let done = match failure {
                Some(failure) => fail(scope, &then, &writer, object, &failure),
                None => {
                    let callback = v8::Local::new(scope, &job.started.callback);
                    writer.wrap.call(scope, &then, object, callback, &[]).map(drop)
                }
            };
            if writer.is_closing.get() && !writer.is_writing.get() {
                writer.end();
            }
            done
        });
        deliver
    };
    stream.is_writing.set(true);
    if spawn(&env.core, &realm, operation).is_none() {
        stream.is_writing.set(false);
        isolate::library::throw_errno(scope, kernel::Errno::Eagain, "write", None);
    }
}

impl Stream {
    fn end(&self) {
        self.is_closing.set(false);
        self.codec.take();
        self.started.take();
    }
}

fn close(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((_, stream)) = handle::receiver::<Stream>(scope, args.this()) else { return };
    if stream.is_writing.get() {
        stream.is_closing.set(true);
    } else {
        stream.end();
    }
}

/// Does something to a compressor that nothing is written to just now.
fn change(
    scope: &mut Scope<'_, '_>,
    args: &Args<'_>,
    change: impl FnOnce(&mut dyn Codec) -> Result<(), Failure>,
) {
    let Some((env, stream)) = handle::receiver::<Stream>(scope, args.this()) else { return };
    if stream.is_writing.get() {
        return throw(scope, Kind::Error, "write already in progress", "ERR_INVALID_STATE");
    }
    let changed = stream.codec.borrow_mut().as_mut().map(|codec| change(codec.as_mut()));
    if let Some(Err(failure)) = changed {
        let _ = fail(scope, &env, &stream, args.this(), &failure);
    }
}

/// (level, strategy)
fn params(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    // Those of other formats have none.
    let Some(level) = args.get(0).int32_value(scope) else { return };
    let Some(strategy) = args.get(1).int32_value(scope) else { return };
    change(scope, &args, |codec| codec.set_params(level, strategy));
}

fn reset(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    change(scope, &args, |codec| codec.reset());
}

/// (text or bytes, checksum of what came before) -> checksum
fn crc32(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(start) = args.get(1).uint32_value(scope) else { return };
    let checksum = if let Ok(text) = args.get(0).try_cast::<v8::String>() {
        let Some(bytes) = Encoding::Utf8.encode(scope, text) else { return };
        zlib_rs::crc32::crc32(start, &bytes)
    } else {
        let Some(memory) = Memory::expect(scope, args.get(0)) else { return };
        zlib_rs::crc32::crc32(start, &memory.bytes())
    };
    result.set_uint32(checksum);
}
