//! Host directories in the VM's name space.

use super::host::TestHost;
use super::*;

fn mounted(read_only: bool) -> (Arc<Kernel>, Arc<Process>, Arc<TestHost>) {
    let (kernel, p) = machine(options());
    let host = TestHost::new();
    kernel.mount("/host/data", MountId(3), read_only, host.clone()).unwrap();
    std::fs::write(host.path().join("f"), "from the host").unwrap();
    std::fs::create_dir(host.path().join("d")).unwrap();
    (kernel, p, host)
}

#[test]
fn files_of_the_host_are_files_of_the_machine() {
    let (_kernel, p, host) = mounted(false);
    assert_eq!(read(&p, "/host/data/f").unwrap(), "from the host");
    write(&p, "/host/data/d/new", "from the guest").unwrap();
    assert_eq!(std::fs::read_to_string(host.path().join("d/new")).unwrap(), "from the guest");
    let status = p.stat("/host/data/d/new", Symlinks::Follow).unwrap();
    assert_eq!((status.device, status.size, status.mode), (0x103, 14, 0o644));

    let file = p.open("/host/data/f", OpenFlags::READ | OpenFlags::WRITE | OpenFlags::APPEND, 0).unwrap();
    assert_eq!(now(file.poll_write(&mut idle(), b"!")), Ok(1));
    assert_eq!(file.seek(0, Whence::Current), Ok(14));
    file.truncate(4).unwrap();
    file.sync().unwrap();
    assert_eq!(file.pread(&mut [0; 9], 0), Ok(4));
    let large = vec![7; 3 * HOST_TRANSFER_MAX + 5];
    file.set_append(false);
    assert!(file.append(), "settled when it was opened");
    drop(file);
    let file = p.open("/host/data/f", OpenFlags::READ | OpenFlags::WRITE, 0).unwrap();
    let mut rest = &large[..];
    while !rest.is_empty() {
        rest = &rest[now(file.poll_write(&mut idle(), rest)).unwrap()..];
    }
    file.seek(0, Whence::Start).unwrap();
    assert!(read_all(&file).unwrap() == large);
    assert_eq!(host.open_handles(), 1);
    drop(file);
    assert_eq!(host.open_handles(), 0);

    p.mkdir("/host/data/e", 0o755).unwrap();
    p.rename("/host/data/d/new", "/host/data/e/moved").unwrap();
    p.link("/host/data/e/moved", "/host/data/link").unwrap();
    p.symlink("e/moved", "/host/data/s").unwrap();
    assert_eq!(p.readlink("/host/data/s").unwrap(), "e/moved");
    for no_link in ["/host/data", "/host/data/", "/host", "/host/data/e", "/host/data/f"] {
        assert_eq!(p.readlink(no_link), Err(Errno::Einval), "{no_link}");
    }
    assert_eq!(p.realpath("/host/data/s").unwrap(), "/host/data/e/moved");
    assert_eq!(p.stat("/host/data/s", Symlinks::NoFollow).unwrap().kind, FileKind::Symlink);
    p.truncate("/host/data/s", 2).unwrap();
    p.chmod("/host/data/s", 0o600).unwrap();
    p.utimens("/host/data/s", FileTimes { accessed: None, modified: Some(5_000) }, Symlinks::Follow).unwrap();
    let status = p.stat("/host/data/link", Symlinks::Follow).unwrap();
    assert_eq!((status.size, status.mode, status.links, status.modified), (2, 0o600, 2, 5_000));
    assert_eq!(names(&p, "/host/data").unwrap(), ["d", "e", "f", "link", "s"]);
    p.unlink("/host/data/s").unwrap();
    p.rmdir("/host/data/d").unwrap();
    assert_eq!(p.rmdir("/host/data/e"), Err(Errno::Enotempty));
}

#[test]
fn nothing_changes_on_a_read_only_mount() {
    let (_kernel, p, host) = mounted(true);
    assert_eq!(read(&p, "/host/data/f").unwrap(), "from the host");
    host.log.lock().clear();
    let path = |name: &str| format!("/host/data/{name}");
    let denied: [Result<(), Errno>; 13] = [
        write(&p, &path("f"), "x"),
        write(&p, &path("new"), "x"),
        p.open(&path("new"), OpenFlags::READ | OpenFlags::CREATE, 0o666).map(drop),
        p.mkdir(&path("x"), 0o777),
        p.rmdir(&path("d")),
        p.unlink(&path("f")),
        p.rename(&path("f"), &path("g")),
        p.symlink("f", &path("s")),
        p.link(&path("f"), &path("g")),
        p.chmod(&path("f"), 0o777),
        p.utimens(&path("f"), FileTimes::default(), Symlinks::Follow),
        p.truncate(&path("f"), 0),
        p.rename(&path("d"), &path("e")),
    ];
    assert_eq!(denied, [Err(Errno::Erofs); 13]);
    let asked =
        host.log.lock().iter().all(|r| matches!(r, HostFsRequest::Stat { .. } | HostFsRequest::Lstat { .. }));
    assert!(asked, "the host was asked for more than status: {:?}", host.log.lock());
    assert_eq!(p.mkdir(&path("d"), 0o777), Err(Errno::Eexist));
    let exclusive = OpenFlags::READ | OpenFlags::CREATE | OpenFlags::EXCLUSIVE;
    assert_eq!(p.open(&path("f"), exclusive, 0o666).err(), Some(Errno::Eexist));
    assert!(p.open(&path("f"), OpenFlags::READ | OpenFlags::CREATE, 0o666).is_ok());
}

#[test]
fn paths_enter_and_leave_a_mount_but_never_pass_its_root_on_the_wire() {
    let (kernel, p, _host) = mounted(false);
    write(&p, "/tmp/outside", "virtual").unwrap();
    assert_eq!(read(&p, "/host/data/d/../../../tmp/outside").unwrap(), "virtual");
    assert_eq!(read(&p, "/host/data/../data/./d//../f").unwrap(), "from the host");
    p.chdir("/host/data/d").unwrap();
    assert_eq!(p.cwd().unwrap(), "/host/data/d");
    assert_eq!(read(&p, "../f").unwrap(), "from the host");
    assert_eq!(read(&p, "../../../tmp/outside").unwrap(), "virtual");
    assert_eq!(p.realpath("../..").unwrap(), "/host");
    p.symlink("/host/data/f", "/tmp/in").unwrap();
    assert_eq!(read(&p, "/tmp/in").unwrap(), "from the host");
    let directory = p.open("/host/data/d", OpenFlags::READ | OpenFlags::DIRECTORY, 0).unwrap();
    assert_eq!(p.stat_at(Base::Directory(&directory), "../f", Symlinks::Follow).unwrap().size, 13);
    assert_eq!(p.open("/host/data/f/", OpenFlags::READ, 0).err(), Some(Errno::Enotdir));
    assert_eq!(p.stat("/host/data/f/", Symlinks::Follow), Err(Errno::Enotdir));
    assert_eq!(p.chdir("/host/data/f"), Err(Errno::Enotdir));
    assert_eq!(p.unlink("/host/data/d/"), Err(Errno::Eisdir));
    assert_eq!(names(&p, "/host").unwrap(), ["data"]);
    let other = start(&kernel, "/host/data/d");
    assert_eq!(other.readlink("/proc/self/cwd").unwrap(), "/host/data/d");
    assert!(read(&p, "/proc/mounts").unwrap().contains("host /host/data host rw 0 0"));
}

#[test]
fn mounts_are_filesystems_of_their_own() {
    let (kernel, p, _host) = mounted(false);
    let other = TestHost::new();
    kernel.mount("/host/other", MountId(4), false, other.clone()).unwrap();
    write(&p, "/tmp/a", "x").unwrap();
    assert_eq!(p.rename("/tmp/a", "/host/data/a"), Err(Errno::Exdev));
    assert_eq!(p.rename("/host/data/f", "/tmp/f"), Err(Errno::Exdev));
    assert_eq!(p.rename("/host/data/f", "/host/other/f"), Err(Errno::Exdev));
    assert_eq!(p.link("/host/data/f", "/tmp/f"), Err(Errno::Exdev));
    assert_eq!(p.link("/tmp/a", "/host/data/a"), Err(Errno::Exdev));
    assert_eq!(p.link("/host/data/f", "/host/other/f"), Err(Errno::Exdev));
    assert_eq!(p.rmdir("/host/data"), Err(Errno::Ebusy));
    assert_eq!(p.rename("/host/data", "/host/moved"), Err(Errno::Ebusy));
    assert_eq!(kernel.mount("/host/data", MountId(5), false, other.clone()), Err(Errno::Ebusy));
    assert_eq!(kernel.mount("/", MountId(5), false, other.clone()), Err(Errno::Ebusy));
    assert_eq!(kernel.mount("relative", MountId(5), false, other.clone()), Err(Errno::Einval));
    assert_eq!(kernel.mount("/tmp/../x", MountId(5), false, other.clone()), Err(Errno::Einval));
    assert_eq!(kernel.mount("/tmp/a", MountId(5), false, other), Err(Errno::Enotdir));
    p.rename("/host", "/elsewhere").unwrap();
    assert_eq!(read(&p, "/elsewhere/data/f").unwrap(), "from the host");
    let open = p.open("/elsewhere/data/f", OpenFlags::READ, 0).unwrap();
    kernel.unmount("/elsewhere/data").unwrap();
    assert_eq!(names(&p, "/elsewhere/data").unwrap(), [""; 0]);
    assert_eq!(read_all(&open).unwrap().len(), 13);
    assert_eq!(kernel.unmount("/elsewhere/data"), Err(Errno::Einval));
    assert_eq!(kernel.unmount("/proc"), Err(Errno::Einval));
}

#[test]
fn a_mount_may_lie_within_another() {
    let (kernel, p, host) = mounted(true);
    let inner = TestHost::new();
    kernel.mount("/host/data/d/inner", MountId(9), false, inner.clone()).unwrap();
    kernel.mount("/host/data/top", MountId(10), true, inner.clone()).unwrap();
    write(&p, "/host/data/d/inner/x", "1").unwrap();
    assert!(inner.path().join("x").exists() && !host.path().join("d/inner").exists());
    assert_eq!(names(&p, "/host/data/d").unwrap(), ["inner"]);
    assert_eq!(names(&p, "/host/data").unwrap(), ["d", "f", "top"]);
    assert_eq!(read(&p, "/host/data/d/inner/../../f").unwrap(), "from the host");
    p.chdir("/host/data/d/inner").unwrap();
    assert_eq!(p.realpath("..").unwrap(), "/host/data/d");
    assert_eq!(write(&p, "/host/data/top/x", "2"), Err(Errno::Erofs));
    assert_eq!(p.rmdir("/host/data/d/inner"), Err(Errno::Ebusy));
    assert_eq!(p.mkdir("/host/data/d/inner", 0o777), Err(Errno::Eexist));
    assert_eq!(kernel.unmount("/host/data"), Err(Errno::Ebusy));
    kernel.unmount("/host/data/d/inner").unwrap();
    kernel.unmount("/host/data/top").unwrap();
    kernel.unmount("/host/data").unwrap();

    let (kernel, p, _host) = mounted(false);
    kernel.mount("/host/data/d/inner", MountId(9), false, inner).unwrap();
    assert_eq!(p.rename("/host/data/d", "/host/data/e"), Err(Errno::Ebusy));
    assert_eq!(p.rmdir("/host/data/d"), Err(Errno::Ebusy));
}

#[test]
fn programs_of_the_host_run_only_as_scripts() {
    struct Nobody;
    impl Executor for Nobody {
        fn start(&self, _: Arc<Process>, _: Program) -> Result<(), Errno> {
            Ok(())
        }
    }
    let (kernel, p, _host) = mounted(false);
    kernel.add_executor(ENGINE, Arc::new(Nobody));
    kernel.install_program("/bin/sh", Program::new(ENGINE, "sh")).unwrap();
    write(&p, "/host/data/script", "#!/bin/sh\n").unwrap();
    let spawn = |program: &str| {
        let request = SpawnRequest {
            program: program.into(),
            argv: vec![program.into()],
            env: Vec::new(),
            cwd: Some("/host/data".into()),
            fds: Vec::new(),
            ignored_signals: SignalSet::default(),
            default_signals: SignalSet::default(),
            grouping: Grouping::Inherit,
        };
        kernel.spawn(&p, request).map(|process| process.argv().to_vec())
    };
    assert_eq!(spawn("./script"), Err(Errno::Eacces));
    p.chmod("/host/data/script", 0o755).unwrap();
    assert_eq!(spawn("./script").unwrap(), ["/bin/sh", "./script"]);
    for file in ["./script/", "./script//", "./script/.", "/host/data/script/"] {
        assert_eq!(spawn(file), Err(Errno::Enotdir), "{file}");
    }
    assert_eq!(spawn("/host/data/d/"), Err(Errno::Eacces));
}

/// Answers what no honest host would.
struct Liar;

impl HostFs for Liar {
    fn call(&self, _: MountId, request: HostFsRequest) -> Result<HostFsReply, Errno> {
        Ok(match request {
            HostFsRequest::Open { .. } => {
                let status = FileStatus {
                    device: u64::MAX,
                    inode: 0,
                    kind: FileKind::Regular,
                    mode: u32::MAX,
                    links: 0,
                    size: u64::MAX,
                    allocated: 0,
                    accessed: 0,
                    modified: 0,
                    changed: 0,
                };
                HostFsReply::Opened { handle: HostHandle(0), status }
            }
            HostFsRequest::Read { length, .. } => HostFsReply::Bytes(vec![0; length as usize + 1].into()),
            HostFsRequest::Write { .. } => HostFsReply::Written(u32::MAX),
            _ => HostFsReply::Text("../../..".into()),
        })
    }
}

#[test]
fn replies_that_do_not_fit_are_errors() {
    let (kernel, p) = machine(options());
    kernel.mount("/m", MountId(1), false, Arc::new(Liar)).unwrap();
    let file = p.open("/m/f", OpenFlags::READ | OpenFlags::WRITE, 0).unwrap();
    assert_eq!(now(file.poll_read(&mut idle(), &mut [0; 3])), Err(Errno::Eio));
    assert_eq!(now(file.poll_write(&mut idle(), b"abc")), Err(Errno::Eio));
    assert_eq!(file.status(), Err(Errno::Eio));
    assert_eq!(file.seek(0, Whence::End), Err(Errno::Eio));
    assert_eq!(p.stat("/m/f", Symlinks::Follow), Err(Errno::Eio));
    assert_eq!(names(&p, "/m"), Err(Errno::Eio));
    assert_eq!(p.realpath("/m/f"), Err(Errno::Eio));
}

#[test]
fn a_short_file_is_read_with_one_question() {
    let (_kernel, p, host) = mounted(true);
    host.log.lock().clear();
    assert_eq!(p.read_file("/host/data/f", 1000).unwrap(), b"from the host");
    assert_eq!(*host.log.lock(), [HostFsRequest::ReadFile { path: "f".to_owned() }]);
    assert_eq!(p.read_file("/host/data/f", 12), Err(Errno::Efbig));
    assert_eq!(p.read_file("/host/data/d", 1000), Err(Errno::Eisdir));
    assert_eq!(p.read_file("/host/data/f/", 1000), Err(Errno::Enotdir));
    assert_eq!(p.read_file("/host/data/none", 1000), Err(Errno::Enoent));
    // A long one comes in parts, and nothing stays open.
    let long = vec![7; HOST_TRANSFER_MAX * 2 + 1];
    std::fs::write(host.path().join("long"), &long).unwrap();
    assert!(p.read_file("/host/data/long", 1 << 30).unwrap() == long);
    assert_eq!(p.read_file("/host/data/long", HOST_TRANSFER_MAX as u64), Err(Errno::Efbig));
    assert_eq!(host.open_handles(), 0);
    // The VM's own files are read in the same way.
    write(&p, "/tmp/own", "own").unwrap();
    assert_eq!(p.read_file("/tmp/own", 3).unwrap(), b"own");
    assert_eq!(p.read_file("/tmp/own", 2), Err(Errno::Efbig));
    assert_eq!(p.read_file("/tmp", 1000), Err(Errno::Eisdir));
    assert_eq!(p.read_file("/dev/null", 1000), Err(Errno::Einval));
}

/// What was asked of the host since the last look.
fn asked(host: &TestHost) -> Vec<&'static str> {
    let requests = std::mem::take(&mut *host.log.lock());
    let name = |request: &HostFsRequest| match request {
        HostFsRequest::Stat { .. } => "stat",
        HostFsRequest::Lstat { .. } => "lstat",
        HostFsRequest::ReadDirPlus { .. } => "readdirplus",
        HostFsRequest::ReadFile { .. } => "readfile",
        HostFsRequest::ReadFiles { .. } => "readfiles",
        HostFsRequest::Open { .. } => "open",
        HostFsRequest::Read { .. } => "read",
        HostFsRequest::Close { .. } => "close",
        _ => "another",
    };
    requests.iter().map(name).collect()
}

#[test]
fn many_files_take_few_questions() {
    let (_kernel, p, host) = mounted(true);
    host.tell_moments();
    for number in 0..500 {
        std::fs::write(host.path().join(format!("d/{number}.js")), number.to_string()).unwrap();
    }
    asked(&host);
    for number in 0..500 {
        let path = format!("/host/data/d/{number}.js");
        assert_eq!(p.stat("/host/data/d/package.json", Symlinks::Follow), Err(Errno::Enoent));
        assert_eq!(p.stat(&path, Symlinks::NoFollow).unwrap().kind, FileKind::Regular);
        assert_eq!(read(&p, &path).unwrap(), number.to_string());
    }
    let asked = asked(&host);
    assert!(asked.len() < 20, "{asked:?}");
    assert_eq!(host.open_handles(), 0);
}

#[test]
fn what_happened_outside_is_seen_as_soon_as_the_machine_could_have_heard_of_it() {
    let (_kernel, p, host) = mounted(false);
    host.tell_moments();
    std::fs::write(host.path().join("d/a"), "one").unwrap();
    assert_eq!(p.stat("/host/data/d/b", Symlinks::Follow), Err(Errno::Enoent));
    assert_eq!(p.stat("/host/data/d/a", Symlinks::Follow).unwrap().size, 3);
    assert_eq!(read(&p, "/host/data/d/a").unwrap(), "one");
    let open = p.open("/host/data/d/a", OpenFlags::READ, 0).unwrap();
    let replaced = p.open("/host/data/d/a", OpenFlags::READ, 0).unwrap();
    std::fs::write(host.path().join("d/a"), "another").unwrap();
    std::fs::write(host.path().join("d/b"), "there").unwrap();
    host.tell_moments();
    assert_eq!(p.stat("/host/data/d/b", Symlinks::Follow).unwrap().size, 5);
    assert_eq!(p.stat("/host/data/d/a", Symlinks::Follow).unwrap().size, 7);
    assert_eq!(read(&p, "/host/data/d/a").unwrap(), "another");
    assert_eq!(read_all(&open).unwrap(), b"another");
    // What was open stays what it was where another file takes its place.
    std::fs::write(host.path().join("d/new"), "new").unwrap();
    std::fs::rename(host.path().join("d/new"), host.path().join("d/a")).unwrap();
    host.tell_moments();
    assert_eq!(read_all(&replaced).unwrap(), b"one");
    drop((open, replaced));
    assert_eq!(host.open_handles(), 0);
}

#[test]
fn what_the_machine_changes_it_sees_at_once() {
    let (_kernel, p, host) = mounted(false);
    host.tell_moments();
    for number in 0..4 {
        let path = format!("/host/data/d/{number}");
        assert_eq!(p.stat(&path, Symlinks::Follow), Err(Errno::Enoent));
        write(&p, &path, "text").unwrap();
        assert_eq!(p.stat(&path, Symlinks::Follow).unwrap().size, 4);
        let open = p.open(&path, OpenFlags::READ, 0).unwrap();
        let writer = p.open(&path, OpenFlags::WRITE | OpenFlags::APPEND, 0).unwrap();
        assert_eq!(now(writer.poll_write(&mut idle(), b", more")), Ok(6));
        assert_eq!(read_all(&open).unwrap(), b"text, more");
        let removed = p.open(&path, OpenFlags::READ, 0).unwrap();
        p.unlink(&path).unwrap();
        assert_eq!(read_all(&removed).unwrap(), b"text, more");
        assert_eq!(p.stat(&path, Symlinks::Follow), Err(Errno::Enoent));
    }
    assert_eq!(host.open_handles(), 0);
}
