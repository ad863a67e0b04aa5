//! The security model's table of promises: every test that it names is there.

use super::page;

/// The rows of the table below a heading, cell by cell.
fn rows(heading: &str) -> Vec<Vec<String>> {
    let page = page::read("docs/security-model.md");
    let below = page.prose.iter().skip_while(|line| line.as_str() != heading).skip(1);
    let section = below.take_while(|line| !line.starts_with("## "));
    let rows = section.filter_map(|line| line.trim().strip_prefix('|')?.strip_suffix('|'));
    // Without the head and the line beneath it.
    rows.skip(2).map(|row| row.split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

/// Whether what a row names as its proof exists: a test as `FILE::NAME`, or a folder of attacks.
fn exists(proof: &str) -> bool {
    let Some((file, test)) = proof.split_once("::") else {
        let folder = page::repository().join(proof);
        return std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    };
    let source = std::fs::read_to_string(page::repository().join(file)).unwrap_or_default();
    let mut lines = source.lines();
    // It must be a test, not any function.
    let declared = lines.position(|line| line.contains(&format!("fn {test}(")));
    let before: Vec<&str> = source.lines().take(declared.unwrap_or(0)).collect();
    let is_test = |line: &&str| line.contains("test]") || line.contains("test(");
    declared.is_some() && (source.contains("proptest!") || before.iter().rev().take(3).any(is_test))
}

#[test]
fn every_promise_of_the_security_model_has_its_test_or_says_that_it_has_none() {
    let rows = rows("## Promises and their tests");
    assert!(rows.len() > 20, "only {} promises were found", rows.len());
    for row in &rows {
        let [attacker, promise, layer, proof] = row.as_slice() else { panic!("{row:?} has other columns") };
        assert!(!attacker.is_empty() && !promise.is_empty(), "{row:?}");
        let proofs: Vec<&str> = proof.split('`').skip(1).step_by(2).collect();
        if proofs.is_empty() {
            assert!(proof.starts_with("no test yet"), "{promise}: names no test and does not say so");
            continue;
        }
        assert!(!layer.is_empty(), "{promise}: nothing keeps it");
        for proof in proofs {
            assert!(exists(proof), "{promise}: there is no {proof}");
        }
    }
    assert!(!exists("tests/black_box/faults.rs::no_such_test") && !exists("tests/escape/none"));
    assert!(!exists("tests/black_box/common.rs::directory"), "a function that is no test");
}

#[test]
fn every_class_of_attacks_is_named_by_a_promise() {
    let rows = rows("## Promises and their tests");
    for entry in std::fs::read_dir(page::repository().join("tests/escape")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            let name = format!("`tests/escape/{}`", path.file_name().unwrap().to_str().unwrap());
            assert!(rows.iter().any(|row| row[3].contains(&name)), "{name} proves nothing that is promised");
        }
    }
}
