//! Further isolates of the VM, each on a thread of its own: what `worker_threads` are made of, and programs that the isolate
//! runs beside its calls.
//!
//! A thread of `worker_threads` runs one job, in the kernel's process of the job that started it, with a heap limit, a stack and an event loop of
//! its own. It ends by itself, when it is told to, or with the job that started it, which waits for it: no thread is left
//! when a job is over.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread::{Builder, JoinHandle};

use parking_lot::Mutex;

use crate::engine::allocator::has_room_for;
use crate::library::Library;
use crate::realm::core::{Core, Realm};
use crate::run::inbox::{Inbox, IsolateHandle, Message};
use crate::run::outcome::{CallId, Cause, Completion, Job, JobId, Work, codes};
use crate::{Fatal, Isolate, Make, Services, Settings, YOUNG_GENERATION};
use kernel::{Process, Signal};
use protocol::config::Platform;
use protocol::engine::{EngineProfile, WasmLevel};

/// Threads of a VM at once, beside its main one.
pub const THREADS_MAX: usize = 32;

/// How many there are.
static THREADS: AtomicUsize = AtomicUsize::new(0);

/// The stack of a program that has an isolate of its own, in bytes: what the VM's first isolate gives JavaScript.
const PROGRAM_STACK: usize = 984 * 1024;

/// What native code needs of a stack when JavaScript has used up its own part: bytes.
const NATIVE_STACK: usize = 512 * 1024;

/// The smallest part of a stack that JavaScript can do with, and the largest that it may have, in bytes.
const STACK: std::ops::RangeInclusive<usize> = 192 * 1024..=64 * 1024 * 1024;

/// What a thread takes at least until it runs, in bytes: without that much memory none is started.
const BOOTED: usize = 16 * 1024 * 1024;

/// The smallest heap that the library boots in, in bytes.
const HEAP_MIN: usize = 16 * 1024 * 1024;

/// What the only job of a thread is called.
const JOB: JobId = JobId(1);

/// How a thread begins.
pub struct ThreadStart {
    /// What the system shows.
    pub name: String,
    /// The process that its code runs as: that of the job that starts it.
    pub process: Arc<Process>,
    /// How much of its stack JavaScript may use, in bytes.
    pub stack: usize,
    /// Its heap limit in bytes, if that is less than the VM's.
    pub heap: Option<usize>,
    /// Its young generation in bytes.
    pub young_generation: Option<usize>,
    /// Makes its library, on the thread.
    pub library: Box<dyn FnOnce() -> Box<dyn Library> + Send>,
}

/// How a thread ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadEnd {
    /// Its exit code.
    pub code: i32,
    /// It has used up its heap, or the VM's memory.
    pub out_of_memory: bool,
}

/// A thread, as the isolate that started it has it.
pub struct Thread {
    inbox: Arc<Inbox>,
    state: Arc<Mutex<State>>,
    handle: RefCell<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct State {
    completion: Option<Completion>,
    ended: bool,
    waiting: Option<Waker>,
}

/// One of [`THREADS_MAX`].
struct Place;

impl Place {
    fn take() -> Option<Place> {
        let taken = THREADS.fetch_update(Ordering::AcqRel, Ordering::Acquire, |count| {
            (count < THREADS_MAX).then_some(count + 1)
        });
        taken.is_ok().then(|| Place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        THREADS.fetch_sub(1, Ordering::AcqRel);
    }
}

/// What makes a further isolate, on its thread.
struct Further {
    starter: Starter,
    inbox: Arc<Inbox>,
    state: Arc<Mutex<State>>,
    name: String,
    stack: usize,
    young_generation: usize,
    owns_processes: bool,
    library: MakeLibrary,
}

type MakeLibrary = Box<dyn FnOnce() -> Box<dyn Library> + Send>;

impl Further {
    /// Starts its thread. The job that it runs has been handed to its inbox.
    fn start(self) -> io::Result<JoinHandle<()>> {
        let place = Place::take().ok_or(io::ErrorKind::QuotaExceeded)?;
        let Further { starter, inbox, state, name, stack, young_generation, owns_processes, library } = self;
        let stack = stack.clamp(*STACK.start(), *STACK.end());
        if !has_room_for(stack + NATIVE_STACK + BOOTED) {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        let Starter { profile, platform, wasm, mut settings } = starter;
        settings.services = Arc::new(OfThread {
            outer: settings.services.clone(),
            inbox: inbox.clone(),
            state: state.clone(),
        });
        let run = move || {
            let here = stack_address();
            let make = Make {
                young_generation,
                stack_limit: Some(here.saturating_sub(stack)),
                inbox,
                wasm: Some(wasm),
                owns_processes,
            };
            let mut isolate = Isolate::make(profile, platform, library(), make);
            isolate.claim(settings);
            isolate.serve();
            drop(isolate);
            drop(place);
            let waiting = {
                let mut state = state.lock();
                state.ended = true;
                state.waiting.take()
            };
            if let Some(waiting) = waiting {
                waiting.wake();
            }
        };
        Builder::new().name(name).stack_size(stack + NATIVE_STACK).spawn(run)
    }
}

/// What further isolates of a VM have in common with its first. Any thread may have one.
#[derive(Clone)]
pub struct Starter {
    profile: EngineProfile,
    platform: Platform,
    wasm: WasmLevel,
    settings: Settings,
}

impl Starter {
    pub(crate) fn of(core: &Core) -> Starter {
        Starter {
            profile: core.profile,
            platform: core.platform,
            wasm: core.wasm,
            settings: core.settings().clone(),
        }
    }

    /// Runs a job whose process is its own in an isolate of its own. It ends when the job does, by itself or because its
    /// process is killed.
    ///
    /// # Errors
    /// There are as many isolates as there may be, or no memory for another; nothing has become of the job then.
    pub fn run(
        &self,
        process: Arc<Process>,
        work: Work,
        library: impl FnOnce() -> Box<dyn Library> + Send + 'static,
    ) -> io::Result<()> {
        let inbox = Inbox::new();
        IsolateHandle(inbox.clone()).run(Job { id: JOB, process, context: None, work });
        let further = Further {
            starter: self.clone(),
            inbox,
            state: Arc::default(),
            name: "program".to_owned(),
            stack: PROGRAM_STACK,
            young_generation: YOUNG_GENERATION,
            owns_processes: true,
            library: Box::new(library),
        };
        // Nobody waits for the thread: its process's end is what others see.
        further.start().map(drop)
    }
}

impl Thread {
    /// Starts one, for the job of this realm.
    ///
    /// # Errors
    /// There are as many as there may be, or no memory for another.
    pub fn start(core: &Core, realm: &Realm, start: ThreadStart) -> io::Result<Rc<Thread>> {
        let ThreadStart { name, process, stack, heap, young_generation, library } = start;
        let mut starter = Starter::of(core);
        if let Some(heap) = heap {
            let heap = u64::try_from(heap.max(HEAP_MIN)).unwrap_or(u64::MAX);
            let limits = &mut starter.settings.limits;
            limits.heap_bytes = limits.heap_bytes.min(heap);
        }
        let inbox = Inbox::new();
        let state: Arc<Mutex<State>> = Arc::default();
        IsolateHandle(inbox.clone()).run(Job { id: JOB, process, context: None, work: Work::Thread });
        let further = Further {
            starter,
            inbox: inbox.clone(),
            state: state.clone(),
            name,
            stack,
            young_generation: young_generation.unwrap_or(YOUNG_GENERATION),
            owns_processes: false,
            library,
        };
        let handle = further.start()?;
        let thread = Rc::new(Thread { inbox, state, handle: RefCell::new(Some(handle)) });
        realm.threads.borrow_mut().push(thread.clone());
        Ok(thread)
    }

    /// Ends it, whatever it does; its end is told as any other.
    pub fn end(&self) {
        IsolateHandle(self.inbox.clone()).end(JOB, Cause::Cancelled);
    }

    /// Ready once it has ended and nothing of it is left.
    pub fn poll_end(&self, cx: &Context<'_>) -> Poll<ThreadEnd> {
        let mut state = self.state.lock();
        if !state.ended {
            state.waiting = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(match &state.completion {
            Some(completion) => ThreadEnd {
                code: match completion.outcome {
                    crate::Outcome::Succeeded | crate::Outcome::Failed => completion.exit_code,
                    crate::Outcome::Cancelled | crate::Outcome::TimedOut => 1,
                },
                out_of_memory: completion
                    .error
                    .as_ref()
                    .is_some_and(|error| !error.guest && error.code == codes::OUT_OF_MEMORY),
            },
            None => ThreadEnd { code: 1, out_of_memory: false },
        })
    }

    /// Has something look at its isolate, on its thread, when that has nothing else to do.
    pub fn look(&self, look: impl FnOnce(&mut v8::OwnedIsolate) + Send + 'static) {
        self.inbox.push(Message::Look(Box::new(look)));
    }

    /// Waits until it is over.
    fn join(&self) {
        let handle = self.handle.take();
        if let Some(handle) = handle {
            // A thread that panics ends the process.
            let _ = handle.join();
        }
    }

    /// Takes it from the realm that started it, when it has ended.
    pub fn release(self: &Rc<Self>, realm: &Realm) {
        realm.threads.borrow_mut().retain(|thread| !Rc::ptr_eq(thread, self));
        self.join();
    }
}

/// Ends all threads of a realm's job, and waits for their ends.
pub fn join_threads(realm: &Realm) {
    let threads = realm.threads.take();
    threads.iter().for_each(|thread| thread.end());
    threads.iter().for_each(|thread| thread.join());
}

/// About where the stack of this thread begins.
#[inline(never)]
fn stack_address() -> usize {
    let here = 0u8;
    (&raw const here).addr()
}

/// The services of a thread's isolate: those of the VM, and its end.
struct OfThread {
    outer: Arc<dyn Services>,
    inbox: Arc<Inbox>,
    state: Arc<Mutex<State>>,
}

impl Services for OfThread {
    fn finished(&self, _: JobId, completion: Completion) {
        self.state.lock().completion = Some(completion);
        IsolateHandle(self.inbox.clone()).shut_down();
    }

    fn host_call(&self, isolate: IsolateHandle, call: CallId, name: &str, input: String) {
        self.outer.host_call(isolate, call, name, input);
    }

    fn may_signal(&self, signal: Signal) -> bool {
        self.outer.may_signal(signal)
    }

    fn fatal(&self, why: Fatal<'_>) {
        self.outer.fatal(why);
    }
}
