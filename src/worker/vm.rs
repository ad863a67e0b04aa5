//! The VM that a claimed worker is: puts kernel, isolate and command runtime together and hands out what the
//! supervisor sends.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::broker::{Answer, Broker};
use super::calls::Calls;
use super::channel::{Received, Receiver, Sender};
use super::network::Outward;
use super::policy::PathPolicy;
use super::services::{CommandServices, IsolateServices};
use super::{end_now, programs, threads};
use command::{CommandLimits, CommandRuntime, Prepared};
use isolate::{GuestClock, Isolate, IsolateHandle, Settings};
use kernel::{Errno, Kernel, KernelLimits, KernelOptions, Layout, user};
use protocol::abi::{MountId, NPM_DIRECTORY};
use protocol::broker::{BrokerReply, Claim, ClaimedMount, FromWorker, ToWorker};
use protocol::config::{CreateVmConfig, Limits, Platform};
use protocol::engine::EngineReport;
use protocol::policy::{Policy, Scope};
use protocol::wire::{ErrorData, VmRequest, VmResponse, code};

/// Open files of the whole VM, for each descriptor that one process may have.
const OPEN_FILES_PER_DESCRIPTOR: u64 = 16;

/// What runs a VM.
pub(super) struct Engine {
    pub(super) report: EngineReport,
    /// The same as JSON, as guests read it.
    pub(super) text: String,
}

impl Engine {
    /// Reads it from the engine.
    pub(super) fn of(isolate: &Isolate) -> io::Result<Engine> {
        let report = isolate.report(wasmtime_environ::VERSION);
        let text = serde_json::to_string(&report)?;
        Ok(Engine { report, text })
    }
}

/// What a VM is made from, its isolate apart: there before anybody asks for it.
pub(super) struct Ground {
    /// The engine of commands, where it was started in advance.
    pub(super) commands: Option<Prepared>,
    /// The filesystem that the VM will have.
    pub(super) layout: Layout,
    pub(super) engine: Engine,
    /// Private writable memory that the process has, in bytes: to be measured when everything else is there.
    pub(super) memory: u64,
}

/// The parts of one VM, shared by the worker's threads.
pub(super) struct VirtualMachine {
    pub(super) kernel: Arc<Kernel>,
    pub(super) isolate: IsolateHandle,
    pub(super) commands: Arc<CommandRuntime>,
    pub(super) policy: Arc<Policy>,
    pub(super) limits: Limits,
    pub(super) engine: EngineReport,
    pub(super) sender: Arc<Sender>,
    broker: Arc<Broker>,
    outward: Arc<Outward>,
    pub(super) calls: Arc<Calls>,
    base: Base,
}

/// What every program of the VM starts with.
struct Base {
    env: BTreeMap<String, String>,
    cwd: String,
}

impl VirtualMachine {
    /// Makes the VM that a claim describes.
    pub(super) fn new(
        isolate: &mut Isolate,
        ground: Ground,
        claim: Claim,
        sender: Arc<Sender>,
        calls: Arc<Calls>,
    ) -> Result<Arc<Self>, ErrorData> {
        let Claim { config, mut mounts, commands, npm } = claim;
        let Ground { commands: prepared, layout, engine, memory } = ground;
        enclosure::limit_memory(memory.saturating_add(config.limits.memory_bytes))
            .map_err(|error| ErrorData::new(code::LIMIT, error.to_string()).field("limits.memoryBytes"))?;
        let policy = Arc::new(Policy::new(&config.permissions)?);
        let broker = Arc::new(Broker::new(sender.clone()));
        let clock = GuestClock::new(config.timing_mitigation)
            .map_err(|error| ErrorData::new(code::WORKER_LOST, format!("no random bytes: {error}")))?;
        let kernel = kernel(layout, &config, &policy, clock);
        let outward = Outward::new(broker.clone(), policy.clone());
        kernel.network().set_connector(outward.clone());
        // Those that are denied are there as well: the supervisor refuses the call, and says which scope does.
        let host_functions = config.host_functions.clone();
        let command_services = CommandServices {
            broker: broker.clone(),
            policy: policy.clone(),
            web_assembly: config.permissions.web_assembly,
            host_functions: host_functions.clone(),
            engine_report: engine.text.clone(),
            calls: calls.clone(),
        };
        let limits = CommandLimits {
            commands: config.limits.processes.min(1024) as u32,
            memory_bytes: config.limits.command_memory_bytes,
            ..CommandLimits::default()
        };
        let runtime = CommandRuntime::new(
            kernel.clone(),
            limits,
            Arc::new(command_services),
            threads::OF_COMMANDS,
            prepared,
        );
        kernel.add_executor(command::ENGINE, runtime.clone());
        let mut programs = None;
        if config.platform == Platform::Node {
            let installed = programs::install(&kernel, isolate.handle(), policy.clone());
            programs = Some(installed.map_err(|errno| {
                let text = format!("limits.inodes: {}: /usr/local/bin/node", errno.message());
                ErrorData::new(code::CONFIG, text).field("limits.inodes")
            })?);
        }
        let refused = |errno: Errno, field: &str, what: &str| {
            let text = format!("{field}: {}: {what}", errno.message());
            ErrorData::new(code::CONFIG, text).field(field)
        };
        command::install_programs(&kernel, &commands)
            .map_err(|errno| refused(errno, "limits.inodes", "/bin"))?;
        for (index, mount) in mounts.iter().enumerate() {
            let ClaimedMount { mount, guest, read_only } = mount;
            kernel
                .mount(guest, *mount, *read_only, broker.clone())
                .map_err(|errno| refused(errno, &format!("mounts[{index}].guest"), guest))?;
        }
        if npm && config.platform == Platform::Node {
            programs::install_npm(&kernel, broker.clone())
                .map_err(|errno| refused(errno, "limits.inodes", NPM_DIRECTORY))?;
            mounts.push(ClaimedMount {
                mount: MountId::NPM,
                guest: NPM_DIRECTORY.to_owned(),
                read_only: true,
            });
        }
        let base = base(&config, &mounts, &kernel).map_err(|errno| refused(errno, "cwd", &config.cwd))?;
        let services = IsolateServices::new(
            broker.clone(),
            policy.clone(),
            sender.clone(),
            calls.clone(),
            &config.limits,
        );
        isolate.claim(Settings {
            limits: config.limits.clone(),
            timing_mitigation: config.timing_mitigation,
            clock,
            kernel: kernel.clone(),
            services: Arc::new(services),
            host_functions,
            engine_report: engine.text,
            time_zone: "UTC".to_owned(),
        });
        if let Some(programs) = programs {
            programs.start_with(isolate.starter());
        }
        Ok(Arc::new(VirtualMachine {
            kernel,
            isolate: isolate.handle(),
            commands: runtime,
            policy,
            limits: config.limits,
            engine: engine.report,
            sender,
            broker,
            outward,
            calls,
            base,
        }))
    }

    /// Hands out messages until the supervisor is gone. Runs on a thread that does nothing else, so that an answer to
    /// the VM, or its end, never waits for guest code.
    pub(super) fn read(self: &Arc<Self>, mut inbox: Inbox) {
        while let Some(message) = inbox.next(self) {
            self.hand_out(message, &mut inbox);
        }
    }

    /// Hands out one message. What it asks for is begun, and waited for by others.
    pub(super) fn hand_out(self: &Arc<Self>, message: ToWorker, inbox: &mut Inbox) {
        let tells_nothing = matches!(
            message,
            ToWorker::Reply { reply: BrokerReply::HostFilesystem { .. }, .. }
                | ToWorker::Ping {}
                | ToWorker::TakeDecisions {}
        );
        if !tells_nothing {
            self.broker.heard();
        }
        match message {
            ToWorker::Request { id, request } => {
                let runs_javascript =
                    request.execution().is_some() && !matches!(request, VmRequest::Spawn { .. });
                self.calls.begin(self, id, request);
                if runs_javascript {
                    inbox.helpers.want();
                }
            }
            ToWorker::Update { id, update } => self.calls.update(id, &update),
            ToWorker::Mount { id, mount } => {
                let vm = self.clone();
                self.calls.perform(move || {
                    let ClaimedMount { mount, guest, read_only } = mount;
                    let result = vm.kernel.mount(&guest, mount, read_only, vm.broker.clone());
                    vm.respond(id, done(result, &guest));
                });
            }
            ToWorker::Unmount { id, guest } => {
                let vm = self.clone();
                self.calls.perform(move || {
                    let result = vm.kernel.unmount(&guest);
                    vm.respond(id, done(result, &guest));
                });
            }
            ToWorker::Reply { call, reply } => {
                let mut descriptor =
                    if reply.has_descriptor() { inbox.receiver.take_descriptor() } else { None };
                let mut link = None;
                if let BrokerReply::Connect { result: Ok(connected) } = &reply {
                    link = descriptor.take().map(|socket| self.outward.link(connected, socket));
                }
                self.broker.answered(call, Answer { reply, descriptor, link });
            }
            ToWorker::Outward { connection, event } => self.outward.happened(connection, event),
            ToWorker::SetNetwork { id, scope } => {
                let set = self.policy.set_network(&scope).map(|()| VmResponse::Done {});
                self.respond(id, set.map_err(ErrorData::from));
            }
            ToWorker::WatchDecisions { watch } => self.policy.journal().watch(watch),
            ToWorker::TakeDecisions {} => {
                self.sender.send(&FromWorker::Decisions { batch: self.policy.journal().take() });
            }
            ToWorker::Ping {} => self.sender.send(&FromWorker::Pong {}),
            ToWorker::Claim(_) => end_now(super::USAGE.into()),
        }
    }

    /// Answers a request.
    pub(super) fn respond(&self, id: u64, response: Result<VmResponse, ErrorData>) {
        self.sender.send(&FromWorker::Response { id, response });
    }

    /// The environment of a program: the VM's own, what the call adds, and the directory it starts in; without what
    /// the `env` scope denies.
    pub(super) fn environment(&self, added: &BTreeMap<String, String>, cwd: &str) -> Vec<(String, String)> {
        let mut env = self.base.env.clone();
        env.extend(added.iter().map(|(name, value)| (name.clone(), value.clone())));
        env.insert("PWD".to_owned(), cwd.to_owned());
        env.retain(|name, _| self.policy.allows(Scope::Env, "read", name));
        env.into_iter().collect()
    }

    /// The directory that a program starts in.
    pub(super) fn directory(&self, wanted: Option<&str>) -> String {
        match wanted {
            None => self.base.cwd.clone(),
            Some(absolute) if absolute.starts_with('/') => absolute.to_owned(),
            Some(relative) => format!("{}/{relative}", self.base.cwd.trim_end_matches('/')),
        }
    }

    /// How long a call may take.
    pub(super) fn deadline(&self, wanted: Option<u64>) -> Duration {
        Duration::from_millis(wanted.unwrap_or(u64::MAX).min(self.limits.wall_time_ms))
    }
}

/// How long JavaScript runs before V8 gets its helper thread: longer than nearly all of it takes, which then does without. A
/// program in a file has it from its start.
const HELPERS_AFTER: Duration = Duration::from_millis(10);

/// The longest time between two looks at a job that did not run when it was looked at.
const HELPERS_WITHIN: Duration = Duration::from_secs(1);

/// Whether V8's helper thread, which a worker that was forked does not have from the start, has been started.
enum Helpers {
    Unwanted,
    /// JavaScript was asked for: when to look again, and how long that is after the last look.
    Wanted {
        at: Instant,
        after: Duration,
    },
    Started,
}

impl Helpers {
    /// JavaScript is run.
    fn want(&mut self) {
        let soon = Instant::now() + HELPERS_AFTER;
        let at = match self {
            Helpers::Unwanted => soon,
            Helpers::Wanted { at, .. } => soon.min(*at),
            Helpers::Started => return,
        };
        *self = Helpers::Wanted { at, after: HELPERS_AFTER };
    }

    /// Starts the helper if guest code still runs some time after it was wanted. Gives the time when to ask again: a job
    /// that waits, or whose context is still made, may run for long later.
    fn start_when_due(&mut self, isolate: &IsolateHandle) -> Option<Instant> {
        let Helpers::Wanted { at, after } = *self else { return None };
        let now = Instant::now();
        if now < at {
            return Some(at);
        }
        if isolate.is_running() {
            isolate::start_helpers();
            *self = Helpers::Started;
            return None;
        }
        if !isolate.has_jobs() {
            *self = Helpers::Unwanted;
            return None;
        }
        let after = (after * 2).min(HELPERS_WITHIN);
        *self = Helpers::Wanted { at: now + after, after };
        Some(now + after)
    }
}

/// What the supervisor sends to a VM, and since when that runs JavaScript.
pub(super) struct Inbox {
    receiver: Receiver,
    helpers: Helpers,
}

impl Inbox {
    pub(super) fn new(receiver: Receiver) -> Inbox {
        Inbox { receiver, helpers: Helpers::Unwanted }
    }

    /// The next message; none when the supervisor is gone. Meanwhile ends what is late, tells what the enclosure has
    /// refused, and starts V8's helper if guest code runs some time after it was wanted.
    pub(super) fn next(&mut self, vm: &VirtualMachine) -> Option<ToWorker> {
        loop {
            let refused = enclosure::refused_calls();
            if !refused.is_empty() {
                vm.sender.send(&FromWorker::RefusedCalls { calls: refused });
            }
            let late = vm.calls.end_late();
            let helper = self.helpers.start_when_due(&vm.isolate);
            let wake = late.into_iter().chain(helper).min();
            match self.receiver.next_by(wake) {
                Received::Message(message) => return Some(message),
                Received::Late => {}
                Received::Gone => return None,
            }
        }
    }
}

/// What is said of a mount or its end.
fn done(result: Result<(), Errno>, guest: &str) -> Result<VmResponse, ErrorData> {
    result.map(|()| VmResponse::Done {}).map_err(|errno| super::files::error(errno, guest))
}

fn kernel(layout: Layout, config: &CreateVmConfig, policy: &Arc<Policy>, clock: GuestClock) -> Arc<Kernel> {
    let limits = &config.limits;
    let narrow = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
    let options = KernelOptions {
        limits: KernelLimits {
            filesystem_bytes: limits.filesystem_bytes,
            inodes: limits.inodes,
            descriptors: narrow(limits.descriptors),
            open_files: limits.descriptors * OPEN_FILES_PER_DESCRIPTOR,
            processes: narrow(limits.processes),
            // Those that are being closed are there for a while.
            terminal_bytes: 2 * limits.terminals * kernel::TERMINAL_COST,
            ..KernelLimits::default()
        },
        fs_policy: Arc::new(PathPolicy(policy.clone())),
        clock: Arc::new(clock),
        random: |buffer| {
            if getrandom::fill(buffer).is_err() {
                // Without randomness nothing that asks for it may go on.
                end_now(1);
            }
        },
    };
    Kernel::with_layout(options, layout)
}

fn base(config: &CreateVmConfig, mounts: &[ClaimedMount], kernel: &Kernel) -> Result<Base, Errno> {
    let system = kernel.system();
    let mut made = String::new();
    for part in config.cwd.split('/').filter(|part| !part.is_empty()) {
        made = format!("{made}/{part}");
        // In a mount the directory has to be there, which starting a program asks: nobody answers for mounts before the VM
        // is made, nor is the host's directory changed for this.
        if mounts.iter().any(|mount| Path::new(&made).starts_with(&mount.guest)) {
            break;
        }
        match system.mkdir(&made, 0o755) {
            Ok(()) | Err(Errno::Eexist) => {}
            Err(errno) => return Err(errno),
        }
    }
    let own = [
        ("HOME", user::HOME),
        ("LANG", "C.UTF-8"),
        ("PATH", "/bin"),
        ("TMPDIR", "/tmp"),
        ("USER", user::NAME),
    ];
    let mut env: BTreeMap<String, String> =
        own.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    env.extend(config.env.clone());
    Ok(Base { env, cwd: config.cwd.clone() })
}
