//! Terminals: who may use one when, what it sends, its end, and the limit.

use super::processes::{fresh, request};
use super::*;

/// A shell at a terminal.
fn shell(kernel: &Kernel) -> (TerminalHost, Arc<Process>) {
    let host = kernel.open_terminal(WindowSize { columns: 80, rows: 24 }).unwrap();
    let shell = kernel.spawn_at_terminal(&host, request("sh", &[])).unwrap();
    (host, shell)
}

/// A job of the shell: a program in a group of its own.
fn job(kernel: &Kernel, shell: &Process) -> Arc<Process> {
    let fds = (0..3).map(|number| (number, shell.fds().get(number).unwrap())).collect();
    kernel.spawn(shell, SpawnRequest { grouping: Grouping::NewGroup, fds, ..request("true", &[]) }).unwrap()
}

fn type_in(host: &TerminalHost, text: &str) {
    assert_eq!(now(host.poll_type(&idle(), text.as_bytes())), text.len());
}

fn shown(host: &TerminalHost) -> String {
    let mut buffer = [0; 1000];
    match host.poll_show(&idle(), &mut buffer) {
        Poll::Ready(length) => String::from_utf8_lossy(&buffer[..length]).into_owned(),
        Poll::Pending => String::new(),
    }
}

fn read(process: &Process) -> Poll<Result<String, Errno>> {
    let (file, mut buffer) = (process.fds().get(0).unwrap(), [0; 100]);
    let outcome = process.poll_read(&mut idle(), &file, &mut buffer);
    outcome.map_ok(|length| String::from_utf8_lossy(&buffer[..length]).into_owned())
}

fn write(process: &Process, text: &str) -> Poll<Result<usize, Errno>> {
    process.poll_write(&mut idle(), &process.fds().get(1).unwrap(), text.as_bytes())
}

fn set_foreground(process: &Process, group: Pid) -> Poll<Result<(), Errno>> {
    process.poll_set_terminal_foreground(&idle(), &process.fds().get(0).unwrap(), group)
}

#[test]
fn what_is_typed_is_read_and_what_is_written_is_shown() {
    let (kernel, _) = fresh();
    let (host, shell) = shell(&kernel);
    assert!(shell.fds().get(0).unwrap().is_terminal());
    assert!(read(&shell).is_pending());
    type_in(&host, "hello\r");
    assert_eq!(now(read(&shell)).as_deref(), Ok("hello\n"));
    assert_eq!(now(write(&shell, "a\n")), Ok(2));
    assert_eq!(shown(&host), "hello\r\na\r\n");
    type_in(&host, "\x04");
    assert_eq!(now(read(&shell)).as_deref(), Ok(""));
}

#[test]
fn a_session_has_its_terminal_in_dev_tty_and_others_have_none() {
    let (kernel, p) = fresh();
    let (host, shell) = shell(&kernel);
    let tty = shell.open("/dev/tty", OpenFlags::READ | OpenFlags::WRITE, 0).unwrap();
    assert!(tty.is_terminal() && shell.is_controlled_by(&tty));
    assert_eq!(now(tty.poll_write(&mut idle(), b"x")), Ok(1));
    assert_eq!(shown(&host), "x");
    assert_eq!(p.open("/dev/tty", OpenFlags::READ, 0).err(), Some(Errno::Enxio));
    let away = SpawnRequest { grouping: Grouping::NewSession, ..request("sh", &[]) };
    let away = kernel.spawn(&shell, away).unwrap();
    assert_eq!(away.open("/dev/tty", OpenFlags::READ, 0).err(), Some(Errno::Enxio));
    let file = shell.fds().get(0).unwrap();
    assert_eq!(away.terminal_foreground(&file), Err(Errno::Enotty));
    assert_eq!(now(away.poll_set_terminal_foreground(&idle(), &file, away.group())), Err(Errno::Enotty));
    assert_eq!(p.terminal_foreground(&kernel.null()), Err(Errno::Enotty));
}

#[test]
fn keys_signal_the_group_in_the_foreground_alone() {
    let (kernel, p) = fresh();
    let (host, shell) = shell(&kernel);
    let (first, second) = (job(&kernel, &shell), job(&kernel, &shell));
    shell.set_disposition(Signal::Int, Disposition::Handle).unwrap();
    assert_eq!(now(set_foreground(&shell, first.group())), Ok(()));
    type_in(&host, "\x03");
    assert_eq!((first.killed(), second.killed(), shell.take_signal()), (Some(Signal::Int), None, None));
    shell.set_disposition(Signal::Ttou, Disposition::Ignore).unwrap();
    assert_eq!(now(set_foreground(&shell, shell.group())), Ok(()));
    type_in(&host, "\x03");
    assert_eq!((second.killed(), shell.take_signal(), p.killed()), (None, Some(Signal::Int), None));
}

#[test]
fn a_job_is_stopped_and_goes_on_and_its_parent_hears_of_both() {
    let (kernel, _) = fresh();
    let (host, shell) = shell(&kernel);
    let job = job(&kernel, &shell);
    assert_eq!(now(set_foreground(&shell, job.group())), Ok(()));
    type_in(&host, "\x1a");
    let all = WaitOptions { stopped: true, continued: true };
    assert_eq!(now(job.poll_wait_for(&idle(), all)), ChildStatus::Stopped(Signal::Tstp));
    kernel.kill_group(job.group(), Signal::Cont).unwrap();
    assert_eq!(now(job.poll_wait_for(&idle(), all)), ChildStatus::Continued);
    type_in(&host, "\x1c");
    assert_eq!(job.killed(), Some(Signal::Quit));
}

#[test]
fn a_job_need_not_ignore_what_its_shell_does() {
    let (kernel, _) = fresh();
    let (_host, shell) = shell(&kernel);
    let set = |signals: &[Signal]| SignalSet::from_iter(signals.iter().copied());
    for signal in [Signal::Int, Signal::Tstp] {
        shell.set_disposition(signal, Disposition::Ignore).unwrap();
    }
    let (default_signals, ignored_signals) = (set(&[Signal::Tstp, Signal::Hup]), set(&[Signal::Hup]));
    let begun = SpawnRequest { default_signals, ignored_signals, ..request("true", &[]) };
    let job = kernel.spawn(&shell, begun).unwrap();
    assert_eq!(job.ignored(), set(&[Signal::Int, Signal::Hup]));
}

#[test]
fn who_reads_from_the_background_is_stopped_until_it_is_in_the_foreground() {
    let (kernel, _) = fresh();
    let (host, shell) = shell(&kernel);
    let job = job(&kernel, &shell);
    type_in(&host, "line\n");
    assert!(read(&job).is_pending());
    assert_eq!(job.stopped(), Some(Signal::Ttin));
    assert!(read(&job).is_pending(), "looking again sends nothing more");
    assert_eq!(now(set_foreground(&shell, job.group())), Ok(()));
    job.signal(Signal::Cont);
    assert_eq!(now(read(&job)).as_deref(), Ok("line\n"));
    // The shell is in the background now; nobody could continue it.
    assert_eq!(now(read(&shell)), Err(Errno::Eio));
    let other = self::job(&kernel, &shell);
    other.set_disposition(Signal::Ttin, Disposition::Ignore).unwrap();
    assert_eq!(now(read(&other)), Err(Errno::Eio));
    other.set_disposition(Signal::Ttin, Disposition::Handle).unwrap();
    assert_eq!(now(read(&other)), Err(Errno::Eintr));
    assert_eq!((other.take_signal(), other.stopped()), (Some(Signal::Ttin), None));
}

#[test]
fn who_changes_a_terminal_from_the_background_is_stopped_and_who_writes_if_it_says_so() {
    let (kernel, _) = fresh();
    let (host, shell) = shell(&kernel);
    let job = job(&kernel, &shell);
    let file = job.fds().get(0).unwrap();
    let mut attributes = host.terminal().attributes();
    assert_eq!(now(write(&job, "x")), Ok(1));
    attributes.local.insert(LocalModes::STOP_BACKGROUND);
    let set =
        |process: &Process, when| process.poll_set_terminal_attributes(&idle(), &file, when, attributes);
    assert!(set(&job, ChangeWhen::Now).is_pending());
    assert_eq!(job.stopped(), Some(Signal::Ttou));
    job.signal(Signal::Cont);
    assert!(set_foreground(&job, job.group()).is_pending(), "nor may it take the foreground");
    job.signal(Signal::Cont);
    assert!(set(&shell, ChangeWhen::Drained).is_pending(), "the x was not shown yet");
    type_in(&host, "typed\n");
    shown(&host);
    assert_eq!(now(set(&shell, ChangeWhen::Flushed)), Ok(()));
    assert!(read(&shell).is_pending());
    assert!(write(&job, "x").is_pending());
    assert_eq!(job.stopped(), Some(Signal::Ttou));
    job.signal(Signal::Cont);
    job.set_disposition(Signal::Ttou, Disposition::Ignore).unwrap();
    assert_eq!(now(write(&job, "x")), Ok(1));
    assert_eq!(now(set_foreground(&job, job.group())), Ok(()));
}

#[test]
fn the_foreground_is_a_group_of_the_session() {
    let (kernel, p) = fresh();
    let (_host, shell) = shell(&kernel);
    let (_other_host, other) = self::shell(&kernel);
    for group in [p.group(), other.group(), 0, 99, Pid::MAX] {
        assert_eq!(now(set_foreground(&shell, group)), Err(Errno::Eperm), "{group}");
    }
    let file = shell.fds().get(0).unwrap();
    assert_eq!(now(other.poll_set_terminal_foreground(&idle(), &file, other.group())), Err(Errno::Enotty));
    assert_eq!(shell.terminal_foreground(&file), Ok(shell.group()));
    let begun = SpawnRequest { grouping: Grouping::NewGroup, ..request("true", &[]) };
    let job = kernel.spawn_in_foreground(&shell, begun, &file).unwrap();
    assert_eq!(shell.terminal_foreground(&file), Ok(job.group()));
    let away = SpawnRequest { grouping: Grouping::NewSession, ..request("true", &[]) };
    assert_eq!(kernel.spawn_in_foreground(&shell, away, &file).err(), Some(Errno::Enotty));
    assert_eq!(kernel.spawn_in_foreground(&other, request("true", &[]), &file).err(), Some(Errno::Enotty));
    assert_eq!(kernel.processes().len(), 5, "what was not started is not there");
}

#[test]
fn a_resize_is_told_to_the_foreground() {
    let (kernel, _) = fresh();
    let (host, shell) = shell(&kernel);
    shell.set_disposition(Signal::Winch, Disposition::Handle).unwrap();
    host.resize(WindowSize { columns: 80, rows: 24 });
    assert_eq!(shell.take_signal(), None, "it is no change");
    host.resize(WindowSize { columns: 100, rows: 30 });
    assert_eq!(shell.take_signal(), Some(Signal::Winch));
    assert_eq!(host.terminal().size(), WindowSize { columns: 100, rows: 30 });
}

#[test]
fn hanging_up_ends_the_session_and_what_is_open() {
    let (kernel, p) = fresh();
    let (host, shell) = shell(&kernel);
    let (front, back) = (job(&kernel, &shell), job(&kernel, &shell));
    assert_eq!(now(set_foreground(&shell, front.group())), Ok(()));
    front.signal(Signal::Stop);
    shell.set_disposition(Signal::Hup, Disposition::Handle).unwrap();
    let tty = shell.open("/dev/tty", OpenFlags::READ | OpenFlags::WRITE, 0).unwrap();
    drop(host);
    assert_eq!((front.killed(), back.killed(), p.killed()), (Some(Signal::Hup), None, None));
    assert_eq!(shell.take_signal(), Some(Signal::Hup));
    assert_eq!(now(read(&shell)).as_deref(), Ok(""));
    assert_eq!(now(tty.poll_write(&mut idle(), b"x")), Err(Errno::Eio));
    let attributes = Attributes::default();
    let set = shell.poll_set_terminal_attributes(&idle(), &tty, ChangeWhen::Now, attributes);
    assert_eq!(now(set), Err(Errno::Eio));
}

#[test]
fn the_end_of_the_leader_frees_the_terminal() {
    let (kernel, _) = fresh();
    let (host, shell) = shell(&kernel);
    let front = job(&kernel, &shell);
    assert_eq!(now(set_foreground(&shell, front.group())), Ok(()));
    shell.exit(ExitStatus::Exited(0));
    assert_eq!((front.killed(), front.terminal().is_none()), (Some(Signal::Hup), true));
    assert_eq!((host.terminal().session(), host.terminal().foreground()), (None, None));
    type_in(&host, "\x03");
    assert_eq!(now(write(&front, "still\n")).map_err(|errno| errno.name()), Err("EINTR"), "it was ended");
}

#[test]
fn terminals_have_a_limit_and_buffers_that_end() {
    let limits = KernelLimits { terminal_bytes: 2 * TERMINAL_COST, ..KernelLimits::default() };
    let (kernel, p) = machine(KernelOptions { limits, ..options() });
    let size = WindowSize::default();
    let (first, _second) = (kernel.open_terminal(size).unwrap(), kernel.open_terminal(size).unwrap());
    assert_eq!(kernel.open_terminal(size).err(), Some(Errno::Enfile));
    drop(first);
    let host = kernel.open_terminal(size).unwrap();
    drop(p);
    let (kernel, _) = fresh();
    let (flooded, shell) = shell(&kernel);
    let (mut written, line) = (0, "y\n".repeat(500));
    while let Poll::Ready(Ok(length)) = write(&shell, &line) {
        written += length;
    }
    // Each newline is shown as two bytes.
    assert!((TERMINAL_OUTPUT_CAPACITY / 2..TERMINAL_OUTPUT_CAPACITY).contains(&written), "{written}");
    type_in(&flooded, "\x03");
    assert_eq!((shell.killed(), shown(&flooded).as_str()), (Some(Signal::Int), "^C"));
    let mut typed = 0;
    while let Poll::Ready(length) = host.poll_type(&idle(), &[b'x'; 999]) {
        typed += length;
    }
    assert_eq!(typed, TERMINAL_INPUT_CAPACITY);
}

#[test]
fn whoever_waits_is_woken() {
    let (kernel, _) = fresh();
    let (host, shell) = shell(&kernel);
    let file = shell.fds().get(0).unwrap();
    let count = Arc::new(Count::default());
    let waker = Waker::from(count.clone());
    let mut cx = Context::from_waker(&waker);
    let mut woken = 0;
    let mut step = |what: &str| {
        let now = count.0.load(Ordering::SeqCst);
        assert!(now > woken, "{what}");
        woken = now;
    };
    assert!(shell.poll_read(&mut cx, &file, &mut [0; 9]).is_pending());
    type_in(&host, "a\n");
    step("a reader by a line");
    shown(&host);
    assert!(host.poll_show(&cx, &mut [0; 9]).is_pending());
    assert_eq!(now(write(&shell, "x")), Ok(1));
    step("who shows by output");
    type_in(&host, "\x13");
    assert!(shell.poll_write(&mut cx, &file, b"x").is_pending());
    type_in(&host, "\x11");
    step("a writer by the start character");
    while host.poll_type(&idle(), b"zz\n").is_ready() {}
    assert!(host.poll_type(&cx, b"z").is_pending());
    assert!(read(&shell).is_ready());
    step("who types by a read");
    let job = job(&kernel, &shell);
    assert!(job.poll_read(&mut cx, &file, &mut [0; 9]).is_pending());
    assert_eq!(now(set_foreground(&shell, job.group())), Ok(()));
    job.signal(Signal::Cont);
    step("a stopped reader by its continuation");
    assert!(shell.poll_read(&mut cx, &file, &mut [0; 9]).is_ready());
    while let Poll::Ready(Ok(1..)) = job.poll_read(&mut cx, &file, &mut [0; 999]) {}
    host.hang_up();
    step("a reader by the end");
    assert_eq!(now(host.poll_show(&cx, &mut [])), 0);
}
