//! `spawnSync`: starts a program and waits on this thread until it has ended and its pipes have been read to the end.

use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use isolate::library::{Scope, copy_bytes, memory_for, string};
use kernel::{Errno, ExitStatus, OpenFile, Process};

use crate::binding::{Args, Binding, Return, functions, get, set, set_number};
use crate::child::{self, Failure, STDIO_MAX, Wanted};
use crate::environment::Env;
use crate::handle_wrap;
use crate::stream_base::{EBADF, EINVAL, Stream};

pub(super) static BINDING: Binding =
    Binding { name: "spawn_sync", functions: functions! { "spawn" => spawn, }, make: None };

const ETIMEDOUT: i32 = -110;
const ENOBUFS: i32 = -105;
const SIGTERM: i32 = 15;
const SIGKILL: i32 = 9;

/// How long a program has for its end once it was sent the signal of its choice.
const GRACE: Duration = Duration::from_secs(2);

/// A pipe to or from the program.
struct Pipe {
    /// What of the input is still to be written.
    input: Option<(Arc<OpenFile>, Vec<u8>, usize)>,
    output: Option<Output>,
}

struct Output {
    /// None once it has been read to the end.
    file: Option<Arc<OpenFile>>,
    bytes: Vec<u8>,
}

/// What is asked for besides the program.
struct Bounds {
    deadline: Option<Instant>,
    most: f64,
    signal: i32,
}

/// (options) -> { pid, status, signal, output, error }
fn spawn<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let (Some(env), Ok(options)) = (Env::of(scope), args.get(0).try_cast::<v8::Object>()) else {
        return isolate::library::throw_type(scope, "The \"options\" argument must be an object");
    };
    match run(scope, &env, options) {
        Ok(object) => result.set(object.into()),
        Err(Failure::Threw) => {}
        Err(Failure::Status(status)) => {
            let object = v8::Object::new(scope);
            let null: v8::Local<v8::Value> = v8::null(scope).into();
            let _ = set_number(scope, object, "error", f64::from(status));
            for name in ["status", "signal", "output"] {
                let _ = set(scope, object, name, null);
            }
            let _ = set_number(scope, object, "pid", 0.0);
            result.set(object.into());
        }
    }
}

fn run<'s>(
    scope: &mut Scope<'s, '_>,
    env: &Rc<Env>,
    options: v8::Local<'s, v8::Object>,
) -> Result<v8::Local<'s, v8::Object>, Failure> {
    let process = env.process().ok_or(Errno::Esrch)?;
    let mut option = |name: &str| get(scope, options, name).ok_or(Failure::Threw);
    let wanted = Wanted {
        file: option("file")?,
        arguments: option("args")?,
        directory: option("cwd")?,
        variables: option("envPairs")?,
        user: option("uid")?,
        group: option("gid")?,
        detached: option("detached")?.is_true(),
    };
    let (timeout, most, signal, stdio) =
        (option("timeout")?, option("maxBuffer")?, option("killSignal")?, option("stdio")?);
    let (mut pipes, fds) = wire(scope, env, &process, stdio)?;
    let timeout = timeout.number_value(scope).filter(|milliseconds| *milliseconds > 0.0);
    let timeout = timeout.and_then(|timeout| Duration::try_from_secs_f64(timeout / 1000.0).ok());
    let bounds = Bounds {
        deadline: timeout.and_then(|timeout| Instant::now().checked_add(timeout)),
        most: most.number_value(scope).filter(|most| *most > 0.0).unwrap_or(f64::INFINITY),
        signal: signal.int32_value(scope).filter(|signal| *signal > 0).unwrap_or(SIGTERM),
    };
    env.core.set_waits_for_programs(true);
    let attended = child::start(scope, env, &process, &wanted, fds).map(|child| {
        let ended = attend(env, &child, &mut pipes, &bounds);
        (child, ended)
    });
    env.core.set_waits_for_programs(false);
    let (child, (status, error)) = attended?;
    describe(scope, env, &child, &pipes, status, error).ok_or(Failure::Threw)
}

/// The pipes of a program, and its other descriptors by number.
type Wired = (Vec<Pipe>, Vec<(u32, Arc<OpenFile>)>);

/// Reads what the descriptors of the program are to be.
fn wire(
    scope: &mut Scope<'_, '_>,
    env: &Rc<Env>,
    process: &Process,
    stdio: v8::Local<'_, v8::Value>,
) -> Result<Wired, Failure> {
    let kernel = &env.core.settings().kernel;
    let stdio: v8::Local<v8::Array> = stdio.try_cast().map_err(|_| Failure::Status(EINVAL))?;
    if stdio.length() > STDIO_MAX {
        return Err(Errno::Emfile.into());
    }
    let (mut pipes, mut fds) = (Vec::new(), Vec::new());
    for number in 0..stdio.length() {
        let entry = stdio.get_index(scope, number).ok_or(Failure::Threw)?;
        let entry: v8::Local<v8::Object> = entry.try_cast().map_err(|_| Failure::Status(EINVAL))?;
        let mut field = |name: &str| get(scope, entry, name).ok_or(Failure::Threw);
        let kind = field("type")?;
        let (readable, writable, input, descriptor, handle) = (
            field("readable")?.is_true(),
            field("writable")?.is_true(),
            field("input")?,
            field("fd")?,
            field("handle")?,
        );
        let mut pipe = Pipe { input: None, output: None };
        match kind.to_rust_string_lossy(scope).as_str() {
            "ignore" if number > 2 => {}
            "ignore" => fds.push((number, kernel.null())),
            "pipe" | "overlapped" if readable => {
                let (read, write) = kernel.pipe()?;
                fds.push((number, read));
                let text = if input.is_array_buffer_view() {
                    copy_bytes(input).ok_or(Errno::Enomem)?
                } else {
                    Vec::new()
                };
                pipe.input = Some((write, text, 0));
            }
            "pipe" | "overlapped" => {
                let (read, write) = kernel.pipe()?;
                fds.push((number, write));
                if writable {
                    pipe.output = Some(Output { file: Some(read), bytes: Vec::new() });
                }
            }
            "wrap" => {
                let (_, stream) =
                    handle_wrap::of::<Stream>(scope, env, handle).ok_or(Failure::Status(EINVAL))?;
                let end = stream.end_for(number).ok_or(Failure::Status(EBADF))?;
                fds.push((number, end.file().clone()));
            }
            _ => {
                let descriptor = descriptor.uint32_value(scope).ok_or(Failure::Threw)?;
                fds.push((number, process.fds().get(descriptor)?));
            }
        }
        pipes.push(pipe);
    }
    Ok((pipes, fds))
}

/// Writes and reads until the program has ended, or is ended.
fn attend(
    env: &Env,
    child: &Arc<Process>,
    pipes: &mut [Pipe],
    bounds: &Bounds,
) -> (Option<ExitStatus>, Option<i32>) {
    let mut status = None;
    let waited = env.core.wait_until(
        poll_fn(|cx| {
            if status.is_none()
                && let Poll::Ready(ended) = child.poll_wait(cx)
            {
                status = Some(ended);
            }
            for pipe in pipes.iter_mut() {
                pipe.write_on(cx);
                if !pipe.read_on(cx, bounds.most) {
                    return Poll::Ready(Some(ENOBUFS));
                }
            }
            let read = pipes.iter().all(Pipe::is_done);
            if status.is_some() && read { Poll::Ready(None) } else { Poll::Pending }
        }),
        bounds.deadline,
    );
    let error = match waited {
        Ok(Some(None)) => return (status, None),
        Ok(Some(error)) => error,
        Ok(None) => Some(ETIMEDOUT),
        // The job itself is being ended.
        Err(_) => {
            child::kill(env, child, SIGKILL);
            child.detach();
            return (status, None);
        }
    };
    // What it holds back or has left running is not waited for.
    for pipe in pipes.iter_mut() {
        pipe.input = None;
        if let Some(output) = &mut pipe.output {
            output.file = None;
        }
    }
    for signal in [bounds.signal, SIGKILL] {
        if status.is_some() {
            break;
        }
        child::kill(env, child, signal);
        let ended = env.core.wait_until(poll_fn(|cx| child.poll_wait(cx)), Instant::now().checked_add(GRACE));
        match ended {
            Ok(ended) => status = ended,
            Err(_) => break,
        }
    }
    if status.is_none() {
        child.detach();
    }
    (status, error)
}

impl Pipe {
    fn is_done(&self) -> bool {
        self.output.as_ref().is_none_or(|output| output.file.is_none())
    }

    fn write_on(&mut self, cx: &mut Context<'_>) {
        while let Some((file, bytes, done)) = &mut self.input {
            let rest = bytes.get(*done..).unwrap_or_default();
            if rest.is_empty() {
                self.input = None;
                break;
            }
            match file.poll_write(cx, rest) {
                Poll::Pending => break,
                Poll::Ready(Ok(count)) if count > 0 => *done += count,
                // Nobody reads it.
                Poll::Ready(_) => self.input = None,
            }
        }
    }

    /// Whether it is within its bound.
    fn read_on(&mut self, cx: &mut Context<'_>, most: f64) -> bool {
        let Some(output) = &mut self.output else { return true };
        let mut chunk = vec![0; 64 * 1024];
        while let Some(file) = &output.file {
            match file.poll_read(cx, &mut chunk) {
                Poll::Pending => break,
                Poll::Ready(Ok(count)) if count > 0 => {
                    // A vector grows by doubling.
                    if !memory_for(output.bytes.len().saturating_mul(2).saturating_add(count)) {
                        return false;
                    }
                    output.bytes.extend_from_slice(chunk.get(..count).unwrap_or_default());
                    if output.bytes.len() as f64 > most {
                        return false;
                    }
                }
                Poll::Ready(_) => output.file = None,
            }
        }
        true
    }
}

fn describe<'s>(
    scope: &mut Scope<'s, '_>,
    env: &Rc<Env>,
    child: &Process,
    pipes: &[Pipe],
    status: Option<ExitStatus>,
    error: Option<i32>,
) -> Option<v8::Local<'s, v8::Object>> {
    let object = v8::Object::new(scope);
    let null: v8::Local<v8::Value> = v8::null(scope).into();
    if let Some(error) = error {
        set_number(scope, object, "error", f64::from(error))?;
    }
    let (code, signal) = match status {
        Some(ExitStatus::Exited(code)) => (v8::Integer::new(scope, i32::from(code)).into(), null),
        Some(ExitStatus::Signaled(signal)) => (null, string(scope, signal.name()).into()),
        None => (null, null),
    };
    set(scope, object, "status", code)?;
    set(scope, object, "signal", signal)?;
    let mut outputs = Vec::new();
    for pipe in pipes {
        outputs.push(match &pipe.output {
            Some(output) => crate::bindings::buffer::from_bytes(scope, env, &output.bytes)?,
            None => null,
        });
    }
    let outputs = v8::Array::new_with_elements(scope, &outputs);
    set(scope, object, "output", outputs.into())?;
    set_number(scope, object, "pid", f64::from(child.pid()))?;
    Some(object)
}
