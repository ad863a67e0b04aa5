//! Options of Node's command line, as a program is given them and a thread in `execArgv`, and those of `NODE_OPTIONS`.

use serde_json::{Map, Value, json};

use crate::facts::Facts;

/// Options of a process and not of a thread, beside those of V8 itself.
const OF_PROCESS: &[&str] = &[
    "--title",
    "--trace-event-categories",
    "--trace-event-file-pattern",
    "--trace-events-enabled",
    "--v8-pool-size",
    "--zero-fill-buffers",
    "--debug-arraybuffer-allocations",
    "--disable-proto",
    "--node-snapshot",
    "--build-snapshot",
    "--build-snapshot-config",
    "--build-sea",
    "--experimental-sea-config",
    "--security-revert",
    "--completion-bash",
    "--help",
    "--version",
    "--v8-options",
    "--run",
    "--icu-data-dir",
    "--openssl-config",
    "--openssl-legacy-provider",
    "--openssl-shared-config",
    "--tls-cipher-list",
    "--use-openssl-ca",
    "--use-bundled-ca",
    "--ssl-openssl-cert-store",
    "--enable-fips",
    "--force-fips",
    "--secure-heap",
    "--secure-heap-min",
    "--use-largepages",
    "--trace-sigint",
    "--disable-wasm-trap-handler",
    "--node-memory-debug",
    "--redirect-warnings",
    "--abort-on-uncaught-exception",
];

/// Options of V8 that threads are given in Node: none of them has an effect.
const OF_V8: u64 = 1;
const BOOLEAN: u64 = 2;
const INTEGER: u64 = 3;
const UNSIGNED: u64 = 4;
const STRING: u64 = 5;
const LIST: u64 = 7;

/// What a list of options says.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Options {
    /// What differs from the defaults, described as the facts describe values.
    pub values: Map<String, Value>,
    /// Those that are none of a thread's.
    pub invalid: Vec<String>,
    /// What is wrong with others, in words.
    pub errors: Vec<String>,
}

/// The entries of a described map.
fn entries(value: Option<&Value>) -> impl Iterator<Item = (&str, &Value)> {
    let list = value.and_then(|value| value.get("map")).and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(|entry| Some((entry.get(0)?.get("value")?.as_str()?, entry.get(1)?)))
}

/// What is known of an option, by its full name.
fn kind(facts: &Facts, name: &str) -> Option<u64> {
    let options = facts.answer("optionInfo")?.get("object")?.get("options");
    let (_, found) = entries(options).find(|(known, _)| *known == name)?;
    found.get("object")?.get("type")?.get("value")?.as_u64()
}

/// The full name of an alias, if that stands for one option and nothing more.
fn full_name(facts: &Facts, name: &str) -> String {
    let aliases = facts.answer("optionInfo").and_then(|info| info.get("object")?.get("aliases"));
    let found = entries(aliases).find(|(known, _)| *known == name || *known == format!("{name} <arg>"));
    let full = found.and_then(|(_, full)| full.get("array")?.get(0)?.get("value")?.as_str());
    full.unwrap_or(name).to_owned()
}

/// Who is given options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// A process of its own: all of them are its own.
    Program,
    /// A thread, which has not all of them.
    Thread,
}

/// Reads options. What follows one that takes a value is that value.
pub(crate) fn read(facts: &Facts, arguments: &[String], whose: Whose) -> Options {
    let mut options = Options::default();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let (name, value) = match argument.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
            _ => (argument.as_str(), None),
        };
        if !name.starts_with('-') || name.len() < 2 {
            options.invalid.push(argument.clone());
            continue;
        }
        let name = full_name(facts, &name.replace('_', "-"));
        let (name, negated) = match name.strip_prefix("--no-") {
            Some(positive) if kind(facts, &name).is_none() => (format!("--{positive}"), true),
            _ => (name, false),
        };
        let is_foreign = whose == Whose::Thread && OF_PROCESS.contains(&name.as_str());
        let Some(kind) = kind(facts, &name).filter(|_| !is_foreign) else {
            options.invalid.push(argument.clone());
            continue;
        };
        if negated && kind != BOOLEAN && kind != OF_V8 {
            options
                .errors
                .push(format!("{argument} is an invalid negation because it is not a boolean option"));
            continue;
        }
        let takes_value = matches!(kind, INTEGER | UNSIGNED | STRING | LIST) || kind == 6;
        let value = if takes_value && value.is_none() { rest.next().cloned() } else { value };
        if takes_value && value.is_none() {
            options.errors.push(format!("{argument} requires an argument"));
            continue;
        }
        let value = value.unwrap_or_default();
        match kind {
            BOOLEAN => {
                let opposite = name.replacen("--", "--no-", 1);
                options.values.insert(name, json!({ "value": !negated }));
                options.values.insert(opposite, json!({ "value": negated }));
            }
            INTEGER | UNSIGNED => {
                let number: i64 = value.parse().unwrap_or(0);
                options.values.insert(name, json!({ "value": number }));
            }
            LIST => {
                let list = options.values.entry(name).or_insert_with(|| json!({ "array": [] }));
                if let Some(list) = list.get_mut("array").and_then(Value::as_array_mut) {
                    list.push(json!({ "value": value }));
                }
            }
            STRING => {
                options.values.insert(name, json!({ "value": value }));
            }
            _ => {}
        }
    }
    options
}

/// The options in a text like that of `NODE_OPTIONS`: separated by spaces, with quotes and backslashes.
pub(crate) fn split(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut begun, mut quoted) = (String::new(), false, false);
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' if quoted => word.extend(characters.next()),
            ' ' if !quoted => {
                if std::mem::take(&mut begun) {
                    words.push(std::mem::take(&mut word));
                }
            }
            '"' => {
                quoted = !quoted;
                begun = true;
            }
            c => {
                word.push(c);
                begun = true;
            }
        }
    }
    if begun {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_words(text: &str) -> Options {
        read(&Facts::shared(), &split(text), Whose::Thread)
    }

    #[test]
    fn options_of_threads_are_read_and_others_are_named() {
        let options = read_words("--no-warnings --conditions a -C b --title=x --foo --input-type=module");
        assert_eq!(options.invalid, ["--title=x", "--foo"]);
        assert!(options.errors.is_empty(), "{:?}", options.errors);
        assert_eq!(options.values["--warnings"], json!({ "value": false }));
        assert_eq!(options.values["--no-warnings"], json!({ "value": true }));
        assert_eq!(options.values["--input-type"], json!({ "value": "module" }));
        assert_eq!(options.values["--conditions"], json!({ "array": [{ "value": "a" }, { "value": "b" }] }));
        assert_eq!(read_words("--input-type").errors.len(), 1);
    }

    #[test]
    fn quotes_and_backslashes_hold_words_together() {
        assert_eq!(split(r#"  --require "./a b" "c\"d" "#), ["--require", "./a b", "c\"d"]);
        assert!(split("  ").is_empty());
    }
}
