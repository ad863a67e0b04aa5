//! A program that uses `cordon:vm` as a shell does.

use super::*;
use wit_component::{StringEncoding, embed_component_metadata};

/// Starts `hello` with a pipe as its standard output, reads what it wrote, writes that to its own standard output
/// (taken from `inherited`), waits for a second child and ends with its exit code. A step that fails ends it with the
/// step's number and 100.
const PARENT: &str = r#"(module
    (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
    (import "cordon:vm/descriptors@0.1.0" "pipe" (func $pipe (param i32)))
    (import "cordon:vm/descriptors@0.1.0" "inherited" (func $inherited (param i32 i32)))
    (import "cordon:vm/descriptors@0.1.0" "[method]descriptor.read" (func $read (param i32 i32 i32)))
    (import "cordon:vm/descriptors@0.1.0" "[method]descriptor.write" (func $write (param i32 i32 i32 i32)))
    (import "cordon:vm/descriptors@0.1.0" "[resource-drop]descriptor" (func $drop (param i32)))
    (import "cordon:vm/process@0.1.0" "spawn" (func $spawn
      (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
    (import "cordon:vm/process@0.1.0" "[method]child.wait" (func $wait (param i32 i32)))
    (memory (export "memory") 2)
    (global $free (mut i32) (i32.const 8192))
    (global $child (mut i32) (i32.const 0))
    (data (i32.const 0) "/bin/hello") (data (i32.const 16) "/bin/seven")
    (data (i32.const 32) "\00\00\00\00\05\00\00\00")
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $free) (i32.const 15)) (i32.const -16)))
      (global.set $free (i32.add (local.get $at) (local.get 3)))
      (local.get $at))
    (func $check (param $result i32) (param $step i32)
      (if (i32.load8_u (local.get $result))
        (then (call $proc_exit (i32.add (i32.const 100) (local.get $step))))))
    (func $start (param $program i32) (param $descriptors i32)
      (call $spawn
        (local.get $program) (i32.const 10) (i32.const 32) (i32.const 1) (i32.const 0) (i32.const 0)
        (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 64) (local.get $descriptors)
        (i32.const 0) (i32.const 0) (i32.const 200))
      (call $check (i32.const 200) (i32.const 2))
      (global.set $child (i32.load (i32.const 204))))
    (func (export "_start")
      (call $pipe (i32.const 100))
      (call $check (i32.const 100) (i32.const 1))
      (i32.store (i32.const 64) (i32.const 1))
      (i32.store (i32.const 68) (i32.load (i32.const 108)))
      (call $start (i32.const 0) (i32.const 1))
      (call $drop (i32.load (i32.const 108)))
      (call $read (i32.load (i32.const 104)) (i32.const 1000) (i32.const 120))
      (call $check (i32.const 120) (i32.const 3))
      (call $inherited (i32.const 1) (i32.const 140))
      (call $check (i32.const 140) (i32.const 4))
      (call $write (i32.load (i32.const 144)) (i32.load (i32.const 124)) (i32.load (i32.const 128)) (i32.const 160))
      (call $check (i32.const 160) (i32.const 5))
      (call $start (i32.const 16) (i32.const 0))
      (call $wait (global.get $child) (i32.const 180))
      (call $check (i32.const 180) (i32.const 6))
      (if (i32.load8_u (i32.const 181)) (then (call $proc_exit (i32.const 107))))
      (call $proc_exit (i32.load8_u (i32.const 182)))))"#;

/// The program as wit-bindgen would leave it: with a section that says which world it is written for.
pub(super) fn parent() -> Vec<u8> {
    let mut resolve = wit_parser::Resolve::default();
    let (package, _) = resolve.push_dir("wit").unwrap();
    let world = resolve.select_world(&[package], Some("command")).unwrap();
    let mut wasm = wat::parse_str(PARENT).unwrap();
    embed_component_metadata(&mut wasm, &resolve, world, StringEncoding::UTF8).unwrap();
    wasm
}

#[test]
fn a_program_starts_others_hands_them_descriptors_and_waits_for_them() {
    let vm = Vm::new(CommandLimits::default());
    assert_eq!(vm.run("parent"), (ExitStatus::Exited(7), "hello\n".into()));
    let left: Vec<_> = vm.kernel.processes().iter().map(|process| process.argv().to_vec()).collect();
    assert!(left.iter().all(|argv| argv[0] != "hello"), "a child that nobody waits for is reaped: {left:?}");
}

#[test]
fn what_the_permissions_deny_is_not_started() {
    let vm = Vm::with(CommandLimits::default(), Arc::new(TestServices { spawns: false, ..services() }));
    assert_eq!(vm.run("parent").0, ExitStatus::Exited(102));
}
