//! Results that are shown while they are made: a job that tells what it has so far.

use crate::workbench::Jobs;
use crate::workbench::jobs::{Activity, Slot};
use attune_core::job::Job;
use std::sync::{Arc, Mutex, PoisonError};

/// What a job has so far; the job writes, the window looks without waiting.
type News<T> = Arc<Mutex<Option<Arc<T>>>>;

/// Work whose result grows. What was shown stays until the next has something to show, and when it is stopped.
pub(super) struct InTheMaking<K, T> {
    slot: Slot<K, Arc<T>>,
    /// Of the running job.
    news: Option<(K, News<T>)>,
    shown: Option<(K, Arc<T>)>,
}

impl<K: PartialEq + Clone, T: Send + Sync + 'static> InTheMaking<K, T> {
    pub(super) fn new(name: &'static str) -> Self {
        Self {
            slot: Slot::new(name),
            news: None,
            shown: None,
        }
    }

    /// Begins anew; `work` calls its second argument with what it has.
    pub(super) fn ask(
        &mut self,
        jobs: &Jobs,
        key: K,
        work: impl FnOnce(&Job, &dyn Fn(&T)) -> anyhow::Result<T> + Send + 'static,
    ) where
        T: Clone,
    {
        let news = News::<T>::default();
        self.news = Some((key.clone(), Arc::clone(&news)));
        let waker = jobs.clone();
        self.slot.ask_again(jobs, key, move |job| {
            let tell = |so_far: &T| {
                let so_far = Arc::new(so_far.clone());
                *news.lock().unwrap_or_else(PoisonError::into_inner) = Some(so_far);
                waker.wake();
            };
            Ok(Arc::new(work(job, &tell)?))
        });
    }

    /// Takes in what there is. Whether the work has come to its end.
    pub(super) fn poll(&mut self, jobs: &Jobs) -> bool {
        if let Some((key, news)) = &self.news
            && let Ok(mut news) = news.try_lock()
            && let Some(so_far) = news.take()
        {
            self.shown = Some((key.clone(), so_far));
        }
        let is_over = self.slot.poll(jobs);
        if is_over {
            self.news = None;
            if let (Some(key), Some(whole)) = (self.slot.done_key(), self.slot.value()) {
                self.shown = Some((key.clone(), Arc::clone(whole)));
            }
        }
        is_over
    }

    /// What there is, and what it was asked for.
    pub(super) fn shown(&self) -> Option<(&K, &Arc<T>)> {
        self.shown.as_ref().map(|(key, value)| (key, value))
    }

    /// Why the last work failed.
    pub(super) fn error(&self) -> Option<&str> {
        self.slot.error().filter(|_| !self.slot.is_busy())
    }

    /// How far it is.
    pub(super) fn activity(&self) -> Option<Activity> {
        self.slot.activity().filter(|_| self.slot.is_busy())
    }

    pub(super) fn cancel(&mut self) {
        self.slot.cancel();
        self.news = None;
    }
}

impl<K: std::fmt::Debug, T> std::fmt::Debug for InTheMaking<K, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InTheMaking")
            .field("slot", &self.slot)
            .finish_non_exhaustive()
    }
}
