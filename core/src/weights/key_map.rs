//! Which keys of a file are the network's, and what the network calls them.
//!
//! Training code wraps a network: in `DataParallel` (`module.`), in a Lightning module (`network.`, with the teacher of the
//! noisy student beside it as `teacher_network.`), in a compiled module (`_orig_mod.`). The wrappers' names stand before the network's own.
//! They are stripped as long as there are any; of several networks the student is taken, unless the caller names another prefix.

use serde::Serialize;
use std::collections::BTreeMap;

/// What wrappers are called, the one to prefer first. No published tagging network has a layer of such a name.
const WRAPPERS: [&str; 7] = [
    "network",
    "student_network",
    "model",
    "module",
    "_orig_mod",
    "teacher_network",
    "teacher_model",
];

/// No key begins as the caller said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no key begins with {prefix:?}; keys begin with {}", .there.join(", "))]
pub struct NoSuchPrefix {
    /// What was asked for.
    pub prefix: String,
    /// What there is.
    pub there: Vec<String>,
}

/// A choice of keys: those that begin with a prefix, without it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct KeyMap {
    /// What was stripped, its last dot included; empty if nothing was.
    pub prefix: String,
    /// How many keys were left out, by how they begin.
    pub left_out: BTreeMap<String, usize>,
}

impl KeyMap {
    /// The keys below `prefix` (with or without its dot; the empty one means all), else below the likeliest wrapper.
    pub fn choose<'a>(
        keys: impl Iterator<Item = &'a str> + Clone,
        prefix: Option<&str>,
    ) -> Result<Self, NoSuchPrefix> {
        let prefix = match prefix {
            Some("") => String::new(),
            Some(prefix) => format!("{}.", prefix.trim_end_matches('.')),
            None => likeliest(keys.clone()),
        };
        let mut left_out = BTreeMap::new();
        let mut is_there = prefix.is_empty();
        for key in keys.clone() {
            if key.starts_with(&prefix) {
                is_there = true;
            } else {
                *left_out.entry(beginning(key).to_owned()).or_default() += 1;
            }
        }
        if !is_there {
            return Err(NoSuchPrefix {
                prefix,
                there: left_out.into_keys().collect(),
            });
        }
        Ok(Self { prefix, left_out })
    }

    /// What the network calls the tensor of this key; `None` if the key is left out.
    pub fn short<'a>(&self, key: &'a str) -> Option<&'a str> {
        key.strip_prefix(&self.prefix)
    }
}

fn likeliest<'a>(keys: impl Iterator<Item = &'a str> + Clone) -> String {
    let mut prefix = String::new();
    loop {
        let wrapper = WRAPPERS.iter().find(|wrapper| {
            keys.clone().any(|key| {
                key.strip_prefix(&prefix)
                    .and_then(|rest| rest.strip_prefix(**wrapper))
                    .is_some_and(|rest| rest.starts_with('.'))
            })
        });
        match wrapper {
            Some(wrapper) => prefix = format!("{prefix}{wrapper}."),
            None => return prefix,
        }
    }
}

/// A key up to its first dot.
fn beginning(key: &str) -> &str {
    match key.find('.') {
        Some(dot) => &key[..=dot],
        None => key,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(keys: &[&str], prefix: Option<&str>, expected: &str, n_left_out: usize) {
        let map = KeyMap::choose(keys.iter().copied(), prefix).unwrap();
        assert_eq!(map.prefix, expected);
        assert_eq!(map.left_out.values().sum::<usize>(), n_left_out);
    }

    #[test]
    fn wrappers_are_stripped_and_the_student_is_preferred() {
        check(&["a.weight", "b"], None, "", 0);
        check(&["network.a", "network.b"], None, "network.", 0);
        check(
            &["network.a", "teacher_network.a", "loss.w"],
            None,
            "network.",
            2,
        );
        check(&["teacher_network.a"], None, "teacher_network.", 0);
        check(
            &["module.network.a", "module.teacher_network.a"],
            None,
            "module.network.",
            1,
        );
        check(&["_orig_mod.module.a"], None, "_orig_mod.module.", 0);
        // A layer whose name only begins like a wrapper's.
        check(&["networks.a", "modular.b"], None, "", 0);
    }

    #[test]
    fn the_caller_may_choose() {
        let keys = ["network.a", "teacher_network.a"];
        check(&keys, Some("teacher_network"), "teacher_network.", 1);
        check(&keys, Some("teacher_network."), "teacher_network.", 1);
        check(&keys, Some(""), "", 0);
        let error = KeyMap::choose(keys.into_iter(), Some("ema")).unwrap_err();
        assert!(
            error.to_string().contains("network., teacher_network."),
            "{error}"
        );
    }

    #[test]
    fn names_lose_the_prefix() {
        let map = KeyMap::choose(["network.a.b", "x"].into_iter(), None).unwrap();
        assert_eq!(map.short("network.a.b"), Some("a.b"));
        assert_eq!(map.short("x"), None);
        assert_eq!(map.left_out, BTreeMap::from([("x".to_owned(), 1)]));
    }
}
