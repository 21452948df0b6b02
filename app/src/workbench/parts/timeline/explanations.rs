//! What songs were explained by: wishes of the panel, worked through one after the other in the background, and what came of them.

use crate::workbench::Jobs;
use crate::workbench::jobs::{Activity, Slot};
use crate::workbench::parts::song::OpenSong;
use attune_core::interpret::{ExplanationCache, Method, SongExplanation, SongSettings};
use attune_core::predict::Model;
use std::sync::{Arc, Mutex, PoisonError};

/// How a song is to be explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// By the methods for every day.
    Usual,
    /// By one method; for one tag (index) where each costs passes of its own.
    Method(Method, Option<usize>),
}

impl How {
    /// By a method, for a tag.
    pub fn by(method: Method, tag: usize) -> Self {
        Self::Method(method, method.is_per_tag().then_some(tag))
    }

    fn settings(self) -> SongSettings {
        match self {
            Self::Usual => SongSettings::default(),
            Self::Method(method, tag) => SongSettings {
                methods: vec![method],
                tags: tag.map(|tag| vec![tag]),
                ..SongSettings::default()
            },
        }
    }
}

/// What is to be explained: the same song while somebody holds it, and a wish does.
#[derive(Clone, Debug)]
pub struct Wish {
    song: Arc<OpenSong>,
    model: Arc<Model>,
    how: How,
}

impl PartialEq for Wish {
    fn eq(&self, other: &Self) -> bool {
        self.is_of(&other.song, &other.model) && self.how == other.how
    }
}

impl Wish {
    /// A song, explained by a model.
    pub fn new(song: &Arc<OpenSong>, model: &Arc<Model>, how: How) -> Self {
        Self {
            song: Arc::clone(song),
            model: Arc::clone(model),
            how,
        }
    }

    fn is_of(&self, song: &Arc<OpenSong>, model: &Model) -> bool {
        Arc::ptr_eq(&self.song, song) && self.model.fingerprint == model.fingerprint
    }
}

/// So many explanations are kept; on disk there are more.
const MOST: usize = 96;

/// What is there already of a wish at work.
type Part = Arc<Mutex<Option<Arc<SongExplanation>>>>;

/// Wishes and what came of them.
#[derive(Debug)]
pub(super) struct Explanations {
    work: Slot<Wish, Arc<SongExplanation>>,
    coming: Part,
    /// What had come in the last frame.
    part: Option<(Wish, Arc<SongExplanation>)>,
    /// The newest last.
    made: Vec<(Wish, Arc<SongExplanation>)>,
    failed: Vec<(Wish, String)>,
    /// What the user does not want.
    stopped: Vec<Wish>,
    /// What was wished for last.
    wanted: Vec<Wish>,
}

impl Default for Explanations {
    fn default() -> Self {
        Self {
            work: Slot::new("explain song"),
            coming: Part::default(),
            part: None,
            made: Vec::new(),
            failed: Vec::new(),
            stopped: Vec::new(),
            wanted: Vec::new(),
        }
    }
}

impl Explanations {
    /// What came of a wish, or as much as is there of it.
    pub(super) fn find(&self, wish: &Wish) -> Option<&Arc<SongExplanation>> {
        let whole_or_part = self.made.iter().chain(&self.part);
        let mut found = whole_or_part.filter(|(made, _)| made == wish);
        found.next().map(|(_, explained)| explained)
    }

    /// Whether all of a wish is there.
    pub(super) fn is_whole(&self, wish: &Wish) -> bool {
        self.made.iter().any(|(made, _)| made == wish)
    }

    /// Whether an explanation is no part of one that is still coming.
    pub(super) fn is_made(&self, explained: &Arc<SongExplanation>) -> bool {
        let mut made = self.made.iter();
        made.any(|(_, made)| Arc::ptr_eq(made, explained))
    }

    /// Why nothing came of a wish.
    pub(super) fn error(&self, wish: &Wish) -> Option<&str> {
        let failed = self.failed.iter().find(|(failed, _)| failed == wish);
        failed.map(|(_, error)| error.as_str())
    }

    /// Whether something must be done so that a wish comes true.
    fn is_open(&self, wish: &Wish) -> bool {
        !self.is_whole(wish) && self.error(wish).is_none() && !self.is_stopped(wish)
    }

    /// Whether the user stopped it.
    pub(super) fn is_stopped(&self, wish: &Wish) -> bool {
        self.stopped.contains(wish)
    }

    /// Whether the work at hand is one of these wishes, or none of them is open and there is none.
    pub(super) fn is_settled(&self, wishes: &[Wish]) -> bool {
        match self.work.busy_with() {
            // One after the other: what is begun is ended if it is still wanted.
            Some(busy) => wishes.contains(busy),
            None => !wishes.iter().any(|wish| self.is_open(wish)),
        }
    }

    /// Works on the first of these wishes that is open, beginning at `first_secs` of the song, and on nothing else. What is known of other
    /// songs is let go: it lies on disk.
    pub(super) fn want(
        &mut self,
        wishes: &[Wish],
        first_secs: f64,
        cache: &ExplanationCache,
        jobs: &Jobs,
    ) {
        if let Some(first) = wishes.first() {
            let is_of_song = |wish: &Wish| Arc::ptr_eq(&wish.song, &first.song);
            self.made.retain(|(wish, _)| is_of_song(wish));
            self.failed.retain(|(wish, _)| is_of_song(wish));
            self.stopped.retain(is_of_song);
        }
        self.wanted = wishes.to_vec();
        let Some(wish) = wishes.iter().find(|wish| self.is_open(wish)).cloned() else {
            self.work.cancel();
            return;
        };
        if self.work.busy_with() == Some(&wish) {
            return;
        }
        let coming = Part::default();
        self.coming = Arc::clone(&coming);
        let (cache, wake, wanted) = (cache.clone(), jobs.waker(), wish.clone());
        self.work.request(jobs, wish, move |job| {
            let wave = wanted.song.wave_at(wanted.model.sample_rate_hz(), job)?;
            let settings = wanted.how.settings();
            let mut on_part = |part: SongExplanation| {
                *coming.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(part));
                wake();
            };
            let explained = cache.song_in_parts(
                &wanted.model,
                &wave,
                &settings,
                first_secs,
                job,
                &mut on_part,
            )?;
            Ok(Arc::new(explained))
        });
    }

    /// Takes in what has come; why it failed, if something did.
    pub(super) fn poll(&mut self, jobs: &Jobs) -> Option<String> {
        if let Ok(mut coming) = self.coming.try_lock()
            && let Some(part) = coming.take()
            && let Some(wish) = self.work.busy_with()
        {
            self.part = Some((wish.clone(), part));
        }
        if !self.work.poll(jobs) {
            return None;
        }
        self.part = None;
        let wish = self.work.done_key()?.clone();
        match self.work.take()? {
            Ok(explained) => {
                self.made.push((wish, explained));
                // The oldest that nobody wants goes first.
                while self.made.len() > MOST {
                    let is_idle = |(made, _): &(Wish, _)| !self.wanted.contains(made);
                    let Some(oldest) = self.made.iter().position(is_idle) else {
                        break;
                    };
                    self.made.remove(oldest);
                }
                None
            }
            Err(error) => {
                self.failed.push((wish, error.clone()));
                Some(error)
            }
        }
    }

    pub(super) fn activity(&self) -> Option<Activity> {
        self.work.activity()
    }

    /// Stops what is at work, and all that is wanted now.
    pub(super) fn stop(&mut self) {
        self.stopped.extend(self.wanted.iter().cloned());
        self.work.cancel();
        self.part = None;
    }

    /// Lets what was stopped or has failed be wanted again.
    pub(super) fn forget_stopped(&mut self) {
        self.stopped.clear();
        self.failed.clear();
    }
}
