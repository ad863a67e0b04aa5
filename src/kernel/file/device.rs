//! The devices in `/dev`.
//!
//! Owns what reading and writing them does. `/dev/stdin` and its like are symbolic links into `/proc/self/fd` and no
//! devices.

use std::sync::Arc;

use parking_lot::Mutex;

use super::{File, Written, anonymous};
use crate::{Errno, FileKind, FileStatus, Whence};

/// A character device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Device {
    Null,
    Zero,
    Full,
    /// Both `/dev/random` and `/dev/urandom`: the source never runs dry.
    Random,
    /// The controlling terminal of whoever opens it, which [`fs`](crate::fs) looks for.
    Tty,
}

/// Random bytes that one read gives at most, so that a read of any size ends soon.
const RANDOM_READ_MAX: usize = 64 * 1024;

impl Device {
    /// Name in `/dev` and what lies there.
    pub(crate) const ALL: &[(&str, Device)] = &[
        ("null", Device::Null),
        ("zero", Device::Zero),
        ("full", Device::Full),
        ("random", Device::Random),
        ("urandom", Device::Random),
        ("tty", Device::Tty),
    ];

    /// Opens it. `random` fills a buffer with random bytes.
    pub(crate) fn open(self, random: fn(&mut [u8])) -> Result<Arc<OpenDevice>, Errno> {
        if self == Device::Tty {
            Err(Errno::Enxio)
        } else {
            Ok(Arc::new(OpenDevice { device: self, random }))
        }
    }

    /// `/dev/null`, open.
    pub(super) fn null(random: fn(&mut [u8])) -> OpenDevice {
        OpenDevice { device: Device::Null, random }
    }
}

/// A device, open.
pub(crate) struct OpenDevice {
    device: Device,
    random: fn(&mut [u8]),
}

impl File for OpenDevice {
    fn kind(&self) -> FileKind {
        FileKind::CharacterDevice
    }

    fn status(&self) -> Result<FileStatus, Errno> {
        Ok(anonymous(FileKind::CharacterDevice, 0, 0o666))
    }

    fn read_at(&self, buffer: &mut [u8], _: u64) -> Result<usize, Errno> {
        match self.device {
            Device::Null => Ok(0),
            Device::Zero | Device::Full => {
                buffer.fill(0);
                Ok(buffer.len())
            }
            Device::Random => {
                let length = buffer.len().min(RANDOM_READ_MAX);
                (self.random)(&mut buffer[..length]);
                Ok(length)
            }
            Device::Tty => Err(Errno::Enxio),
        }
    }

    fn write_at(&self, bytes: &[u8], offset: u64, _: bool) -> Result<Written, Errno> {
        match self.device {
            Device::Null | Device::Zero | Device::Random => Ok(Written::at(offset, bytes.len())),
            Device::Full => Err(Errno::Enospc),
            Device::Tty => Err(Errno::Enxio),
        }
    }

    /// Devices take any offset and have none.
    fn seek(&self, _: &Mutex<u64>, _: i64, _: Whence) -> Result<u64, Errno> {
        Ok(0)
    }
}
