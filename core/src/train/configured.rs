//! What a run, or a recipe in a file, is made of, setting by setting, to be held against another.
//!
//! A recipe is read and written anew by this version, so that a setting which an older version did not write, or a file leaves out, counts as
//! its default and not as a difference.

use super::checkpoint::RunFile;
use super::{Error, TrainConfig};
use crate::run::{self, Setting, Settings, differing};
use crate::workspace::Workspace;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Settings and facts of a run or a recipe.
#[derive(Clone, Debug, PartialEq)]
pub struct Configured {
    /// The run's id, or the name of the file.
    pub name: String,
    /// All by dotted name. The recipe's stand under the names that it gives them; facts about a run under `run.`, `dataset.` and `network.`.
    pub values: Settings,
    /// The lists among them, entry by entry.
    lists: BTreeMap<String, Vec<String>>,
}

/// A setting of two runs or recipes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SettingPair {
    /// Its dotted name.
    pub name: String,
    /// The first's value; `None` if it has none.
    pub first: Option<Setting>,
    /// The second's.
    pub second: Option<Setting>,
    /// Whether they are not the same.
    pub differs: bool,
    /// For two lists that differ: which entries only one of them has, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entries: Option<String>,
}

impl Configured {
    /// What `name` means: a recipe in a `.toml` file, a run's folder, its id or an unmistakable beginning of it.
    pub fn open(name: &str, workspace: &Workspace) -> Result<Self, Error> {
        let path = Path::new(name);
        if path
            .extension()
            .is_some_and(|ending| ending.eq_ignore_ascii_case("toml"))
            && path.is_file()
        {
            return Self::of_recipe(path, workspace);
        }
        Self::of_run(&run::find(&workspace.runs(), name)?)
    }

    /// Of a recipe in a file, chains that it names written out.
    pub fn of_recipe(path: &Path, workspace: &Workspace) -> Result<Self, Error> {
        let config = TrainConfig::read(path)?.in_full(workspace)?;
        let mut configured = Self::empty(path);
        configured.take_in("", &toml::Value::Table(recipe_table(&config)?));
        Ok(configured)
    }

    /// Of a run, as its recipe is in effect.
    pub fn of_run(folder: &Path) -> Result<Self, Error> {
        let path = folder.join("run.toml");
        let text = std::fs::read_to_string(&path).map_err(|source| Error::Read {
            path: path.clone(),
            source,
        })?;
        let mut run: toml::Table = text.parse().map_err(|source| Error::Config {
            path,
            source: Box::new(source),
        })?;
        // What this version does not understand is shown as it stands.
        if let Ok(in_effect) = RunFile::in_effect(folder) {
            let recipe = recipe_table(&in_effect.config)?;
            run.insert("config".to_owned(), toml::Value::Table(recipe));
        }
        let mut configured = Self::empty(folder);
        for (key, value) in &run {
            match key.as_str() {
                "config" => configured.take_in("", value),
                "data" => configured.take_in("dataset", value),
                "model" => configured.take_in("network", value),
                "attune" => configured.take_in("run.version", value),
                // Of no two runs the same, and nothing follows from it.
                "created_unix_ms" => {}
                _ => configured.take_in(&format!("run.{key}"), value),
            }
        }
        Ok(configured)
    }

    fn empty(path: &Path) -> Self {
        let name = path.file_name().unwrap_or(path.as_os_str());
        Self {
            name: name.to_string_lossy().into_owned(),
            values: Settings::new(),
            lists: BTreeMap::new(),
        }
    }

    fn take_in(&mut self, name: &str, value: &toml::Value) {
        let setting = match value {
            toml::Value::Table(table) => {
                for (key, value) in table {
                    let inner = if name.is_empty() {
                        key.clone()
                    } else {
                        format!("{name}.{key}")
                    };
                    self.take_in(&inner, value);
                }
                return;
            }
            // The steps of a chain: from 1, as they are numbered where they are shown.
            toml::Value::Array(entries) if entries.iter().any(toml::Value::is_table) => {
                for (at, entry) in entries.iter().enumerate() {
                    self.take_in(&format!("{name}.{}", at + 1), entry);
                }
                return;
            }
            toml::Value::Array(entries) => {
                let plain = entries.iter().map(|entry| match entry {
                    toml::Value::String(text) => text.clone(),
                    other => other.to_string(),
                });
                self.lists.insert(name.to_owned(), plain.collect());
                Setting::Text(value.to_string())
            }
            toml::Value::Boolean(is_on) => Setting::Switch(*is_on),
            toml::Value::Integer(number) => Setting::Number(*number as f64),
            toml::Value::Float(number) => Setting::Number(*number),
            toml::Value::String(text) => Setting::Text(text.clone()),
            toml::Value::Datetime(time) => Setting::Text(time.to_string()),
        };
        self.values.insert(name.to_owned(), setting);
    }
}

/// All settings of two, in alphabetical order.
pub fn setting_pairs(first: &Configured, second: &Configured) -> Vec<SettingPair> {
    let differing: BTreeSet<String> = differing([&first.values, &second.values])
        .into_iter()
        .collect();
    let names: BTreeSet<&String> = first.values.keys().chain(second.values.keys()).collect();
    let pair = |name: &String| {
        let lists = first.lists.get(name).zip(second.lists.get(name));
        let differs = differing.contains(name);
        SettingPair {
            name: name.clone(),
            first: first.values.get(name).cloned(),
            second: second.values.get(name).cloned(),
            differs,
            entries: lists
                .filter(|_| differs)
                .map(|(one, other)| entry_words(one, other)),
        }
    };
    names.into_iter().map(pair).collect()
}

fn entry_words(one: &[String], other: &[String]) -> String {
    let only = |of: &[String], not: &[String]| -> Vec<String> {
        of.iter()
            .filter(|entry| !not.contains(entry))
            .cloned()
            .collect()
    };
    let (first, second) = (only(one, other), only(other, one));
    let mut words = Vec::new();
    if !first.is_empty() {
        words.push(format!("only in the first: {}", first.join(", ")));
    }
    if !second.is_empty() {
        words.push(format!("only in the second: {}", second.join(", ")));
    }
    if words.is_empty() {
        "the same entries in another order or number".to_owned()
    } else {
        words.join("; ")
    }
}

fn recipe_table(config: &TrainConfig) -> Result<toml::Table, Error> {
    Ok(toml::Table::try_from(config).map_err(run::Error::from)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configured(name: &str, text: &str) -> Configured {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        let workspace = Workspace::at(folder.path().join("workspace"));
        Configured::open(path.to_str().unwrap(), &workspace).unwrap()
    }

    fn differing_names(pairs: &[SettingPair]) -> Vec<&str> {
        let differing = pairs.iter().filter(|pair| pair.differs);
        differing.map(|pair| pair.name.as_str()).collect()
    }

    #[test]
    fn what_a_recipe_leaves_out_is_its_default() {
        let one = configured("one.toml", "seed = 1\n[model]\npreset = \"tiny\"\n");
        let default = TrainConfig::default().batch_size;
        let other = format!("seed = 2\nbatch_size = {default}\n[model]\npreset = \"tiny\"\n");
        let other = configured("other.toml", &other);
        let pairs = setting_pairs(&one, &other);
        assert_eq!(differing_names(&pairs), ["seed"]);
        assert!(pairs.len() > 10, "all settings are told: {pairs:?}");
        assert!(pairs.is_sorted_by_key(|pair| pair.name.clone()));
        assert_eq!(
            (one.name.as_str(), other.name.as_str()),
            ("one.toml", "other.toml")
        );
    }

    #[test]
    fn nested_tables_chains_and_lists_are_told_entry_by_entry() {
        let run = |steps: &str, tags: &str| {
            let folder = tempfile::tempdir().unwrap();
            let text = format!(
                "attune = \"0\"\n[config.augmentation]\nsteps = [{steps}]\n[data]\nfingerprint = \"ab\"\ntags = [{tags}]\n"
            );
            std::fs::write(folder.path().join("run.toml"), text).unwrap();
            Configured::of_run(folder.path()).unwrap()
        };
        let one = run("{ effect = \"gain\", db = 1 }", "\"calm\", \"loud\"");
        let other = run(
            "{ effect = \"gain\", db = 2 }, { effect = \"delay\" }",
            "\"loud\", \"dry\"",
        );
        let pairs = setting_pairs(&one, &other);
        assert_eq!(
            differing_names(&pairs),
            [
                "augmentation.steps.1.db",
                "augmentation.steps.2.effect",
                "dataset.tags"
            ]
        );
        let tags = pairs.iter().find(|pair| pair.name == "dataset.tags");
        assert_eq!(
            tags.unwrap().entries.as_deref(),
            Some("only in the first: calm; only in the second: dry")
        );
        let added = pairs
            .iter()
            .find(|pair| pair.name == "augmentation.steps.2.effect");
        assert_eq!(added.unwrap().first, None);
        assert!(setting_pairs(&one, &one).iter().all(|pair| !pair.differs));
    }
}
