//! What the JSON Schema says of numbers, lengths and texts is what the code checks, at the very edges.

use proptest::prelude::*;
use protocol::config::CreateVmConfig;
use regex_automata::meta::Regex;
use serde_json::{Value, json};

fn schema() -> Value {
    schemars::schema_for!(CreateVmConfig).to_value()
}

fn refused(config: &Value) -> Option<String> {
    CreateVmConfig::from_json(config).err().map(|error| error.path)
}

#[test]
fn limits_have_the_ranges_of_the_schema() {
    let schema = schema();
    let sets = [("/$defs/Limits/properties", ""), ("/$defs/NetworkLimits/properties", "network.")];
    for (pointer, set) in sets {
        let limits = schema.pointer(pointer).and_then(Value::as_object).expect(pointer);
        for (name, property) in limits.iter().filter(|(name, _)| *name != "network") {
            let edge = |keyword: &str| {
                property[keyword].as_u64().unwrap_or_else(|| panic!("{set}{name} has no {keyword}"))
            };
            // The rest of the limits must be in nobody's way.
            let with = |value: u64| match (set, name.as_str()) {
                ("", "heapBytes") => json!({ "limits": { "heapBytes": value, "memoryBytes": 64u64 << 30 } }),
                ("", _) => json!({ "limits": { "heapBytes": 8 << 20, (name): value } }),
                _ => json!({ "limits": { "network": { (name): value } } }),
            };
            let (least, most) = (edge("minimum"), edge("maximum"));
            let field = Some(format!("limits.{set}{name}"));
            assert_eq!(refused(&with(least)), None, "{name}: {least}");
            assert_eq!(refused(&with(most)), None, "{name}: {most}");
            assert_eq!(refused(&with(most + 1)), field, "{name}: {most} + 1");
            if least > 0 {
                assert_eq!(refused(&with(least - 1)), field, "{name}: {least} - 1");
            }
        }
    }
}

#[test]
fn lists_have_the_lengths_of_the_schema() {
    let rule = |rule: Value| json!({ "permissions": { "fs": { "rules": [rule] } } });
    let mounts =
        |count| (0..count).map(|i| json!({ "host": "/", "guest": format!("/m{i}") })).collect::<Value>();
    type Make<'a> = &'a dyn Fn(usize) -> Value;
    let network = |list: &str, value: Value, count: usize| {
        let rule = json!({ "mode": "deny", "operations": ["http"], (list): vec![value; count] });
        json!({ "permissions": { "network": { "rules": [rule] } } })
    };
    let cases: [(&str, &str, Make); 11] = [
        (
            "/$defs/NetworkRules/properties/rules",
            "permissions.network.rules",
            &|count| json!({ "permissions": { "network": { "rules": vec![json!({ "mode": "deny" }); count] } } }),
        ),
        ("/$defs/NetworkRule/properties/hosts", "permissions.network.rules[0].hosts", &|count| {
            network("hosts", json!("a.b"), count)
        }),
        ("/$defs/NetworkRule/properties/ports", "permissions.network.rules[0].ports", &|count| {
            network("ports", json!(80), count)
        }),
        ("/$defs/NetworkRule/properties/methods", "permissions.network.rules[0].methods", &|count| {
            network("methods", json!("GET"), count)
        }),
        ("/$defs/NetworkRule/properties/paths", "permissions.network.rules[0].paths", &|count| {
            network("paths", json!("/a"), count)
        }),
        ("/$defs/NetworkRule/properties/schemes", "permissions.network.rules[0].schemes", &|count| {
            network("schemes", json!("http"), count)
        }),
        ("/properties/mounts", "mounts", &|count| json!({ "mounts": mounts(count) })),
        (
            "/properties/hostFunctions",
            "hostFunctions",
            &|count| json!({ "hostFunctions": (0..count).map(|i| format!("f{i}")).collect::<Vec<_>>() }),
        ),
        (
            "/$defs/PathRules/properties/rules",
            "permissions.fs.rules",
            &|count| json!({ "permissions": { "fs": { "rules": vec![json!({ "mode": "deny" }); count] } } }),
        ),
        ("/$defs/PathRule/properties/operations", "permissions.fs.rules[0].operations", &|count| {
            rule(json!({ "mode": "deny", "operations": vec!["read"; count] }))
        }),
        ("/$defs/PathRule/properties/paths", "permissions.fs.rules[0].paths", &|count| {
            rule(json!({ "mode": "deny", "paths": vec!["/a"; count] }))
        }),
    ];
    let schema = schema();
    for (pointer, field, make) in cases {
        let most = schema.pointer(pointer).expect(pointer)["maxItems"].as_u64().expect(pointer) as usize;
        assert_eq!(refused(&make(most)), None, "{field}: {most}");
        assert_eq!(refused(&make(most + 1)).as_deref(), Some(field), "{field}: {most} + 1");
    }
    // What is too much is not even read: this pattern is broken.
    let mut paths = vec!["/a"; 256];
    paths.push("[");
    let error = CreateVmConfig::from_json(&rule(json!({ "mode": "deny", "paths": paths }))).unwrap_err();
    assert_eq!(error.message, "more than 256");

    let rules = |name: &str| schema.pointer(&format!("/$defs/{name}/properties")).expect(name).clone();
    assert_eq!(rules("PathRules")["rules"]["maxItems"], rules("PatternRules")["rules"]["maxItems"]);
    assert_eq!(rules("PathRule")["paths"]["maxItems"], rules("PatternRule")["patterns"]["maxItems"]);
    assert_eq!(rules("PathRule")["operations"]["maxItems"], rules("PatternRule")["operations"]["maxItems"]);
}

#[test]
fn texts_have_the_lengths_of_the_schema() {
    let schema = schema();
    let most = |pointer: &str| schema.pointer(pointer).and_then(Value::as_u64).expect(pointer) as usize;
    let path = |length: usize| format!("/{}", "a".repeat(length - 1));
    let longest = most("/properties/cwd/maxLength");
    assert_eq!(refused(&json!({ "cwd": path(longest) })), None);
    assert_eq!(refused(&json!({ "cwd": path(longest + 1) })).as_deref(), Some("cwd"));
    let longest = most("/$defs/Pattern/maxLength");
    let rule = |length| json!({ "permissions": { "fs": { "rules": [{ "mode": "deny", "paths": [path(length)] }] } } });
    assert_eq!(refused(&rule(longest)), None);
    assert_eq!(refused(&rule(longest + 1)).as_deref(), Some("permissions.fs.rules[0].paths[0]"));
}

#[test]
fn all_patterns_together_are_bounded_before_any_is_compiled() {
    let scopes = |scope: &str, list: &str, count: usize, pattern: &str| {
        let rule = |patterns: usize| json!({ "mode": "deny", list: vec![pattern; patterns] });
        let (whole, rest) = (count / 256, count % 256);
        let rules: Vec<Value> = (0..whole).map(|_| rule(256)).chain([rule(rest)]).collect();
        json!({ "permissions": { scope: { "rules": rules } } })
    };
    let too_much = Some("permissions".to_owned());
    for (scope, list, pattern) in [("fs", "paths", "/a"), ("env", "patterns", "A")] {
        assert_eq!(refused(&scopes(scope, list, 1024, pattern)), None);
        assert_eq!(refused(&scopes(scope, list, 1025, pattern)), too_much);
    }
    let long = format!("/{}", "a".repeat(1023));
    assert_eq!(refused(&scopes("fs", "paths", 32, &long)), None);
    assert_eq!(refused(&scopes("fs", "paths", 33, &long)), too_much);
    // What is too much is not even looked at: this one is broken.
    assert_eq!(refused(&scopes("fs", "paths", 1025, "[")), too_much);
    // The scopes count together.
    let mut both = scopes("fs", "paths", 1024, "/a");
    both["permissions"]["env"] = json!({ "rules": [{ "mode": "deny", "patterns": ["A"] }] });
    assert_eq!(refused(&both), too_much);
}

#[test]
fn all_hosts_and_ports_together_are_bounded() {
    let rules = |list: &str, value: Value, count: usize| {
        let rule = |length: usize| json!({ "mode": "deny", (list): vec![&value; length] });
        let rules: Vec<Value> = (0..count / 256).map(|_| rule(256)).chain([rule(count % 256)]).collect();
        json!({ "permissions": { "network": { "rules": rules } } })
    };
    let too_much = Some("permissions.network".to_owned());
    for (list, value) in [("hosts", json!("a.b")), ("ports", json!("1-2"))] {
        assert_eq!(refused(&rules(list, value.clone(), 1024)), None);
        assert_eq!(refused(&rules(list, value, 1025)), too_much);
    }
    // 253 bytes.
    let long = format!("{}b", "a.".repeat(126));
    assert_eq!(refused(&rules("hosts", json!(long), 259)), None);
    assert_eq!(refused(&rules("hosts", json!(long), 260)), too_much);
}

/// Whether the schema of a string takes `text`, as far as its expressions go.
fn takes(schema: &Value, text: &str) -> bool {
    let matches = |pattern: &Value| {
        let pattern = pattern.as_str().expect("an expression is a string");
        Regex::new(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}")).is_match(text)
    };
    let excluded = schema.get("not").is_some_and(|not| match not.get("pattern") {
        Some(pattern) => matches(pattern),
        None => not["enum"].as_array().expect("values").iter().any(|value| value == text),
    });
    schema.get("pattern").is_none_or(matches) && !excluded
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]
    #[test]
    fn texts_are_taken_by_the_schema_exactly_where_the_code_takes_them(
        path in "(/?(a|\\.|\\.\\.|\\.a|\\.\\.\\.|\x00|ä|dev|bin|proc)){0,4}/?",
        name in "(a|\\$|_|1|\\.|-|ä|__proto__|\n){0,4}",
        variable in "[a=\x00\n]{0,3}",
    ) {
        let schema = schema();
        let at = |pointer: &str| schema.pointer(pointer).expect(pointer).clone();
        let accepted = |config: Value| refused(&config).is_none();
        prop_assert_eq!(takes(&at("/properties/cwd"), &path), accepted(json!({ "cwd": path })));
        let mount = |host: &str, guest: &str| json!({ "mounts": [{ "host": host, "guest": guest }] });
        prop_assert_eq!(takes(&at("/$defs/Mount/properties/guest"), &path), accepted(mount("/", &path)));
        prop_assert_eq!(takes(&at("/$defs/Mount/properties/host"), &path), accepted(mount(&path, "/a")));
        prop_assert_eq!(
            takes(&at("/properties/hostFunctions/items"), &name), accepted(json!({ "hostFunctions": [name] }))
        );
        prop_assert_eq!(
            takes(&at("/properties/env/propertyNames"), &variable), accepted(json!({ "env": { (variable.clone()): "" } }))
        );
        prop_assert_eq!(
            takes(&at("/properties/env/additionalProperties"), &variable), accepted(json!({ "env": { "A": variable } }))
        );
    }
}
