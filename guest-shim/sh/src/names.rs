//! What a shell has by name: found by the name's hash, since loops do little else, and listed in the order of the names.

use std::collections::hash_map::Entry;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Names<V>(FxHashMap<String, V>);

impl<V> Default for Names<V> {
    fn default() -> Self {
        Names(FxHashMap::default())
    }
}

impl<V> Names<V> {
    pub fn get(&self, name: &str) -> Option<&V> {
        self.0.get(name)
    }

    pub fn get_mut(&mut self, name: &str) -> Option<&mut V> {
        self.0.get_mut(name)
    }

    pub fn contains_key(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub fn insert(&mut self, name: String, value: V) -> Option<V> {
        self.0.insert(name, value)
    }

    pub fn remove(&mut self, name: &str) -> Option<V> {
        self.0.remove(name)
    }

    pub fn entry(&mut self, name: String) -> Entry<'_, String, V> {
        self.0.entry(name)
    }

    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.0.values_mut()
    }

    /// In the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &V)> {
        let mut all: Vec<(&String, &V)> = self.0.iter().collect();
        all.sort_unstable_by_key(|(name, _)| *name);
        all.into_iter()
    }

    /// In their order.
    pub fn keys(&self) -> impl Iterator<Item = &String> {
        self.iter().map(|(name, _)| name)
    }
}

#[cfg(test)]
mod tests {
    use super::Names;

    #[test]
    fn names_are_listed_in_their_order() {
        let mut names = Names::default();
        for (value, name) in ["b", "B", "a_1", "a", "Z", "aa"].into_iter().enumerate() {
            names.insert(name.to_owned(), value);
        }
        assert_eq!(names.remove("aa"), Some(5));
        assert_eq!(names.keys().collect::<Vec<_>>(), ["B", "Z", "a", "a_1", "b"]);
        assert_eq!(names.get("a_1"), Some(&2));
    }
}
