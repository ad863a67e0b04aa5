//! What holds for every policy, against a reading of the documented rules that is too simple to be wrong.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::pattern::{Kind, Matcher};
use super::{FsOperation, Pattern, Policy, Scope, fuzz};

fn policy(permissions: Value) -> Policy {
    Policy::new(&serde_json::from_value(permissions).unwrap()).unwrap()
}

/// Whether `text` is what a pattern of `*`, `?` and plain characters stands for; `*` is anything.
fn wild(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => (0..=text.len()).any(|taken| wild(rest, &text[taken..])),
        (Some((b'?', rest)), Some((_, text))) => wild(rest, text),
        (Some((one, rest)), Some((other, text))) => one == other && wild(rest, text),
        _ => false,
    }
}

/// The same for the parts of paths; a part `**` is any parts, and at the end at least one.
fn matches_parts(pattern: &[&str], path: &[&str]) -> bool {
    match (pattern.split_first(), path.split_first()) {
        (None, None) => true,
        (Some((&"**", [])), _) => !path.is_empty(),
        (Some((&"**", rest)), _) => (0..=path.len()).any(|taken| matches_parts(rest, &path[taken..])),
        (Some((one, rest)), Some((other, path))) => {
            wild(one.as_bytes(), other.as_bytes()) && matches_parts(rest, path)
        }
        _ => false,
    }
}

fn matches_path(pattern: &str, path: &str) -> bool {
    matches_parts(&pattern.split('/').collect::<Vec<_>>(), &path.split('/').collect::<Vec<_>>())
}

const OPERATIONS: [(&str, FsOperation); 3] =
    [("read", FsOperation::Read), ("write", FsOperation::Write), ("list", FsOperation::List)];

fn a_path() -> impl Strategy<Value = String> {
    prop_oneof![1 => Just("/".to_owned()), 9 => "(/(a|b|ab|\\.a)){1,4}"]
}

fn a_path_pattern() -> impl Strategy<Value = String> {
    prop_oneof!["(/(a|b|\\*|\\*\\*|a\\*|\\?|\\*b|\\.a)){1,4}", a_path()]
}

fn an_access() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("allow"), Just("deny")]
}

/// What patterns are made of, and what breaks them.
const PIECES: &[&str] = &[
    "/", "/", "a", "b", "*", "**", "/**", "?", "[!a]", "[a-z]", "[+-9]", "[^b]", "{", ",", "}", "\\", "[",
    "]", "!",
];

/// Rules as they are written: whether there is a list of operations, and one of patterns.
type Rule = (&'static str, Option<Vec<usize>>, Option<Vec<String>>);

fn rules(pattern: impl Strategy<Value = String>) -> impl Strategy<Value = Vec<Rule>> {
    let rule = (
        an_access(),
        prop::option::of(prop::collection::vec(0usize..3, 0..3)),
        prop::option::of(prop::collection::vec(pattern, 0..3)),
    );
    prop::collection::vec(rule, 0..5)
}

fn written(rules: &[Rule], patterns: &str, default: Option<&str>) -> Value {
    let rules: Vec<Value> = rules
        .iter()
        .map(|(mode, operations, list)| {
            let mut rule = json!({ "mode": mode });
            if let Some(operations) = operations {
                rule["operations"] = operations.iter().map(|index| OPERATIONS[*index].0).collect();
            }
            if let Some(list) = list {
                rule[patterns] = json!(list);
            }
            rule
        })
        .collect();
    match default {
        Some(default) => json!({ "default": default, "rules": rules }),
        None => json!({ "rules": rules }),
    }
}

/// The documented order: the first rule that matches, else the set's default, else the scope's own.
fn decided(
    rules: &[Rule],
    default: Option<&str>,
    own: &str,
    operation: usize,
    matches: impl Fn(&str) -> bool,
) -> bool {
    for (mode, operations, patterns) in rules {
        let for_operation = operations.as_ref().is_none_or(|list| list.contains(&operation));
        if for_operation && patterns.as_ref().is_none_or(|list| list.iter().any(|pattern| matches(pattern))) {
            return *mode == "allow";
        }
    }
    default.unwrap_or(own) == "allow"
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn a_path_is_decided_by_the_first_rule_that_matches(
        rules in rules(a_path_pattern()), default in prop::option::of(an_access()), path in a_path(), operation in 0usize..3
    ) {
        let policy = policy(json!({ "fs": written(&rules, "paths", default) }));
        let expected = decided(&rules, default, "allow", operation, |pattern| matches_path(pattern, &path));
        prop_assert_eq!(policy.allows_path(OPERATIONS[operation].1, &path), expected);
        prop_assert_eq!(policy.denials(), u64::from(!expected));
    }

    #[test]
    fn a_name_is_decided_by_the_first_rule_that_matches(
        rules in rules("[ab.*?/]{0,4}"), default in prop::option::of(an_access()), name in "[ab./]{0,4}", operation in 0usize..3
    ) {
        // Between slashes, `**` is what it is in paths.
        prop_assume!(rules.iter().flat_map(|rule| rule.2.iter().flatten()).all(|pattern| !pattern.contains("**")));
        for (scope, field, own) in [(Scope::HostFunctions, "hostFunctions", "allow"), (Scope::Env, "env", "allow")] {
            let policy = policy(json!({ field: written(&rules, "patterns", default) }));
            let expected = decided(&rules, default, own, operation, |pattern| wild(pattern.as_bytes(), name.as_bytes()));
            prop_assert_eq!(policy.allows(scope, OPERATIONS[operation].0, &name), expected);
        }
    }

    #[test]
    fn a_denied_folder_is_denied_with_all_below_it_and_nothing_else(folder in "(/(a|b|ab|\\.a)){1,3}", path in a_path()) {
        let both = policy(json!({ "fs": { "rules": [{ "mode": "deny", "paths": [folder, format!("{folder}/**")] }] } }));
        let short = policy(json!({ "fs": { "rules": [{ "mode": "deny", "paths": [format!("{folder}{{,/**}}")] }] } }));
        let within = path.strip_prefix(&folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        for (_, operation) in OPERATIONS {
            prop_assert_eq!(both.allows_path(operation, &path), !within);
            prop_assert_eq!(short.allows_path(operation, &path), !within);
        }
    }

    #[test]
    fn any_pattern_stays_where_it_begins(
        parts in prop::collection::vec(prop::sample::select(PIECES), 0..10), path in a_path()
    ) {
        let pattern = Pattern::new(parts.concat()).unwrap();
        if let Ok(matcher) = Matcher::new(std::slice::from_ref(&pattern), Kind::Path) {
            fuzz::check(&pattern, &matcher, &path);
        }
    }
}

fn matches(pattern: &str, kind: Kind, text: &str) -> bool {
    Matcher::new(&[Pattern::new(pattern).unwrap()], kind).unwrap().matches(text)
}

#[test]
fn a_class_never_matches_the_end_of_a_part() {
    for pattern in ["/a[!x]b", "/a[^x]b", "/a[+-9]b", "/a[/]b", "/a{[!x],y}b"] {
        assert!(!matches(pattern, Kind::Path, "/a/b"), "{pattern}");
    }
    assert!(matches("/a[!x]b", Kind::Path, "/a.b"));
    assert!(matches("a[!x]b", Kind::Name, "a/b"));
    assert!(matches("/a\\[!x\\]", Kind::Path, "/a[!x]"));
    assert!(matches("/[]a]", Kind::Path, "/]"));
}

#[test]
fn an_empty_alternative_is_one() {
    for (path, expected) in [("/a", true), ("/a.txt", true), ("/a/b/c", true), ("/ab", false)] {
        assert_eq!(matches("/a{,.txt,/**}", Kind::Path, path), expected, "{path}");
    }
}
