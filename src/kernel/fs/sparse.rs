//! The contents of one regular file in memory, with holes.
//!
//! Contents lie in chunks of 64 KiB; a chunk that was never written does not exist, and one that is partly written
//! takes the next power of two of what it holds. What a file takes is taken from the VM's byte quota before it is
//! allocated.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::Errno;
use crate::limits::Meter;

const CHUNK: usize = 64 * 1024;
const SMALLEST: usize = 128;

/// The largest size of a file in memory, holes included. A program that reads a file of holes is given zeros at the
/// speed of its own CPU time; this bounds arithmetic, not memory.
pub(crate) const FILE_SIZE_MAX: u64 = 1 << 40;

/// The bytes of a file.
pub(crate) struct Sparse {
    /// Chunk number to its leading bytes; what follows them in the chunk is zero.
    chunks: BTreeMap<u64, Vec<u8>>,
    size: u64,
    charged: u64,
    meter: Arc<Meter>,
}

/// What a chunk that holds `length` bytes takes.
fn footprint(length: usize) -> usize {
    if length == 0 { 0 } else { length.next_power_of_two().max(SMALLEST) }
}

fn split(offset: u64) -> (u64, usize) {
    (offset / CHUNK as u64, (offset % CHUNK as u64) as usize)
}

impl Sparse {
    pub(crate) fn new(meter: Arc<Meter>) -> Sparse {
        Sparse { chunks: BTreeMap::new(), size: 0, charged: 0, meter }
    }

    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Bytes taken from the quota.
    pub(crate) fn allocated(&self) -> u64 {
        self.charged
    }

    /// Reads what lies at `offset`; 0 from the end of the file on.
    pub(crate) fn read(&self, offset: u64, target: &mut [u8]) -> usize {
        let left = usize::try_from(self.size.saturating_sub(offset)).unwrap_or(usize::MAX);
        let length = target.len().min(left);
        let mut done = 0;
        while done < length {
            let (number, within) = split(offset + done as u64);
            let piece = &mut target[done..length.min(done + CHUNK - within)];
            let held = self.chunks.get(&number).and_then(|chunk| chunk.get(within..)).unwrap_or_default();
            let copied = piece.len().min(held.len());
            piece[..copied].copy_from_slice(&held[..copied]);
            piece[copied..].fill(0);
            done += piece.len();
        }
        length
    }

    /// Writes at `offset`; fewer bytes than given when the quota ends within them.
    pub(crate) fn write(&mut self, offset: u64, bytes: &[u8]) -> Result<usize, Errno> {
        self.write_as(offset, bytes, Meter::take)
    }

    /// Writes at the start whatever the quota says, which counts it all the same: for what the embedder installs.
    pub(crate) fn install(&mut self, bytes: &[u8]) -> Result<usize, Errno> {
        let force = |meter: &Meter, amount| {
            meter.force(amount);
            true
        };
        self.write_as(0, bytes, force)
    }

    fn write_as(
        &mut self,
        offset: u64,
        bytes: &[u8],
        take: impl Fn(&Meter, u64) -> bool,
    ) -> Result<usize, Errno> {
        let room = usize::try_from(FILE_SIZE_MAX.saturating_sub(offset)).unwrap_or(usize::MAX);
        let bytes = &bytes[..bytes.len().min(room)];
        if bytes.is_empty() {
            return if room == 0 { Err(Errno::Efbig) } else { Ok(0) };
        }
        let mut done = 0;
        while done < bytes.len() {
            let (number, within) = split(offset + done as u64);
            let piece = &bytes[done..bytes.len().min(done + CHUNK - within)];
            if let Err(errno) = self.write_chunk(number, within, piece, &take) {
                if done == 0 {
                    return Err(errno);
                }
                break;
            }
            done += piece.len();
        }
        self.size = self.size.max(offset + done as u64);
        Ok(done)
    }

    /// Writes at the end.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<usize, Errno> {
        self.write(self.size, bytes)
    }

    fn write_chunk(
        &mut self,
        number: u64,
        within: usize,
        piece: &[u8],
        take: impl Fn(&Meter, u64) -> bool,
    ) -> Result<(), Errno> {
        let end = within + piece.len();
        let held = self.chunks.get(&number).map_or(0, Vec::len);
        let wanted = footprint(end.max(held));
        let more = (wanted - footprint(held)) as u64;
        if !take(&self.meter, more) {
            return Err(Errno::Enospc);
        }
        let chunk = self.chunks.entry(number).or_default();
        if chunk.try_reserve_exact(wanted - held).is_err() {
            self.meter.give(more);
            if held == 0 {
                self.chunks.remove(&number);
            }
            return Err(Errno::Enospc);
        }
        self.charged += more;
        if chunk.len() < within {
            chunk.resize(within, 0);
        }
        let overlap = piece.len().min(chunk.len() - within);
        chunk[within..within + overlap].copy_from_slice(&piece[..overlap]);
        chunk.extend_from_slice(&piece[overlap..]);
        Ok(())
    }

    /// Sets the size: what lies beyond is gone, what is new is a hole.
    pub(crate) fn truncate(&mut self, size: u64) -> Result<(), Errno> {
        if size > FILE_SIZE_MAX {
            return Err(Errno::Efbig);
        }
        if size < self.size {
            let (number, within) = split(size);
            let beyond = self.chunks.split_off(&number);
            let mut freed = 0;
            for (n, mut chunk) in beyond {
                freed += footprint(chunk.len());
                if n == number && within > 0 {
                    chunk.truncate(within);
                    chunk.shrink_to(footprint(chunk.len()));
                    freed -= footprint(chunk.len());
                    self.chunks.insert(n, chunk);
                }
            }
            self.charged -= freed as u64;
            self.meter.give(freed as u64);
        }
        self.size = size;
        Ok(())
    }
}

impl Drop for Sparse {
    fn drop(&mut self) {
        self.meter.give(self.charged);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn holes_cost_nothing_and_read_as_zeros() {
        let meter = Meter::new(1 << 20);
        let mut file = Sparse::new(meter.clone());
        assert_eq!(file.write(FILE_SIZE_MAX - 1, b"xyz"), Ok(1));
        assert_eq!(file.write(FILE_SIZE_MAX, b"x"), Err(Errno::Efbig));
        assert_eq!(file.size(), FILE_SIZE_MAX);
        assert_eq!(meter.used(), CHUNK as u64);
        let mut buffer = [7; 9];
        assert_eq!(file.read(1 << 30, &mut buffer), 9);
        assert_eq!(buffer, [0; 9]);
        drop(file);
        assert_eq!(meter.used(), 0);
    }

    #[test]
    fn a_write_stops_where_the_quota_ends() {
        let mut file = Sparse::new(Meter::new(2 * CHUNK as u64));
        assert_eq!(file.write(0, &vec![1; 3 * CHUNK]), Ok(2 * CHUNK));
        assert_eq!(file.append(b"x"), Err(Errno::Enospc));
        assert_eq!(file.write(5, b"y"), Ok(1));
        file.truncate(CHUNK as u64).unwrap();
        assert_eq!(file.append(b"x"), Ok(1));
    }

    #[derive(Clone, Debug)]
    enum Op {
        Write(u64, usize),
        Append(usize),
        Truncate(u64),
    }

    fn op() -> impl Strategy<Value = Op> {
        let position = prop_oneof![0..400_u64, 65_000..66_000_u64, 130_000..140_000_u64, 0..300_000_u64];
        let length = prop_oneof![0..300_usize, 65_000..70_000_usize];
        prop_oneof![
            (position.clone(), length.clone()).prop_map(|(offset, length)| Op::Write(offset, length)),
            length.prop_map(Op::Append),
            position.prop_map(Op::Truncate),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]
        #[test]
        fn behaves_like_a_vector_and_accounts_for_all_it_holds(ops in prop::collection::vec(op(), 1..30)) {
            let meter = Meter::new(1 << 30);
            let mut file = Sparse::new(meter.clone());
            let mut model: Vec<u8> = Vec::new();
            for (step, op) in ops.into_iter().enumerate() {
                let fill = step as u8 + 1;
                let (offset, length) = match op {
                    Op::Truncate(size) => {
                        file.truncate(size).unwrap();
                        model.resize(size as usize, 0);
                        continue;
                    }
                    Op::Write(offset, length) => (offset as usize, length),
                    Op::Append(length) => (model.len(), length),
                };
                prop_assert_eq!(file.write(offset as u64, &vec![fill; length]), Ok(length));
                if length > 0 {
                    model.resize(model.len().max(offset + length), 0);
                    model[offset..offset + length].fill(fill);
                }
            }
            prop_assert_eq!(file.size(), model.len() as u64);
            let mut contents = vec![9; model.len() + 10];
            prop_assert_eq!(file.read(0, &mut contents), model.len());
            prop_assert!(contents[..model.len()] == model[..]);
            let held: usize = file.chunks.values().map(|chunk| footprint(chunk.len())).sum();
            prop_assert_eq!(held as u64, meter.used());
            prop_assert!(file.chunks.values().all(|chunk| chunk.capacity() <= footprint(chunk.len())));
        }
    }
}
