//! Links of the documentation, and the book's list of pages.

use std::path::{Path, PathBuf};

use super::page::{self, Page};

/// Targets of the links in a page.
fn links(page: &Page) -> Vec<String> {
    let text = page.prose.join("\n");
    let mut targets = Vec::new();
    for part in text.split("](").skip(1) {
        targets.extend(part.split_once(')').map(|(target, _)| target.split_whitespace().collect()));
    }
    targets
}

/// The anchor that a heading gets, as GitHub and mdBook make it.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    text.chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

fn anchors(path: &Path) -> Vec<String> {
    page::read(path).prose.iter().filter(|line| line.starts_with('#')).map(|line| anchor(line)).collect()
}

#[test]
fn links_lead_somewhere() {
    let mut pages = page::all();
    pages.extend(["CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"].map(page::read));
    let mut checked = 0;
    for page in &pages {
        for link in links(page) {
            if link.starts_with("https://") {
                continue;
            }
            let (path, fragment) =
                link.split_once('#').map_or((link.as_str(), None), |(path, fragment)| (path, Some(fragment)));
            let target: PathBuf = match path {
                "" => page.path.clone(),
                path => page.path.parent().unwrap().join(path),
            };
            let place = page.path.display();
            assert!(page::repository().join(&target).exists(), "{place}: {link} leads nowhere");
            if let Some(fragment) = fragment {
                assert!(
                    anchors(&target).iter().any(|anchor| anchor == fragment),
                    "{place}: {link}: no such heading"
                );
            }
            checked += 1;
        }
    }
    assert!(checked > 40, "only {checked} links were found");
}

#[test]
fn the_book_lists_every_page_once() {
    let mut listed: Vec<PathBuf> =
        links(&page::read("docs/SUMMARY.md")).iter().map(|link| Path::new("docs").join(link)).collect();
    let mut pages: Vec<PathBuf> = page::all().into_iter().map(|page| page.path).collect();
    pages.retain(|path| path.starts_with("docs") && !path.ends_with("SUMMARY.md"));
    listed.sort();
    pages.sort();
    assert_eq!(listed, pages);
}

#[test]
fn files_that_the_architecture_names_are_there() {
    let page = page::read("docs/architecture.md");
    let prose = page.prose.join("\n");
    let mut found = 0;
    for span in page::spans(&prose) {
        let path = span.split_once('{').map_or(span, |(path, _)| path).trim_end_matches('/');
        if ["src/", "wit/", "tests/", "scripts/", "guest-shim/", "clients/"]
            .iter()
            .any(|top| span.starts_with(top))
        {
            assert!(page::repository().join(path).exists(), "docs/architecture.md names {span}");
            found += 1;
        }
    }
    assert!(found > 15);
}

/// The text of every Rust file below a folder.
pub(super) fn sources(folder: &Path, text: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn names_that_the_architecture_uses_are_in_the_code() {
    let mut code = String::new();
    sources(&page::repository().join("src"), &mut code);
    let words: std::collections::HashSet<&str> =
        code.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    let prose = page::read("docs/architecture.md").prose.join("\n");
    let mut found = 0;
    let is_name = |span: &&str| {
        !span.contains(['/', '.', '\'', '-', ' ', '*'])
            && !span.replace("::", "").contains(':')
            && !page::repository().join(span).exists()
    };
    for span in page::spans(&prose).into_iter().filter(is_name) {
        for word in span.split("::").filter(|word| !word.is_empty()) {
            assert!(words.contains(word), "docs/architecture.md names `{span}`");
            found += 1;
        }
    }
    assert!(found > 40, "only {found} names were found");
}
