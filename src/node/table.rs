//! The table of bindings in `docs/node-compatibility.md`: a test boots the library, looks at every binding that Node has,
//! and holds the document to what it finds. `CORDON_UPDATE=1` writes it anew.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::rc::Rc;

use isolate::library::{Core, Library, Realm, Scope};
use isolate::{Helpers, Isolate, initialize};
use protocol::config::Platform;
use protocol::engine::{EngineProfile, WasmLevel};

use crate::environment::Env;
use crate::{Node, binding};

thread_local! {
    /// Functions and classes that throw when they are used, as bindings are made.
    pub(crate) static LACKING: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    /// Of each binding: how many functions and classes Node has, and those that are lacking.
    static FOUND: RefCell<BTreeMap<String, (usize, Vec<String>)>> = const { RefCell::new(BTreeMap::new()) };
}

/// Boots, and then looks at all bindings.
struct Probe(Node);

impl Library for Probe {
    fn install(&self, isolate: &mut v8::OwnedIsolate) {
        self.0.install(isolate);
    }

    fn boot(&self, scope: &mut Scope<'_, '_>, core: &Rc<Core>, realm: &Rc<Realm>) -> Option<()> {
        self.0.boot(scope, core, realm)?;
        let env = Env::of(scope)?;
        let facts = env.facts.clone();
        for name in facts.names() {
            LACKING.take();
            binding::instantiate(scope, &env, name)?;
            let described = facts.binding(name)?;
            let usable = |value: &&serde_json::Value| value.get("function").or(value.get("class")).is_some();
            let prefix = format!("{name}.");
            let lacking: Vec<String> = LACKING
                .take()
                .iter()
                .filter_map(|path| path.strip_prefix(&prefix))
                .map(str::to_owned)
                .collect();
            let all = described.values().filter(usable).count();
            FOUND.with_borrow_mut(|found| found.insert(name.to_owned(), (all.max(lacking.len()), lacking)));
        }
        Some(())
    }
}

fn table() -> String {
    let mut text =
        String::from("| Binding | Functions and classes | Throw `ERR_CORDON_UNSUPPORTED` when used |\n");
    text.push_str("| --- | --- | --- |\n");
    FOUND.with_borrow(|found| {
        for (name, (all, lacking)) in found.iter().filter(|(_, (all, _))| *all > 0) {
            let here = all - lacking.len();
            let list = match lacking.len() {
                0 => "none".to_owned(),
                count if count == *all => "all".to_owned(),
                _ => lacking.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
            };
            writeln!(text, "| `{name}` | {here} of {all} | {list} |").expect("a string takes all");
        }
    });
    text
}

#[test]
fn the_library_boots_in_one_realm_after_another_and_the_document_tells_what_its_bindings_have() {
    let profile = EngineProfile { wasm: WasmLevel::Absent, jit: true };
    initialize(&profile, Helpers::Now);
    let probe = Probe(Node { facts: crate::facts::Facts::shared(), scripts: Rc::default(), thread: None });
    drop(Isolate::new(profile, Platform::Node, Box::new(probe), 2));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/node-compatibility.md");
    let document = std::fs::read_to_string(&path).expect("the document is there");
    let (begin, end) = ("<!-- bindings -->\n", "<!-- end of bindings -->");
    let (before, rest) = document.split_once(begin).expect("it has a place for the table");
    let (_, after) = rest.split_once(end).expect("whose end is marked");
    let updated = format!("{before}{begin}{}{end}{after}", table());
    if std::env::var_os("CORDON_UPDATE").is_some() {
        std::fs::write(&path, updated).expect("the document can be written");
    } else {
        assert!(
            document == updated,
            "docs/node-compatibility.md is not what is here: CORDON_UPDATE=1 writes it"
        );
    }
}
