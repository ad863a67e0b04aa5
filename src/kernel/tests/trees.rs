//! Whole trees: made and removed at once, by descriptor.

use super::host::TestHost;
use super::*;

fn exists(p: &Process, path: &str) -> bool {
    p.stat(path, Symlinks::NoFollow).is_ok()
}

#[test]
fn a_tree_is_removed_and_links_in_it_are_not_followed() {
    let (_kernel, p) = machine(options());
    p.make_tree("tree/a/b/c", 0o777).unwrap();
    p.make_tree("kept", 0o777).unwrap();
    write(&p, "kept/f", "kept").unwrap();
    write(&p, "tree/a/f", "x").unwrap();
    p.symlink("../../kept", "tree/a/link").unwrap();
    p.symlink("kept", "link").unwrap();
    assert_eq!(p.remove_tree("link/"), Err(Errno::Enotdir), "not what the link leads to");
    assert_eq!(p.remove_tree("tree"), Ok(()));
    assert!(!exists(&p, "tree"));
    assert_eq!(p.remove_tree("link"), Ok(()));
    assert_eq!(read(&p, "kept/f").unwrap(), "kept");
    assert_eq!(p.remove_tree("kept/f/"), Err(Errno::Enotdir));
    assert_eq!(p.remove_tree("kept/f"), Ok(()));
    for (path, errno) in [
        ("none", Errno::Enoent),
        ("", Errno::Enoent),
        (".", Errno::Einval),
        ("kept/..", Errno::Enotempty),
        ("/", Errno::Ebusy),
        ("/dev", Errno::Eacces),
        ("/proc/self", Errno::Eperm),
    ] {
        assert_eq!(p.remove_tree(path), Err(errno), "{path:?}");
    }
    assert!(exists(&p, "/dev/null"));
}

#[test]
fn the_deepest_tree_is_removed_whatever_its_path() {
    let (_kernel, p) = machine(options());
    let deep = vec!["d"; 2000].join("/");
    p.make_tree(&deep, 0o777).unwrap();
    assert_eq!(p.remove_tree("d"), Ok(()));
    assert!(names(&p, ".").unwrap().is_empty());
}

#[test]
fn a_path_that_is_too_long_makes_nothing() {
    let (_kernel, p) = machine(options());
    let long = vec!["d"; 3000].join("/");
    assert_eq!(p.make_tree(&long, 0o777), Err(Errno::Enametoolong));
    assert_eq!(p.make_tree("", 0o777), Err(Errno::Enoent));
    assert!(names(&p, ".").unwrap().is_empty());
    write(&p, "file", "").unwrap();
    p.symlink("none", "dangling").unwrap();
    p.symlink("/tmp", "link").unwrap();
    assert_eq!(p.make_tree("file", 0o777), Err(Errno::Eexist));
    assert_eq!(p.make_tree("file/x", 0o777), Err(Errno::Eexist));
    assert_eq!(p.make_tree("dangling/x", 0o777), Err(Errno::Enoent));
    assert_eq!(p.make_tree("link/a/../b/", 0o777), Ok(()));
    assert_eq!(names(&p, "/tmp").unwrap(), ["a", "b"]);
    assert_eq!(p.make_tree("/", 0o777), Ok(()));
}

#[test]
fn a_mount_is_neither_removed_nor_emptied() {
    let (kernel, p) = machine(options());
    let host = TestHost::new();
    std::fs::write(host.path().join("precious"), "x").unwrap();
    std::fs::create_dir(host.path().join("d")).unwrap();
    std::fs::write(host.path().join("d/f"), "x").unwrap();
    kernel.mount("/data/host", MountId(1), false, host.clone()).unwrap();
    for path in ["/data/host", "/data"] {
        assert_eq!(kernel.system().remove_tree(path), Err(Errno::Ebusy), "{path}");
    }
    let inner = TestHost::new();
    kernel.mount("/data/host/d/inner", MountId(2), false, inner).unwrap();
    assert_eq!(p.remove_tree("/data/host/d"), Err(Errno::Ebusy));
    assert!(host.path().join("precious").exists() && host.path().join("d/f").exists());
    kernel.unmount("/data/host/d/inner").unwrap();
    // One that holds none goes, as one request that names nothing beneath it.
    host.log.lock().clear();
    assert_eq!(p.remove_tree("/data/host/d"), Ok(()));
    assert!(!host.path().join("d").exists());
    let paths = host.log.lock().clone();
    assert_eq!(paths.last(), Some(&HostFsRequest::RemoveTree { path: "d".into() }), "{paths:?}");
    assert!(paths.iter().all(|request| !format!("{request:?}").contains("d/f")), "{paths:?}");
}

#[test]
fn rules_hold_for_every_name_in_a_tree() {
    let (_kernel, p) = super::permissions::guarded(&[("/secret/f", &[FsOperation::Remove])]);
    assert_eq!(p.remove_tree("/secret"), Err(Errno::Eacces));
    assert!(exists(&p, "/secret/f"));
}

#[test]
fn a_directory_that_becomes_a_link_is_never_gone_through() {
    let (kernel, p) = machine(options());
    p.mkdir("/workspace/kept", 0o777).unwrap();
    for number in 0..50 {
        write(&p, &format!("/workspace/kept/{number}"), "").unwrap();
    }
    for _ in 0..8 {
        p.make_tree("/workspace/tree/d", 0o777).unwrap();
        (0..200).for_each(|number| write(&p, &format!("/workspace/tree/d/{number}"), "").unwrap());
        let guest = start(&kernel, "/workspace");
        let exchange = std::thread::spawn(move || {
            for number in 0..200 {
                let away = format!("away{number}");
                if guest.rename("tree/d", &away).is_err() {
                    return;
                }
                let _ = guest.symlink("/workspace/kept", "tree/d");
                let _ = guest.unlink("tree/d");
                let _ = guest.rename(&away, "tree/d");
            }
        });
        let _ = kernel.system().remove_tree("/workspace/tree");
        exchange.join().unwrap();
        assert_eq!(names(&p, "/workspace/kept").unwrap().len(), 50);
        for name in names(&p, "/workspace").unwrap().iter().filter(|name| *name != "kept") {
            p.remove_tree(&format!("/workspace/{name}")).unwrap();
        }
    }
}
