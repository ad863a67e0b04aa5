//! A page of documentation, cut into what the tests look at: code blocks, tables, prose.

use std::path::{Path, PathBuf};

/// One page.
pub struct Page {
    /// Its path in the repository.
    pub path: PathBuf,
    /// Its text without code blocks, line by line; lines of blocks are empty.
    pub prose: Vec<String>,
    pub blocks: Vec<Block>,
}

/// A fenced code block.
pub struct Block {
    /// The line of its opening fence, counted from 1.
    pub line: usize,
    pub language: String,
    pub words: Vec<String>,
    pub text: String,
}

/// What the tests do with a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Run it with `cordon run`.
    Program,
    /// Run it with `cordon sh`.
    Shell,
    /// Type its lines in.
    Console,
    /// Read it as a configuration.
    Config,
    /// What the block before it prints.
    Shown,
    /// Nothing.
    Other,
}

impl Block {
    pub fn kind(&self) -> Kind {
        let has = |word: &str| self.words.iter().any(|own| own == word);
        match self.language.as_str() {
            "js" | "ts" if has("cordon-run") => Kind::Program,
            "sh" if has("cordon-sh") => Kind::Shell,
            "console" if has("cordon") => Kind::Console,
            "json" if has("vm-config") => Kind::Config,
            "text" if has("output") || has("stderr") => Kind::Shown,
            _ => Kind::Other,
        }
    }

    pub fn file(&self) -> Option<&str> {
        self.words.iter().find_map(|word| word.strip_prefix("file="))
    }

    pub fn info(&self) -> String {
        [std::slice::from_ref(&self.language), &self.words].concat().join(" ")
    }

    pub fn place(&self, page: &Page) -> String {
        format!("{}:{}", page.path.display(), self.line)
    }
}

pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every page of the book, and the README.
pub fn all() -> Vec<Page> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(repository().join("docs"))
        .unwrap()
        .map(|entry| Path::new("docs").join(entry.unwrap().file_name()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    paths.push("README.md".into());
    paths.sort();
    paths.iter().map(read).collect()
}

/// Reads a page by its path in the repository.
pub fn read(path: impl AsRef<Path>) -> Page {
    let path = path.as_ref();
    let text = std::fs::read_to_string(repository().join(path))
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let (mut prose, mut blocks) = (Vec::new(), Vec::new());
    let mut open: Option<Block> = None;
    for (index, line) in text.lines().enumerate() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(info), None) => {
                let mut words = info.split_whitespace().map(str::to_owned);
                let language = words.next().unwrap_or_default();
                open = Some(Block { line: index + 1, language, words: words.collect(), text: String::new() });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {
                prose.push(line.to_owned());
                continue;
            }
        }
        prose.push(String::new());
    }
    assert!(open.is_none(), "{}: a code block is not closed", path.display());
    Page { path: path.to_owned(), prose, blocks }
}

/// A table: the names of its columns, and its rows.
pub struct Table {
    pub columns: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

impl Table {
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == name)
    }
}

impl Page {
    pub fn tables(&self) -> Vec<Table> {
        let mut tables = Vec::new();
        let mut lines = self.prose.iter().peekable();
        while let Some(line) = lines.next() {
            if !line.starts_with('|') {
                continue;
            }
            // The line of dashes.
            lines.next();
            let mut table = Table { columns: cells(line), rows: Vec::new() };
            while let Some(row) = lines.next_if(|line| line.starts_with('|')) {
                table.rows.push(cells(row));
            }
            tables.push(table);
        }
        tables
    }
}

fn cells(line: &str) -> Vec<String> {
    // An escaped bar is part of a cell.
    let line = line.trim().trim_start_matches('|').replace("\\|", "\u{1}");
    let line = line.strip_suffix('|').unwrap_or(&line);
    line.split('|').map(|cell| cell.trim().replace('\u{1}', "|")).collect()
}

/// The code spans of a text.
pub fn spans(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}
