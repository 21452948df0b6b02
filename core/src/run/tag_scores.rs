//! What a run scored tag by tag, without its scalars and without its other validations.
//!
//! The list of runs keeps no scores of single tags: of a hundred validations and fifty tags it would be as long as the log. Here the log is gone
//! through once, line by line, of which only those are read whole that still count and are asked for.

use super::{Error, Event, Record, lines};
use crate::metrics::Scores;
use serde::Deserialize;
use std::borrow::Cow;
use std::path::Path;

/// Which of a run's scores.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize,
)]
pub enum ScoredOn {
    /// The validation with the lowest loss, whose weights are kept.
    #[default]
    BestValidation,
    /// The newest validation.
    LastValidation,
    /// The split evaluated last, as a rule the test split.
    Evaluation,
}

impl ScoredOn {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::BestValidation, Self::LastValidation, Self::Evaluation];

    /// For people.
    pub fn label(self) -> &'static str {
        match self {
            Self::BestValidation => "Best validation",
            Self::LastValidation => "Last validation",
            Self::Evaluation => "Test split",
        }
    }

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::BestValidation => "best",
            Self::LastValidation => "last",
            Self::Evaluation => "test",
        }
    }
}

/// The scores of a run's tags.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunTagScores {
    /// Names of the tags, in the order of the scores.
    pub tags: Vec<String>,
    /// Bytes of the log that were gone through: the same log of the same length tells the same.
    pub events_bytes: u64,
    /// By [`ScoredOn`].
    scores: [Option<Scores>; ScoredOn::ALL.len()],
}

impl RunTagScores {
    /// Goes through the log of the run in `folder`. A log that is not there has no scores; fails if it cannot be read.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(lines::FILE);
        let bytes = match std::fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            bytes => bytes.map_err(Error::io(path))?,
        };
        let end = lines::whole_lines(&bytes);
        let mut counting = Counting::default();
        for line in bytes[..end].split(|&byte| byte == b'\n') {
            if let Ok(brief) = serde_json::from_slice::<Brief<'_>>(line) {
                counting.take_in(&brief, line);
            }
        }
        Ok(Self {
            events_bytes: end as u64,
            ..counting.read()
        })
    }

    /// How long the log of the run in `folder` is, in bytes; what [`Self::read`] would tell changes with it.
    pub fn log_bytes(folder: &Path) -> Option<u64> {
        let log = std::fs::metadata(folder.join(lines::FILE)).ok()?;
        Some(log.len())
    }

    /// The scores, if the run was scored on that.
    pub fn on(&self, which: ScoredOn) -> Option<&Scores> {
        self.scores[which as usize].as_ref()
    }
}

/// As much of a line as tells whether it counts.
#[derive(Deserialize)]
struct Brief<'a> {
    step: u64,
    #[serde(borrow)]
    event: Cow<'a, str>,
    #[serde(default)]
    loss: Option<f64>,
    /// Of a resumption: the last step whose validation counts.
    #[serde(default)]
    validated_step: Option<u64>,
}

/// The lines that count so far.
#[derive(Default)]
struct Counting<'a> {
    started: Option<&'a [u8]>,
    /// Step, loss and line.
    validations: Vec<(u64, f64, &'a [u8])>,
    evaluated: Option<&'a [u8]>,
}

impl<'a> Counting<'a> {
    fn take_in(&mut self, brief: &Brief<'_>, line: &'a [u8]) {
        match (&*brief.event, brief.loss) {
            ("started", _) => self.started = Some(line),
            ("validated", Some(loss)) => self.validations.push((brief.step, loss, line)),
            ("evaluated", _) => self.evaluated = Some(line),
            ("resumed", _) => {
                let counts_to = brief.validated_step.unwrap_or(brief.step);
                self.validations.retain(|(step, ..)| *step <= counts_to);
                self.evaluated = None;
            }
            _ => {}
        }
    }

    fn read(self) -> RunTagScores {
        let record = |line: Option<&[u8]>| serde_json::from_slice::<Record>(line?).ok();
        let scores = |line: Option<&[u8]>| match record(line)?.event {
            Event::Validated { scores, .. } | Event::Evaluated { scores, .. } => Some(scores),
            _ => None,
        };
        let best = self
            .validations
            .iter()
            .reduce(|best, next| if next.1 < best.1 { next } else { best });
        let line = |validation: Option<&(u64, f64, &'a [u8])>| validation.map(|(.., line)| *line);
        let tags = match record(self.started).map(|record| record.event) {
            Some(Event::Started { tags, .. }) => tags,
            _ => Vec::new(),
        };
        RunTagScores {
            tags,
            events_bytes: 0,
            scores: [
                scores(line(best)),
                scores(line(self.validations.last())),
                scores(self.evaluated),
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{History, RunLog};

    fn scores(value: f64) -> Scores {
        Scores::from_tags(vec![Some(value), None], vec![Some(value / 2.0), None])
    }

    fn validated(loss: f64) -> Event {
        Event::Validated {
            loss,
            scores: scores(1.0 - loss),
            seconds: 0.1,
            localisation: None,
        }
    }

    #[test]
    fn the_scores_are_those_of_the_history_also_after_a_resumption() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = RunLog::create(folder.path(), &toml::Table::new()).unwrap();
        let started = Event::Started {
            name: "one".to_owned(),
            model: "tiny".to_owned(),
            data: "demo".to_owned(),
            tags: vec!["calm".to_owned(), "loud".to_owned()],
            n_parameters: 1,
            steps_per_epoch: 10,
            epochs: 3,
            patience_epochs: None,
            version: "test".to_owned(),
            teaching: None,
        };
        log.event(0, 0, started).unwrap();
        log.event(10, 0, validated(0.5)).unwrap();
        log.event(20, 1, validated(0.1)).unwrap();
        let evaluated = Event::Evaluated {
            split: "test".to_owned(),
            loss: 0.2,
            scores: scores(0.9),
        };
        log.event(20, 1, evaluated.clone()).unwrap();
        let read = || RunTagScores::read(folder.path()).unwrap();
        assert_eq!(read().on(ScoredOn::Evaluation), Some(&scores(0.9)));
        drop(log);
        let mut log = RunLog::resume(folder.path(), 10, 0).unwrap();
        assert_eq!(read().on(ScoredOn::Evaluation), None, "it is void");
        log.event(20, 1, validated(0.4)).unwrap();
        log.event(30, 2, validated(0.45)).unwrap();
        log.event(40, 3, validated(f64::NAN)).unwrap();
        log.event(40, 3, evaluated).unwrap();
        let (found, history) = (read(), History::open(folder.path()).unwrap());
        assert_eq!(found.tags, history.tags());
        let best = history.best().unwrap();
        assert_eq!(found.on(ScoredOn::BestValidation), Some(&*best.scores));
        assert_eq!(
            found.on(ScoredOn::LastValidation),
            Some(&scores(1.0 - 0.45))
        );
        let (_, evaluated) = history.evaluated().unwrap();
        assert_eq!(found.on(ScoredOn::Evaluation), Some(evaluated));
        assert_eq!(
            Some(found.events_bytes),
            RunTagScores::log_bytes(folder.path())
        );
    }

    #[test]
    fn a_run_that_has_not_begun_has_no_scores() {
        let folder = tempfile::tempdir().unwrap();
        let scores = RunTagScores::read(folder.path()).unwrap();
        assert_eq!(scores, RunTagScores::default());
        assert_eq!(RunTagScores::log_bytes(folder.path()), None);
    }
}
