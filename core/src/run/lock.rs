//! One writer per folder (of a run, of an experiment): a lock that the system takes back when its holder dies, however it dies.
//!
//! Some network file systems (sshfs) tell no machine of another's locks: there the lock looks free to everybody else. So the writer also
//! notes in the file which machine it runs on, and touches it every few seconds. On that machine the lock alone counts; elsewhere
//! a free lock means nothing as long as the file is touched.
//!
//! A machine that slept has not touched it, and may find another's name in it: then the writer there has taken over, and this one stops.

use super::Error;
use crossbeam::channel::{RecvTimeoutError, Sender, bounded};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

const FILE: &str = "writer.lock";

/// How often the writer touches the file.
const BEAT: Duration = Duration::from_secs(5);
/// A writer on another machine that has not touched the file for so long is gone.
const GONE: Duration = Duration::from_secs(30);

/// Held by the writer of a run as long as it lives.
#[derive(Debug)]
pub(crate) struct WriterLock {
    file: File,
    path: PathBuf,
    beat: Option<Beat>,
    /// When it was last looked whether the lock is still held, in milliseconds since 1970.
    looked_unix_ms: u64,
}

/// Tells whether a lock is still its holder's, to threads that write along with it.
#[derive(Clone, Debug)]
pub(crate) struct Holder {
    path: PathBuf,
    /// `None` where machines cannot be told apart.
    machine: Option<&'static str>,
}

impl Holder {
    /// Whether no other machine has taken over. Reads the lock's file.
    pub(crate) fn is_held(&self) -> bool {
        self.machine
            .is_none_or(|machine| is_noted(&self.path, machine))
    }
}

/// The thread that touches the file.
#[derive(Debug)]
struct Beat {
    machine: &'static str,
    /// Dropping it ends the thread.
    end: Sender<()>,
    thread: JoinHandle<()>,
}

impl WriterLock {
    /// Takes the lock of a run folder.
    pub(crate) fn take(folder: &Path) -> Result<Self, Error> {
        Self::take_named(folder, FILE)
    }

    /// Takes the lock of that name in a folder.
    pub(crate) fn take_named(folder: &Path, name: &str) -> Result<Self, Error> {
        let path = folder.join(name);
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(Error::io(&path))?;
        // A reader that looks whether there is a writer holds the lock for an instant.
        for _ in 0..20 {
            match file.try_lock() {
                Ok(()) if is_touched_elsewhere(folder, &file, machine()) => break,
                Ok(()) => return Ok(Self::held(file, path)),
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(5)),
                Err(TryLockError::Error(source)) => return Err(Error::Io { path, source }),
            }
        }
        Err(Error::Locked(folder.to_owned()))
    }

    fn held(file: File, path: PathBuf) -> Self {
        let beat = machine().and_then(|machine| {
            // A handle of its own: with a copy of the lock's, the thread would hold the lock.
            let mut touched = OpenOptions::new().write(true).open(&path).ok()?;
            touch(&mut touched, machine).ok()?;
            let (beat, end) = bounded(0);
            let touched_path = path.clone();
            let beats = move || {
                while end.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
                    if !is_noted(&touched_path, machine) {
                        return;
                    }
                    // A beat that is missed is made up for by the next.
                    drop(touch(&mut touched, machine));
                }
            };
            let thread = std::thread::Builder::new().name("attune-beat".to_owned());
            let thread = thread.spawn(beats).ok()?;
            Some(Beat {
                machine,
                end: beat,
                thread,
            })
        });
        Self {
            file,
            path,
            beat,
            looked_unix_ms: 0,
        }
    }

    /// To be asked before each writing. Fails with [`Error::TakenOver`] if another machine writes now; `now_unix_ms` (milliseconds since
    /// 1970) saves looking more often than the file is touched.
    pub(crate) fn check(&mut self, now_unix_ms: u64) -> Result<(), Error> {
        // The clock of the wall: others do not go on while a machine sleeps.
        let since = now_unix_ms.abs_diff(self.looked_unix_ms);
        if Duration::from_millis(since) < BEAT {
            return Ok(());
        }
        if !self.is_held() {
            let folder = self.path.parent().unwrap_or(&self.path);
            return Err(Error::TakenOver(folder.to_owned()));
        }
        self.looked_unix_ms = now_unix_ms;
        Ok(())
    }

    /// For threads that write along with this lock's holder.
    pub(crate) fn holder(&self) -> Holder {
        Holder {
            path: self.path.clone(),
            machine: self.beat.as_ref().map(|beat| beat.machine),
        }
    }

    fn is_held(&self) -> bool {
        self.holder().is_held()
    }
}

impl Drop for WriterLock {
    fn drop(&mut self) {
        let is_held = self.is_held();
        // No beat after the end.
        if let Some(Beat { end, thread, .. }) = self.beat.take() {
            drop(end);
            drop(thread.join());
        }
        // A writer that ends in order leaves nobody in doubt. What another has noted is not this one's.
        if is_held {
            drop(self.file.set_len(0));
        }
    }
}

/// Whether somebody writes the run. Where locks do not work the answer is yes: nobody is declared dead on a guess.
pub(crate) fn has_writer(folder: &Path) -> bool {
    match File::open(folder.join(FILE)) {
        Ok(file) => {
            if file.try_lock_shared().is_err() {
                return true;
            }
            // At once, for a writer that wants it.
            drop(file.unlock());
            is_touched_elsewhere(folder, &file, machine())
        }
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    }
}

/// Whether the lock file names this machine. One that is out of reach for a moment is taken to.
fn is_noted(path: &Path, machine: &str) -> bool {
    std::fs::read_to_string(path).map_or(true, |noted| noted == machine)
}

fn touch(file: &mut File, machine: &str) -> io::Result<()> {
    file.seek(SeekFrom::Start(0))?;
    file.write_all(machine.as_bytes())
}

/// Whether a machine other than this one has touched the file lately.
fn is_touched_elsewhere(folder: &Path, mut file: &File, machine: Option<&str>) -> bool {
    let mut writer = String::new();
    if file.read_to_string(&mut writer).is_err() || writer.is_empty() {
        return false;
    }
    if machine.is_none_or(|machine| writer == machine) {
        return false;
    }
    let touched = file.metadata().and_then(|metadata| metadata.modified());
    touched.is_ok_and(|at| {
        let is_fresh = |now: SystemTime| now.duration_since(at).is_ok_and(|since| since < GONE);
        // The two machines' clocks may differ; that of the file system is one.
        is_fresh(SystemTime::now()) || now_of(folder).is_some_and(is_fresh)
    })
}

/// The time by the clock of the file system on which a folder lies; `None` where nothing can be written.
fn now_of(folder: &Path) -> Option<SystemTime> {
    let path = folder.join(format!("{FILE}.{}.now", std::process::id()));
    let now = File::create(&path).and_then(|file| file.metadata()?.modified());
    drop(std::fs::remove_file(&path));
    now.ok()
}

/// What knows of all locks of this machine: its running kernel. `None` where the system does not tell.
fn machine() -> Option<&'static str> {
    static MACHINE: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
    let read = || {
        let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        Some(id.trim().to_owned()).filter(|id| !id.is_empty())
    };
    MACHINE.get_or_init(read).as_deref()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a file system without locks shows the writer of another machine.
    fn touched_by(folder: &Path, machine: &str, ago: Duration) {
        let path = folder.join(FILE);
        std::fs::write(&path, machine).unwrap();
        let file = OpenOptions::new().write(true).open(path).unwrap();
        file.set_modified(SystemTime::now() - ago).unwrap();
    }

    #[test]
    fn a_writer_whose_lock_is_not_seen_is_known_by_its_touch() {
        let folder = tempfile::tempdir().unwrap();
        touched_by(folder.path(), "another machine", Duration::from_secs(3));
        assert!(has_writer(folder.path()));
        assert!(matches!(
            WriterLock::take(folder.path()),
            Err(Error::Locked(_))
        ));
        let long_ago = GONE + Duration::from_secs(1);
        touched_by(folder.path(), "another machine", long_ago);
        assert!(!has_writer(folder.path()));
        let lock = WriterLock::take(folder.path()).unwrap();
        assert!(has_writer(folder.path()));
        let noted = std::fs::read_to_string(folder.path().join(FILE)).unwrap();
        assert_eq!(Some(noted.as_str()), machine(), "others can see who writes");
        drop(lock);
        assert!(!has_writer(folder.path()));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_writer_that_slept_stops_where_another_machine_has_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        if machine().is_none() {
            return;
        }
        let mut lock = WriterLock::take(folder.path()).unwrap();
        lock.check(1_000_000).unwrap();
        touched_by(folder.path(), "another machine", Duration::ZERO);
        lock.check(1_000_001)
            .expect("looked a moment ago, and nobody takes over so soon");
        let error = lock.check(1_060_000).unwrap_err();
        assert!(matches!(error, Error::TakenOver(_)), "{error}");
        drop(lock);
        let noted = std::fs::read_to_string(folder.path().join(FILE)).unwrap();
        assert_eq!(noted, "another machine", "its name stays");
    }

    #[test]
    fn on_its_own_machine_a_killed_writer_is_known_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let Some(machine) = machine() else { return };
        touched_by(folder.path(), machine, Duration::ZERO);
        assert!(!has_writer(folder.path()));
        drop(WriterLock::take(folder.path()).unwrap());
        assert_eq!(std::fs::read(folder.path().join(FILE)).unwrap(), b"");
    }
}
