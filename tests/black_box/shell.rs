//! The shell against what dash (and for a few extensions bash) answered to the same cases: `tests/shell/`; as `bash`,
//! against what bash answered: `tests/bash/`; commands
//! against what the programs that they are named like answered: `tests/commands/`.

use std::path::Path;

use cordon::client::Vm;
use cordon::wire::ExecutionOptions;

use crate::common::default_vm;

/// Cases of a file: name and text. What stands before the first marker is about the file.
fn cases(text: &str) -> Vec<(String, String)> {
    let mut cases: Vec<(String, String)> = Vec::new();
    for line in text.split_inclusive('\n') {
        match (line.strip_prefix("#### "), cases.last_mut()) {
            (Some(name), _) => cases.push((name.trim_end().to_owned(), String::new())),
            (None, Some((_, case))) => case.push_str(line),
            (None, None) => {}
        }
    }
    cases
}

#[tokio::test]
async fn cases_answer_as_posix_shells_do() {
    all_answer(&default_vm().await, "sh", "tests/shell").await;
}

#[tokio::test]
async fn cases_of_bash_answer_as_bash_does() {
    all_answer(&default_vm().await, "bash", "tests/bash").await;
}

#[tokio::test]
async fn commands_answer_as_those_of_gnu_do() {
    all_answer(&default_vm().await, "sh", "tests/commands").await;
}

/// Runs the cases of a folder, and compares what they print and how they end with what is expected beside them.
pub async fn all_answer(vm: &Vm, shell: &str, folder: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "sh"))
        .collect();
    files.sort();
    let (mut passed, mut failed) = (0, Vec::new());
    for file in files {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let scripts = std::fs::read_to_string(&file).unwrap();
        let expected = std::fs::read_to_string(file.with_extension("expected")).unwrap();
        let expected = cases(&expected);
        for (index, (case, script)) in cases(&scripts).into_iter().enumerate() {
            let wanted = expected
                .iter()
                .find(|(other, _)| *other == case)
                .unwrap_or_else(|| panic!("{name}: {case}"))
                .1
                .as_str();
            let cwd = format!("/tmp/{name}-{index}");
            vm.mkdir(&cwd, true).await.unwrap();
            let options = ExecutionOptions {
                cwd: Some(cwd),
                env: [("HOME".to_owned(), "/root".to_owned())].into(),
                timeout_ms: Some(20_000),
                ..ExecutionOptions::default()
            };
            let result = vm.spawn(shell, &["-c", &script], options).await.unwrap();
            let code = match (result.exit_code, &result.signal) {
                (Some(code), _) => code.to_string(),
                (None, signal) => format!("by {signal:?}"),
            };
            let mut found = format!("exit {code}\n{}", result.stdout.to_text());
            if !found.ends_with('\n') {
                found.push('\n');
            }
            if found == wanted {
                passed += 1;
            } else {
                failed.push(format!(
                    "{name}: {case}\n--- wanted\n{wanted}--- found\n{found}{}",
                    result.stderr.to_text()
                ));
            }
        }
    }
    assert!(
        failed.is_empty(),
        "{} of {} failed:\n{}",
        failed.len(),
        failed.len() + passed,
        failed.join("\n")
    );
    assert!(passed > 30, "only {passed} cases were found");
}

/// What JavaScript writes, by `node:sqlite`, `sqlite3` reads, and the other way round; a log that was left behind, too.
#[tokio::test]
async fn a_data_base_is_the_same_for_javascript_and_for_sqlite3() {
    let vm = default_vm().await;
    let script = r#"
        cat > write.mjs <<'END'
import { DatabaseSync } from 'node:sqlite';
const base = new DatabaseSync('both.db');
base.exec("create table t(a, b); insert into t values(1, 'node')");
base.exec("pragma journal_mode=wal; insert into t values(2, 'log')");
process.kill(process.pid, 'SIGKILL');
END
        cat > read.mjs <<'END'
import { DatabaseSync } from 'node:sqlite';
const base = new DatabaseSync('both.db');
console.log(base.prepare('select b from t order by a').all().map(({ b }) => b).join());
END
        node write.mjs
        sqlite3 both.db "select * from t; insert into t values(3, 'sqlite3'); pragma integrity_check" || exit
        node read.mjs
        sqlite3 both.db "pragma journal_mode=delete; insert into t values(4, 'again')" && node read.mjs
    "#;
    let options = ExecutionOptions { cwd: Some("/tmp".to_owned()), ..ExecutionOptions::default() };
    let result = vm.spawn("sh", &["-c", script], options).await.unwrap();
    let wanted = "1|node\n2|log\nok\nnode,log,sqlite3\ndelete\nnode,log,sqlite3,again\n";
    assert_eq!(result.stdout.to_text(), wanted, "{}", result.stderr.to_text());
}

/// What no other shell has to answer: it knows no such limit.
#[tokio::test]
async fn a_job_that_cannot_start_is_an_error() {
    let vm = default_vm().await;
    let script = "i=0\nwhile [ $i -lt 100 ]; do sh -c 'read x < /dev/null; sleep 5' & \
                  s=$?; [ $s = 2 ] && exit 3; i=$((i+1)); done";
    let options = ExecutionOptions { timeout_ms: Some(60_000), ..ExecutionOptions::default() };
    let result = vm.spawn("sh", &["-c", script], options).await.unwrap();
    assert_eq!(result.exit_code, Some(3), "{}", result.stdout.to_text());
    assert!(result.stderr.to_text().contains("Cannot fork: the VM runs as many commands as it may"));
}
