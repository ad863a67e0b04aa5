//! System calls that the filter refused, by number. A library that makes one goes on with an error, and this process says
//! later which it was ([`take`]): a rule that is missing is found by its name, and so is an attempt.
//!
//! The kernel sends `SIGSYS` instead of performing the call (seccomp(2), `SECCOMP_RET_TRAP`).

use std::ffi::c_int;
use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use syscalls::Sysno;

use super::filter::REFUSED;
use crate::end_now;

/// Numbers of system calls are below that.
const NUMBERS: usize = 1024;
const WORD: usize = 64;

/// The bit that marks system calls of the x32 ABI, which no program of ours has (x32 in syscall(2)'s table).
const X32: usize = 0x4000_0000;
/// How a process ends that calls what only an attacker calls.
const ATTACKER: i32 = 126;

/// A bit for each number that was refused since the last [`take`].
static NOTED: [AtomicU64; NUMBERS / WORD] = [const { AtomicU64::new(0) }; NUMBERS / WORD];

/// Calls that are refused with an error of their own, and not noted: number and error.
static DECLINED: OnceLock<Vec<(i64, u32)>> = OnceLock::new();

/// Has refused calls noted from now on, but for those that are declined.
///
/// # Errors
/// As sigaction(2).
pub(super) fn note(declined: Vec<(i64, u32)>) -> io::Result<()> {
    DECLINED.get_or_init(|| declined);
    // SAFETY: all zeros is a value of this plain structure of the C library.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = on_refusal as *const () as usize;
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
    // SAFETY: the action is initialised, its handler has the signature that SA_SIGINFO asks for and does only what a
    // signal handler may: it touches atomics, the context that it is given, and a list that is not written to any more.
    match unsafe { libc::sigaction(libc::SIGSYS, &raw const action, std::ptr::null_mut()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Notes the call and has it fail.
extern "C" fn on_refusal(_: c_int, _: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel gives a handler with SA_SIGINFO the context of the thread that it interrupted, for the time of
    // the handler, and nothing else refers to it.
    let context = unsafe { &mut *context.cast::<libc::ucontext_t>() };
    let number = call_of(context);
    if number & X32 != 0 {
        end_now(ATTACKER);
    }
    // Set before this handler was, so that nothing waits here.
    let declined = DECLINED.get().into_iter().flatten();
    if let Some((_, errno)) = declined.into_iter().find(|(call, _)| *call == number as i64) {
        return answer(context, -i64::from(*errno));
    }
    if let Some(word) = NOTED.get(number / WORD) {
        word.fetch_or(1 << (number % WORD), Relaxed);
    }
    answer(context, -(REFUSED as i64));
}

#[cfg(target_arch = "x86_64")]
fn call_of(context: &libc::ucontext_t) -> usize {
    context.uc_mcontext.gregs[libc::REG_RAX as usize] as usize
}

#[cfg(target_arch = "x86_64")]
fn answer(context: &mut libc::ucontext_t, result: i64) {
    context.uc_mcontext.gregs[libc::REG_RAX as usize] = result;
}

#[cfg(target_arch = "aarch64")]
fn call_of(context: &libc::ucontext_t) -> usize {
    context.uc_mcontext.regs[8] as usize
}

#[cfg(target_arch = "aarch64")]
fn answer(context: &mut libc::ucontext_t, result: i64) {
    context.uc_mcontext.regs[0] = result as u64;
}

/// The names of the calls that were refused since the last time.
pub fn take() -> Vec<String> {
    let mut names = Vec::new();
    for (index, word) in NOTED.iter().enumerate() {
        if word.load(Relaxed) == 0 {
            continue;
        }
        let bits = word.swap(0, Relaxed);
        for bit in (0..WORD).filter(|bit| bits & (1 << bit) != 0) {
            let number = index * WORD + bit;
            names.push(Sysno::new(number).map_or_else(|| number.to_string(), |call| call.name().to_owned()));
        }
    }
    names
}
