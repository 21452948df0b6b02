//! An experiment: a folder with a plan as it was taken, what the command line changed in it, and the ledger of its runs.
//!
//! ```text
//! plan.toml            the plan, everything applied; only seeds are ever added to it
//! taken.toml           what the command line wanted otherwise, and the data sets as they were
//! ledger.jsonl         which run belongs to which cell, seed and iteration
//! differences.json     results of the bootstrap; may be deleted
//! writer.lock          held by whoever works through it
//! ```

use super::ledger::Ledger;
use super::merge::differing_keys;
use super::plan::is_plain;
use super::{Error, Overrides, Plan};
use crate::augment::Chains;
use crate::dataset::Split;
use crate::job::Job;
use crate::run;
use crate::train::{DataChoice, open_data};
use crate::workspace::{Workspace, write_whole};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use toml::Table;

const PLAN: &str = "plan.toml";
const TAKEN: &str = "taken.toml";

/// How many differing settings an error names.
const NAMED: usize = 4;

/// A plan that is being worked through, or was.
#[derive(Clone, Debug)]
pub struct Experiment {
    /// Its name: that of its folder.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
    /// The plan as it was taken.
    pub plan: Plan,
    pub(super) workspace: Workspace,
}

/// What is kept beside the plan.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Taken {
    overrides: Overrides,
    /// Fingerprints of the data sets, by what they are called in the plan.
    data: BTreeMap<String, String>,
}

impl Experiment {
    /// Takes a plan up under `name` (the plan's own if `None`), or goes on with the experiment of that name.
    ///
    /// What an earlier call changed in the plan still counts, unless `overrides` says otherwise. Of an experiment that was begun, only
    /// seeds may be added: fails with [`Error::OtherPlan`] if anything else is different. Nothing is trained; the settings of all cells
    /// are checked before anything is written.
    pub fn take(
        plan: &Plan,
        name: Option<&str>,
        overrides: &Overrides,
        workspace: &Workspace,
    ) -> Result<Self, Error> {
        let name = name.unwrap_or(&plan.name).to_owned();
        if !is_plain(&name) {
            return Err(Error::Name { name });
        }
        let folder = workspace.experiments().join(&name);
        let existing = folder.join(PLAN).is_file();
        let mut taken = if existing {
            read_taken(&folder)?
        } else {
            Taken::default()
        };
        taken.overrides = taken.overrides.then(&overrides.absolute());
        let mut fresh = plan.with(&taken.overrides)?;
        fresh.take_up_chains(&Chains::of(workspace))?;
        fresh.check()?;
        let experiment = Self {
            plan: fresh,
            folder,
            name,
            workspace: workspace.clone(),
        };
        if existing {
            let before = Self::open(workspace, &experiment.name)?;
            experiment.check_goes_on_from(&before.plan)?;
            if before.plan == experiment.plan {
                return Ok(experiment);
            }
        }
        let _lock = experiment.lock()?;
        experiment.write(TAKEN, &toml::to_string_pretty(&taken)?)?;
        experiment.write(PLAN, &experiment.plan.to_toml()?)?;
        Ok(experiment)
    }

    /// The experiment of that name. Fails with [`Error::NoExperiment`].
    pub fn open(workspace: &Workspace, name: &str) -> Result<Self, Error> {
        let folder = workspace.experiments().join(name);
        if !is_plain(name) || !folder.join(PLAN).is_file() {
            return Err(Error::NoExperiment {
                name: name.to_owned(),
                known: Self::list(workspace),
                folder: workspace.experiments(),
            });
        }
        Ok(Self {
            plan: Plan::read(&folder.join(PLAN))?,
            folder,
            name: name.to_owned(),
            workspace: workspace.clone(),
        })
    }

    /// The names of all experiments, sorted.
    pub fn list(workspace: &Workspace) -> Vec<String> {
        let entries = std::fs::read_dir(workspace.experiments());
        let mut names: Vec<String> = entries
            .into_iter()
            .flatten()
            .flatten()
            .filter(|entry| entry.path().join(PLAN).is_file())
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        names.sort();
        names
    }

    /// Whether somebody works through it.
    pub fn is_worked_on(&self) -> bool {
        run::has_writer(&self.folder)
    }

    /// The folder of a run of this workspace.
    pub fn run_folder(&self, run: &str) -> PathBuf {
        self.workspace.runs().join(run)
    }

    pub(super) fn ledger(&self) -> Result<Ledger, Error> {
        Ledger::read(&self.folder)
    }

    /// To be held by whoever writes. Fails with [`Error::Locked`].
    pub(super) fn lock(&self) -> Result<run::WriterLock, Error> {
        std::fs::create_dir_all(&self.folder).map_err(|source| Error::Write {
            path: self.folder.clone(),
            source,
        })?;
        run::WriterLock::take(&self.folder).map_err(|error| match error {
            run::Error::Locked(_) => Error::Locked {
                name: self.name.clone(),
            },
            other => other.into(),
        })
    }

    /// Opens the data sets and holds them against what they were when the experiment began. Composes the demo set if need be. Fails
    /// if one of them has no test split, too.
    pub(super) fn check_data(&self, job: &Job) -> Result<(), Error> {
        let mut taken = read_taken(&self.folder)?;
        let before = taken.clone();
        let mut opened: BTreeMap<String, String> = BTreeMap::new();
        for cell in &self.plan.cells {
            let settings = self.plan.settings(cell);
            let labelled = settings.get("data").into_iter();
            let student = settings.get("noisy_student");
            let unlabelled = student.and_then(|student| student.get("unlabelled")?.as_array());
            let unlabelled = unlabelled.into_iter().flatten();
            for (data, is_tested) in labelled
                .map(|data| (data, true))
                .chain(unlabelled.map(|data| (data, false)))
            {
                let choice: DataChoice =
                    data.clone().try_into().map_err(|source| Error::Setting {
                        plan: self.name.clone(),
                        cell: cell.id.clone(),
                        source: Box::new(source),
                    })?;
                let label = match &choice {
                    DataChoice::Demo => "demo".to_owned(),
                    DataChoice::Folder(folder) => folder.display().to_string(),
                };
                // Whoever is scored on it needs its test split, also if it was opened for its unlabelled tracks before.
                if opened.contains_key(&label) && !is_tested {
                    continue;
                }
                let dataset = open_data(&choice, &self.workspace, job)?;
                if is_tested {
                    // Without one, days of training would end without a score.
                    dataset.split(Split::Test)?;
                }
                opened.insert(label, dataset.fingerprint());
            }
        }
        for (label, now) in opened {
            if taken.data.get(&label).is_some_and(|then| *then != now) {
                return Err(Error::DataChanged {
                    name: self.name.clone(),
                    data: label,
                });
            }
            taken.data.insert(label, now);
        }
        if taken != before {
            self.write(TAKEN, &toml::to_string_pretty(&taken)?)?;
        }
        Ok(())
    }

    /// Fails unless this plan is `before` with the same seeds or more.
    fn check_goes_on_from(&self, before: &Plan) -> Result<(), Error> {
        let without_seeds = |plan: &Plan| -> Result<Table, Error> {
            let mut table = Table::try_from(plan)?;
            table.remove("seeds");
            // Cells by their ids, so that a difference can be named.
            table.remove("cells");
            for cell in &plan.cells {
                table.insert(format!("cell {}", cell.id), Table::try_from(cell)?.into());
            }
            table.insert("order of cells".to_owned(), {
                let ids = plan.cells.iter().map(|cell| cell.id.clone().into());
                toml::Value::Array(ids.collect())
            });
            Ok(table)
        };
        let mut differs = differing_keys(&without_seeds(before)?, &without_seeds(&self.plan)?);
        if before
            .seeds
            .iter()
            .any(|seed| !self.plan.seeds.contains(seed))
        {
            differs.push("seeds (they can be added, not taken away)".to_owned());
        }
        if differs.is_empty() {
            return Ok(());
        }
        let n = differs.len();
        let mut named = differs[..n.min(NAMED)].join(", ");
        if n > NAMED {
            named.push_str(&format!(" and {} more", n - NAMED));
        }
        Err(Error::OtherPlan {
            name: self.name.clone(),
            differs: named,
        })
    }

    fn write(&self, name: &str, text: &str) -> Result<(), Error> {
        let path = self.folder.join(name);
        write_whole(&path, |file| file.write_all(text.as_bytes()))
            .map_err(|source| Error::Write { path, source })
    }
}

fn read_taken(folder: &Path) -> Result<Taken, Error> {
    let path = folder.join(TAKEN);
    let text = std::fs::read_to_string(&path).map_err(|source| Error::Read {
        path: path.clone(),
        source,
    })?;
    toml::from_str(&text).map_err(|source| Error::Syntax {
        plan: path.display().to_string(),
        source: Box::new(source),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: &str = r#"
        name = "p"
        title = "P"
        seeds = [1]
        base = { data = "demo", epochs = 5, model = { preset = "tiny" } }
        [[cells]]
        id = "a"
        label = "A"
    "#;

    fn overrides(seeds: &[u64], epochs: Option<i64>) -> Overrides {
        Overrides {
            seeds: (!seeds.is_empty()).then(|| seeds.to_vec()),
            set: epochs
                .map(|epochs| ("epochs".to_owned(), toml::Value::Integer(epochs)))
                .into_iter()
                .collect(),
            ..Overrides::default()
        }
    }

    #[test]
    fn an_experiment_keeps_what_it_was_begun_with_and_takes_more_seeds_only() {
        let root = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(root.path());
        let plan = super::Plan::parse(PLAN, "p.toml").unwrap();
        let take = |overrides: &Overrides| Experiment::take(&plan, None, overrides, &workspace);
        let first = take(&overrides(&[], Some(2))).unwrap();
        assert_eq!(first.plan.base["epochs"].as_integer(), Some(2));
        let again = take(&Overrides::default()).unwrap();
        assert_eq!(again.plan, first.plan, "what was changed still counts");
        let more = take(&overrides(&[1, 2], None)).unwrap();
        assert_eq!(more.plan.seeds, [1, 2]);
        assert_eq!(Experiment::open(&workspace, "p").unwrap().plan, more.plan);

        let error = take(&overrides(&[], Some(3))).unwrap_err().to_string();
        assert!(
            error.contains("base.epochs") && error.contains("--name"),
            "{error}"
        );
        let error = take(&overrides(&[2], None)).unwrap_err().to_string();
        assert!(error.contains("not taken away"), "{error}");
        assert_eq!(Experiment::list(&workspace), ["p"]);
        let error = Experiment::open(&workspace, "q").unwrap_err().to_string();
        assert!(error.contains("\"q\"") && error.contains('p'), "{error}");
    }

    #[test]
    fn a_name_stays_within_its_folder_and_a_lock_is_for_one() {
        let root = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(root.path());
        let plan = super::Plan::parse(PLAN, "p.toml").unwrap();
        let take = |name| Experiment::take(&plan, Some(name), &Overrides::default(), &workspace);
        assert!(matches!(take("../p"), Err(Error::Name { .. })));
        let experiment = take("x").unwrap();
        assert!(!experiment.is_worked_on());
        let lock = experiment.lock().unwrap();
        assert!(experiment.is_worked_on());
        assert!(matches!(experiment.lock(), Err(Error::Locked { .. })));
        drop(lock);
    }
}
