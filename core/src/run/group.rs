//! Runs put together: repetitions that differ in their seed only, or all that have a setting in common.

use super::{Field, RunSummary};
use crate::metrics::Statistic;
use std::collections::BTreeMap;

/// Which runs belong together.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grouping {
    /// Each run stands for itself.
    #[default]
    Single,
    /// Those that agree in all settings but these.
    AllBut(Vec<String>),
    /// Those that have the same values of these fields.
    By(Vec<Field>),
}

/// The settings by which repetitions differ.
const SEEDS: [&str; 2] = ["seed", "label_seed"];

/// What names a run and does not change what it learns, and what follows from its network.
const NAMES: [&str; 2] = ["name", "parameters"];

impl Grouping {
    /// Repetitions: all settings agree but the seed.
    pub fn but_seed() -> Self {
        Self::AllBut(SEEDS.map(str::to_owned).into())
    }

    /// What is grouped by, for people.
    pub fn label(&self) -> String {
        match self {
            Self::Single => "each run alone".to_owned(),
            Self::AllBut(names) => format!("all settings but {}", names.join(", ")),
            Self::By(fields) => {
                let names: Vec<String> = fields.iter().map(Field::label).collect();
                names.join(", ")
            }
        }
    }

    /// The groups of these runs, in the order in which their first members come.
    pub fn of(&self, runs: &[&RunSummary]) -> Vec<Group> {
        let keys: Vec<Key> = runs.iter().map(|run| self.key(run)).collect();
        let mut groups: Vec<(Key, Vec<usize>)> = Vec::new();
        let mut known: BTreeMap<String, usize> = BTreeMap::new();
        for (idx, (key, run)) in keys.into_iter().zip(runs).enumerate() {
            let words = match self {
                Self::Single => run.id.clone(),
                _ => format!("{key:?}"),
            };
            let group = *known.entry(words).or_insert(groups.len());
            match groups.get_mut(group) {
                Some((_, members)) => members.push(idx),
                None => groups.push((key, vec![idx])),
            }
        }
        self.labelled(groups, runs)
    }

    fn key(&self, run: &RunSummary) -> Key {
        match self {
            Self::Single => Key::new(),
            Self::AllBut(but) => {
                // Short names as well: `lr`.
                let but: Vec<Field> = but.iter().map(|name| Field::named(name)).collect();
                let is_left_out = |name: &str| {
                    NAMES.contains(&name) || but.contains(&Field::Setting(name.to_owned()))
                };
                let settings = run.settings.iter();
                settings
                    .filter(|(name, _)| !is_left_out(name))
                    .map(|(name, value)| (name.clone(), value.to_string()))
                    .collect()
            }
            Self::By(fields) => fields
                .iter()
                .filter_map(|field| Some((field.to_string(), field.of(run)?.to_string())))
                .collect(),
        }
    }

    /// A group is called by that in which it differs from the others.
    fn labelled(&self, groups: Vec<(Key, Vec<usize>)>, runs: &[&RunSummary]) -> Vec<Group> {
        let differs = |name: &String| {
            let mut values = groups.iter().map(|(key, _)| key.get(name));
            let first = values.next();
            values.any(|value| Some(value) != first)
        };
        let mut names: Vec<String> = groups
            .iter()
            .flat_map(|(key, _)| key.keys().cloned())
            .collect();
        names.sort_unstable();
        names.dedup();
        if groups.len() > 1 {
            names.retain(differs);
        } else if !matches!(self, Self::By(_)) {
            names.clear();
        }
        groups
            .into_iter()
            .map(|(key, members)| {
                let told = names.iter().map(|name| {
                    let value = key.get(name).map_or("–", String::as_str);
                    format!("{}={value}", name.rsplit('.').next().unwrap_or(name))
                });
                let label = told.collect::<Vec<_>>().join(" ");
                let label = match (self, label.is_empty(), &members[..]) {
                    (Self::Single, ..) | (_, true, [_]) => runs[members[0]].id.clone(),
                    (_, true, _) => format!("{} runs", members.len()),
                    _ => label,
                };
                Group { label, members }
            })
            .collect()
    }
}

type Key = BTreeMap<String, String>;

/// Runs that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// In what it differs from the other groups: `learning_rate=1e-3 preset=tiny`.
    pub label: String,
    /// Places of the runs in the list that was grouped.
    pub members: Vec<usize>,
}

impl Group {
    /// Mean, deviation and number of a field over the members that have a number for it; `None` if none has.
    pub fn statistic(&self, field: &Field, runs: &[&RunSummary]) -> Option<Statistic> {
        let values: Vec<f64> = self
            .members
            .iter()
            .filter_map(|&member| field.of(runs[member])?.number())
            .collect();
        Statistic::of(&values)
    }

    /// What all members have in common, if they have; `None` if they differ or lack it.
    pub fn common(&self, field: &Field, runs: &[&RunSummary]) -> Option<super::Value> {
        let mut values = self.members.iter().map(|&member| field.of(runs[member]));
        let first = values.next()??;
        values
            .all(|value| value.as_ref() == Some(&first))
            .then_some(first)
    }
}

/// What is told of the spread of a group.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Spread {
    /// Sample standard deviation: how far single runs lie from the mean.
    #[default]
    Deviation,
    /// Standard error: how far the mean may lie from that of many more runs.
    StandardError,
}

impl Spread {
    /// That of a statistic; `None` of a single run.
    pub fn of(self, statistic: &Statistic) -> Option<f64> {
        match self {
            Self::Deviation => statistic.sd,
            Self::StandardError => statistic.standard_error(),
        }
    }

    /// Short, for people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Deviation => "sd",
            Self::StandardError => "se",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{RunLog, list};

    fn write(runs: &std::path::Path, id: &str, seed: u64, rate: f64, score: f64) {
        use crate::metrics::Scores;
        use crate::run::Event;
        let text = format!(
            "[config]\nname = \"{id}\"\nseed = {seed}\nlearning_rate = {rate:?}\n[config.model]\npreset = \"tiny\"\n"
        );
        let table: toml::Table = text.parse().unwrap();
        let mut log = RunLog::create(&runs.join(id), &table).unwrap();
        let validated = Event::Validated {
            loss: 0.5,
            scores: Scores {
                roc_auc_macro: Some(score),
                ..Scores::default()
            },
            seconds: 0.1,
            localisation: None,
        };
        log.event(10, 0, validated).unwrap();
    }

    #[test]
    fn repetitions_are_put_together_and_called_by_what_tells_them_from_others() {
        let folder = tempfile::tempdir().unwrap();
        for seed in 0..3 {
            write(
                folder.path(),
                &format!("a-{seed}"),
                seed,
                1e-3,
                0.5 + 0.1 * seed as f64,
            );
        }
        write(folder.path(), "b-1", 0, 1e-4, 0.9);
        let mut runs = list(folder.path());
        runs.sort_by(|one, other| one.id.cmp(&other.id));
        let runs: Vec<&RunSummary> = runs.iter().collect();
        let groups = Grouping::but_seed().of(&runs);
        let told: Vec<(&str, &[usize])> = groups
            .iter()
            .map(|group| (group.label.as_str(), &group.members[..]))
            .collect();
        assert_eq!(
            told,
            [
                ("learning_rate=0.001", &[0, 1, 2][..]),
                ("learning_rate=1e-4", &[3])
            ]
        );
        let field = Field::named("roc-auc");
        let found = groups[0].statistic(&field, &runs).unwrap();
        assert!((found.mean - 0.6).abs() < 1e-12 && (found.sd.unwrap() - 0.1).abs() < 1e-12);
        assert_eq!(found.n, 3);
        assert!(groups[0].common(&Field::named("seed"), &runs).is_none());
        assert!(groups[0].common(&Field::named("lr"), &runs).is_some());

        let by_seed = Grouping::By(vec![Field::named("seed")]).of(&runs);
        assert_eq!(by_seed[0].members, [0, 3]);
        assert_eq!(by_seed[0].label, "seed=0");
        let but_both = Grouping::AllBut(vec!["seed".into(), "lr".into()]).of(&runs);
        assert_eq!(but_both.len(), 1);
        assert_eq!(but_both[0].label, "4 runs");
        assert_eq!(Grouping::Single.of(&runs).len(), 4);
    }
}
