//! The devices in `/dev`.
//!
//! Owns what reading and writing them does. `/dev/stdin` and its like are symbolic links into `/proc/self/fd` and no
//! devices.

use super::Errno;

/// A character device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Device {
    Null,
    Zero,
    Full,
    /// Both `/dev/random` and `/dev/urandom`: the source never runs dry.
    Random,
    /// The controlling terminal, which no process here has.
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

    pub(crate) fn open(self) -> Result<(), Errno> {
        if self == Device::Tty { Err(Errno::Enxio) } else { Ok(()) }
    }

    pub(crate) fn read(self, target: &mut [u8], random: fn(&mut [u8])) -> Result<usize, Errno> {
        match self {
            Device::Null => Ok(0),
            Device::Zero | Device::Full => {
                target.fill(0);
                Ok(target.len())
            }
            Device::Random => {
                let length = target.len().min(RANDOM_READ_MAX);
                random(&mut target[..length]);
                Ok(length)
            }
            Device::Tty => Err(Errno::Enxio),
        }
    }

    pub(crate) fn write(self, bytes: &[u8]) -> Result<usize, Errno> {
        match self {
            Device::Null | Device::Zero | Device::Random => Ok(bytes.len()),
            Device::Full => Err(Errno::Enospc),
            Device::Tty => Err(Errno::Enxio),
        }
    }
}
