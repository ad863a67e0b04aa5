//! Terminals of the VM as Node's `tty` has them.

use std::rc::Rc;

use isolate::library::{Scope, string};

use crate::binding::{self, Args, Binding, Return, functions};
use crate::environment::Env;
use crate::handle_wrap;
use crate::net;
use crate::stream_base::{self, EBADF, EINVAL, Stream};

pub(super) static BINDING: Binding =
    Binding { name: "tty_wrap", functions: functions! { "isTTY" => is_tty, }, make: Some(make) };

fn make(scope: &mut Scope<'_, '_>, env: &Rc<Env>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    let constructor = v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(construct);
    let methods = functions! {
        "getWindowSize" => get_window_size,
        "setRawMode" => set_raw_mode,
    };
    let class = net::class(scope, env, "TTY", constructor, methods)?;
    class.publish(scope, binding, "TTY")
}

/// (descriptor, what went wrong)
fn construct(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if handle_wrap::is_no_construction(scope, &args) {
        return;
    }
    let Some(env) = Env::of(scope) else { return };
    let stream = Rc::new(Stream::default());
    let mut status = stream_base::open(&stream, &env, args.get(0), scope);
    if status == 0 && stream.terminal().is_none() {
        status = EINVAL;
    }
    if status != 0 {
        // Nobody who has such an object does anything with it but to look at the error.
        stream.connect(None, None);
        let _ = tell_failure(scope, args.get(1), status);
    }
    let _ = handle_wrap::attach(scope, &env, args.this(), "TTYWRAP", stream);
}

fn tell_failure(scope: &mut Scope<'_, '_>, context: v8::Local<'_, v8::Value>, status: i32) -> Option<()> {
    let context: v8::Local<v8::Object> = context.try_cast().ok()?;
    let (code, message) = match status {
        EBADF => ("EBADF", "bad file descriptor"),
        _ => ("EINVAL", "invalid argument"),
    };
    binding::set_number(scope, context, "errno", f64::from(status))?;
    for (name, text) in [("code", code), ("message", message), ("syscall", "uv_tty_init")] {
        let text = string(scope, text);
        binding::set(scope, context, name, text.into())?;
    }
    Some(())
}

/// (array) -> status: puts columns and rows into it
fn get_window_size(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((_, handle, stream)) = handle_wrap::receiver::<Stream>(scope, args.this()) else { return };
    let terminal = stream.terminal().filter(|_| handle.is_open());
    let (Some(terminal), Ok(array)) = (terminal, args.get(0).try_cast::<v8::Array>()) else {
        return result.set_int32(EBADF);
    };
    let size = terminal.size();
    for (index, value) in [(0, size.columns), (1, size.rows)] {
        let value = v8::Integer::new(scope, i32::from(value));
        let _ = array.set_index(scope, index, value.into());
    }
    result.set_int32(0);
}

/// (whether) -> status
fn set_raw_mode(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, handle, stream)) = handle_wrap::receiver::<Stream>(scope, args.this()) else { return };
    let Some(process) = env.process().filter(|_| handle.is_open()) else { return result.set_int32(EBADF) };
    let raw = args.get(0).boolean_value(scope);
    result.set_int32(stream.set_raw(&process, raw));
}

/// (descriptor) -> whether it is a terminal
fn is_tty(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let descriptor = args.get(0).uint32_value(scope).unwrap_or(u32::MAX);
    let file = env.process().and_then(|process| process.fds().get(descriptor).ok());
    result.set_bool(file.is_some_and(|file| file.is_terminal()));
}
