//! Processes: starting, ending, signals, waiting, limits.

use parking_lot::Mutex;

use super::*;

/// Keeps what was started; the tests end the processes themselves.
#[derive(Default)]
struct Recorder(Mutex<Vec<(Arc<Process>, Program)>>);

impl Executor for Recorder {
    fn start(&self, process: Arc<Process>, program: Program) -> Result<(), Errno> {
        if &*program.module == "broken" {
            return Err(Errno::Enomem);
        }
        self.0.lock().push((process, program));
        Ok(())
    }
}

pub(super) fn fresh() -> (Arc<Kernel>, Arc<Process>) {
    let (kernel, p) = machine(options());
    kernel.add_executor(ENGINE, Arc::new(Recorder::default()));
    kernel.install_program("/bin/coreutils", Program::new(ENGINE, "coreutils")).unwrap();
    kernel.install_program("/bin/broken", Program::new(ENGINE, "broken")).unwrap();
    kernel.install_program("/bin/sh", Program::new(ENGINE, "sh")).unwrap();
    kernel.install_symlink("/bin/true", "coreutils").unwrap();
    (kernel, p)
}

pub(super) fn request(program: &str, arguments: &[&str]) -> SpawnRequest {
    SpawnRequest {
        program: program.into(),
        argv: [program].iter().chain(arguments).map(|text| text.to_string()).collect(),
        env: vec![("PATH".into(), "/nowhere:/bin".into())],
        cwd: None,
        fds: Vec::new(),
        ignored_signals: SignalSet::default(),
        default_signals: Default::default(),
        grouping: Grouping::Inherit,
    }
}

#[test]
fn programs_are_found_by_path_and_run_as_children() {
    let (kernel, p) = fresh();
    let child = kernel.spawn(&p, request("true", &["x"])).unwrap();
    assert_eq!(
        (child.ppid(), child.exe(), child.argv()),
        (p.pid(), "/bin/coreutils", &["true".into(), "x".into()][..])
    );
    assert!(child.poll_wait(&idle()).is_pending());
    child.exit(ExitStatus::Exited(3));
    child.exit(ExitStatus::Exited(4));
    assert!(kernel.process(child.pid()).is_some(), "stays until it was waited for");
    assert_eq!(now(child.poll_wait(&idle())), ExitStatus::Exited(3));
    assert!(kernel.process(child.pid()).is_none());
    assert_eq!(now(child.poll_wait(&idle())), ExitStatus::Exited(3));
}

#[test]
fn what_is_no_program_does_not_run() {
    let (kernel, p) = fresh();
    let spawn = |program: &str| kernel.spawn(&p, request(program, &[])).err();
    assert_eq!(spawn("missing"), Some(Errno::Enoent));
    assert_eq!(spawn(""), Some(Errno::Enoent));
    assert_eq!(spawn("/tmp"), Some(Errno::Eacces));
    assert_eq!(spawn("broken"), Some(Errno::Enomem));
    assert_eq!(kernel.processes().len(), 2, "a program that did not start leaves no process");
    write(&p, "plain", "text").unwrap();
    assert_eq!(spawn("./plain"), Some(Errno::Eacces));
    p.chmod("plain", 0o755).unwrap();
    assert_eq!(spawn("./plain"), Some(Errno::Enoexec));
    write(&p, "copy", &read(&p, "/bin/true").unwrap()).unwrap();
    p.chmod("copy", 0o755).unwrap();
    assert_eq!(spawn("./copy"), Some(Errno::Enoexec), "the attribute of a program cannot be copied");
    assert_eq!(p.open("/bin/coreutils", OpenFlags::WRITE, 0).err(), Some(Errno::Etxtbsy));
    assert_eq!(p.truncate("/bin/coreutils", 0), Err(Errno::Etxtbsy));
    for file in ["./plain/", "/bin/coreutils/", "/bin/true/", "/bin/true/.", "/bin//true//"] {
        assert_eq!(spawn(file), Some(Errno::Enotdir), "{file}");
    }
    let mut long = request("true", &[]);
    long.argv.push("x".repeat(3 << 20));
    assert_eq!(kernel.spawn(&p, long).err(), Some(Errno::E2big));
    assert_eq!(kernel.spawn(&p, request("true", &["a\0b"])).err(), Some(Errno::Einval));
}

#[test]
fn every_program_goes_to_the_executor_of_its_engine() {
    let (kernel, p) = fresh();
    let others = Arc::new(Recorder::default());
    let other = Engine("other");
    kernel.install_program("/bin/js", Program::new(other, "js")).unwrap();
    assert_eq!(kernel.spawn(&p, request("js", &[])).err(), Some(Errno::Enoexec), "nobody runs these yet");
    kernel.add_executor(other, others.clone());
    kernel.add_executor(other, Arc::new(Recorder::default()));
    kernel.spawn(&p, request("true", &[])).unwrap();
    let child = kernel.spawn(&p, request("js", &[])).unwrap();
    let started = others.0.lock();
    assert_eq!(started.iter().map(|(process, _)| process.pid()).collect::<Vec<_>>(), [child.pid()]);
    assert_eq!(started[0].1, Program::new(other, "js"));
}

/// Knows two programs by their first argument, and permits guests one of them.
#[derive(Default)]
struct Doorkeeper(Mutex<Vec<String>>);

impl Executor for Doorkeeper {
    fn name<'a>(&self, _: &'a Program, argv: &'a [String]) -> Option<&'a str> {
        argv.get(1).map(String::as_str).filter(|name| ["one", "other"].contains(name))
    }

    fn permits(&self, _: &Process, name: &str) -> bool {
        self.0.lock().push(name.to_owned());
        name == "one"
    }

    fn start(&self, _: Arc<Process>, _: Program) -> Result<(), Errno> {
        Ok(())
    }
}

#[test]
fn whoever_runs_a_program_says_what_it_is_called_and_that_is_what_is_permitted() {
    let (kernel, p) = fresh();
    let (engine, door) = (Engine("door"), Arc::new(Doorkeeper::default()));
    kernel.install_program("/bin/multi", Program::new(engine, "multi")).unwrap();
    kernel.add_executor(engine, door.clone());
    write(&p, "script", "#!/bin/multi other\n").unwrap();
    p.chmod("script", 0o755).unwrap();
    let spawn = |program: &str, arguments: &[&str]| kernel.spawn(&p, request(program, arguments)).err();
    assert_eq!(spawn("multi", &["one"]), None);
    assert_eq!(spawn("multi", &["other"]), Some(Errno::Eacces));
    assert_eq!(spawn("./script", &["one"]), Some(Errno::Eacces), "what its first line makes of it is asked");
    assert_eq!(spawn("multi", &["one/"]), Some(Errno::Enoent));
    assert_eq!(door.0.lock().join(" "), "one other other");
    // The embedder is not asked about, and has no more programs for it.
    let embedder = |arguments: &[&str]| kernel.spawn(kernel.system(), request("multi", arguments)).err();
    assert_eq!((embedder(&["other"]), embedder(&["one/"])), (None, Some(Errno::Enoent)));
    assert_eq!(door.0.lock().len(), 3);
}

#[test]
fn scripts_name_their_interpreter() {
    let (kernel, p) = fresh();
    let script = |name: &str, text: &str| {
        write(&p, name, text).unwrap();
        p.chmod(name, 0o755).unwrap();
    };
    script("s1", "#!/bin/sh -e\necho\n");
    let child = kernel.spawn(&p, request("./s1", &["arg"])).unwrap();
    assert_eq!((child.exe(), child.argv().join(" ").as_str()), ("/bin/sh", "/bin/sh -e ./s1 arg"));
    script("s2", "#!./s1 two words\n");
    let child = kernel.spawn(&p, request("./s2", &[])).unwrap();
    assert_eq!(child.argv(), ["/bin/sh", "-e", "./s1", "two words", "./s2"]);
    for i in 3..7 {
        script(&format!("s{i}"), &format!("#!./s{}\n", i - 1));
    }
    assert!(kernel.spawn(&p, request("./s4", &[])).is_ok());
    assert_eq!(kernel.spawn(&p, request("./s5", &[])).err(), Some(Errno::Eloop));
    script("loop", "#!./loop\n");
    assert_eq!(kernel.spawn(&p, request("./loop", &[])).err(), Some(Errno::Eloop));
    script("lost", "#!/missing\n");
    assert_eq!(kernel.spawn(&p, request("./lost", &[])).err(), Some(Errno::Enoent));
}

#[test]
fn the_limit_of_processes_holds_and_zombies_count() {
    let limits = KernelLimits { processes: 3, ..KernelLimits::default() };
    let (kernel, p) = machine(KernelOptions { limits, ..options() });
    let child = |parent: &Process| kernel.create_process(Some(parent.pid()), vec![], vec![], "/", vec![]);
    let (first, _second) = (child(&p).unwrap(), child(&p).unwrap());
    assert_eq!(child(&p).err(), Some(Errno::Eagain));
    first.exit(ExitStatus::Exited(0));
    assert_eq!(child(&p).err(), Some(Errno::Eagain));
    assert_eq!(now(first.poll_wait(&idle())), ExitStatus::Exited(0));
    assert!(child(&p).is_ok());
}

#[test]
fn orphans_and_detached_processes_are_reaped() {
    let (kernel, p) = fresh();
    let middle = kernel.spawn(&p, request("sh", &[])).unwrap();
    let running = kernel.spawn(&middle, request("true", &[])).unwrap();
    let zombie = kernel.spawn(&middle, request("true", &[])).unwrap();
    zombie.exit(ExitStatus::Exited(0));
    assert!(kernel.process(zombie.pid()).is_some());
    middle.exit(ExitStatus::Exited(0));
    assert_eq!(running.ppid(), 1);
    assert!(kernel.process(zombie.pid()).is_none());
    assert!(kernel.process(middle.pid()).is_some());
    running.exit(ExitStatus::Exited(0));
    assert!(kernel.process(running.pid()).is_none());
    middle.detach();
    assert!(kernel.process(middle.pid()).is_none());
    assert_eq!(kernel.process(p.pid()).unwrap().session(), p.pid());
    p.exit(ExitStatus::Exited(0));
    assert_eq!(kernel.processes().len(), 1, "only the kernel's own process is left");
}

#[test]
fn signals_end_processes_unless_ignored_and_children_inherit_what_is_ignored() {
    let (kernel, p) = fresh();
    p.set_disposition(Signal::Int, Disposition::Ignore).unwrap();
    assert_eq!(p.set_disposition(Signal::Kill, Disposition::Ignore), Err(Errno::Einval));
    let mut request = request("sh", &[]);
    request.ignored_signals.insert(Signal::Hup);
    let child = kernel.spawn(&p, request).unwrap();
    for ignored in [Signal::Int, Signal::Hup, Signal::Chld, Signal::Cont, Signal::Winch] {
        kernel.kill(child.pid(), ignored).unwrap();
    }
    assert!(child.poll_killed(&idle()).is_pending());
    kernel.kill(child.pid(), Signal::Term).unwrap();
    kernel.kill(child.pid(), Signal::Kill).unwrap();
    assert_eq!(now(child.poll_killed(&idle())), Signal::Term, "the first signal counts");
    assert_eq!(now(child.poll_read(&mut idle(), &kernel.null(), &mut [0])), Err(Errno::Eintr));
    assert_eq!(kernel.spawn(&child, self::request("true", &[])).err(), Some(Errno::Eintr));
    child.exit(ExitStatus::Signaled(Signal::Term));
    assert_eq!(child.exit_status().unwrap().shell_code(), 143);
    assert_eq!(kernel.kill(child.pid(), Signal::Term), Ok(()), "a zombie can be signalled");
    assert_eq!(kernel.kill(9999, Signal::Term), Err(Errno::Esrch));
    assert_eq!(kernel.kill(1, Signal::Kill), Err(Errno::Eperm));
}

#[test]
fn writing_to_nobody_breaks_the_pipe_and_the_writer() {
    let (kernel, p) = fresh();
    let write = |p: &Process| {
        let (reader, writer) = kernel.pipe().unwrap();
        drop(reader);
        now(p.poll_write(&mut idle(), &writer, b"x"))
    };
    p.set_disposition(Signal::Pipe, Disposition::Ignore).unwrap();
    assert_eq!(write(&p), Err(Errno::Epipe));
    assert_eq!(p.killed(), None);
    p.set_disposition(Signal::Pipe, Disposition::Default).unwrap();
    assert_eq!(write(&p), Err(Errno::Epipe));
    assert_eq!(p.killed(), Some(Signal::Pipe));
}

#[test]
fn a_signal_ends_a_wait() {
    let (kernel, p) = fresh();
    let (reader, _writer) = kernel.pipe().unwrap();
    let victim = p.clone();
    let thread = std::thread::spawn(move || {
        let interrupt = Interrupt::new();
        let mut buffer = [0; 4];
        block_on(std::future::poll_fn(|cx| victim.poll_read(cx, &reader, &mut buffer)), &interrupt)
    });
    std::thread::sleep(std::time::Duration::from_millis(5));
    kernel.kill(p.pid(), Signal::Term).unwrap();
    assert_eq!(thread.join().unwrap(), Ok(Err(Errno::Eintr)));
}

#[test]
fn the_end_closes_descriptors_before_anybody_hears_of_it() {
    let (kernel, p) = fresh();
    let (reader, writer) = kernel.pipe().unwrap();
    let child = kernel.create_process(Some(p.pid()), vec![], vec![], "/", vec![(1, writer)]).unwrap();
    assert!(reader.poll_read(&mut idle(), &mut [0]).is_pending());
    let waiting = child.clone();
    let thread = std::thread::spawn(move || {
        block_on(std::future::poll_fn(|cx| waiting.poll_wait(cx)), &Interrupt::new()).unwrap();
        now(reader.poll_read(&mut idle(), &mut [0]))
    });
    child.exit(ExitStatus::Exited(0));
    assert_eq!(thread.join().unwrap(), Ok(0));
}

#[test]
fn descriptors_are_given_out_lowest_first_and_bounded() {
    let limits = KernelLimits { descriptors: 4, ..KernelLimits::default() };
    let (kernel, p) = machine(KernelOptions { limits, ..options() });
    let fds = p.fds();
    for expected in 0..4 {
        assert_eq!(fds.insert(kernel.null(), false), Ok(expected));
    }
    assert_eq!(fds.insert(kernel.null(), false), Err(Errno::Emfile));
    fds.close(1).unwrap();
    assert_eq!(fds.get(1).err(), Some(Errno::Ebadf));
    assert_eq!(fds.dup(3), Ok(1));
    assert_eq!(fds.dup2(0, 4), Err(Errno::Ebadf));
    assert_eq!(fds.dup2(0, 0), Ok(()));
    fds.set_close_on_exec(2, true).unwrap();
    assert_eq!(fds.inheritable().iter().map(|(n, _)| *n).collect::<Vec<_>>(), [0, 1, 3]);
    fds.renumber(3, 0).unwrap();
    assert_eq!(fds.numbers(), [0, 1, 2]);
    let many = (0..5).map(|n| (n, kernel.null())).collect();
    assert_eq!(kernel.create_process(None, vec![], vec![], "/", many).err(), Some(Errno::Emfile));
}

#[test]
fn a_nonblocking_description_does_not_wait() {
    let (kernel, _p) = fresh();
    let (reader, _writer) = kernel.pipe().unwrap();
    reader.set_nonblocking(true);
    assert_eq!(now(reader.poll_read(&mut idle(), &mut [0])), Err(Errno::Eagain));
    assert_eq!(reader.pread(&mut [0], 0), Err(Errno::Espipe));
    assert_eq!(reader.seek(0, Whence::Start), Err(Errno::Espipe));
    assert_eq!(now(reader.poll_write(&mut idle(), b"x")), Err(Errno::Ebadf));
}
