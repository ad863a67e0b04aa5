//! Contents of files between client and VM: of any size, piece by piece, with a defined end whatever happens.

use cordon::wire::code;
use serde_json::json;

use crate::common::{default_vm, error_of, sh, vm};

/// Bytes of which no two stretches are alike, so that a piece that is lost, doubled or out of order is seen.
fn contents(length: usize) -> Vec<u8> {
    (0..length as u64 / 8 + 1)
        .flat_map(|index| (index * 0x9e37_79b9_7f4a_7c15).to_le_bytes())
        .take(length)
        .collect()
}

#[tokio::test]
async fn a_file_of_any_size_that_the_vm_may_keep_is_written_and_read_whole() {
    let vm = default_vm().await;
    // Around the sizes at which an answer, a window or a request is full; and more than a frame holds.
    for length in [0, 1, (256 << 10) - 1, 256 << 10, (256 << 10) + 1, 1 << 20, (1 << 20) + 1, 40 << 20] {
        let bytes = contents(length);
        vm.write_file("/tmp/f", bytes.clone()).await.unwrap();
        assert_eq!(vm.stat("/tmp/f").await.unwrap().size, length as u64);
        assert!(vm.read_file("/tmp/f").await.unwrap() == bytes, "{length} bytes");
    }
    let made = sh(&vm, "head -c 33554432 /dev/zero > /tmp/f; echo end >> /tmp/f").await;
    assert_eq!(made.exit_code, Some(0), "{made:?}");
    let read = vm.read_file("/tmp/f").await.unwrap();
    assert_eq!((read.len(), read.ends_with(b"\0end\n")), (33_554_436, true));
}

#[tokio::test]
async fn a_mount_takes_and_gives_files_of_any_size() {
    let host = tempfile::tempdir().unwrap();
    let path = host.path().to_str().unwrap();
    let vm = vm(json!({
        "mounts": [{ "host": path, "guest": "/m", "readOnly": false }],
        "limits": { "filesystemBytes": 1 << 20 },
    }))
    .await;
    let bytes = contents(20 << 20);
    vm.write_file("/m/f", bytes.clone()).await.unwrap();
    assert!(std::fs::read(host.path().join("f")).unwrap() == bytes);
    assert!(vm.read_file("/m/f").await.unwrap() == bytes);
}

#[tokio::test]
async fn a_file_is_read_and_written_piece_by_piece() {
    let vm = default_vm().await;
    let bytes = contents(3 << 20);
    let mut writer = vm.write_file_stream("/tmp/f").unwrap();
    for piece in bytes.chunks(100_000) {
        writer.write(piece).await.unwrap();
    }
    writer.finish().await.unwrap();
    let mut reader = vm.read_file_stream("/tmp/f").unwrap();
    let mut read = Vec::new();
    while let Some(piece) = reader.next().await.unwrap() {
        assert!(piece.len() <= 256 << 10);
        read.extend(piece);
    }
    assert!(read == bytes);
    assert_eq!(reader.next().await.unwrap(), None, "the end stays the end");
    let mut missing = vm.read_file_stream("/tmp/none").unwrap();
    assert_eq!(error_of(missing.next().await).code, "ENOENT");
    let writer = vm.write_file_stream("/none/f").unwrap();
    assert_eq!(error_of(writer.finish().await).code, "ENOENT");
}

#[tokio::test]
async fn a_reader_that_takes_nothing_holds_up_nobody_and_ends_when_dropped() {
    let vm = default_vm().await;
    vm.write_file("/tmp/f", contents(8 << 20)).await.unwrap();
    let mut readers = Vec::new();
    for _ in 0..8 {
        let mut reader = vm.read_file_stream("/tmp/f").unwrap();
        assert!(reader.next().await.unwrap().is_some());
        readers.push(reader);
    }
    // Each has sent what it may. The VM goes on, with files as well.
    vm.write_file("/tmp/g", "g").await.unwrap();
    assert_eq!(vm.evaluate::<u32>("1 + 1").await.unwrap(), 2);
    drop(readers);
    // Their descriptors are closed: only then is what a removed file took there for others.
    vm.remove("/tmp/f", false).await.unwrap();
    vm.write_file("/tmp/f", contents(100 << 20)).await.unwrap();
}

#[tokio::test]
async fn a_writing_that_does_not_come_to_its_end_leaves_an_empty_file() {
    let vm = vm(json!({ "limits": { "filesystemBytes": 4 << 20 } })).await;
    let bytes = contents(6 << 20);
    let error = error_of(vm.write_file("/tmp/f", bytes.clone()).await);
    assert_eq!((error.code.as_str(), error.field.as_deref()), ("ENOSPC", Some("limits.filesystemBytes")));
    // What was written takes no room any more.
    assert_eq!(vm.read_file("/tmp/f").await.unwrap(), b"");
    vm.write_file("/tmp/g", bytes[..3 << 20].to_vec()).await.unwrap();
    vm.remove("/tmp/g", false).await.unwrap();
    // Again, but the client gives up.
    let mut writer = vm.write_file_stream("/tmp/f").unwrap();
    writer.write(&bytes[..1 << 20]).await.unwrap();
    drop(writer);
    let mut left = 1;
    while left > 0 {
        left = vm.stat("/tmp/f").await.unwrap().size;
    }
    // An old file is emptied when the writing begins.
    vm.write_file("/tmp/f", "old").await.unwrap();
    let writer = vm.write_file_stream("/tmp/f").unwrap();
    writer.finish().await.unwrap();
    assert_eq!(vm.read_file("/tmp/f").await.unwrap(), b"");
}

#[tokio::test]
async fn what_is_full_is_named() {
    let vm = vm(json!({ "limits": { "filesystemBytes": 4 << 20, "inodes": 300 } })).await;
    let full = sh(&vm, "i=0; while : > /tmp/n$i; do i=$((i+1)); done").await;
    assert_ne!(full.exit_code, Some(0));
    let error = error_of(vm.write_file("/tmp/one-more", "").await);
    assert_eq!((error.code.as_str(), error.field.as_deref()), ("ENOSPC", Some("limits.inodes")));
    let error = error_of(vm.write_file("/dev/full", "x").await);
    assert_eq!((error.code.as_str(), error.field), ("ENOSPC", None), "no limit of the VM's decides that");
}

#[tokio::test]
async fn a_guest_cannot_make_the_embedder_read_without_end() {
    let host = tempfile::tempdir().unwrap();
    let path = host.path().to_str().unwrap();
    let vm = vm(json!({ "mounts": [{ "host": path, "guest": "/m", "readOnly": false }] })).await;
    let made = sh(&vm, "truncate -s 1000G /tmp/holes && truncate -s 100G /m/holes").await;
    assert_eq!(made.exit_code, Some(0), "{made:?}");
    let error = error_of(vm.read_file("/tmp/holes").await);
    assert_eq!((error.code.as_str(), error.field.as_deref()), (code::LIMIT, Some("limits.filesystemBytes")));
    let error = error_of(vm.read_file("/m/holes").await);
    assert_eq!(error.code, code::LIMIT);
    assert!(error.message.contains("READ_FILE_BYTES_MAX"), "{error:?}");
    let error = error_of(vm.read_file("/dev/zero").await);
    assert_eq!(error.code, code::LIMIT);
    // Piece by piece it is the embedder who decides when it is enough.
    let mut reader = vm.read_file_stream("/tmp/holes").unwrap();
    for _ in 0..20 {
        assert!(reader.next().await.unwrap().is_some());
    }
    drop(reader);
    assert_eq!(vm.evaluate::<u32>("1 + 1").await.unwrap(), 2);
}
