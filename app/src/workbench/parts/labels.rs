//! The part of the state about tags corrected by ear: decisions about the data set in use, what a model says of its tracks, and the list to
//! walk through.

use super::library::Shelf;
use crate::workbench::jobs::{Activity, Slot};
use crate::workbench::{CommandSender, Jobs, Level, Notice, State as Whole};
use attune_core::dataset::corrections::{
    Corrections, Exported, Ledger, Mark, Verdict, export_labels,
};
use attune_core::dataset::{Dataset, Split};
use attune_core::job::Job;
use attune_core::tagging::{Answers, Options, Standing, Summary, Tagger, ToTag, disagreement};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// In which order tracks are walked through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Order {
    /// As in the data set.
    #[default]
    Place,
    /// Where model and labels disagree most comes first.
    Disagreement,
    /// What the model finds most probable comes first.
    Probability,
}

/// Which tracks are walked through. What is to be worked out anew when it changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// In which order.
    pub order: Order,
    /// The tag that the order is about; `None`: the one with the most disagreement.
    pub tag: Option<String>,
    /// Words that must all occur in id or artist.
    pub text: String,
    /// Only this split.
    pub split: Option<Split>,
}

/// What a list was worked out from.
#[derive(Clone, Debug, PartialEq)]
pub struct ListKey {
    wanted: Wanted,
    answers: Option<PathBuf>,
    /// Another number, another reading of data set or answers.
    reading: (usize, usize),
}

/// A track of the list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Listed {
    /// Its number in the data set.
    pub track: usize,
    /// What the model says about the tag; `None` where it says nothing, or the list is about no tag.
    pub probability: Option<f32>,
    /// How much it disagrees with the labels, 0 to 1.
    pub disagreement: Option<f32>,
}

/// Decisions about a data set, by the place under which that was opened.
type Opened = (PathBuf, Corrections);

/// What the panel shows. Changed only by [`run`] and [`logic`].
#[derive(Debug)]
pub struct State {
    opening: Slot<PathBuf, Box<Corrections>>,
    open: Option<Opened>,
    answers: Slot<PathBuf, Arc<Answers>>,
    listing: ListSlot,
    /// The tag that the Library's columns are about, if it shows them.
    #[expect(
        clippy::option_option,
        reason = "about no tag is not the same as not shown"
    )]
    about: Option<Option<String>>,
    /// The tracks that the panel walks through.
    walked: Option<Wanted>,
    column: ListSlot,
    tagging: Slot<PathBuf, Summary>,
    /// The data set that is, or was, tagged.
    tagged: Option<PathBuf>,
    standing: Arc<Mutex<Standing>>,
    exporting: Slot<PathBuf, Exported>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            opening: Slot::new("open corrections"),
            open: None,
            answers: Slot::new("read predictions"),
            listing: Slot::new("list tracks to label"),
            about: None,
            walked: None,
            tagged: None,
            column: Slot::new("look up predictions"),
            tagging: Slot::new("tag all tracks"),
            standing: Arc::default(),
            exporting: Slot::new("export labels"),
        }
    }
}

impl State {
    /// What was decided about the data set in use, once it is open.
    pub fn ledger(&self) -> Option<&Ledger> {
        self.open
            .as_ref()
            .map(|(_, corrections)| corrections.ledger())
    }

    /// Why decisions about the data set of that place cannot be made.
    pub fn error(&self, place: &PathBuf) -> Option<&str> {
        let is_of = self.opening.done_key() == Some(place);
        is_of.then(|| self.opening.error()).flatten()
    }

    /// Which tracks [`Self::list`] holds, or will hold.
    pub fn walked(&self) -> Option<&Wanted> {
        self.walked.as_ref()
    }

    /// What a model says, if a table of that was opened.
    pub fn answers(&self) -> Option<&Arc<Answers>> {
        self.answers.value()
    }

    /// Where that table lies.
    pub fn answers_file(&self) -> Option<&PathBuf> {
        self.answers.value().and(self.answers.done_key())
    }

    /// The tracks to walk through, as they were last worked out.
    pub fn list(&self) -> &[Listed] {
        self.listing.value().map_or(&[], |list| list.as_slice())
    }

    /// What the predictions say about each track of the data set, by its number, if they were asked about it; see [`Command::Column`].
    pub fn column(&self) -> Option<&Arc<Vec<Listed>>> {
        self.answers().and(self.column.value())
    }

    /// The tag that [`Self::column`] is, or will be, about.
    pub fn about(&self) -> Option<&Option<String>> {
        self.about.as_ref()
    }

    /// How far tagging all tracks is, if it runs.
    pub fn tagging(&self) -> Option<Standing> {
        let standing = || *self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        self.tagging.is_busy().then(standing)
    }

    /// Work in progress, for the status bar.
    pub fn activities(&self) -> impl Iterator<Item = Activity> {
        [
            self.opening.activity(),
            self.answers.activity(),
            self.listing.activity(),
            self.column.activity(),
            self.tagging.activity(),
            self.exporting.activity(),
        ]
        .into_iter()
        .flatten()
    }

    /// Cancels it. Tagging goes on from there when it is asked for again.
    pub fn cancel_jobs(&mut self) {
        self.answers.cancel();
        self.listing.cancel();
        self.column.cancel();
        self.tagging.cancel();
        self.exporting.cancel();
    }
}

/// What the panel can ask for.
#[derive(Debug)]
pub enum Command {
    /// Open the decisions about the data set in use.
    Open,
    /// Work out which tracks to walk through.
    List(Wanted),
    /// Look up what the predictions say about a tag in all tracks, for a column of the Library; `None`: where they disagree most.
    Column(Option<String>),
    /// Decide something about a track.
    Decide {
        /// Its id.
        track: String,
        /// What.
        mark: Mark,
    },
    /// Take the last step back.
    Undo,
    /// Do it again.
    Redo,
    /// Read a table of answers (.csv, .parquet).
    ReadAnswers(PathBuf),
    /// Tag all tracks of the data set in use with the model in use; what was stopped goes on.
    TagAll,
    /// Stop that.
    StopTagging,
    /// Write the corrected labels into the workspace's exports.
    Export,
}

fn shelf_in_use(state: &Whole) -> Option<(PathBuf, Arc<Shelf>)> {
    let folder = state.selection.dataset.clone()?;
    let shelf = Arc::clone(state.library.shelf(&folder)?);
    Some((folder, shelf))
}

/// Carries out a command, between frames.
pub fn run(command: Command, state: &mut Whole, jobs: &Jobs, sender: &CommandSender) {
    match command {
        Command::Open => {
            if let Some((folder, shelf)) = shelf_in_use(state) {
                let workspace = state.workspace.clone();
                state.labels.opening.request(jobs, folder, move |_| {
                    Ok(Box::new(Corrections::open(&workspace, &shelf.dataset)?))
                });
            }
        }
        Command::List(wanted) => state.labels.walked = Some(wanted),
        Command::Column(tag) => state.labels.about = Some(tag),
        Command::Decide { track, mark } => {
            if let Some((_, corrections)) = &mut state.labels.open
                && let Err(error) = corrections.mark(&track, mark)
            {
                tell_lost(sender, &error);
            }
        }
        Command::Undo => step(state, sender, Corrections::undo),
        Command::Redo => step(state, sender, Corrections::redo),
        Command::ReadAnswers(path) => {
            let file = path.clone();
            let read = move |job: &Job| Ok(Arc::new(Answers::read(&file, job)?));
            state.labels.answers.ask_again(jobs, path, read);
        }
        Command::TagAll => tag_all(state, jobs, sender),
        Command::StopTagging => state.labels.tagging.cancel(),
        Command::Export => {
            if let Some((_, shelf)) = shelf_in_use(state)
                && let Some((_, corrections)) = &state.labels.open
            {
                let ledger = corrections.ledger().clone();
                let name = format!("{} labels", shelf.dataset.name).replace(['/', '\\'], "-");
                let folder = state.workspace.exports().join(name);
                let out = folder.clone();
                state.labels.exporting.ask_again(jobs, folder, move |_| {
                    Ok(export_labels(&shelf.dataset, &ledger, &out)?)
                });
            }
        }
    }
}

fn tell_lost(sender: &CommandSender, error: &attune_core::dataset::Error) {
    let why = attune_core::message::full_message(error);
    let text = format!("The decision was not kept: {why}");
    sender.send(Notice::new(Level::Error, text));
}

type StepOf =
    fn(
        &mut Corrections,
    ) -> Result<Option<attune_core::dataset::corrections::Step>, attune_core::dataset::Error>;

/// Back or forth, and to the track that it was about.
fn step(state: &mut Whole, sender: &CommandSender, step: StepOf) {
    let Some((_, corrections)) = &mut state.labels.open else {
        return;
    };
    match step(corrections) {
        Ok(Some(step)) => {
            let id = step.track;
            let open = super::library::Command::OpenTrack { id, play: false };
            sender.send(crate::workbench::Command::Library(open));
        }
        Ok(None) => {}
        Err(error) => tell_lost(sender, &error),
    }
}

/// A list of tracks that a job works out.
type ListSlot = Slot<ListKey, Arc<Vec<Listed>>>;

fn list(state: &mut Whole, jobs: &Jobs, wanted: Wanted, slot: fn(&mut State) -> &mut ListSlot) {
    let Some((_, shelf)) = shelf_in_use(state) else {
        return;
    };
    let answers = state.labels.answers().cloned();
    let key = ListKey {
        answers: state.labels.answers_file().cloned(),
        reading: (
            Arc::as_ptr(&shelf) as usize,
            answers
                .as_ref()
                .map_or(0, |answers| Arc::as_ptr(answers) as usize),
        ),
        wanted: wanted.clone(),
    };
    slot(&mut state.labels).request(jobs, key, move |_| {
        Ok(Arc::new(listed(
            &shelf.dataset,
            answers.as_deref(),
            &wanted,
        )))
    });
}

fn listed(dataset: &Dataset, answers: Option<&Answers>, wanted: &Wanted) -> Vec<Listed> {
    let text = wanted.text.to_lowercase();
    let words: Vec<&str> = text.split_whitespace().collect();
    let place = |name: &String| answers.and_then(|answers| answers.tag(name));
    // Places among the answers of the tags that both know.
    let places: Vec<(usize, usize)> = (0..)
        .zip(&dataset.tags)
        .filter_map(|(tag, name)| Some((tag, place(name)?)))
        .collect();
    let about = wanted.tag.as_ref().and_then(place);
    let about_tag = wanted.tag.as_ref().and_then(|name| dataset.tag(name));
    let mut list: Vec<Listed> = Vec::new();
    for (track, facts) in dataset.tracks.iter().enumerate() {
        let found = |word: &&str| {
            facts.id.to_lowercase().contains(word) || facts.artist.to_lowercase().contains(word)
        };
        if !words.iter().all(found) || wanted.split.is_some_and(|split| facts.split != split) {
            continue;
        }
        let row = answers.and_then(|answers| answers.of(&facts.id, &facts.path));
        let has = |tag: usize| facts.tags.iter().any(|other| other.index() == tag);
        let of_tag = row.zip(about).map(|(row, place)| row[place]);
        let disagreement = match (row, &wanted.tag) {
            (None, _) => None,
            (Some(_), Some(_)) => of_tag.map(|probability| {
                disagreement(probability, about_tag.is_some_and(|tag| has(tag.index())))
            }),
            (Some(row), None) => places
                .iter()
                .map(|&(tag, place)| disagreement(row[place], has(tag)))
                .max_by(f32::total_cmp),
        };
        list.push(Listed {
            track,
            probability: of_tag,
            disagreement,
        });
    }
    let by = |of: fn(&Listed) -> Option<f32>| {
        // What nothing is known of comes last.
        move |one: &Listed, other: &Listed| {
            let value = |listed| of(listed).unwrap_or(-1.0);
            value(other).total_cmp(&value(one))
        }
    };
    match wanted.order {
        Order::Place => {}
        Order::Disagreement => list.sort_by(by(|listed| listed.disagreement)),
        Order::Probability => list.sort_by(by(|listed| listed.probability)),
    }
    list
}

fn tag_all(state: &mut Whole, jobs: &Jobs, sender: &CommandSender) {
    let Some((_, shelf)) = shelf_in_use(state) else {
        return;
    };
    let Some(model) = state.model.current().cloned() else {
        sender.send(Notice::new(Level::Warning, "No model is in use yet."));
        return;
    };
    // The same model and data set, the same table: what was stopped goes on.
    let name = format!(
        "{} {:08x} {} {}",
        shelf.dataset.name,
        // Two sets of one name, and two splits of one set, have tables of their own.
        attune_core::rng::hash_name(&shelf.dataset.place.to_string_lossy()) as u32,
        model.name,
        model.fingerprint
    );
    let name = name.replace(['/', '\\', '\0'], "-");
    let out = state
        .workspace
        .predictions()
        .join(format!("{name}.parquet"));
    state.labels.tagged.clone_from(&state.selection.dataset);
    let (file, standing) = (out.clone(), Arc::clone(&state.labels.standing));
    *standing.lock().unwrap_or_else(PoisonError::into_inner) = Standing::default();
    state.labels.tagging.ask_again(jobs, out, move |job| {
        let tracks = shelf.dataset.tracks.iter();
        let list: Vec<ToTag> = tracks
            .map(|track| ToTag {
                id: track.id.clone(),
                path: track.path.clone(),
            })
            .collect();
        let tagger = Tagger {
            model: &model,
            list: &list,
            options: Options::default(),
        };
        let summary = tagger.run(&file, job, &mut |now, _| {
            *standing.lock().unwrap_or_else(PoisonError::into_inner) = *now;
        })?;
        Ok(summary)
    });
}

/// Called once before each frame: takes in results of jobs.
pub fn logic(state: &mut Whole, jobs: &Jobs, sender: &CommandSender) {
    let in_use = state.selection.dataset.clone();
    let labels = &mut state.labels;
    if labels
        .open
        .as_ref()
        .is_some_and(|(folder, _)| Some(folder) != in_use.as_ref())
    {
        // Another data set: others may write the decisions about this one again.
        labels.open = None;
        labels.opening.clear();
        labels.answers.clear();
        labels.listing.clear();
        labels.column.clear();
    }
    if labels.opening.poll(jobs)
        && let Some(folder) = labels.opening.done_key().cloned()
        && labels.opening.error().is_none()
        && let Some(Ok(corrections)) = labels.opening.take()
    {
        labels.open = Some((folder, *corrections));
    }
    if labels.answers.poll(jobs)
        && let Some(error) = labels.answers.error()
    {
        let text = format!("The predictions cannot be read: {error}");
        sender.send(Notice::new(Level::Error, text));
    }
    labels.listing.poll(jobs);
    labels.column.poll(jobs);
    let walked = labels.walked.clone();
    let about = labels.about.clone().filter(|_| labels.answers().is_some());
    if let Some(wanted) = walked {
        list(state, jobs, wanted, |labels| &mut labels.listing);
    }
    if let Some(tag) = about {
        let wanted = Wanted {
            tag,
            ..Wanted::default()
        };
        list(state, jobs, wanted, |labels| &mut labels.column);
    }
    let labels = &mut state.labels;
    if labels.tagging.poll(jobs) {
        match (labels.tagging.done_key().cloned(), labels.tagging.result()) {
            (Some(path), Some(Ok(summary))) => {
                let (n, failed) = (summary.n_tracks, summary.n_failed);
                let level = if failed > 0 {
                    Level::Warning
                } else {
                    Level::Success
                };
                let text = format!(
                    "{n} tracks tagged, {failed} could not be: {}",
                    path.display()
                );
                sender.send(Notice::new(level, text));
                // The answers about another data set would be taken for those about this one.
                if labels.tagged == in_use {
                    let read = Command::ReadAnswers(path);
                    sender.send(crate::workbench::Command::Labels(read));
                }
            }
            (_, Some(Err(error))) => sender.send(Notice::new(
                Level::Error,
                format!("The tracks cannot be tagged: {error}"),
            )),
            _ => {}
        }
    }
    if labels.exporting.poll(jobs)
        && let Some(folder) = labels.exporting.done_key()
    {
        sender.send(match labels.exporting.result() {
            Some(Ok(written)) => Notice::new(
                Level::Success,
                format!(
                    "Wrote {} tracks, {} labels added, {} removed: {}",
                    written.tracks,
                    written.added,
                    written.removed,
                    folder.display()
                ),
            ),
            Some(Err(error)) => Notice::new(
                Level::Error,
                format!("The labels cannot be exported: {error}"),
            ),
            None => return,
        });
    }
}

/// The tags of a track as they count now, by name: those of its mark, else the data set's labels.
pub fn tags_of(dataset: &Dataset, ledger: &Ledger, track: usize) -> Vec<String> {
    match ledger.mark(&dataset.tracks[track].id) {
        Some(mark) => mark.tags.clone(),
        None => dataset.tag_names(track).map(str::to_owned).collect(),
    }
}

/// What was decided about a track, in a word.
pub fn verdict_text(mark: Option<&Mark>) -> &'static str {
    mark.map_or("", |mark| mark.verdict.map_or("changed", Verdict::name))
}
