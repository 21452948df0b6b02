//! The augmented sound, made apart from everything that is drawn: what a slider asks for is heard first and seen later.
//!
//! ```text
//! slider ── ask ──► thread: draw.apply ► loudness ──► player's worker ──► callback
//!                      └── result ──► window: picture, waveform, tags
//! ```
//!
//! The thread takes the newest request, leaves out those that were overtaken, and finishes what it has begun: while a slider is dragged,
//! every result is heard. (A [`crate::workbench::jobs::Slot`] drops what was overtaken, so that nothing would be heard before the drag
//! ends.) It hands the sound to the player itself and is the only one to exchange variants, so that an older sound never replaces a newer one.

use super::clip::{ClipKey, Heard};
use super::listen::{self, Variants};
use crate::playback::Feed;
use crate::workbench::Jobs;
use crate::workbench::jobs::Activity;
use attune_core::audio::{Clip, Loudness};
use attune_core::augment::Draw;
use attune_core::job::Progress;
use crossbeam::channel::{Receiver, Sender, TryRecvError, TrySendError, bounded};
use std::sync::Arc;
use std::time::Instant;

/// Positions of a slider while one sound is made, at most.
const MAX_REQUESTS: usize = 256;
/// Sounds that the window has not taken in: then the thread waits for it.
const MAX_RESULTS: usize = 8;

/// What came of a draw.
#[derive(Debug)]
pub(super) struct Sound {
    pub(super) key: ClipKey,
    pub(super) draw: Draw,
    pub(super) clip: Clip,
    pub(super) loudness: Loudness,
    pub(super) n_clipped: usize,
}

impl Sound {
    /// Applies a draw to a clip, as training does: the one place where Audition does it.
    pub(super) fn of(original: &Heard, key: &ClipKey, draw: &Draw) -> Self {
        let mut wave = original.clip.samples.to_vec();
        let applied = draw.apply_among(&mut wave, key.rate_hz, key.company());
        Self {
            loudness: Loudness::of(&wave, 1, key.rate_hz),
            key: key.clone(),
            draw: draw.clone(),
            clip: Clip::mono(wave, key.rate_hz),
            n_clipped: applied.n_clipped,
        }
    }

    pub(super) fn is_of(&self, key: &ClipKey, draw: &Draw) -> bool {
        self.draw == *draw && self.key == *key
    }
}

/// A sound to be made, and who is to hear it.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) key: ClipKey,
    pub(super) draw: Draw,
    pub(super) original: Arc<Heard>,
    pub(super) kept: [Option<Arc<Heard>>; 2],
    pub(super) matches_loudness: bool,
    /// Number of the load in the player that is to go on with it.
    pub(super) to: Option<u64>,
}

impl PartialEq for Request {
    fn eq(&self, other: &Self) -> bool {
        let same = |one: &Arc<Heard>, two: &Arc<Heard>| Arc::ptr_eq(one, two);
        let same_kept = self.kept.iter().zip(&other.kept).all(|pair| match pair {
            (Some(one), Some(two)) => same(one, two),
            (one, two) => one.is_none() && two.is_none(),
        });
        same(&self.original, &other.original)
            && same_kept
            && (self.matches_loudness, self.to) == (other.matches_loudness, other.to)
            && self.draw == other.draw
            && self.key == other.key
    }
}

/// The thread, what it was asked for last, and what it made last.
#[derive(Debug, Default)]
pub(super) struct Live {
    worker: Option<Worker>,
    asked: Option<(Request, Instant)>,
    newest: Option<Arc<Sound>>,
    failed: bool,
}

#[derive(Debug)]
struct Worker {
    requests: Sender<Request>,
    results: Receiver<Arc<Sound>>,
}

impl Live {
    /// Asks for a sound, unless it was asked for last. Takes effect at once, also if another is being made.
    pub(super) fn ask(&mut self, jobs: &Jobs, feed: impl FnOnce() -> Feed, request: Request) {
        if self
            .asked
            .as_ref()
            .is_some_and(|(asked, _)| *asked == request)
        {
            return;
        }
        let worker = match self.worker.take() {
            Some(worker) => Some(worker),
            None => Worker::start(jobs.clone(), feed()),
        };
        let sent = worker.map(|worker| (worker.requests.try_send(request.clone()), worker));
        // A worker that has ended is started anew with the next request.
        self.failed = !matches!(sent, Some((Ok(()) | Err(TrySendError::Full(_)), _)));
        let is_sent = matches!(sent, Some((Ok(()), _)));
        self.worker = sent.map(|(_, worker)| worker).filter(|_| !self.failed);
        // What found no room is asked for again before the next frame.
        if is_sent || self.failed {
            self.asked = Some((request, Instant::now()));
        }
    }

    /// Takes in what was made, and that nothing will be made any more.
    pub(super) fn poll(&mut self) {
        let Some(worker) = &self.worker else {
            return;
        };
        loop {
            match worker.results.try_recv() {
                Ok(sound) => self.newest = Some(sound),
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => break,
            }
        }
        (self.worker, self.failed) = (None, true);
    }

    /// The last sound of this clip.
    pub(super) fn of_clip(&self, key: &ClipKey) -> Option<&Arc<Sound>> {
        self.newest.as_ref().filter(|sound| sound.key == *key)
    }

    pub(super) fn error(&self) -> Option<&'static str> {
        self.failed.then_some("The clip cannot be augmented: its thread has ended (see the terminal). Move a slider to try again.")
    }

    /// The work in progress.
    pub(super) fn activity(&self) -> Option<Activity> {
        let (asked, since) = self.asked.as_ref()?;
        let newest = self.newest.as_ref();
        let is_made = newest.is_some_and(|sound| sound.is_of(&asked.key, &asked.draw));
        (!is_made && !self.failed).then(|| Activity {
            name: NAME,
            progress: Progress {
                done: 0,
                total: 0,
                what: NAME.to_owned(),
            },
            seconds: since.elapsed().as_secs_f32(),
        })
    }
}

const NAME: &str = "augment the clip";

impl Worker {
    /// Ends when its `requests` are dropped.
    fn start(jobs: Jobs, feed: Feed) -> Option<Self> {
        let (requests, wanted) = bounded::<Request>(MAX_REQUESTS);
        let (made, results) = bounded(MAX_RESULTS);
        // At the priority of the window: somebody holds a slider.
        let spawned = std::thread::Builder::new()
            .name(NAME.to_owned())
            .spawn(move || {
                let mut newest: Option<Arc<Sound>> = None;
                while let Ok(first) = wanted.recv() {
                    let request = wanted.try_iter().last().unwrap_or(first);
                    let sound = match newest.take() {
                        Some(sound) if sound.is_of(&request.key, &request.draw) => sound,
                        _ => Arc::new(Sound::of(&request.original, &request.key, &request.draw)),
                    };
                    if let Some(serial) = request.to {
                        let variants = Variants {
                            original: &request.original,
                            augmented: Some(&sound),
                            kept: request.kept.each_ref().map(Option::as_deref),
                            matches_loudness: request.matches_loudness,
                        };
                        feed.exchange(serial, listen::track(&request.key, &variants));
                    }
                    if made.send(Arc::clone(&sound)).is_err() {
                        break;
                    }
                    newest = Some(sound);
                    jobs.wake();
                }
            });
        spawned.ok().map(|_| Self { requests, results })
    }
}
