//! What a VM says it is, whoever asks: `uname`, `/proc/sys/kernel`, Node's `os`. Nothing of it is the host's but the
//! instructions of its processor.

/// Its name in a network.
pub const HOSTNAME: &str = "cordon";

/// Whose interfaces these are.
pub const SYSTEM: &str = "Linux";

/// Of which release.
pub const RELEASE: &str = "6.0.0-cordon";

/// Which build of that.
pub const VERSION: &str = "#1 cordon";

/// The instructions that programs are compiled to before they run.
pub const ARCHITECTURE: &str = if cfg!(target_arch = "aarch64") { "aarch64" } else { "x86_64" };
