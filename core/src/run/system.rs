//! `system.jsonl`: what the machine was doing while a run trained, a line about every second.
//!
//! Lines are appended by a thread of the writer's and read as those of the events are; half a line does not count. Once there are
//! [`MOST`] lines, each two neighbours become one and a line stands for twice the time from then on, so that the file stays
//! below a megabyte however long a run is. The file says nothing that a run needs: where it cannot be written, training goes on.

use super::lines;
use super::lock::Holder;
use crate::machine::{Activity, Probe};
use crate::nn::GpuActivity;
use crate::workspace::write_whole;
use crossbeam::channel::{Receiver, RecvTimeoutError, Sender, bounded};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const FILE: &str = "system.jsonl";

/// How long a line stands for at first.
const EVERY: Duration = Duration::from_secs(1);
/// At so many lines the file is thinned.
const MOST: usize = 4096;
/// What the end of a run leaves over is told if it is longer than this.
const SHORTEST: Duration = Duration::from_millis(20);
/// Lines whose times lie further apart, in milliseconds, are not of one sitting and stay apart.
const GAP_MS: f64 = 2000.0;

/// What the machine was doing for a while.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Its end, in milliseconds since 1970 (UTC).
    pub at_unix_ms: u64,
    /// How long it lasted.
    pub seconds: f64,
    /// What was going on. Of memory, the moment in which it was scarcest.
    #[serde(flatten)]
    pub activity: Activity,
}

impl Sample {
    /// Whether it begins where `before` ends: between two sittings there is a gap.
    pub fn follows(&self, before: &Self) -> bool {
        let begun_ms = self.at_unix_ms as f64 - self.seconds * 1000.0;
        (begun_ms - before.at_unix_ms as f64).abs() <= GAP_MS
    }

    /// Both as one, if `next` follows.
    fn joined(&self, next: &Self) -> Option<Self> {
        if !next.follows(self) {
            return None;
        }
        let seconds = self.seconds + next.seconds;
        let mean = |of: fn(&Activity) -> Option<f64>| {
            either(of(&self.activity), of(&next.activity), |a, b| {
                round((a * self.seconds + b * next.seconds) / seconds)
            })
        };
        let worse = |of: fn(&Activity) -> Option<u64>, worse: fn(u64, u64) -> u64| {
            either(of(&self.activity), of(&next.activity), worse)
        };
        Some(Self {
            at_unix_ms: next.at_unix_ms,
            seconds,
            activity: Activity {
                cores: next.activity.cores,
                quota_cores: next.activity.quota_cores,
                busy_cores: mean(|activity| activity.busy_cores),
                process_cores: mean(|activity| activity.process_cores),
                resident_bytes: worse(|activity| activity.resident_bytes, u64::max),
                available_bytes: worse(|activity| activity.available_bytes, u64::min),
                total_bytes: next.activity.total_bytes,
                read_bytes: worse(|activity| activity.read_bytes, u64::saturating_add),
                gpu: either(
                    self.activity.gpu.clone(),
                    next.activity.gpu.clone(),
                    |a, b| joined_gpu(&a, self.seconds, b, next.seconds),
                ),
            },
        })
    }
}

/// What a GPU did for a while and for the while after it; of memory the moment in which it was scarcest.
fn joined_gpu(a: &GpuActivity, a_seconds: f64, b: GpuActivity, b_seconds: f64) -> GpuActivity {
    GpuActivity {
        busy_share: either(a.busy_share, b.busy_share, |a, b| {
            round((a * a_seconds + b * b_seconds) / (a_seconds + b_seconds))
        }),
        process_bytes: either(a.process_bytes, b.process_bytes, u64::max),
        used_bytes: either(a.used_bytes, b.used_bytes, u64::max),
        ..b
    }
}

/// What is known of two, or of the one of which something is known.
fn either<T>(a: Option<T>, b: Option<T>, both: impl FnOnce(T, T) -> T) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(both(a, b)),
        (a, b) => a.or(b),
    }
}

/// Three digits behind the point, for short lines.
fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// What a run's folder tells of its machine. Reading goes on where it ended.
#[derive(Clone, Debug, Default)]
pub struct SystemLog {
    reader: lines::Reader,
    samples: Vec<Sample>,
}

impl SystemLog {
    /// Reads all that is there; nothing for a run of an earlier version, and of a system that tells nothing.
    pub fn read(run_folder: &Path) -> io::Result<Self> {
        let mut log = Self::default();
        log.refresh(run_folder)?;
        Ok(log)
    }

    /// Reads what was written since; whether there was anything.
    pub fn refresh(&mut self, run_folder: &Path) -> io::Result<bool> {
        let path = run_folder.join(FILE);
        if let Some(appended) = self.reader.read::<Sample>(&path)? {
            let is_more = !appended.values.is_empty();
            self.samples.extend(appended.values);
            return Ok(is_more);
        }
        // It was thinned.
        *self = Self::default();
        if let Some(appended) = self.reader.read::<Sample>(&path)? {
            self.samples = appended.values;
        }
        Ok(true)
    }

    /// What was going on, by time. Between sittings there is nothing.
    pub fn samples(&self) -> &[Sample] {
        &self.samples
    }

    /// The same in at most `n` samples, as far as sittings can be told apart with so few.
    pub fn at_most(&self, n: usize) -> Vec<Sample> {
        let mut samples = self.samples.clone();
        while samples.len() > n.max(1) {
            let fewer = thinned(&samples);
            if fewer.len() == samples.len() {
                break;
            }
            samples = fewer;
        }
        samples
    }

    /// The share of all cores that was busy during the newest `seconds`, 0 to 1; in a container, the share of what it may use that this
    /// process used, if that is more. `None` where the system does not tell.
    pub fn busy_share(&self, seconds: f64) -> Option<f64> {
        let newest = self.samples.last()?.at_unix_ms as f64;
        let lately = self.samples.iter().rev();
        let lately = lately.take_while(|sample| newest - sample.at_unix_ms as f64 <= seconds * 1e3);
        let (mut busy, mut all) = (0.0, 0.0);
        for Sample {
            seconds, activity, ..
        } in lately
        {
            if let (Some(busy_cores), Some(cores)) = (activity.busy_cores, activity.cores) {
                let of_machine = busy_cores / cores;
                let of_quota = activity.process_cores.zip(activity.quota_cores);
                let of_quota = of_quota.map_or(0.0, |(used, quota)| (used / quota).min(1.0));
                busy += of_machine.max(of_quota) * seconds;
                all += seconds;
            }
        }
        (all > 0.0).then(|| busy / all)
    }
}

/// Writes the file.
#[derive(Debug)]
struct Writer {
    path: PathBuf,
    file: File,
    /// Whole lines on the disk.
    n_bytes: u64,
    samples: Vec<Sample>,
    /// How long a line stands for.
    every: Duration,
}

impl Writer {
    /// Opens the file, or makes it, and cuts off what a killed writer left unfinished.
    fn open(run_folder: &Path) -> io::Result<Self> {
        let path = run_folder.join(FILE);
        let bytes = match std::fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            bytes => bytes?,
        };
        let whole = &bytes[..lines::whole_lines(&bytes)];
        let samples = whole.split(|&byte| byte == b'\n');
        let samples = samples.filter_map(|line| serde_json::from_slice(line).ok());
        let samples = samples.collect();
        let file = open(&path)?;
        file.set_len(whole.len() as u64)?;
        Ok(Self {
            n_bytes: whole.len() as u64,
            path,
            file,
            samples,
            every: EVERY,
        })
    }

    fn push(&mut self, sample: Sample) -> io::Result<()> {
        let line = line(&sample)?;
        let written = self
            .file
            .seek(SeekFrom::Start(self.n_bytes))
            .and_then(|_| self.file.write_all(&line));
        if written.is_err() {
            // Half a line must not run into the next one. If this fails too, the next line overwrites it.
            drop(self.file.set_len(self.n_bytes));
            return written;
        }
        self.n_bytes += line.len() as u64;
        self.samples.push(sample);
        if self.samples.len() >= MOST {
            self.thin()?;
        }
        Ok(())
    }

    fn thin(&mut self) -> io::Result<()> {
        let thinned = thinned(&self.samples);
        let mut text = Vec::new();
        for sample in &thinned {
            text.extend(line(sample)?);
        }
        write_whole(&self.path, |file| file.write_all(&text))?;
        self.file = open(&self.path)?;
        self.n_bytes = text.len() as u64;
        self.samples = thinned;
        self.every *= 2;
        Ok(())
    }
}

/// For reading and writing; made if need be.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).read(true).write(true);
    options.open(path)
}

fn line(sample: &Sample) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(sample)?;
    line.push(b'\n');
    Ok(line)
}

/// Each two neighbours of a sitting as one.
fn thinned(samples: &[Sample]) -> Vec<Sample> {
    let mut thinned = Vec::with_capacity(samples.len() / 2 + 1);
    let mut rest = samples;
    while let [first, after @ ..] = rest {
        let joined = after.first().and_then(|second| first.joined(second));
        rest = if joined.is_some() { &after[1..] } else { after };
        thinned.push(joined.unwrap_or_else(|| first.clone()));
    }
    thinned
}

/// Looks at the machine on a thread of its own, as long as it lives, and writes down what it sees.
#[derive(Debug)]
pub(crate) struct Sampler {
    thread: Option<(Sender<()>, JoinHandle<()>)>,
    complaints: Receiver<String>,
}

impl Sampler {
    /// Begins, and writes as long as `holder` holds the folder's lock: after that the file is another machine's. Where the system tells
    /// nothing, it does nothing.
    pub(crate) fn start(run_folder: &Path, holder: Holder) -> Self {
        let (complain, complaints) = bounded(1);
        let Some(probe) = Probe::new() else {
            return Self {
                thread: None,
                complaints,
            };
        };
        let started = Writer::open(run_folder).and_then(|writer| {
            let (end, ended) = bounded(0);
            let complain = complain.clone();
            let thread = std::thread::Builder::new()
                .name("attune-system".to_owned())
                .spawn(move || watch(probe, writer, &holder, &ended, &complain))?;
            Ok((end, thread))
        });
        Self {
            thread: started.inspect_err(|error| tell(error, &complain)).ok(),
            complaints,
        }
    }

    /// What there is to complain of, once.
    pub(crate) fn take_complaint(&self) -> Option<String> {
        self.complaints.try_recv().ok()
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        if let Some((end, thread)) = self.thread.take() {
            drop(end);
            drop(thread.join());
        }
    }
}

fn tell(error: &io::Error, complain: &Sender<String>) {
    // If another complaint waits to be told, that one is enough.
    drop(complain.try_send(format!(
        "{FILE} (processor, memory) cannot be written at present: {error}"
    )));
}

fn watch(
    mut probe: Probe,
    mut writer: Writer,
    holder: &Holder,
    ended: &Receiver<()>,
    complain: &Sender<String>,
) {
    let mut since = Instant::now();
    let mut has_complained = false;
    loop {
        let is_over = ended.recv_timeout(writer.every) == Err(RecvTimeoutError::Disconnected);
        let seconds = since.elapsed();
        if is_over && seconds < SHORTEST {
            return;
        }
        since += seconds;
        let mut activity = probe.look();
        for cores in [&mut activity.busy_cores, &mut activity.process_cores] {
            *cores = cores.map(round);
        }
        if !holder.is_held() {
            // The trainer finds out with its next line, and ends.
            return;
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let written = writer.push(Sample {
            at_unix_ms: now.map_or(0, |now| now.as_millis() as u64),
            seconds: round(seconds.as_secs_f64()),
            activity,
        });
        if let (Err(error), false) = (written, has_complained) {
            has_complained = true;
            tell(&error, complain);
        }
        if is_over {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::WriterLock;

    /// The `nth` second of a sitting.
    fn sample(nth: u64) -> Sample {
        Sample {
            at_unix_ms: 1_700_000_000_000 + nth * 1000,
            seconds: 1.0,
            activity: Activity {
                cores: Some(4.0),
                quota_cores: None,
                busy_cores: Some((nth % 4) as f64),
                process_cores: None,
                resident_bytes: Some(1000 + nth),
                available_bytes: Some(900_000 - nth),
                total_bytes: Some(1_000_000),
                read_bytes: Some(10),
                gpu: None,
            },
        }
    }

    #[test]
    fn a_container_that_uses_up_what_it_may_has_no_core_free() {
        let mut log = SystemLog::default();
        for nth in 0..10 {
            let mut sample = sample(nth);
            sample.activity.cores = Some(64.0);
            sample.activity.busy_cores = Some(3.0);
            sample.activity.process_cores = Some(1.96);
            log.samples.push(sample);
        }
        let share = |log: &SystemLog| log.busy_share(f64::INFINITY).unwrap();
        assert!(share(&log) < 0.05);
        for sample in &mut log.samples {
            sample.activity.quota_cores = Some(2.0);
        }
        assert!((share(&log) - 0.98).abs() < 1e-9);
    }

    #[test]
    fn of_a_gpu_the_mean_share_and_the_most_memory_are_kept() {
        let with_gpu = |nth: u64, busy_share: Option<f64>, process_bytes: u64| {
            let mut sample = sample(nth);
            sample.activity.gpu = Some(GpuActivity {
                name: "A".into(),
                busy_share,
                process_bytes: Some(process_bytes),
                used_bytes: None,
                total_bytes: Some(1000),
            });
            sample
        };
        let samples = [
            with_gpu(0, Some(0.5), 70),
            with_gpu(1, Some(0.9), 30),
            with_gpu(2, None, 10),
            with_gpu(3, Some(0.2), 20),
            sample(4),
        ];
        let fewer = thinned(&samples);
        let gpu = |nth: usize| fewer[nth].activity.gpu.as_ref();
        assert_eq!(gpu(0).unwrap().busy_share, Some(0.7));
        assert_eq!(gpu(0).unwrap().process_bytes, Some(70));
        assert_eq!(gpu(0).unwrap().used_bytes, None);
        assert_eq!(gpu(1).unwrap().busy_share, Some(0.2), "what is known");
        assert_eq!(gpu(2), None);
        let line = line(&fewer[2]).unwrap();
        assert!(!String::from_utf8(line).unwrap().contains("gpu"));
    }

    #[test]
    fn what_is_written_is_read_also_when_the_writer_was_killed_within_a_line() {
        let folder = tempfile::tempdir().unwrap();
        assert!(SystemLog::read(folder.path()).unwrap().samples().is_empty());
        let mut follower = SystemLog::default();
        let mut writer = Writer::open(folder.path()).unwrap();
        for nth in 0..3 {
            writer.push(sample(nth)).unwrap();
        }
        assert!(follower.refresh(folder.path()).unwrap());
        assert!(!follower.refresh(folder.path()).unwrap());
        drop(writer);
        let path = folder.path().join(FILE);
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() - 7]).unwrap();
        assert_eq!(
            SystemLog::read(folder.path()).unwrap().samples(),
            [0, 1].map(sample)
        );
        let mut writer = Writer::open(folder.path()).unwrap();
        writer.push(sample(9)).unwrap();
        assert_eq!(
            SystemLog::read(folder.path()).unwrap().samples(),
            [0, 1, 9].map(sample)
        );
    }

    #[test]
    fn a_long_run_is_thinned_and_nothing_of_it_is_lost_but_detail() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(folder.path()).unwrap();
        let mut follower = SystemLog::default();
        let n = MOST as u64 * 3;
        for nth in 0..n {
            writer.push(sample(nth)).unwrap();
            if nth % 700 == 0 {
                follower.refresh(folder.path()).unwrap();
            }
        }
        follower.refresh(folder.path()).unwrap();
        let read = SystemLog::read(folder.path()).unwrap();
        assert_eq!(follower.samples(), read.samples());
        assert!(read.samples().len() < MOST);
        let size = std::fs::metadata(folder.path().join(FILE)).unwrap().len();
        assert!(size < 1_000_000, "{size}");
        let seconds: f64 = read.samples().iter().map(|sample| sample.seconds).sum();
        assert_eq!(seconds, n as f64);
        let bytes = read.samples().iter().map(|s| s.activity.read_bytes);
        assert_eq!(bytes.sum::<Option<u64>>(), Some(10 * n));
        let busy = read.busy_share(f64::INFINITY).unwrap();
        assert!((busy - 1.5 / 4.0).abs() < 1e-3, "{busy}");
        let few = read.at_most(100);
        assert!((50..=100).contains(&few.len()), "{}", few.len());
        let seconds: f64 = few.iter().map(|sample| sample.seconds).sum();
        assert_eq!(seconds, n as f64);
        let last = &read.samples().last().unwrap().activity;
        assert_eq!(last.resident_bytes, Some(1000 + n - 1), "the most");
    }

    #[test]
    fn sittings_stay_apart() {
        let day = 86_400;
        let samples = [sample(0), sample(day), sample(day + 1), sample(3 * day)];
        let thinned = thinned(&samples);
        let ends: Vec<f64> = thinned.iter().map(|sample| sample.seconds).collect();
        assert_eq!(ends, [1.0, 2.0, 1.0]);
        assert_eq!(thinned[1].at_unix_ms, samples[2].at_unix_ms);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_short_sitting_leaves_a_line_too() {
        let folder = tempfile::tempdir().unwrap();
        let lock = WriterLock::take(folder.path()).unwrap();
        let sampler = Sampler::start(folder.path(), lock.holder());
        std::thread::sleep(SHORTEST * 2);
        assert_eq!(sampler.take_complaint(), None);
        drop(sampler);
        let log = SystemLog::read(folder.path()).unwrap();
        assert_eq!(log.samples().len(), 1);
        assert!(log.samples()[0].activity.resident_bytes.unwrap() > 0);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_another_machine_has_taken_over_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let lock = WriterLock::take(folder.path()).unwrap();
        let sampler = Sampler::start(folder.path(), lock.holder());
        std::fs::write(folder.path().join("writer.lock"), "another machine").unwrap();
        std::thread::sleep(SHORTEST * 2);
        drop(sampler);
        let log = SystemLog::read(folder.path()).unwrap();
        assert!(log.samples().is_empty(), "{:?}", log.samples());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn where_it_cannot_write_it_complains_once_and_does_no_harm() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(FILE)).unwrap();
        let lock = WriterLock::take(folder.path()).unwrap();
        let sampler = Sampler::start(folder.path(), lock.holder());
        assert!(sampler.take_complaint().unwrap().contains(FILE));
        assert_eq!(sampler.take_complaint(), None);
    }
}
