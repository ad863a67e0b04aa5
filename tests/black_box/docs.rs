//! The documentation: its code blocks do what they say, its tables say what the code says, its links lead somewhere.
//!
//! `CONTRIBUTING.md` describes how blocks are marked. Blocks of TypeScript clients are run by
//! `tests/docs/typescript.test.mjs`, those of Rust are compiled by rustdoc.

mod facts;
mod links;
mod page;
mod security;

use std::path::Path;
use std::process::{Command, Output, Stdio};

use cordon::config::CreateVmConfig;

use crate::common::{cordon, directory, has_absent_worker, has_wasm_worker, text};
use page::{Block, Kind, Page};

/// Flags of `cordon` that a block names are its words that begin with a dash, and what follows them.
fn flags(block: &Block) -> Vec<&str> {
    let words = block.words.iter().map(String::as_str);
    words.skip_while(|word| !word.starts_with('-')).collect()
}

/// Runs a block that is a program of its own.
fn run(block: &Block, folder: &Path) -> Output {
    let mut arguments = vec![if block.kind() == Kind::Shell { "sh" } else { "run" }];
    arguments.extend(flags(block));
    let file =
        folder.join(format!("block-{}.{}", block.line, if block.language == "ts" { "ts" } else { "mjs" }));
    if block.kind() == Kind::Shell {
        arguments.extend(["-c", &block.text]);
    } else {
        std::fs::write(&file, &block.text).unwrap();
        arguments.push(file.to_str().unwrap());
    }
    cordon(&arguments).current_dir(folder).output().unwrap()
}

/// Runs one line of a console block as a person would; what it prints on both streams.
fn type_in(line: &str, folder: &Path) -> String {
    let path = format!("{}:{}", directory().display(), std::env::var("PATH").unwrap_or_default());
    let output = Command::new("sh")
        .args(["-c", &format!("{{ {line}\n}} 2>&1")])
        .env("PATH", path)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    text(&output.stdout)
}

/// Whether what was printed is what a page shows. Blanks at the end of lines do not show on a page; `...` stands for
/// any lines.
fn agrees(shown: &str, printed: &str) -> bool {
    let lines = |text: &str| -> Vec<String> {
        text.trim_end().lines().map(|line| line.trim_end().to_owned()).collect()
    };
    fn matches(shown: &[String], printed: &[String]) -> bool {
        match shown.split_first() {
            None => printed.is_empty(),
            Some((line, rest)) if line == "..." => {
                (0..=printed.len()).any(|skipped| matches(rest, &printed[skipped..]))
            }
            Some((line, rest)) => {
                printed.split_first().is_some_and(|(one, others)| one == line && matches(rest, others))
            }
        }
    }
    matches(&lines(shown), &lines(printed))
}

/// Whether this machine has the worker that a text needs.
fn can_run(text: &str) -> bool {
    let wants_wasm = text.contains("--allow-wasm") || text.contains("allow.json");
    let wants_absent = text.contains("absent");
    (!wants_wasm || text.contains("--deny-jit") || has_wasm_worker())
        && (!wants_absent || has_absent_worker())
}

fn check_program(page: &Page, index: usize, folder: &Path, failed: &mut Vec<String>) {
    let block = &page.blocks[index];
    if !can_run(&block.info()) {
        return;
    }
    let output = run(block, folder);
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    let mut complain = |what: String| failed.push(format!("{}: {what}", block.place(page)));
    let wanted = block
        .words
        .iter()
        .find_map(|word| word.strip_prefix("exit="))
        .map_or(0, |code| code.parse().unwrap());
    if output.status.code() != Some(wanted) {
        complain(format!("exit code {:?} instead of {wanted}\n{stdout}{stderr}", output.status.code()));
        return;
    }
    for shown in page.blocks[index + 1..].iter().take_while(|next| next.kind() == Kind::Shown) {
        match shown.words.first().map(String::as_str) {
            Some("output") if !agrees(&shown.text, &stdout) => {
                complain(format!("prints\n{stdout}instead of\n{}{stderr}", shown.text));
            }
            Some("stderr") => {
                for line in shown.text.lines().filter(|line| !stderr.contains(line.trim())) {
                    complain(format!("does not print {line:?} but\n{stderr}"));
                }
            }
            _ => {}
        }
    }
}

fn check_console(page: &Page, block: &Block, folder: &Path, failed: &mut Vec<String>) {
    let text = format!("\n{}", block.text);
    for entry in text.split("\n$ ").skip(1) {
        let (line, shown) = entry.split_once('\n').unwrap_or((entry, ""));
        if !can_run(entry) {
            continue;
        }
        let printed = type_in(line, folder);
        if !agrees(shown, &printed) {
            failed.push(format!("{}: `{line}` prints\n{printed}instead of\n{shown}", block.place(page)));
        }
    }
}

#[test]
fn blocks_do_what_the_pages_say() {
    let mut failed = Vec::new();
    let mut ran = 0;
    for page in page::all() {
        let folder = tempfile::tempdir().unwrap();
        for block in &page.blocks {
            if let Some(name) = block.file() {
                std::fs::write(folder.path().join(name), &block.text).unwrap();
            }
        }
        for (index, block) in page.blocks.iter().enumerate() {
            match block.kind() {
                Kind::Program | Kind::Shell => check_program(&page, index, folder.path(), &mut failed),
                Kind::Console => check_console(&page, block, folder.path(), &mut failed),
                _ => continue,
            }
            ran += 1;
        }
    }
    assert!(failed.is_empty(), "{} failed:\n\n{}", failed.len(), failed.join("\n\n"));
    assert!(ran > 15, "only {ran} blocks were found");
}

#[test]
fn configurations_in_the_pages_are_valid() {
    let mut read = 0;
    for page in page::all() {
        for block in page.blocks.iter().filter(|block| block.kind() == Kind::Config) {
            let json = serde_json::from_str(&block.text)
                .unwrap_or_else(|error| panic!("{}: {error}", block.place(&page)));
            CreateVmConfig::from_json(&json)
                .unwrap_or_else(|error| panic!("{}: {error}", block.place(&page)));
            read += 1;
        }
    }
    assert!(read > 3, "only {read} were found");
}

#[test]
fn blocks_are_marked_with_words_that_mean_something() {
    for page in page::all() {
        for block in &page.blocks {
            let known = block.words.iter().all(|word| {
                word.starts_with('-')
                    || word.starts_with("file=")
                    || word.starts_with("exit=")
                    || [
                        "cordon",
                        "cordon-run",
                        "cordon-sh",
                        "client",
                        "vm-config",
                        "output",
                        "stderr",
                        "builtins",
                        "applets",
                    ]
                    .contains(&word.as_str())
            });
            assert!(known && !block.language.is_empty(), "{}: {:?}", block.place(&page), block.info());
            // rustdoc would compile one without `no_run`, and run it.
            assert!(block.language != "rust", "{}: write rust,no_run", block.place(&page));
        }
    }
}

#[test]
fn shown_lines_are_compared_as_they_read() {
    assert!(agrees("a\n...\nz\n", "a\nb\nc\nz\n") && agrees("a", "a  \n") && agrees("", "\n"));
    assert!(!agrees("a\nz", "a\nb\nz") && !agrees("a", "") && !agrees("", "a"));
}
