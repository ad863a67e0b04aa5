//! The process object, and what of it is a job's own: arguments, environment, names.

use std::rc::Rc;

use byte_text::shown;
use isolate::library::{Core, Scope, string};
use kernel::Process;
use protocol::config::Platform;
use serde_json::Value;

use crate::binding::{self, define, set, set_number};
use crate::command_line::{CommandLine, Program};
use crate::environment::Env;
use crate::facts;
use crate::threads::Environment;

/// Where a program finds Node, whatever it is started as.
pub(crate) const EXEC_PATH: &str = "/usr/local/bin/node";

/// Makes the process object, as far as it is the same for every job.
pub(crate) fn create<'s>(scope: &mut Scope<'s, '_>, env: &Rc<Env>) -> Option<v8::Local<'s, v8::Object>> {
    // It has a prototype of its own, which the library gives an `EventEmitter` to inherit from.
    let template =
        v8::FunctionTemplate::builder_raw(v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(construct))
            .build(scope);
    let name = string(scope, "process");
    template.set_class_name(name);
    let constructor = template.get_function(scope)?;
    let process = constructor.new_instance(scope, &[])?;
    let _ = env.process_object.set(v8::Global::new(scope, process));
    let answers = env.facts.clone();
    if let Some(Value::Object(versions)) = answers.answer("versions") {
        let object = v8::Object::new(scope);
        for (name, version) in versions {
            let version = match name.as_str() {
                // What runs here is not what runs in Node's binary.
                "v8" => v8::V8::get_version().to_owned(),
                _ => version.as_str().unwrap_or_default().to_owned(),
            };
            let version = string(scope, &version);
            define(scope, object, name, version.into(), v8::PropertyAttribute::READ_ONLY)?;
        }
        if let Some(version) = versions.get("node").and_then(Value::as_str) {
            let version = string(scope, &format!("v{version}"));
            define(scope, process, "version", version.into(), v8::PropertyAttribute::READ_ONLY)?;
        }
        define(scope, process, "versions", object.into(), v8::PropertyAttribute::READ_ONLY)?;
    }
    let arch = string(scope, if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" });
    define(scope, process, "arch", arch.into(), v8::PropertyAttribute::READ_ONLY)?;
    let platform = string(scope, "linux");
    define(scope, process, "platform", platform.into(), v8::PropertyAttribute::READ_ONLY)?;
    if let Some(Value::Object(release)) = answers.answer("release") {
        let object = v8::Object::new(scope);
        facts::fill(scope, env, object, release, "process.release")?;
        define(scope, process, "release", object.into(), v8::PropertyAttribute::READ_ONLY)?;
    }
    let exit_info = v8::ArrayBuffer::new(scope, 12);
    let _ = env.shared.exit.set(exit_info.get_backing_store());
    let fields = v8::Int32Array::new(scope, exit_info, 0, 3)?;
    let symbol = crate::bindings::util::private_symbol(scope, env, "exit_info_private_symbol")?;
    process.set_private(scope, symbol, fields.into())?;
    // Replaced when a job begins; the library looks at some of them while it boots.
    let empty = v8::Object::new(scope);
    set(scope, process, "env", empty.into())?;
    let argv = v8::Array::new(scope, 0);
    set(scope, process, "argv", argv.into())?;
    let argv = v8::Array::new(scope, 0);
    set(scope, process, "execArgv", argv.into())?;
    Some(process)
}

fn construct(_: &mut Scope<'_, '_>, _: binding::Args<'_>, _: binding::Return<'_>) {}

/// After the claim: what is particular to the VM.
pub(crate) fn configure(scope: &mut Scope<'_, '_>, env: &Env) -> Option<()> {
    let names = env.core.host_functions();
    let names: Vec<v8::Local<v8::Value>> = names.iter().map(|name| string(scope, name).into()).collect();
    let names = v8::Array::new_with_elements(scope, &names);
    let is_frozen = v8::Boolean::new(scope, env.core.is_frozen());
    env.call_main(scope, "configure", &[names.into(), is_frozen.into()])?;
    if env.core.platform() != Platform::Node && env.core.is_frozen() {
        return Some(());
    }
    // Where clocks are frozen it never reaches another thread (`bindings::messaging`), without which it tells no time.
    let class = isolate::library::shared_array_buffer(scope)?;
    let global = scope.get_current_context().global(scope);
    define(scope, global, "SharedArrayBuffer", class, v8::PropertyAttribute::DONT_ENUM)
}

/// As a job begins: its arguments and its environment. Gives what the command line of a program asks for.
pub(crate) fn begin(scope: &mut Scope<'_, '_>, env: &Env, has_file: bool) -> Option<Program> {
    crate::bindings::performance::begin(env);
    let process = env.process()?;
    let mut program = Program::Nothing;
    if process.exe().is_empty() {
        // The kernel knows a job by its file; inline code has none.
        let skipped = usize::from(!has_file);
        *env.arguments.borrow_mut() = process.argv().iter().skip(skipped).cloned().collect();
    } else {
        let of_environment = process.env_var("NODE_OPTIONS").unwrap_or_default();
        let line = CommandLine::read(&env.facts, process.argv(), of_environment);
        *env.arguments.borrow_mut() = line.arguments;
        *env.options.borrow_mut() = line.values;
        *env.exec_arguments.borrow_mut() = line.options;
        program = line.program;
        let is_named = !env.arguments.borrow().is_empty();
        if program == Program::Script("eval_stdin") && !is_named && kind_of(env, 0) == 1 {
            // Somebody sits there.
            program = Program::Script("repl");
        }
    }
    begin_object(scope, env, process.env(), false)?;
    Some(program)
}

/// As a further thread begins.
pub(crate) fn begin_thread(scope: &mut Scope<'_, '_>, env: &Env) -> Option<()> {
    crate::bindings::performance::begin(env);
    let thread = env.thread.clone()?;
    *env.exec_arguments.borrow_mut() = thread.exec_arguments.clone();
    match &thread.environment {
        Environment::Own(pairs) => begin_object(scope, env, pairs, false),
        Environment::Shared(variables) => {
            *env.variables.borrow_mut() = Some(variables.clone());
            begin_object(scope, env, &[], true)
        }
    }
}

/// Gives the process object what is a job's own: its environment, which may be one that threads share, and the rest.
fn begin_object(
    scope: &mut Scope<'_, '_>,
    env: &Env,
    variables: &[(String, String)],
    is_shared: bool,
) -> Option<()> {
    let object = env.process_object(scope)?;
    let pairs: Vec<v8::Local<v8::Value>> = variables
        .iter()
        .flat_map(|(name, value)| [string(scope, &shown(name)).into(), string(scope, &shown(value)).into()])
        .collect();
    let pairs = v8::Array::new_with_elements(scope, &pairs);
    let environment = env.call_main(scope, "environment", &[pairs.into()])?;
    if is_shared {
        env.call_main(scope, "shareEnvironment", &[])?;
    }
    set(scope, object, "env", environment)?;
    patch(scope, env, object)
}

/// What `patchProcessObject` sets: all that a process has of its own.
pub(crate) fn patch(scope: &mut Scope<'_, '_>, env: &Env, object: v8::Local<'_, v8::Object>) -> Option<()> {
    let title = string(scope, "node");
    set(scope, object, "title", title.into())?;
    let mut argv: Vec<v8::Local<v8::Value>> = vec![string(scope, "node").into()];
    argv.extend(
        env.arguments
            .borrow()
            .iter()
            .map(|argument| v8::Local::<v8::Value>::from(string(scope, &shown(argument)))),
    );
    let argv = v8::Array::new_with_elements(scope, &argv);
    set(scope, object, "argv", argv.into())?;
    let exec_argv: Vec<v8::Local<v8::Value>> =
        env.exec_arguments.borrow().iter().map(|argument| string(scope, argument).into()).collect();
    let exec_argv = v8::Array::new_with_elements(scope, &exec_argv);
    set(scope, object, "execArgv", exec_argv.into())?;
    // While the library boots there is none.
    let process = env.process();
    set_number(scope, object, "pid", process.as_ref().map_or(0.0, |process| f64::from(process.pid())))?;
    set_number(scope, object, "ppid", process.map_or(0.0, |process| f64::from(process.ppid())))?;
    let path = string(scope, EXEC_PATH);
    set(scope, object, "execPath", path.into())?;
    set_number(scope, object, "debugPort", 9229.0)
}

/// A variable of the environment, as the program has made it.
pub(crate) fn variable(scope: &mut Scope<'_, '_>, name: &str) -> Option<String> {
    let env = Env::of(scope)?;
    let object = env.process_object(scope)?;
    let variables: v8::Local<v8::Object> = binding::get(scope, object, "env")?.try_cast().ok()?;
    let value = binding::get(scope, variables, name)?;
    value.is_string().then(|| value.to_rust_string_lossy(scope))
}

/// Writes text to a descriptor; what cannot be written is lost.
pub(crate) fn write_text(core: &Core, process: &Process, descriptor: u32, text: &str) {
    isolate::library::write(core, process, descriptor, text.as_bytes());
}

/// What a descriptor is, in `guessHandleType`'s numbers: 0 TCP, 1 TTY, 2 UDP, 3 FILE, 4 PIPE, 5 UNKNOWN, 6 INVALID.
pub(crate) fn kind_of(env: &Env, descriptor: u32) -> i32 {
    let Some(process) = env.process() else { return 6 };
    match process.fds().get(descriptor) {
        Ok(file) if !process.exe().is_empty() && file.is_terminal() => 1,
        // Who reads a program's output may be a program on this very thread: nobody may wait for it.
        Ok(file) if !process.exe().is_empty() && file.kind() == kernel::FileKind::Fifo => 4,
        // A file, whatever it is: writes to it end before they return, as those to files do in Node.
        Ok(_) => 3,
        Err(_) => 6,
    }
}

/// The variables in the text of a `.env` file, as `util.parseEnv` reads it.
pub(crate) fn parse_env(text: &str) -> Vec<(String, String)> {
    let text = text.replace("\r\n", "\n");
    let mut variables = Vec::new();
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let line_end = rest.find('\n').unwrap_or(rest.len());
        let line = &rest[..line_end];
        let Some(equals) = line.find('=').filter(|_| !line.trim_start().starts_with('#')) else {
            rest = rest.get(line_end + 1..).unwrap_or_default();
            continue;
        };
        let name = line[..equals].trim();
        let name = name.strip_prefix("export ").unwrap_or(name).trim();
        let after = &rest[equals + 1..];
        let value_start = after.len() - after.trim_start_matches([' ', '\t']).len();
        let value = &after[value_start..];
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\'' | '`'));
        let quoted = quote.and_then(|quote| value[1..].find(quote).map(|end| (quote, &value[1..=end])));
        let (value, used) = match quoted {
            Some((quote, text)) => {
                let text = if quote == '"' { text.replace("\\n", "\n") } else { text.to_owned() };
                let end = equals + 1 + value_start + 2 + quoted.map_or(0, |(_, text)| text.len());
                let line_end = rest[end..].find('\n').map_or(rest.len(), |at| end + at + 1);
                (text, line_end)
            }
            None => {
                let line = &after[..line_end - equals - 1];
                let line = line.split('#').next().unwrap_or_default().trim();
                (line.to_owned(), (line_end + 1).min(rest.len()))
            }
        };
        if !name.is_empty() {
            variables.push((name.to_owned(), value));
        }
        rest = rest.get(used..).unwrap_or_default();
    }
    variables
}
