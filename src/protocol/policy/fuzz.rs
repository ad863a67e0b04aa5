//! An entry for fuzzing patterns: a text in, properties checked.

use super::pattern::{Kind, Matcher};
use super::{Pattern, Subject};

/// The first line is a pattern, each further one a path and a name that it is put to. Panics unless a path that matches
/// begins with what the pattern begins with, and lies in no directory that the pattern does not reach.
pub fn pattern(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.split('\n');
    let Some(Ok(pattern)) = lines.next().map(Pattern::new) else { return };
    let one = std::slice::from_ref(&pattern);
    let (Ok(paths), Ok(names)) = (Matcher::new(one, Kind::Path), Matcher::new(one, Kind::Name)) else {
        return;
    };
    for line in lines.take(100) {
        check(&pattern, &paths, &normal(line));
        let _ = names.matches(line);
    }
    // What is refused as a path's pattern matches none.
    if Subject::Path.check(&pattern).is_err() {
        for line in text.split('\n').skip(1).take(100) {
            let path = normal(line);
            assert!(
                path.contains('\0') || path.is_empty() || !paths.matches(&path),
                "{pattern:?} matches {path:?}"
            );
        }
    }
}

/// What holds for a pattern and an absolute, normal path.
pub(super) fn check(pattern: &Pattern, compiled: &Matcher, path: &str) {
    let text = pattern.as_str();
    let fixed = text.split(['?', '*', '[', '{', '\\']).next().unwrap_or_default();
    let plain = !text.contains(['[', '{', '\\']);
    let matches = compiled.matches(path);
    if matches {
        assert!(path.starts_with(fixed), "{text:?} matches {path:?}");
    }
    if plain && !text.contains("**") {
        let parts = |text: &str| text.matches('/').count();
        assert!(!matches || parts(text) == parts(path), "{text:?} matches {path:?}");
    }
    if path != "/" {
        for (at, _) in path.match_indices('/') {
            let directory = &path[..at.max(1)];
            assert!(
                !matches || pattern.reaches_below(directory),
                "{text:?} matches {path:?} but does not reach {directory:?}"
            );
        }
    }
}

/// A path as the kernel asks about it.
fn normal(text: &str) -> String {
    let parts = text.split('/').filter(|part| !matches!(*part, "" | "." | ".."));
    parts.fold(String::new(), |path, part| path + "/" + part)
}
