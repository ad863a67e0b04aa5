//! Compiling WebAssembly from a stream: the library offers to do it where guest WebAssembly is allowed.

use isolate::library::Scope;

use crate::binding::{Args, Binding, Return, functions};

pub(super) static BINDING: Binding =
    Binding { name: "wasm_web_api", functions: functions! { "setImplementation" => ignored, }, make: None };

/// V8's own `compileStreaming` is not wired up: without it `WebAssembly.compile` of the bytes is the way.
fn ignored(_: &mut Scope<'_, '_>, _: Args<'_>, _: Return<'_>) {}
