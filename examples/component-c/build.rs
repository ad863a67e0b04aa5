//! Has wit-bindgen write the C bindings of the world `cordon:vm/command`, and compiles them with `prefix.c`.

use std::error::Error;
use std::path::PathBuf;

use wit_bindgen_core::Files;
use wit_bindgen_core::wit_parser::Resolve;

fn main() -> Result<(), Box<dyn Error>> {
    for file in ["../../wit", "prefix.c"] {
        println!("cargo:rerun-if-changed={file}");
    }
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir("../../wit")?;
    let world = resolve.select_world(&[package], Some("command"))?;
    let mut files = Files::default();
    wit_bindgen_c::Opts::default().build().generate(&mut resolve, world, &mut files)?;
    for (name, contents) in files.iter() {
        std::fs::write(out.join(name), contents)?;
    }
    cc::Build::new()
        .file(out.join("command.c"))
        .file("prefix.c")
        .include(&out)
        // The C library asks for `main` so weakly that no archive is searched for it.
        .link_lib_modifier("+whole-archive")
        .compile("prefix");
    // It says which interfaces the module imports, for whoever makes a component of it.
    println!("cargo:rustc-link-arg-bins={}", out.join("command_component_type.o").display());
    Ok(())
}
