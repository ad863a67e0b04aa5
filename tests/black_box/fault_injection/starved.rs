//! Disks without room: for the cache of native code, and for what a VM writes.

use std::path::Path;
use std::process::{Command, Output};

use crate::common::{count, directory, text};

/// Runs a script with a disk of 1 MiB mounted at `$DISK`, in a user and a mount namespace of its own. Where the machine
/// has none of these, it says so loudly.
fn with_small_disk(script: &str) -> Option<Output> {
    let folder = tempfile::tempdir().unwrap();
    let run = |script: &str| {
        Command::new("unshare")
            .args(["--user", "--map-root-user", "--mount", "sh", "-c"])
            .arg(format!("mount -t tmpfs -o size=1m none \"$DISK\" && {{ {script}\n}}"))
            .env("DISK", folder.path())
            .env("PATH", path_with_cordon())
            .output()
    };
    let can = run("true").is_ok_and(|output| output.status.success());
    if !can {
        eprintln!("SKIPPED: this machine lets nobody mount a small disk (unshare --user --mount)");
        return None;
    }
    Some(run(script).unwrap())
}

fn path_with_cordon() -> String {
    format!("{}:{}", directory().display(), std::env::var("PATH").unwrap_or_default())
}

/// Whether a failed command says why, and what to do about its cache.
fn is_explained(output: &Output) -> bool {
    let said = text(&output.stderr);
    !output.status.success() && said.contains("CORDON_CACHE_DIR") && !said.contains("panicked")
}

#[test]
fn a_disk_without_room_for_the_cache_stops_commands_at_most() {
    let script = "export CORDON_CACHE_DIR=$DISK; cordon sh -c 'echo works'";
    let Some(output) = with_small_disk(script) else { return };
    let works = text(&output.stdout) == "works\n";
    assert!(works || is_explained(&output), "{output:?}");
    let script = "export CORDON_CACHE_DIR=$DISK; cordon eval '1 + 1'";
    let output = with_small_disk(script).expect("as before");
    assert_eq!(text(&output.stdout), "2\n", "{output:?}");
    count("faults", "no room for the cache", 2);
}

#[test]
fn a_cache_that_cannot_be_written_to_stops_commands_at_most() {
    let script = "mount -o remount,ro none \"$DISK\"; export CORDON_CACHE_DIR=$DISK; cordon eval '1 + 1' && cordon sh -c 'echo works'";
    let Some(output) = with_small_disk(script) else { return };
    let out = text(&output.stdout);
    assert!(out == "2\nworks\n" || out == "2\n" && is_explained(&output), "{output:?}");
    count("faults", "cache read-only", 1);
}

#[test]
fn a_mount_without_room_is_told_to_who_writes() {
    let script = r#"
        cordon sh --mount "$DISK:/full" -c '
            head -c 3000000 /dev/zero > /full/large 2>/dev/null; echo "large: $?"
            rm /full/large; echo small > /full/small && cat /full/small
            head -c 3000000 /dev/zero > /tmp/own && echo "own files: $?"'
        cat > "$DISK/fill.mjs" <<'END'
import { open, removeFile, writeFile } from "cordon:vm/filesystem";
try { writeFile("/full/large", new Uint8Array(3e6)); console.log("written"); } catch (error) { console.log(error.code); }
const file = open("/full/held", { write: true, create: true });
try { await file.write(new Uint8Array(3e6)); console.log("written"); } catch (error) { console.log(error.code); }
file.close();
removeFile("/full/held");
END
        mkdir "$DISK/code" && mv "$DISK/fill.mjs" "$DISK/code" && rm -f "$DISK/large"
        cordon run --mount "$DISK:/full" "$DISK/code/fill.mjs""#;
    let Some(output) = with_small_disk(script) else { return };
    let expected = "large: 1\nsmall\nown files: 0\nENOSPC\nENOSPC\n";
    assert_eq!(text(&output.stdout), expected, "{output:?}");
    assert!(!Path::new("/full").exists());
    count("faults", "no room in a mount", 3);
}
