//! Many threads at once: nothing deadlocks, nothing is lost, nothing is counted twice.

use super::*;

#[test]
fn threads_share_a_tree() {
    let (kernel, p) = machine(options());
    let before = kernel.usage();
    std::thread::scope(|scope| {
        for thread in 0..4_u32 {
            let kernel = &kernel;
            scope.spawn(move || {
                let p = start(kernel, "/workspace");
                let path = |i: u32| format!("{}/{}", ["a", "a/b", "c"][i as usize % 3], i % 5);
                let mut random = thread + 1;
                for _ in 0..3000 {
                    random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    let (one, two) = (path(random >> 8), path(random >> 16));
                    let _ = match random >> 28 {
                        0 => p.mkdir("a", 0o777),
                        1 => p.mkdir("a/b", 0o777),
                        2 => p.mkdir("c", 0o777),
                        3 => p.rename("a/b", "c/1"),
                        4 => p.rename("a", "c/2"),
                        5 => p.rename("c", "a/b/3"),
                        6 => p.link(&one, &two),
                        7 => p.unlink(&one),
                        8 => p.rename(&one, &two),
                        9 => p.symlink("../c", &one),
                        10 => p.rmdir(&one),
                        11 => p.chdir("a"),
                        12 => p.chdir("/workspace"),
                        13 => p.read_dir("/workspace").map(drop),
                        14 => read(&p, "/proc/self/status").map(drop),
                        _ => write(&p, &one, "contents"),
                    };
                    let _ = p.cwd();
                }
                p.exit(ExitStatus::Exited(0));
            });
        }
    });
    remove_all(&p, "/workspace");
    assert_eq!(kernel.usage(), before);
    assert_eq!(kernel.processes().len(), 2);
}

fn remove_all(p: &Process, directory: &str) {
    for entry in p.read_dir(directory).unwrap() {
        let path = format!("{directory}/{}", entry.name);
        if entry.kind == FileKind::Directory {
            remove_all(p, &path);
            p.rmdir(&path).unwrap();
        } else {
            p.unlink(&path).unwrap();
        }
    }
}

#[test]
fn appends_of_many_processes_do_not_overwrite_each_other() {
    let (kernel, p) = machine(options());
    write(&p, "log", "").unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4_u8 {
            let kernel = &kernel;
            scope.spawn(move || {
                let p = start(kernel, "/workspace");
                let file = p.open("log", OpenFlags::WRITE | OpenFlags::APPEND, 0).unwrap();
                for _ in 0..500 {
                    assert_eq!(now(file.poll_write(&mut idle(), &[thread; 10])), Ok(10));
                }
            });
        }
    });
    let log = read_all(&p.open("log", OpenFlags::READ, 0).unwrap()).unwrap();
    assert_eq!(log.len(), 4 * 500 * 10);
    assert!(log.chunks(10).all(|line| line.iter().all(|byte| *byte == line[0])));
}

#[test]
fn a_shared_description_moves_once_for_all() {
    let (_kernel, p) = machine(options());
    let file = p.open("out", CREATE, 0o666).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..500 {
                    assert_eq!(now(file.poll_write(&mut idle(), b"0123456789")), Ok(10));
                }
            });
        }
    });
    assert_eq!(p.stat("out", Symlinks::Follow).unwrap().size, 4 * 500 * 10);
}

#[test]
fn processes_start_end_and_are_killed_at_once() {
    let limits = KernelLimits { processes: 400, ..KernelLimits::default() };
    let (kernel, p) = machine(KernelOptions { limits, ..options() });
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let (kernel, p) = (&kernel, &p);
            scope.spawn(move || {
                for round in 0..300 {
                    let argv = vec!["child".into()];
                    let child = kernel.create_process(Some(p.pid()), argv, vec![], "/", vec![]).unwrap();
                    let grandchild = kernel.create_process(
                        Some(child.pid()),
                        vec![],
                        vec![],
                        "/",
                        vec![(0, kernel.null())],
                    );
                    let grandchild = grandchild.unwrap();
                    kernel.kill(child.pid(), Signal::Term).unwrap();
                    if round % 2 == 0 {
                        grandchild.exit(ExitStatus::Exited(1));
                        child.exit(ExitStatus::Signaled(Signal::Term));
                    } else {
                        child.exit(ExitStatus::Signaled(Signal::Term));
                        grandchild.exit(ExitStatus::Exited(1));
                    }
                    assert_eq!(now(child.poll_wait(&idle())), ExitStatus::Signaled(Signal::Term));
                }
            });
        }
    });
    assert_eq!(kernel.processes().len(), 2);
}
