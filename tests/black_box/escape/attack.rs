//! The files of `tests/escape`: what their heads say.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// The three profiles that an engine can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    Default,
    NoJit,
    WebAssembly,
}

/// How an attack is brought into a VM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Road {
    CommandLine,
    RustClient,
    /// Run by that client's own tests.
    TypeScriptClient,
}

/// An attack: a file whose head has lines `// key: value` (`#` in the shell).
pub struct Attack {
    /// Below `tests/escape`.
    pub name: String,
    pub path: PathBuf,
    /// Every line that it has to print, in order.
    pub expects: Vec<String>,
    /// What its VM's configuration has beside what all have.
    pub config: Value,
    pub profiles: Vec<Profile>,
    pub platforms: Vec<&'static str>,
    pub roads: Vec<Road>,
}

/// The folder of the attacks.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/escape")
}

/// Every attack, sorted by name.
pub fn all() -> Vec<Attack> {
    let mut attacks = Vec::new();
    for class in std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()) {
        if class.is_dir() {
            attacks
                .extend(std::fs::read_dir(class).unwrap().map(|entry| Attack::read(entry.unwrap().path())));
        }
    }
    attacks.sort_by(|one, other| one.name.cmp(&other.name));
    attacks
}

impl Attack {
    fn read(path: PathBuf) -> Attack {
        let name = path.strip_prefix(folder()).unwrap().to_str().unwrap().to_owned();
        let source = std::fs::read_to_string(&path).unwrap();
        let mark = if name.ends_with(".sh") { "# " } else { "// " };
        let head: Vec<(&str, &str)> =
            source.lines().map_while(|line| line.strip_prefix(mark)?.split_once(": ")).collect();
        for (key, _) in &head {
            let known = ["class", "rule", "expects", "config", "profiles", "platforms", "clients"];
            assert!(known.contains(key), "{name}: {key} means nothing");
        }
        let value = |key: &str| head.iter().find(|(known, _)| *known == key).map(|(_, value)| *value);
        assert!(value("class").is_some() && value("rule").is_some(), "{name} names no class or no rule");
        let expects: Vec<String> =
            head.iter().filter(|(key, _)| *key == "expects").map(|(_, value)| (*value).to_owned()).collect();
        assert!(
            !expects.is_empty() && expects.iter().all(|line| line.starts_with("DENIED ")),
            "{name} does not say what denial it expects"
        );
        let words = |key: &str, otherwise: &'static str| value(key).unwrap_or(otherwise).split(' ').collect();
        let profiles: Vec<&str> = words("profiles", "default no-jit wasm");
        let platforms: Vec<&str> = words("platforms", "neutral");
        let roads: Vec<&str> = words("clients", "cli rust typescript");
        Attack {
            config: value("config").map_or_else(
                || serde_json::json!({}),
                |json| serde_json::from_str(json).unwrap_or_else(|error| panic!("{name}: {error}")),
            ),
            profiles: profiles.iter().map(|word| profile(word, &name)).collect(),
            platforms: platforms.iter().map(|word| platform(word, &name)).collect(),
            roads: roads.iter().map(|word| road(word, &name)).collect(),
            name,
            path,
            expects,
        }
    }

    /// The folder that it lies in.
    pub fn class(&self) -> &str {
        self.name.split('/').next().unwrap_or_default()
    }

    pub fn is_shell(&self) -> bool {
        self.name.ends_with(".sh")
    }

    /// Where a VM has it.
    pub fn guest_path(&self) -> String {
        format!("/escape/{}", self.name)
    }
}

fn profile(word: &str, name: &str) -> Profile {
    match word {
        "default" => Profile::Default,
        "no-jit" => Profile::NoJit,
        "wasm" => Profile::WebAssembly,
        _ => panic!("{name}: {word} is no profile"),
    }
}

fn platform(word: &str, name: &str) -> &'static str {
    match word {
        "neutral" => "neutral",
        "bare" => "bare",
        "node" => "node",
        _ => panic!("{name}: {word} is no platform"),
    }
}

fn road(word: &str, name: &str) -> Road {
    match word {
        "cli" => Road::CommandLine,
        "rust" => Road::RustClient,
        "typescript" => Road::TypeScriptClient,
        _ => panic!("{name}: {word} is no client"),
    }
}
