//! What runs can be looked for, sorted and listed by: facts, scores and settings, each by one name.
//!
//! Scores of the validation split come in three kinds, because the last one is rarely the one that counts: at the best checkpoint (that of
//! the lowest validation loss, which is kept), the best of all, and the last.

use super::{RunSummary, Setting, utc_text};
use std::cmp::Ordering;
use std::fmt;

/// A measure of the validation split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Measure {
    /// Binary cross entropy.
    Loss,
    /// Macro ROC-AUC.
    RocAuc,
    /// Macro average precision (PR-AUC).
    AveragePrecision,
    /// ROC-AUC over the moments of known timelines.
    LocalisationRocAuc,
    /// Pointing game over known timelines.
    PointingGame,
}

impl Measure {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Loss,
        Self::RocAuc,
        Self::AveragePrecision,
        Self::LocalisationRocAuc,
        Self::PointingGame,
    ];

    /// Whether less is better.
    pub(super) fn is_loss(self) -> bool {
        self == Self::Loss
    }

    fn name(self) -> &'static str {
        match self {
            Self::Loss => "loss",
            Self::RocAuc => "roc-auc",
            Self::AveragePrecision => "pr-auc",
            Self::LocalisationRocAuc => "localisation",
            Self::PointingGame => "pointing",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Loss => "Loss",
            Self::RocAuc => "ROC-AUC",
            Self::AveragePrecision => "PR-AUC",
            Self::LocalisationRocAuc => "Localisation",
            Self::PointingGame => "Pointing",
        }
    }
}

/// Which of a run's validations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Pick {
    /// The one with the lowest loss, whose weights are kept.
    AtBest,
    /// The best of all.
    Best,
    /// The newest.
    Last,
}

impl Pick {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::AtBest, Self::Best, Self::Last];
}

/// A value that runs have, or not.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    /// Name of the folder.
    Id,
    /// Name for people.
    Title,
    /// Where the run stands.
    Status,
    /// Model preset.
    Model,
    /// Data set.
    Data,
    /// Name of the teacher.
    Teacher,
    /// Tags that people gave it.
    Tags,
    /// The note to it.
    Note,
    /// When it began.
    Started,
    /// From its first event to its last.
    Duration,
    /// Epochs begun.
    Epochs,
    /// Training steps done.
    Steps,
    /// Epoch of the lowest validation loss, from 1.
    BestEpoch,
    /// Of the validation split.
    Validation(Measure, Pick),
    /// Macro ROC-AUC of the split scored last, as a rule the test split.
    TestRocAuc,
    /// Macro average precision of the same.
    TestAveragePrecision,
    /// A setting of the recipe, by its dotted name.
    Setting(String),
}

/// A run's value of a [`Field`].
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Words.
    Text(String),
    /// A number.
    Number(f64),
    /// Milliseconds since 1970 (UTC).
    Time(u64),
    /// Seconds.
    Seconds(f64),
}

/// Shorter names for settings that are asked for every day.
const SHORT: [(&str, &str); 6] = [
    ("lr", "learning_rate"),
    ("batch", "batch_size"),
    ("augment", "augmentation.preset"),
    ("patience", "patience_epochs"),
    ("secs", "input_secs"),
    ("labels", "label_fraction"),
];

/// Before the name of a setting that something else is called, too: `recipe.epochs` are those asked for, `epochs` those begun.
const RECIPE: &str = "recipe.";

impl Field {
    /// Those that every run may have, in the order in which they are offered.
    pub fn known() -> Vec<Self> {
        let facts = [
            Self::Id,
            Self::Title,
            Self::Status,
            Self::Tags,
            Self::Note,
            Self::Model,
            Self::Data,
            Self::Teacher,
        ];
        let validation = Measure::ALL
            .into_iter()
            .flat_map(|measure| Pick::ALL.map(|pick| Self::Validation(measure, pick)));
        // The lowest loss is that at the best checkpoint.
        let validation =
            validation.filter(|field| *field != Self::Validation(Measure::Loss, Pick::Best));
        let rest = [
            Self::TestRocAuc,
            Self::TestAveragePrecision,
            Self::BestEpoch,
            Self::Epochs,
            Self::Steps,
            Self::Duration,
            Self::Started,
        ];
        facts.into_iter().chain(validation).chain(rest).collect()
    }

    /// The field of that name; what no other field is called is a setting.
    pub fn named(name: &str) -> Self {
        let name = name.trim().to_lowercase();
        let plain = name.replace('_', "-");
        if let Some(setting) = name.strip_prefix(RECIPE) {
            return Self::Setting(setting.to_owned());
        }
        let known = Self::known().into_iter();
        let spelt = |field: &Self| field.to_string() == plain;
        if let Some(field) = known.into_iter().find(spelt) {
            return field;
        }
        match plain.as_str() {
            "roc" | "auc" => Self::Validation(Measure::RocAuc, Pick::AtBest),
            "pr" | "ap" => Self::Validation(Measure::AveragePrecision, Pick::AtBest),
            "test-roc" => Self::TestRocAuc,
            "test-pr" | "test-ap" => Self::TestAveragePrecision,
            "loss.best" => Self::Validation(Measure::Loss, Pick::AtBest),
            "run" => Self::Id,
            "name" => Self::Title,
            "state" => Self::Status,
            "tag" => Self::Tags,
            "date" => Self::Started,
            _ => {
                let long = SHORT.iter().find(|(short, _)| *short == name);
                Self::Setting(long.map_or(name, |(_, long)| (*long).to_owned()))
            }
        }
    }

    /// Name for people, short enough to head a column.
    pub fn label(&self) -> String {
        match self {
            Self::Id => "Run".to_owned(),
            Self::Title => "Title".to_owned(),
            Self::Status => "State".to_owned(),
            Self::Model => "Model".to_owned(),
            Self::Data => "Data".to_owned(),
            Self::Teacher => "Teacher".to_owned(),
            Self::Tags => "Tags".to_owned(),
            Self::Note => "Note".to_owned(),
            Self::Started => "Started".to_owned(),
            Self::Duration => "Duration".to_owned(),
            Self::Epochs => "Epochs".to_owned(),
            Self::Steps => "Steps".to_owned(),
            Self::BestEpoch => "Best epoch".to_owned(),
            Self::Validation(measure, Pick::AtBest) => measure.label().to_owned(),
            Self::Validation(measure, Pick::Best) => format!("{}, best", measure.label()),
            Self::Validation(measure, Pick::Last) => format!("{}, last", measure.label()),
            Self::TestRocAuc => "Test ROC-AUC".to_owned(),
            Self::TestAveragePrecision => "Test PR-AUC".to_owned(),
            Self::Setting(_) => self.to_string(),
        }
    }

    /// A sentence about it.
    pub fn about(&self) -> String {
        match self {
            Self::Id => "Name of the run's folder".to_owned(),
            Self::Title => "A name of your own".to_owned(),
            Self::Status => "Where the run stands".to_owned(),
            Self::Model => "Model preset".to_owned(),
            Self::Data => "Data set".to_owned(),
            Self::Teacher => "Who teaches, if it is a noisy student's run".to_owned(),
            Self::Tags => "Words to find it by".to_owned(),
            Self::Note => "What there is to say of it".to_owned(),
            Self::Started => "When the run began".to_owned(),
            Self::Duration => "From its first event to its last, breaks included".to_owned(),
            Self::Epochs => "Epochs begun".to_owned(),
            Self::Steps => "Training steps done".to_owned(),
            Self::BestEpoch => "Epoch with the lowest validation loss".to_owned(),
            Self::Validation(measure, pick) => {
                let what = match measure {
                    Measure::Loss => "Validation loss (binary cross entropy)",
                    Measure::RocAuc => "Macro ROC-AUC on the validation split",
                    Measure::AveragePrecision => {
                        "Macro average precision (PR-AUC) on the validation split"
                    }
                    Measure::LocalisationRocAuc => {
                        "ROC-AUC over the moments of validation tracks whose timelines are known"
                    }
                    Measure::PointingGame => "Pointing game on validation tracks",
                };
                match pick {
                    Pick::AtBest => {
                        format!("{what}, at the lowest loss: that of the best checkpoint")
                    }
                    Pick::Best => format!("{what}, the best of all validations"),
                    Pick::Last => format!("{what}, at the last validation"),
                }
            }
            Self::TestRocAuc => {
                "Macro ROC-AUC on the test split, by the best checkpoint".to_owned()
            }
            Self::TestAveragePrecision => {
                "Macro average precision (PR-AUC) on the test split, by the best checkpoint"
                    .to_owned()
            }
            Self::Setting(name) => format!("Setting `{name}` of the recipe"),
        }
    }

    /// The unit of its numbers; empty for words and for what has none.
    pub fn unit(&self) -> &'static str {
        match self {
            Self::Started => "UTC",
            Self::Duration => "s",
            Self::Validation(Measure::Loss, _) => "binary cross entropy",
            Self::Validation(..) | Self::TestRocAuc | Self::TestAveragePrecision => "0 to 1",
            Self::Setting(name) => {
                let units = [
                    ("_secs", "s"),
                    ("_minutes", "min"),
                    ("_hz", "Hz"),
                    ("_db", "dB"),
                    ("_epochs", "epochs"),
                    ("learning_rate", "per step"),
                    ("batch_size", "clips"),
                ];
                let ends = |(end, _): &&(&str, &str)| name.ends_with(end);
                units.iter().find(ends).map_or("", |(_, unit)| unit)
            }
            _ => "",
        }
    }

    /// Whether more of it stands to the right in a column, and the largest first.
    pub fn is_number(&self) -> bool {
        matches!(
            self,
            Self::Epochs
                | Self::Steps
                | Self::BestEpoch
                | Self::Validation(..)
                | Self::TestRocAuc
                | Self::TestAveragePrecision
                | Self::Duration
        )
    }

    /// Whether one looks for the largest first: for the best score and the newest run, not for the largest loss or the last of the alphabet.
    pub fn is_largest_first(&self) -> bool {
        match self {
            Self::Validation(measure, _) => !measure.is_loss(),
            Self::Started => true,
            field => field.is_number(),
        }
    }

    /// A run's value, if it has one.
    pub fn of(&self, run: &RunSummary) -> Option<Value> {
        let text = |text: &str| (!text.is_empty()).then(|| Value::Text(text.to_owned()));
        let number = |number: Option<f64>| number.map(Value::Number);
        match self {
            Self::Id => text(&run.id),
            Self::Title => text(run.title()),
            Self::Status => text(run.status.label()),
            Self::Model => text(&run.model),
            Self::Data => text(&run.data),
            Self::Teacher => text(run.teacher.as_deref().unwrap_or_default()),
            Self::Tags => text(&run.about.tags.join(", ")),
            Self::Note => text(&run.about.note),
            Self::Started => run.started_unix_ms.map(Value::Time),
            Self::Duration => {
                let ms = run.last_unix_ms?.saturating_sub(run.started_unix_ms?);
                Some(Value::Seconds(ms as f64 / 1000.0))
            }
            Self::Epochs => number(Some(f64::from(run.epochs))),
            Self::Steps => number(Some(run.steps as f64)),
            Self::BestEpoch => number(run.best_epoch.map(|epoch| f64::from(epoch) + 1.0)),
            Self::Validation(measure, pick) => number(run.validation(*measure, *pick)),
            Self::TestRocAuc => number(run.test_roc_auc_macro),
            Self::TestAveragePrecision => number(run.test_average_precision_macro),
            Self::Setting(name) => Some(match run.setting(name)? {
                Setting::Number(number) => Value::Number(*number),
                other => Value::Text(other.to_string()),
            }),
        }
    }

    /// Sorts what stands for runs by this field; those without a value come last.
    pub fn sort<T>(&self, rows: &mut [T], is_descending: bool, run: impl Fn(&T) -> &RunSummary) {
        rows.sort_by(
            |one, other| match (self.of(run(one)), self.of(run(other))) {
                (Some(one), Some(other)) if is_descending => other.compare(&one),
                (Some(one), Some(other)) => one.compare(&other),
                (one, other) => other.is_some().cmp(&one.is_some()),
            },
        );
    }
}

/// The name by which a field is asked for, unmistakable.
impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Id => "id",
            Self::Title => "title",
            Self::Status => "status",
            Self::Model => "model",
            Self::Data => "data",
            Self::Teacher => "teacher",
            Self::Tags => "tags",
            Self::Note => "note",
            Self::Started => "started",
            Self::Duration => "duration",
            Self::Epochs => "epochs",
            Self::Steps => "steps",
            Self::BestEpoch => "best-epoch",
            Self::Validation(measure, Pick::AtBest) => measure.name(),
            Self::Validation(measure, Pick::Best) => return write!(f, "{}.best", measure.name()),
            Self::Validation(measure, Pick::Last) => return write!(f, "{}.last", measure.name()),
            Self::TestRocAuc => "test-roc-auc",
            Self::TestAveragePrecision => "test-pr-auc",
            Self::Setting(name) if Self::named(name) != *self => {
                return write!(f, "{RECIPE}{name}");
            }
            Self::Setting(name) => name,
        })
    }
}

impl Value {
    fn compare(&self, other: &Self) -> Ordering {
        match (self.number(), other.number()) {
            (Some(one), Some(other)) => one.total_cmp(&other),
            (None, None) => match (self, other) {
                (Self::Text(one), Self::Text(other)) => {
                    one.to_lowercase().cmp(&other.to_lowercase())
                }
                _ => Ordering::Equal,
            },
            // Numbers before words, where a setting is one in this run and the other in that.
            (one, other) => other.is_some().cmp(&one.is_some()),
        }
    }

    /// In full, without its unit, as a table for other programs has it.
    pub fn exact(&self) -> String {
        match self {
            Self::Number(number) | Self::Seconds(number) => number.to_string(),
            Self::Text(_) | Self::Time(_) => self.to_string(),
        }
    }

    /// As a number: milliseconds for a time, seconds for a duration; `None` for words.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Text(_) => None,
            Self::Number(number) | Self::Seconds(number) => Some(*number),
            Self::Time(ms) => Some(*ms as f64),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => write!(f, "{}", Setting::Number(*number)),
            Self::Time(ms) => f.write_str(&utc_text(*ms)),
            Self::Seconds(secs) => write!(f, "{secs:.0} s"),
        }
    }
}

impl serde::Serialize for Field {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Field {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Self::named(&String::deserialize(from)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_found_by_its_name_and_by_shorter_ones() {
        for field in Field::known() {
            assert_eq!(Field::named(&field.to_string()), field);
            assert!(!field.label().is_empty() && !field.about().is_empty());
        }
        for name in ["epochs", "name", "data", "learning_rate", "lr"] {
            let setting = Field::Setting(name.to_owned());
            assert_eq!(Field::named(&setting.to_string()), setting);
        }
        let auc = |pick| Field::Validation(Measure::RocAuc, pick);
        for (name, field) in [
            ("ROC", auc(Pick::AtBest)),
            ("roc_auc.last", auc(Pick::Last)),
            ("loss.best", Field::Validation(Measure::Loss, Pick::AtBest)),
            ("lr", Field::Setting("learning_rate".to_owned())),
            ("model.preset", Field::Setting("model.preset".to_owned())),
            ("tag", Field::Tags),
        ] {
            assert_eq!(Field::named(name), field, "{name}");
        }
    }
}
