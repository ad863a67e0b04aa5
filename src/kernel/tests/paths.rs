//! The filesystem in memory: what paths and open files mean.

use super::*;

fn fresh() -> (Arc<Kernel>, Arc<Process>) {
    machine(options())
}

#[test]
fn a_new_machine_has_the_usual_places() {
    let (_kernel, p) = fresh();
    assert_eq!(names(&p, "/").unwrap(), ["bin", "dev", "etc", "home", "proc", "tmp", "workspace"]);
    assert_eq!(p.stat("/tmp", Symlinks::Follow).unwrap().mode, 0o1777);
    assert_eq!(p.cwd().unwrap(), "/workspace");
    assert!(read(&p, "/etc/passwd").unwrap().contains("1000"));
}

#[test]
fn files_are_written_read_appended_and_cut() {
    let (_kernel, p) = fresh();
    write(&p, "a", "hello").unwrap();
    let file = p.open("a", OpenFlags::READ | OpenFlags::WRITE | OpenFlags::APPEND, 0).unwrap();
    assert_eq!(now(file.poll_write(&mut idle(), b" world")), Ok(6));
    assert_eq!(file.seek(0, Whence::Current), Ok(11));
    assert_eq!(file.seek(-5, Whence::End), Ok(6));
    assert_eq!(read_all(&file).unwrap(), b"world");
    assert_eq!(file.seek(-1, Whence::Start), Err(Errno::Einval));
    file.truncate(3).unwrap();
    assert_eq!(read(&p, "/workspace/./../workspace//a").unwrap(), "hel");
    p.truncate("a", 5).unwrap();
    assert_eq!(read(&p, "a").unwrap(), "hel\0\0");
    assert_eq!(file.pwrite(b"!", 0), Ok(1));
    assert_eq!(read(&p, "a").unwrap(), "hel\0\0!");
    assert_eq!(p.stat("a", Symlinks::Follow).unwrap().mode, 0o644);
}

#[test]
fn an_unlinked_file_lives_until_it_is_closed() {
    let (kernel, p) = fresh();
    let before = kernel.usage();
    write(&p, "a", &"x".repeat(100_000)).unwrap();
    let file = p.open("a", OpenFlags::READ, 0).unwrap();
    p.unlink("a").unwrap();
    assert_eq!(read_all(&file).unwrap().len(), 100_000);
    assert_eq!(file.status().unwrap().links, 0);
    assert_eq!(p.stat("a", Symlinks::Follow), Err(Errno::Enoent));
    drop(file);
    assert_eq!(kernel.usage(), before);
}

#[test]
fn links_share_a_file_and_count() {
    let (_kernel, p) = fresh();
    write(&p, "a", "1").unwrap();
    p.link("a", "b").unwrap();
    assert_eq!(p.stat("b", Symlinks::Follow).unwrap().links, 2);
    assert_eq!(p.link("a", "b"), Err(Errno::Eexist));
    assert_eq!(p.link("/tmp", "t"), Err(Errno::Eperm));
    assert_eq!(p.link("/dev/null", "n"), Err(Errno::Eperm));
    p.rename("a", "b").unwrap();
    assert_eq!(names(&p, ".").unwrap(), ["a", "b"], "renaming a file onto itself changes nothing");
    p.unlink("a").unwrap();
    assert_eq!(p.stat("b", Symlinks::Follow).unwrap().links, 1);
    p.symlink("b", "s").unwrap();
    p.link("s", "s2").unwrap();
    assert_eq!(p.readlink("s2").unwrap(), "b");
    p.link_at(Base::Cwd, "s", Symlinks::Follow, Base::Cwd, "b2").unwrap();
    assert_eq!(p.stat("b", Symlinks::Follow).unwrap().links, 2);
}

#[test]
fn symbolic_links_are_followed_forty_times() {
    let (_kernel, p) = fresh();
    write(&p, "l0", "end").unwrap();
    for i in 0..41 {
        p.symlink(&format!("l{i}"), &format!("l{}", i + 1)).unwrap();
    }
    assert_eq!(read(&p, "l40").unwrap(), "end");
    assert_eq!(read(&p, "l41"), Err(Errno::Eloop));
    p.symlink("/workspace/../tmp/", "t").unwrap();
    write(&p, "t/x", "y").unwrap();
    assert_eq!(read(&p, "/tmp/x").unwrap(), "y");
    assert_eq!(p.realpath("t/../tmp/x").unwrap(), "/tmp/x");
    assert_eq!(p.stat("t", Symlinks::NoFollow).unwrap().kind, FileKind::Symlink);
    assert_eq!(p.stat("t/", Symlinks::NoFollow).unwrap().kind, FileKind::Directory);
    p.symlink("new", "dangling").unwrap();
    write(&p, "dangling", "made").unwrap();
    assert_eq!(read(&p, "new").unwrap(), "made");
    assert_eq!(p.open("t", OpenFlags::READ | OpenFlags::NO_FOLLOW, 0).err(), Some(Errno::Eloop));
}

#[test]
fn names_and_paths_have_a_longest_length() {
    let (_kernel, p) = fresh();
    assert_eq!(write(&p, &"n".repeat(255), ""), Ok(()));
    assert_eq!(write(&p, &"n".repeat(256), ""), Err(Errno::Enametoolong));
    assert_eq!(p.stat(&"/".repeat(4095), Symlinks::Follow).unwrap().inode, 1);
    assert_eq!(p.stat(&"/".repeat(4096), Symlinks::Follow), Err(Errno::Enametoolong));
    assert_eq!(p.stat("a\0b", Symlinks::Follow), Err(Errno::Einval));
    assert_eq!(p.stat("", Symlinks::Follow), Err(Errno::Enoent));
}

#[test]
fn directories_have_a_longest_path_also_when_they_are_moved() {
    let (_kernel, p) = fresh();
    p.mkdir("/tmp/a", 0o777).unwrap();
    p.mkdir("/tmp/a/b", 0o777).unwrap();
    while p.mkdir("d", 0o777).is_ok() {
        p.chdir("d").unwrap();
    }
    let deepest = p.cwd().unwrap().len();
    assert!(deepest == 4094 || deepest == 4095);
    assert_eq!(p.mkdir("d", 0o777), Err(Errno::Enametoolong));
    assert_eq!(p.rename("/tmp/a", "../x"), Err(Errno::Enametoolong));
    assert_eq!(p.rename("/tmp/a", "../../x"), Ok(()));
    write(&p, "f", "deep").unwrap();
    assert_eq!(p.realpath("f").unwrap().len(), deepest + 2);
    // Renamed in place, all that lies beneath moves along.
    p.chdir("/").unwrap();
    assert_eq!(p.rename("/workspace", "/workspace22"), Err(Errno::Enametoolong));
    assert_eq!(p.rename("/workspace", "/w"), Ok(()));
}

#[test]
fn a_removed_directory_is_a_dead_end() {
    let (_kernel, p) = fresh();
    p.mkdir("d", 0o777).unwrap();
    p.chdir("d").unwrap();
    let open = p.open(".", OpenFlags::READ | OpenFlags::DIRECTORY, 0).unwrap();
    p.rmdir("../d").unwrap();
    assert_eq!(p.cwd(), Err(Errno::Enoent));
    assert_eq!(write(&p, "f", ""), Err(Errno::Enoent));
    assert_eq!(p.mkdir_at(Base::Directory(&open), "x", 0o777), Err(Errno::Enoent));
    assert_eq!(open.status().unwrap().links, 0);
    // It has this one name left, for programs whose paths all begin at the root.
    assert_eq!(p.stat("/proc/self/cwd", Symlinks::Follow).unwrap().kind, FileKind::Directory);
    assert_eq!(p.readlink("/proc/self/cwd"), Err(Errno::Enoent));
    assert_eq!(write(&p, "/proc/self/cwd/f", ""), Err(Errno::Enoent));
    assert_eq!(p.mkdir("/proc/self/cwd/x", 0o777), Err(Errno::Enoent));
    assert_eq!(p.stat("/proc/self/cwd/../d", Symlinks::Follow).map(|_| ()), Err(Errno::Enoent));
    p.chdir("/").unwrap();
}

#[test]
fn quotas_bound_bytes_entries_and_inodes() {
    let limits = KernelLimits { filesystem_bytes: 300_000, inodes: 60, ..KernelLimits::default() };
    let (kernel, p) = machine(KernelOptions { limits, ..options() });
    let before = kernel.usage();
    let file = p.open("big", CREATE, 0o666).unwrap();
    let mut written = 0;
    let failure = loop {
        match now(file.poll_write(&mut idle(), &[1; 70_000])) {
            Ok(length) => written += length,
            Err(errno) => break errno,
        }
    };
    assert_eq!(failure, Errno::Enospc);
    assert!(written > 200_000 && kernel.usage().bytes_used <= 300_000);
    drop(file);
    p.unlink("big").unwrap();
    assert_eq!(kernel.usage(), before);

    let sparse = p.open("sparse", CREATE, 0o666).unwrap();
    assert_eq!(sparse.pwrite(b"x", 1 << 39), Ok(1));
    assert_eq!(sparse.pwrite(b"x", u64::MAX), Err(Errno::Efbig));
    assert_eq!(p.truncate("sparse", u64::MAX), Err(Errno::Efbig));

    let made = (0..100).take_while(|i| p.mkdir(&format!("d{i}"), 0o777).is_ok()).count();
    assert_eq!(kernel.usage().inodes_used, 60);
    assert_eq!(p.mkdir("more", 0o777), Err(Errno::Enospc));
    p.rmdir("d0").unwrap();
    assert_eq!(p.mkdir("more", 0o777), Ok(()));
    assert!(made > 10);
    let links = (0..100_000).take_while(|i| p.link("sparse", &format!("{:0200}", i)).is_ok()).count();
    assert!(links > 10 && links < 2_000, "names take from the byte quota: {links}");
}

#[test]
fn what_the_embedder_installs_needs_no_room() {
    let limits = KernelLimits { filesystem_bytes: 0, inodes: 0, ..KernelLimits::default() };
    let (kernel, p) = machine(KernelOptions { limits, ..options() });
    kernel.install_file("/opt/large", &[1; 100_000], 0o644).unwrap();
    kernel.install_program("/bin/sh", Program::new(ENGINE, "sh")).unwrap();
    kernel.install_symlink("/bin/bash", "sh").unwrap();
    assert_eq!(p.stat("/bin/bash", Symlinks::Follow).unwrap().mode, 0o755);
    assert_eq!(read(&p, "/opt/large").unwrap().len(), 100_000);
    assert_eq!(write(&p, "new", ""), Err(Errno::Enospc));
    let grown = p.open("/opt/large", OpenFlags::WRITE | OpenFlags::APPEND, 0).unwrap();
    assert_eq!(grown.pwrite(&[1; 70_000], 0), Ok(31_072), "what is paid for may be filled");
    assert_eq!(kernel.install_file("/proc/x", b"", 0o644), Err(Errno::Ebusy));
    assert_eq!(kernel.install_file("/tmp/../x", b"", 0o644), Err(Errno::Einval));
    assert_eq!(kernel.install_file("/tmp", b"", 0o644), Err(Errno::Eisdir));
}

#[test]
fn open_files_are_bounded_and_a_failed_creation_leaves_nothing() {
    let limits = KernelLimits { open_files: 3, ..KernelLimits::default() };
    let (kernel, p) = machine(KernelOptions { limits, ..options() });
    let _held: Vec<_> = (0..3).map(|i| p.open(&format!("f{i}"), CREATE, 0o666).unwrap()).collect();
    assert_eq!(p.open("more", CREATE, 0o666).err(), Some(Errno::Enfile));
    assert_eq!(names(&p, ".").unwrap(), ["f0", "f1", "f2"]);
    assert_eq!(kernel.pipe().err(), Some(Errno::Enfile));
    assert_eq!(kernel.memory_file().err(), Some(Errno::Enfile));
}

#[test]
fn modes_bind_the_owner() {
    let (_kernel, p) = fresh();
    write(&p, "a", "secret").unwrap();
    p.chmod("a", 0o200).unwrap();
    assert_eq!(read(&p, "a"), Err(Errno::Eacces));
    write(&p, "a", "more").unwrap();
    p.chmod("a", 0o400).unwrap();
    assert_eq!(p.open("a", OpenFlags::WRITE, 0).err(), Some(Errno::Eacces));
    assert_eq!(p.truncate("a", 0), Err(Errno::Eacces));
    p.mkdir("d", 0o555).unwrap();
    assert_eq!(write(&p, "d/x", ""), Err(Errno::Eacces));
    assert_eq!(p.rename("a", "d/a"), Err(Errno::Eacces));
    assert_eq!(p.set_umask(0o077), 0o022);
    write(&p, "m", "").unwrap();
    assert_eq!(p.stat("m", Symlinks::Follow).unwrap().mode, 0o600);
}

#[test]
fn devices_do_what_they_are_for_and_stay_where_they_are() {
    let (_kernel, p) = fresh();
    let both = OpenFlags::READ | OpenFlags::WRITE;
    let mut four = [9; 4];
    assert_eq!(p.open("/dev/null", both, 0).unwrap().pread(&mut four, 0), Ok(0));
    assert_eq!(p.open("/dev/zero", both, 0).unwrap().pread(&mut four, 7), Ok(4));
    assert_eq!(four, [0; 4]);
    assert_eq!(p.open("/dev/urandom", both, 0).unwrap().pread(&mut four, 0), Ok(4));
    assert_eq!(four, [4; 4]);
    assert_eq!(p.open("/dev/full", both, 0).unwrap().pwrite(b"x", 0), Err(Errno::Enospc));
    assert_eq!(p.open("/dev/tty", both, 0).err(), Some(Errno::Enxio));
    assert_eq!(write(&p, "/dev/null", "gone"), Ok(()));
    assert_eq!(p.unlink("/dev/null"), Err(Errno::Eacces));
    assert_eq!(write(&p, "/dev/new", ""), Err(Errno::Eacces));
    assert_eq!(p.rename("/dev", "/tmp/dev"), Err(Errno::Ebusy));
    assert_eq!(p.chmod("/dev", 0o777), Err(Errno::Eperm));
    assert_eq!(p.chmod("/dev/null", 0), Err(Errno::Eperm));
}

#[test]
fn proc_tells_of_the_process_that_asks() {
    let (kernel, p) = fresh();
    let pid = p.pid();
    assert_eq!(read(&p, "/proc/self/cmdline").unwrap(), "test\0");
    assert!(read(&p, &format!("/proc/{pid}/status")).unwrap().contains(&format!("Pid:\t{pid}\n")));
    assert_eq!(p.readlink("/proc/self/cwd").unwrap(), "/workspace");
    assert_eq!(p.readlink("/proc/self/exe"), Err(Errno::Enoent));
    write(&p, "/proc/self/cwd/f", "here").unwrap();
    assert_eq!(read(&p, "f").unwrap(), "here");
    assert_eq!(write(&p, "/proc/self/cmdline", "x"), Err(Errno::Eacces));
    assert_eq!(write(&p, "/proc/new", "x"), Err(Errno::Enoent));
    assert_eq!(p.unlink("/proc/uptime"), Err(Errno::Eperm));
    assert_eq!(p.mkdir("/proc/x", 0o777), Err(Errno::Enoent));
    assert_eq!(p.rename("/proc/uptime", "/tmp/u"), Err(Errno::Exdev));
    assert_eq!(p.rmdir("/proc"), Err(Errno::Ebusy));
    assert!(names(&p, "/proc").unwrap().contains(&pid.to_string()));
    assert!(read(&p, "/proc/meminfo").unwrap().starts_with("MemTotal:"));
    assert_eq!(p.realpath("/proc/self/..").unwrap(), "/proc");
    assert_eq!(p.realpath("/proc/..").unwrap(), "/");

    let (reader, writer) = kernel.pipe().unwrap();
    p.fds().set(0, reader, false).unwrap();
    p.fds().set(1, writer, false).unwrap();
    assert_eq!(names(&p, "/dev/fd").unwrap(), ["0", "1"]);
    let again = p.open("/dev/stdout", OpenFlags::WRITE, 0).unwrap();
    assert_eq!(now(again.poll_write(&mut idle(), b"through")), Ok(7));
    let mut buffer = [0; 20];
    assert_eq!(now(p.fds().get(0).unwrap().poll_read(&mut idle(), &mut buffer)), Ok(7));
    assert_eq!(p.open("/dev/stdin", OpenFlags::WRITE, 0).err(), Some(Errno::Eacces));
    assert_eq!(p.stat("/dev/stdin", Symlinks::Follow).unwrap().kind, FileKind::Fifo);
    assert_eq!(p.open("/dev/stderr", OpenFlags::WRITE, 0).err(), Some(Errno::Enoent));
    let other = start(&kernel, "/");
    assert_eq!(names(&other, &format!("/proc/{pid}/fd")), Err(Errno::Eacces));
    assert_eq!(other.open(&format!("/proc/{pid}/fd/1"), OpenFlags::WRITE, 0).err(), Some(Errno::Eacces));
}

/// A clock that stands still.
struct Still;

impl Clock for Still {
    fn realtime(&self) -> u64 {
        7
    }

    fn monotonic(&self) -> u64 {
        0
    }
}

#[test]
fn times_come_from_the_clock_and_can_be_set() {
    let (_kernel, p) = machine(KernelOptions { clock: Arc::new(Still), ..options() });
    write(&p, "a", "x").unwrap();
    p.utimens("a", FileTimes { accessed: Some(1), modified: None }, Symlinks::Follow).unwrap();
    let status = p.stat("a", Symlinks::Follow).unwrap();
    assert_eq!(status.accessed, 1);
    assert!(7 < status.modified && status.modified < status.changed && status.changed < 100);
}

#[test]
fn a_file_that_changed_later_has_the_later_time_while_the_clock_stands_still() {
    let (_kernel, p) = machine(KernelOptions { clock: Arc::new(Still), ..options() });
    let modified = |path: &str| p.stat(path, Symlinks::NoFollow).unwrap().modified;
    write(&p, "a", "x").unwrap();
    write(&p, "b", "x").unwrap();
    p.mkdir("c", 0o777).unwrap();
    p.symlink("a", "d").unwrap();
    assert!(modified("a") < modified("b") && modified("b") < modified("c") && modified("c") < modified("d"));
    write(&p, "a", "y").unwrap();
    assert!(modified("d") < modified("a"));
    let a = p.stat("a", Symlinks::Follow).unwrap();
    p.truncate("b", 0).unwrap();
    assert!(a.modified < modified("b"));
    assert!(modified("b") < Still.realtime() + 1000);
    let made = p.stat("c", Symlinks::Follow).unwrap();
    assert_eq!((made.accessed, made.changed), (made.modified, made.modified));
}

#[test]
fn open_texts_of_proc_are_bounded() {
    let limits = KernelLimits { process_bytes: 10_000, ..KernelLimits::default() };
    let (kernel, p) = machine(KernelOptions { limits, ..options() });
    let argv = vec!["x".repeat(4_000)];
    let long = kernel.create_process(Some(p.pid()), argv.clone(), vec![], "/", vec![]).unwrap();
    let open = || p.open(&format!("/proc/{}/cmdline", long.pid()), OpenFlags::READ, 0);
    let first = open().unwrap();
    assert_eq!(open().err(), Some(Errno::Enomem));
    assert_eq!(kernel.create_process(None, argv, vec![], "/", vec![]).err(), Some(Errno::E2big));
    drop(first);
    assert_eq!(read_all(&open().unwrap()).unwrap().len(), 4_001);
}

#[test]
fn nameless_files_take_part_in_the_quota() {
    let (kernel, p) = fresh();
    let before = kernel.usage();
    let file = kernel.memory_file().unwrap();
    assert_eq!(now(file.poll_write(&mut idle(), &[1; 1000])), Ok(1000));
    assert_eq!(file.status().unwrap().links, 0);
    assert!(kernel.usage().bytes_used >= before.bytes_used + 1000);
    p.fds().set(5, file, false).unwrap();
    assert_eq!(read(&p, "/dev/fd/5").unwrap().len(), 1000);
    p.fds().close(5).unwrap();
    assert_eq!(kernel.usage(), before);
}

#[test]
fn paths_may_start_at_an_open_directory() {
    let (_kernel, p) = fresh();
    p.mkdir("d", 0o777).unwrap();
    write(&p, "d/f", "1").unwrap();
    let directory = p.open("d", OpenFlags::READ, 0).unwrap();
    let base = Base::Directory(&directory);
    p.rename("d", "/tmp/moved").unwrap();
    p.rename_at(base, "f", base, "g").unwrap();
    p.symlink_at("g", base, "s").unwrap();
    assert_eq!(p.stat_at(base, "s", Symlinks::Follow).unwrap().size, 1);
    assert_eq!(p.readlink_at(base, "s").unwrap(), "g");
    assert_eq!(directory.path().unwrap(), "/tmp/moved");
    assert_eq!(p.read_directory(&directory).unwrap().len(), 2);
    p.unlink_at(base, "s").unwrap();
    p.chmod_at(base, "g", 0o400).unwrap();
    p.fchdir(&directory).unwrap();
    assert_eq!(p.cwd().unwrap(), "/tmp/moved");
    let file = p.open("g", OpenFlags::READ, 0).unwrap();
    assert_eq!(p.stat_at(Base::Directory(&file), "x", Symlinks::Follow), Err(Errno::Enotdir));
    p.fchmod(&file, 0o640).unwrap();
    p.futimens(&file, FileTimes { accessed: None, modified: Some(3) }).unwrap();
    let status = p.stat("g", Symlinks::Follow).unwrap();
    assert_eq!((status.mode, status.modified), (0o640, 3));
}
