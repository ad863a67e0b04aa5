//! `fs` permissions, and every way around them that we know of.

use super::host::TestHost;
use super::*;
use FsOperation::*;

/// Denies operations beneath a path.
struct Deny(&'static [(&'static str, &'static [FsOperation])]);

const ALL: &[FsOperation] = &[Read, Write, Create, Remove, Stat, List, Link, SetAttributes, Execute];

fn within(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl FsPolicy for Deny {
    fn allows(&self, op: FsOperation, path: &str) -> bool {
        assert!(
            path.starts_with('/') && !path.contains("//") && !path.contains("/./") && !path.contains("/../")
        );
        !self.0.iter().any(|(directory, ops)| within(path, directory) && ops.contains(&op))
    }

    fn uniform_below(&self, path: &str) -> bool {
        !self.0.iter().any(|(directory, _)| within(directory, path) && *directory != path)
    }
}

/// A kernel in which `/secret` holds a file `f` and is denied as the rules say.
pub(super) fn guarded(
    rules: &'static [(&'static str, &'static [FsOperation])],
) -> (Arc<Kernel>, Arc<Process>) {
    let (kernel, p) = machine(KernelOptions { fs_policy: Arc::new(Deny(rules)), ..options() });
    let system = kernel.system();
    system.mkdir("/secret", 0o777).unwrap();
    system.mkdir("/secret/d", 0o777).unwrap();
    write(system, "/secret/f", "secret").unwrap();
    (kernel, p)
}

const DENIED: Errno = Errno::Eacces;

#[test]
fn every_operation_asks() {
    let (_kernel, p) = guarded(&[("/secret", ALL)]);
    write(&p, "mine", "x").unwrap();
    p.mkdir("dir", 0o777).unwrap();
    let f = "/secret/f";
    let results: Vec<Result<(), Errno>> = vec![
        p.open(f, OpenFlags::READ, 0).map(drop),
        p.open(f, OpenFlags::WRITE, 0).map(drop),
        p.open(f, CREATE, 0o666).map(drop),
        p.open("/secret/new", CREATE, 0o666).map(drop),
        p.open("/secret/f", CREATE | OpenFlags::EXCLUSIVE, 0o666).map(drop),
        p.open("/secret", OpenFlags::READ | OpenFlags::DIRECTORY, 0).map(drop),
        p.stat(f, Symlinks::Follow).map(drop),
        p.stat(f, Symlinks::NoFollow).map(drop),
        p.read_dir("/secret").map(drop),
        p.mkdir("/secret/new", 0o777),
        p.rmdir("/secret/d"),
        p.unlink(f),
        p.rename(f, "here"),
        p.rename("mine", "/secret/new"),
        p.rename("mine", f),
        p.symlink("mine", "/secret/new"),
        p.readlink(f).map(drop),
        p.link(f, "here"),
        p.link("mine", "/secret/new"),
        p.chmod(f, 0o777),
        p.utimens(f, FileTimes::default(), Symlinks::Follow),
        p.truncate(f, 0),
        p.realpath(f).map(drop),
        p.chdir("/secret"),
    ];
    for (index, result) in results.into_iter().enumerate() {
        assert_eq!(result, Err(DENIED), "operation {index}");
    }
}

#[test]
fn errors_do_not_tell_what_lies_behind_a_denial() {
    let (kernel, p) = guarded(&[("/secret", ALL)]);
    kernel.system().symlink("loop", "/secret/loop").unwrap();
    for path in ["/secret/f", "/secret/missing", "/secret/f/below", "/secret/missing/below", "/secret/loop"] {
        assert_eq!(p.stat(path, Symlinks::Follow), Err(DENIED), "{path}");
        assert_eq!(p.open(path, CREATE | OpenFlags::EXCLUSIVE, 0o666).err(), Some(DENIED), "{path}");
        assert_eq!(p.mkdir(path, 0o777), Err(DENIED), "{path}");
        assert_eq!(p.rename(path, "x"), Err(DENIED), "{path}");
    }
}

#[test]
fn links_dots_and_directories_lead_to_the_same_decision() {
    let (kernel, p) = guarded(&[("/secret", &[Read])]);
    p.symlink("/secret/f", "s").unwrap();
    p.symlink("/secret", "sd").unwrap();
    p.chdir("/secret/d").unwrap();
    let open = p.open("/secret", OpenFlags::READ | OpenFlags::DIRECTORY, 0).unwrap();
    let at = Base::Directory(&open);
    for path in ["/workspace/s", "/workspace/sd/f", "../f", "/tmp/../secret//./f", "/proc/self/cwd/../f"] {
        assert_eq!(read(&p, path), Err(DENIED), "{path}");
    }
    assert_eq!(p.open_at(at, "f", OpenFlags::READ, 0).err(), Some(DENIED));
    // Through a directory that was open before somebody else moved it.
    kernel.system().mkdir("/public", 0o777).unwrap();
    write(kernel.system(), "/public/f", "public").unwrap();
    let public = p.open("/public", OpenFlags::READ | OpenFlags::DIRECTORY, 0).unwrap();
    kernel.system().rename("/public", "/secret/moved").unwrap();
    assert_eq!(p.open_at(Base::Directory(&public), "f", OpenFlags::READ, 0).err(), Some(DENIED));
}

#[test]
fn another_name_needs_all_that_the_name_would_give() {
    let (_kernel, p) = guarded(&[("/secret", &[Read])]);
    assert_eq!(p.link("/secret/f", "/workspace/f"), Err(DENIED));
    assert_eq!(p.rename("/secret/f", "/workspace/f"), Err(DENIED));
    assert_eq!(p.rename("/secret/d", "/workspace/d"), Err(DENIED));
    let (_kernel, p) = guarded(&[("/secret", &[Write])]);
    assert_eq!(p.link("/secret/f", "/workspace/f"), Err(DENIED));
    assert_eq!(p.rename("/secret/f", "/workspace/f"), Err(DENIED));
    let (_kernel, p) = guarded(&[("/secret", &[Link])]);
    assert_eq!(p.link("/secret/f", "/workspace/f"), Err(DENIED));
    assert_eq!(p.rename("/secret/f", "/workspace/f"), Ok(()));
    let (_kernel, p) = guarded(&[("/secret/f", &[Remove])]);
    write(&p, "g", "").unwrap();
    assert_eq!(p.rename("g", "/secret/f"), Err(DENIED), "replacing removes");
}

#[test]
fn a_directory_is_renamed_only_where_no_rule_tells_its_contents_apart() {
    let (kernel, p) = guarded(&[("/a/b/secret", &[Read]), ("/target/x", &[Read])]);
    let system = kernel.system();
    for path in ["/a", "/a/b", "/a/b/secret", "/a/c", "/target"] {
        system.mkdir(path, 0o777).unwrap();
    }
    assert_eq!(p.rename("/a", "/z"), Err(DENIED));
    assert_eq!(p.rename("/a/b", "/z"), Err(DENIED));
    assert_eq!(p.rename("/a/c", "/target"), Err(DENIED));
    assert_eq!(p.rename("/a/c", "/z"), Ok(()));
    system.mkdir("/other", 0o777).unwrap();
    assert_eq!(p.rename("/other", "/a/b/secret/x"), Ok(()), "all of it becomes as secret as the rest");
}

#[test]
fn descriptors_opened_again_do_not_grow() {
    let (kernel, p) = guarded(&[("/secret", &[Write]), ("/proc", &[Write])]);
    let file = p.open("/secret/f", OpenFlags::READ, 0).unwrap();
    p.fds().set(7, file, false).unwrap();
    for path in ["/proc/self/fd/7", "/dev/fd/7", &format!("/proc/{}/fd/7", p.pid())] {
        assert_eq!(read(&p, path).unwrap(), "secret");
        assert_eq!(p.open(path, OpenFlags::WRITE, 0).err(), Some(DENIED), "{path}");
        assert_eq!(p.open(path, CREATE, 0).err(), Some(DENIED), "{path}");
        assert_eq!(p.truncate(path, 0), Err(DENIED), "{path}");
    }
    p.fds().set(8, p.open("/secret", OpenFlags::READ | OpenFlags::DIRECTORY, 0).unwrap(), false).unwrap();
    assert_eq!(p.open("/dev/fd/8/f", OpenFlags::WRITE, 0).err(), Some(DENIED));
    // A pipe has no path; it is its holder's.
    let (reader, writer) = kernel.pipe().unwrap();
    p.fds().set(0, reader, false).unwrap();
    p.fds().set(1, writer, false).unwrap();
    assert!(p.open("/dev/stdout", OpenFlags::WRITE, 0).is_ok());
    assert_eq!(p.open("/dev/stdin", OpenFlags::WRITE, 0).err(), Some(DENIED));
}

#[test]
fn attributes_of_open_files_are_decided_too() {
    let (_kernel, p) = guarded(&[("/secret", &[SetAttributes])]);
    let file = p.open("/secret/f", OpenFlags::READ | OpenFlags::WRITE, 0).unwrap();
    assert_eq!(p.fchmod(&file, 0o777), Err(DENIED));
    assert_eq!(p.futimens(&file, FileTimes::default()), Err(DENIED));
    let (_kernel, p) = guarded(&[("/secret", &[List])]);
    let directory = p.open("/secret", OpenFlags::READ | OpenFlags::DIRECTORY, 0).unwrap();
    assert_eq!(p.read_directory(&directory), Err(DENIED));
    assert_eq!(p.read_dir("/secret"), Err(DENIED));
    assert_eq!(p.stat("/secret/f", Symlinks::Follow).unwrap().size, 6);
}

#[test]
fn executing_is_decided_on_the_program_itself_and_on_interpreters() {
    struct Nobody;
    impl Executor for Nobody {
        fn start(&self, _: Arc<Process>, _: Program) -> Result<(), Errno> {
            Ok(())
        }
    }
    let (kernel, p) = guarded(&[("/bin/sh", &[Execute])]);
    kernel.add_executor(ENGINE, Arc::new(Nobody));
    kernel.install_program("/bin/sh", Program::new(ENGINE, "sh")).unwrap();
    kernel.install_program("/bin/ls", Program::new(ENGINE, "ls")).unwrap();
    write(&p, "script", "#!/bin/sh\n").unwrap();
    p.chmod("script", 0o755).unwrap();
    p.symlink("/bin/sh", "innocent").unwrap();
    let spawn = |program: &str| {
        let request = SpawnRequest {
            program: program.into(),
            argv: vec![program.into()],
            env: Vec::new(),
            cwd: None,
            fds: Vec::new(),
            ignored_signals: SignalSet::default(),
            default_signals: SignalSet::default(),
            grouping: Grouping::Inherit,
        };
        kernel.spawn(&p, request).err()
    };
    assert_eq!(spawn("ls"), None);
    for program in ["sh", "/bin/sh", "./innocent", "./script"] {
        assert_eq!(spawn(program), Some(DENIED), "{program}");
    }
    assert_eq!(p.link("/bin/sh", "copy"), Err(DENIED));
    assert_eq!(p.rename("/bin/sh", "copy"), Err(DENIED));
    assert_eq!(p.link("/bin/ls", "copy"), Ok(()));
}

#[test]
fn rules_about_proc_self_hold_for_the_own_number() {
    let (_kernel, p) = guarded(&[("/proc/self/environ", ALL)]);
    assert_eq!(read(&p, "/proc/self/environ"), Err(DENIED));
    assert_eq!(read(&p, &format!("/proc/{}/environ", p.pid())), Err(DENIED));
    assert!(read(&p, "/proc/self/cmdline").is_ok());
}

#[test]
fn links_on_the_host_are_resolved_before_the_decision() {
    let (kernel, p) = guarded(&[("/m/secret", ALL)]);
    let host = TestHost::new();
    kernel.mount("/m", MountId(1), false, host.clone()).unwrap();
    std::fs::create_dir(host.path().join("secret")).unwrap();
    std::fs::write(host.path().join("secret/f"), "secret").unwrap();
    std::os::unix::fs::symlink("secret/f", host.path().join("s")).unwrap();
    std::os::unix::fs::symlink("secret", host.path().join("sd")).unwrap();
    std::os::unix::fs::symlink("secret/new", host.path().join("dangling")).unwrap();
    write(&p, "/m/open", "fine").unwrap();
    for path in ["/m/secret/f", "/m/s", "/m/sd/f", "/m/open/../s"] {
        assert_eq!(read(&p, path), Err(DENIED), "{path}");
        assert_eq!(write(&p, path, "x"), Err(DENIED), "{path}");
        assert_eq!(p.truncate(path, 0), Err(DENIED), "{path}");
        assert_eq!(p.stat(path, Symlinks::Follow), Err(DENIED), "{path}");
    }
    assert_eq!(write(&p, "/m/dangling", "x"), Err(DENIED));
    assert_eq!(write(&p, "/m/sd/new", "x"), Err(DENIED));
    assert_eq!(p.read_dir("/m/sd"), Err(DENIED));
    assert_eq!(p.mkdir("/m/sd/x", 0o777), Err(DENIED));
    assert_eq!(p.rename("/m/sd/f", "/m/f"), Err(DENIED));
    assert_eq!(p.link("/m/sd/f", "/m/f"), Err(DENIED));
    assert_eq!(p.link_at(Base::Cwd, "/m/s", Symlinks::Follow, Base::Cwd, "/m/f"), Err(DENIED));
    assert_eq!(p.chdir("/m/sd"), Err(DENIED));
    assert_eq!(p.symlink("secret/f", "/m/mine"), Err(DENIED), "no new links where rules differ");
    assert_eq!(read(&p, "/m/open").unwrap(), "fine");
    assert_eq!(p.stat("/m/s", Symlinks::NoFollow).unwrap().kind, FileKind::Symlink);
    assert!(!host.path().join("secret/new").exists());
    assert_eq!(read(kernel.system(), "/m/s").unwrap(), "secret", "the embedder is not bound");
}

#[test]
fn a_process_learns_which_operation_its_permissions_deny_and_nothing_else() {
    struct NoWriting;
    impl FsPolicy for NoWriting {
        fn allows(&self, operation: FsOperation, path: &str) -> bool {
            operation == FsOperation::Stat || !path.starts_with("/tmp")
        }
    }
    let (_, p) = machine(KernelOptions { fs_policy: Arc::new(NoWriting), ..options() });
    let both = [FsOperation::Stat, FsOperation::Write];
    assert_eq!(p.denied(&both, "/tmp/x"), Some(FsOperation::Write));
    assert_eq!(p.denied(&both, "../tmp/./x"), Some(FsOperation::Write));
    assert_eq!(p.denied(&both, "/home"), None);
}
