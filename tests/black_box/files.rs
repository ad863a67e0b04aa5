//! The VM's filesystem through the client, host directories, and the `fs` permissions.

use cordon::client::HostFunctions;
use cordon::config::Mount;
use cordon::wire::{ExecutionOptions, FileKind, Outcome, code};
use serde_json::json;

use crate::common::{client, config, default_vm, error_of, execute, sh, stdout_of, vm};

#[tokio::test]
async fn clients_work_with_files() {
    let vm = default_vm().await;
    vm.mkdir("/workspace/a/b", true).await.unwrap();
    vm.write_file("/workspace/a/b/f", "hello").await.unwrap();
    assert_eq!(vm.read_file("/workspace/a/b/f").await.unwrap(), b"hello");
    let status = vm.stat("/workspace/a/b/f").await.unwrap();
    assert_eq!((status.kind, status.size, status.mode), (FileKind::File, 5, 0o644));
    vm.rename("/workspace/a/b/f", "/workspace/a/g").await.unwrap();
    let names: Vec<_> = vm.list("/workspace/a").await.unwrap().into_iter().map(|entry| entry.name).collect();
    assert_eq!(names, ["b", "g"]);
    assert_eq!(error_of(vm.remove("/workspace/a", false).await).code, "ENOTEMPTY");
    vm.remove("/workspace/a", true).await.unwrap();
    let error = error_of(vm.read_file("/workspace/a/g").await);
    assert_eq!(error.code, "ENOENT");
    assert!(error.message.contains("/workspace/a/g"));
}

#[tokio::test]
async fn a_tree_is_removed_by_clients_however_deep_it_is_and_no_link_in_it_is_followed() {
    let host = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    // Two that a path can just name, one within the other.
    let deep = |name: &str| host.path().join(vec![name; 1500].join("/"));
    std::fs::create_dir_all(deep("a")).unwrap();
    std::fs::create_dir_all(deep("b")).unwrap();
    std::fs::rename(host.path().join("b"), deep("a").join("b")).unwrap();
    std::fs::create_dir(host.path().join("kept")).unwrap();
    std::fs::write(host.path().join("kept/f"), "kept").unwrap();
    std::os::unix::fs::symlink("../kept", host.path().join("a/link")).unwrap();
    std::os::unix::fs::symlink("kept", host.path().join("link")).unwrap();
    let vm = vm(json!({ "mounts": [{ "host": host.path(), "guest": "/rw", "readOnly": false }] })).await;
    vm.remove("/rw/a", true).await.unwrap();
    vm.remove("/rw/link", true).await.unwrap();
    assert_eq!(error_of(vm.remove("/rw", true).await).code, "EBUSY");
    assert_eq!(std::fs::read_to_string(host.path().join("kept/f")).unwrap(), "kept");
    assert_eq!(std::fs::read_dir(host.path()).unwrap().count(), 1);
    // The same in the VM's own files.
    assert_eq!(error_of(vm.mkdir(&format!("/tmp/{}", "d/".repeat(3000)), true).await).code, "ENAMETOOLONG");
    assert_eq!(vm.list("/tmp").await.unwrap(), []);
    vm.mkdir(&format!("/tmp/{}", "d/".repeat(1900)), true).await.unwrap();
    assert_eq!(sh(&vm, "ln -s /rw/kept /tmp/d/link").await.exit_code, Some(0));
    vm.remove("/tmp/d", true).await.unwrap();
    assert_eq!(vm.list("/tmp").await.unwrap(), []);
    assert_eq!(vm.read_file("/rw/kept/f").await.unwrap(), b"kept");
}

#[tokio::test]
async fn quotas_hold_and_are_given_back() {
    let vm = vm(json!({ "limits": { "filesystemBytes": 1 << 20, "inodes": 400 } })).await;
    assert_eq!(error_of(vm.write_file("/tmp/f", vec![0; 2 << 20]).await).code, "ENOSPC");
    vm.remove("/tmp/f", false).await.unwrap();
    vm.write_file("/tmp/f", vec![0; 900 << 10]).await.unwrap();
    let result = sh(&vm, "i=0; while [ $i -lt 500 ]; do : > /tmp/n$i || exit 9; i=$((i+1)); done").await;
    assert_ne!(result.exit_code, Some(0), "500 files fit into 400 inodes");
}

#[tokio::test]
async fn host_directories_are_seen_as_mounted() {
    let host = tempfile::tempdir().unwrap();
    std::fs::write(host.path().join("f"), "from the host").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", host.path().join("link")).unwrap();
    std::os::unix::fs::symlink("../..", host.path().join("up")).unwrap();
    let path = host.path().to_str().unwrap();
    let vm = vm(json!({ "mounts": [{ "host": path, "guest": "/ro" }, { "host": path, "guest": "/rw", "readOnly": false }] })).await;
    assert_eq!(sh(&vm, "cat /ro/f").await.stdout.to_text(), "from the host");
    assert_ne!(sh(&vm, "echo x > /ro/f").await.exit_code, Some(0));
    assert_eq!(std::fs::read_to_string(host.path().join("f")).unwrap(), "from the host");
    let result = sh(&vm, "cat /ro/link; cat /ro/up/etc/passwd; ls /ro/up/").await;
    assert_eq!(result.stdout.to_text(), "", "{result:?}");
    assert_eq!(
        sh(&vm, "echo new > /rw/g && mkdir /rw/d && mv /rw/g /rw/d/h && cat /ro/d/h").await.stdout.to_text(),
        "new\n"
    );
    assert_eq!(std::fs::read_to_string(host.path().join("d/h")).unwrap(), "new\n");
    let source = "import { readFile } from 'cordon:vm/filesystem'; console.log(new TextDecoder().decode(readFile('/ro/f')))";
    assert_eq!(stdout_of(&vm, source).await, "from the host\n");
    vm.unmount("/ro").await.unwrap();
    assert_eq!(error_of(vm.read_file("/ro/f").await).code, "ENOENT");
    let again = Mount { host: path.to_owned(), guest: "/again".to_owned(), read_only: true };
    vm.mount(again).await.unwrap();
    assert_eq!(vm.read_file("/again/f").await.unwrap(), b"from the host");
    let missing = Mount { host: "/nonesuch".to_owned(), guest: "/x".to_owned(), read_only: true };
    let error = error_of(vm.mount(missing).await);
    assert_eq!((error.code.as_str(), error.field.as_deref()), (code::CONFIG, Some("mount.host")));
}

#[tokio::test]
async fn the_start_directory_may_lie_in_a_mount() {
    let host = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(host.path().join("a/b")).unwrap();
    std::fs::write(host.path().join("a/b/f"), "found").unwrap();
    for read_only in [true, false] {
        let vm = vm(json!({
            "mounts": [{ "host": host.path(), "guest": "/host", "readOnly": read_only }], "cwd": "/host/a/b",
        }))
        .await;
        assert_eq!(sh(&vm, "pwd; cat < f").await.stdout.to_text(), "/host/a/b\nfound");
        let source = "import fs from 'fs'; console.log(process.cwd(), fs.readFileSync('f', 'utf8'))";
        assert_eq!(stdout_of(&vm, source).await, "/host/a/b found\n");
    }
    // What is missing there is not made on the host.
    let mount = json!([{ "host": host.path(), "guest": "/host", "readOnly": false }]);
    let vm = vm(json!({ "mounts": mount, "cwd": "/host/missing" })).await;
    let result = error_of(vm.exec("pwd", ExecutionOptions::default()).await);
    assert_eq!(result.code, "ENOENT", "{result:?}");
    assert!(!host.path().join("missing").exists());
}

#[tokio::test]
async fn a_guest_sees_what_the_host_did_before_it_called_or_answered() {
    let host = tempfile::tempdir().unwrap();
    let path = host.path().to_owned();
    let functions = HostFunctions::new().with("build", move |name: String| {
        std::fs::write(path.join(name), "built").unwrap();
        async { Ok::<_, String>(()) }
    });
    let mounts = json!({ "mounts": [{ "host": host.path(), "guest": "/host" }] });
    let vm = client().await.create_vm_with(config(mounts), functions).await.unwrap();
    let look = r#"
        import fs from "fs";
        const look = (name) => fs.existsSync(`/host/${name}`) && fs.readFileSync(`/host/${name}`, "utf8");
        console.log(look("a"), look("b"), look("c"));
    "#;
    assert_eq!(stdout_of(&vm, look).await, "false false false\n");
    std::fs::write(host.path().join("a"), "one").unwrap();
    assert_eq!(stdout_of(&vm, look).await, "one false false\n");
    std::fs::write(host.path().join("a"), "another").unwrap();
    let builds = format!("{look} await build('b'); console.log(look('a'), look('b'), look('c'));");
    assert_eq!(stdout_of(&vm, &builds).await, "another false false\nanother built false\n");
}

/// What moves between mounts has to be copied.
#[tokio::test]
async fn mv_takes_everything_along_between_mounts_or_leaves_everything() {
    let (host, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(other.path().join("kept"), "kept\n").unwrap();
    let vm = vm(json!({ "limits": { "filesystemBytes": 4 << 20 }, "mounts": [
        { "host": host.path(), "guest": "/rw", "readOnly": false },
        { "host": other.path(), "guest": "/ro" },
    ] }))
    .await;
    let steps = [
        // A tree, there and back.
        (
            "mkdir -p /tmp/t/d; echo x > /tmp/t/d/f; ln -s d/f /tmp/t/link; ln /tmp/t/d/f /tmp/t/second
             chmod 640 /tmp/t/d/f; chmod 750 /tmp/t/d; touch -d '2001-02-03 04:05:06' /tmp/t/d/f /tmp/t/d
             mv /tmp/t /rw/moved; stat -c '%a %Y %h' /rw/moved/d/f; readlink /rw/moved/link; ls -A /rw /tmp
             mv -v /rw/moved /tmp; stat -c '%a %Y %h' /tmp/moved/d/f /tmp/moved/second; stat -c '%a %Y' /tmp/moved/d
             ls -A /rw; ls -A /tmp",
            "640 981173106 2\nd/f\n/rw:\nmoved\n\n/tmp:\n\
             copied '/rw/moved' -> '/tmp/moved'\nremoved '/rw/moved'\n\
             640 981173106 2\n640 981173106 2\n750 981173106\nmoved\n",
        ),
        // Several at once, some of them near.
        (
            "rm -r /tmp/*; cd /rw; echo a > a; echo b > /tmp/b; mkdir /tmp/into; mv a ../tmp/b -t /tmp/into
             cat /tmp/into/a /tmp/into/b; ls -A /rw; mv --targ=. /tmp/into; cat into/b; ls /tmp",
            "a\nb\nb\n",
        ),
        // Targets that exist.
        (
            "cd /rw; echo new > /tmp/f; echo old > f; mv -n /tmp/f .; cat f; echo n | mv -i /tmp/f f 2>/dev/null
             cat f /tmp/f; mv -b /tmp/f f; cat f f~; rm f f~; ls -A /tmp",
            "old\nold\nnew\nnew\nold\n",
        ),
        (
            "mkdir -p /rw/full/d /tmp/d/d; echo 1 > /rw/full/d/f; : > /tmp/f; mkdir /rw/f; cd /tmp
             mv d /rw/full 2>&1; mv f /rw 2>&1; mv -T d /rw/full/d/f 2>&1; mv d/d /rw/none/d 2>&1; ls -A d /rw/full/d
             rm -r /rw/* /tmp/*",
            "mv: cannot move 'd' to '/rw/full/d': Directory not empty\n\
             mv: cannot overwrite directory '/rw/f' with non-directory 'f'\n\
             mv: cannot overwrite non-directory '/rw/full/d/f' with directory 'd'\n\
             mv: cannot move 'd/d' to '/rw/none/d': No such file or directory\n\
             /rw/full/d:\nf\n\nd:\nd\n",
        ),
        // Failures.
        (
            "echo z > /tmp/z; mv /tmp/z /ro 2>&1; cat /tmp/z; mv /ro/kept /rw 2>&1; cat /ro/kept; rm /rw/kept
             mkdir /rw/big; head -c 1000000 /dev/zero > /rw/big/a; head -c 5000000 /dev/zero > /rw/big/b
             mv /rw/big /tmp 2>&1; ls /rw/big; ls -A /tmp",
            "mv: cannot create regular file '/ro/z': Read-only file system\nz\n\
             mv: cannot remove '/ro/kept': Read-only file system\nkept\n\
             mv: error writing '/tmp/big/b': No space left on device\na\nb\nz\n",
        ),
    ];
    for (script, wanted) in steps {
        let result = sh(&vm, script).await;
        assert_eq!(result.stdout.to_text() + &result.stderr.to_text(), wanted, "{script}");
    }
}

#[tokio::test]
async fn fs_rules_hold_for_javascript_and_commands_by_every_name() {
    let vm = vm(json!({ "permissions": { "fs": { "rules": [{ "mode": "deny", "paths": ["/secret", "/secret/**"] }] } } })).await;
    // The embedder is not bound by the guest's permissions.
    vm.mkdir("/secret", true).await.unwrap();
    vm.write_file("/secret/key", "k").await.unwrap();
    for command in [
        "cat /secret/key",
        "cat /tmp/../secret/key",
        "cd /secret && cat key",
        "ln -s /secret/key /tmp/l && cat /tmp/l",
        "ln -s / /tmp/root && cat /tmp/root/secret/key",
        "ln /secret/key /tmp/hard && cat /tmp/hard",
        "mv /secret /tmp/moved && cat /tmp/moved/key",
        "cp -r /secret /tmp/copy && cat /tmp/copy/key",
        "head -c 1 < /secret/key",
        "ls /secret",
    ] {
        let result = sh(&vm, command).await;
        assert_ne!(result.exit_code, Some(0), "{command}");
        assert_eq!(result.stdout.to_text(), "", "{command}");
    }
    let source = "import { readFile } from 'cordon:vm/filesystem'; readFile('/secret/key')";
    let result = execute(&vm, source).await;
    assert_eq!((result.outcome, result.error.unwrap().code.as_str()), (Outcome::Failed, "EACCES"));
    assert_eq!(execute(&vm, "import '/secret/key'").await.outcome, Outcome::Failed);
    assert_eq!(vm.read_file("/secret/key").await.unwrap(), b"k");
}

#[tokio::test]
async fn posix_semantics_hold_in_the_shell() {
    let vm = default_vm().await;
    let script = "cd /tmp; echo a > f; ln f g; ln -s f s; echo b >> g; cat s; rm f; cat g; cat s 2>/dev/null || echo dangling; \
        mkdir -p d/e; rmdir d 2>/dev/null || echo full; exec 3<g; rm g; cat <&3; wc -c < /dev/null; \
        head -c 4 /dev/zero | od -An -tx1; cat /proc/self/cmdline | tr '\\0' ' '";
    let result = sh(&vm, script).await;
    assert_eq!(
        result.stdout.to_text(),
        "a\nb\na\nb\ndangling\nfull\na\nb\n0\n 00 00 00 00\ncat /proc/self/cmdline ",
        "{}",
        result.stderr.to_text()
    );
}

/// What lies in a mount may hang or be too large: that is an error of whoever asks, and of nobody else.
#[tokio::test(flavor = "multi_thread")]
async fn pipes_and_endless_directories_of_mounts_are_errors_of_who_asks() {
    let folder = tempfile::tempdir().unwrap();
    let fifo = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(rustix::fs::CWD, folder.path().join("pipe"), fifo, 0o666.into(), 0).unwrap();
    let many = folder.path().join("many");
    std::fs::create_dir(&many).unwrap();
    for number in 0..20_000 {
        std::fs::write(many.join(format!("{number:0250}")), "").unwrap();
    }
    let vm = vm(json!({ "mounts": [{ "host": folder.path(), "guest": "/m", "readOnly": false }] })).await;
    for command in
        ["cat /m/pipe", "echo x > /m/pipe", "echo x >> /m/pipe", "truncate -s 0 /m/pipe", "sh /m/pipe"]
    {
        let result = sh(&vm, command).await;
        assert!(result.exit_code.is_some_and(|code| code != 0), "{command}: {result:?}");
    }
    assert_eq!(sh(&vm, "touch -d @1 /m/pipe && ls /m").await.stdout.to_text(), "many\npipe\n");
    assert!(error_of(vm.read_file("/m/pipe").await).message.contains("/m/pipe"));
    assert!(error_of(vm.write_file("/m/pipe", "x").await).message.contains("/m/pipe"));
    assert_eq!(error_of(vm.list("/m/many").await).code, "ENOMEM");
    let listed = sh(&vm, "ls /m/many").await;
    assert!(listed.exit_code != Some(0) && listed.stdout.is_empty(), "{listed:?}");
    assert_eq!(sh(&vm, "cd /m/many && echo on").await.stdout.to_text(), "on\n");
}

/// The embedder's own requests reach what the guest's rules deny, also where these are decided again outside.
#[tokio::test(flavor = "multi_thread")]
async fn rules_beneath_a_mount_bind_the_guest_and_not_the_embedder() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("secret")).unwrap();
    std::fs::write(folder.path().join("secret/key"), "k").unwrap();
    std::os::unix::fs::symlink("secret", folder.path().join("link")).unwrap();
    let vm = vm(json!({
        "mounts": [{ "host": folder.path(), "guest": "/m", "readOnly": false }],
        "permissions": { "fs": { "default": "allow", "rules": [{ "mode": "deny", "paths": ["/m/secret/**"] }] } },
    }))
    .await;
    for command in ["cat /m/secret/key", "cat /m/link/key", "rm /m/secret/key", "mkdir /m/secret/new"] {
        assert_ne!(sh(&vm, command).await.exit_code, Some(0), "{command}");
    }
    for path in ["/m/secret/key", "/m/link/key", "/m/secret/../secret/key"] {
        assert_eq!(vm.read_file(path).await.unwrap(), b"k", "{path}");
    }
    vm.mkdir("/m/secret/a/b", true).await.unwrap();
    vm.write_file("/m/secret/a/b/c", "x").await.unwrap();
    vm.rename("/m/secret/a/b/c", "/m/secret/a/d").await.unwrap();
    assert_eq!(vm.list("/m/secret/a").await.unwrap().len(), 2);
    vm.remove("/m/secret", true).await.unwrap();
    assert!(!folder.path().join("secret").exists());
}

/// A directory of the VM's own that is too large to be told of is an error of whoever asks, not the end of the VM.
#[tokio::test(flavor = "multi_thread")]
async fn a_directory_of_too_many_names_cannot_be_listed_by_clients() {
    let vm = vm(json!({ "limits": { "inodes": 200_000 } })).await;
    let make = "import { createDirectory } from 'cordon:vm/filesystem';
        createDirectory('/tmp/many');
        for (let n = 0; n <= 100_000; n++) createDirectory('/tmp/many/' + n);";
    assert_eq!(execute(&vm, make).await.outcome, Outcome::Succeeded);
    assert_eq!(error_of(vm.list("/tmp/many").await).code, "ENOMEM");
    let count = "import { readDirectory } from 'cordon:vm/filesystem'; console.log(readDirectory('/tmp/many').length)";
    assert_eq!(execute(&vm, count).await.stdout.to_text(), "100001\n");
    vm.remove("/tmp/many/0", true).await.unwrap();
    assert_eq!(vm.list("/tmp/many").await.unwrap().len(), 100_000);
}
