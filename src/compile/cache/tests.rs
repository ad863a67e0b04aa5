//! The cache with real modules and a real compiler, and what others may do to its files.

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::compiler::CompileError;

const MODULE: &str = r#"(module (memory (export "memory") 1) (func (export "_start")))"#;

const CHANGED: &str = "it was not made with this cache's key, or has changed since";

struct Counted(usize, Vec<&'static str>);

fn get(cache: &ArtifactCache, wasm: &[u8]) -> (Artifact, Counted) {
    let mut seen = Counted(0, Vec::new());
    let mut progress = |progress: Progress<'_>| match progress {
        Progress::Compiling { .. } => seen.0 += 1,
        Progress::Discarded { reason, .. } => seen.1.push(reason),
        Progress::Waiting { .. } | Progress::Compiled { .. } | Progress::NotKept { .. } => {}
    };
    let artifact = cache.get_or_compile("quiet", wasm, &mut progress).unwrap();
    (artifact, seen)
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|ending| ending == "cwasm")).collect()
}

#[test]
fn what_was_compiled_is_found_again_until_it_is_damaged() {
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().join("cordon/commands");
    let cache = ArtifactCache::open(&directory).unwrap();
    let wasm = wat::parse_str(MODULE).unwrap();
    let (first, seen) = get(&cache, &wasm);
    assert_eq!((seen.0, seen.1.len()), (1, 0));
    let again = ArtifactCache::open(&directory).unwrap();
    assert_eq!(get(&again, &wasm).1.0, 0);
    assert_eq!(get(&again, &wasm).0.len, first.len);

    let file = files(&directory).pop().unwrap();
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o400);
    let whole = std::fs::read(&file).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    let cases = [
        (flipped, CHANGED),
        (whole[..whole.len() - 1].to_vec(), "it has no trailer"),
        (whole[..7].to_vec(), "it is too short"),
    ];
    for (contents, reason) in cases {
        replace(&file, &contents);
        let (_, seen) = get(&cache, &wasm);
        assert_eq!((seen.0, seen.1), (1, vec![reason]));
    }
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o620)).unwrap();
    assert_eq!(get(&cache, &wasm).1.1, ["others may write to it"]);
}

/// Puts something else in the place of a file of the cache.
fn replace(file: &Path, contents: &[u8]) {
    std::fs::remove_file(file).unwrap();
    std::fs::write(file, contents).unwrap();
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o400)).unwrap();
}

fn contents(artifact: &Artifact) -> Vec<u8> {
    let mut bytes = vec![0; artifact.len as usize];
    artifact.file.read_exact_at(&mut bytes, 0).unwrap();
    bytes
}

#[test]
fn what_was_handed_out_is_out_of_reach_of_whoever_writes_to_the_cache() {
    let home = tempfile::tempdir().unwrap();
    let cache = ArtifactCache::open(&home.path().join("commands")).unwrap();
    let wasm = wat::parse_str(MODULE).unwrap();
    let (made, _) = get(&cache, &wasm);
    let (found, seen) = get(&cache, &wasm);
    assert_eq!(seen.0, 0);
    let before = contents(&made);
    // Not replaced but changed and cut off, as someone would who has it open.
    let path = files(&cache.path).pop().unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let file = File::options().write(true).open(&path).unwrap();
    file.write_all_at(b"native code of somebody else's", 0).unwrap();
    file.set_len(30).unwrap();
    for artifact in [&made, &found] {
        assert!(contents(artifact) == before);
        assert!(artifact.file.write_all_at(b"x", 0).is_err() && artifact.file.set_len(0).is_err());
        let seals = rustix::fs::fcntl_get_seals(&artifact.file).unwrap();
        use rustix::fs::SealFlags;
        assert!(seals.contains(SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL));
    }
}

#[test]
fn who_does_not_know_the_key_can_forge_nothing() {
    let home = tempfile::tempdir().unwrap();
    let cache = ArtifactCache::open(&home.path().join("commands")).unwrap();
    let wasm = wat::parse_str(MODULE).unwrap();
    let other = wat::parse_str(r#"(module (memory (export "memory") 2) (func (export "_start")))"#).unwrap();
    get(&cache, &wasm);
    let file = files(&cache.path).pop().unwrap();
    let genuine = std::fs::read(&file).unwrap();
    let native = &genuine[..genuine.len() - TRAILER_BYTES as usize];
    let digest = [native, TRAILER_MAGIC, &Sha256::digest(native)].concat();
    // Made with the key of another cache, under the name that it has here.
    let elsewhere = ArtifactCache::open(&home.path().join("other")).unwrap();
    get(&elsewhere, &wasm);
    let foreign = std::fs::read(files(&elsewhere.path).pop().unwrap()).unwrap();
    assert!(foreign[..native.len()] == *native);
    // Genuine, but another program's.
    get(&cache, &other);
    let of_other = files(&cache.path).into_iter().find(|path| *path != file).unwrap();
    let swapped = std::fs::read(of_other).unwrap();
    for forged in [digest, foreign, swapped] {
        replace(&file, &forged);
        let (artifact, seen) = get(&cache, &wasm);
        assert_eq!((seen.0, seen.1), (1, vec![CHANGED]));
        assert!(contents(&artifact) == native);
    }
}

#[test]
fn a_file_that_says_it_is_huge_is_not_read() {
    let home = tempfile::tempdir().unwrap();
    let cache = ArtifactCache::open(&home.path().join("commands")).unwrap();
    let wasm = wat::parse_str(MODULE).unwrap();
    get(&cache, &wasm);
    let path = files(&cache.path).pop().unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    File::options().write(true).open(&path).unwrap().set_len(1 << 40).unwrap();
    assert_eq!(get(&cache, &wasm).1.1, ["it is too long"]);
}

#[test]
fn what_cannot_be_kept_is_handed_out_and_said() {
    let home = tempfile::tempdir().unwrap();
    let cache = ArtifactCache::open(&home.path().join("commands")).unwrap();
    assert!(cache.try_writing().is_ok());
    // A lock that cannot be had, also by root.
    std::fs::create_dir(cache.path.join("quiet.lock")).unwrap();
    let wasm = wat::parse_str(MODULE).unwrap();
    let mut told = Vec::new();
    let mut progress = |progress: Progress<'_>| {
        if let Progress::NotKept { name, error } = progress {
            told.push((name.to_owned(), error.to_string()));
        }
    };
    let artifact = cache.get_or_compile("quiet", &wasm, &mut progress).unwrap();
    assert!(contents(&artifact) == Compiler::new().unwrap().compile("quiet", &wasm).unwrap());
    assert!(told.len() == 1 && told[0].1.contains("quiet.lock"), "{told:?}");
    std::fs::remove_dir_all(&cache.path).unwrap();
    assert!(matches!(cache.try_writing(), Err(CacheError::Io { .. })));
    assert!(cache.get_or_compile("quiet", &wasm, &mut |_| {}).is_ok());
}

#[test]
fn a_directory_that_others_may_write_to_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().join("commands");
    ArtifactCache::open(&directory).unwrap();
    assert_eq!(std::fs::metadata(&directory).unwrap().permissions().mode() & 0o777, 0o700);
    std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o770)).unwrap();
    assert!(matches!(ArtifactCache::open(&directory), Err(CacheError::Untrusted { .. })));
    let link = home.path().join("link");
    std::os::unix::fs::symlink(&directory, &link).unwrap();
    assert!(matches!(ArtifactCache::open(&link), Err(CacheError::Io { .. })));
}

#[test]
fn a_directory_that_cannot_be_made_is_absent_and_another_failure_is_not() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("file");
    std::fs::write(&file, "").unwrap();
    let absent = ArtifactCache::open(&file.join("cordon/commands")).err().unwrap();
    assert!(absent.is_absence(), "{absent}");
    let occupied = ArtifactCache::open(&file).err().unwrap();
    assert!(!occupied.is_absence(), "{occupied}");
    for error in [absent, occupied] {
        let path = home.path().to_str().unwrap();
        assert!(!error.to_string().contains(path), "{error}");
        assert!(error.hint().unwrap().contains(path));
    }
}

#[test]
fn old_versions_of_a_program_are_removed() {
    let home = tempfile::tempdir().unwrap();
    let cache = ArtifactCache::open(&home.path().join("commands")).unwrap();
    for version in 0..ARTIFACTS_PER_PROGRAM + 3 {
        let module =
            format!(r#"(module (memory (export "memory") {}) (func (export "_start")))"#, version + 1);
        get(&cache, &wat::parse_str(module).unwrap());
    }
    assert_eq!(files(&cache.path).len(), ARTIFACTS_PER_PROGRAM);
}

#[test]
fn what_is_no_program_and_names_that_are_no_names_are_refused() {
    let home = tempfile::tempdir().unwrap();
    let cache = ArtifactCache::open(&home.path().join("commands")).unwrap();
    let mut ignore = |_: Progress<'_>| {};
    let refused = cache.get_or_compile("text", b"#!/bin/sh\n", &mut ignore);
    assert!(matches!(refused, Err(CacheError::Compile(CompileError::NotWasm(_)))));
    for name in ["", "../quiet", "a/b", ".lock", "name with blanks"] {
        assert!(matches!(cache.get_or_compile(name, b"", &mut ignore), Err(CacheError::Name(_))));
    }
}
