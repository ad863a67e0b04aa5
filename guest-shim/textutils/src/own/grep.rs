//! `grep`, `egrep` and `fgrep`: in front of uutils'.
//!
//! In its basic expressions `\s` and `\S` are no classes, which in GNU's they are: they are written out here. A `^` that
//! begins nothing and a `$` that ends nothing are no anchors. What most calls ask for is done in `lines`.

mod expression;
mod lines;

use cordon_vm::byte_text::ToText;
use std::ffi::OsString;

type Args = std::vec::IntoIter<OsString>;

/// Options that are followed by a value.
const VALUED: &str = "ABCDdefm";
const VALUED_LONG: &[&str] = &[
    "--after-context",
    "--before-context",
    "--binary-files",
    "--context",
    "--devices",
    "--directories",
    "--exclude",
    "--exclude-dir",
    "--exclude-from",
    "--file",
    "--group-separator",
    "--include",
    "--label",
    "--max-count",
    "--regexp",
];

pub fn egrep(args: Args) -> i32 {
    with("-E", args)
}

pub fn fgrep(args: Args) -> i32 {
    with("-F", args)
}

fn with(option: &str, args: Args) -> i32 {
    let mut args: Vec<OsString> = args.collect();
    args.insert(1.min(args.len()), option.into());
    grep(args.into_iter())
}

pub fn grep(args: Args) -> i32 {
    let mut args: Vec<OsString> = args.collect();
    if args.iter().any(|arg| needs_change(&arg.to_text())) {
        for at in basic_expressions(&args) {
            if let Some(text) = args[at].to_str() {
                args[at] = written_out(text).into();
            }
        }
    }
    // GNU's shows colours where that is asked for alone, the crate at every terminal.
    if !args.iter().any(|arg| arg.to_text().starts_with("--col")) {
        args.insert(1.min(args.len()), "--color=never".into());
    }
    lines::run(&args).unwrap_or_else(|| uu_grep::uumain(args.into_iter()))
}

fn needs_change(text: &str) -> bool {
    text.contains("\\s") || text.contains("\\S") || text.contains(['^', '$'])
}

/// Which arguments are expressions, or begin with an option and end in one; none if they are not basic ones.
fn basic_expressions(args: &[OsString]) -> Vec<usize> {
    let mut found = vec![];
    let mut first_operand = None;
    let mut has_pattern = false;
    let mut at = 1;
    while at < args.len() {
        let word = args[at].to_text();
        if word == "--" {
            first_operand = first_operand.or(Some(at + 1));
            break;
        }
        if let Some(long) = word.strip_prefix("--") {
            match long.split_once('=').map_or(long, |(name, _)| name) {
                "extended-regexp" | "fixed-strings" | "perl-regexp" => return vec![],
                "regexp" => {
                    has_pattern = true;
                    found.push(if long.contains('=') { at } else { at + 1 });
                }
                "file" => has_pattern = true,
                _ => {}
            }
            at += usize::from(VALUED_LONG.contains(&&*word));
        } else if word.len() > 1 && word.starts_with('-') {
            let valued = word.find(|letter| VALUED.contains(letter));
            let flags = &word[1..valued.unwrap_or(word.len())];
            if flags.contains(['E', 'F', 'P']) {
                return vec![];
            }
            if let Some(value) = valued {
                let is_attached = value + 1 < word.len();
                has_pattern |= word[value..].starts_with(['e', 'f']);
                if word[value..].starts_with('e') {
                    found.push(if is_attached { at } else { at + 1 });
                }
                at += usize::from(!is_attached);
            }
        } else if first_operand.is_none() {
            first_operand = Some(at);
        }
        at += 1;
    }
    if !has_pattern {
        found.extend(first_operand);
    }
    found.retain(|&at| at < args.len());
    found
}

/// The same with `\s` and `\S` as classes, outside of brackets, and with a backslash before what looks like an anchor.
fn written_out(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text.chars().peekable();
    let mut in_brackets = false;
    // Where an option stands in front, what begins is not looked for.
    let mut is_start = true;
    let is_attached = text.starts_with('-');
    while let Some(letter) = rest.next() {
        let begins = std::mem::replace(&mut is_start, letter == '\n');
        match letter {
            '^' if !in_brackets && !begins && !is_attached => out.push_str("\\^"),
            '$' if !in_brackets && !ends(rest.clone()) => out.push_str("\\$"),

            '\\' if !in_brackets => match rest.next() {
                Some('s') => out.push_str("[[:space:]]"),
                Some('S') => out.push_str("[^[:space:]]"),
                other => {
                    is_start = matches!(other, Some('(' | '|'));
                    out.push('\\');
                    out.extend(other);
                }
            },
            '[' if !in_brackets => {
                in_brackets = true;
                out.push('[');
                out.extend(rest.next_if_eq(&'^'));
                out.extend(rest.next_if_eq(&']'));
            }
            '[' if rest.peek() == Some(&':') => {
                // A class inside ends in a bracket of its own.
                out.push('[');
                for inner in rest.by_ref() {
                    out.push(inner);
                    if inner == ']' {
                        break;
                    }
                }
            }
            ']' => {
                in_brackets = false;
                out.push(']');
            }
            other => out.push(other),
        }
    }
    out
}

/// Whether an expression, or an alternative of it, ends here.
fn ends(mut rest: std::iter::Peekable<std::str::Chars>) -> bool {
    match rest.next() {
        None | Some('\n') => true,
        Some('\\') => matches!(rest.next(), Some(')' | '|')),
        Some(_) => false,
    }
}
