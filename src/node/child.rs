//! What `spawn` and `spawnSync` have in common: from the arguments that the library gives to a process of the kernel's.
//!
//! Whether a program may be started is the kernel's decision, by the permission `childProcess`.

use std::rc::Rc;
use std::sync::Arc;

use isolate::library::{Scope, text};
use kernel::{Errno, Grouping, OpenFile, Process, Signal, SignalSet, SpawnRequest, user};

use crate::environment::Env;
use crate::stream_base::{EINVAL, EPERM};

/// Most descriptors that a child is started with.
pub(crate) const STDIO_MAX: u32 = 256;

/// Most arguments, and most variables. What they take together the kernel bounds.
const TEXTS_MAX: u32 = 1 << 16;

/// What is asked for.
pub(crate) struct Wanted<'s> {
    pub file: v8::Local<'s, v8::Value>,
    pub arguments: v8::Local<'s, v8::Value>,
    pub directory: v8::Local<'s, v8::Value>,
    pub variables: v8::Local<'s, v8::Value>,
    pub user: v8::Local<'s, v8::Value>,
    pub group: v8::Local<'s, v8::Value>,
    pub detached: bool,
}

/// Why nothing was started.
pub(crate) enum Failure {
    /// An exception is pending.
    Threw,
    /// libuv's number.
    Status(i32),
}

impl From<Errno> for Failure {
    fn from(errno: Errno) -> Failure {
        Failure::Status(-errno.code())
    }
}

/// The texts of an array; nothing for what is none.
fn texts(scope: &mut Scope<'_, '_>, value: v8::Local<'_, v8::Value>) -> Result<Option<Vec<String>>, Failure> {
    let Ok(array) = value.try_cast::<v8::Array>() else { return Ok(None) };
    if array.length() > TEXTS_MAX {
        return Err(Errno::E2big.into());
    }
    let mut texts = Vec::new();
    for index in 0..array.length() {
        let value = array.get_index(scope, index).ok_or(Failure::Threw)?;
        let value = value.to_string(scope).ok_or(Failure::Threw)?;
        texts.push(text(scope, value).ok_or(Failure::Threw)?);
    }
    Ok(Some(texts))
}

/// Starts a program with these descriptors.
pub(crate) fn start(
    scope: &mut Scope<'_, '_>,
    env: &Rc<Env>,
    process: &Process,
    wanted: &Wanted<'_>,
    fds: Vec<(u32, Arc<OpenFile>)>,
) -> Result<Arc<Process>, Failure> {
    // There is one user, and programs are its.
    for who in [wanted.user, wanted.group] {
        if who.is_number() && who.integer_value(scope) != Some(user::ID.into()) {
            return Err(Failure::Status(EPERM));
        }
    }
    let file: v8::Local<v8::String> = wanted.file.try_cast().map_err(|_| Failure::Status(EINVAL))?;
    let program = text(scope, file).ok_or(Failure::Threw)?;
    let arguments = texts(scope, wanted.arguments)?.filter(|arguments| !arguments.is_empty());
    let argv = arguments.unwrap_or_else(|| vec![program.clone()]);
    let cwd = match wanted.directory.try_cast::<v8::String>() {
        Ok(directory) => Some(text(scope, directory).ok_or(Failure::Threw)?).filter(|path| !path.is_empty()),
        Err(_) => None,
    };
    let variables = match texts(scope, wanted.variables)? {
        None => process.env().to_vec(),
        Some(pairs) => pairs
            .iter()
            .filter_map(|pair| pair.split_once('='))
            .filter(|(name, _)| !name.is_empty())
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
    };
    let request = SpawnRequest {
        program,
        argv,
        env: variables,
        cwd,
        fds,
        ignored_signals: SignalSet::default(),
        default_signals: Default::default(),
        grouping: if wanted.detached { Grouping::NewSession } else { Grouping::Inherit },
    };
    Ok(env.core.settings().kernel.spawn(process, request)?)
}

/// Sends a signal to a child that has not ended, if the permission `process` allows it. An error's number, or 0.
pub(crate) fn kill(env: &Env, child: &Process, signal: i32) -> i32 {
    if child.exit_status().is_some() {
        return -Errno::Esrch.code();
    }
    if signal == 0 {
        return 0;
    }
    let Some(signal) = u8::try_from(signal).ok().and_then(Signal::from_number) else { return EINVAL };
    let settings = env.core.settings();
    if !settings.services.may_signal(signal) {
        return -Errno::Eacces.code();
    }
    settings.kernel.kill(child.pid(), signal).map_or_else(|errno| -errno.code(), |()| 0)
}
