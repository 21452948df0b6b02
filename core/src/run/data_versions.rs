//! Which of several runs were trained on the same data: a data set is told from others of its name by the fingerprint in `run.toml`.

use super::{RunSummary, Setting};

/// So many runs are named.
const NAMED: usize = 3;

/// Runs with one and the same data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataVersion {
    /// What the data set is called.
    pub name: String,
    /// Its fingerprint, or as much of it as is known.
    pub fingerprint: String,
    /// The ids of the runs.
    pub runs: Vec<String>,
}

/// The data sets of several runs, in the order in which they come; each run as its id, and the name and the fingerprint of its data set.
pub fn data_versions(runs: impl IntoIterator<Item = (String, String, String)>) -> Vec<DataVersion> {
    let mut versions: Vec<DataVersion> = Vec::new();
    for (id, name, fingerprint) in runs {
        let same =
            |version: &&mut DataVersion| version.name == name && version.fingerprint == fingerprint;
        match versions.iter_mut().find(same) {
            Some(version) => version.runs.push(id),
            None => versions.push(DataVersion {
                name,
                fingerprint,
                runs: vec![id],
            }),
        }
    }
    versions
}

/// Says that runs were not trained on the same data, if they were not.
pub fn different_data_words(versions: &[DataVersion]) -> Option<String> {
    if versions.len() < 2 {
        return None;
    }
    let told = versions.iter().enumerate().map(|(at, version)| {
        let has_another = |other: &DataVersion| other.name == version.name;
        let otherwise = if versions[..at].iter().any(has_another) {
            " in another state"
        } else {
            ""
        };
        let n = version.runs.len();
        let mut runs = version.runs[..n.min(NAMED)].join(", ");
        if n > NAMED {
            runs += &format!(" and {} more", n - NAMED);
        }
        format!("{}{otherwise} ({runs})", version.name)
    });
    let told: Vec<String> = told.collect();
    Some(format!(
        "these runs were not trained on the same data, so that their scores do not compare: {}",
        told.join("; ")
    ))
}

impl RunSummary {
    /// Its id, and the name of its data set with the beginning of its fingerprint; `None` if the run does not tell.
    pub fn data_version(&self) -> Option<(String, String, String)> {
        match self.settings.get("data_fingerprint") {
            Some(Setting::Text(fingerprint)) => {
                Some((self.id.clone(), self.data.clone(), fingerprint.clone()))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_on_another_state_of_the_data_are_told() {
        let run = |id: &str, name: &str, fingerprint: &str| {
            (id.to_owned(), name.to_owned(), fingerprint.to_owned())
        };
        let same = [run("a-1", "tunes", "x"), run("a-2", "tunes", "x")];
        assert_eq!(different_data_words(&data_versions(same.clone())), None);
        let mut other = same.to_vec();
        other.extend([run("a-3", "tunes", "y"), run("b-1", "demo", "z")]);
        let words = different_data_words(&data_versions(other)).unwrap();
        assert!(
            words.ends_with("tunes (a-1, a-2); tunes in another state (a-3); demo (b-1)"),
            "{words}"
        );
    }
}
