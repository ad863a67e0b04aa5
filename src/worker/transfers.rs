//! Files on their way between a client and the VM, whole and of any size: what fits one piece is in the request or its
//! answer, the rest goes in pieces, out under the client's credit and in within its window.
//!
//! Nothing of a file is kept here but the piece under way. It owns no deadline: how fast a client takes or sends is its
//! own affair, and it can cancel. It knows no isolate and no program.

use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;

use super::calls::Calls;
use super::files;
use super::streams::{Credit, Input, Sent};
use super::vm::VirtualMachine;
use kernel::{Errno, FileKind, OpenFile, OpenFlags, Stream, Symlinks};
use protocol::wire::{
    Bytes, ErrorData, INITIAL_CREDIT, INPUT_WINDOW, OutputStream, READ_FILE_BYTES_MAX, RequestUpdate,
    VmRequest, VmResponse, code,
};

/// Contents are read in pieces of so many bytes; a file that is shorter comes in its answer, whole. As much as may be
/// sent before the client grants more.
const READ_PIECE: usize = INITIAL_CREDIT as usize;
/// Contents are written in pieces of at most so many bytes.
const WRITE_PIECE: usize = 64 * 1024;
/// The most that is read of what has no length of its own: devices and texts of `/proc`.
const ENDLESS_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// A filesystem with so much room that refuses a piece is not full: there is no memory for it.
const ROOM: u64 = 2 * WRITE_PIECE as u64;

/// The transfers of one VM.
#[derive(Default)]
pub(super) struct Transfers {
    open: Mutex<HashMap<u64, Arc<Transfer>>>,
}

struct Transfer {
    ends: Ends,
    /// Why it ends early, if it does; the first reason counts.
    stopped: OnceLock<ErrorData>,
}

/// Where its pieces go, or come from.
enum Ends {
    Client(Arc<Credit>),
    Vm(Arc<Input>),
}

impl Transfer {
    /// Ends it early; it is still answered.
    fn stop(&self, why: ErrorData) {
        self.stopped.get_or_init(|| why);
        match &self.ends {
            Ends::Client(credit) => credit.close(),
            Ends::Vm(input) => input.close(),
        }
    }
}

type Running = Pin<Box<dyn Future<Output = Result<VmResponse, ErrorData>> + Send>>;

impl Transfers {
    /// Takes a request if it is one for a transfer. The file is opened, and what came with the request written, after
    /// the requests before it; pieces go on beside those after it.
    pub(super) fn begin(
        &self,
        calls: &Arc<Calls>,
        vm: &Arc<VirtualMachine>,
        id: u64,
        request: VmRequest,
    ) -> Result<(), VmRequest> {
        let (ends, running): (_, Box<dyn FnOnce(Arc<Transfer>) -> Running + Send>) = match request {
            VmRequest::ReadFile { path, max_bytes } => {
                let (credit, vm) = (Credit::new(), vm.clone());
                let sent = Sent {
                    call: id,
                    stream: OutputStream::File,
                    credit: credit.clone(),
                    sender: vm.sender.clone(),
                };
                let running =
                    move |_| -> Running { Box::pin(async move { read(&vm, &path, max_bytes, &sent).await }) };
                (Ends::Client(credit), Box::new(running))
            }
            VmRequest::WriteFile { path, data, stream_data } => {
                let vm = vm.clone();
                let input = Input::new(id, vm.sender.clone(), data.0, stream_data);
                let pieces = input.clone();
                let running = move |transfer: Arc<Transfer>| -> Running {
                    Box::pin(async move { write(&vm, &path, &pieces, &transfer).await })
                };
                (Ends::Vm(input), Box::new(running))
            }
            other => return Err(other),
        };
        let transfer = Arc::new(Transfer { ends, stopped: OnceLock::new() });
        self.open.lock().insert(id, transfer.clone());
        let (again, vm) = (calls.clone(), vm.clone());
        calls.perform(move || {
            let mut running = running(transfer.clone());
            let mut unwaited = Context::from_waker(Waker::noop());
            match transfer.stopped.get() {
                Some(_) => again.transfers().finish(&vm, id, &transfer, Ok(VmResponse::Done {})),
                None => match running.as_mut().poll(&mut unwaited) {
                    Poll::Ready(result) => again.transfers().finish(&vm, id, &transfer, result),
                    Poll::Pending => again.clone().spawn(async move {
                        let result = running.await;
                        again.transfers().finish(&vm, id, &transfer, result);
                    }),
                },
            }
        });
        Ok(())
    }

    /// Takes what reaches a transfer under way.
    pub(super) fn update(&self, id: u64, update: &RequestUpdate) {
        let transfer = self.open.lock().get(&id).cloned();
        let Some(transfer) = transfer else { return };
        match (update, &transfer.ends) {
            (RequestUpdate::Cancel {}, _) => {
                transfer.stop(ErrorData::new(code::CANCELLED, "the transfer of a file was cancelled"));
            }
            (RequestUpdate::Input { data, end }, Ends::Vm(input)) => {
                if !input.push(&data.0, *end) {
                    let text =
                        format!("more than INPUT_WINDOW ({INPUT_WINDOW}) bytes of input were sent ahead");
                    transfer.stop(ErrorData::new(code::LIMIT, text));
                }
            }
            (RequestUpdate::Credit { bytes }, Ends::Client(credit)) => credit.grant(*bytes),
            (RequestUpdate::Input { .. } | RequestUpdate::Credit { .. }, _) => {}
        }
    }

    fn finish(
        &self,
        vm: &VirtualMachine,
        id: u64,
        transfer: &Transfer,
        result: Result<VmResponse, ErrorData>,
    ) {
        self.open.lock().remove(&id);
        vm.respond(id, transfer.stopped.get().map_or(result, |why| Err(why.clone())));
    }
}

/// Reads a file to its end; all but the last piece is sent, the last is the answer.
async fn read(
    vm: &VirtualMachine,
    path: &str,
    max_bytes: Option<u64>,
    sent: &Sent,
) -> Result<VmResponse, ErrorData> {
    let failed = |errno| files::error(errno, path);
    let file = vm.kernel.system().open(path, OpenFlags::READ | OpenFlags::NONBLOCK, 0).map_err(failed)?;
    let status = file.status().map_err(failed)?;
    if status.kind == FileKind::Directory {
        return Err(failed(Errno::Eisdir));
    }
    let most = Most::of(vm, &file, max_bytes);
    most.check(path, status.size)?;
    let mut total = 0;
    loop {
        // A file that is shorter than a piece takes no more memory than it needs.
        let mut piece = Vec::with_capacity(READ_PIECE.min(status.size.saturating_add(1) as usize).max(4096));
        let whole = fill(&file, &mut piece).map_err(failed)?;
        total += piece.len() as u64;
        most.check(path, total)?;
        if whole {
            return Ok(VmResponse::Data { data: Bytes(piece) });
        }
        let mut rest = &piece[..];
        while !rest.is_empty() {
            let length = poll_fn(|cx| sent.poll_write(cx, rest)).await.map_err(failed)?;
            rest = &rest[length..];
        }
        // Others of this thread have their turn between pieces.
        tokio::task::yield_now().await;
    }
}

/// Reads until there is a piece; says whether the file ended before.
fn fill(file: &OpenFile, piece: &mut Vec<u8>) -> Result<bool, Errno> {
    let mut buffer = [0; 16 * 1024];
    while piece.len() < READ_PIECE {
        let room = buffer.len().min(READ_PIECE - piece.len());
        let length = at_once(|cx| file.poll_read(cx, &mut buffer[..room]))?;
        if length == 0 {
            return Ok(true);
        }
        piece.extend_from_slice(&buffer[..length]);
    }
    Ok(false)
}

/// How much of a file is read at most, and who says so.
struct Most {
    bytes: u64,
    field: Option<&'static str>,
    name: &'static str,
}

impl Most {
    fn of(vm: &VirtualMachine, file: &OpenFile, asked: Option<u64>) -> Most {
        if let Some(bytes) = asked {
            return Most { bytes, field: None, name: "maxBytes" };
        }
        if file.kind() != FileKind::Regular {
            return Most { bytes: ENDLESS_BYTES_MAX, field: None, name: "what is read of a device" };
        }
        if is_own(vm, file.status().map_or(0, |status| status.device)) {
            // Holes take no room, so that a guest can make a file look longer than all that it may keep.
            let bytes = vm.limits.filesystem_bytes.max(ENDLESS_BYTES_MAX);
            return Most { bytes, field: Some("limits.filesystemBytes"), name: "limits.filesystemBytes" };
        }
        Most { bytes: READ_FILE_BYTES_MAX, field: None, name: "READ_FILE_BYTES_MAX" }
    }

    fn check(&self, path: &str, length: u64) -> Result<(), ErrorData> {
        let Most { bytes, field, name } = self;
        if length <= *bytes {
            return Ok(());
        }
        let text = format!("{path} has more than {bytes} bytes, which is {name}");
        let error = ErrorData::new(code::LIMIT, text)
            .hint("take its contents piece by piece, or ask for more with maxBytes");
        Err(match field {
            Some(field) => error.field(*field),
            None => error,
        })
    }
}

/// Writes a file anew, to the end of what the client sends. If that does not come, the file is left empty: what was
/// written would look like all of it, and take room.
async fn write(
    vm: &VirtualMachine,
    path: &str,
    input: &Input,
    transfer: &Transfer,
) -> Result<VmResponse, ErrorData> {
    let failed = |errno| write_error(vm, errno, path);
    let flags = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::TRUNCATE | OpenFlags::NONBLOCK;
    let file = vm.kernel.system().open(path, flags, 0o666).map_err(failed)?;
    // Before the file is emptied again, or nothing would look full.
    let written = write_pieces(&file, input, transfer).await.map_err(failed);
    if written.is_err() || transfer.stopped.get().is_some() {
        // A device has nothing to be emptied.
        let _ = file.truncate(0);
    }
    written.map(|()| VmResponse::Done {})
}

async fn write_pieces(file: &OpenFile, input: &Input, transfer: &Transfer) -> Result<(), Errno> {
    let mut piece = vec![0; WRITE_PIECE];
    loop {
        let length = poll_fn(|cx| input.poll_read(cx, &mut piece)).await?;
        if length == 0 || transfer.stopped.get().is_some() {
            return Ok(());
        }
        let mut rest = &piece[..length];
        while !rest.is_empty() {
            let length = at_once(|cx| file.poll_write(cx, rest))?;
            if length == 0 {
                return Err(Errno::Eio);
            }
            rest = &rest[length..];
        }
    }
}

/// Why a file cannot be written; if something is full, which limit that is.
fn write_error(vm: &VirtualMachine, errno: Errno, path: &str) -> ErrorData {
    let error = files::error(errno, path);
    if errno != Errno::Enospc {
        return error;
    }
    let system = vm.kernel.system();
    let parent = path.trim_end_matches('/').rsplit_once('/').map_or("/", |(parent, _)| parent);
    let status = system.stat(path, Symlinks::Follow).or_else(|_| system.stat(parent, Symlinks::Follow));
    if !status.is_ok_and(|status| status.kind != FileKind::CharacterDevice && is_own(vm, status.device)) {
        return error;
    }
    let usage = vm.kernel.usage();
    error.field(if usage.inodes_used >= usage.inodes_limit {
        "limits.inodes"
    } else if usage.bytes_limit.saturating_sub(usage.bytes_used) > ROOM {
        "limits.memoryBytes"
    } else {
        "limits.filesystemBytes"
    })
}

/// Whether that is the VM's own filesystem, not a mount.
fn is_own(vm: &VirtualMachine, device: u64) -> bool {
    vm.kernel.system().stat("/", Symlinks::Follow).is_ok_and(|root| root.device == device)
}

/// What a file that is opened without waiting answers.
fn at_once(poll: impl FnOnce(&mut Context<'_>) -> Poll<Result<usize, Errno>>) -> Result<usize, Errno> {
    match poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => Err(Errno::Eagain),
    }
}
