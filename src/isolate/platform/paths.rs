//! Absolute paths of the VM by their letters alone: what inline code goes by.

/// The path of a `file:` URL.
pub(crate) fn file_url(specifier: &str) -> Option<String> {
    if !specifier.starts_with("file:") {
        return None;
    }
    let url = url::Url::parse(specifier).ok()?;
    url.to_file_path().ok()?.into_os_string().into_string().ok()
}

/// A name in a folder.
pub(crate) fn join(folder: &str, name: &str) -> String {
    let name = name.strip_prefix("./").unwrap_or(name);
    if folder.ends_with('/') { format!("{folder}{name}") } else { format!("{folder}/{name}") }
}

/// Takes `.`, `..` and empty parts out of an absolute path, by its letters alone.
pub(crate) fn normalize(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_normalized_by_their_letters() {
        assert_eq!(normalize("/a/./b//../c"), "/a/c");
        assert_eq!(normalize("/../.."), "/");
        assert_eq!(join("/a", "./b"), "/a/b");
        assert_eq!(file_url("file:///a%20b").as_deref(), Some("/a b"));
        assert_eq!(file_url("/a"), None);
    }
}
