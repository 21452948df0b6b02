//! The queue's folder: its entries in their order, and changes of it, one at a time, by whatever process.

use super::{Entry, Error};
use crate::run::{self, RunSummary, Status, WriterLock};
use crate::train::{More, RunFile, TrainConfig};
use crate::workspace::{Workspace, write_whole};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The name of the lock that is held for the moment of a change.
const EDIT: &str = "edit.lock";
/// A change waits so often for another one, each time for as long as the lock itself waits (0.1 s).
const PATIENCE: usize = 50;
/// Between two of them.
const PAUSE: Duration = Duration::from_millis(100);

/// The queue of a workspace.
#[derive(Clone, Debug)]
pub struct Queue {
    workspace: Workspace,
}

/// What lies in the queue.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Entries {
    /// The entries in the order of their places.
    pub entries: Vec<Entry>,
    /// Files that are none. They are left alone, and nothing waits for them.
    pub unreadable: Vec<Unreadable>,
}

/// A file in the queue that is not understood.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Unreadable {
    /// The file's name without its ending.
    pub id: String,
    /// What is wrong, with the line.
    pub why: String,
}

impl Queue {
    /// The queue of a workspace; its folder is made with the first entry.
    pub fn of(workspace: &Workspace) -> Self {
        Self {
            workspace: workspace.clone(),
        }
    }

    /// The workspace.
    pub fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// Its folder.
    pub fn folder(&self) -> PathBuf {
        self.workspace.queue()
    }

    /// Whether somebody works it off.
    pub fn is_worked_on(&self) -> bool {
        run::has_writer(&self.folder())
    }

    /// All entries, in their order. Fails if the folder cannot be read; no folder is an empty queue.
    pub fn entries(&self) -> Result<Entries, Error> {
        let folder = self.folder();
        let files = match std::fs::read_dir(&folder) {
            Ok(files) => files,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Entries::default()),
            Err(source) => {
                return Err(Error::Read {
                    path: folder,
                    source,
                });
            }
        };
        let mut all = Entries::default();
        for file in files {
            let path = match file {
                Ok(file) => file.path(),
                Err(source) => {
                    return Err(Error::Read {
                        path: folder,
                        source,
                    });
                }
            };
            let (Some(id), true) = (
                id_of(&path),
                path.extension().is_some_and(|it| it == "toml"),
            ) else {
                continue;
            };
            match std::fs::read_to_string(&path) {
                Ok(text) => match toml::from_str::<Entry>(&text) {
                    Ok(entry) => all.entries.push(Entry { id, ..entry }),
                    Err(error) => all.unreadable.push(Unreadable {
                        id,
                        why: error.to_string(),
                    }),
                },
                // Taken out since the folder was read.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => all.unreadable.push(Unreadable {
                    id,
                    why: error.to_string(),
                }),
            }
        }
        let order = |a: &Entry, b: &Entry| a.place.total_cmp(&b.place).then(a.id.cmp(&b.id));
        all.entries.sort_by(order);
        all.unreadable.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(all)
    }

    /// Puts a new run at the end; its folder is kept free from now on.
    ///
    /// The recipe is kept as it is now: an augmentation chain that is edited later changes nothing. Fails if it is not possible.
    pub fn add(&self, config: TrainConfig) -> Result<Entry, Error> {
        let config = config.absolute().in_full(&self.workspace)?;
        config.check()?;
        config.check_network()?;
        let _lock = self.editing()?;
        // A run elsewhere, or one whose folder was taken away, may have an entry of that name: such folders are held until a free name is found.
        let mut taken = Vec::new();
        let folder = loop {
            let folder = run::allocate(&self.workspace.runs(), &config.label())?;
            if !self.path(&id_of_folder(&folder)).exists() {
                break folder;
            }
            taken.push(folder);
        };
        taken.iter().for_each(|folder| free(folder));
        let entry = Entry {
            id: id_of_folder(&folder),
            place: self.last_place()?,
            run: folder.file_name().map(PathBuf::from).unwrap_or_default(),
            begun: false,
            failure: None,
            more: More::default(),
            recipe: Some(Box::new(config)),
        };
        let added = self.write(&entry);
        if added.is_err() {
            free(&folder);
        }
        added.map(|()| entry)
    }

    /// Puts a run at the end that is there already, to go on, or to go on for longer than was asked of it.
    ///
    /// Fails if it is in the queue, or if it has ended and nothing more is asked.
    pub fn add_run(&self, run_folder: &Path, more: More) -> Result<Entry, Error> {
        let folder = std::path::absolute(run_folder).unwrap_or_else(|_| run_folder.to_owned());
        let id = id_of_folder(&folder);
        // That it is a run, before anything is written.
        let in_effect = RunFile::in_effect(&folder)?.config;
        if has_ended(&folder) && more.is_asked_of(&in_effect) {
            return Err(Error::Ended { id });
        }
        let _lock = self.editing()?;
        if self.path(&id).exists() {
            return Err(Error::Twice { id });
        }
        let here = std::path::absolute(self.workspace.runs()).unwrap_or_default();
        let entry = Entry {
            place: self.last_place()?,
            run: folder
                .strip_prefix(&here)
                .map_or_else(|_| folder.clone(), Path::to_path_buf),
            begun: false,
            failure: None,
            more,
            recipe: None,
            id,
        };
        self.write(&entry)?;
        Ok(entry)
    }

    /// Takes an entry out. A run that was begun stays, as any other that was stopped.
    ///
    /// Fails if it is in training.
    pub fn remove(&self, id: &str) -> Result<(), Error> {
        let _lock = self.editing()?;
        let found = self.entries()?;
        if found.unreadable.iter().any(|file| file.id == id) {
            return self.delete(id);
        }
        let entry = named(found, id)?;
        if entry.begun && self.is_worked_on() {
            return Err(Error::InTraining { id: entry.id });
        }
        self.take_out(&entry)
    }

    /// Gives an entry the place `position`, from 1, in the order of [`Queue::entries`]; beyond the end is the end.
    pub fn move_to(&self, id: &str, position: usize) -> Result<(), Error> {
        let _lock = self.editing()?;
        let found = self.entries()?;
        let mut others = found.entries.clone();
        let mut entry = named(found, id)?;
        others.retain(|other| other.id != id);
        let at = position.saturating_sub(1).min(others.len());
        let before = at.checked_sub(1).map(|at| others[at].place);
        let after = others.get(at).map(|other| other.place);
        entry.place = match (before, after) {
            (Some(before), Some(after)) => f64::midpoint(before, after),
            (Some(before), None) => before + 1.0,
            (None, Some(after)) => after - 1.0,
            (None, None) => return Ok(()),
        };
        let is_between = before.is_none_or(|before| before < entry.place)
            && after.is_none_or(|after| entry.place < after);
        if is_between {
            return self.write(&entry);
        }
        // Places by hand, or so often halved that there is nothing between them.
        others.insert(at, entry);
        for (at, mut other) in others.into_iter().enumerate() {
            other.place = (at + 1) as f64;
            self.write(&other)?;
        }
        Ok(())
    }

    /// Lets a failed entry have its turn again; its run goes on from its last checkpoint, if there is one.
    pub fn retry(&self, id: &str) -> Result<(), Error> {
        self.change(id, |entry| entry.failure = None)
    }

    /// Changes an entry. Fails if there is none of that name.
    pub(super) fn change(&self, id: &str, change: impl FnOnce(&mut Entry)) -> Result<(), Error> {
        let _lock = self.editing()?;
        let mut entry = named(self.entries()?, id)?;
        change(&mut entry);
        self.write(&entry)
    }

    /// Takes out an entry whose run has ended; one that somebody took out already is no error.
    pub(super) fn done(&self, id: &str) -> Result<(), Error> {
        let _lock = self.editing()?;
        self.delete(id)
    }

    fn take_out(&self, entry: &Entry) -> Result<(), Error> {
        self.delete(&entry.id)?;
        if entry.recipe.is_some() {
            free(&entry.run_folder(&self.workspace.runs()));
        }
        Ok(())
    }

    fn delete(&self, id: &str) -> Result<(), Error> {
        let path = self.path(id);
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != ErrorKind::NotFound => {
                Err(Error::Write { path, source })
            }
            _ => Ok(()),
        }
    }

    fn write(&self, entry: &Entry) -> Result<(), Error> {
        let text = toml::to_string_pretty(entry)?;
        let path = self.path(&entry.id);
        write_whole(&path, |file| file.write_all(text.as_bytes()))
            .map_err(|source| Error::Write { path, source })
    }

    fn path(&self, id: &str) -> PathBuf {
        self.folder().join(format!("{id}.toml"))
    }

    fn last_place(&self) -> Result<f64, Error> {
        let entries = self.entries()?.entries;
        let places = entries.iter().map(|entry| entry.place);
        // By hand one can write anything.
        let last = places.filter(|place| place.is_finite()).fold(0.0, f64::max);
        Ok(last.floor() + 1.0)
    }

    fn editing(&self) -> Result<WriterLock, Error> {
        let folder = self.folder();
        std::fs::create_dir_all(&folder).map_err(|source| Error::Write {
            path: folder.clone(),
            source,
        })?;
        for _ in 0..PATIENCE {
            match WriterLock::take_named(&folder, EDIT) {
                // Another machine's lock is told of at once.
                Err(run::Error::Locked(_)) => std::thread::sleep(PAUSE),
                taken => return Ok(taken?),
            }
        }
        Err(Error::Busy { folder })
    }
}

/// Whether the run in a folder is at its end.
pub(super) fn has_ended(run_folder: &Path) -> bool {
    RunSummary::read(run_folder)
        .is_ok_and(|summary| matches!(summary.status, Status::Finished | Status::EarlyStopped))
}

/// The folder of a run that will not be trained, if nothing is in it.
fn free(folder: &Path) {
    drop(std::fs::remove_dir(folder));
}

fn named(found: Entries, id: &str) -> Result<Entry, Error> {
    let known = found.entries.iter().map(|entry| entry.id.clone()).collect();
    let mut entries = found.entries.into_iter();
    entries
        .find(|entry| entry.id == id)
        .ok_or_else(|| Error::NoEntry {
            id: id.to_owned(),
            known,
        })
}

fn id_of(path: &Path) -> Option<String> {
    Some(path.file_stem()?.to_str()?.to_owned())
}

fn id_of_folder(folder: &Path) -> String {
    let name = folder.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue() -> (tempfile::TempDir, Queue) {
        let root = tempfile::tempdir().unwrap();
        let queue = Queue::of(&Workspace::at(root.path()));
        for name in ["a", "b", "c"] {
            let config = TrainConfig {
                name: name.to_owned(),
                ..TrainConfig::for_preset("tiny")
            };
            queue.add(config).unwrap();
        }
        (root, queue)
    }

    fn order(queue: &Queue) -> Vec<String> {
        let entries = queue.entries().unwrap().entries;
        entries.into_iter().map(|entry| entry.id).collect()
    }

    #[test]
    fn entries_are_added_at_the_end_moved_and_taken_out() {
        let (root, queue) = queue();
        assert_eq!(order(&queue), ["a-1", "b-1", "c-1"]);
        for (id, position, expected) in [
            ("c-1", 1, ["c-1", "a-1", "b-1"]),
            ("c-1", 2, ["a-1", "c-1", "b-1"]),
            ("a-1", 99, ["c-1", "b-1", "a-1"]),
        ] {
            queue.move_to(id, position).unwrap();
            assert_eq!(order(&queue), expected, "{id} to {position}");
        }
        let folder = root.path().join("runs/b-1");
        assert!(folder.is_dir(), "its name is kept free");
        queue.remove("b-1").unwrap();
        assert_eq!(order(&queue), ["c-1", "a-1"]);
        assert!(!folder.exists());
        let error = queue.remove("b-1").unwrap_err().to_string();
        assert!(error.contains("c-1, a-1"), "{error}");
    }

    #[test]
    fn places_that_leave_no_room_are_numbered_anew() {
        let (_root, queue) = queue();
        for id in ["a-1", "b-1", "c-1"] {
            queue.change(id, |entry| entry.place = 7.0).unwrap();
        }
        queue.move_to("c-1", 2).unwrap();
        assert_eq!(order(&queue), ["a-1", "c-1", "b-1"]);
        for _ in 0..80 {
            queue.move_to("b-1", 2).unwrap();
            queue.move_to("c-1", 2).unwrap();
        }
        assert_eq!(order(&queue), ["a-1", "c-1", "b-1"]);
    }

    #[test]
    fn a_file_that_is_no_entry_is_told_and_takes_nothing_with_it() {
        let (_root, queue) = queue();
        let path = queue.folder().join("mine.toml");
        std::fs::write(path, "place = \"first\"\n").unwrap();
        let found = queue.entries().unwrap();
        assert_eq!(found.entries.len(), 3);
        let [wrong] = &found.unreadable[..] else {
            panic!("{found:?}")
        };
        assert!(
            wrong.id == "mine" && wrong.why.contains("place"),
            "{wrong:?}"
        );
        queue.remove("mine").unwrap();
        assert!(queue.entries().unwrap().unreadable.is_empty());
    }

    #[test]
    fn a_run_is_in_the_queue_once_and_must_be_there() {
        let (root, queue) = queue();
        let none = queue.add_run(&root.path().join("runs/z-1"), More::default());
        assert!(none.unwrap_err().to_string().contains("run.toml"));
    }
}
