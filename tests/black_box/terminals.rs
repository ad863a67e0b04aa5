//! Terminals: what is typed, shown, kept and signalled, and their limits; through the Rust client, and on the command line
//! in a real terminal, tmux.

use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use cordon::client::{Client, Embedded, Terminal, TerminalOptions, Vm};
use cordon::wire::{Outcome, ProcessState, code};
use serde_json::json;

use crate::common::{config, default_vm, directory, error_of, installation_with, sh, supervisor_at, vm};

fn options(command: &str, args: &[&str]) -> TerminalOptions {
    TerminalOptions {
        command: Some(command.to_owned()),
        args: args.iter().map(|&arg| arg.to_owned()).collect(),
        ..TerminalOptions::default()
    }
}

async fn shell(vm: &Vm, script: &str) -> Terminal {
    vm.open_terminal(options("sh", &["-c", script])).await.unwrap()
}

/// An interactive shell at a terminal of that kind, after its first prompt, which is `@ `.
async fn prompted(vm: &Vm, shell: &str, kind: &str) -> Terminal {
    let env = [("PS1", "@ "), ("TERM", kind)].map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let mut terminal = vm.open_terminal(TerminalOptions { env, ..options(shell, &[]) }).await.unwrap();
    until(&mut terminal, "@ ").await;
    terminal
}

/// What it shows until a text was seen. More in the same piece is part of it.
async fn until(terminal: &mut Terminal, text: &str) -> String {
    let mut shown = String::new();
    let seen = async {
        while !shown.contains(text) {
            let bytes = terminal.next_output().await.unwrap_or_else(|| panic!("it ends before {text:?}"));
            shown.push_str(&String::from_utf8_lossy(&bytes));
        }
    };
    if tokio::time::timeout(Duration::from_secs(60), seen).await.is_err() {
        panic!("{text:?} was not shown, but {shown:?}");
    }
    shown
}

/// Types, and gives what is shown up to where a text is.
async fn typed(terminal: &mut Terminal, keys: &str, text: &str) -> String {
    terminal.write(keys.as_bytes()).await;
    until(terminal, text).await
}

/// Presses Ctrl-C until a text is shown: what is to be interrupted may not have the terminal yet.
async fn interrupt(terminal: &mut Terminal, text: &str) {
    for _ in 0..100 {
        terminal.write(b"\x03").await;
        if tokio::time::timeout(Duration::from_millis(500), until(terminal, text)).await.is_ok() {
            return;
        }
    }
    panic!("nothing was interrupted");
}

async fn rest(terminal: &mut Terminal) -> String {
    let mut shown = Vec::new();
    while let Some(bytes) = terminal.next_output().await {
        shown.extend(bytes);
    }
    String::from_utf8_lossy(&shown).into_owned()
}

/// How it ended: exit code and signal.
async fn ended(terminal: &mut Terminal) -> (Option<i32>, Option<String>) {
    let result = tokio::time::timeout(Duration::from_secs(60), terminal.wait()).await;
    let result = result.expect("it ends").unwrap();
    (result.exit_code, result.signal)
}

#[tokio::test]
async fn lines_are_edited_and_shown_and_the_end_of_file_ends() {
    let vm = default_vm().await;
    let mut terminal = vm.open_terminal(options("cat", &[])).await.unwrap();
    terminal.write(b"helo\x7flo\r\x04").await;
    assert_eq!(rest(&mut terminal).await, "helo\x08 \x08lo\r\nhello\r\n");
    assert_eq!(ended(&mut terminal).await, (Some(0), None));
}

#[tokio::test]
async fn programs_know_that_they_run_at_a_terminal() {
    let vm = default_vm().await;
    let script =
        "for fd in 0 1 2; do test -t $fd || echo no $fd; done; tty; echo $TERM; echo x >/dev/tty; exit 3";
    let mut terminal = shell(&vm, script).await;
    assert_eq!(rest(&mut terminal).await, "/dev/tty\r\nxterm-256color\r\nx\r\n");
    assert_eq!(ended(&mut terminal).await, (Some(3), None));
    // Who is at none has none.
    let result = sh(&vm, "test -t 0 || test -t 1 || echo none; echo x >/dev/tty").await;
    assert_eq!(result.stdout.to_text(), "none\n");
    assert_ne!(result.exit_code, Some(0));
}

#[tokio::test]
async fn keys_send_signals_to_what_runs() {
    let vm = default_vm().await;
    for (key, signal) in [(b"\x03", "SIGINT"), (b"\x1c", "SIGQUIT")] {
        let mut terminal = shell(&vm, "echo ready; exec sleep 1000").await;
        until(&mut terminal, "ready").await;
        terminal.write(key).await;
        assert_eq!(ended(&mut terminal).await, (None, Some(signal.to_owned())));
    }
}

#[tokio::test]
async fn lines_of_a_shell_are_edited_completed_and_found_again() {
    let vm = default_vm().await;
    for name in ["sh", "bash"] {
        let mut terminal = prompted(&vm, name, "xterm-256color").await;
        let end = |output: &str| format!("\r\n{output}\r\n@ ");
        // Moving and changing, by characters and words; what was cut out comes back.
        typed(&mut terminal, "ecoh\x1b[D\x14 hXi\x02\x7f\r", &end("hi")).await;
        typed(&mut terminal, "one echo two\x01\x1bd\x04\x05 \x19\r", &end("two one")).await;
        typed(&mut terminal, "echo é漢\x1b[D\x1b[Dx\x1b[3~\x05!\r", &end("x漢!")).await;
        typed(&mut terminal, "echo ab cd\x17\x1b\x7f\x19\r", &end("ab")).await;
        typed(&mut terminal, "echo rest\x01echo kept; \x0b\r", &end("kept")).await;
        // Earlier commands, and back to what was being typed.
        typed(&mut terminal, "echo line\x1b[A\x1b[A\x1b[B\x1b[B\r", &end("line")).await;
        typed(&mut terminal, "\x10\x10\r", &end("kept")).await;
        // What takes several lines is one command.
        typed(&mut terminal, "echo 'a\r", "> ").await;
        typed(&mut terminal, "b'\r", &end("a\r\nb")).await;
        typed(&mut terminal, "\x1b[A\x7fc'\r", &end("a\r\nbc")).await;
        // Found by a part of it; Ctrl-R again goes further, Ctrl-G leaves all as it was.
        typed(&mut terminal, "\x12two\r", &end("two one")).await;
        typed(&mut terminal, "\x12echo\x12\x12", "\nb'\x1b[J").await;
        typed(&mut terminal, "\x07echo left\r", &end("left")).await;
        // Commands, files and variables; a second Tab shows the ways.
        typed(&mut terminal, "mkd\t-p 'a dir'/in\ner; touch 'a dir/f$1'\r", "@ ").await;
        typed(&mut terminal, "ech\t\\$USE; ls a\ti\t\r", "@ ").await;
        typed(&mut terminal, "ls a\\ \tf\t\r", &end("'a dir/f$1'")).await;
        typed(&mut terminal, "variable_of_mine=value\r", "@ ").await;
        typed(&mut terminal, "echo ${variable_of\t\x7f}\r", &end("value")).await;
        typed(&mut terminal, "basenam\t\x15base\t\t", "base32    base64    basename  basenc\r\n@ base").await;
        typed(&mut terminal, "\x15history | grep -c 'echo kept'\r", &end("3")).await;
        typed(&mut terminal, "history 1\r", &format!("{}@ ", "  history 1\r\n")).await;
        typed(&mut terminal, "history -c; history; echo n\\one\r", "none\r\n@ ").await;
        typed(&mut terminal, "base", "base").await;
        // Interrupted and ended.
        typed(&mut terminal, "\x03", "^C\r\n@ ").await;
        typed(&mut terminal, "echo $?\r", &end("130")).await;
        terminal.write(b"\x04").await;
        rest(&mut terminal).await;
        assert_eq!(ended(&mut terminal).await.0, Some(0));
    }
}

#[tokio::test]
async fn a_terminal_that_can_show_little_edits_lines_by_itself() {
    let vm = default_vm().await;
    let mut terminal = prompted(&vm, "sh", "dumb").await;
    assert_eq!(typed(&mut terminal, "echo ax\x7f\r", "a\r\n@ ").await, "echo ax\x08 \x08\r\na\r\n@ ");
}

#[tokio::test]
async fn less_turns_pages() {
    let vm = default_vm().await;
    let mut terminal = prompted(&vm, "sh", "xterm-256color").await;
    let marked = |text: &str| format!("\x1b[7m{text}\x1b[0m");
    typed(&mut terminal, "seq 1 1000 >n; printf 'x\\n' >m; less n m\r", &marked("n (file 1 of 2)")).await;
    for (keys, shown) in [
        (" ", "\x1b[23;1H46\x1b[K"),
        ("\x1b[6~", "\x1b[23;1H69\x1b[K"),
        ("b", "\x1b[1;1H24\x1b[K"),
        ("d\x1b[A", "\x1b[1;1H34\x1b[K"),
        ("G", "(END) - Next: m"),
        ("/77$\r", "Pattern not found"),
        ("g/77$\r", "\x1b[1;1H\x1b[7m77\x1b[0m"),
        ("n", "\x1b[1;1H1\x1b[7m77\x1b[0m"),
        ("N", "\x1b[1;1H\x1b[7m77\x1b[0m"),
        ("-N", "line numbers: on"),
        ("50%", "\x1b[1;1H    514 514"),
        ("=", "lines 514-536/1000 52%"),
        ("\x1a", "Stopped"),
        ("fg\r", "\x1b[1;1H    514 514"),
        ("h", "HELP -- press q when done"),
        ("q", "\x1b[1;1H    514 514"),
        (":n", "m (file 2 of 2) (END)"),
        (":p", "n (file 1 of 2)"),
    ] {
        typed(&mut terminal, keys, shown).await;
    }
    terminal.resize(100, 10).await.unwrap();
    until(&mut terminal, "\x1b[9;1H    522 522").await;
    // It gives the terminal back as it was.
    typed(&mut terminal, "q", "\x1b[?1049l").await;
    // What is typed before the shell has left its line is for the editor of lines.
    typed(&mut terminal, "echo now; read x; echo got $x\r", "now\r\n").await;
    typed(&mut terminal, "ab\x7fc\r", "got ac").await;
    // Keys are the terminal's where the text comes through a pipe, which is left when that is wanted.
    typed(&mut terminal, "yes | LESS=N less\r", "\x1b[9;1H      9 y").await;
    typed(&mut terminal, "q", "@ ").await;
    typed(&mut terminal, "(seq 1 50; sleep 1000) | less -K\r", "\x1b[9;1H9").await;
    typed(&mut terminal, "G\x03", "@ ").await;
    typed(&mut terminal, "less -K n\r", &marked("n")).await;
    typed(&mut terminal, "\x03", "@ ").await;
    typed(&mut terminal, "echo status $?; printf 'a\\nb\\n' | less -F\r", "status 2\r\na\r\nb\r\n@ ").await;
    typed(&mut terminal, "less\r", "Missing filename").await;
}

#[tokio::test]
async fn more_turns_pages() {
    let vm = default_vm().await;
    let mut terminal = prompted(&vm, "sh", "xterm-256color").await;
    for (keys, shown) in [
        ("seq 1 1000 >n; printf 'a\\nb\\n' >m; more m\r", "a\r\nb\r\n"),
        ("more n m\r", "20\r\n\r\x1b[7m--More--(1%)\x1b[0m\x1b[K"),
        (" ", "43\r\n\r\x1b[7m--More--(3%)"),
        ("\r", "44\r\n\r\x1b[7m--More--(3%)"),
        ("b", "...back 1 page\r\n1\r\n"),
        ("/99\r", "...skipping\r\n\x1b[7m99\x1b[0m\r\n"),
        ("=", "121"),
        (":n", "m\r\n::::::::::::::\r\na\r\nb\r\n"),
        ("seq 1 1000 | more\r", "23\r\n\r\x1b[7m--More--"),
        ("q", "\r\x1b[K@ "),
    ] {
        typed(&mut terminal, keys, shown).await;
    }
}

#[tokio::test]
async fn a_pager_that_is_ended_gives_the_terminal_back() {
    let vm = default_vm().await;
    sh(&vm, "seq 1 1000 >/tmp/n").await;
    for name in ["less", "more"] {
        let mut terminal = vm.open_terminal(options(name, &["/tmp/n"])).await.unwrap();
        until(&mut terminal, "\x1b[7m").await;
        let pager = vm.processes().await.unwrap().into_iter().find(|process| process.arguments[0] == name);
        sh(&vm, &format!("kill -TERM {}", pager.unwrap().pid)).await;
        let shown = rest(&mut terminal).await;
        assert!(shown.ends_with(if name == "less" { "\x1b[?1049l" } else { "\r\x1b[K" }), "{shown:?}");
        assert_eq!(ended(&mut terminal).await, (None, Some("SIGTERM".to_owned())));
    }
    // Where little can be shown, and where nobody looks, all of it is.
    let mut terminal = prompted(&vm, "sh", "dumb").await;
    typed(&mut terminal, "seq 1 100 | less\r", "99\r\n100\r\n@ ").await;
    assert_eq!(sh(&vm, "less /tmp/n | wc -l").await.stdout.to_text(), "1000\n");
}

#[tokio::test]
async fn a_shell_stops_and_resumes_its_jobs() {
    let vm = default_vm().await;
    for name in ["sh", "bash"] {
        let mut terminal = prompted(&vm, name, "xterm-256color").await;
        for (typed, shown) in [
            // Errors end no more than their command.
            ("nothing-there; cd /nowhere\r", "@ "),
            ("echo $((6*7)) \"\r", "> "),
            ("x\"\r", "42 \r\nx\r\n"),
            ("x=kept; sh -c 'echo u\\p; exec sleep 1000'\r", "up"),
            ("\x1a", "[1]+  Stopped "),
            ("jobs; echo $x\r", "kept\r\n"),
            ("bg\r", "[1] sh -c"),
            ("kill -STOP %1; sleep 0.1; jobs; echo s\\een\r", "seen"),
            ("fg %1\r", "sleep 1000\r\n"),
            ("\x03", "@ "),
            ("echo status $?\r", "status 130"),
            ("cat | tr a-z A-Z | cat\r", "| cat\r\n"),
            ("abc\r", "ABC"),
            ("\x04", "@ "),
            ("echo l\\oop; while :; do sleep 0.01; done\r", "loop"),
            ("\x03", "@ "),
            ("echo l\\oop; while :; do :; done\r", "loop"),
            ("\x03", "@ "),
            ("(read y; echo got $y)\r", "$y)\r\n"),
            ("line\r", "got line"),
            ("half a line\x03", "@ "),
            ("sleep 0.1 & wait; echo o\\ver\r", "over"),
            ("case $- in *i*) echo inter\\active;; esac\r", "interactive"),
        ] {
            if typed == "\x03" {
                interrupt(&mut terminal, shown).await;
                continue;
            }
            terminal.write(typed.as_bytes()).await;
            until(&mut terminal, shown).await;
        }
        terminal.write(b"exit 7\r").await;
        assert_eq!(ended(&mut terminal).await, (Some(7), None), "{name}");
    }
}

#[tokio::test]
async fn whoever_comes_later_sees_what_was_shown_and_types_on() {
    let vm = default_vm().await;
    let mut first = shell(&vm, "echo begun; cat").await;
    until(&mut first, "begun\r\n").await;
    let number = first.number();
    first.detach().await;
    let mut second = vm.attach_terminal(number).unwrap();
    assert_eq!(until(&mut second, "\n").await, "begun\r\n");
    let mut third = second.attach().unwrap();
    second.write(b"a\n").await;
    until(&mut second, "a\r\na\r\n").await;
    third.write(b"b\n").await;
    until(&mut second, "b\r\nb\r\n").await;
    second.write(b"\x04").await;
    assert_eq!(ended(&mut second).await, (Some(0), None));
    let shown = rest(&mut third).await;
    assert!(shown.starts_with("begun\r\n") && shown.ends_with("b\r\n"), "{shown:?}");
    // It is there until it is closed.
    let mut late = vm.attach_terminal(number).unwrap();
    assert_eq!(rest(&mut late).await, shown);
    assert_eq!(ended(&mut late).await, (Some(0), None));
    late.close().await.unwrap();
    late.close().await.unwrap();
    assert_eq!(error_of(vm.attach_terminal(number).unwrap().wait().await).code, code::NOT_FOUND);
    assert_eq!(error_of(late.resize(80, 24).await).code, code::NOT_FOUND);
}

#[tokio::test]
async fn closing_hangs_up_and_kills_what_does_not_end() {
    let vm = default_vm().await;
    let mut polite =
        shell(&vm, "trap 'echo bye >/tmp/bye; exit 0' HUP; echo ready; while :; do sleep 0.05; done").await;
    until(&mut polite, "ready").await;
    polite.close().await.unwrap();
    assert_eq!(sh(&vm, "cat /tmp/bye").await.stdout.to_text(), "bye\n");
    let mut stubborn = shell(&vm, "trap '' HUP; echo ready; sleep 1000").await;
    until(&mut stubborn, "ready").await;
    let begun = Instant::now();
    stubborn.close().await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    let left = vm.processes().await.unwrap();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn what_cannot_be_started_is_told() {
    let vm = default_vm().await;
    let error = error_of(vm.open_terminal(options("nonesuch", &[])).await.map(drop));
    assert_eq!(error.code, "ENOENT");
    let nowhere = TerminalOptions { cwd: Some("/nowhere".to_owned()), ..TerminalOptions::default() };
    assert_eq!(error_of(vm.open_terminal(nowhere).await.map(drop)).code, "ENOENT");
}

#[tokio::test]
async fn terminals_have_a_limit_and_those_that_have_ended_make_room() {
    let vm = vm(json!({ "limits": { "terminals": 2 } })).await;
    let first = vm.open_terminal(options("cat", &[])).await.unwrap();
    let mut second = vm.open_terminal(options("true", &[])).await.unwrap();
    assert_eq!(ended(&mut second).await, (Some(0), None));
    let _third = vm.open_terminal(options("cat", &[])).await.unwrap();
    let error = error_of(vm.open_terminal(options("cat", &[])).await.map(drop));
    assert_eq!((error.code.as_str(), error.field.as_deref()), (code::LIMIT, Some("limits.terminals")));
    first.close().await.unwrap();
    for _ in 0..20 {
        vm.open_terminal(options("cat", &[])).await.unwrap().close().await.unwrap();
    }
}

/// Nobody looks: it goes on, and only its last is kept. Somebody looks and takes nothing: it waits, and can be ended.
#[tokio::test]
async fn who_writes_without_end_costs_nothing_but_time() {
    let vm = vm(json!({ "limits": { "memoryBytes": 512 << 20 } })).await;
    let flood = vm.open_terminal(options("sh", &["-c", "seq 1 300000; echo over; cat"])).await.unwrap();
    let number = flood.number();
    flood.detach().await;
    let mut looked = vm.attach_terminal(number).unwrap();
    let shown = until(&mut looked, "over\r\n").await;
    assert!(shown.len() <= 3 << 20, "{}", shown.len());
    looked.close().await.unwrap();

    let mut yes = vm.open_terminal(options("yes", &["flood"])).await.unwrap();
    until(&mut yes, "flood").await;
    // Nothing more is taken of it, and others go on.
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(sh(&vm, "echo there").await.stdout.to_text(), "there\n");
    yes.write(b"\x03").await;
    assert_eq!(ended(&mut yes).await, (None, Some("SIGINT".to_owned())));

    let unseen = vm.open_terminal(options("yes", &[])).await.unwrap();
    let number = unseen.number();
    unseen.detach().await;
    assert_eq!(sh(&vm, "echo there").await.stdout.to_text(), "there\n");
    vm.attach_terminal(number).unwrap().close().await.unwrap();
    assert!(vm.processes().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_hundred_thousand_typed_bytes_arrive() {
    let vm = default_vm().await;
    let mut terminal = shell(&vm, "wc -c; echo over").await;
    let typing = terminal.typing();
    let line = format!("{}\n", "x".repeat(99));
    let text = line.repeat(1000);
    let fed = tokio::spawn(async move {
        typing.write(text.as_bytes()).await;
        typing.write(b"\x04").await;
    });
    let shown = until(&mut terminal, "over").await;
    fed.await.unwrap();
    assert!(shown.ends_with("100000\r\nover\r\n"), "{:?}", &shown[shown.len() - 100..]);
}

#[tokio::test]
async fn signals_stay_in_the_session_of_their_terminal() {
    let vm = default_vm().await;
    let mut other = shell(&vm, "echo ready; exec sleep 1000").await;
    until(&mut other, "ready").await;
    let mut terminal = shell(&vm, "echo ready; exec sleep 1000").await;
    until(&mut terminal, "ready").await;
    terminal.write(b"\x03").await;
    assert_eq!(ended(&mut terminal).await.1.as_deref(), Some("SIGINT"));
    let running = vm.processes().await.unwrap();
    let sleeping =
        running.iter().filter(|process| process.arguments.first().is_some_and(|name| name == "sleep"));
    assert_eq!(sleeping.count(), 1, "the other one runs on");
    other.write(b"\x03").await;
    assert_eq!(ended(&mut other).await.1.as_deref(), Some("SIGINT"));
}

#[tokio::test]
async fn node_knows_its_terminal() {
    let vm = default_vm().await;
    let source = r#"
        const tty = require("node:tty");
        const { stdin, stdout, stderr } = process;
        console.log([[0, 1, 2, 9].map(tty.isatty), stdin.isTTY, stdout.isTTY, stderr.isTTY].join());
        console.log([stdout.constructor.name, stdin.constructor.name, stdout.columns, stdout.rows, stdout.hasColors()].join());
        stdout.on("resize", () => {
            console.log(`resized ${stdout.columns} ${stdout.rows}`);
            stdin.setRawMode(true);
            console.log(`raw ${stdin.isRaw}`);
            stdin.on("data", (key) => {
                console.log(JSON.stringify(String(key)));
                if (String(key) === "q") process.exit(7);
            });
        });
        stdin.resume();
    "#;
    let options = TerminalOptions { cols: 90, rows: 30, ..options("node", &["-e", source]) };
    let mut terminal = vm.open_terminal(options).await.unwrap();
    let shown = until(&mut terminal, "30,true\r\n").await;
    assert_eq!(shown, "true,true,true,false,true,true,true\r\nWriteStream,ReadStream,90,30,true\r\n");
    terminal.resize(100, 40).await.unwrap();
    assert_eq!(until(&mut terminal, "raw true\r\n").await, "resized 100 40\r\nraw true\r\n");
    terminal.write(b"\x03").await;
    assert_eq!(until(&mut terminal, "\n").await, "\"\\u0003\"\r\n");
    terminal.write(b"q").await;
    assert_eq!(ended(&mut terminal).await, (Some(7), None));
}

#[tokio::test]
async fn node_has_its_repl_at_a_terminal() {
    let vm = default_vm().await;
    let mut terminal = vm.open_terminal(options("node", &[])).await.unwrap();
    until(&mut terminal, "> ").await;
    terminal.write(b"20 + 3\r").await;
    until(&mut terminal, "23").await;
    terminal.write(b".exit\r").await;
    assert_eq!(ended(&mut terminal).await, (Some(0), None));
}

/// A tmux of the test's own.
struct Tmux(String);

impl Tmux {
    /// None, loudly, where there is no tmux.
    fn start(command: &str) -> Option<Tmux> {
        if Command::new("tmux").arg("-V").output().is_err() {
            eprintln!("SKIPPED: there is no tmux on this machine: apt-get install tmux, or scripts/setup.sh");
            return None;
        }
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let tmux = Tmux(format!("cordon-{}-{number}", std::process::id()));
        tmux.run(&["-f", "/dev/null", "new-session", "-d", "-x", "90", "-y", "25", command]);
        Some(tmux)
    }

    fn run(&self, arguments: &[&str]) -> String {
        let output = Command::new("tmux").args(["-L", &self.0]).args(arguments).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Types keys as tmux names them.
    fn keys(&self, keys: &[&str]) {
        self.run(&[&["send-keys"], keys].concat());
    }

    /// The screen, once a text is on it.
    fn until(&self, text: &str) -> String {
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            let screen = self.run(&["capture-pane", "-p"]);
            if screen.contains(text) {
                return screen;
            }
            assert!(Instant::now() < end, "{text:?} is not on the screen:\n{screen}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        self.run(&["kill-server"]);
    }
}

/// A command in a shell of the host, which says then what became of it and of its terminal's modes.
fn in_a_host_shell(command: &str) -> String {
    let cordon = directory().join("cordon");
    let cordon = cordon.display();
    format!(
        "stty -g >/tmp/$$.a; {cordon} {command}; echo code $?; stty -g | cmp - /tmp/$$.a && echo same; rm /tmp/$$.a; cat"
    )
}

#[test]
fn the_shell_works_in_a_real_terminal_and_gives_it_back() {
    let Some(tmux) = Tmux::start(&in_a_host_shell("sh")) else { return };
    tmux.keys(&["echo a$((40+2))b", "Enter"]);
    tmux.until("a42b");
    tmux.keys(&["cat", "Enter"]);
    tmux.keys(&["helo", "BSpace", "lo", "Enter", "C-d"]);
    tmux.until("hello\nhello");
    tmux.run(&["resize-window", "-x", "70", "-y", "20"]);
    tmux.keys(&["node -p 'process.stdout.columns+\"x\"+process.stdout.rows'", "Enter"]);
    tmux.until("70x20");
    tmux.keys(&["exit 5", "Enter"]);
    tmux.until("code 5\nsame");
}

#[test]
fn ctrl_c_goes_to_the_guest_and_signals_give_the_terminal_back() {
    let Some(tmux) = Tmux::start(&in_a_host_shell("sh -c 'echo ready; exec sleep 1000'")) else { return };
    tmux.until("ready");
    tmux.keys(&["C-c"]);
    tmux.until("same");
    tmux.until("code 130");
    drop(tmux);
    let command = in_a_host_shell("sh -c \"trap '' HUP; echo ready; exec sleep 1000\"");
    let tmux = Tmux::start(&command).unwrap();
    tmux.until("ready");
    let pane = tmux.run(&["display-message", "-p", "#{pane_pid}"]);
    let pane = pane.trim();
    let children = std::fs::read_to_string(format!("/proc/{pane}/task/{pane}/children")).unwrap();
    let child = children.split_whitespace().next().unwrap();
    assert!(Command::new("kill").args(["-TERM", child]).status().unwrap().success());
    tmux.until("code 143\nsame");
}

#[test]
fn the_repl_of_node_works_in_a_real_terminal() {
    let Some(tmux) = Tmux::start(&in_a_host_shell("node")) else { return };
    tmux.until("information.\n>");
    tmux.keys(&["[1,2,3].map((n)=>n*7)", "Enter"]);
    tmux.until("[ 7, 14, 21 ]");
    tmux.keys(&["Up", "BSpace", "BSpace", "9)", "Enter"]);
    tmux.until("[ 9, 18, 27 ]");
    tmux.keys(&[".exit", "Enter"]);
    tmux.until("code 0\nsame");
}

#[tokio::test]
async fn a_terminal_outlives_what_a_call_may_take() {
    let vm = vm(json!({ "limits": { "wallTimeMs": 300 } })).await;
    let mut terminal = vm.open_terminal(options("cat", &[])).await.unwrap();
    tokio::time::sleep(Duration::from_millis(800)).await;
    terminal.write(b"still\n\x04").await;
    assert_eq!(rest(&mut terminal).await, "still\r\nstill\r\n");
    assert_eq!(terminal.wait().await.unwrap().outcome, Outcome::Succeeded);
}

/// `examples/component/src/bin/jobs.rs`, at a terminal.
async fn job_shell() -> (tempfile::TempDir, Vm, Terminal) {
    let module = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target/examples/jobs.wasm");
    assert!(module.is_file(), "{} is missing: run `make build` first, or `make test`", module.display());
    let (folder, installation) = installation_with(&[("jobs", std::fs::read(module).unwrap())]);
    let client = Client::connect(&Embedded(supervisor_at(installation))).await.unwrap();
    let vm = client.create_vm(config(json!({}))).await.unwrap();
    let mut terminal = vm.open_terminal(options("jobs", &[])).await.unwrap();
    until(&mut terminal, "$ ").await;
    (folder, vm, terminal)
}

/// What the shell says to a line, until it asks for the next one.
async fn said(terminal: &mut Terminal, line: &str) -> String {
    terminal.write(format!("{line}\n").as_bytes()).await;
    let shown = until(terminal, "$ ").await;
    let shown = shown.replace("\r\n", "\n");
    shown.strip_prefix(&format!("{line}\n")).unwrap_or(&shown).trim_end_matches("$ ").to_owned()
}

#[tokio::test]
async fn jobs_are_stopped_and_resumed_and_end_by_keys() {
    let (_folder, vm, mut terminal) = job_shell().await;
    assert_eq!(said(&mut terminal, "echo hello").await, "hello\nexited 0\n");
    assert_eq!(said(&mut terminal, "false").await, "exited 1\n");
    terminal.write(b"cat\n").await;
    until(&mut terminal, "cat\r\n").await;
    terminal.write(b"one\n").await;
    until(&mut terminal, "one\r\none\r\n").await;
    terminal.write(b"\x1a").await;
    until(&mut terminal, "stopped by Signal::TerminalStop\r\n$ ").await;
    assert_eq!(said(&mut terminal, "echo between").await, "between\nexited 0\n");
    terminal.write(b"fg\n").await;
    until(&mut terminal, "fg\r\n").await;
    terminal.write(b"two\n").await;
    until(&mut terminal, "two\r\ntwo\r\n").await;
    terminal.write(b"\x03").await;
    until(&mut terminal, "ended by Signal::Interrupt\r\n$ ").await;
    // From the background it may not read.
    terminal.write(b"cat\n").await;
    until(&mut terminal, "cat\r\n").await;
    terminal.write(b"again\n").await;
    until(&mut terminal, "again\r\nagain\r\n").await;
    terminal.write(b"\x1a").await;
    until(&mut terminal, "$ ").await;
    assert_eq!(said(&mut terminal, "bg").await, "");
    let listed = || async {
        let all = vm.processes().await.unwrap();
        all.into_iter().find(|process| process.arguments.first().is_some_and(|name| name == "cat")).unwrap()
    };
    while listed().await.state != ProcessState::Stopped {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    terminal.write(b"fg\n").await;
    until(&mut terminal, "fg\r\n").await;
    terminal.write(b"three\n\x04").await;
    until(&mut terminal, "three\r\nthree\r\nexited 0\r\n$ ").await;
    terminal.write(b"exit\n").await;
    assert_eq!(ended(&mut terminal).await, (Some(0), None));
}

#[tokio::test]
async fn a_program_has_its_terminal_s_size_and_keys() {
    let (_folder, _vm, mut terminal) = job_shell().await;
    assert_eq!(said(&mut terminal, "size").await, "80 by 24\n");
    terminal.resize(132, 50).await.unwrap();
    assert_eq!(said(&mut terminal, "size").await, "132 by 50\n");
    terminal.write(b"key\n").await;
    until(&mut terminal, "key? ").await;
    terminal.write(b"\x03").await;
    assert_eq!(until(&mut terminal, "$ ").await, "[3]\r\n$ ");
}

#[tokio::test]
async fn groups_of_other_sessions_are_out_of_reach() {
    let (_folder, vm, mut terminal) = job_shell().await;
    let mut other = shell(&vm, "echo ready; read line").await;
    until(&mut other, "ready").await;
    let processes = vm.processes().await.unwrap();
    let others =
        processes.iter().filter(|process| process.arguments.first().is_some_and(|name| name != "jobs"));
    for group in others.map(|process| process.pid).chain([0, 1, 999_999, u32::MAX]) {
        assert_eq!(said(&mut terminal, &format!("signal {group}")).await, "esrch\n", "{group}");
        assert_eq!(said(&mut terminal, &format!("take {group}")).await, "eperm\n", "{group}");
    }
    let left = vm.processes().await.unwrap();
    assert_eq!(left.len(), processes.len());
}

#[tokio::test]
async fn stty_shows_and_changes_its_terminal() {
    let vm = default_vm().await;
    let script = "stty size; stty -echo susp ^X; stty | tail -n 2; was=$(stty -g); stty sane; stty; stty $was; stty -a | grep -o -e '-echo ' -e 'susp = ..'; \
                  stty cols 99 rows 9; stty size; stty raw; stty -a | grep -o -e '-icanon' -e '-opost'; stty sane; stty nonsense; echo $?";
    let mut terminal = shell(&vm, script).await;
    let shown = until(&mut terminal, "1\r\n").await + &rest(&mut terminal).await;
    for part in [
        "24 80\r\nsusp = ^X;\r\n-echo\r\nspeed 38400 baud; line = 0;\r\n",
        "susp = ^X\r\n-echo \r\n9 99\r\n",
        "-opost",
        "-icanon",
        "stty: invalid argument 'nonsense'",
    ] {
        assert!(shown.contains(part), "{part:?} in {shown:?}");
    }
}
