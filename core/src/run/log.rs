//! The one writer of a run folder.

use super::columns::ColumnWriter;
use super::export::tensorboard::EventFile;
use super::lock::{Holder, WriterLock};
use super::mailbox::{Mail, Mailbox};
use super::summary::Digest;
use super::{Error, Event, Record, StepScalars, lines};
use crate::message::full_message;
use crate::workspace::write_whole;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub(super) const CONFIGURATION: &str = "run.toml";

/// Scalars wait no longer than this, if steps keep coming.
const FLUSH_AFTER: Duration = Duration::from_secs(1);
/// And no more of them than this.
const MAX_PENDING: u64 = 4096;

/// What the checkpoint knows from which a run goes on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ResumePoint {
    /// Steps done.
    pub step: u64,
    /// Epoch of the next step, from 0.
    pub epoch: u32,
    /// Step of its last validation; `None`: all that was told up to `step` counts.
    pub validated_step: Option<u64>,
    /// Base learning rate in force, if known.
    pub learning_rate: Option<f64>,
}

/// The writer of a run: holds the folder's lock as long as it lives.
///
/// Events reach the system at once, scalars at each event and at least every second (when the next step comes), in
/// this order, so that whoever sees an event sees the steps before it. Killed at any byte, what was handed over stays
/// readable. After an error (a full disk) the writer may be used further: scalars wait, an event is lost.
#[derive(Debug)]
pub struct RunLog {
    folder: PathBuf,
    events: File,
    events_bytes: u64,
    columns: ColumnWriter,
    digest: Digest,
    flushed: Instant,
    clock: fn() -> u64,
    mailbox: Mailbox,
    tensorboard: Option<EventFile>,
    /// Why TensorBoard's file was given up; told with the next mail.
    complaint: Option<String>,
    lock: WriterLock,
}

impl RunLog {
    /// Begins a run in `folder` (made if need be) and writes `configuration` to `run.toml`: everything needed to
    /// repeat the run. Fails with [`Error::Exists`] if there is a run in it, with [`Error::Locked`] if somebody
    /// writes it.
    pub fn create(folder: &Path, configuration: &impl Serialize) -> Result<Self, Error> {
        let text = toml::to_string_pretty(configuration)?;
        std::fs::create_dir_all(folder).map_err(Error::io(folder))?;
        let mailbox = Mailbox::open(folder);
        let lock = WriterLock::take(folder)?;
        if is_run(folder) {
            return Err(Error::Exists(folder.to_owned()));
        }
        let path = folder.join(CONFIGURATION);
        write_whole(&path, |file| file.write_all(text.as_bytes())).map_err(Error::io(path))?;
        Self::open(folder, mailbox, lock)
    }

    /// Goes on with the run in `folder` after `step` steps, in `epoch`, with all that was told up to then. As [`RunLog::resume_from`].
    pub fn resume(folder: &Path, step: u64, epoch: u32) -> Result<Self, Error> {
        Self::resume_from(
            folder,
            &ResumePoint {
                step,
                epoch,
                validated_step: None,
                learning_rate: None,
            },
        )
    }

    /// Goes on with the run in `folder` from a checkpoint: writes `Resumed`, which makes readers forget what came after. Fails with
    /// [`Error::NoRun`] or [`Error::Locked`].
    pub fn resume_from(folder: &Path, point: &ResumePoint) -> Result<Self, Error> {
        if !is_run(folder) {
            return Err(Error::NoRun(folder.to_owned()));
        }
        // Before the lock, because whoever sees the lock may send commands.
        let mailbox = Mailbox::open(folder);
        let lock = WriterLock::take(folder)?;
        let mut log = Self::open(folder, mailbox, lock)?;
        let scalar_rows = log.columns.n_rows();
        let resumed = Event::Resumed {
            scalar_rows,
            validated_step: point.validated_step,
            learning_rate: point.learning_rate,
        };
        log.event(point.step, point.epoch, resumed)?;
        Ok(log)
    }

    /// Writes TensorBoard's event file beside the run from now on, and into a new one what the run has told so far. The run stands at
    /// `step`: what an earlier file has of later steps is declared void.
    pub fn write_tensorboard(&mut self, step: u64) -> Result<(), Error> {
        self.tensorboard = Some(EventFile::open(&self.folder, step, (self.clock)())?);
        Ok(())
    }

    /// Tells threads that write into the folder along with this log whether they still may.
    pub(crate) fn holder(&self) -> Holder {
        self.lock.holder()
    }

    /// Counts time with another clock (milliseconds since 1970), for tests.
    pub fn with_clock(mut self, clock: fn() -> u64) -> Self {
        self.clock = clock;
        self
    }

    /// The run folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Appends an event, with all scalars before it.
    pub fn event(&mut self, step: u64, epoch: u32, event: Event) -> Result<(), Error> {
        self.flush()?;
        let record = Record {
            at_unix_ms: (self.clock)(),
            step,
            epoch,
            event,
        };
        let path = self.folder.join(lines::FILE);
        let mut line = serde_json::to_vec(&record)
            .map_err(io::Error::from)
            .map_err(Error::io(&path))?;
        line.push(b'\n');
        let written = self
            .events
            .seek(SeekFrom::Start(self.events_bytes))
            .and_then(|_| self.events.write_all(&line));
        if let Err(source) = written {
            // Half a line must not run into the next one. If this fails too, the next event overwrites it.
            drop(self.events.set_len(self.events_bytes));
            return Err(Error::Io { path, source });
        }
        self.events_bytes += line.len() as u64;
        self.digest.take_in(&record, self.events_bytes);
        self.digest.save(&self.folder);
        if let Some(tensorboard) = &mut self.tensorboard {
            tensorboard.record(&record);
        }
        self.flush_tensorboard();
        Ok(())
    }

    /// Appends what a step measured. Steps rise.
    pub fn step(&mut self, scalars: &StepScalars) -> Result<(), Error> {
        let at_unix_ms = (self.clock)();
        self.columns.push(scalars, at_unix_ms);
        if let Some(tensorboard) = &mut self.tensorboard {
            tensorboard.step(scalars, at_unix_ms);
        }
        if self.flushed.elapsed() >= FLUSH_AFTER || self.columns.n_pending() >= MAX_PENDING {
            self.flush()?;
        }
        Ok(())
    }

    /// What other processes have sent ([`super::post`]) since the last call, or since this writer was made; and what there is to complain of.
    pub fn mail<T: DeserializeOwned>(&mut self) -> Mail<T> {
        let mut mail = self.mailbox.look();
        mail.complaints.extend(self.complaint.take());
        mail
    }

    /// Hands all scalars to the system now. Fails with [`Error::TakenOver`], as all writing does, if another machine writes the run.
    pub fn flush(&mut self) -> Result<(), Error> {
        self.lock.check((self.clock)())?;
        self.flushed = Instant::now();
        self.columns.flush()?;
        self.flush_tensorboard();
        Ok(())
    }

    /// A copy for another program that cannot be written is no reason to end a training: it is given up, and that is said.
    fn flush_tensorboard(&mut self) {
        let flushed = self.tensorboard.as_mut().map_or(Ok(()), EventFile::flush);
        if let Err(error) = flushed {
            self.tensorboard = None;
            let why = full_message(&error);
            self.complaint = Some(format!("TensorBoard's file is not written any more: {why}"));
        }
    }

    /// Opens the files and cuts off what a killed writer left unfinished.
    fn open(folder: &Path, mailbox: Mailbox, lock: WriterLock) -> Result<Self, Error> {
        let path = folder.join(lines::FILE);
        let open = || {
            let mut events = OpenOptions::new()
                .create(true)
                .truncate(false)
                .read(true)
                .write(true)
                .open(&path)?;
            let mut bytes = Vec::new();
            events.read_to_end(&mut bytes)?;
            let events_bytes = lines::whole_lines(&bytes) as u64;
            events.set_len(events_bytes)?;
            Ok((events, events_bytes))
        };
        let (events, events_bytes) = open().map_err(Error::io(&path))?;
        Ok(Self {
            digest: Digest::load(folder).map_err(Error::io(path))?,
            columns: ColumnWriter::open(folder)?,
            folder: folder.to_owned(),
            events,
            events_bytes,
            flushed: Instant::now(),
            clock: unix_ms,
            mailbox,
            tensorboard: None,
            complaint: None,
            lock,
        })
    }
}

impl Drop for RunLog {
    fn drop(&mut self) {
        // Whoever cares about an error has called `flush`.
        drop(self.flush());
    }
}

/// Whether a folder holds a run.
pub(super) fn is_run(folder: &Path) -> bool {
    folder.join(CONFIGURATION).exists() || folder.join(lines::FILE).exists()
}

fn unix_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{PseudoLabels, Scores};
    use crate::run::{History, Measure, Pick, RunSummary, Scalar};

    #[test]
    fn a_run_has_one_writer() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("run");
        let log = RunLog::create(&run, &toml::Table::new()).unwrap();
        assert!(matches!(RunLog::resume(&run, 0, 0), Err(Error::Locked(_))));
        drop(log);
        assert!(matches!(
            RunLog::create(&run, &toml::Table::new()),
            Err(Error::Exists(_))
        ));
        RunLog::resume(&run, 0, 0).unwrap();
        assert!(matches!(
            RunLog::resume(folder.path(), 0, 0),
            Err(Error::NoRun(_))
        ));
    }

    /// Killed after it had told its validation, before the checkpoint that knows of it: the one before is of the same step.
    #[test]
    fn a_validation_that_the_checkpoint_does_not_know_is_forgotten_wherever_it_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let validated = |loss: f64| Event::Validated {
            loss,
            scores: Scores::default(),
            seconds: 0.1,
            localisation: None,
        };
        let labels = || Event::PseudoLabelled {
            labels: PseudoLabels::new(1),
        };
        let mut log = RunLog::create(folder.path(), &toml::Table::new()).unwrap();
        log.write_tensorboard(0).unwrap();
        for step in 1..=20 {
            let scalars = StepScalars::new(step, 0).with(Scalar::Loss, 0.5);
            log.step(&scalars).unwrap();
            if step.is_multiple_of(10) {
                log.event(step, 0, validated(step as f64)).unwrap();
                log.event(step, 0, labels()).unwrap();
            }
        }
        drop(log);
        let point = ResumePoint {
            step: 20,
            epoch: 0,
            validated_step: Some(10),
            learning_rate: Some(0.1),
        };
        let mut log = RunLog::resume_from(folder.path(), &point).unwrap();
        log.write_tensorboard(20).unwrap();
        log.event(20, 0, validated(21.0)).unwrap();
        drop(log);
        let history = History::open(folder.path()).unwrap();
        let losses: Vec<f64> = history.validations().iter().map(|v| v.loss).collect();
        assert_eq!(losses, [10.0, 21.0]);
        assert_eq!(history.series(Scalar::Loss).len(), 20, "the step counts");
        assert!(history.pseudo_labels().is_some(), "those of the first");
        let summary = RunSummary::read(folder.path()).unwrap();
        let last = summary.validation(Measure::Loss, Pick::Last);
        assert_eq!((summary.best_loss, last), (Some(10.0), Some(21.0)));
    }

    #[test]
    fn a_writer_that_slept_writes_nothing_where_another_has_gone_on() {
        use std::sync::atomic::{AtomicU64, Ordering};
        static NOW: AtomicU64 = AtomicU64::new(1_000_000);
        let folder = tempfile::tempdir().unwrap();
        let log = RunLog::create(folder.path(), &toml::Table::new()).unwrap();
        let mut log = log.with_clock(|| NOW.load(Ordering::Relaxed));
        log.event(0, 0, Event::EpochStarted).unwrap();
        let lock = folder.path().join("writer.lock");
        if std::fs::read(&lock).unwrap().is_empty() {
            // This system does not tell machines apart.
            return;
        }
        std::fs::write(&lock, "another machine").unwrap();
        let events = folder.path().join(lines::FILE);
        let before = std::fs::read(&events).unwrap();
        NOW.fetch_add(60_000, Ordering::Relaxed);
        let error = log.event(1, 0, Event::Finished).unwrap_err();
        assert!(matches!(error, Error::TakenOver(_)), "{error}");
        assert!(log.flush().is_err());
        assert_eq!(std::fs::read(&events).unwrap(), before);
    }
}
