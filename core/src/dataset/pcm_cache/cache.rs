//! The cache at one rate, for those who read from it.

use super::super::{Error, Problem, ProblemKind, Track};
use super::budget::trim;
use super::key::{Keys, hash_of};
use super::pcm::{Known, Pcm};
use super::warnings::Warnings;
use super::writer::Writer;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// The cache of decoded audio at one rate. As long as it lives, nobody throws away the shards that its tracks lie in.
#[derive(Debug)]
pub struct PcmCache {
    pub(super) root: PathBuf,
    pub(super) folder: PathBuf,
    pub(super) rate_hz: u32,
    pub(super) budget_bytes: Option<u64>,
    pub(super) catalogue: Option<PathBuf>,
    known: RwLock<Known>,
    /// What tracks that were found damaged are decoded into, if there were any since [`Self::prepare`].
    pub(super) repairs: Mutex<Option<Writer>>,
    warnings: Mutex<Warnings>,
}

impl PcmCache {
    /// Opens the cache below `folder` (made when first written to) for audio at `rate_hz`.
    pub fn open(folder: impl AsRef<Path>, rate_hz: u32) -> Result<Self, Error> {
        if rate_hz == 0 {
            return Err(Error::BadConfig("a sample rate cannot be 0 Hz".into()));
        }
        let root = folder.as_ref().to_path_buf();
        Ok(Self {
            folder: root.join(rate_hz.to_string()),
            root,
            rate_hz,
            budget_bytes: None,
            catalogue: None,
            known: RwLock::default(),
            repairs: Mutex::default(),
            warnings: Mutex::default(),
        })
    }

    /// The same, but what lies below the folder, at all rates, may take only so many bytes (`None`: as many as there are).
    #[must_use]
    pub fn with_budget(mut self, budget_bytes: Option<u64>) -> Self {
        self.budget_bytes = budget_bytes;
        self
    }

    /// The same, but the catalogue in this file is told what decoding finds.
    #[must_use]
    pub fn with_catalogue(mut self, file: PathBuf) -> Self {
        self.catalogue = Some(file);
        self
    }

    /// The rate of all samples in it.
    pub fn rate_hz(&self) -> u32 {
        self.rate_hz
    }

    /// A track's samples, if [`Self::prepare`] made them available.
    pub fn samples(&self, track: &Track) -> Option<Pcm> {
        self.known().pcm(hash_of(&track.path))
    }

    /// Fills `out` with a track's samples from `offset` on as floats in -1..1, and with zeros beyond the end.
    ///
    /// A track whose samples are not those that were written is decoded again. Fails with [`Error::NotCached`] if it was not prepared,
    /// with [`Error::NotRepaired`] if it cannot be decoded again.
    pub fn read(&self, track: &Track, offset: usize, out: &mut [f32]) -> Result<(), Error> {
        let pcm = self.samples(track);
        let pcm = pcm.ok_or_else(|| Error::NotCached(track.id.clone()))?;
        self.read_of(&pcm, track, offset, out)
    }

    /// The same for a track whose samples are at hand.
    pub(in crate::dataset) fn read_of(
        &self,
        pcm: &Pcm,
        track: &Track,
        offset: usize,
        out: &mut [f32],
    ) -> Result<(), Error> {
        let Err(damaged) = pcm.read(offset, out) else {
            return Ok(());
        };
        let failed = |reason: String| Error::NotRepaired {
            track: track.id.clone(),
            reason,
            path: track.path.clone(),
        };
        let pcm = self.repair(track, pcm, &damaged).map_err(failed)?;
        pcm.read(offset, out)
            .map_err(|_damaged| failed("the disk does not keep what is written to it".into()))
    }

    /// [`Self::read`] into a new vector of `n_samples`.
    pub fn wave(&self, track: &Track, offset: usize, n_samples: usize) -> Result<Vec<f32>, Error> {
        let mut wave = vec![0.0; n_samples];
        self.read(track, offset, &mut wave)?;
        Ok(wave)
    }

    /// The whole track, as [`Self::read`] gives it; `None` if it was not prepared.
    pub fn whole_wave(&self, track: &Track) -> Result<Option<Vec<f32>>, Error> {
        let pcm = self.samples(track);
        pcm.map(|pcm| self.wave(track, 0, pcm.n_samples()))
            .transpose()
    }

    /// What the user is to be told since somebody asked, in words: tracks that were decoded again because their samples were not those that
    /// were written (a disk or memory that is not to be trusted), and, once, that the budget cannot be kept.
    pub fn take_warnings(&self) -> Vec<String> {
        self.warnings().take()
    }

    /// What identifies a track's sound in caches of things that were made of it: another file, or another state of it, has another key.
    pub(crate) fn key(&self, track: &Track) -> Result<String, Error> {
        let key = Keys::default().of(&track.path, self.rate_hz);
        let key = key.map_err(Error::io("read", &track.path))?;
        Ok(format!("{key:032x}"))
    }

    pub(super) fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn known_mut(&self) -> RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn warnings(&self) -> MutexGuard<'_, Warnings> {
        locked(&self.warnings)
    }

    /// Throws away what was unused for longest until the budget is kept; what has to stay in spite of it is told.
    pub(super) fn keep_to_budget(&self) -> Result<(), Error> {
        if let Some(budget_bytes) = self.budget_bytes {
            let trimmed = trim(&self.root, budget_bytes)?;
            if trimmed.kept_bytes > budget_bytes {
                self.warnings().tell_over_budget(&trimmed, budget_bytes);
            }
        }
        Ok(())
    }
}

impl Drop for PcmCache {
    fn drop(&mut self) {
        // What had to stay because of this process need not stay any longer.
        if let Some(budget_bytes) = self.budget_bytes
            && self.warnings().was_over_budget()
        {
            *self.known_mut() = Known::default();
            *locked(&self.repairs) = None;
            // There is nobody left to tell; the next one tries again.
            drop(trim(&self.root, budget_bytes));
        }
    }
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn problem(track: &Track, kind: ProblemKind, message: String) -> Problem {
    Problem {
        track: track.id.clone(),
        path: track.path.clone(),
        kind,
        message,
    }
}
