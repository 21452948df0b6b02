//! Background work of the window: named threads, cancel, progress, and results that know what they were asked for.
//!
//! A [`Slot`] is one kind of work ("decode song", "explain song"). At most one request of a kind runs and at most one
//! waits; the newest wins: asking for something else cancels what runs. A result carries the key it was computed for, so
//! that a panel never shows yesterday's answer as today's. Slots live in the state; panels read them, only the code that
//! runs commands asks and polls.

use anyhow::anyhow;
use attune_core::job::{Cancel, Cancelled, Job, Progress};
use crossbeam::channel::{Receiver, TryRecvError, bounded};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

type Work<T> = Box<dyn FnOnce(&Job) -> anyhow::Result<T> + Send>;

/// What background work needs from the window: to be noticed.
#[derive(Clone)]
pub struct Jobs {
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl Jobs {
    /// `wake` makes the window look for news soon; any thread may call it.
    pub fn new(wake: impl Fn() + Send + Sync + 'static) -> Self {
        Self {
            wake: Arc::new(wake),
        }
    }

    /// Makes the window look for news soon.
    pub fn wake(&self) {
        (self.wake)();
    }

    /// The function behind [`Jobs::wake`], to hand to core.
    pub fn waker(&self) -> Arc<dyn Fn() + Send + Sync> {
        Arc::clone(&self.wake)
    }
}

impl std::fmt::Debug for Jobs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Jobs")
    }
}

struct Running<K, T> {
    key: K,
    cancel: Cancel,
    stage: Arc<Mutex<Stage>>,
    outcome: Receiver<anyhow::Result<T>>,
}

/// What is being done, how far it is, and since when.
#[derive(Clone)]
struct Stage {
    progress: Progress,
    since: Instant,
}

impl Stage {
    fn new(what: &str) -> Self {
        let what = what.to_owned();
        Self {
            progress: Progress {
                done: 0,
                total: 0,
                what,
            },
            since: Instant::now(),
        }
    }
}

/// One kind of background work: its newest request, how far it is, and the last result.
pub struct Slot<K, T> {
    name: &'static str,
    running: Option<Running<K, T>>,
    waiting: Option<(K, Work<T>)>,
    done: Option<(K, Result<T, String>)>,
    n_done: u64,
    cancelled: Option<K>,
}

impl<K: PartialEq + Clone, T: Send + 'static> Slot<K, T> {
    /// A kind of work called `name`: what the thread is called and what the user reads beside the progress bar.
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            running: None,
            waiting: None,
            done: None,
            n_done: 0,
            cancelled: None,
        }
    }

    /// Asks for `work` with `key`, unless exactly that is done, runs or waits already.
    pub fn request(
        &mut self,
        jobs: &Jobs,
        key: K,
        work: impl FnOnce(&Job) -> anyhow::Result<T> + Send + 'static,
    ) {
        let wanted = match (&self.waiting, &self.running, &self.done) {
            (Some((waiting, _)), _, _) => Some(waiting),
            (None, Some(running), _) => Some(&running.key),
            (None, None, Some((done, _))) => Some(done),
            (None, None, None) => None,
        };
        if wanted != Some(&key) {
            self.ask_again(jobs, key, work);
        }
    }

    /// As [`Self::request`], for who asks in every frame: what was cancelled does not begin again before [`Self::forget_cancelled`] or
    /// another key.
    pub fn request_unless_cancelled(
        &mut self,
        jobs: &Jobs,
        key: K,
        work: impl FnOnce(&Job) -> anyhow::Result<T> + Send + 'static,
    ) {
        if self.cancelled.as_ref() != Some(&key) {
            self.request(jobs, key, work);
        }
    }

    /// Asks for `work` with `key`, whatever has been done before.
    pub fn ask_again(
        &mut self,
        jobs: &Jobs,
        key: K,
        work: impl FnOnce(&Job) -> anyhow::Result<T> + Send + 'static,
    ) {
        self.cancelled = None;
        if let Some(running) = &self.running {
            running.cancel.cancel();
            self.waiting = Some((key, Box::new(work)));
        } else {
            self.start(jobs, key, Box::new(work));
        }
    }

    /// Cancels what runs and forgets what waits. The last result stays.
    pub fn cancel(&mut self) {
        if let Some(key) = self.busy_with() {
            self.cancelled = Some(key.clone());
        }
        self.waiting = None;
        if let Some(running) = &self.running {
            running.cancel.cancel();
        }
    }

    /// Cancels everything and forgets the last result.
    pub fn clear(&mut self) {
        self.cancel();
        self.done = None;
        self.cancelled = None;
    }

    /// Takes in what has come in; starts what waited. Whether there is a new result.
    pub fn poll(&mut self, jobs: &Jobs) -> bool {
        let Some(running) = &self.running else {
            return false;
        };
        let outcome = match running.outcome.try_recv() {
            Err(TryRecvError::Empty) => return false,
            Err(TryRecvError::Disconnected) => Err(anyhow!(
                "{}: ended unexpectedly (see the terminal)",
                self.name
            )),
            Ok(outcome) => outcome,
        };
        let superseded = running.cancel.is_cancelled();
        let cancelled = |error: &anyhow::Error| error.chain().any(|cause| cause.is::<Cancelled>());
        // What nobody wants any more goes before other work begins: it may hold a lock that is needed there.
        let outcome = match outcome {
            _ if superseded => None,
            Err(error) if cancelled(&error) => None,
            outcome => Some(outcome.map_err(|error| format!("{error:#}"))),
        };
        let finished = self.running.take();
        if let Some((key, work)) = self.waiting.take() {
            self.start(jobs, key, work);
        }
        let Some((finished, outcome)) = finished.zip(outcome) else {
            return false;
        };
        self.done = Some((finished.key, outcome));
        self.n_done += 1;
        true
    }

    /// The last result, or what went wrong.
    pub fn result(&self) -> Option<&Result<T, String>> {
        self.done.as_ref().map(|(_, result)| result)
    }

    /// The last good result, whatever it was asked for.
    pub fn value(&self) -> Option<&T> {
        self.result().and_then(|result| result.as_ref().ok())
    }

    /// The result for exactly `key`, if it is there and good.
    pub fn value_for(&self, key: &K) -> Option<&T> {
        match &self.done {
            Some((done, Ok(value))) if done == key => Some(value),
            _ => None,
        }
    }

    /// Why the last request failed.
    pub fn error(&self) -> Option<&str> {
        match self.result() {
            Some(Err(error)) => Some(error),
            _ => None,
        }
    }

    /// Takes the last result out, for values that must move on.
    pub fn take(&mut self) -> Option<Result<T, String>> {
        self.done.take().map(|(_, result)| result)
    }

    /// What the last result was asked for.
    pub fn done_key(&self) -> Option<&K> {
        self.done.as_ref().map(|(key, _)| key)
    }

    /// How many results there have been: another number, another result, where keys are the same.
    pub fn n_done(&self) -> u64 {
        self.n_done
    }

    /// What was being worked on, or waited, when it was cancelled; nothing was asked for since. Who asks in every frame must not ask for it
    /// again of its own accord.
    pub fn cancelled_key(&self) -> Option<&K> {
        self.cancelled.as_ref()
    }

    /// Lets what was cancelled be asked for again.
    pub fn forget_cancelled(&mut self) {
        self.cancelled = None;
    }

    /// What is being worked on, or waits to be.
    pub fn busy_with(&self) -> Option<&K> {
        match (&self.waiting, &self.running) {
            (Some((key, _)), _) => Some(key),
            (None, Some(running)) if !running.cancel.is_cancelled() => Some(&running.key),
            _ => None,
        }
    }

    /// Whether something runs or waits that was not cancelled.
    pub fn is_busy(&self) -> bool {
        self.busy_with().is_some()
    }

    /// How far the running work is, for the status bar. Never waits.
    pub fn activity(&self) -> Option<Activity> {
        let running = self.running.as_ref()?;
        if running.cancel.is_cancelled() && self.waiting.is_none() {
            return None;
        }
        let stage = match running.stage.try_lock() {
            Ok(stage) => stage.clone(),
            Err(_) => Stage::new(""),
        };
        Some(Activity {
            name: self.name,
            progress: stage.progress,
            seconds: stage.since.elapsed().as_secs_f32(),
        })
    }

    fn start(&mut self, jobs: &Jobs, key: K, work: Work<T>) {
        let cancel = Cancel::new();
        let stage = Arc::new(Mutex::new(Stage::new(self.name)));
        let (sender, outcome) = bounded(1);
        let listener = {
            let stage = Arc::clone(&stage);
            let wake = jobs.waker();
            move |news: Progress| {
                let mut stage = stage.lock().unwrap_or_else(PoisonError::into_inner);
                if stage.progress.what != news.what {
                    stage.since = Instant::now();
                }
                stage.progress = news;
                drop(stage);
                wake();
            }
        };
        let job = Job::new(cancel.clone(), listener);
        let wake = WakeOnDrop(jobs.clone());
        let failed = sender.clone();
        let spawned = std::thread::Builder::new()
            .name(self.name.to_owned())
            .spawn(move || {
                attune_core::device::enter_worker();
                // Dropped from the last to the first, also when the work panics: the end can be seen before the window is woken.
                let wake = wake;
                let sender = sender;
                // Nobody listens any more: the window is closing.
                drop(sender.send(work(&job)));
                drop(sender);
                drop(wake);
            });
        if let Err(error) = spawned {
            drop(failed.try_send(Err(
                anyhow::Error::new(error).context("cannot start a thread"),
            )));
        }
        self.running = Some(Running {
            key,
            cancel,
            stage,
            outcome,
        });
    }
}

impl<K, T> Drop for Slot<K, T> {
    fn drop(&mut self) {
        if let Some(running) = &self.running {
            running.cancel.cancel();
        }
    }
}

impl<K: std::fmt::Debug, T> std::fmt::Debug for Slot<K, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Slot")
            .field("name", &self.name)
            .field(
                "running",
                &self.running.as_ref().map(|running| &running.key),
            )
            .finish_non_exhaustive()
    }
}

/// Work that runs, as the status bar shows it.
#[derive(Clone, Debug)]
pub struct Activity {
    /// Name of the kind of work.
    pub name: &'static str,
    /// How far it is; `total` 0 while unknown.
    pub progress: Progress,
    /// How long what it says it is doing has taken so far.
    pub seconds: f32,
}

impl Activity {
    /// Part done, 0..=1, if known.
    pub fn fraction(&self) -> Option<f32> {
        let Progress { done, total, .. } = self.progress;
        (total > 0).then(|| (done as f32 / total as f32).clamp(0.0, 1.0))
    }
}

/// The window must hear of an end by panic as well.
struct WakeOnDrop(Jobs);

impl Drop for WakeOnDrop {
    fn drop(&mut self) {
        self.0.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    fn jobs() -> (Jobs, mpsc::Receiver<()>) {
        let (sender, receiver) = mpsc::channel();
        (
            Jobs::new(move || {
                _ = sender.send(());
            }),
            receiver,
        )
    }

    fn wait(slot: &mut Slot<u32, u32>, jobs: &Jobs, news: &mpsc::Receiver<()>) {
        while slot.is_busy() && !slot.poll(jobs) {
            news.recv().unwrap();
        }
    }

    #[test]
    fn a_result_comes_with_its_key_and_is_not_computed_twice() {
        let (jobs, news) = jobs();
        let mut slot = Slot::new("test");
        slot.request(&jobs, 3, |_| Ok(9));
        wait(&mut slot, &jobs, &news);
        assert_eq!(slot.value_for(&3), Some(&9));
        assert_eq!(slot.value_for(&4), None);
        slot.request(&jobs, 3, |_| panic!("asked twice"));
        assert!(!slot.is_busy());
    }

    #[test]
    fn what_was_cancelled_is_known_until_something_is_asked_for() {
        let (jobs, news) = jobs();
        let mut slot = Slot::new("test");
        slot.request(&jobs, 3, |job| {
            while !job.cancel.is_cancelled() {
                std::thread::yield_now();
            }
            Err(Cancelled.into())
        });
        slot.cancel();
        assert_eq!(slot.cancelled_key(), Some(&3));
        assert!(!slot.is_busy());
        slot.request(&jobs, 4, |_| Ok(1));
        assert_eq!(slot.cancelled_key(), None);
        wait(&mut slot, &jobs, &news);
        assert_eq!(slot.value_for(&4), Some(&1));
    }

    #[test]
    fn the_newest_request_wins_and_the_old_one_is_told_to_stop() {
        let (jobs, news) = jobs();
        let mut slot = Slot::new("test");
        let (saw_cancel, cancels) = mpsc::channel();
        let until_cancelled = move |job: &Job| {
            while !job.cancel.is_cancelled() {
                std::thread::yield_now();
            }
            saw_cancel.send(()).unwrap();
            Ok(1)
        };
        slot.request(&jobs, 1, until_cancelled);
        slot.request(&jobs, 2, |_| panic!("overtaken before it ran"));
        slot.request(&jobs, 3, |_| Ok(30));
        wait(&mut slot, &jobs, &news);
        while slot.done_key() != Some(&3) {
            news.recv().unwrap();
            slot.poll(&jobs);
        }
        assert_eq!(slot.value(), Some(&30));
        assert_eq!(cancels.try_recv(), Ok(()));
    }

    #[test]
    fn a_panic_in_a_job_is_an_error_not_a_frozen_window() {
        let (jobs, news) = jobs();
        let mut slot: Slot<u32, u32> = Slot::new("test");
        slot.request(&jobs, 1, |_| panic!("on purpose"));
        wait(&mut slot, &jobs, &news);
        assert!(slot.error().unwrap().contains("ended unexpectedly"));
    }

    #[test]
    fn a_cancelled_job_leaves_the_last_result() {
        let (jobs, news) = jobs();
        let mut slot = Slot::new("test");
        slot.request(&jobs, 1, |_| Ok(10));
        wait(&mut slot, &jobs, &news);
        slot.request(&jobs, 2, |job: &Job| {
            while !job.cancel.is_cancelled() {
                std::thread::yield_now();
            }
            job.check()?;
            Ok(20)
        });
        slot.cancel();
        assert!(!slot.is_busy());
        while slot.running.is_some() {
            news.recv().unwrap();
            slot.poll(&jobs);
        }
        assert_eq!(slot.value(), Some(&10));
        slot.request_unless_cancelled(&jobs, 2, |_| panic!("begun again of its own accord"));
        slot.cancel();
        assert_eq!(
            slot.cancelled_key(),
            Some(&2),
            "whoever cancels twice has still cancelled"
        );
        slot.forget_cancelled();
        slot.request_unless_cancelled(&jobs, 2, |_| Ok(20));
        wait(&mut slot, &jobs, &news);
        assert_eq!(slot.value_for(&2), Some(&20));
    }

    #[test]
    fn each_result_has_a_number_of_its_own_though_its_key_be_the_same() {
        let (jobs, news) = jobs();
        let mut slot = Slot::new("test");
        slot.ask_again(&jobs, 1, |_| Ok(10));
        wait(&mut slot, &jobs, &news);
        let first = slot.n_done();
        slot.ask_again(&jobs, 1, |_| Ok(11));
        wait(&mut slot, &jobs, &news);
        assert_ne!(slot.n_done(), first);
    }

    #[test]
    fn what_a_superseded_job_holds_is_let_go_before_the_next_begins() {
        let (jobs, news) = jobs();
        let lock = Arc::new(Mutex::new(()));
        let mut slot: Slot<u32, Arc<Mutex<()>>> = Slot::new("test");
        let held = Arc::clone(&lock);
        slot.request(&jobs, 1, move |_| Ok(held));
        let watched = Arc::clone(&lock);
        let (tell, told) = mpsc::channel();
        slot.request(&jobs, 2, move |_| {
            tell.send(Arc::strong_count(&watched)).unwrap();
            Ok(watched)
        });
        while slot.done_key() != Some(&2) {
            news.recv().unwrap();
            slot.poll(&jobs);
        }
        // This test's and the second job's.
        assert_eq!(told.recv(), Ok(2));
    }
}
