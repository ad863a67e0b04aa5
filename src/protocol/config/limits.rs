//! Ceilings on what a VM may use. Every one is in force: there is no "unlimited".

use serde::{Deserialize, Serialize};

use super::ConfigError;

/// Declares limits once: field, type, default, range and meaning, so that none of them can be forgotten in a check; and
/// the sets of limits among them.
macro_rules! limits {
    (
        $(#[$meaning:meta])* $limits:ident at $path:literal { $($(#[$set_doc:meta])* $set:ident: $of:ident,)* }
        $($(#[$doc:meta])* $field:ident / $name:literal = $default:expr, $least:expr => $most:expr;)*
    ) => {
        $(#[$meaning])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
        #[serde(rename_all = "camelCase", default, deny_unknown_fields)]
        pub struct $limits {
            $(
                $(#[$doc])*
                #[cfg_attr(feature = "schema", ts(type = "number"), schemars(range(min = $least, max = $most)))]
                pub $field: u64,
            )*
            $(
                $(#[$set_doc])*
                pub $set: $of,
            )*
        }

        impl Default for $limits {
            fn default() -> Self {
                $limits { $($field: $default,)* $($set: $of::default(),)* }
            }
        }

        impl $limits {
            fn check_ranges(&self) -> Result<(), ConfigError> {
                $(if !($least..=$most).contains(&self.$field) {
                    return Err(ConfigError::new(
                        concat!($path, ".", $name),
                        format!("{} is not between {} and {}", self.$field, $least, $most),
                    ));
                })*
                $(self.$set.check_ranges()?;)*
                Ok(())
            }
        }
    };
}

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
const GIB: u64 = 1024 * MIB;
const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// What JavaScript's numbers count exactly up to.
const COUNT_MAX: u64 = (1 << 53) - 1;

limits! {
    /// What a VM may use at most. Units are in the names.
    Limits at "limits" {
        /// What it may use of the network outside, of what its permissions allow.
        network: NetworkLimits,
    }
    /// Private memory that the VM adds to its process from its start on: heaps of both engines, files, pipes. Enforced by
    /// the kernel of the host.
    memory_bytes / "memoryBytes" = 512 * MIB, 32 * MIB => 64 * GIB;
    /// V8's heap.
    heap_bytes / "heapBytes" = 256 * MIB, 8 * MIB => 4 * GIB;
    /// Linear memory of one command.
    command_memory_bytes / "commandMemoryBytes" = 256 * MIB, MIB => 4 * GIB;
    /// Wall time of one call, unless the call says less.
    wall_time_ms / "wallTimeMs" = 10 * 60 * 1000, 1 => DAY_MS;
    /// Captured output of one call, per stream; more is cut off and said to be.
    output_bytes / "outputBytes" = 4 * MIB, 0 => 64 * MIB;
    /// Contents of the VM's own files.
    filesystem_bytes / "filesystemBytes" = 128 * MIB, 0 => 16 * GIB;
    /// Files, directories and links of the VM.
    inodes / "inodes" = 65_536, 256 => 16_777_216;
    /// Open descriptors of one process.
    descriptors / "descriptors" = 256, 8 => 65_536;
    /// Processes of the VM.
    processes / "processes" = 64, 2 => 4096;
    /// Calls under way at once.
    calls / "calls" = 64, 1 => 4096;
    /// Terminals that are open at once.
    terminals / "terminals" = 16, 0 => 256;
    /// Connections of the client's to servers in the VM that are open at once.
    inbound_connections / "inboundConnections" = 256, 0 => 4096;
    /// Contexts that keep state between calls.
    contexts / "contexts" = 16, 0 => 1024;
    /// Modules of one call.
    modules / "modules" = 10_000, 1 => 1_000_000;
    /// Input or result of one host function call, and the value of one evaluation.
    host_call_bytes / "hostCallBytes" = MIB, 64 => 8 * MIB;
    /// Wall time of one host function call.
    host_call_ms / "hostCallMs" = 30_000, 1 => DAY_MS;
}

limits! {
    /// What a VM may use of the network outside at most.
    NetworkLimits at "limits.network" {}
    /// Connections to the outside that are open or being made at once.
    connections / "connections" = 256, 0 => crate::network::CONNECTIONS_MAX;
    /// Lookups of names within a minute.
    lookups / "lookups" = 600, 0 => 1_000_000;
    /// Bytes that the VM receives from outside in its whole life. The default is what nobody reaches.
    bytes_in / "bytesIn" = COUNT_MAX, 0 => COUNT_MAX;
    /// Bytes that the VM sends to the outside in its whole life. The default is what nobody reaches.
    bytes_out / "bytesOut" = COUNT_MAX, 0 => COUNT_MAX;
    /// Wall time for making one connection, from its beginning until bytes can go.
    connect_ms / "connectMs" = 30_000, 1 => DAY_MS;
    /// Wall time for which a connection may be open without a byte in either direction.
    idle_ms / "idleMs" = 300_000, 1 => DAY_MS;
}

impl Limits {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        self.check_ranges()?;
        self.check_relations()
    }

    fn check_relations(&self) -> Result<(), ConfigError> {
        let most = self.memory_bytes - self.memory_beside_heap();
        if self.heap_bytes > most {
            return Err(ConfigError::new(
                "limits.heapBytes",
                format!(
                    "{} leaves too little of limits.memoryBytes ({}) for the rest of the VM; at most {most} does not",
                    self.heap_bytes, self.memory_bytes
                ),
            ));
        }
        Ok(())
    }

    /// Bytes of the VM's memory that its heap must leave to the rest: 64 MiB, or half of it where that is less.
    fn memory_beside_heap(&self) -> u64 {
        (64 * MIB).min(self.memory_bytes / 2)
    }
}
