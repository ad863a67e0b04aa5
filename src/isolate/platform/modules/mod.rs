//! Modules of one realm: which have been loaded, how they are linked, and what V8 asks while it links and evaluates
//! them.
//!
//! Loading is synchronous: the VM's files are a function call away. The pieces: `resolve` finds files, `load` reads
//! and compiles them, `exports` reads the names off CommonJS texts, `evaluate` runs them, `callbacks` answers V8.

mod callbacks;
mod evaluate;
mod exports;
mod load;
pub(crate) mod resolve;

pub use exports::{Found as ExportedNames, scan as exported_names};

use std::collections::HashMap;

use crate::realm::resources::Table;

pub(crate) use callbacks::install;
pub(crate) use evaluate::{evaluate, forget_unfinished, require};
pub(crate) use load::{
    FileFormat, compile_common_js, format_of, link, load_file, load_module, load_source, read_text, strip,
    throw_unresolved,
};

/// Bytes of all module sources of one realm.
pub(crate) const SOURCE_LIMIT: usize = 64 * 1024 * 1024;

/// What an import says about the type it expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Type {
    /// Nothing: code.
    Code,
    /// `with { type: "json" }`.
    Json,
}

/// How a module gets its exports when it is evaluated.
enum Kind {
    /// V8 runs its code.
    Source,
    /// The default export is this value.
    Json(v8::Global<v8::Value>),
    /// `require` runs it.
    CommonJs,
    /// It is a `cordon:vm/...` interface.
    Interface,
}

struct Entry {
    module: v8::Global<v8::Module>,
    /// The file's path or the interface's name.
    name: String,
    kind: Kind,
    /// Where its imports lead.
    links: HashMap<(String, Type), usize>,
    /// Its imports have been followed.
    linked: bool,
}

/// The modules of one realm.
#[derive(Default)]
pub(crate) struct ModuleMap {
    entries: Vec<Entry>,
    by_name: HashMap<(String, Type), usize>,
    by_hash: HashMap<i32, Vec<usize>>,
    packages: resolve::Packages,
    /// Files that were looked at, and whose code has not run. They count among the bytes.
    seen: HashMap<String, Vec<u8>>,
    /// Promises of `import()` that are not settled.
    imports: Table<v8::Global<v8::PromiseResolver>>,
    /// Modules and bytes so far, CommonJS included.
    count: u64,
    bytes: usize,
}

impl ModuleMap {
    fn add(&mut self, hash: i32, key: Option<(String, Type)>, entry: Entry) -> usize {
        let index = self.entries.len();
        self.by_hash.entry(hash).or_default().push(index);
        if let Some(key) = key {
            self.by_name.insert(key, index);
        }
        self.entries.push(entry);
        index
    }

    /// The entry of a module that V8 names.
    fn find(&self, module: v8::Local<'_, v8::Module>) -> Option<usize> {
        let candidates = self.by_hash.get(&module.get_identity_hash().get())?;
        candidates.iter().copied().find(|index| self.entries[*index].module == module)
    }

    /// Forgets what was read of `package.json` files: a later job may have changed them.
    pub fn refresh(&mut self) {
        self.packages.clear();
        self.seen.clear();
    }

    pub fn packages(&mut self) -> &mut resolve::Packages {
        &mut self.packages
    }
}
