//! Source texts before V8 sees them: which language and format they are in, and TypeScript's types taken out.

use std::sync::{Arc, Mutex};

use swc_common::errors::{DiagnosticBuilder, Emitter, Handler};
use swc_common::{SourceMap, sync::Lrc};
use swc_ts_fast_strip::{ErrorCode, Mode, Options};

use crate::run::outcome::Language;

/// Deepest nesting of brackets in a TypeScript source: the parser calls itself for each level.
const NESTING_LIMIT: usize = 1000;

/// A source text that is not TypeScript, or more of it than can be erased.
#[derive(Debug)]
pub struct StripError {
    /// What is wrong.
    pub message: String,
    /// Line and column, counted from 1.
    pub position: Option<(usize, usize)>,
    /// The line, and carets below what is wrong in it.
    pub snippet: String,
    /// It is TypeScript, but more of it than can be erased.
    pub is_unsupported: bool,
}

/// The language that a path's extension stands for.
pub(crate) fn language_of(path: &str) -> Language {
    match extension(path) {
        "ts" | "mts" | "cts" => Language::TypeScript,
        _ => Language::JavaScript,
    }
}

/// What follows the last dot of the last part of a path; empty if there is none.
pub(crate) fn extension(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => extension,
        _ => "",
    }
}

/// Replaces types by white space, so that every position stays what it was.
pub fn strip_types(source: String, module: Option<bool>) -> Result<String, StripError> {
    if nesting(&source) > NESTING_LIMIT {
        return Err(StripError {
            message: format!("brackets are nested deeper than {NESTING_LIMIT} levels"),
            position: None,
            snippet: String::new(),
            is_unsupported: false,
        });
    }
    let map = Lrc::new(SourceMap::default());
    let first: First = Arc::default();
    let collector = Collector { map: map.clone(), first: first.clone() };
    let handler = Handler::with_emitter(false, false, Box::new(collector));
    let options = Options { module, mode: Mode::StripOnly, ..Options::default() };
    swc_ts_fast_strip::operate(&map, &handler, source, options).map(|output| output.code).map_err(|error| {
        let reported = first.lock().ok().and_then(|mut first| first.take());
        let is_unsupported = matches!(error.code, ErrorCode::UnsupportedSyntax);
        let plain = || StripError {
            message: error.message,
            position: None,
            snippet: String::new(),
            is_unsupported: false,
        };
        StripError { is_unsupported, ..reported.unwrap_or_else(plain) }
    })
}

type First = Arc<Mutex<Option<StripError>>>;

/// Keeps the first diagnostic.
struct Collector {
    map: Lrc<SourceMap>,
    first: First,
}

impl Emitter for Collector {
    fn emit(&mut self, diagnostic: &mut DiagnosticBuilder<'_>) {
        let Ok(mut first) = self.first.lock() else { return };
        if first.is_none() {
            let place = diagnostic.span.primary_span().map(|span| {
                let (at, end) = (self.map.lookup_char_pos(span.lo), self.map.lookup_char_pos(span.hi));
                let line = at.file.get_line(at.line - 1).unwrap_or_default().into_owned();
                // What is wrong may go on in other lines.
                let to = if end.line == at.line { end.col.0 } else { line.chars().count() };
                let carets = "^".repeat(to.saturating_sub(at.col.0).max(1));
                ((at.line, at.col.0 + 1), format!("{line}\n{}{carets}", " ".repeat(at.col.0)))
            });
            let (position, snippet) = place.unzip();
            let (message, snippet) = (diagnostic.message(), snippet.unwrap_or_default());
            *first = Some(StripError { message, position, snippet, is_unsupported: false });
        }
    }
}

/// Most brackets that are open at once, strings and comments included: an upper bound of the real nesting.
fn nesting(source: &str) -> usize {
    let (mut depth, mut deepest) = (0usize, 0);
    for byte in source.bytes() {
        match byte {
            b'(' | b'[' | b'{' | b'<' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b')' | b']' | b'}' | b'>' => depth = depth.saturating_sub(1),
            // An operator like `=>` or `<` that has no partner ends with its statement.
            b'\n' | b';' if depth < 8 => depth = 0,
            _ => {}
        }
    }
    deepest
}

/// An entry for fuzzing the stripping of types: bytes in, properties checked.
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz {
    use super::strip_types;

    /// Strips a source of its types. Panics unless every line stays where it was, and every column of what is ASCII. What
    /// is no JavaScript then, V8 refuses.
    pub(crate) fn strip(bytes: &[u8]) {
        let (kind, source) = bytes.split_first().map_or((0, bytes), |(kind, rest)| (kind % 3, rest));
        let source = String::from_utf8_lossy(source).into_owned();
        let module = [None, Some(true), Some(false)][usize::from(kind)];
        let Ok(stripped) = strip_types(source.clone(), module) else { return };
        assert_eq!(stripped.lines().count(), source.lines().count(), "{stripped:?}");
        if source.is_ascii() {
            assert_eq!(stripped.len(), source.len(), "{stripped:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Damages sources at every place, with what means something to a parser.
    #[test]
    fn damaged_sources_have_the_properties() {
        let sources = [
            "const f = <T,>(a: T & { b?: A<B[]>[] }): a is C => a!.b as D satisfies E;\n",
            "import type { A } from 'x'; export abstract class B<T> implements C { private x?: T; declare y: A; }\n",
            "type F = typeof import('x') | `a${string}` | { readonly [K in keyof T]-?: T[K] }; let \u{e9}: F, y = 1;\n",
            "function g(this: Window, ...r: [a: string, b?: number]): asserts r is never { return <any>r; }\n",
        ];
        for source in sources {
            for at in (0..source.len()).filter(|at| source.is_char_boundary(*at)) {
                for with in ["", "<", "(", "/*", "`", "\\", "\n", "as ", "\0", "\u{2028}"] {
                    for kind in ["\u{0}", "\u{1}"] {
                        fuzz::strip(format!("{kind}{}{with}{}", &source[..at], &source[at..]).as_bytes());
                    }
                }
                fuzz::strip(format!("\u{1}{}", &source[..at]).as_bytes());
            }
        }
    }

    #[test]
    fn types_become_white_space() {
        let source = "interface A { x: number }\nconst f = (a: A): number => a.x satisfies number;\n";
        let stripped = strip_types(source.to_owned(), Some(true)).unwrap();
        assert_eq!(stripped.len(), source.len());
        assert_eq!(
            stripped.lines().nth(1).unwrap().trim_end(),
            "const f = (a   )         => a.x                 ;"
        );
    }

    #[test]
    fn what_cannot_be_erased_is_named_with_its_position() {
        let error = strip_types("\nenum A { B }\n".to_owned(), Some(true)).unwrap_err();
        assert_eq!(error.position.unwrap().0, 2);
        assert!(error.message.contains("enum"), "{error:?}");
        assert!(strip_types("let x: = 3".to_owned(), Some(true)).is_err());
    }

    #[test]
    fn deep_nesting_is_refused_and_not_followed() {
        assert!(strip_types("(".repeat(100_000), Some(true)).is_err());
        assert_eq!(nesting("a < b;\n".repeat(5000).as_str()), 1);
    }

    #[test]
    fn extensions_belong_to_the_last_part_of_a_path() {
        assert_eq!(extension("/a.b/c"), "");
        assert_eq!(extension("/a/.hidden"), "");
        assert_eq!(extension("/a/b.test.mts"), "mts");
    }
}
