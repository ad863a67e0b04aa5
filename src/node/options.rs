//! Options of Node's command line, as a program is given them and a thread in `execArgv`, and those of `NODE_OPTIONS`.

use std::collections::VecDeque;

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

/// No option takes a value of these kinds, as the facts number them: an option of V8's own, and one that is yes or no.
const OF_V8: u64 = 1;
const BOOLEAN: u64 = 2;
const NOTHING: u64 = 0;
const INTEGER: u64 = 3;
const UNSIGNED: u64 = 4;
const STRING: u64 = 5;
const LIST: u64 = 7;

/// Options that V8 itself reads in Node, though its table has them as Node's own.
const READ_BY_V8: &[&str] = &["--stack-trace-limit"];

/// `envVarSettings` of an option that `NODE_OPTIONS` may have.
const ALLOWED_IN_ENVIRONMENT: u64 = 0;

/// An alias may stand for another one; none of Node's goes deeper.
const ALIASES_DEPTH: usize = 4;

/// What a list of options says.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Options {
    /// What differs from the defaults, described as the facts describe values.
    pub values: Map<String, Value>,
    /// Those that nobody knows here; in Node they are V8's to know.
    pub invalid: Vec<String>,
    /// What is wrong with others, in words. None is read after the first.
    pub errors: Vec<String>,
    /// Those of V8's own that Node's table has.
    pub of_v8: Vec<String>,
    /// How many arguments have been read, and whether the last of them was `--`.
    pub taken: usize,
    pub has_end: bool,
}

impl Options {
    pub fn is_set(&self, name: &str) -> bool {
        self.value(name).and_then(Value::as_bool).unwrap_or_default()
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.value(name)?.as_str()
    }

    fn value(&self, name: &str) -> Option<&Value> {
        self.values.get(name)?.get("value")
    }

    fn set(&mut self, name: &str, value: bool) {
        self.values.insert(name.to_owned(), json!({ "value": value }));
    }
}

/// The entries of a described map.
fn entries(value: Option<&Value>) -> impl Iterator<Item = (&str, &Value)> {
    let list = value.and_then(|value| value.get("map")).and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(|entry| Some((entry.get(0)?.get("value")?.as_str()?, entry.get(1)?)))
}

/// What Node's table says of an option, by its full name: a number under one of its keys.
fn known(facts: &Facts, name: &str, key: &str) -> Option<u64> {
    let options = facts.answer("optionInfo")?.get("object")?.get("options");
    let (_, found) = entries(options).find(|(known, _)| *known == name)?;
    found.get("object")?.get(key)?.get("value")?.as_u64()
}

/// What an option is for who does not give it, if that is a text.
pub(crate) fn default_text<'a>(facts: &'a Facts, name: &str) -> Option<&'a str> {
    facts.answer("optionValues")?.get(name)?.get("value")?.as_str()
}

fn kind(facts: &Facts, name: &str) -> Option<u64> {
    known(facts, name, "type")
}

/// What an alias stands for: an option and what follows it.
fn alias<'a>(facts: &'a Facts, name: &str) -> Option<Vec<&'a str>> {
    let aliases = facts.answer("optionInfo").and_then(|info| info.get("object")?.get("aliases"));
    let (_, found) = entries(aliases).find(|(known, _)| *known == name)?;
    found.get("array")?.as_array()?.iter().map(|word| word.get("value")?.as_str()).collect()
}

/// Who is given options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// A process of its own: all of them are its own.
    Program,
    /// The same by its `NODE_OPTIONS`, which may not have all of them.
    Environment,
    /// A thread, which has not all of them.
    Thread,
    ThreadEnvironment,
}

/// Reads options up to the first argument that is none, after those that `values` has already.
pub(crate) fn read(facts: &Facts, arguments: &[String], whose: Whose, values: Map<String, Value>) -> Options {
    let mut options = Options { values, ..Options::default() };
    let is_of_thread = matches!(whose, Whose::Thread | Whose::ThreadEnvironment);
    let is_of_environment = matches!(whose, Whose::Environment | Whose::ThreadEnvironment);
    // What an alias stands for is read like the rest, and counts as nothing that has been given.
    let mut rest: VecDeque<(String, usize)> = arguments.iter().map(|word| (word.clone(), 1)).collect();
    while options.errors.is_empty() {
        let Some((argument, counted)) =
            rest.pop_front_if(|(word, _)| word.len() > 1 && word.starts_with('-'))
        else {
            break;
        };
        options.taken += counted;
        if argument == "--" {
            if is_of_environment {
                options.errors.push("-- is not allowed in NODE_OPTIONS".to_owned());
            }
            options.has_end = true;
            break;
        }
        let (given, value) = match argument.split_once('=') {
            Some((name, value)) if name.len() > 2 && name.starts_with("--") => (name, Some(value.to_owned())),
            _ => (argument.as_str(), None),
        };
        let original = if value.is_some() { format!("{given}=") } else { given.to_owned() };
        let mut name = given.replace('_', "-");
        let is_negated = name.starts_with("--no-");
        if is_negated {
            name.replace_range(2..5, "");
        }
        for _ in 0..ALIASES_DEPTH {
            let has_argument = rest.front().is_some_and(|(word, _)| !word.starts_with('-'));
            let longer = match value {
                Some(_) => alias(facts, &format!("{name}=")),
                None if has_argument => alias(facts, &format!("{name} <arg>")),
                None => None,
            };
            let Some(words) = longer.or_else(|| alias(facts, &name)) else { break };
            let Some((first, others)) = words.split_first() else { break };
            for word in others.iter().rev() {
                rest.push_front(((*word).to_owned(), 0));
            }
            let is_itself = *first == name;
            name = (*first).to_owned();
            if is_itself {
                break;
            }
        }
        if is_of_environment && !is_allowed_in_environment(facts, &name) {
            options.errors.push(format!("{original} is not allowed in NODE_OPTIONS"));
            break;
        }
        if is_of_environment && is_of_thread && OF_PROCESS.contains(&name.as_str()) {
            options.errors.push(format!("{original} is not allowed in NODE_OPTIONS"));
            break;
        }
        let is_foreign = whose == Whose::Thread
            && (OF_PROCESS.contains(&name.as_str()) || READ_BY_V8.contains(&name.as_str()));
        let Some(kind) = kind(facts, &name).filter(|_| !is_foreign) else {
            options.invalid.push(argument.clone());
            continue;
        };
        if is_negated && kind != BOOLEAN && kind != OF_V8 {
            options
                .errors
                .push(format!("{argument} is an invalid negation because it is not a boolean option"));
            break;
        }
        let takes_value = !matches!(kind, NOTHING | OF_V8 | BOOLEAN);
        let value = match value {
            _ if !takes_value => None,
            Some(value) => Some(value).filter(|value| !value.is_empty()),
            None => match rest.pop_front_if(|(word, _)| !word.starts_with('-')) {
                Some((word, counted)) => {
                    options.taken += counted;
                    // A backslash hides that it begins like an option.
                    Some(if word.starts_with("\\-") { word[1..].to_owned() } else { word })
                }
                None => None,
            },
        };
        if takes_value && value.is_none() {
            options.errors.push(format!("{original} requires an argument"));
            break;
        }
        let value = value.unwrap_or_default();
        match kind {
            BOOLEAN => {
                let opposite = name.replacen("--", "--no-", 1);
                options.set(&name, !is_negated);
                options.set(&opposite, is_negated);
            }
            INTEGER | UNSIGNED => {
                let number: i64 = value.parse().unwrap_or(0);
                options.values.insert(name, json!({ "value": number }));
            }
            LIST => {
                if name == "--env-file" {
                    options.set("[has_env_file_string]", true);
                }
                let list = options.values.entry(name).or_insert_with(|| json!({ "array": [] }));
                if let Some(list) = list.get_mut("array").and_then(Value::as_array_mut) {
                    list.push(json!({ "value": value }));
                }
            }
            STRING => {
                if name == "--eval" {
                    options.set("[has_eval_string]", true);
                }
                options.values.insert(name, json!({ "value": value }));
            }
            OF_V8 if whose == Whose::Thread => options.invalid.push(argument.clone()),
            OF_V8 if !is_negated => options.of_v8.push(name),
            _ => {}
        }
    }
    if options.errors.is_empty() {
        options.errors = contradictions(&options);
    }
    options
}

fn is_allowed_in_environment(facts: &Facts, name: &str) -> bool {
    known(facts, name, "envVarSettings") == Some(ALLOWED_IN_ENVIRONMENT)
}

/// What cannot be together, and values that no option of that name has.
fn contradictions(options: &Options) -> Vec<String> {
    let mut errors = Vec::new();
    let is_one = |name: &str, known: &[&str]| options.text(name).is_none_or(|text| known.contains(&text));
    if !is_one("--input-type", &["module", "commonjs", "module-typescript", "commonjs-typescript"]) {
        let known = r#""module","commonjs", "module-typescript" or "commonjs-typescript""#;
        errors.push(format!("--input-type must be {known}"));
    }
    if options.is_set("--check") && options.is_set("[has_eval_string]") {
        errors.push("either --check or --eval can be used, not both".to_owned());
    }
    if !is_one("--unhandled-rejections", &["warn-with-error-codes", "throw", "strict", "warn", "none"]) {
        errors.push("invalid value for --unhandled-rejections".to_owned());
    }
    if options.is_set("--tls-min-v1.3") && options.is_set("--tls-max-v1.2") {
        errors.push("either --tls-min-v1.3 or --tls-max-v1.2 can be used, not both".to_owned());
    }
    if options.is_set("--test") {
        if !is_one("--test-isolation", &["none", "process"]) {
            errors.push("invalid value for --test-isolation".to_owned());
        }
        let others =
            [("--check", "--check"), ("[has_eval_string]", "--eval"), ("--interactive", "--interactive")];
        for (_, named) in others.iter().filter(|(option, _)| options.is_set(option)) {
            errors.push(format!("either --test or {named} can be used, not both"));
        }
    }
    errors
}

/// The options in a text like that of `NODE_OPTIONS`: separated by spaces, with quotes and backslashes.
pub(crate) fn split(text: &str) -> Result<Vec<String>, String> {
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
    if quoted {
        return Err("invalid value for NODE_OPTIONS (unterminated string)\n".to_owned());
    }
    if begun {
        words.push(word);
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_words(text: &str, whose: Whose) -> Options {
        read(&Facts::shared(), &split(text).unwrap(), whose, Map::new())
    }

    #[test]
    fn options_of_threads_are_read_and_others_are_named() {
        let options = read_words(
            "--no-warnings --conditions a -C b --title=x --foo --expose-gc --input-type=module",
            Whose::Thread,
        );
        assert_eq!(options.invalid, ["--title=x", "--foo", "--expose-gc"]);
        assert!(options.errors.is_empty(), "{:?}", options.errors);
        assert_eq!(options.values["--warnings"], json!({ "value": false }));
        assert_eq!(options.values["--no-warnings"], json!({ "value": true }));
        assert_eq!(options.values["--input-type"], json!({ "value": "module" }));
        assert_eq!(options.values["--conditions"], json!({ "array": [{ "value": "a" }, { "value": "b" }] }));
    }

    #[test]
    fn what_is_wrong_is_told_in_nodes_words() {
        for (line, whose, error) in [
            ("--input-type", Whose::Thread, "--input-type requires an argument"),
            ("--input-type=x", Whose::Thread, "--input-type must be"),
            ("-r", Whose::Program, "-r requires an argument"),
            ("--require= x", Whose::Program, "--require= requires an argument"),
            ("-pe", Whose::Program, "--eval requires an argument"),
            ("-e --foo", Whose::Program, "-e requires an argument"),
            ("--no-title", Whose::Program, "--no-title is an invalid negation"),
            ("-c -e 1", Whose::Program, "either --check or --eval can be used, not both"),
            ("--title=x", Whose::ThreadEnvironment, "--title= is not allowed in NODE_OPTIONS"),
            ("--expose-internals", Whose::Environment, "--expose-internals is not allowed in NODE_OPTIONS"),
            ("--foo=1", Whose::Environment, "--foo= is not allowed in NODE_OPTIONS"),
            ("-- x", Whose::Environment, "-- is not allowed in NODE_OPTIONS"),
        ] {
            let options = read_words(line, whose);
            assert!(
                options.errors.len() == 1 && options.errors[0].starts_with(error),
                "{line}: {:?}",
                options.errors
            );
        }
    }

    #[test]
    fn aliases_stand_for_others() {
        let options = read_words("-p 1 x", Whose::Program);
        assert_eq!((options.text("--eval"), options.is_set("--print")), (Some("1"), true));
        assert_eq!(options.taken, 2);
        let options = read_words("-p --foo", Whose::Program);
        assert_eq!((options.text("--eval"), options.is_set("--print")), (None, true));
        assert_eq!(options.invalid, ["--foo"]);
        let options = read_words("-e \\-1 -- -x", Whose::Program);
        assert_eq!((options.text("--eval"), options.taken, options.has_end), (Some("-1"), 3, true));
    }

    #[test]
    fn quotes_and_backslashes_hold_words_together() {
        assert_eq!(split(r#"  --require "./a b" "c\"d" "#).unwrap(), ["--require", "./a b", "c\"d"]);
        assert!(split("  ").unwrap().is_empty());
        assert!(split("\"a").is_err());
    }
}
