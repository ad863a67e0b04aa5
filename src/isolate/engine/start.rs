//! Starting V8 in this process: flags, platform, entropy, what happens when it cannot go on; and reading back from
//! the engine what it is.

use std::sync::{Arc, OnceLock};

use crate::FATAL_EXIT_CODE;
use crate::Fatal;
use crate::Helpers;
use crate::Services;
use crate::engine::allocator;
use crate::engine::helpers;
use crate::engine::thread_id;
use protocol::config::Platform;
use protocol::engine::{EngineProfile, EngineReport, WasmLevel};

unsafe extern "C" {
    /// In the crate's own C++ part, though its Rust part shows it to its tests only.
    safe fn v8__V8__IsSandboxEnabled() -> bool;
}

/// Who is told of a fatal error. Before a claim there is nobody.
static FATAL: OnceLock<Arc<dyn Services>> = OnceLock::new();

/// Whether this V8 was built with WebAssembly.
static CONTAINS_WASM: OnceLock<bool> = OnceLock::new();

/// Flags that every profile shares.
const FLAGS: &[&str] = &[
    // `SharedArrayBuffer` is no global by itself; a context gets it when `timingMitigation` is off.
    "--enable-sharedarraybuffer-per-context",
    // Feedback and code appear only for what runs often; start time and memory matter more here.
    "--lazy-feedback-allocation",
    // Compiled code is kept through collections: a template collects before it is forked, and what it has compiled is what its
    // workers would compile anew, each for itself.
    "--no-flush-bytecode",
    // V8 15.2 forgets the check for termination in a loop that makes arrays: unrolling finds that the short loop which
    // clears a `new Array(100)` needs none, and drops that of the loop around it. No time-out would end such code.
    "--no-turboshaft-loop-unrolling",
    // Half the main thread's stack of 8 MiB would do; V8's own default leaves room for natives as well.
    "--stack-size=984",
];

/// See [`crate::initialize`].
pub(crate) fn initialize(profile: &EngineProfile, when: Helpers) {
    if when == Helpers::Later {
        thread_id::reserve();
    }
    v8::V8::set_flags_from_string(&FLAGS.join(" "));
    if !profile.jit {
        v8::V8::set_flags_from_string("--jitless");
    }
    // A flag with its default value, which only a V8 with WebAssembly knows.
    let probe = vec!["cordon".to_owned(), "--wasm-lazy-compilation".to_owned()];
    let _ = CONTAINS_WASM.set(v8::V8::set_flags_from_command_line(probe).len() == 1);
    v8::V8::set_entropy_source(fill);
    v8::V8::set_fatal_error_handler(|file: &str, line: i32, message: &str| {
        fatal(Fatal::Defect(&format!("{message} ({file}:{line})")));
    });
    allocator::on_refusal(refused_memory);
    let platform = match when {
        Helpers::Now => v8::new_default_platform(1, false),
        Helpers::Later => helpers::put_off(|| v8::new_default_platform(1, false)),
    };
    v8::V8::initialize_platform(platform.make_shared());
    v8::V8::initialize();
    // The host's language is nobody's business in the VM.
    v8::icu::set_default_locale("en-US");
    if profile.wasm == WasmLevel::Allowed {
        // Before the first Wasmtime engine, which forwards the faults that are not its own.
        v8::V8::enable_web_assembly_trap_handler(true);
    }
}

/// The time zone that guest code sees unless its VM says otherwise.
pub(crate) const TIME_ZONE: &str = "UTC";

/// Sets the time zone that guest code sees. An unknown name leaves UTC.
pub fn set_time_zone(isolate: &mut v8::Isolate, name: &str) {
    if !v8::icu::set_default_time_zone(name) {
        let _ = v8::icu::set_default_time_zone(TIME_ZONE);
    }
    isolate.date_time_configuration_change_notification(v8::TimeZoneDetection::Skip);
}

fn fill(buffer: &mut [u8]) -> bool {
    getrandom::fill(buffer).is_ok()
}

/// Names who is told of fatal errors from now on.
pub(crate) fn report_fatal_to(services: Arc<dyn Services>) {
    let _ = FATAL.set(services);
}

/// Ends the process because it cannot go on.
fn fatal(why: Fatal<'_>) -> ! {
    if let Some(services) = FATAL.get() {
        services.fatal(why);
    }
    // SAFETY: ends the process; nothing of it, V8 least of all, may run any more.
    unsafe { libc::_exit(FATAL_EXIT_CODE) }
}

/// V8's handler for "out of memory": the last thing that runs.
pub(crate) unsafe extern "C" fn out_of_memory(location: *const std::ffi::c_char, details: &v8::OomDetails) {
    // SAFETY: V8 passes a C string literal or null.
    let place = (!location.is_null()).then(|| unsafe { std::ffi::CStr::from_ptr(location) });
    let place = place.and_then(|text| text.to_str().ok()).unwrap_or("unknown place");
    fatal(if details.is_heap_oom { Fatal::Heap(place) } else { Fatal::Memory });
}

extern "C" fn refused_memory() {
    fatal(Fatal::Memory);
}

/// What is known of the engine.
pub(crate) fn report(
    wasm: WasmLevel,
    profile: EngineProfile,
    platform: Platform,
    wasmtime: &str,
) -> EngineReport {
    let sandbox = v8__V8__IsSandboxEnabled();
    EngineReport {
        v8: v8::V8::get_version().to_owned(),
        wasmtime: wasmtime.to_owned(),
        wasm,
        jit: profile.jit,
        sandbox,
        // The sandbox cannot be built without it, and no archive in use has it alone.
        pointer_compression: sandbox,
        profile,
        platform,
    }
}

/// What a profile comes to on this V8: looked up in its flags, and in a context that nobody has touched.
pub(crate) fn level(profile: EngineProfile, isolate: &mut v8::OwnedIsolate) -> WasmLevel {
    v8::scope!(let scope, isolate);
    let context = v8::Context::new(scope, v8::ContextOptions::default());
    let scope = &mut v8::ContextScope::new(scope, context);
    let shown = has_global(scope, "WebAssembly");
    // Without a compiler to machine code V8 hides the global, but it still contains the rest.
    let contained = *CONTAINS_WASM.get().unwrap_or(&true);
    match (shown, profile.wasm) {
        (true, WasmLevel::Allowed) => WasmLevel::Allowed,
        (false, _) if !contained => WasmLevel::Absent,
        _ => WasmLevel::Locked,
    }
}

fn has_global(scope: &mut crate::realm::core::Scope<'_, '_>, name: &str) -> bool {
    let key = crate::realm::core::string(scope, name);
    let global = scope.get_current_context().global(scope);
    global.has(scope, key.into()).unwrap_or(false)
}
