//! What the command line wants otherwise than a plan's file says; an experiment keeps it, so that going on repeats it exactly.

use super::merge::{merge, names_kind, nested};
use super::{Error, Plan};
use crate::predict::Shipped;
use crate::train::DataChoice;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// Changes of a plan.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Overrides {
    /// The data set of all cells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<DataChoice>,
    /// Data sets without labels for all cells that are taught by another model.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unlabelled: Vec<PathBuf>,
    /// The seeds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seeds: Option<Vec<u64>>,
    /// Settings of all cells by their keys (`epochs`, `noisy_student.weight`); those of noisy student training count for the cells
    /// that have it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, Value>,
}

/// `KEY=VALUE` could not be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not of the form KEY=VALUE, as in epochs=3 or noisy_student.weight=0.5")]
pub struct BadSetting(String);

const STUDENT: &str = "noisy_student";

impl Overrides {
    /// Reads `KEY=VALUE`; a value that is no TOML (`demo`, `a/b`) is a string.
    pub fn parse_setting(text: &str) -> Result<(String, Value), BadSetting> {
        let bad = || BadSetting(text.to_owned());
        let (key, value) = text.split_once('=').ok_or_else(bad)?;
        let key = key.trim();
        if key.is_empty() || key.split('.').any(str::is_empty) {
            return Err(bad());
        }
        let value = value.trim();
        let parsed = format!("value = {value}").parse::<Table>().ok();
        let value = parsed
            .filter(|table| table.len() == 1)
            .and_then(|mut table| table.remove("value"))
            .unwrap_or_else(|| Value::String(value.to_owned()));
        Ok((key.to_owned(), value))
    }

    /// These, and `newer` where both say something.
    pub fn then(&self, newer: &Self) -> Self {
        let mut set = self.set.clone();
        set.extend(newer.set.clone());
        Self {
            data: newer.data.clone().or_else(|| self.data.clone()),
            unlabelled: if newer.unlabelled.is_empty() {
                self.unlabelled.clone()
            } else {
                newer.unlabelled.clone()
            },
            seeds: newer.seeds.clone().or_else(|| self.seeds.clone()),
            set,
        }
    }

    /// The same, with folders and files as meant from where the program was started, so that they are found from anywhere.
    pub(super) fn absolute(&self) -> Self {
        let here = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let mut all = self.clone();
        if let Some(DataChoice::Folder(folder)) = &mut all.data {
            *folder = here(folder);
        }
        for folder in &mut all.unlabelled {
            *folder = here(folder);
        }
        for (key, value) in &mut all.set {
            let mut settings = nested(key, value.clone());
            make_folders_absolute(&mut settings, Path::new(""));
            let settings = Value::Table(settings);
            let found = key
                .split('.')
                .try_fold(&settings, |table, part| table.get(part));
            if let Some(found) = found {
                *value = found.clone();
            }
        }
        all
    }

    /// Changes `plan`. Folders become absolute, from where the program was started.
    pub(super) fn apply(&self, plan: &mut Plan) -> Result<(), Error> {
        if let Some(seeds) = &self.seeds {
            plan.seeds.clone_from(seeds);
        }
        // Another kind of a table replaces it: what is set in it comes after.
        let (kinds, others): (Vec<_>, Vec<_>) = self.set.iter().partition(|set| names_kind(set.0));
        for (key, value) in kinds.into_iter().chain(others) {
            apply_setting(plan, key, value)?;
        }
        if let Some(data) = &self.data {
            let mut table = Table::from_iter([("data".to_owned(), Value::try_from(data)?)]);
            make_folders_absolute(&mut table, Path::new(""));
            for cell in &mut plan.cells {
                cell.set.remove("data");
            }
            merge(&mut plan.base, &table);
        }
        if !self.unlabelled.is_empty() {
            let folders = self.unlabelled.iter().map(|folder| {
                let folder = folder.to_string_lossy().into_owned();
                Value::Table(Table::from_iter([("folder".to_owned(), folder.into())]))
            });
            let folders = Value::Array(folders.collect());
            apply_setting(plan, &format!("{STUDENT}.unlabelled"), &folders)?;
            plan.for_each_settings(|settings| make_folders_absolute(settings, Path::new("")));
        }
        Ok(())
    }
}

/// Lays a setting over the base and over those cells that have it otherwise.
fn apply_setting(plan: &mut Plan, key: &str, value: &Value) -> Result<(), Error> {
    let first = key.split('.').next().unwrap_or(key);
    if first == "seed" || first == "name" {
        let why = format!(
            "`{key}` cannot be set: it is made from the plan (`--seeds` names the seeds, `--name` the experiment)"
        );
        return Err(plan.wrong_plan(&why));
    }
    let over = nested(key, value.clone());
    let mut is_used = false;
    if first != STUDENT || plan.base.contains_key(STUDENT) {
        merge(&mut plan.base, &over);
        is_used = true;
    }
    for cell in &mut plan.cells {
        if cell.set.contains_key(first) {
            merge(&mut cell.set, &over);
            is_used = true;
        }
    }
    if is_used {
        Ok(())
    } else {
        Err(plan.wrong_plan(&format!(
            "`{key}` changes nothing: no cell is taught by another model (`{STUDENT}`)"
        )))
    }
}

/// Folders of data sets and files of chains are meant from `at`; an empty `at` is where the program was started.
pub(super) fn make_folders_absolute(settings: &mut Table, at: &Path) {
    let absolute = |value: &mut Value| {
        if let Some(Value::String(folder)) = value.get_mut("folder")
            && let Ok(path) = std::path::absolute(at.join(&*folder))
        {
            *folder = path.to_string_lossy().into_owned();
        }
    };
    if let Some(data) = settings.get_mut("data") {
        absolute(data);
    }
    if let Some(Value::String(chain)) = settings
        .get_mut("augmentation")
        .and_then(|augmentation| augmentation.get_mut("preset"))
        && Path::new(&*chain)
            .extension()
            .is_some_and(|ext| ext == "toml")
        && let Ok(path) = std::path::absolute(at.join(&*chain))
    {
        *chain = path.to_string_lossy().into_owned();
    }
    let Some(student) = settings.get_mut(STUDENT) else {
        return;
    };
    if let Some(Value::Array(unlabelled)) = student.get_mut("unlabelled") {
        unlabelled.iter_mut().for_each(absolute);
    }
    // A teacher may also be a run's id, a model that comes along, or a cell.
    if let Some(Value::String(teacher)) = student.get_mut("teacher")
        && Shipped::of_name(teacher).is_none()
        && at.join(&*teacher).exists()
        && let Ok(path) = std::path::absolute(at.join(&*teacher))
    {
        *teacher = path.to_string_lossy().into_owned();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: &str = r#"
        name = "p"
        title = "P"
        seeds = [1]
        [base]
        data = "demo"
        epochs = 5
        [[cells]]
        id = "a"
        label = "A"
        set = { epochs = 7, data = { folder = "/elsewhere" } }
        [[cells]]
        id = "b"
        label = "B"
        set = { noisy_student = { teacher = "cell:a" } }
    "#;

    fn changed(overrides: &Overrides) -> Result<Plan, String> {
        let plan = Plan::parse(PLAN, "p.toml").unwrap();
        plan.with(overrides).map_err(|error| error.to_string())
    }

    fn set(key: &str, value: Value) -> Overrides {
        Overrides {
            set: BTreeMap::from([(key.to_owned(), value)]),
            ..Overrides::default()
        }
    }

    #[test]
    fn a_setting_counts_for_the_base_and_for_cells_that_had_it_otherwise() {
        let plan = changed(&set("epochs", Value::Integer(2))).unwrap();
        for cell in &plan.cells {
            assert_eq!(plan.settings(cell)["epochs"], Value::Integer(2));
        }
        assert!(!plan.cells[1].set.contains_key("epochs"));
        let plan = changed(&set("noisy_student.weight", Value::Float(0.5))).unwrap();
        assert!(!plan.settings(&plan.cells[0]).contains_key(STUDENT));
        let student = &plan.settings(&plan.cells[1])[STUDENT];
        assert_eq!(student["weight"], Value::Float(0.5));
        assert_eq!(student["teacher"].as_str(), Some("cell:a"));
    }

    #[test]
    fn a_kind_and_its_settings_may_be_set_at_once() {
        let settings = [
            "schedule.name=cosine",
            "schedule.floor=0.1",
            "schedule.warmup.epochs=2",
            "clip_gradient_norm=1.0",
        ];
        let set = settings.map(|setting| Overrides::parse_setting(setting).unwrap());
        let overrides = Overrides {
            set: set.into(),
            ..Overrides::default()
        };
        let plan = changed(&overrides).unwrap();
        let task = crate::experiment::Task {
            cell: "a".to_owned(),
            seed: 1,
            iteration: 1,
        };
        let config = plan.config(&task, None).unwrap();
        let expected = "cosine:warmup=2,floor=0.1".parse().unwrap();
        assert_eq!(
            (config.schedule, config.clip_gradient_norm),
            (expected, Some(1.0))
        );
        config.check().unwrap();
    }

    #[test]
    fn data_and_unlabelled_folders_are_those_of_the_command_line() {
        let overrides = Overrides {
            data: Some(DataChoice::Folder("/music".into())),
            unlabelled: vec!["/more".into()],
            seeds: Some(vec![4, 5]),
            ..Overrides::default()
        };
        let plan = changed(&overrides).unwrap();
        for cell in &plan.cells {
            let data = &plan.settings(cell)["data"];
            assert_eq!(data["folder"].as_str(), Some("/music"));
        }
        let student = &plan.settings(&plan.cells[1])[STUDENT];
        assert_eq!(student["unlabelled"][0]["folder"].as_str(), Some("/more"));
        assert_eq!(plan.seeds, [4, 5]);
        let kept: Overrides = toml::from_str(&toml::to_string(&overrides).unwrap()).unwrap();
        assert_eq!(kept, overrides);
    }

    #[test]
    fn what_cannot_be_set_is_said() {
        let error = changed(&set("seed", Value::Integer(2))).unwrap_err();
        assert!(
            error.contains("--seeds") && error.contains("p.toml"),
            "{error}"
        );
        let only_a = Plan::parse(&PLAN[..PLAN.rfind("[[cells]]").unwrap()], "p.toml").unwrap();
        let error = only_a.with(&set("noisy_student.weight", 1.into()));
        assert!(error.unwrap_err().to_string().contains("changes nothing"));
    }

    #[test]
    fn settings_are_read_as_toml_or_as_words() {
        let parse = |text: &str| Overrides::parse_setting(text).unwrap();
        assert_eq!(parse("epochs=3"), ("epochs".to_owned(), Value::Integer(3)));
        assert_eq!(parse("a.b = 0.5").1, Value::Float(0.5));
        assert_eq!(parse("model.preset=tiny").1, Value::String("tiny".into()));
        assert_eq!(
            parse("model={preset=\"x\"}").1["preset"].as_str(),
            Some("x")
        );
        for bad in ["epochs", "=3", "a..b=1"] {
            assert!(Overrides::parse_setting(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_kept_is_found_from_anywhere() {
        let here = std::env::current_dir().unwrap();
        let overrides = Overrides {
            data: Some(DataChoice::Folder("tunes".into())),
            unlabelled: vec!["more".into()],
            set: BTreeMap::from([
                ("data.folder".to_owned(), Value::from("tunes")),
                (
                    "noisy_student.teacher".to_owned(),
                    Value::from("Cargo.toml"),
                ),
                ("epochs".to_owned(), Value::from(3)),
            ]),
            ..Overrides::default()
        };
        let kept = overrides.absolute();
        assert_eq!(kept.data, Some(DataChoice::Folder(here.join("tunes"))));
        assert_eq!(kept.unlabelled, [here.join("more")]);
        let set = |key: &str| kept.set[key].as_str().map(PathBuf::from);
        assert_eq!(set("data.folder"), Some(here.join("tunes")));
        // A file that is there; a run's id stays as it is.
        assert_eq!(set("noisy_student.teacher"), Some(here.join("Cargo.toml")));
        assert_eq!(kept.set["epochs"].as_integer(), Some(3));
    }
}
