//! Files: `fs` and its promises, on the VM's kernel.
//!
//! Each function takes its arguments apart and says what is to be done; [`call`] does it at once, for a request, or for
//! a promise.

pub(super) mod arguments;
mod attributes;
pub(super) mod call;
mod copying;
mod directories;
pub(in crate::bindings) mod file_handle;
mod io;
mod jobs;
mod links;
pub(super) mod looking;
mod memory;
mod open;
pub(crate) mod pool;
mod probe;
pub(super) mod stat;
mod stat_watcher;
pub(super) mod text;

use std::rc::Rc;

use isolate::library::Scope;

use crate::binding::{Args, Binding, Return, functions, get, set};
use crate::environment::Env;

pub(super) static BINDING: Binding = Binding {
    name: "fs",
    functions: functions! {
        "access" => probe::access,
        "existsSync" => probe::exists_sync,
        "internalModuleStat" => probe::internal_module_stat,
        "legacyMainResolve" => probe::legacy_main_resolve,
        "getFormatOfExtensionlessFile" => probe::get_format_of_extensionless_file,
        "open" => open::open,
        "close" => open::close,
        "read" => io::read,
        "readBuffers" => io::read_buffers,
        "writeBuffer" => io::write_buffer,
        "writeBuffers" => io::write_buffers,
        "writeString" => io::write_string,
        "readFileUtf8" => io::read_file_utf8,
        "writeFileUtf8" => io::write_file_utf8,
        "ftruncate" => io::ftruncate,
        "fsync" => io::fsync,
        "fdatasync" => io::fdatasync,
        "stat" => stat::stat,
        "lstat" => stat::lstat,
        "fstat" => stat::fstat,
        "statfs" => stat::statfs,
        "chmod" => attributes::chmod,
        "fchmod" => attributes::fchmod,
        "chown" => attributes::chown,
        "fchown" => attributes::fchown,
        "lchown" => attributes::lchown,
        "utimes" => attributes::utimes,
        "futimes" => attributes::futimes,
        "lutimes" => attributes::lutimes,
        "mkdir" => directories::mkdir,
        "mkdtemp" => directories::mkdtemp,
        "readdir" => directories::readdir,
        "readdirRecursive" => directories::readdir_recursive,
        "rmdir" => directories::rmdir,
        "rmSync" => directories::rm_sync,
        "rename" => links::rename,
        "link" => links::link,
        "symlink" => links::symlink,
        "readlink" => links::readlink,
        "realpath" => links::realpath,
        "unlink" => links::unlink,
        "openFileHandle" => file_handle::open,
        "copyFile" => copying::copy,
        "cpSyncCheckPaths" => copying::cp_sync_check_paths,
        "cpSyncCopyDir" => copying::cp_sync_copy_dir,
        "cpSyncOverrideFile" => copying::cp_sync_override_file,
    },
    make: Some(make),
};

fn make(scope: &mut Scope<'_, '_>, env: &Rc<Env>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    stat::make(scope, env, binding)?;
    stat_watcher::make(scope, env, binding)?;
    file_handle::make(scope, env, binding)?;
    jobs::make(scope, binding)?;
    requests(scope, binding)?;
    let promises = env.symbol(scope, call::USE_PROMISES);
    set(scope, binding, "kUsePromises", promises.into())
}

/// The class of requests. What is under way in the kernel has ended before anybody could cancel it; the library then does
/// not look at what it gave.
fn requests(scope: &mut Scope<'_, '_>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    fn cancel(_: &mut Scope<'_, '_>, _: Args<'_>, _: Return<'_>) {}
    let class = crate::request::class(scope, binding, "FSReqCallback", "FSREQCALLBACK")?;
    let constructor = class.get_function(scope)?;
    let prototype: v8::Local<v8::Object> = get(scope, constructor.into(), "prototype")?.try_cast().ok()?;
    crate::binding::set_functions(scope, prototype, functions! { "cancel" => cancel, })
}
