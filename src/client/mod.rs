//! The Rust client: asynchronous, the same for a sidecar process, a sidecar's socket and a supervisor in this process.
//!
//! ```no_run
//! # async fn example() -> Result<(), cordon::client::Error> {
//! use cordon::client::{Client, Embedded};
//! use cordon::config::CreateVmConfig;
//!
//! let client = Client::connect(&Embedded::find()?).await?;
//! let vm = client.create_vm(CreateVmConfig::default()).await?;
//! let sum: u32 = vm.evaluate("1 + 2").await?;
//! assert_eq!(sum, 3);
//! # Ok(())
//! # }
//! ```

mod call;
mod connect;
mod connection;
mod decisions;
#[cfg(feature = "http")]
mod fetch;
mod file;
mod guest_connection;
mod host_function;
mod input;
mod lockfile;
mod npm;
mod npm_cache;
mod terminal;
mod vm;

pub use call::{Call, Output, Stdin};
pub use connect::{Connect, Embedded, Sidecar, Socket, Stream};
pub use connection::Client;
pub use decisions::Decisions;
#[cfg(feature = "http")]
pub use {http, hyper};

pub use file::{FileReader, FileWriter};
pub use guest_connection::GuestConnection;
pub use host_function::HostFunctions;
pub use npm::{InstallOptions, Installation, InstalledPackage, Npm, PackageCache};
pub use terminal::{Terminal, TerminalOptions};
pub use vm::{Context, Execute, Vm};

/// Why something could not be done. `code` is stable, `hint` says what to do where cordon knows.
pub type Error = protocol::wire::ErrorData;
