//! A thread that looks at files again and again and publishes what it finds, so that no frame reads a file, and an idle window stays idle.

use super::jobs::Jobs;
use arc_swap::ArcSwap;
use attune_core::job::{Cancel, Job};
use crossbeam::channel::{RecvTimeoutError, Sender, TrySendError, bounded};
use std::sync::Arc;
use std::time::Duration;

/// What was found last.
enum News<T> {
    Reading,
    Found(Arc<T>),
    Failed(String),
}

/// Follows something until it is dropped.
pub(super) struct Following<T> {
    news: Arc<ArcSwap<News<T>>>,
    cancel: Cancel,
    /// Dropping it ends the thread.
    poke: Sender<()>,
}

/// What a look may do: stop in time, and publish what it has found so far.
pub(super) struct Look<'a, T> {
    /// Cancelled when nobody follows any more.
    pub(super) job: &'a Job,
    publish: &'a dyn Fn(Result<T, String>),
}

impl<T> Look<'_, T> {
    /// Shows what was found; the window is woken if it differs from what was shown.
    pub(super) fn publish(&self, found: Result<T, String>) {
        (self.publish)(found);
    }
}

impl<T> std::fmt::Debug for Following<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Following")
    }
}

impl<T> Drop for Following<T> {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

impl<T: PartialEq + Send + Sync + 'static> Following<T> {
    /// Starts a thread called `name` that calls `look` until the value is dropped; `look` says how long to wait before the next time.
    pub(super) fn start(
        name: &str,
        jobs: &Jobs,
        mut look: impl FnMut(&Look<'_, T>) -> Duration + Send + 'static,
    ) -> Self {
        let news = Arc::new(ArcSwap::from_pointee(News::Reading));
        let (poke, pokes) = bounded::<()>(1);
        let cancel = Cancel::new();
        let (published, wake) = (Arc::clone(&news), jobs.clone());
        let job = Job::new(cancel.clone(), |_| ());
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                attune_core::device::enter_worker();
                let publish = |found: Result<T, String>| {
                    let news = match found {
                        Ok(found) => News::Found(Arc::new(found)),
                        Err(error) => News::Failed(error),
                    };
                    if is_news(&published.load(), &news) {
                        published.store(Arc::new(news));
                        wake.wake();
                    }
                };
                loop {
                    let pause = look(&Look {
                        job: &job,
                        publish: &publish,
                    });
                    let is_over = job.check().is_err();
                    if is_over || pokes.recv_timeout(pause) == Err(RecvTimeoutError::Disconnected) {
                        return;
                    }
                }
            });
        if let Err(error) = thread {
            news.store(Arc::new(News::Failed(format!(
                "cannot start a thread: {error}"
            ))));
        }
        Self { news, cancel, poke }
    }

    /// Makes it look at once.
    pub(super) fn poke(&self) {
        match self.poke.try_send(()) {
            // Full: it will look anyway.
            Ok(()) | Err(TrySendError::Full(()) | TrySendError::Disconnected(())) => {}
        }
    }

    /// What was found last; `None` before the first look, and while looking fails.
    pub(super) fn found(&self) -> Option<Arc<T>> {
        match &**self.news.load() {
            News::Found(found) => Some(Arc::clone(found)),
            News::Reading | News::Failed(_) => None,
        }
    }

    /// Why nothing can be shown.
    pub(super) fn error(&self) -> Option<String> {
        match &**self.news.load() {
            News::Failed(error) => Some(error.clone()),
            News::Reading | News::Found(_) => None,
        }
    }
}

fn is_news<T: PartialEq>(before: &News<T>, now: &News<T>) -> bool {
    match (before, now) {
        (News::Found(before), News::Found(now)) => before != now,
        (News::Failed(before), News::Failed(now)) => before != now,
        _ => true,
    }
}
