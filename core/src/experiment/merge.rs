//! Laying settings over settings: base, cell, command line. Only what comes out at the end is read as a recipe.
//!
//! Tables are merged key by key. A choice (which model, which data) is one value: another kind of it replaces the old one whole, because
//! `{ preset = "tiny" }` over `{ config = … }` must not leave both.

use toml::{Table, Value};

/// Keys whose table names one of several kinds by its only key.
const CHOICES: [&str; 7] = [
    "model",
    "data",
    "augmentation",
    "validate",
    "pseudo_labels",
    "warmup",
    "every",
];

/// Keys whose table names its kind in a field.
const TAGGED: [(&str, &str); 3] = [
    ("optimizer", "name"),
    ("schedule", "name"),
    ("config", "architecture"),
];

/// Lays `over` over `settings`.
pub(super) fn merge(settings: &mut Table, over: &Table) {
    for (key, value) in over {
        match (settings.get_mut(key), value) {
            (Some(Value::Table(old)), Value::Table(new)) if are_of_one_kind(key, old, new) => {
                merge(old, new);
            }
            _ => {
                settings.insert(key.clone(), value.clone());
            }
        }
    }
}

fn are_of_one_kind(key: &str, old: &Table, new: &Table) -> bool {
    if CHOICES.contains(&key) {
        return new.keys().all(|kind| old.contains_key(kind));
    }
    let tag = TAGGED.iter().find(|(tagged, _)| *tagged == key);
    tag.is_none_or(|(_, tag)| new.get(*tag).is_none_or(|kind| old.get(*tag) == Some(kind)))
}

/// Whether the key `a.b` is that in which a table names its kind.
pub(super) fn names_kind(path: &str) -> bool {
    TAGGED.iter().any(|(table, tag)| {
        path == format!("{table}.{tag}") || path.ends_with(&format!(".{table}.{tag}"))
    })
}

/// `a.b = value` as a table.
pub(super) fn nested(path: &str, value: Value) -> Table {
    match path.split_once('.') {
        None => Table::from_iter([(path.to_owned(), value)]),
        Some((first, rest)) => {
            Table::from_iter([(first.to_owned(), Value::Table(nested(rest, value)))])
        }
    }
}

/// The keys (`a.b`) at which two tables differ, sorted.
pub(super) fn differing_keys(one: &Table, other: &Table) -> Vec<String> {
    let mut keys: Vec<&String> = one.keys().chain(other.keys()).collect();
    keys.sort_unstable();
    keys.dedup();
    let mut found = Vec::new();
    for key in keys {
        match (one.get(key), other.get(key)) {
            (Some(Value::Table(one)), Some(Value::Table(other))) => {
                let inner = differing_keys(one, other);
                found.extend(inner.into_iter().map(|inner| format!("{key}.{inner}")));
            }
            (one, other) if one != other => found.push(key.clone()),
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(settings: &str, over: &str, expected: &str) {
        let mut merged: Table = settings.parse().unwrap();
        merge(&mut merged, &over.parse().unwrap());
        assert_eq!(merged, expected.parse().unwrap(), "{settings} <- {over}");
    }

    #[test]
    fn tables_are_merged_and_choices_replaced() {
        check("a = 1\nb = 2", "b = 3\nc = 4", "a = 1\nb = 3\nc = 4");
        check(
            "noisy_student = { weight = 1.0, passes = \"one\" }",
            "noisy_student = { weight = 2.0 }",
            "noisy_student = { weight = 2.0, passes = \"one\" }",
        );
        check(
            "model = { config = { width = 2, depth = 4 } }",
            "model = { config = { width = 3 } }",
            "model = { config = { width = 3, depth = 4 } }",
        );
        check(
            "model = { config = { architecture = \"a\", width = 2 } }",
            "model = { config = { architecture = \"b\", n = 3 } }",
            "model = { config = { architecture = \"b\", n = 3 } }",
        );
        check(
            "model = { config = { width = 2 } }",
            "model = { preset = \"tiny\" }",
            "model = { preset = \"tiny\" }",
        );
        check(
            "data = \"demo\"",
            "data = { folder = \"/m\" }",
            "data = { folder = \"/m\" }",
        );
        check(
            "optimizer = { name = \"adam\", beta1 = 0.8 }",
            "optimizer = { name = \"sgd\", momentum = 0.5 }",
            "optimizer = { name = \"sgd\", momentum = 0.5 }",
        );
        check(
            "schedule = { name = \"cosine\", warmup = { epochs = 2 }, floor = 0.1 }",
            "schedule = { warmup = { steps = 50 } }",
            "schedule = { name = \"cosine\", warmup = { steps = 50 }, floor = 0.1 }",
        );
        check(
            "schedule = { name = \"cosine\", floor = 0.1 }",
            "schedule = { name = \"step\", factor = 0.5 }",
            "schedule = { name = \"step\", factor = 0.5 }",
        );
    }

    #[test]
    fn dotted_keys_are_tables_within_tables() {
        assert_eq!(
            nested("a.b.c", Value::Integer(1)),
            "[a.b]\nc = 1".parse().unwrap()
        );
    }

    #[test]
    fn differences_are_named_by_their_keys() {
        let table = |text: &str| text.parse::<Table>().unwrap();
        assert_eq!(
            differing_keys(
                &table("a = 1\nb = { c = 1, d = 2 }\ne = 1"),
                &table("a = 1\nb = { c = 1, d = 3 }\nf = 1")
            ),
            ["b.d", "e", "f"]
        );
    }
}
