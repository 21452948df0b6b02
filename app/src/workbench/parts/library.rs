//! The part of the state about data sets and their tracks: values, commands, and the code that runs them between frames.

pub mod browser;
mod heard;
mod naming;
pub mod said;

use crate::timeline::TrueSpan;
use crate::workbench::jobs::{Activity, Slot};
use crate::workbench::{CommandSender, Jobs, Level, Notice, Play, Select, State as Whole};
use attune_core::dataset::catalogue::Status;
use attune_core::dataset::{Catalogue, CatalogueEntry, Dataset, Problem, ProblemKind, Split, demo};
use attune_core::job::Job;
use browser::{Browser, Listed, Wish};
use heard::Heard;
pub use naming::{export_stem, place_mark};
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An open data set with what its views need at hand.
#[derive(Debug)]
pub struct Shelf {
    /// The data set.
    pub dataset: Dataset,
    /// Track number by id.
    pub by_id: HashMap<String, usize>,
    /// Tracks of each split, in the order of [`Split::ALL`].
    pub split_counts: [usize; 4],
    /// Tracks with each tag, per split; `[tags]` of `[splits]`.
    pub tag_counts: Vec<[usize; 4]>,
    /// How many different artists.
    pub n_artists: usize,
    /// Artists of each split, in the order of [`Split::ALL`].
    pub split_artists: [usize; 4],
    /// Sum of the stated lengths.
    pub total_secs: f64,
    /// Tags of each track as text; `[tracks]`.
    pub tag_texts: Vec<String>,
    /// Problem of a track by its number.
    pub problem_of: HashMap<usize, Problem>,
}

impl Shelf {
    /// Reads a folder of any layout, or what a description names.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        Ok(Self::new(Dataset::open(folder)?))
    }

    /// Counts what is in a data set.
    pub fn new(dataset: Dataset) -> Self {
        let place = |split: Split| Split::ALL.iter().position(|&other| other == split);
        let mut split_counts = [0; 4];
        let mut tag_counts = vec![[0; 4]; dataset.n_tags()];
        let mut artists: [BTreeSet<&str>; 4] = Default::default();
        for track in &dataset.tracks {
            let Some(place) = place(track.split) else {
                continue;
            };
            split_counts[place] += 1;
            artists[place].insert(&track.artist);
            for tag in &track.tags {
                tag_counts[tag.index()][place] += 1;
            }
        }
        let by_id: HashMap<String, usize> = dataset
            .tracks
            .iter()
            .enumerate()
            .map(|(idx, track)| (track.id.clone(), idx))
            .collect();
        let problem_of = dataset
            .problems
            .iter()
            .filter_map(|problem| Some((*by_id.get(&problem.track)?, problem.clone())))
            .collect();
        let tag_texts = dataset
            .tracks
            .iter()
            .map(|track| {
                let names: Vec<&str> = track
                    .tags
                    .iter()
                    .map(|tag| dataset.tags[tag.index()].as_str())
                    .collect();
                names.join(", ")
            })
            .collect();
        Self {
            split_artists: [0, 1, 2, 3].map(|split| artists[split].len()),
            n_artists: artists.iter().flatten().collect::<BTreeSet<_>>().len(),
            total_secs: dataset
                .tracks
                .iter()
                .filter_map(|track| track.duration_secs)
                .sum(),
            by_id,
            split_counts,
            tag_counts,
            tag_texts,
            problem_of,
            dataset,
        }
    }

    /// What is known about when the tags of a track hold.
    pub fn truth_of(&self, track_idx: usize) -> Vec<TrueSpan> {
        self.dataset.tracks[track_idx]
            .timeline
            .iter()
            .map(|span| TrueSpan {
                tag: self.dataset.tags[span.tag.index()].clone(),
                secs: span.start_secs..span.end_secs,
            })
            .collect()
    }
}

/// What the panel shows. Changed only by [`run`] and [`logic`].
#[derive(Debug)]
pub struct State {
    /// What the panel browses.
    pub browser: Browser,
    shelf: Slot<PathBuf, Arc<Shelf>>,
    known: Slot<u64, Vec<CatalogueEntry>>,
    n_asked: u64,
    demo: Slot<(), PathBuf>,
    play_when_open: Option<PathBuf>,
    heard: Option<Heard>,
    noted: Slot<(i64, String), ()>,
    sought: Slot<PathBuf, (Found, bool)>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            browser: Browser::default(),
            shelf: Slot::new("open data set"),
            known: Slot::new("list data sets"),
            n_asked: 0,
            demo: Slot::new("make demo data set"),
            play_when_open: None,
            heard: None,
            noted: Slot::new("note how decoding went"),
            sought: Slot::new("look for a missing file"),
        }
    }
}

impl State {
    /// The data set in use, once it is open: that of `selection.dataset`, never another.
    pub fn shelf(&self, folder: &PathBuf) -> Option<&Arc<Shelf>> {
        self.shelf.value_for(folder)
    }

    /// Which reading of the data set in use [`Self::shelf`] is: another number, another one.
    pub fn shelf_reading(&self) -> u64 {
        self.shelf.n_done()
    }

    /// Whether something that the panels would show was cancelled, and does not begin again before the user asks.
    pub fn is_cancelled(&self) -> bool {
        self.shelf.cancelled_key().is_some() || self.browser.is_cancelled()
    }

    /// Why the data set in use could not be opened.
    pub fn error(&self, folder: &PathBuf) -> Option<&str> {
        (self.shelf.done_key() == Some(folder))
            .then(|| self.shelf.error())
            .flatten()
    }

    /// The data sets in the catalogue, the latest first.
    pub fn known(&self) -> &[CatalogueEntry] {
        self.known.value().map_or(&[], Vec::as_slice)
    }

    /// Whether the demo data set is being made.
    pub fn is_making_demo(&self) -> bool {
        self.demo.is_busy()
    }

    /// Shows what the catalogue was told meanwhile of the files.
    pub(super) fn look_again(&mut self) {
        self.browser.look_again();
    }

    /// Work in progress, for the status bar.
    pub fn activities(&self) -> impl Iterator<Item = Activity> {
        let own = [self.shelf.activity(), self.demo.activity()];
        self.browser.activities().chain(own.into_iter().flatten())
    }

    /// Cancels it.
    pub fn cancel_jobs(&mut self) {
        self.shelf.cancel();
        self.browser.cancel_jobs();
        self.demo.cancel();
    }
}

/// What the panel can ask for.
#[derive(Debug)]
pub enum Command {
    /// Make the demo data set, if need be, and open it.
    OpenDemo,
    /// Read the data set in use again.
    Reload,
    /// Go on with what was cancelled.
    StartAgain,
    /// What the panel would show from now on.
    Wish(Box<Wish>),
    /// Open a track of the list as the song.
    OpenListed {
        /// The track.
        listed: Box<Listed>,
        /// Whether to play it.
        play: bool,
    },
    /// Open a track of the data set in use as the song.
    OpenTrack {
        /// Its id.
        id: String,
        /// Whether to play it.
        play: bool,
    },
    /// The same of another data set, which does not come into use by that.
    OpenTrackOf {
        /// The data set.
        shelf: Arc<Shelf>,
        /// Its id.
        id: String,
        /// Whether to play it.
        play: bool,
    },
}

/// Carries out a command, between frames. Must not block: heavy work goes into a [`crate::workbench::jobs::Slot`].
pub fn run(command: Command, state: &mut Whole, jobs: &Jobs, sender: &CommandSender) {
    match command {
        Command::OpenDemo => {
            let workspace = state.workspace.clone();
            state
                .library
                .demo
                .ask_again(jobs, (), move |job| Ok(demo::ensure(&workspace, job)?));
        }
        Command::Reload => {
            state.library.shelf.clear();
            state.library.browser.reload();
        }
        Command::StartAgain => {
            state.library.shelf.forget_cancelled();
            state.library.browser.forget_cancelled();
        }
        Command::Wish(wish) => state.library.browser.wish_for(*wish),
        Command::OpenListed { listed, play } => open_listed(*listed, play, state, jobs),
        Command::OpenTrack { id, play } => {
            let folder = state.selection.dataset.as_ref();
            let shelf = folder.and_then(|folder| state.library.shelf(folder));
            if let Some(shelf) = shelf.cloned() {
                open_track(&shelf, &id, play, state, jobs, sender);
            }
        }
        Command::OpenTrackOf { shelf, id, play } => {
            open_track(&shelf, &id, play, state, jobs, sender);
        }
    }
}

fn open_track(
    shelf: &Shelf,
    id: &str,
    play: bool,
    state: &mut Whole,
    jobs: &Jobs,
    sender: &CommandSender,
) {
    // The data set may have been read again since the row was drawn.
    let Some(&track_idx) = shelf.by_id.get(id) else {
        return;
    };
    // Also where it cannot be heard: its tags can be looked at, and lists walked past it.
    let folder = state.selection.dataset.as_ref();
    let in_use = folder.and_then(|folder| state.library.shelf(folder));
    if in_use.is_some_and(|in_use| in_use.dataset.place == shelf.dataset.place) {
        state.selection.apply(Select::Track(Some(id.to_owned())));
    }
    let track = &shelf.dataset.tracks[track_idx];
    let found = Found {
        id: id.to_owned(),
        path: track.path.clone(),
        truth: shelf.truth_of(track_idx),
        play,
        heard: None,
    };
    match shelf.problem_of.get(&track_idx) {
        Some(problem) if problem.kind == ProblemKind::Missing => seek(found, state, jobs),
        Some(problem) => sender.send(Notice::new(
            Level::Warning,
            format!("Track {id} cannot be opened: {}", problem.message),
        )),
        None => open_found(found, state),
    }
}

fn open_listed(listed: Listed, play: bool, state: &mut Whole, jobs: &Jobs) {
    let track = listed.track;
    let folder = state.selection.dataset.as_deref();
    let opened = folder.and_then(|folder| state.library.browser.opened(folder));
    let found = Found {
        heard: opened.map(|opened| Heard {
            dataset: opened.index.dataset,
            id: track.id.clone(),
            path: track.path.clone(),
            status: track.status,
        }),
        id: track.id,
        path: track.path,
        truth: listed.truth,
        play,
    };
    if track.status == Status::Missing {
        seek(found, state, jobs);
    } else {
        state.selection.apply(Select::Track(Some(found.id.clone())));
        open_found(found, state);
    }
}

/// A track that is to be opened.
#[derive(Clone, Debug)]
struct Found {
    id: String,
    path: PathBuf,
    truth: Vec<TrueSpan>,
    play: bool,
    /// What the catalogue is to remember of it, if it was opened from the list.
    heard: Option<Heard>,
}

/// Looks whether a file that was missing has come since.
fn seek(found: Found, state: &mut Whole, jobs: &Jobs) {
    let key = found.path.clone();
    state.library.sought.ask_again(jobs, key, move |_| {
        let is_there = found.path.is_file();
        Ok((found, is_there))
    });
}

fn open_found(found: Found, state: &mut Whole) {
    if state.song.wanted() != Some(&found.path) {
        state.library.heard = found.heard;
        state.song.open(found.path.clone(), found.truth);
    }
    state.library.play_when_open = found.play.then_some(found.path);
}

/// Called once before each frame: takes in results of jobs, asks for what has become stale.
pub fn logic(state: &mut Whole, jobs: &Jobs, sender: &CommandSender) {
    let library = &mut state.library;
    library.known.poll(jobs);
    if library.n_asked == 0 {
        list_known(library, state.workspace.catalogue(), jobs);
    }
    if library.demo.poll(jobs) {
        match library.demo.take() {
            Some(Ok(folder)) => sender.send(crate::workbench::Command::OpenDataset(folder)),
            Some(Err(error)) => sender.send(Notice::new(
                Level::Error,
                format!("The demo data set could not be made: {error}"),
            )),
            None => {}
        }
    }
    let has_opened = library.browser.poll(jobs);
    if let Some(folder) = &state.selection.dataset {
        let catalogue = state.workspace.catalogue();
        library.browser.request(folder, catalogue.clone(), jobs);
        if has_opened {
            // It may be new in the list, or have changed.
            list_known(library, catalogue, jobs);
        }
        let n_tracks = match library.browser.opened(folder) {
            Some(opened) => Some(opened.index.len()),
            // What cannot be browsed, for whatever is wrong with the catalogue, may still be heard.
            None => library.browser.error(folder).map(|_| 0),
        };
        if let Some(n_tracks) = n_tracks {
            let wanted = folder.clone();
            let work = move |_: &Job| browser::shelf(&wanted, n_tracks);
            let shelf = &mut library.shelf;
            shelf.request_unless_cancelled(jobs, folder.clone(), work);
        }
    }
    library.shelf.poll(jobs);
    if library.sought.poll(jobs)
        && let Some(Ok((found, is_there))) = library.sought.take()
    {
        if is_there {
            // A track of another panel's data set is not chosen in this one.
            if found.heard.is_some() {
                state.selection.apply(Select::Track(Some(found.id.clone())));
            }
            open_found(found, state);
        } else {
            sender.send(Notice::new(
                Level::Warning,
                format!(
                    "Track {} cannot be opened: its audio file is missing: {}",
                    found.id,
                    found.path.display()
                ),
            ));
        }
    }
    let library = &mut state.library;
    if let Some(heard) = &library.heard
        && let Some(found) = heard.outcome(&state.song)
    {
        if found.status != heard.status {
            let (catalogue, dataset) = (state.workspace.catalogue(), heard.dataset);
            let key = (dataset, heard.id.clone());
            library.noted.ask_again(jobs, key, move |_| {
                heard::record(&catalogue, dataset, found)
            });
        }
        library.heard = None;
    }
    // What could not be noted is found again when the track is decoded the next time.
    if library.noted.poll(jobs) && library.noted.error().is_none() {
        library.browser.look_again();
    }
    let opened = library.play_when_open.take_if(|path| {
        state
            .song
            .current()
            .is_some_and(|song| song.heard.path == *path)
    });
    if opened.is_some() {
        sender.send(Play::Start);
    }
}

fn list_known(library: &mut State, catalogue: PathBuf, jobs: &Jobs) {
    library.n_asked += 1;
    library.known.ask_again(jobs, library.n_asked, move |_| {
        // No catalogue yet: nothing is known, and looking must not make one.
        if catalogue.exists() {
            Ok(Catalogue::open(&catalogue)?.datasets()?)
        } else {
            Ok(Vec::new())
        }
    });
}
