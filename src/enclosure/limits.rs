//! Limits and rights of the process itself.

use std::io;
use std::os::fd::{BorrowedFd, RawFd};

use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::CapabilitySet;

use super::Kind;

/// Descriptors that a worker needs at most: the channel, artifacts, pollers of its runtimes, and connections beyond the VM.
const DESCRIPTORS: u64 = 64 + protocol::network::CONNECTIONS_MAX;

/// Those of the network process: two for a connection, some more for questions to servers of names.
const NETWORK_DESCRIPTORS: u64 = 64 * 1024;

/// How far the stack of the main thread may grow at most; it does not count as data. What the process starts with, 8 MiB as a
/// rule, is kept if that is less.
const STACK_MAX: u64 = 64 << 20;

/// Stack of a thread that does nothing.
const TRIAL_STACK: usize = 64 * 1024;

/// `PR_SET_MDWE` and its flag (linux/prctl.h): memory that is or was writable cannot become executable.
const PR_SET_MDWE: i32 = 65;
const PR_MDWE_REFUSE_EXEC_GAIN: libc::c_ulong = 1;

/// Closes every descriptor but the three standard ones. To be called before anything is opened.
///
/// # Errors
/// As close_range(2).
pub fn close_descriptors() -> io::Result<()> {
    // SAFETY: `run` calls this before it opens anything, so these are inherited and nothing in this process owns them.
    match unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The descriptors that are open beside the three standard ones.
pub fn open_descriptors() -> Vec<RawFd> {
    let is_open = |fd: &RawFd| {
        // SAFETY: it is only asked about: the answer for one that is not open is an error, and nothing is done to one
        // that is.
        rustix::io::fcntl_getfd(unsafe { BorrowedFd::borrow_raw(*fd) }).is_ok()
    };
    (3..DESCRIPTORS as RawFd).filter(is_open).collect()
}

/// Closes every descriptor but the three standard ones and these, which are in order.
///
/// # Errors
/// As close_range(2).
pub fn close_descriptors_but(kept: &[RawFd]) -> io::Result<()> {
    let mut first: libc::c_uint = 3;
    let ends = kept.iter().map(|fd| *fd as libc::c_uint).chain([libc::c_uint::MAX]);
    for end in ends {
        let last = if end == libc::c_uint::MAX { end } else { end - 1 };
        // SAFETY: the caller has dropped whatever of this process owned descriptors but for those that it keeps.
        if first <= last && unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) } != 0 {
            return Err(io::Error::last_os_error());
        }
        first = end.saturating_add(1);
    }
    Ok(())
}

/// Limits that do not depend on the VM.
pub(super) fn limit_resources(kind: Kind) -> io::Result<()> {
    let fixed = |value| Rlimit { current: Some(value), maximum: Some(value) };
    setrlimit(Resource::Core, fixed(0))?;
    let descriptors = match kind {
        Kind::Worker { .. } => DESCRIPTORS,
        Kind::Network => NETWORK_DESCRIPTORS,
    };
    // The host may allow fewer, which is the less there is to limit.
    let allowed = getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX);
    setrlimit(Resource::Nofile, fixed(descriptors.min(allowed)))?;
    let stack = getrlimit(Resource::Stack).current.map_or(STACK_MAX, |now| now.min(STACK_MAX));
    setrlimit(Resource::Stack, fixed(stack))?;
    Ok(())
}

/// Sets the ceiling of the whole VM: private writable memory of this process. Address space as such is not limited,
/// because V8's sandbox reserves a terabyte of it.
///
/// # Errors
/// As setrlimit(2).
pub fn limit_memory(bytes: u64) -> io::Result<()> {
    Ok(setrlimit(Resource::Data, Rlimit { current: Some(bytes), maximum: Some(bytes) })?)
}

/// Whether [`limit_threads`] would limit the threads of this process, and of none other; else why not. To be asked in the
/// user namespace that it is in for good. A thread is tried to be started, and waited for.
///
/// # Errors
/// As setrlimit(2).
pub(super) fn can_limit_threads() -> io::Result<Result<(), String>> {
    let release = rustix::system::uname().release().to_string_lossy().into_owned();
    if !counts_by_namespace(&release) {
        return Ok(Err(format!("Linux {release} counts all threads of a user together")));
    }
    let limit = getrlimit(Resource::Nproc);
    setrlimit(Resource::Nproc, Rlimit { current: Some(0), maximum: limit.maximum })?;
    let started = std::thread::Builder::new().stack_size(TRIAL_STACK).spawn(|| ());
    setrlimit(Resource::Nproc, limit)?;
    Ok(match started {
        Ok(thread) => {
            let _ = thread.join();
            Err("the kernel exempts this user, as it does the host's root".to_owned())
        }
        Err(_) => Ok(()),
    })
}

/// Whether Linux of that release counts a user's processes in each user namespace apart: from 5.14 on.
fn counts_by_namespace(release: &str) -> bool {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map_while(|part| part.parse::<u32>().ok());
    let version = (numbers.next(), numbers.next());
    version >= (Some(5), Some(14))
}

/// Limits the threads of this process, for good. They must be alone in their user namespace.
///
/// # Errors
/// As setrlimit(2).
pub(super) fn limit_threads(most: u64) -> io::Result<()> {
    Ok(setrlimit(Resource::Nproc, Rlimit { current: Some(most), maximum: Some(most) })?)
}

/// Gives up every capability, also those that the user namespace brought.
pub(super) fn drop_capabilities() -> io::Result<()> {
    let none = rustix::thread::CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    for number in 0..u64::BITS {
        let one = CapabilitySet::from_bits_retain(1 << number);
        // The first that fails is one that this kernel does not know, and it knows none beyond; or there is no right to
        // give one up, and then no program of this process could have got it either.
        if rustix::thread::remove_capability_from_bounding_set(one).is_err() {
            break;
        }
    }
    rustix::thread::clear_ambient_capability_set()
        .or_else(|errno| if errno == Errno::INVAL { Ok(()) } else { Err(errno) })?;
    Ok(rustix::thread::set_capabilities(None, none)?)
}

/// Denies every right that this kernel's Landlock knows, but for connecting where that is what the process is for. Says what
/// is left if it does not know all that we do.
pub(super) fn deny_files(kind: Kind) -> io::Result<Option<String>> {
    use landlock::{ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetStatus, Scope};
    let abi = ABI::V6;
    let ports = match kind {
        Kind::Worker { .. } => AccessNet::from_all(abi),
        Kind::Network => AccessNet::BindTcp.into(),
    };
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(abi))
        .and_then(|rules| rules.handle_access(ports))
        .and_then(|rules| rules.scope(Scope::from_all(abi)))
        .and_then(Ruleset::create)
        .and_then(landlock::RulesetCreated::restrict_self)
        .map_err(io::Error::other)?;
    match status.ruleset {
        RulesetStatus::NotEnforced => Err(io::Error::other("this kernel has no Landlock")),
        RulesetStatus::PartiallyEnforced => Ok(Some(
            "this kernel's Landlock is older and leaves ports, signals or some operations out".to_owned(),
        )),
        RulesetStatus::FullyEnforced => Ok(None),
    }
}

/// From here on the kernel refuses to make memory executable that is or was writable.
pub(super) fn deny_executable_memory() -> io::Result<()> {
    // SAFETY: this prctl(2) takes numbers only.
    match unsafe { libc::prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_compared_by_their_numbers() {
        for release in ["5.14.0-1-amd64", "5.15", "6.1.0", "6.18.44-fc-v669", "10.0"] {
            assert!(counts_by_namespace(release), "{release}");
        }
        for release in ["5.13.19-generic", "4.19.0", "5.9", "strange", ""] {
            assert!(!counts_by_namespace(release), "{release}");
        }
    }
}
