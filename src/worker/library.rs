//! The library's compiled code beside the executable: mapped before there is an enclosure, made and checked by processes
//! that are told to, which have no VM.
//!
//! The file is a part of the installation as the executable is. Whoever could write to it could write to that.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use isolate::{
    CallId, Completion, Fatal, GuestClock, Helpers, Isolate, IsolateHandle, Job, JobId, Services, Settings,
    SourceOptions, Work,
};
use kernel::{AllowAll, Errno, Grouping, Kernel, KernelLimits, KernelOptions, OpenFile, SpawnRequest, user};
use protocol::config::{Limits, Platform, TimingMitigation};
use protocol::engine::EngineProfile;
use protocol::policy::Policy;
use rustix::mm::{MapFlags, ProtFlags, mmap};

use super::programs;
use super::streams::Captured;

/// What the executable's name is followed by in that of the file, with and without machine code made at run time: V8 takes
/// nothing that was compiled under other flags.
const SUFFIXES: [&str; 2] = [".library-jitless", ".library"];

/// Most bytes of a file that is mapped.
const FILE_MAX: u64 = 256 * 1024 * 1024;

/// Most bytes that a program of the rehearsal may print.
const OUTPUT_MAX: u64 = 1024 * 1024;

/// Programs that use what most do, so that it is compiled: as CommonJS and as a module.
const PROGRAMS: [(&str, &str); 2] = [
    ("/tmp/rehearsal.cjs", include_str!("../../guest-shim/js/rehearsal/program.cjs")),
    ("/tmp/rehearsal.mjs", include_str!("../../guest-shim/js/rehearsal/program.mjs")),
];

fn path(profile: EngineProfile) -> io::Result<PathBuf> {
    let mut path = std::env::current_exe()?.into_os_string();
    path.push(SUFFIXES[usize::from(profile.jit)]);
    Ok(path.into())
}

/// Takes the library's compiled code from the file beside the executable. Without one it is compiled.
///
/// # Errors
/// There is none, or none that is of use.
pub(super) fn open(profile: EngineProfile) -> io::Result<()> {
    let file = File::open(path(profile)?)?;
    let length = file.metadata()?.len();
    let length = usize::try_from(length.min(FILE_MAX)).map_err(io::Error::other)?;
    if length == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    // SAFETY: a new mapping of a regular file, wherever there is room, to be read alone. It stays for the process's life.
    // The file belongs to the installation, in which files are replaced and never written to, as is the executable
    // that is mapped the same way.
    let bytes: &'static [u8] = unsafe {
        let at = mmap(std::ptr::null_mut(), length, ProtFlags::READ, MapFlags::PRIVATE, &file, 0)?;
        std::slice::from_raw_parts(at.cast::<u8>(), length)
    };
    node::use_compiled(bytes).map_err(|unfit| io::Error::other(unfit.to_string()))
}

/// Says whether the file beside the executable is of use.
pub(super) fn check(profile: EngineProfile, found: io::Result<()>) -> ExitCode {
    let checked = found.map_err(|error| error.to_string()).and_then(|()| {
        isolate::initialize(&profile, Helpers::Now);
        drop(Isolate::new(profile, Platform::Node, node::library(), 1));
        node::fits().map_err(|unfit| unfit.to_string())
    });
    match checked {
        Ok(scripts) => {
            println!("{scripts} scripts");
            ExitCode::SUCCESS
        }
        Err(why) => {
            println!("{why}");
            ExitCode::FAILURE
        }
    }
}

/// Runs what every program begins with and writes what V8 has compiled for it to standard output.
pub(super) fn compile(profile: EngineProfile) -> ExitCode {
    isolate::initialize(&profile, Helpers::Now);
    let rehearsed = [Platform::Node, Platform::Neutral].into_iter().try_for_each(|platform| {
        let isolate = Isolate::new(profile, platform, node::library(), 1);
        rehearse(isolate, platform).map_err(|error| format!("{}: {error}", platform.name()))
    });
    let written = rehearsed.and_then(|()| {
        let mut stdout = io::stdout().lock();
        stdout.write_all(&node::compiled()).and_then(|()| stdout.flush()).map_err(|error| error.to_string())
    });
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cordon-worker: the library cannot be compiled: {error}");
            ExitCode::FAILURE
        }
    }
}

fn rehearse(mut isolate: Isolate, platform: Platform) -> io::Result<()> {
    let kernel = Kernel::new(KernelOptions {
        limits: KernelLimits::default(),
        fs_policy: Arc::new(AllowAll),
        clock: Arc::new(kernel::SystemClock::default()),
        random: |buffer| buffer.fill(0),
    });
    let of_kernel = |errno: Errno| io::Error::other(errno.message());
    for (path, text) in PROGRAMS {
        kernel.install_file(path, text.as_bytes(), 0o644).map_err(of_kernel)?;
    }
    let as_given =
        |path: &str| Work::ExecuteFile { path: path.to_owned(), options: SourceOptions::default() };
    let mut works = vec![
        (
            vec!["[eval]"],
            Work::Evaluate { source: "[1, await 2]".to_owned(), options: SourceOptions::default() },
        ),
        (
            vec!["[execute]"],
            Work::Execute { source: "console.log(1)".to_owned(), options: SourceOptions::default() },
        ),
    ];
    let mut lines = Vec::new();
    if platform == Platform::Node {
        let [(script, _), (module, _)] = PROGRAMS;
        works.extend([script, module].map(|path| (vec![path], as_given(path))));
        lines.extend([vec!["-e", "console.log(1)"], vec!["-p", "1"], vec![script], vec![module]]);
        // Programs of this name run in this isolate, since they are told of no other.
        let policy = Policy::new(&Default::default()).map_err(|error| io::Error::other(error.message))?;
        programs::install(&kernel, isolate.handle(), Arc::new(policy)).map_err(of_kernel)?;
    }
    let handle = isolate.handle();
    let services = Arc::new(Waiting {
        jobs: AtomicUsize::new(works.len() + lines.len()),
        failed: parking_lot::Mutex::default(),
        isolate: handle.clone(),
    });
    let timing_mitigation = TimingMitigation::default();
    isolate.claim(Settings {
        limits: Limits::default(),
        timing_mitigation,
        clock: GuestClock::new(timing_mitigation)?,
        kernel: kernel.clone(),
        services: services.clone(),
        host_functions: Vec::new(),
        engine_report: "null".to_owned(),
        time_zone: "UTC".to_owned(),
    });
    let descriptors = || {
        let output = || OpenFile::from_stream(Captured::new(OUTPUT_MAX), false, true);
        vec![(0, kernel.null()), (1, output()), (2, output())]
    };
    for (id, (argv, work)) in (1..).map(JobId).zip(works) {
        let process = kernel
            .create_process(None, strings(&argv), Vec::new(), user::HOME, descriptors())
            .map_err(of_kernel)?;
        handle.run(Job { id, process, context: None, work });
    }
    for line in lines {
        let request = SpawnRequest {
            program: "node".to_owned(),
            argv: strings(&[&["node"], line.as_slice()].concat()),
            env: vec![("PATH".to_owned(), "/bin".to_owned())],
            cwd: Some(user::HOME.to_owned()),
            fds: descriptors(),
            ignored_signals: Default::default(),
            default_signals: Default::default(),
            grouping: Grouping::NewSession,
        };
        kernel.spawn(kernel.system(), request).map_err(of_kernel)?;
    }
    isolate.serve();
    isolate.keep();
    match services.failed.lock().take() {
        None => Ok(()),
        Some(error) => Err(io::Error::other(error)),
    }
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// Waits for the jobs of the rehearsal.
struct Waiting {
    jobs: AtomicUsize,
    failed: parking_lot::Mutex<Option<String>>,
    isolate: IsolateHandle,
}

impl Services for Waiting {
    fn finished(&self, _: JobId, completion: Completion) {
        if let Some(error) = completion.error {
            self.failed.lock().get_or_insert(error.stack.unwrap_or(error.message));
        }
        if self.jobs.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.isolate.shut_down();
        }
    }

    fn host_call(&self, _: IsolateHandle, _: CallId, _: &str, _: String) {}

    fn fatal(&self, _: Fatal<'_>) {}
}
