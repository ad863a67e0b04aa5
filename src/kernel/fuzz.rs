//! An entry for fuzzing path resolution: bytes in, invariants checked.
//!
//! A program of operations is read from the bytes and run by two processes on one small machine whose policy sees
//! every path that is decided about.

use std::sync::Arc;

use super::*;

/// Checks the form of every path, denies reading beneath `/secret`, tells no two other places apart.
struct Watch;

impl FsPolicy for Watch {
    fn allows(&self, op: FsOperation, path: &str) -> bool {
        let parts = path.strip_prefix('/').expect("a decision about a path that is not absolute");
        let plain = |part: &str| !matches!(part, "" | "." | "..");
        assert!(path == "/" || parts.split('/').all(plain), "a decision about {path:?}");
        op != FsOperation::Read || !(path == "/secret" || path.starts_with("/secret/"))
    }

    fn uniform_below(&self, path: &str) -> bool {
        path != "/"
    }
}

/// What lies in `/secret/f` and may never be read.
const SECRET: &[u8] = b"the secret that no path leads to";

/// Runs the operations that `bytes` describe and panics if an invariant does not hold: nothing that was read is the
/// secret, canonical paths lead to themselves, quotas are kept and given back.
pub fn paths(bytes: &[u8]) {
    let limits =
        KernelLimits { filesystem_bytes: 1 << 20, inodes: 200, open_files: 20, ..KernelLimits::default() };
    let clock = Arc::new(SystemClock::default());
    let kernel =
        Kernel::new(KernelOptions { limits, fs_policy: Arc::new(Watch), clock, random: |b| b.fill(0) });
    kernel.install_file("/secret/f", SECRET, 0o644).expect("the layout fits");
    let start = |cwd| {
        kernel.create_process(None, vec!["p".into()], Vec::new(), cwd, Vec::new()).expect("there is room")
    };
    let processes = [start("/workspace"), start("/secret")];
    let mut input = Input(bytes);
    while let Some(op) = input.byte() {
        let process = &processes[usize::from(op >> 7)];
        step(process, op & 0x7f, &mut input);
    }
    let usage = kernel.usage();
    assert!(usage.bytes_used <= usage.bytes_limit && usage.inodes_used <= usage.inodes_limit);
}

fn step(process: &Process, op: u8, input: &mut Input<'_>) {
    let (path, other) = (input.path(), input.path());
    let (path, other) = (path.as_str(), other.as_str());
    // Whether it works does not matter, only what it leads to.
    let _ = match op % 16 {
        0 | 1 => return look(process, path),
        2 => process.mkdir(path, 0o777),
        3 => process.rmdir(path),
        4 => process.unlink(path),
        5 | 6 => process.rename(path, other),
        7 | 8 => process.symlink(path, other),
        9 => process.link(path, other),
        10 => process.chdir(path),
        11 => {
            let flags = OpenFlags::from_bits_truncate(u32::from(input.byte().unwrap_or(0)) | 1);
            if let Ok(file) = process.open(path, flags, 0o666) {
                check_contents(&file);
                let _ = process.fds().set(u32::from(op) % 4, file, false);
            }
            return;
        }
        12 => {
            if let Ok(file) = process.open(path, OpenFlags::WRITE | OpenFlags::CREATE, 0o666) {
                let _ = file.pwrite(&[1; 300], u64::from(op) << 10);
            }
            return;
        }
        13 => process.truncate(path, u64::from(op) << 9),
        14 => process.read_dir(path).map(drop),
        _ => process.stat(path, Symlinks::NoFollow).map(drop),
    };
}

fn look(process: &Process, path: &str) {
    if let Ok(file) = process.open(path, OpenFlags::READ, 0) {
        check_contents(&file);
    }
    let Ok(canonical) = process.realpath(path) else { return };
    if canonical.len() < 4096 && !canonical.starts_with("/proc/") {
        assert_eq!(process.realpath(&canonical).as_ref(), Ok(&canonical), "{path:?}");
    }
}

fn check_contents(file: &OpenFile) {
    let mut buffer = [0; 64];
    if let Ok(length) = file.pread(&mut buffer, 0) {
        assert_ne!(&buffer[..length], SECRET);
    }
}

struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    /// A path of parts that are likely to be there.
    fn path(&mut self) -> String {
        const PARTS: [&str; 20] = [
            "a",
            "b",
            "c",
            "f",
            ".",
            "..",
            "",
            "/",
            "/secret",
            "/tmp",
            "/workspace",
            "/proc/self/cwd",
            "/dev/fd",
            "/proc/self/fd/0",
            "1",
            "../..",
            "/secret/f",
            "\0",
            "/proc",
            "self/root",
        ];
        let length = self.byte().unwrap_or(0) % 5;
        let mut path = String::new();
        for index in 0..length {
            let part = PARTS[usize::from(self.byte().unwrap_or(0)) % PARTS.len()];
            if index > 0 {
                path.push('/');
            }
            path.push_str(part);
        }
        path
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(
            std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(500),
        ) })]
        #[test]
        fn no_program_of_operations_finds_the_secret(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            super::paths(&bytes);
        }
    }
}
