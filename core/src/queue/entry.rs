//! One entry: a small TOML file that says which run is to be trained, and when its turn comes.

use crate::train::{DataChoice, More, TrainConfig};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// A run that waits for its turn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its name: that of its file.
    #[serde(skip)]
    pub id: String,
    /// Entries are worked off by rising places; of equals, by their names.
    pub place: f64,
    /// The run: the name of its folder under `runs/`, or the path of a folder elsewhere.
    pub run: PathBuf,
    /// Whether somebody works on it, or was interrupted in it: such an entry comes before all others.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub begun: bool,
    /// Why it failed, if it did. Such an entry waits until it is to be tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Of a run that is there already: what more is asked of it.
    #[serde(default, skip_serializing_if = "More::is_nothing")]
    pub more: More,
    /// The recipe of a new run; `None`: the run is there, and goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipe: Option<Box<TrainConfig>>,
}

impl Entry {
    /// What it trains, in a few words.
    pub fn label(&self) -> String {
        let Some(recipe) = &self.recipe else {
            return match self.more.epochs {
                Some(epochs) => format!("goes on to {epochs} epochs"),
                None => "goes on".to_owned(),
            };
        };
        let data = match &recipe.data {
            DataChoice::Demo => "demo".into(),
            DataChoice::Folder(folder) => folder.file_name().unwrap_or_default().to_string_lossy(),
        };
        let student = match &recipe.noisy_student {
            Some(student) => {
                let teacher = student.teacher.file_name().unwrap_or_default();
                format!(", taught by {}", teacher.to_string_lossy())
            }
            None => String::new(),
        };
        format!(
            "{} on {data}, at most {} epochs{student}",
            recipe.model.label(),
            recipe.epochs
        )
    }

    /// The folder of its run.
    pub fn run_folder(&self, runs: &Path) -> PathBuf {
        runs.join(&self.run)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_a_file_that_one_can_write_by_hand() {
        let text = "place = 1.5\nrun = \"tiny-demo-1\"\n\n[recipe]\nepochs = 3\n\n[recipe.model]\npreset = \"tiny\"\n";
        let entry: Entry = toml::from_str(text).unwrap();
        assert_eq!(entry.label(), "tiny on demo, at most 3 epochs");
        let written = toml::to_string_pretty(&entry).unwrap();
        assert_eq!(toml::from_str::<Entry>(&written).unwrap(), entry);
        let text = "place = 2.0\nrun = \"/elsewhere/runs/a-1\"\nbegun = true\n[more]\nepochs = 9\n";
        let entry: Entry = toml::from_str(text).unwrap();
        assert_eq!(entry.label(), "goes on to 9 epochs");
        assert_eq!(
            entry.run_folder(Path::new("runs")),
            Path::new("/elsewhere/runs/a-1")
        );
        let misspelt = toml::from_str::<Entry>("place = 1.0\nrun = \"a\"\nfailed = \"x\"\n");
        assert!(misspelt.unwrap_err().to_string().contains("failed"));
    }
}
