//! The supervisor's compiler of command programs: core modules of WASI preview 1 and components in, artifacts of
//! native code for this machine's processor out.
//!
//! It trusts its input as far as the compiler's own memory safety goes: in the supervisor the modules are the project's or
//! the embedder's, never a guest's ([`super::guest`]). It keeps nothing; [`super::cache`] and [`super::memory`] do.

use std::borrow::Cow;
use std::hash::{Hash, Hasher};

use sha2::{Digest, Sha256};
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER,
};
use wasmtime::Engine;
use wit_component::{ComponentEncoder, DecodedWasm, StringEncoding, embed_component_metadata};
use wit_parser::{Resolve, WorldId};

use artifact::applets::MAGIC;
use artifact::{engine_config, exit_import, interfaces};

use super::redirect::redirect;

/// Why a program could not be compiled.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// The engine refused its own configuration, for example on an unknown processor.
    #[error("cannot set up the compiler: {0:#}")]
    Engine(wasmtime::Error),
    /// The bytes are neither a core module nor a component.
    #[error("{0} is no WebAssembly module or component")]
    NotWasm(String),
    /// A core module that cannot be made a command, for example because it imports what commands are not given.
    #[error("cannot make a component of {name}: {reason:#}")]
    Componentize {
        /// The program.
        name: String,
        /// What is wrong with it.
        reason: anyhow::Error,
    },
    /// A component that could not be linked in a VM, or has no `main`.
    #[error("{name} can be no command: it {what}")]
    NoCommand {
        /// The program.
        name: String,
        /// What it imports that commands are not given, or lacks.
        what: String,
    },
    /// The compiler refused the component.
    #[error("cannot compile {name}: {reason:#}")]
    Compile {
        /// The program.
        name: String,
        /// What is wrong with it.
        reason: wasmtime::Error,
    },
}

/// The version fields that tell the two kinds of WebAssembly files apart.
const CORE_VERSION: [u8; 4] = [1, 0, 0, 0];
const COMPONENT_VERSION: [u8; 4] = [0x0d, 0, 1, 0];

/// How a preview 1 program imports the function that ends it.
const PROC_EXIT: (&str, &str) = (WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, "proc_exit");

/// What programs import from the runtime itself as WIT: in the place of that function ([`exit_import`]), and to wait
/// for their process ([`artifact::begin_import`]).
const RUNTIME_WIT: &str = "
    package cordon:runtime@0.1.0;
    interface exit {
        exit-with: func(code: u32);
    }
    interface begin {
        wait: func();
    }
    world runtime {
        import exit;
        import begin;
    }
";
const RUNTIME_WORLD: &str = "runtime";

/// A compiler for this machine.
pub struct Compiler {
    engine: Engine,
}

impl Compiler {
    /// Sets up the compiler; cheap, nothing is compiled yet.
    pub fn new() -> Result<Self, CompileError> {
        let engine = Engine::new(&engine_config::shared()).map_err(CompileError::Engine)?;
        Ok(Compiler { engine })
    }

    /// The same that needs no thread but the caller's.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_one_thread() -> Result<Self, CompileError> {
        let engine =
            Engine::new(engine_config::shared().parallel_compilation(false)).map_err(CompileError::Engine)?;
        Ok(Compiler { engine })
    }

    /// Names everything besides the module that shapes an artifact: the compiler's version and settings, the processor
    /// and its features, and the adapter that preview 1 modules are joined with.
    pub fn fingerprint(&self) -> [u8; 32] {
        let mut digest = DigestHasher(Sha256::new());
        self.engine.precompile_compatibility_hash().hash(&mut digest);
        digest.0.update(Sha256::digest(WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER));
        digest.0.update(RUNTIME_WIT);
        digest.0.finalize().into()
    }

    /// Compiles a program to the bytes of an artifact.
    pub fn compile(&self, name: &str, wasm: &[u8]) -> Result<Vec<u8>, CompileError> {
        let component = componentize(name, wasm)?;
        check_contract(name, &component)?;
        self.engine
            .precompile_component(&component)
            .map_err(|reason| CompileError::Compile { name: name.to_owned(), reason })
    }
}

/// Whether a component imports only what commands are given, and has a `main`. One that is damaged beyond that is left to
/// the compiler.
fn check_contract(name: &str, component: &[u8]) -> Result<(), CompileError> {
    let no_command = |what: String| CompileError::NoCommand { name: name.to_owned(), what };
    let Ok(DecodedWasm::Component(resolve, world)) = wit_component::decode(component) else {
        return Ok(());
    };
    let world = &resolve.worlds[world];
    let imports = world.imports.keys().map(|key| resolve.name_world_key(key));
    let strange: Vec<String> = imports.filter(|import| !interfaces::is_given(import)).collect();
    if !strange.is_empty() {
        return Err(no_command(format!(
            "imports {}, which commands of a VM are not given",
            strange.join(", ")
        )));
    }
    let mut exports = world.exports.keys().map(|key| resolve.name_world_key(key));
    if !exports.any(|export| export.split('@').next() == Some(interfaces::MAIN)) {
        return Err(no_command(format!("exports no {}", interfaces::MAIN)));
    }
    Ok(())
}

/// Makes a component of a core module; a component stays what it is.
pub fn componentize<'a>(name: &str, wasm: &'a [u8]) -> Result<Cow<'a, [u8]>, CompileError> {
    let version = wasm.strip_prefix(MAGIC).and_then(|rest| rest.first_chunk::<4>());
    match version {
        Some(&COMPONENT_VERSION) => Ok(Cow::Borrowed(wasm)),
        Some(&CORE_VERSION) => encode(wasm)
            .map(Cow::Owned)
            .map_err(|reason| CompileError::Componentize { name: name.to_owned(), reason }),
        _ => Err(CompileError::NotWasm(name.to_owned())),
    }
}

fn encode(module: &[u8]) -> anyhow::Result<Vec<u8>> {
    let exit_with = (exit_import::INTERFACE, exit_import::FUNCTION);
    let redirected = match redirect(module, PROC_EXIT, exit_with)? {
        Some(mut redirected) => {
            let (resolve, world) = runtime_world()?;
            embed_component_metadata(&mut redirected, &resolve, world, StringEncoding::UTF8)?;
            Cow::Owned(redirected)
        }
        None => Cow::Borrowed(module),
    };
    ComponentEncoder::default()
        .module(&redirected)?
        .adapter(WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER)?
        // The compiler validates what it is given.
        .validate(false)
        .encode()
}

/// The world in which imports from the runtime are known.
fn runtime_world() -> anyhow::Result<(Resolve, WorldId)> {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("runtime.wit", RUNTIME_WIT)?;
    let world = resolve.select_world(&[package], Some(RUNTIME_WORLD))?;
    Ok((resolve, world))
}

/// Feeds what is hashed into SHA-256, since the standard hashers are too narrow for a name.
struct DigestHasher(Sha256);

impl Hasher for DigestHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let digest = self.0.clone().finalize();
        u64::from_le_bytes(*digest.first_chunk().expect("a digest has 32 bytes"))
    }
}
