//! Terminals of clients: the command at each, what it has shown, and who is attached.
//!
//! Nothing waits here. A terminal is looked at by whichever thread something happens on: the one that reads the channel,
//! or one that runs a program which writes. While one does, others leave word and go on.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use parking_lot::Mutex;

use super::Calls;
use super::outcome::{program_ended, start_error};
use crate::deadlines::Late;
use crate::vm::VirtualMachine;
use isolate::Cause;
use kernel::{ExitStatus, Grouping, Process, SpawnRequest, TerminalHost, WindowSize};
use protocol::broker::FromWorker;
use protocol::wire::{
    Bytes, ErrorData, ExecutionResult, INITIAL_CREDIT, INPUT_WINDOW, OutputStream, Progress, RequestUpdate,
    TERMINAL_KEPT_BYTES, TerminalSize, VmRequest, VmResponse, code,
};

/// Bytes that are shown or sent at once.
const CHUNK: usize = 32 * 1024;
/// After so many bytes whoever looks at a terminal lets others do something.
const BYTES_AT_ONCE: usize = 256 * 1024;
/// How long a session may take to end once it was hung up.
const CLOSE_TIME: Duration = Duration::from_secs(1);
/// The command of a terminal for which none is named.
const SHELL: &str = "sh";
/// What programs are told that they write to.
const TERM: &str = "xterm-256color";

/// The terminals of one VM.
#[derive(Default)]
pub(super) struct Terminals(Mutex<Open>);

#[derive(Default)]
struct Open {
    terminals: BTreeMap<u64, Arc<Session>>,
    /// By the requests that show them.
    attached: HashMap<u64, Arc<Session>>,
    last: u64,
}

/// One terminal and what runs at it.
struct Session {
    number: u64,
    vm: Arc<VirtualMachine>,
    command: String,
    host: TerminalHost,
    process: Arc<Process>,
    /// What requests want of it; for whoever looks at it next.
    mail: Mutex<Vec<Mail>>,
    shown: Mutex<Shown>,
    /// There is something to look at.
    wanted: AtomicBool,
}

enum Mail {
    Attach(u64),
    Update(u64, RequestUpdate),
    Close(u64),
}

#[derive(Default)]
struct Shown {
    /// The last of what was shown, at most [`TERMINAL_KEPT_BYTES`], and how many bytes came before.
    kept: VecDeque<u8>,
    before: u64,
    buffer: Vec<u8>,
    attachments: BTreeMap<u64, Attachment>,
    /// Requests that wait for its end.
    closing: Vec<u64>,
    ended: Option<Result<ExecutionResult, ErrorData>>,
}

struct Attachment {
    /// How much it has been shown, counted from the terminal's beginning.
    at: u64,
    credit: u64,
    input: VecDeque<u8>,
}

impl Terminals {
    /// Takes a request if it is one for terminals.
    pub(super) fn begin(
        &self,
        calls: &Arc<Calls>,
        vm: &Arc<VirtualMachine>,
        id: u64,
        request: VmRequest,
    ) -> Result<(), VmRequest> {
        match request {
            VmRequest::OpenTerminal { .. } => {
                let (calls, vm) = (calls.clone(), vm.clone());
                calls.clone().perform(move || {
                    let opened = calls.terminals.open(&vm, request);
                    vm.respond(id, opened.map_err(|error| error.progress(Progress::NotStarted)));
                });
            }
            VmRequest::AttachTerminal { terminal } => {
                let session = {
                    let mut open = self.0.lock();
                    let session = open.terminals.get(&terminal).cloned();
                    if let Some(session) = &session {
                        open.attached.insert(id, session.clone());
                    }
                    session
                };
                self.tell(vm, id, terminal, session, |session| session.post(Mail::Attach(id)));
            }
            VmRequest::ResizeTerminal { terminal, size } => {
                let session = self.0.lock().terminals.get(&terminal).cloned();
                self.tell(vm, id, terminal, session, |session| {
                    session.host.resize(window(size));
                    vm.respond(id, Ok(VmResponse::Done {}));
                });
            }
            VmRequest::CloseTerminal { terminal } => {
                let session = self.0.lock().terminals.remove(&terminal);
                self.tell(vm, id, terminal, session, |session| {
                    let late: Arc<dyn Late> = session.clone();
                    calls.deadlines.add(CLOSE_TIME, Arc::downgrade(&late));
                    session.host.hang_up();
                    session.post(Mail::Close(id));
                });
            }
            other => return Err(other),
        }
        Ok(())
    }

    /// Does something with a terminal, if there is one of that number.
    fn tell(
        &self,
        vm: &VirtualMachine,
        id: u64,
        number: u64,
        session: Option<Arc<Session>>,
        what: impl FnOnce(&Arc<Session>),
    ) {
        match session {
            Some(session) => what(&session),
            None => {
                let error = ErrorData::new(code::NOT_FOUND, format!("there is no terminal {number}"));
                vm.respond(id, Err(error.progress(Progress::NotStarted)));
            }
        }
    }

    /// Takes what reaches a request, if that shows a terminal.
    pub(super) fn update(&self, id: u64, update: &RequestUpdate) -> bool {
        let session = self.0.lock().attached.get(&id).cloned();
        if let Some(session) = &session {
            session.post(Mail::Update(id, update.clone()));
        }
        session.is_some()
    }

    fn open(&self, vm: &Arc<VirtualMachine>, request: VmRequest) -> Result<VmResponse, ErrorData> {
        let VmRequest::OpenTerminal { size, command, args, env, cwd } = request else {
            return Err(ErrorData::new(code::PROTOCOL, "the request opens no terminal"));
        };
        self.make_room(vm.limits.terminals);
        let many = || {
            let text = format!("{} terminals are open already", vm.limits.terminals);
            ErrorData::new(code::LIMIT, text).field("limits.terminals").hint("close some of them first")
        };
        if self.0.lock().terminals.len() as u64 >= vm.limits.terminals {
            return Err(many());
        }
        let host = vm.kernel.open_terminal(window(size)).map_err(|_| many())?;
        let command = command.unwrap_or_else(|| SHELL.to_owned());
        let cwd = vm.directory(cwd.as_deref());
        let mut added = env;
        if !vm.environment(&added, &cwd).iter().any(|(name, _)| name == "TERM") {
            added.insert("TERM".to_owned(), TERM.to_owned());
        }
        let request = SpawnRequest {
            program: command.clone(),
            argv: std::iter::once(command.clone()).chain(args).collect(),
            env: vm.environment(&added, &cwd),
            cwd: Some(cwd.clone()),
            fds: Vec::new(),
            ignored_signals: Default::default(),
            default_signals: Default::default(),
            grouping: Grouping::NewSession,
        };
        let process = vm
            .kernel
            .spawn_at_terminal(&host, request)
            .map_err(|errno| start_error(errno, &command, &cwd))?;
        let pid = process.pid();
        let session = {
            let mut open = self.0.lock();
            open.last += 1;
            let session = Arc::new(Session {
                number: open.last,
                vm: vm.clone(),
                command,
                host,
                process,
                mail: Mutex::default(),
                shown: Mutex::default(),
                wanted: AtomicBool::new(false),
            });
            open.terminals.insert(session.number, session.clone());
            session
        };
        session.look();
        Ok(VmResponse::Terminal { terminal: session.number, pid })
    }

    /// Forgets terminals that have ended and that nobody looks at, the oldest first, while there are so many.
    fn make_room(&self, most: u64) {
        let all: Vec<Arc<Session>> = self.0.lock().terminals.values().cloned().collect();
        let too_many = (all.len() as u64 + 1).saturating_sub(most);
        // Not with the list locked: whoever looks at a terminal may want that.
        let idle = all.into_iter().filter(|session| {
            let shown = session.shown.lock();
            shown.ended.is_some() && shown.attachments.is_empty()
        });
        for session in idle.take(usize::try_from(too_many).unwrap_or(usize::MAX)) {
            let mut open = self.0.lock();
            if open.attached.values().any(|attached| attached.number == session.number) {
                continue;
            }
            open.terminals.remove(&session.number);
            drop(open);
            // Or it would be kept by who waits for what it shows, which is itself.
            session.host.hang_up();
        }
    }
}

impl Session {
    fn post(self: &Arc<Self>, mail: Mail) {
        self.mail.lock().push(mail);
        self.look();
    }

    /// Does what there is to be done, or leaves it to whoever is at it already.
    fn look(self: &Arc<Self>) {
        self.wanted.store(true, Ordering::SeqCst);
        let mut bytes = 0;
        while self.wanted.load(Ordering::SeqCst) {
            let Some(mut shown) = self.shown.try_lock() else { return };
            while self.wanted.swap(false, Ordering::SeqCst) {
                bytes += self.step(&mut shown, BYTES_AT_ONCE.saturating_sub(bytes));
                if bytes >= BYTES_AT_ONCE {
                    // Its programs may write as fast as this is shown, and this thread has other things to do.
                    drop(shown);
                    let session = self.clone();
                    return self.vm.calls.spawn(async move { session.look() });
                }
            }
        }
    }

    /// Everything that can be done now. Shows at most so many bytes, and gives how many those were.
    fn step(self: &Arc<Self>, shown: &mut Shown, most: usize) -> usize {
        let waker = Waker::from(self.clone());
        let cx = Context::from_waker(&waker);
        for mail in std::mem::take(&mut *self.mail.lock()) {
            self.take(shown, mail);
        }
        if shown.ended.is_none()
            && let Poll::Ready(status) = self.process.poll_wait(&cx)
        {
            // What it has left running ends with it.
            self.vm.kernel.end_scope(self.process.scope());
            shown.ended = Some(self.result(status));
        }
        self.type_in(&cx, shown);
        let (bytes, was_all) = self.show(&cx, shown, most);
        if shown.ended.is_some() {
            self.finish(shown, was_all);
        }
        bytes
    }

    fn take(&self, shown: &mut Shown, mail: Mail) {
        match mail {
            Mail::Attach(id) => {
                let attachment =
                    Attachment { at: shown.before, credit: INITIAL_CREDIT, input: VecDeque::new() };
                shown.attachments.insert(id, attachment);
            }
            Mail::Close(id) => shown.closing.push(id),
            Mail::Update(id, update) => {
                let Some(attachment) = shown.attachments.get_mut(&id) else { return };
                match update {
                    RequestUpdate::Cancel {} => {
                        let result = self.detached();
                        self.detach(shown, id, Ok(VmResponse::Executed { result }));
                    }
                    RequestUpdate::Credit { bytes } => {
                        attachment.credit = attachment.credit.saturating_add(bytes).min(INITIAL_CREDIT);
                    }
                    RequestUpdate::Input { data, .. } => {
                        if attachment.input.len() + data.0.len() > INPUT_WINDOW as usize {
                            let text = format!(
                                "more than INPUT_WINDOW ({INPUT_WINDOW}) bytes of input were sent ahead"
                            );
                            let error = ErrorData::new(code::LIMIT, text).progress(Progress::Ran);
                            return self.detach(shown, id, Err(error));
                        }
                        attachment.input.extend(data.0);
                    }
                }
            }
        }
    }

    /// Types what those who are attached have sent, each as far as there is room.
    fn type_in(&self, cx: &Context<'_>, shown: &mut Shown) {
        for (id, attachment) in &mut shown.attachments {
            let mut taken = 0;
            loop {
                let (next, _) = attachment.input.as_slices();
                if next.is_empty() {
                    break;
                }
                let Poll::Ready(length) = self.host.poll_type(cx, next) else { break };
                attachment.input.drain(..length);
                taken += length as u64;
            }
            if taken > 0 {
                self.vm.sender.send(&FromWorker::InputTaken { id: *id, bytes: taken });
            }
        }
    }

    /// Shows what programs have written: keeps it and sends it. As long as somebody is attached nothing is forgotten
    /// that they have not seen; then programs wait.
    ///
    /// Gives how many bytes that was, and whether it was everything.
    fn show(&self, cx: &Context<'_>, shown: &mut Shown, most: usize) -> (usize, bool) {
        let mut total = 0;
        // Not on the stack: this may be a fiber's.
        shown.buffer.resize(CHUNK, 0);
        loop {
            self.send(shown);
            let slowest = shown.attachments.values().map(|attachment| attachment.at).min();
            let unseen = slowest.map_or(0, |at| shown.end().saturating_sub(at)) as usize;
            let room = CHUNK.min(TERMINAL_KEPT_BYTES.saturating_sub(unseen)).min(most - total);
            if room == 0 {
                return (total, false);
            }
            match self.host.poll_show(cx, &mut shown.buffer[..room]) {
                Poll::Ready(0) | Poll::Pending => return (total, true),
                Poll::Ready(length) => {
                    total += length;
                    shown.keep(length);
                }
            }
        }
    }

    fn send(&self, shown: &mut Shown) {
        let (end, before) = (shown.end(), shown.before);
        for (id, attachment) in &mut shown.attachments {
            while attachment.at < end && attachment.credit > 0 {
                let from = attachment.at.saturating_sub(before) as usize;
                let credit = usize::try_from(attachment.credit).unwrap_or(usize::MAX);
                let length = CHUNK.min(credit).min(shown.kept.len() - from);
                let data = Bytes(shown.kept.range(from..from + length).copied().collect());
                attachment.at += length as u64;
                attachment.credit -= length as u64;
                let stream = OutputStream::Terminal;
                self.vm.sender.send(&FromWorker::Output { id: *id, stream, data });
            }
        }
    }

    /// Its command has ended: answers whoever has seen everything, and whoever waits for just that.
    fn finish(&self, shown: &mut Shown, was_all: bool) {
        let Some(ended) = shown.ended.clone() else { return };
        let end = shown.end();
        let has_seen = |one: &Attachment| was_all && one.at == end;
        let done: Vec<u64> =
            shown.attachments.iter().filter(|(_, one)| has_seen(one)).map(|(id, _)| *id).collect();
        for id in done {
            let response = ended.clone().map(|result| VmResponse::Executed { result });
            self.detach(shown, id, response);
        }
        for id in std::mem::take(&mut shown.closing) {
            self.vm.respond(id, Ok(VmResponse::Done {}));
        }
    }

    fn detach(&self, shown: &mut Shown, id: u64, response: Result<VmResponse, ErrorData>) {
        shown.attachments.remove(&id);
        self.vm.calls.terminals.0.lock().attached.remove(&id);
        self.vm.respond(id, response);
    }

    /// How its command has ended.
    fn result(&self, status: ExitStatus) -> Result<ExecutionResult, ErrorData> {
        let refused = self.vm.calls.refusals.lock().remove(&self.process.pid());
        match refused {
            // It could not be had, and has run nothing.
            Some(error) => Err(error.progress(Progress::NotStarted)),
            None => Ok(self.executed(status, None)),
        }
    }

    /// What is said to who looks no longer.
    fn detached(&self) -> ExecutionResult {
        ExecutionResult { exit_code: None, ..self.executed(ExitStatus::Exited(0), Some(Cause::Cancelled)) }
    }

    fn executed(&self, status: ExitStatus, cause: Option<Cause>) -> ExecutionResult {
        let ended = program_ended(&self.command, status, cause);
        ExecutionResult {
            outcome: ended.outcome,
            progress: Progress::Ran,
            value: None,
            exit_code: ended.exit_code,
            signal: ended.signal,
            stdout: Bytes::default(),
            stderr: Bytes::default(),
            stdout_truncated: false,
            stderr_truncated: false,
            error: ended.error,
        }
    }
}

impl Shown {
    /// How much was shown since the beginning.
    fn end(&self) -> u64 {
        self.before + self.kept.len() as u64
    }

    /// Keeps what is in the buffer.
    fn keep(&mut self, length: usize) {
        let over = (self.kept.len() + length).saturating_sub(TERMINAL_KEPT_BYTES).min(self.kept.len());
        self.kept.drain(..over);
        self.before += over as u64;
        self.kept.extend(&self.buffer[..length]);
    }
}

impl Wake for Session {
    fn wake(self: Arc<Self>) {
        self.look();
    }
}

impl Late for Session {
    /// It was closed, and has had its time.
    fn late(&self) {
        self.vm.kernel.end_scope(self.process.scope());
    }
}

fn window(TerminalSize { cols, rows }: TerminalSize) -> WindowSize {
    WindowSize { columns: cols, rows }
}
