//! The settings of a run as single values under dotted names, to look for, sort and tell apart by: `learning_rate`, `model.preset`,
//! `noisy_student.teacher`.
//!
//! Whatever `run.toml` holds becomes a setting, so that recipes may grow without anything changing here.

use super::Ends;
use super::log::CONFIGURATION;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

/// Lists longer than this are told by their number of entries and a digest.
const LONGEST_LIST: usize = 48;

/// So many digits of a data set's fingerprint tell it from others.
const FINGERPRINT: usize = 8;

/// Settings by name.
pub type Settings = BTreeMap<String, Setting>;

/// One value of a recipe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Setting {
    /// On or off.
    Switch(bool),
    /// A number; unit and range are the recipe's.
    Number(f64),
    /// Anything else.
    Text(String),
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Switch(true) => f.write_str("yes"),
            Self::Switch(false) => f.write_str("no"),
            // A seed or a count is read digit by digit.
            Self::Number(number) if number.fract() == 0.0 && number.abs() < 1e15 => {
                write!(f, "{number}")
            }
            Self::Number(number) if !(1e-3..1e6).contains(&number.abs()) => {
                write!(f, "{number:e}")
            }
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// The settings of the run in `folder` as they are in effect; none if its `run.toml` is missing or cannot be read.
pub(super) fn read(folder: &Path, extended: Option<Ends>) -> Settings {
    let text = std::fs::read_to_string(folder.join(CONFIGURATION));
    let table = text.ok().and_then(|text| text.parse::<toml::Table>().ok());
    let mut settings = table.as_ref().map(of_run_toml).unwrap_or_default();
    if let Some(ends) = extended {
        let patience = ends.patience_epochs.map(f64::from);
        let ends = [
            ("epochs", Some(f64::from(ends.epochs))),
            ("patience_epochs", patience),
            ("max_minutes", ends.max_minutes),
        ];
        for (name, value) in ends {
            if let Some(value) = value {
                settings.insert(name.to_owned(), Setting::Number(value));
            }
        }
    }
    settings
}

fn of_run_toml(run: &toml::Table) -> Settings {
    let mut settings = Settings::new();
    if let Some(toml::Value::Table(recipe)) = run.get("config") {
        flatten("", recipe, &mut settings);
    }
    // Two runs with equal recipes differ if their data set was changed between them.
    let fingerprint = run
        .get("data")
        .and_then(|data| data.get("fingerprint")?.as_str());
    if let Some(start) = fingerprint.and_then(|fingerprint| fingerprint.get(..FINGERPRINT)) {
        let start = Setting::Text(start.to_owned());
        settings.insert("data_fingerprint".to_owned(), start);
    }
    if let Some(parameters) = run.get("parameters") {
        take("parameters", parameters, &mut settings);
    }
    settings
}

fn flatten(prefix: &str, table: &toml::Table, settings: &mut Settings) {
    for (key, value) in table {
        take(&format!("{prefix}{key}"), value, settings);
    }
}

fn take(name: &str, value: &toml::Value, settings: &mut Settings) {
    let setting = match value {
        toml::Value::Table(table) => return flatten(&format!("{name}."), table, settings),
        toml::Value::Boolean(is_on) => Setting::Switch(*is_on),
        toml::Value::Integer(number) => Setting::Number(*number as f64),
        toml::Value::Float(number) => Setting::Number(*number),
        toml::Value::String(text) => Setting::Text(text.clone()),
        toml::Value::Datetime(time) => Setting::Text(time.to_string()),
        toml::Value::Array(entries) => {
            let text = value.to_string();
            Setting::Text(if text.len() <= LONGEST_LIST {
                text
            } else {
                let digest = blake3::hash(text.as_bytes()).to_hex();
                format!("{} entries ({})", entries.len(), &digest[..8])
            })
        }
    };
    settings.insert(name.to_owned(), setting);
}

/// Names of the settings in which the runs differ; one that only some have differs.
pub fn differing<'a>(runs: impl IntoIterator<Item = &'a Settings>) -> Vec<String> {
    let runs: Vec<&Settings> = runs.into_iter().collect();
    let names: BTreeSet<&String> = runs.iter().flat_map(|run| run.keys()).collect();
    let differs = |name: &&String| {
        let mut values = runs.iter().map(|run| run.get(*name));
        let first = values.next().flatten();
        values.any(|value| value != first)
    };
    names.into_iter().filter(differs).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(config: &str) -> Settings {
        of_run_toml(&format!("parameters = 164452\n{config}").parse().unwrap())
    }

    #[test]
    fn a_recipe_becomes_values_under_dotted_names() {
        let settings = settings(
            "[config]\nlearning_rate = 1e-4\nsnapshots = true\ndata = \"demo\"\ntags = [\"a\", \"b\"]\n\
             [config.model]\npreset = \"tiny\"\n[config.optimizer.adam]\nbetas = [0.9, 0.999]\n",
        );
        let text = |name: &str| settings.get(name).map(ToString::to_string);
        for (name, expected) in [
            ("learning_rate", "1e-4"),
            ("snapshots", "yes"),
            ("data", "demo"),
            ("tags", "[\"a\", \"b\"]"),
            ("model.preset", "tiny"),
            ("optimizer.adam.betas", "[0.9, 0.999]"),
            ("parameters", "164452"),
        ] {
            assert_eq!(text(name).as_deref(), Some(expected), "{name}");
        }
    }

    #[test]
    fn long_lists_are_told_apart_without_being_told() {
        let chain = |db: i32| {
            let steps = (0..9).map(|n| format!("{{ effect = \"gain\", db = {} }}", db + n));
            let steps = steps.collect::<Vec<_>>().join(", ");
            settings(&format!("[config]\nsteps = [{steps}]\n"))["steps"].to_string()
        };
        assert!(chain(0).starts_with("9 entries ("), "{}", chain(0));
        assert_ne!(chain(0), chain(1));
    }

    #[test]
    fn only_what_differs_is_named() {
        let one = settings("[config]\nseed = 1\nbatch_size = 16\n");
        let two = settings("[config]\nseed = 2\nbatch_size = 16\nmax_minutes = 3.0\n");
        assert_eq!(differing([&one, &two]), ["max_minutes", "seed"]);
        assert_eq!(differing([&one, &one]), [""; 0]);
        assert_eq!(differing([]), [""; 0]);
    }
}
