//! Working the queue off: the next run is begun, or gone on with, and handed to whoever follows it; its end is entered.
//!
//! The worker does not wait for a run itself: the window steers it by the same handle as any other training, the terminal shows it with the same
//! progress.

use super::folder::has_ended;
use super::{Entry, Error, Queue};
use crate::message::full_message;
use crate::run::{self, WriterLock};
use crate::train::{self, Handle, Outcome, RunFile, TrainConfig};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Whoever works the queue off; there is one at a time.
#[derive(Debug)]
pub struct Worker {
    queue: Queue,
    lock: WriterLock,
}

/// A run of the queue in training.
#[derive(Debug)]
pub struct Begun {
    /// Its entry.
    pub entry: Entry,
    /// Its training.
    pub handle: Handle,
}

impl Queue {
    /// Begins to work it off. Fails with [`Error::Locked`] if somebody else does.
    pub fn work(&self) -> Result<Worker, Error> {
        let folder = self.folder();
        std::fs::create_dir_all(&folder).map_err(|source| Error::Write {
            path: folder.clone(),
            source,
        })?;
        let lock = WriterLock::take(&folder).map_err(|error| match error {
            run::Error::Locked(folder) => Error::Locked { folder },
            other => other.into(),
        })?;
        Ok(Worker {
            queue: self.clone(),
            lock,
        })
    }
}

impl Worker {
    /// The queue.
    pub fn queue(&self) -> &Queue {
        &self.queue
    }

    /// Begins the next run whose turn it is, one that was interrupted first, or goes on with it; `None` if none is left but such as failed or
    /// as somebody else trains at the moment: these keep their place.
    ///
    /// `wake` is called when its log has grown; it must return at once. A run that cannot begin is marked with its reason, and the next one
    /// has its turn. Fails if the queue cannot be read or written.
    pub fn next(&mut self, wake: &Arc<dyn Fn() + Send + Sync>) -> Result<Option<Begun>, Error> {
        loop {
            self.check()?;
            let entries = self.queue.entries()?.entries;
            let mut waiting = entries.iter().filter(|entry| {
                entry.failure.is_none() && !run::has_writer(&self.run_folder(entry))
            });
            let begun = waiting.clone().find(|entry| entry.begun);
            let Some(entry) = begun.or_else(|| waiting.next()) else {
                return Ok(None);
            };
            if self.is_done(entry) {
                self.queue.done(&entry.id)?;
                continue;
            }
            match self.begin(entry, Arc::clone(wake)) {
                Ok(handle) => {
                    return Ok(Some(Begun {
                        entry: entry.clone(),
                        handle,
                    }));
                }
                // Taken out since the queue was read.
                Err(Error::NoEntry { .. }) => {}
                Err(Error::Train(error)) => self.failed(entry, &full_message(&error))?,
                Err(error) => return Err(error),
            }
        }
    }

    /// Enters how a run that [`Worker::next`] began has ended: one that is trained leaves the queue, one that was stopped stays the next, one
    /// that failed is marked with `outcome`'s reason, and one that failed because somebody else trains it waits on.
    pub fn ended(&mut self, entry: &Entry, outcome: Result<Outcome, &str>) -> Result<(), Error> {
        self.check()?;
        match outcome {
            Ok(Outcome::Finished | Outcome::EarlyStopped) => self.queue.done(&entry.id),
            Ok(Outcome::Stopped) => {
                self.keep_folder(&entry.id);
                Ok(())
            }
            Err(why) => {
                self.keep_folder(&entry.id);
                self.failed(entry, why)
            }
        }
    }

    /// Whether there is nothing left to do for an entry.
    fn is_done(&self, entry: &Entry) -> bool {
        let folder = self.run_folder(entry);
        let is_asked = |run_file: RunFile| entry.more.is_asked_of(&run_file.config);
        let is_ours = match self.recipe(entry) {
            Some(Err(_)) => false,
            Some(Ok(recipe)) => RunFile::read(&folder).is_ok_and(|file| file.config == recipe),
            None => RunFile::in_effect(&folder).is_ok_and(is_asked),
        };
        is_ours && has_ended(&folder)
    }

    /// The entry knows its folder before anything is in it.
    fn begin(&self, entry: &Entry, wake: Arc<dyn Fn() + Send + Sync>) -> Result<Handle, Error> {
        let workspace = self.queue.workspace();
        let folder = self.run_folder(entry);
        let wake = move || wake();
        let enter = |run: Option<PathBuf>| {
            self.queue.change(&entry.id, |entry| {
                entry.begun = true;
                entry.run = run.unwrap_or_else(|| entry.run.clone());
            })
        };
        let Some(recipe) = self.recipe(entry).transpose()? else {
            enter(None)?;
            let in_effect = RunFile::in_effect(&folder)?.config;
            return Ok(if entry.more.is_asked_of(&in_effect) {
                train::resume(&folder, workspace, wake)?
            } else {
                train::extend(&folder, entry.more, workspace, wake)?
            });
        };
        let place = train::place(Some(folder), &recipe, &workspace.runs())?;
        let runs = workspace.runs();
        let folder = place.folder.strip_prefix(&runs).unwrap_or(&place.folder);
        enter(Some(folder.to_owned()))?;
        Ok(if place.is_begun {
            train::resume(&place.folder, workspace, wake)?
        } else {
            train::start_in(place.folder, recipe, workspace, wake)?
        })
    }

    /// The recipe as its run keeps it: one that was written by hand may name an augmentation chain.
    fn recipe(&self, entry: &Entry) -> Option<Result<TrainConfig, train::Error>> {
        let recipe = entry.recipe.as_ref()?;
        Some((**recipe).clone().in_full(self.queue.workspace()))
    }

    /// Our own training has let go of its folder by now: whoever holds it is somebody else, and trains what was asked for.
    fn failed(&self, entry: &Entry, why: &str) -> Result<(), Error> {
        let is_trained_elsewhere = run::has_writer(&self.run_folder(entry));
        let marked = self.queue.change(&entry.id, |entry| {
            entry.begun = false;
            entry.failure = (!is_trained_elsewhere).then(|| why.to_owned());
        });
        match marked {
            // Taken out meanwhile: nobody asks how it went.
            Err(Error::NoEntry { .. }) => Ok(()),
            marked => marked,
        }
    }

    /// A run that ended before it began has taken its empty folder away, whose name is to be kept free.
    fn keep_folder(&self, id: &str) {
        let entries = self.queue.entries().unwrap_or_default().entries;
        let entry = entries.iter().find(|entry| entry.id == id);
        if let Some(entry) = entry.filter(|entry| entry.recipe.is_some()) {
            // It is there: so it should be.
            drop(std::fs::create_dir(self.run_folder(entry)));
        }
    }

    fn run_folder(&self, entry: &Entry) -> PathBuf {
        entry.run_folder(&self.queue.workspace().runs())
    }

    fn check(&mut self) -> Result<(), Error> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Ok(self
            .lock
            .check(now.map_or(0, |now| now.as_millis() as u64))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::DataChoice;
    use crate::workspace::Workspace;

    #[test]
    fn what_somebody_else_trains_waits_until_they_let_go() {
        let root = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(root.path());
        let queue = Queue::of(&workspace);
        let entry = queue
            .add(TrainConfig {
                data: DataChoice::Folder(root.path().join("nothing")),
                ..TrainConfig::for_preset("tiny")
            })
            .unwrap();
        let folder = entry.run_folder(&workspace.runs());
        let mut worker = queue.work().unwrap();
        let wake: Arc<dyn Fn() + Send + Sync> = Arc::new(|| ());
        let failure = || queue.entries().unwrap().entries[0].failure.clone();

        let others = WriterLock::take(&folder).unwrap();
        assert!(worker.next(&wake).unwrap().is_none(), "it is not its turn");
        // They came first after the worker had looked.
        worker
            .ended(&entry, Err("somebody else writes it"))
            .unwrap();
        assert_eq!(failure(), None);
        let table = queue.table().unwrap();
        assert_eq!((table.n_open(), table.n_failed()), (1, 0));

        drop(others);
        let begun = worker.next(&wake).unwrap().unwrap();
        assert!(begun.handle.join().is_err(), "its data set is not there");
        worker.ended(&entry, Err("no data set")).unwrap();
        assert_eq!(failure().as_deref(), Some("no data set"));
    }

    #[test]
    fn what_cannot_be_trained_is_marked_with_its_reason_and_the_next_has_its_turn() {
        let root = tempfile::tempdir().unwrap();
        let queue = Queue::of(&Workspace::at(root.path()));
        let add = |name: &str| {
            let config = TrainConfig {
                name: name.to_owned(),
                data: DataChoice::Folder(root.path().join("nothing")),
                ..TrainConfig::for_preset("tiny")
            };
            queue.add(config).unwrap()
        };
        let (first, second) = (add("edited"), add("homeless"));
        // By hand, and wrong.
        let impossible = |entry: &mut Entry| {
            if let Some(recipe) = &mut entry.recipe {
                recipe.epochs = 0;
            }
        };
        queue.change(&first.id, impossible).unwrap();
        let mut worker = queue.work().unwrap();
        assert!(
            matches!(queue.work(), Err(Error::Locked { .. })),
            "one works"
        );
        let wake: Arc<dyn Fn() + Send + Sync> = Arc::new(|| ());
        let begun = worker.next(&wake).unwrap().unwrap();
        assert_eq!(begun.entry.id, second.id);
        let removed = queue.remove(&second.id);
        assert!(matches!(removed, Err(Error::InTraining { .. })));
        let outcome = begun.handle.join();
        let why = full_message(&outcome.unwrap_err());
        worker.ended(&begun.entry, Err(&why)).unwrap();
        assert!(worker.next(&wake).unwrap().is_none());

        let failures: Vec<String> = queue
            .entries()
            .unwrap()
            .entries
            .into_iter()
            .filter_map(|entry| entry.failure)
            .collect();
        assert!(failures[0].contains("epochs"), "{failures:?}");
        assert!(failures[1].contains("nothing"), "{failures:?}");
        for entry in [&first, &second] {
            let folder = root.path().join("runs").join(&entry.run);
            assert!(folder.is_dir(), "its name is kept for the next attempt");
        }
        queue.retry(&second.id).unwrap();
        let again = worker.next(&wake).unwrap().unwrap();
        assert_eq!(again.entry.run, second.run);
        assert!(again.handle.join().is_err());
    }
}
