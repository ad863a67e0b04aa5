//! Running something in a VM of its own, with this process's standard streams.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use serde_json::json;

use super::arguments::{VmArguments, usage};
use super::decisions::Watching;
use super::publish::Publishing;
use super::terminal::{self, Ended};
use super::{exit, report};
use crate::client::{Call, Client, Embedded, Error, Stdin, TerminalOptions, Vm};
use crate::supervisor::{Installation, Supervisor, SupervisorOptions, TemplateLimits};
use compile::cache::Progress;
use protocol::config::{CreateVmConfig, Mount, Platform};
use protocol::wire::{
    Capture, EvaluateOptions, ExecutionOptions, ExecutionResult, Outcome, OutputStream, VmRequest, code,
};

/// Bytes of standard input that are read at once.
const READ_BYTES: usize = 64 * 1024;

/// `cordon run`.
pub(super) async fn run(vm: VmArguments, program: Vec<String>) -> Result<u8, Error> {
    let mut args = program.into_iter();
    let file = args.next().unwrap_or_default();
    if file.starts_with('-') {
        return Err(usage(format!(
            "{file} is no option of `cordon run`, and no file; a file of that name is ./{file}"
        )));
    }
    let file = Path::new(&file);
    let wrong = |error: std::io::Error| usage(format!("{}: {error}", file.display()));
    let file = file.canonicalize().map_err(wrong)?;
    let (Some(folder), Some(path)) = (file.parent().and_then(Path::to_str), file.to_str()) else {
        return Err(usage(format!("{}: not a file with a UTF-8 path", file.display())));
    };
    if !file.is_file() {
        return Err(usage(format!("{path}: not a file")));
    }
    let mut config = vm.config()?;
    show(&mut config, folder)?;
    let args: Vec<String> = args.collect();
    // Jobs have no terminal; a program of its own has.
    if terminal::is_there(&vm) && config.platform == Platform::Node {
        let args = std::iter::once(path.to_owned()).chain(args).collect();
        return at_terminal(&vm, config, "node", args).await;
    }
    let options = options(&vm, args);
    session(&vm, config, VmRequest::ExecuteFile { path: path.to_owned(), options }, false).await
}

/// Has the guest see a folder of this machine under its own name, read-only, and start there, unless the configuration says
/// otherwise.
fn show(config: &mut CreateVmConfig, folder: &str) -> Result<(), Error> {
    if folder == "/" {
        return Err(usage("the root directory would show all of this machine to the guest"));
    }
    if !config.mounts.iter().any(|mount| mount.guest == folder) {
        config.mounts.push(Mount { host: folder.to_owned(), guest: folder.to_owned(), read_only: true });
    }
    if config.cwd == CreateVmConfig::default().cwd {
        config.cwd = folder.to_owned();
    }
    Ok(())
}

/// `cordon node`.
pub(super) async fn node(vm: VmArguments, mut args: Vec<String>) -> Result<u8, Error> {
    let mut config = vm.config()?;
    let wrong = |error: std::io::Error| usage(format!("the current folder: {error}"));
    let here = std::env::current_dir().and_then(|here| here.canonicalize()).map_err(wrong)?;
    let here = here.to_str().ok_or_else(|| usage("the current folder's path is not UTF-8"))?;
    show(&mut config, here)?;
    if terminal::is_there(&vm) {
        return at_terminal(&vm, config, "node", args).await;
    }
    // What it prints goes elsewhere, but somebody types.
    if args.is_empty() && std::io::stdin().is_terminal() {
        args.push("-i".to_owned());
    }
    let options = options(&vm, args);
    session(&vm, config, VmRequest::Spawn { command: "node".to_owned(), options }, false).await
}

/// `cordon eval`.
pub(super) async fn eval(vm: VmArguments, source: String) -> Result<u8, Error> {
    let options = options(&vm, Vec::new());
    let request = VmRequest::Evaluate { source, evaluate: EvaluateOptions::default(), options };
    session(&vm, vm.config()?, request, true).await
}

/// `cordon sh`.
pub(super) async fn sh(vm: VmArguments, command: Vec<String>, args: Vec<String>) -> Result<u8, Error> {
    let mut arguments = Vec::new();
    if command.is_empty() {
        if std::io::stdin().is_terminal() && !terminal::is_there(&vm) {
            eprintln!("cordon: reading a script from standard input; end it with Ctrl-D, or use -c COMMAND");
        }
        if !args.is_empty() {
            arguments.push("-s".to_owned());
        }
    } else {
        arguments.push("-c".to_owned());
        arguments.extend(command);
    }
    arguments.extend(args);
    if terminal::is_there(&vm) {
        return at_terminal(&vm, vm.config()?, "sh", arguments).await;
    }
    let options = options(&vm, arguments);
    session(&vm, vm.config()?, VmRequest::Spawn { command: "sh".to_owned(), options }, false).await
}

/// `cordon prepare`.
pub(super) async fn prepare() -> Result<u8, Error> {
    supervisor(0, None)?.prepare_commands().await?;
    Ok(0)
}

/// `cordon compile`.
pub(super) async fn compile(modules: Vec<PathBuf>) -> Result<u8, Error> {
    let supervisor = supervisor(0, None)?;
    for module in modules {
        let bytes = supervisor.compile_command(&module).await?;
        println!("{}: {:.1} MB of native code, in the cache", module.display(), bytes as f64 / 1e6);
    }
    Ok(0)
}

/// A supervisor that says on standard error what takes long.
pub(super) fn supervisor(warm: usize, templates: Option<TemplateLimits>) -> Result<Supervisor, Error> {
    Ok(supervisor_of(Installation::find()?, warm, templates))
}

/// Likewise of this installation.
pub(super) fn supervisor_of(
    installation: Installation,
    warm: usize,
    templates: Option<TemplateLimits>,
) -> Supervisor {
    let show_worker_stderr = std::env::var_os("CORDON_WORKER_STDERR").is_some();
    let progress = Box::new(|progress: Progress<'_>| match progress {
        Progress::Compiling { name, bytes } => {
            eprintln!("cordon: compiling {name} ({:.1} MB) for this machine", bytes as f64 / 1e6);
        }
        Progress::Compiled { name, took, .. } => {
            eprintln!("cordon: compiled {name} in {:.1} s", took.as_secs_f64())
        }
        Progress::Waiting { name } => eprintln!("cordon: waiting for another process that compiles {name}"),
        Progress::NotKept { name, error } => {
            let hint = error.hint().unwrap_or_default();
            eprintln!("cordon: {name} is compiled for this process alone: {error}; {hint}");
        }
        Progress::Discarded { name, reason } => eprintln!("cordon: discarded a cached {name}: {reason}"),
    });
    Supervisor::new(SupervisorOptions { installation, warm, templates, show_worker_stderr, progress })
}

fn options(vm: &VmArguments, args: Vec<String>) -> ExecutionOptions {
    ExecutionOptions {
        args,
        stream_stdin: true,
        timeout_ms: vm.timeout.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1)),
        capture: if vm.json { Capture::All } else { Capture::Stream },
        env: BTreeMap::new(),
        ..ExecutionOptions::default()
    }
}

async fn session(
    arguments: &VmArguments,
    config: CreateVmConfig,
    request: VmRequest,
    prints_value: bool,
) -> Result<u8, Error> {
    let command = match &request {
        VmRequest::Spawn { command, .. } => command.as_str(),
        _ => "",
    };
    let publishing = Publishing::begin(&arguments.publish, config.limits.inbound_connections, false).await?;
    let vm = vm_for(command, config).await?;
    let watching = Watching::begin(arguments, &vm).await?;
    let result = tokio::select! {
        result = attended(&vm, request) => result,
        never = publishing.serve(&vm) => match never {},
    };
    if let Some(watching) = watching {
        watching.conclude().await?;
    }
    conclude(arguments, vm, result, prints_value).await
}

/// The VM that this process is there for, ready for scripts if a shell is what runs in it.
async fn vm_for(command: &str, config: CreateVmConfig) -> Result<Vm, Error> {
    let supervisor = supervisor(0, None)?;
    if command == "sh" {
        supervisor.prepare_scripts().await;
    }
    let client = Client::connect(&Embedded(supervisor)).await?;
    client.create_vm(config).await
}

/// A command at a terminal of the VM, which is shown at ours.
async fn at_terminal(
    arguments: &VmArguments,
    config: CreateVmConfig,
    command: &str,
    args: Vec<String>,
) -> Result<u8, Error> {
    let mut env = BTreeMap::new();
    if let (false, Ok(kind)) = (config.env.contains_key("TERM"), std::env::var("TERM")) {
        env.insert("TERM".to_owned(), kind);
    }
    let publishing = Publishing::begin(&arguments.publish, config.limits.inbound_connections, true).await?;
    let vm = vm_for(command, config).await?;
    let watching = Watching::begin(arguments, &vm).await?;
    let options =
        TerminalOptions { command: Some(command.to_owned()), args, env, ..TerminalOptions::default() };
    let ended = tokio::select! {
        ended = terminal::attended(&vm, options, arguments.timeout) => ended,
        never = publishing.serve(&vm) => match never {},
    };
    if let Some(watching) = watching {
        watching.conclude().await?;
    }
    match ended {
        Ok(Ended::Command(result)) => conclude(arguments, vm, Ok(result), false).await,
        Ok(Ended::Late) => {
            report(&Error::new(code::TIMED_OUT, format!("{command} took longer than it may")));
            let _ = vm.dispose().await;
            Ok(exit::TIMED_OUT)
        }
        Ok(Ended::Signal(number)) => {
            let _ = vm.dispose().await;
            Ok(exit::SIGNAL + number)
        }
        Err(error) => conclude(arguments, vm, Err(error), false).await,
    }
}

/// Says what there is to be said of a result, and ends the VM.
async fn conclude(
    arguments: &VmArguments,
    vm: Vm,
    result: Result<ExecutionResult, Error>,
    prints_value: bool,
) -> Result<u8, Error> {
    let code = match &result {
        Ok(result) if arguments.json => {
            let mut stdout = std::io::stdout().lock();
            let _ = writeln!(stdout, "{}", as_json(result));
            exit_code(result)
        }
        Ok(result) => {
            if let (true, Some(value)) = (prints_value, &result.value) {
                let _ = writeln!(std::io::stdout().lock(), "{value}");
            }
            explain(result);
            exit_code(result)
        }
        // A command that cannot be started: the exit codes of a shell.
        Err(error) if matches!(error.code.as_str(), "ENOENT" | "ENOTDIR") => {
            report(error);
            127
        }
        Err(error) if matches!(error.code.as_str(), "EACCES" | "ENOEXEC") => {
            report(error);
            126
        }
        Err(_) => 0,
    };
    let _ = vm.dispose().await;
    match result {
        Err(error) if code == 0 => Err(error),
        _ => Ok(code),
    }
}

/// Runs a request with our standard streams; Ctrl-C ends it.
async fn attended(vm: &Vm, request: VmRequest) -> Result<ExecutionResult, Error> {
    // Listened to from before the start, so that no signal falls between two waits.
    let mut interrupts = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())
        .map_err(|error| Error::new(code::INTERNAL, error.to_string()))?;
    let mut call = vm.start(request)?;
    // On a task of its own: a program may want its output taken before it takes more input.
    let feeding = tokio::spawn(feed(call.stdin()));
    let mut interrupted = false;
    loop {
        tokio::select! {
            output = call.next_output() => match output {
                Some(output) => write(output.stream, &output.data, &call),
                None => {
                    feeding.abort();
                    return call.result().await;
                }
            },
            Some(()) = interrupts.recv() => {
                if interrupted {
                    std::process::exit(130);
                }
                interrupted = true;
                call.cancel();
            }
        }
    }
}

/// Passes standard input on, as fast as the program takes it.
async fn feed(to: Stdin) {
    let mut input = stdin();
    while let Some(chunk) = input.recv().await {
        if chunk.is_empty() {
            break;
        }
        to.write(&chunk).await;
    }
    to.close();
}

/// Standard input in chunks, the last of them empty. It is read by a thread of its own, which blocks.
pub(super) fn stdin() -> tokio::sync::mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    std::thread::spawn(move || {
        let mut buffer = vec![0; READ_BYTES];
        loop {
            let length = std::io::stdin().lock().read(&mut buffer).unwrap_or(0);
            if sender.blocking_send(buffer[..length].to_vec()).is_err() || length == 0 {
                return;
            }
        }
    });
    receiver
}

fn write(stream: OutputStream, data: &[u8], call: &Call) {
    let written = match stream {
        OutputStream::Stdout => {
            let mut stdout = std::io::stdout().lock();
            stdout.write_all(data).and_then(|()| stdout.flush())
        }
        OutputStream::Stderr => std::io::stderr().lock().write_all(data),
        // Of no request that runs something.
        OutputStream::File | OutputStream::Terminal | OutputStream::Connection => Ok(()),
    };
    // Nobody reads any more (`cordon … | head`): the guest is told by its end.
    if written.is_err() {
        call.cancel();
    }
}

/// Says what the guest has not said itself.
fn explain(result: &ExecutionResult) {
    if let Some(error) = &result.error
        && matches!(result.outcome, Outcome::TimedOut)
    {
        report(error);
    }
}

fn exit_code(result: &ExecutionResult) -> u8 {
    match (result.outcome, result.exit_code, result.signal.as_deref()) {
        (Outcome::TimedOut, ..) => exit::TIMED_OUT,
        (Outcome::Cancelled, ..) => exit::SIGNAL + 2,
        (_, Some(code), _) => code as u8,
        (_, None, Some(signal)) => {
            let number = protocol::abi::Signal::ALL.iter().find(|known| known.name() == signal);
            exit::SIGNAL + number.map_or(0, |signal| *signal as u8)
        }
        (_, None, None) => exit::FAILED,
    }
}

/// A JSON text with U+FFFD in place of halves of surrogate pairs, which JavaScript strings may have and no text. V8 writes
/// these alone as escapes.
fn well_formed(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        text.push_str(before);
        let is_half = matches!(
            escape.as_bytes(),
            [_, b'u', b'd' | b'D', b'8' | b'9' | b'a'..=b'f' | b'A'..=b'F', _, _, ..]
        );
        let length = if is_half { 6 } else { 2.min(escape.len()) };
        text.push_str(if is_half { "\\ufffd" } else { escape.get(..length).unwrap_or(escape) });
        rest = escape.get(length..).unwrap_or_default();
    }
    text + rest
}

fn as_json(result: &ExecutionResult) -> serde_json::Value {
    let mut json = json!({
        "outcome": result.outcome,
        "stdout": result.stdout.to_text(),
        "stderr": result.stderr.to_text(),
    });
    if let Some(value) = &result.value {
        json["value"] = serde_json::from_str(&well_formed(value)).unwrap_or(serde_json::Value::Null);
    }
    if let Some(code) = result.exit_code {
        json["exitCode"] = code.into();
    }
    if let Some(signal) = &result.signal {
        json["signal"] = signal.as_str().into();
    }
    for (name, cut) in
        [("stdoutTruncated", result.stdout_truncated), ("stderrTruncated", result.stderr_truncated)]
    {
        if cut {
            json[name] = true.into();
        }
    }
    if let Some(error) = &result.error {
        json["error"] = serde_json::to_value(error).unwrap_or_else(|_| code::INTERNAL.into());
    }
    json
}

#[cfg(test)]
mod tests {
    use super::well_formed;

    #[test]
    fn halves_of_surrogate_pairs_are_replaced_and_nothing_else() {
        for (given, kept) in [
            (r#""\ud800x""#, r#""\ufffdx""#),
            (r#"{"a\udfff":["\uDBFF"]}"#, r#"{"a\ufffd":["\ufffd"]}"#),
            (r#""\\ud800""#, r#""\\ud800""#),
            (r#""\n\u0007 \"Grüße\"""#, r#""\n\u0007 \"Grüße\"""#),
            (r#""\\"#, r#""\\"#),
            ("\\", "\\"),
        ] {
            assert_eq!(well_formed(given), kept);
        }
    }
}
