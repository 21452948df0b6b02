//! The part of the state about the doctor: examinations of the data set in use, their reports, and hearing what they found.

use crate::workbench::jobs::{Activity, Slot};
use crate::workbench::parts::library;
use crate::workbench::{CommandSender, Jobs, Level, Notice, Play, State as Whole};
use attune_core::dataset::doctor::{Entry, Notebook, Options, Report, Sound, examine};
use attune_core::dataset::{Collection, Place};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// What the view shows. Changed only by [`run`] and [`logic`].
#[derive(Debug)]
pub struct State {
    report: Slot<PathBuf, Arc<Report>>,
    so_far: SoFar,
    exported: Slot<usize, [PathBuf; 2]>,
    n_exports: usize,
    /// What is heard as soon as its file is open.
    play_when_open: Option<(PathBuf, f64)>,
}

/// What an examination has found before its report.
#[derive(Debug, Default)]
struct SoFar {
    place: Option<PathBuf>,
    entries: Vec<Entry>,
    /// What its threads have found since the last frame.
    inbox: Arc<Mutex<Vec<Entry>>>,
}

impl SoFar {
    /// Begins anew, with an inbox that no earlier examination writes to.
    fn of(place: PathBuf) -> Self {
        Self {
            place: Some(place),
            ..Self::default()
        }
    }

    /// Takes in what has come; never waits.
    fn poll(&mut self) {
        if let Ok(mut inbox) = self.inbox.try_lock() {
            self.entries.append(&mut inbox);
        }
    }
}

impl Default for State {
    fn default() -> Self {
        Self {
            report: Slot::new("examine data set"),
            so_far: SoFar::default(),
            exported: Slot::new("export findings"),
            n_exports: 0,
            play_when_open: None,
        }
    }
}

impl State {
    /// The last report about a data set, if it has been examined.
    pub fn report(&self, place: &PathBuf) -> Option<&Arc<Report>> {
        self.report.value_for(place)
    }

    /// What the last examination of a data set found before it was done, in the order in which it was found.
    pub fn so_far(&self, place: &PathBuf) -> &[Entry] {
        if self.so_far.place.as_ref() == Some(place) {
            &self.so_far.entries
        } else {
            &[]
        }
    }

    /// Why the last examination of a data set failed.
    pub fn error(&self, place: &PathBuf) -> Option<&str> {
        let is_of_it = self.report.done_key() == Some(place);
        is_of_it.then(|| self.report.error()).flatten()
    }

    /// Whether that data set is being examined.
    pub fn is_examining(&self, place: &PathBuf) -> bool {
        self.report.busy_with() == Some(place)
    }

    /// How far the examination is.
    pub fn progress(&self) -> Option<Activity> {
        self.report.activity()
    }

    /// Work in progress, for the status bar.
    pub fn activities(&self) -> impl Iterator<Item = Activity> {
        let activities = [self.report.activity(), self.exported.activity()];
        activities.into_iter().flatten()
    }

    /// Cancels it. What was heard is kept.
    pub fn cancel_jobs(&mut self) {
        self.report.cancel();
        self.exported.cancel();
    }
}

/// What the view can ask for.
#[derive(Debug)]
pub enum Command {
    /// Examine the data set in use, again if need be.
    Examine,
    /// The same, and compare files with the checksums that were published with the data set.
    CompareChecksums,
    /// Stop examining.
    Cancel,
    /// Open the file that a finding is about, and play it from the place concerned if `play`.
    Hear {
        /// The file and the place.
        sound: Sound,
        /// Whether to play it.
        play: bool,
    },
    /// Write the report and the rules that mend it below the workspace's exports.
    Export,
}

/// Carries out a command, between frames.
pub fn run(command: Command, state: &mut Whole, jobs: &Jobs, sender: &CommandSender) {
    match command {
        Command::Examine | Command::CompareChecksums => {
            let checksums = matches!(command, Command::CompareChecksums);
            let Some(place) = state.selection.dataset.clone() else {
                return;
            };
            let workspace = state.workspace.clone();
            let written = place.clone();
            state.doctor.so_far = SoFar::of(place.clone());
            let inbox = Arc::clone(&state.doctor.so_far.inbox);
            state.doctor.report.ask_again(jobs, place, move |job| {
                job.report(0, 0, "reading the data set");
                let place = Place::parse(&written);
                let collection = Collection::open_with(&place.folder, job)?;
                let mut notebook = Notebook::open(&workspace)?;
                let split = place.split.as_deref();
                let options = Options {
                    checksums,
                    ..Options::default()
                };
                let found = |entry: &Entry| {
                    let mut inbox = inbox.lock().unwrap_or_else(PoisonError::into_inner);
                    inbox.push(entry.clone());
                };
                let report = examine(&collection, split, &options, &mut notebook, &found, job)?;
                Ok(Arc::new(report))
            });
        }
        Command::Cancel => state.doctor.report.cancel(),
        Command::Hear { sound, play } => hear(sound, play, state, sender),
        Command::Export => {
            let place = state.selection.dataset.as_ref();
            let Some((place, report)) =
                place.and_then(|place| Some((place, Arc::clone(state.doctor.report(place)?))))
            else {
                return;
            };
            let stem = library::export_stem(&report.name, place);
            let folder = state.workspace.exports();
            let doctor = &mut state.doctor;
            doctor.n_exports += 1;
            doctor.exported.ask_again(jobs, doctor.n_exports, move |_| {
                let files =
                    ["check.json", "rules.toml"].map(|end| folder.join(format!("{stem} {end}")));
                report.write(&files[0])?;
                report.write_mending(&files[1])?;
                Ok(files)
            });
        }
    }
}

/// Opens the file, as a track of the data set in use if it is one, so that Timeline knows its tags.
fn hear(sound: Sound, play: bool, state: &mut Whole, sender: &CommandSender) {
    let Sound {
        track,
        path,
        start_secs,
    } = sound;
    let place = state.selection.dataset.as_ref();
    let shelf = place.and_then(|place| state.library.shelf(place));
    let is_track = shelf.is_some_and(|shelf| {
        let idx = shelf.by_id.get(&track);
        idx.is_some_and(|&idx| shelf.dataset.tracks[idx].path == path)
    });
    if is_track {
        let open = library::Command::OpenTrack {
            id: track,
            play: false,
        };
        sender.send(crate::workbench::Command::Library(open));
    } else if state.song.wanted() != Some(&path) {
        state.song.open(path.clone(), Vec::new());
    }
    state.doctor.play_when_open = play.then_some((path, start_secs));
}

/// Called once before each frame: takes in results, and plays what has been opened.
pub fn logic(state: &mut Whole, jobs: &Jobs, sender: &CommandSender) {
    state.doctor.so_far.poll();
    if state.doctor.report.poll(jobs) {
        // What it heard, the catalogue knows now.
        state.library.look_again();
        if let Some(error) = state.doctor.report.error() {
            let text = format!("The data set could not be examined: {error}");
            sender.send(Notice::new(Level::Error, text));
        } else {
            // The report holds all of it.
            state.doctor.so_far = SoFar::default();
        }
    }
    if state.doctor.exported.poll(jobs) {
        match state.doctor.exported.take() {
            Some(Ok([report, rules])) => sender.send(Notice::new(
                Level::Success,
                format!(
                    "Wrote the findings to {} and rules that leave out what is faulty to {}",
                    report.display(),
                    rules.display()
                ),
            )),
            Some(Err(error)) => sender.send(Notice::new(
                Level::Error,
                format!("The findings could not be written: {error}"),
            )),
            None => {}
        }
    }
    let song = &state.song;
    let opened = state.doctor.play_when_open.take_if(|(path, _)| {
        song.wanted() == Some(path) && song.current().is_some_and(|song| song.heard.path == *path)
    });
    if let Some((_, to_secs)) = opened {
        sender.send(Play::Seek { to_secs });
        sender.send(Play::Start);
    }
}
