//! Small programs, compiled by the one half and run by the other over a real kernel.

mod contract;

use std::collections::HashMap;
use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use super::compile::Compiler;
use super::{ArtifactFile, CommandLimits, CommandRuntime, HostCall, HostCallError, Services};
use crate::kernel::{
    AllowAll, Errno, ExitStatus, Interrupt, Kernel, KernelLimits, KernelOptions, OpenFile, OpenFlags, Pid,
    Process, Program, Signal, SignalSet, SpawnRequest, SystemClock, block_on_until,
};

/// The programs of these tests by name; all but the header of a module that talks WASI.
const PROGRAMS: &[(&str, &str)] = &[
    ("quiet", ""),
    ("seven", "(call $proc_exit (i32.const 263))"),
    ("hello", r#"(call $say (i32.const 1) (i32.const 0) (i32.const 6))"#),
    ("forever", "(loop $again (br $again))"),
    ("unreachable", "(unreachable)"),
    ("deep", "(call $deep)"),
    ("divide", "(drop (i32.div_u (i32.const 1) (global.get $zero)))"),
    ("outside", "(drop (i32.load (i32.const 0x7fffffff)))"),
    ("grow", "(if (i32.ne (memory.grow (i32.const 100)) (i32.const -1)) (then (unreachable)))"),
    ("starve", "(drop (memory.grow (i32.const 100))) (unreachable)"),
    (
        "flood",
        "(loop $again (br_if $again (i32.eqz (call $write (i32.const 1) (i32.const 0) (i32.const 6)))))",
    ),
    ("copy", "(loop $again (br_if $again (call $pass)))"),
    (
        "writer",
        r#"(call $open (i32.const 1) (i32.const 64))
           (call $say (global.get $opened) (i32.const 0) (i32.const 6))"#,
    ),
    (
        "reader",
        r#"(call $open (i32.const 0) (i32.const 2))
           (drop (call $fd_read (global.get $opened) (i32.const 96) (i32.const 1) (i32.const 112)))
           (call $say (i32.const 1) (i32.const 256) (i32.load (i32.const 112)))"#,
    ),
    ("hoarder", "(loop $again (call $open (i32.const 1) (i32.const 64)) (br $again))"),
    ("sleeper", "(drop (call $poll_oneoff (i32.const 512) (i32.const 600) (i32.const 1) (i32.const 700)))"),
];

fn module(body: &str) -> String {
    // 0: text, 32: name of a file, 96: buffer of reads at 256, 512: a subscription to a clock, 60 s ahead.
    format!(
        r#"(module
        (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
        (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "path_open"
          (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 1)
        (global $zero (mut i32) (i32.const 0))
        (global $opened (mut i32) (i32.const 0))
        (data (i32.const 0) "hello\n") (data (i32.const 32) "tmp/file")
        (data (i32.const 96) "\00\01\00\00\00\01\00\00")
        (data (i32.const 520) "\00") (data (i32.const 528) "\01\00\00\00\00\00\00\00\00\58\47\f8\0d\00\00\00")
        (func $write (param i32 i32 i32) (result i32)
          (i32.store (i32.const 80) (local.get 1)) (i32.store (i32.const 84) (local.get 2))
          (call $fd_write (local.get 0) (i32.const 80) (i32.const 1) (i32.const 88)))
        (func $say (param i32 i32 i32)
          (if (call $write (local.get 0) (local.get 1) (local.get 2)) (then (call $proc_exit (i32.const 9)))))
        (func $pass (result i32)
          (if (call $fd_read (i32.const 0) (i32.const 96) (i32.const 1) (i32.const 112))
            (then (call $proc_exit (i32.const 10))))
          (call $say (i32.const 1) (i32.const 256) (i32.load (i32.const 112)))
          (i32.load (i32.const 112)))
        (func $open (param $flags i32) (param $rights i32)
          (if (call $path_open (i32.const 3) (i32.const 1) (i32.const 32) (i32.const 8) (local.get $flags)
                (i64.extend_i32_u (local.get $rights)) (i64.const 0) (i32.const 0) (i32.const 120))
            (then (call $proc_exit (i32.const 11))))
          (global.set $opened (i32.load (i32.const 120))))
        (func $deep (call $deep) (global.set $zero (i32.const 0)))
        (func (export "_start") {body}))"#
    )
}

#[derive(Clone)]
struct TestServices {
    artifacts: Arc<HashMap<&'static str, (File, u64)>>,
    /// Whether programs may start others.
    spawns: bool,
}

impl Services for TestServices {
    fn open_artifact(&self, module: &str) -> Result<ArtifactFile, Errno> {
        let (file, len) = self.artifacts.get(module).ok_or(Errno::Enoent)?;
        let file: OwnedFd = file.try_clone().map_err(|_| Errno::Emfile)?.into();
        Ok(ArtifactFile { file, len: *len })
    }

    fn host_functions(&self) -> Vec<String> {
        Vec::new()
    }

    fn call_host(&self, _: String, _: String) -> HostCall {
        Box::pin(std::future::ready(Err(HostCallError::Unknown)))
    }

    fn may_spawn(&self, _: &Process, _: &str) -> bool {
        self.spawns
    }

    fn may_signal(&self, _: &Process, _: Pid, _: Signal) -> bool {
        true
    }

    fn engine_report(&self) -> String {
        "{}".to_owned()
    }
}

fn services() -> TestServices {
    static ARTIFACTS: OnceLock<Arc<HashMap<&'static str, (File, u64)>>> = OnceLock::new();
    let make = || {
        let compiler = Compiler::new().unwrap();
        let plain = PROGRAMS.iter().map(|&(name, body)| (name, wat::parse_str(module(body)).unwrap()));
        let artifact = |(name, wasm): (&'static str, Vec<u8>)| {
            let native = compiler.compile(name, &wasm).unwrap();
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&native).unwrap();
            (name, (file, native.len() as u64))
        };
        Arc::new(plain.chain([("parent", contract::parent())]).map(artifact).collect())
    };
    TestServices { artifacts: ARTIFACTS.get_or_init(make).clone(), spawns: true }
}

struct Vm {
    kernel: Arc<Kernel>,
    root: Arc<Process>,
}

impl Vm {
    fn new(limits: CommandLimits) -> Vm {
        Vm::with(limits, Arc::new(services()))
    }

    fn with(limits: CommandLimits, services: Arc<TestServices>) -> Vm {
        let kernel = Kernel::new(KernelOptions {
            limits: KernelLimits::default(),
            fs_policy: Arc::new(AllowAll),
            clock: Arc::new(SystemClock::default()),
            random: |bytes| getrandom::fill(bytes).unwrap(),
        });
        for name in PROGRAMS.iter().map(|(name, _)| *name).chain(["parent", "missing"]) {
            kernel.install_program(&format!("/bin/{name}"), Program::new(name)).unwrap();
        }
        kernel.set_executor(CommandRuntime::new(kernel.clone(), limits, services));
        let root = kernel.create_process(None, vec!["test".into()], Vec::new(), "/tmp", Vec::new()).unwrap();
        Vm { kernel, root }
    }

    fn spawn(&self, program: &str, fds: Vec<(u32, Arc<OpenFile>)>) -> Result<Arc<Process>, Errno> {
        self.kernel.spawn(
            &self.root,
            SpawnRequest {
                program: format!("/bin/{program}"),
                argv: vec![program.to_owned()],
                env: Vec::new(),
                cwd: None,
                fds,
                ignored_signals: SignalSet::default(),
            },
        )
    }

    /// Runs a program to its end: its status, and what it wrote to standard output and error.
    fn run(&self, program: &str) -> (ExitStatus, String) {
        let (read, write) = self.kernel.pipe().unwrap();
        let process = self.spawn(program, vec![(1, write.clone()), (2, write)]).unwrap();
        let status = wait(&process);
        (status, read_all(&read))
    }
}

/// Waits for something that has to come; a test that would hang fails instead.
fn soon<F: Future>(future: F) -> F::Output {
    let deadline = Instant::now() + Duration::from_secs(20);
    block_on_until(future, &Interrupt::new(), Some(deadline)).unwrap().expect("it did not come in time")
}

fn wait(process: &Process) -> ExitStatus {
    soon(std::future::poll_fn(|cx| process.poll_wait(cx)))
}

fn read_all(file: &OpenFile) -> String {
    let mut text = Vec::new();
    loop {
        let mut buffer = [0; 4096];
        match soon(std::future::poll_fn(|cx| file.poll_read(cx, &mut buffer))).unwrap() {
            0 => return String::from_utf8(text).unwrap(),
            read => text.extend_from_slice(&buffer[..read]),
        }
    }
}

#[test]
fn programs_end_with_their_own_code() {
    let vm = Vm::new(CommandLimits::default());
    assert_eq!(vm.run("quiet"), (ExitStatus::Exited(0), String::new()));
    assert_eq!(vm.run("seven"), (ExitStatus::Exited(7), String::new()), "263 in eight bits");
    assert_eq!(vm.run("hello"), (ExitStatus::Exited(0), "hello\n".into()));
}

#[test]
fn traps_end_a_program_like_the_signals_they_resemble_and_are_named() {
    let vm = Vm::new(CommandLimits::default());
    let expected = [
        ("unreachable", 134, "unreachable: wasm `unreachable` instruction executed\n"),
        ("divide", 136, "divide: integer divide by zero\n"),
        ("outside", 139, "outside: out of bounds memory access\n"),
        ("deep", 139, "deep: call stack exhausted\n"),
        ("missing", 126, "missing: ENOENT: no such file or directory\n"),
    ];
    for (program, code, message) in expected {
        assert_eq!(vm.run(program), (ExitStatus::Exited(code), message.into()));
    }
}

#[test]
fn memory_grows_to_its_limit_and_no_further() {
    let vm = Vm::new(CommandLimits { memory_bytes: 2 << 20, ..CommandLimits::default() });
    assert_eq!(vm.run("grow"), (ExitStatus::Exited(0), String::new()));
    assert_eq!(vm.run("starve"), (ExitStatus::Exited(134), "starve: out of memory\n".into()));
    let roomy = Vm::new(CommandLimits { memory_bytes: 16 << 20, ..CommandLimits::default() });
    assert_eq!(roomy.run("grow").0, ExitStatus::Exited(134));
}

#[test]
fn an_endless_loop_starves_nobody_and_can_be_killed() {
    let vm = Vm::new(CommandLimits::default());
    let loops: Vec<_> = (0..3).map(|_| vm.spawn("forever", Vec::new()).unwrap()).collect();
    assert_eq!(vm.run("hello"), (ExitStatus::Exited(0), "hello\n".into()));
    for process in loops {
        assert_eq!(process.exit_status(), None);
        vm.kernel.kill(process.pid(), Signal::Kill).unwrap();
        assert_eq!(wait(&process), ExitStatus::Signaled(Signal::Kill));
    }
}

#[test]
fn a_program_that_waits_can_be_killed() {
    let vm = Vm::new(CommandLimits::default());
    let (read, _write) = vm.kernel.pipe().unwrap();
    for (program, fds) in [("sleeper", Vec::new()), ("copy", vec![(0, read)])] {
        let process = vm.spawn(program, fds).unwrap();
        std::thread::sleep(Duration::from_millis(20));
        assert_eq!(process.exit_status(), None, "{program} does not wait");
        vm.kernel.kill(process.pid(), Signal::Term).unwrap();
        assert_eq!(wait(&process), ExitStatus::Signaled(Signal::Term));
    }
}

#[test]
fn whoever_writes_to_nobody_is_ended_unless_it_ignores_that() {
    let vm = Vm::new(CommandLimits::default());
    let (read, write) = vm.kernel.pipe().unwrap();
    let process = vm.spawn("flood", vec![(1, write)]).unwrap();
    std::thread::sleep(Duration::from_millis(20));
    assert_eq!(process.exit_status(), None, "a full pipe makes it wait");
    drop(read);
    assert_eq!(wait(&process), ExitStatus::Signaled(Signal::Pipe));

    let (read, write) = vm.kernel.pipe().unwrap();
    drop(read);
    vm.root.set_ignored(Signal::Pipe, true).unwrap();
    let process = vm.spawn("flood", vec![(1, write)]).unwrap();
    assert_eq!(wait(&process), ExitStatus::Exited(0), "the error of the write ends its loop");
}

#[test]
fn pipelines_pass_everything_on_and_end() {
    let vm = Vm::new(CommandLimits::default());
    let (read, write) = vm.kernel.pipe().unwrap();
    let (read_two, write_two) = vm.kernel.pipe().unwrap();
    let first = vm.spawn("copy", vec![(0, read), (1, write_two)]).unwrap();
    let text = "0123456789".repeat(20_000);
    let writer = {
        let (text, root) = (text.clone(), vm.root.clone());
        std::thread::spawn(move || {
            let mut rest = text.as_bytes();
            while !rest.is_empty() {
                let written = soon(std::future::poll_fn(|cx| root.poll_write(cx, &write, rest))).unwrap();
                rest = &rest[written..];
            }
        })
    };
    assert_eq!(read_all(&read_two), text);
    writer.join().unwrap();
    assert_eq!(wait(&first), ExitStatus::Exited(0));
}

#[test]
fn files_are_those_of_the_kernel() {
    let vm = Vm::new(CommandLimits::default());
    assert_eq!(vm.run("reader").0, ExitStatus::Exited(11), "there is no such file yet");
    assert_eq!(vm.run("writer").0, ExitStatus::Exited(0));
    let file = vm.root.open("/tmp/file", OpenFlags::READ, 0).unwrap();
    assert_eq!(read_all(&file), "hello\n");
    assert_eq!(vm.run("reader"), (ExitStatus::Exited(0), "hello\n".into()));
}

#[test]
fn one_file_too_many_is_an_error_of_the_program() {
    let vm = Vm::new(CommandLimits { handles: 20, ..CommandLimits::default() });
    assert_eq!(vm.run("hoarder"), (ExitStatus::Exited(11), String::new()));
}

#[test]
fn one_command_too_many_is_refused_and_has_a_place_later() {
    let vm = Vm::new(CommandLimits { commands: 2, ..CommandLimits::default() });
    let two: Vec<_> = (0..2).map(|_| vm.spawn("sleeper", Vec::new()).unwrap()).collect();
    assert_eq!(vm.spawn("quiet", Vec::new()).err(), Some(Errno::Eagain));
    for process in two {
        vm.kernel.kill(process.pid(), Signal::Kill).unwrap();
        wait(&process);
    }
    for _ in 0..10 {
        assert_eq!(vm.run("quiet").0, ExitStatus::Exited(0));
    }
}
