//! The part of the state about tags corrected by ear: decisions about the data set in use, what a model says of its tracks, and the list to
//! walk through.

mod listing;
mod strokes;
mod tagging;

use super::library::{Shelf, export_stem};
use crate::workbench::jobs::{Activity, Slot};
use crate::workbench::{CommandSender, Jobs, Level, Notice, State as Whole};
use attune_core::dataset::corrections::{Corrections, Exported, Ledger, export_labels};
use attune_core::job::Job;
use attune_core::tagging::{Answers, Standing, Summary};
use listing::ListSlot;
pub use listing::{Listed, Order, Wanted};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
pub use strokes::{Stroke, Way, chosen_tags, offered_tags, verdict_text};

/// What the panel shows. Changed only by [`run`] and [`logic`].
#[derive(Debug)]
pub struct State {
    /// The data set that all of this is about.
    about_data: Option<PathBuf>,
    opening: Slot<PathBuf, Box<Corrections>>,
    open: Option<Corrections>,
    /// Rises with each step and each opening.
    n_steps: u64,
    /// Tracks that were decided about, as of that step and that reading of the data set.
    decided: Option<([u64; 2], usize)>,
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
            about_data: None,
            opening: Slot::new("open corrections"),
            open: None,
            n_steps: 0,
            decided: None,
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
        self.open.as_ref().map(Corrections::ledger)
    }

    /// How many tracks of the data set in use somebody has decided about.
    pub fn n_decided(&self) -> usize {
        self.decided.map_or(0, |(_, n)| n)
    }

    /// Whether they are being opened.
    pub fn is_opening(&self) -> bool {
        self.opening.is_busy()
    }

    /// Why decisions about the data set of that place cannot be made.
    pub fn error(&self, place: &Path) -> Option<&str> {
        let is_of = self.opening.done_key().is_some_and(|of| of == place);
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

    /// Whether working them out was cancelled, and does not begin again before the user asks.
    pub fn is_listing_cancelled(&self) -> bool {
        self.listing.cancelled_key().is_some()
    }

    /// What the predictions say about each track of the data set in use, by its number, if they were asked about it; see
    /// [`Command::Column`]. `reading` is [`super::library::State::shelf_reading`]: of another one, tracks may have other numbers.
    pub fn column(&self, reading: u64) -> Option<&Arc<Vec<Listed>>> {
        self.answers()?;
        let readings = [reading, self.answers.n_done()];
        let key = self.column.done_key()?;
        let is_of = key.is_about(self.about.as_ref()?.as_ref(), readings);
        is_of.then(|| self.column.value()).flatten()
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

    /// Forgets what is about another data set than the one in use; then others may write the decisions about that one again.
    fn follow(&mut self, in_use: Option<&PathBuf>) {
        if self.about_data.as_ref() != in_use {
            self.about_data = in_use.cloned();
            self.open = None;
            self.opening.clear();
            self.answers.clear();
            self.listing.clear();
            self.column.clear();
            self.walked = None;
            self.about = None;
        }
    }
}

/// What the panel can ask for.
#[derive(Debug)]
pub enum Command {
    /// Open the decisions about the data set in use, again if that has failed.
    Open,
    /// Work out which tracks to walk through.
    List(Wanted),
    /// Look up what the predictions say about a tag in all tracks, for a column of the Library; `None`: where they disagree most.
    Column(Option<String>),
    /// Do one thing after the other.
    Strokes(Vec<Stroke>, Way),
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
    state.labels.follow(state.selection.dataset.as_ref());
    match command {
        Command::Open => {
            if let Some((folder, shelf)) = shelf_in_use(state) {
                let workspace = state.workspace.clone();
                state.labels.opening.ask_again(jobs, folder, move |_| {
                    Ok(Box::new(Corrections::open(&workspace, &shelf.dataset)?))
                });
            }
        }
        Command::List(wanted) => {
            state.labels.listing.forget_cancelled();
            state.labels.walked = Some(wanted);
        }
        Command::Column(tag) => {
            state.labels.column.forget_cancelled();
            state.labels.about = Some(tag);
        }
        Command::Strokes(strokes, way) => {
            for stroke in strokes {
                strokes::run(stroke, way, state, jobs, sender);
            }
        }
        Command::ReadAnswers(path) => {
            let file = path.clone();
            let read = move |job: &Job| Ok(Arc::new(Answers::read(&file, job)?));
            state.labels.answers.ask_again(jobs, path, read);
        }
        Command::TagAll => tagging::tag_all(state, jobs, sender),
        Command::StopTagging => state.labels.tagging.cancel(),
        Command::Export => {
            if let Some((_, shelf)) = shelf_in_use(state)
                && let Some(ledger) = state.labels.ledger().cloned()
            {
                let stem = export_stem(&shelf.dataset.name, &shelf.dataset.place);
                let folder = state.workspace.exports().join(format!("{stem} labels"));
                let out = folder.clone();
                state.labels.exporting.ask_again(jobs, folder, move |job| {
                    Ok(export_labels(&shelf.dataset, &ledger, &out, job)?)
                });
            }
        }
    }
}

/// Counts anew what was decided, if anything was: there may be as many decisions as tracks.
fn count_decided(state: &mut Whole) {
    let of = [state.labels.n_steps, state.library.shelf_reading()];
    let Some((_, shelf)) = shelf_in_use(state) else {
        return;
    };
    let labels = &mut state.labels;
    if labels.decided.is_none_or(|(counted, _)| counted != of) {
        let is_here = |track: &str| shelf.by_id.contains_key(track);
        let n = labels.ledger().map(|ledger| ledger.n_decided(is_here));
        labels.decided = n.map(|n| (of, n));
    }
}

/// Called once before each frame: takes in results of jobs.
pub fn logic(state: &mut Whole, jobs: &Jobs, sender: &CommandSender) {
    let in_use = state.selection.dataset.clone();
    let labels = &mut state.labels;
    labels.follow(in_use.as_ref());
    if labels.opening.poll(jobs) && labels.opening.error().is_none() {
        let opened = labels.opening.take().and_then(Result::ok);
        labels.open = opened.map(|corrections| *corrections);
        labels.n_steps += 1;
    }
    count_decided(state);
    let labels = &mut state.labels;
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
        listing::request(state, jobs, wanted, |labels| &mut labels.listing);
    }
    if let Some(tag) = about {
        let wanted = Wanted {
            tag,
            ..Wanted::default()
        };
        listing::request(state, jobs, wanted, |labels| &mut labels.column);
    }
    let labels = &mut state.labels;
    if labels.tagging.poll(jobs) {
        state.library.look_again();
        match (labels.tagging.done_key().cloned(), labels.tagging.result()) {
            (Some(path), Some(Ok(summary))) => {
                let (n, failed) = (summary.n_tracks, summary.n_failed);
                let level = if failed > 0 {
                    Level::Warning
                } else {
                    Level::Success
                };
                let could = match failed {
                    0 => String::new(),
                    1 => ", 1 could not be decoded or tagged".to_owned(),
                    n => format!(", {n} could not be decoded or tagged"),
                };
                let n = n - failed.min(n);
                let text = format!(
                    "{n} track{} tagged{could}: {}",
                    if n == 1 { "" } else { "s" },
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
