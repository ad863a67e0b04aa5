//! Filesystems that were laid out before their kernel.

use super::*;

/// A clock that stands still.
struct Noon;

const NOON: u64 = 12 * 3_600_000_000_000;

impl Clock for Noon {
    fn realtime(&self) -> u64 {
        NOON
    }

    fn monotonic(&self) -> u64 {
        0
    }
}

fn laid_out() -> (Arc<Kernel>, Arc<Process>) {
    let layout = Layout::new();
    layout.install_program("/bin/one", Program::new(ENGINE, "one")).unwrap();
    layout.install_symlink("/bin/two", "one").unwrap();
    let limits = KernelLimits { inodes: 40, filesystem_bytes: 1 << 20, ..KernelLimits::default() };
    let kernel = Kernel::with_layout(KernelOptions { limits, clock: Arc::new(Noon), ..options() }, layout);
    let process = start(&kernel, "/workspace");
    (kernel, process)
}

#[test]
fn what_was_laid_out_is_as_old_as_the_kernel() {
    let (_kernel, p) = laid_out();
    for path in
        ["/", "/tmp", "/dev", "/dev/null", "/dev/stdin", "/etc/passwd", "/bin", "/bin/one", "/bin/two"]
    {
        let status = p.stat(path, Symlinks::NoFollow).unwrap();
        assert_eq!((status.accessed, status.modified, status.changed), (NOON, NOON, NOON), "{path}");
    }
    assert_eq!(p.open("/bin/one", OpenFlags::READ, 0).unwrap().status().unwrap().modified, NOON);
    assert_eq!(p.open("/bin", OpenFlags::READ, 0).unwrap().status().unwrap().modified, NOON);
}

#[test]
fn no_time_that_a_program_sets_is_taken_for_that() {
    let (_kernel, p) = laid_out();
    write(&p, "f", "").unwrap();
    p.utimens("f", FileTimes { accessed: Some(u64::MAX), modified: Some(0) }, Symlinks::Follow).unwrap();
    let status = p.stat("f", Symlinks::Follow).unwrap();
    assert_eq!((status.accessed, status.modified), (u64::MAX - 1, 0));
}

#[test]
fn the_limits_are_those_of_the_kernel_and_count_what_was_laid_out() {
    let (kernel, p) = laid_out();
    let usage = kernel.usage();
    assert_eq!((usage.inodes_limit, usage.bytes_limit), (40, 1 << 20));
    for number in usage.inodes_used..40 {
        write(&p, &number.to_string(), "").unwrap();
    }
    assert_eq!(write(&p, "one more", ""), Err(Errno::Enospc));
    // A program may take the place of what was laid out.
    kernel.install_program("/bin/two", Program::new(ENGINE, "two")).unwrap();
    assert_eq!(p.stat("/bin/two", Symlinks::NoFollow).unwrap().kind, FileKind::Regular);
}
