//! What a page says, as it stands in it.

use super::{Error, Options, curves};
use crate::metrics::{Difference, Scores};
use crate::run::{
    About, Event, History, Pin, Ruler, RunSummary, XAxis, differing, event_words, utc_text,
};
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

/// Everything in a page.
#[derive(Clone, Debug, Serialize)]
pub struct Page {
    /// The heading.
    pub title: String,
    /// When it was made (UTC), and by which version.
    pub made: String,
    /// The runs, in the order asked for.
    pub runs: Vec<RunPart>,
    /// Names of the settings in which the runs differ.
    pub differing: Vec<String>,
    /// The first run against each other one, on the same test tracks.
    pub differences: Told<Vec<Differences>>,
    /// Test tracks to listen to.
    pub examples: Told<Examples>,
}

/// Something, or why it is not there.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Told<T> {
    /// It is there.
    Found(T),
    /// Why not, in a sentence.
    Missing(String),
}

/// A run.
#[derive(Clone, Debug, Serialize)]
pub struct RunPart {
    /// Its id.
    pub id: String,
    /// Its name for people.
    pub title: String,
    /// Facts in a table: what, and what it is.
    pub facts: Vec<(&'static str, String)>,
    /// What people say of it.
    pub note: String,
    /// Words to find it by.
    pub labels: Vec<String>,
    /// Notes to its steps.
    pub pins: Vec<Pin>,
    /// Its settings by dotted names, as they are in effect.
    pub settings: Vec<(String, String)>,
    /// `run.toml`, word for word.
    pub configuration: String,
    /// (epoch, step at its start).
    pub epoch_starts: Vec<(u32, u64)>,
    /// Steps of an epoch, if the log tells.
    pub steps_per_epoch: Option<u64>,
    /// Where steps lie on the other axes (`time`: seconds of work, `clips`: clips seen): (step, place), rising.
    pub rulers: BTreeMap<&'static str, Vec<(f64, f64)>>,
    /// Its curves.
    pub curves: Vec<Curve>,
    /// When (UTC), step, what happened.
    pub events: Vec<(String, u64, String)>,
    /// Names of its tags.
    pub tags: Vec<String>,
    /// Which scores there are: a name, and the scores tag by tag.
    pub scores: Vec<Scored>,
}

/// Scores on a split.
#[derive(Clone, Debug, Serialize)]
pub struct Scored {
    /// Which, such as `test`.
    pub name: String,
    /// Means over the tags, and tag by tag.
    #[serde(flatten)]
    pub scores: Scores,
}

/// A curve.
#[derive(Clone, Debug, Serialize)]
pub struct Curve {
    /// The chart in which it stands.
    pub chart: &'static str,
    /// Unit of the chart's values, or empty.
    pub unit: &'static str,
    /// Its name within the chart.
    pub name: &'static str,
    /// Whether it is one of single values (validations), drawn with a mark each and never smoothed.
    pub is_marked: bool,
    /// Values that were measured.
    pub n_values: usize,
    /// Of how many values a point is at most.
    pub n_per_point: usize,
    /// Step, lowest, mean, highest, and of how many.
    pub points: Vec<(f64, f32, f32, f32, u32)>,
}

/// The second run less the first, with 95 % intervals.
#[derive(Clone, Debug, Serialize)]
pub struct Differences {
    /// Places of both among the runs.
    pub runs: [usize; 2],
    /// Tracks on which both were scored.
    pub n_tracks: usize,
    /// ROC-AUC and average precision, mean over tags.
    pub means: [Difference; 2],
    /// The same tag by tag.
    pub tags: Vec<(String, [Difference; 2])>,
}

/// Test tracks.
#[derive(Clone, Debug, Serialize)]
pub struct Examples {
    /// What they are, and what is missing, in sentences.
    pub note: String,
    /// Licences and where the tracks come from, each once.
    pub licences: Vec<String>,
    /// The tracks.
    pub clips: Vec<Clip>,
}

/// A test track.
#[derive(Clone, Debug, Serialize)]
pub struct Clip {
    /// Its id.
    pub track: String,
    /// Why it was chosen.
    pub chosen: &'static str,
    /// Artist, if the data set names one.
    pub artist: String,
    /// What is true of it.
    pub labels: Vec<String>,
    /// Seconds at which the excerpt begins.
    pub start_secs: f64,
    /// Length of the excerpt in seconds.
    pub secs: f64,
    /// The excerpt as MP3 in base64, or why it is not there.
    pub audio: Told<String>,
    /// What the runs said.
    pub answers: Vec<Answer>,
}

/// What a run's best model said of a track.
#[derive(Clone, Debug, Serialize)]
pub struct Answer {
    /// Place of the run.
    pub run: usize,
    /// Mean binary cross entropy over the tags: lower is better.
    pub loss: f64,
    /// Its most probable tags: name, probability, whether it is true.
    pub top: Vec<(String, f32, bool)>,
}

/// Puts the parts together.
pub(super) fn page(
    options: &Options,
    runs: Vec<RunPart>,
    differences: Told<Vec<Differences>>,
    examples: Told<Examples>,
) -> Page {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |since| since.as_millis() as u64);
    let names: Vec<&str> = runs.iter().map(|run| run.title.as_str()).collect();
    Page {
        title: match options.title.as_str() {
            "" => names.join(", "),
            title => title.to_owned(),
        },
        made: format!(
            "{} UTC, Attune {}",
            utc_text(now),
            env!("CARGO_PKG_VERSION")
        ),
        differing: differing_names(&runs),
        runs,
        differences,
        examples,
    }
}

fn differing_names(runs: &[RunPart]) -> Vec<String> {
    let settings: Vec<crate::run::Settings> = runs
        .iter()
        .map(|run| {
            let texts = run.settings.iter().cloned();
            texts
                .map(|(name, text)| (name, crate::run::Setting::Text(text)))
                .collect()
        })
        .collect();
    differing(&settings)
}

/// What the page says of a run.
pub(super) fn run_part(history: &History, n_points: usize) -> Result<RunPart, Error> {
    let folder = history.folder();
    let failed = |path: std::path::PathBuf| move |source| Error::Io { path, source };
    let summary = RunSummary::read(folder).map_err(failed(folder.to_owned()))?;
    let about = About::read(folder)?;
    let configuration = folder.join("run.toml");
    let configuration = match std::fs::read_to_string(&configuration) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(failed(configuration)(error)),
    };
    let settings = summary.settings.iter();
    let settings = settings.map(|(name, value)| (name.clone(), value.to_string()));
    Ok(RunPart {
        id: summary.id.clone(),
        title: summary.title().to_owned(),
        facts: facts(history, &summary),
        note: about.note,
        labels: about.tags,
        pins: about.pins,
        settings: settings.collect(),
        configuration,
        epoch_starts: history.epoch_starts().to_vec(),
        steps_per_epoch: history.steps_per_epoch(),
        rulers: rulers(history),
        curves: curves::curves(history, n_points),
        events: events(history),
        tags: history.tags().to_vec(),
        scores: scores(history),
    })
}

/// Straight between so many places: finer than a curve of the page.
const N_PLACES: u32 = 256;

fn rulers(history: &History) -> BTreeMap<&'static str, Vec<(f64, f64)>> {
    let last = history.last_step() as f64;
    let of = |axis: XAxis| {
        let ruler = Ruler::of(history, axis);
        let steps = (0..=N_PLACES).map(|at| last * f64::from(at) / f64::from(N_PLACES));
        (
            axis.name(),
            steps.map(|step| (step, ruler.x(step))).collect(),
        )
    };
    [XAxis::WallTime, XAxis::Clips].map(of).into()
}

fn facts(history: &History, summary: &RunSummary) -> Vec<(&'static str, String)> {
    let number =
        |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.4}"));
    let mut facts = vec![
        ("Status", summary.status.label().to_owned()),
        ("Model", summary.model.clone()),
        ("Data set", summary.data.clone()),
    ];
    if let Some(Event::Started {
        n_parameters,
        version,
        ..
    }) = history.started().map(|record| &record.event)
    {
        facts.push(("Parameters", n_parameters.to_string()));
        facts.push(("Trained with", format!("Attune {version}")));
    }
    if let Some(teacher) = &summary.teacher {
        facts.push(("Teacher", teacher.clone()));
    }
    if let Some(at) = summary.started_unix_ms {
        facts.push(("Started", format!("{} UTC", utc_text(at))));
    }
    facts.push((
        "Trained",
        format!("{} steps, {} epochs begun", summary.steps, summary.epochs),
    ));
    if let Some(best) = history.best() {
        facts.push(("Best epoch", (best.epoch + 1).to_string()));
        facts.push((
            "Validation loss",
            number(Some(best.loss).filter(|x| x.is_finite())),
        ));
        facts.push(("Validation ROC-AUC", number(best.scores.roc_auc_macro)));
        facts.push((
            "Validation PR-AUC",
            number(best.scores.average_precision_macro),
        ));
        if let Some(found) = best.localisation_roc_auc() {
            facts.push(("Localisation ROC-AUC", number(Some(found))));
        }
    }
    if let Some((_, scores)) = history.evaluated() {
        facts.push(("Test ROC-AUC", number(scores.roc_auc_macro)));
        facts.push(("Test PR-AUC", number(scores.average_precision_macro)));
    }
    facts
}

fn scores(history: &History) -> Vec<Scored> {
    let test = history.evaluated().map(|(split, scores)| Scored {
        name: split.to_owned(),
        scores: scores.clone(),
    });
    let valid = history.best().map(|best| Scored {
        name: "validation".to_owned(),
        scores: Scores::clone(&best.scores),
    });
    test.into_iter().chain(valid).collect()
}

/// What a reader wants to know of: validations are curves.
fn events(history: &History) -> Vec<(String, u64, String)> {
    let told = history.events().iter().filter_map(|record| {
        let words = match &record.event {
            Event::Validated { .. } | Event::Checkpointed { .. } | Event::SnapshotTaken { .. } => {
                return None;
            }
            _ => event_words(record)?,
        };
        let at = format!("{} UTC", utc_text(record.at_unix_ms));
        Some((at, record.step, words))
    });
    told.collect()
}
