//! No VM is shown what cordon itself runs from.

use std::path::Path;
use std::process::Command;

use cordon::config::Mount;
use cordon::wire::code;
use serde_json::json;

use crate::common::{client, config, cordon, directory, error_of, text};

fn mount(host: &Path, read_only: bool) -> Mount {
    Mount { host: host.to_str().unwrap().to_owned(), guest: "/m".to_owned(), read_only }
}

#[tokio::test]
async fn a_mount_that_could_change_the_installation_is_refused_when_a_vm_is_made_and_later() {
    let client = client().await;
    let installed = directory().canonicalize().unwrap();
    let vm = client.create_vm(config(json!({}))).await.unwrap();
    for host in [installed.parent().unwrap(), &installed, &installed.join("commands")] {
        let mounts = json!({ "mounts": [{ "host": "/usr/lib", "guest": "/lib", "readOnly": true },
            { "host": host, "guest": "/m", "readOnly": false }] });
        let error = error_of(client.create_vm(config(mounts)).await.map(drop));
        assert_eq!((error.code.as_str(), error.field.as_deref()), (code::CONFIG, Some("mounts[1].host")));
        assert!(error.message.contains("cordon's own executables"), "{error:?}");
        assert!(error.hint.as_deref().is_some_and(|hint| hint.contains("read-only")), "{error:?}");
        let error = error_of(vm.mount(mount(host, false)).await);
        assert_eq!((error.code.as_str(), error.field.as_deref()), (code::CONFIG, Some("mount.host")));
    }
    // Nothing secret is in it.
    vm.mount(mount(&installed.join("commands"), true)).await.unwrap();
}

#[test]
fn a_mount_that_shows_the_cache_is_refused_also_to_read_and_before_there_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let (home, project) = (folder.path().join("home"), folder.path().join("home/project"));
    std::fs::create_dir_all(&project).unwrap();
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&home, &link).unwrap();
    let cache = home.join("cache");
    let evaluated = |host: &Path, how: &str| {
        let mount = format!("--mount={}:/m{how}", host.display());
        cordon(&["eval", &mount, "1"]).env("CORDON_CACHE_DIR", &cache).output().unwrap()
    };
    for made in [false, true] {
        if made {
            let doctor = cordon(&["doctor"]).env("CORDON_CACHE_DIR", &cache).output().unwrap();
            assert!(cache.join("commands/key").is_file(), "{}", text(&doctor.stdout));
            assert!(!evaluated(&cache.join("commands"), ":ro").status.success());
        }
        for host in [&home, &link, folder.path()] {
            let output = evaluated(host, ":ro");
            let said = text(&output.stderr);
            assert!(!output.status.success() && said.contains("mounts[0].host"), "{said}");
            assert!(said.contains("cache of native code") && said.contains("CORDON_CACHE_DIR"), "{said}");
        }
        assert!(evaluated(&project, "").status.success());
    }
}

#[test]
fn a_cache_that_is_mounted_elsewhere_is_recognised() {
    let folder = tempfile::tempdir().unwrap();
    for path in ["home/cache/commands", "other/inner", "free/inner"] {
        std::fs::create_dir_all(folder.path().join(path)).unwrap();
    }
    // The folder around the cache is seen in `other/inner` as well; `other` is not above the cache by its name.
    let script = "cd \"$1\" && mount --bind home/cache other/inner || exit 77
        for host in other other/inner other/inner/commands free; do
            \"$0\" eval --mount=\"$1/$host:/m:ro\" \"'$host'\"
        done";
    let mut unshare = Command::new("unshare");
    unshare.args(["--user", "--map-root-user", "--mount", "sh", "-c", script]);
    unshare.arg(directory().join("cordon")).arg(folder.path());
    let output = unshare.env("CORDON_CACHE_DIR", folder.path().join("home/cache")).output();
    let skipped = output
        .as_ref()
        .map_or(true, |output| output.status.code() == Some(77) || text(&output.stderr).contains("unshare:"));
    if skipped {
        eprintln!("SKIPPED: nothing can be mounted here");
        return;
    }
    let output = output.unwrap();
    assert_eq!(text(&output.stdout), "\"free\"\n", "{}", text(&output.stderr));
}
