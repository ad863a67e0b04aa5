//! What a host has that an attack may be after: files beside the mount, links to them, a pipe, a socket, a variable of
//! the supervisor's environment.

use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;

use serde_json::{Value, json};

use super::attack::{self, Attack, Profile};

/// What only the host has. Whoever prints it has escaped.
pub const CANARY: &str = "canary-4f1d9c27";

/// The variable that has it.
pub const VARIABLE: &str = "ESCAPE_CANARY";

/// A folder with a mount in it, removed when dropped.
pub struct Host {
    folder: tempfile::TempDir,
    _socket: UnixListener,
}

impl Host {
    pub fn new() -> Host {
        let folder = tempfile::tempdir().unwrap();
        let (above, mount) = (folder.path(), folder.path().join("mount"));
        std::fs::create_dir_all(mount.join("folder")).unwrap();
        std::fs::write(mount.join("inside.txt"), "inside\n").unwrap();
        std::fs::write(above.join("secret.txt"), format!("{CANARY}\n")).unwrap();
        std::fs::write(above.join("secret.mjs"), format!("export default \"{CANARY}\";\n")).unwrap();
        std::fs::write(above.join("secret.json"), format!("\"{CANARY}\"")).unwrap();
        for (name, target) in [
            ("link.txt", "../secret.txt"),
            ("link.mjs", "../secret.mjs"),
            ("link.json", "../secret.json"),
            ("link-new", "../new.txt"),
            ("up", ".."),
            ("absolute", above.to_str().unwrap()),
            ("loop", "loop"),
        ] {
            symlink(target, mount.join(name)).unwrap();
        }
        let pipe = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, mount.join("pipe"), pipe, 0o600.into(), 0).unwrap();
        let socket = UnixListener::bind(mount.join("socket")).unwrap();
        Host { folder, _socket: socket }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The configuration of an attack's VM: the attacks at `/escape`, the mount writable at `/m` and not at `/ro`.
    pub fn config(&self, attack: &Attack, profile: Profile, platform: &str) -> Value {
        let mut config = attack.config.clone();
        let mount = self.folder().join("mount");
        config["mounts"] = json!([
            { "host": attack::folder(), "guest": "/escape" },
            { "host": mount, "guest": "/m", "readOnly": false },
            { "host": mount, "guest": "/ro" },
        ]);
        config["platform"] = platform.into();
        config["env"]["HOST_FOLDER"] = self.folder().to_str().unwrap().into();
        let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
        config["env"]["HOST_NAME"] = name.into();
        match profile {
            Profile::Default => {}
            Profile::NoJit => config["permissions"]["jit"] = "deny".into(),
            Profile::WebAssembly => config["permissions"]["webAssembly"] = "allow".into(),
        }
        config
    }
}
