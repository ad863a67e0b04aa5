//! npm's lockfiles, as a guest has them: no more is believed of one than which digests it names and what it calls them.

use std::collections::{BTreeMap, BTreeSet};

use data_encoding::BASE64;
use serde::Deserialize;
use serde_json::Value;

use super::npm_cache::Digest;

/// The longest lockfile that is read.
pub(super) const LOCKFILE_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// Packages of a lockfile that are looked at.
const PACKAGES_MAX: usize = 20_000;
/// The longest name, version or path that is told, in bytes.
const TEXT_MAX: usize = 1024;

/// A package of a lockfile.
#[derive(Debug, PartialEq)]
pub(super) struct LockedPackage {
    /// Where it lies, beneath the project: `node_modules/express`.
    pub(super) path: String,
    pub(super) name: String,
    pub(super) version: String,
    /// The SHA-512 of its archive, if that is how it is named.
    pub(super) digest: Option<Digest>,
}

#[derive(Deserialize)]
struct Lockfile {
    packages: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
struct Entry {
    version: String,
    name: Option<String>,
    integrity: Option<String>,
    #[serde(default)]
    link: bool,
}

/// The packages of a lockfile. What is no lockfile has none: npm says what is wrong with it.
pub(super) fn parse(text: &[u8]) -> Vec<LockedPackage> {
    let Ok(Lockfile { packages }) = serde_json::from_slice(text) else { return Vec::new() };
    packages.into_iter().filter_map(|(path, entry)| package(path, entry)).take(PACKAGES_MAX).collect()
}

/// The digests that packages are named by, each once.
pub(super) fn digests(packages: &[LockedPackage]) -> BTreeSet<Digest> {
    packages.iter().filter_map(|package| package.digest).collect()
}

fn package(path: String, entry: Value) -> Option<LockedPackage> {
    let Entry { version, name, integrity, link } = serde_json::from_value(entry).ok()?;
    let name = name.filter(|name| name.len() <= TEXT_MAX).unwrap_or_else(|| name_of(&path).to_owned());
    let fits = !path.is_empty() && path.len() <= TEXT_MAX && version.len() <= TEXT_MAX && !link;
    let digest = integrity.as_deref().and_then(digest_of);
    fits.then_some(LockedPackage { path, name, version, digest })
}

fn name_of(path: &str) -> &str {
    path.rsplit_once("node_modules/").map_or(path, |(_, name)| name)
}

/// The digest of a text of subresource integrity that has exactly one of SHA-512.
fn digest_of(integrity: &str) -> Option<Digest> {
    if integrity.len() > TEXT_MAX {
        return None;
    }
    let mut encoded = integrity.split_whitespace().filter_map(|part| part.strip_prefix("sha512-"));
    let one = encoded.next().filter(|_| encoded.next().is_none())?;
    let one = one.split('?').next().unwrap_or(one);
    BASE64.decode(one.as_bytes()).ok()?.try_into().ok().map(Digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lockfile_of_a_guests_is_taken_for_its_digests_alone() {
        let digest = [7; 64];
        let named = format!("sha512-{}", BASE64.encode(&digest));
        let lockfile = serde_json::json!({ "lockfileVersion": 3, "packages": {
            "": { "name": "project", "version": "1.0.0" },
            "node_modules/@a/b": { "version": "1.2.3", "integrity": named.clone() },
            "node_modules/c/node_modules/d": { "version": "2.0.0", "integrity": "sha1-AAAA", "name": "alias" },
            "node_modules/two": { "version": "1.0.0", "integrity": format!("{named} {named}") },
            "node_modules/short": { "version": "1.0.0", "integrity": "sha512-AAAA" },
            "node_modules/path": { "version": "1.0.0", "integrity": "sha512-../../../../etc/passwd" },
            "node_modules/link": { "link": true, "version": "1.0.0" },
            "node_modules/wrong": [],
            "folder": { "version": "1.0.0" },
        }});
        let packages = parse(lockfile.to_string().as_bytes());
        let told: Vec<_> = packages
            .iter()
            .map(|package| (package.path.as_str(), package.name.as_str(), package.digest.is_some()))
            .collect();
        assert_eq!(
            told,
            [
                ("folder", "folder", false),
                ("node_modules/@a/b", "@a/b", true),
                ("node_modules/c/node_modules/d", "alias", false),
                ("node_modules/path", "path", false),
                ("node_modules/short", "short", false),
                ("node_modules/two", "two", false),
            ]
        );
        assert_eq!(digests(&packages), BTreeSet::from([Digest(digest)]));
        for text in ["", "[]", "{\"packages\":[]}", "\u{0}", "{\"packages\":{\"a\":{\"version\":[]}}}"] {
            assert_eq!(parse(text.as_bytes()), [], "{text}");
        }
    }
}
