//! Other tracks for mixup and background: those of the open data set, each decoded when an effect picks it.

use super::clip::Company;
use crate::workbench::jobs::{Activity, Slot};
use crate::workbench::{Jobs, State as Whole};
use attune_core::audio;
use attune_core::augment::{Draw, Picked, pick};
use attune_core::dataset::Track;
use attune_core::job::Job;
use std::path::PathBuf;
use std::sync::Arc;

/// A record lists at most so many files.
const MOST_PLACES: usize = 1000;

/// The tracks that the effects pick. Changed only by [`logic`].
#[derive(Debug)]
pub struct Others {
    decoded: Slot<(Vec<(u32, PathBuf)>, u32), Company>,
    /// Tracks there are to pick from.
    n_tracks: usize,
    company: Company,
}

impl Default for Others {
    fn default() -> Self {
        Self {
            decoded: Slot::new("decode the other track"),
            n_tracks: 0,
            company: Company::default(),
        }
    }
}

impl Others {
    /// How many tracks there are to pick from; 0 while no data set is open.
    pub fn n_tracks(&self) -> usize {
        self.n_tracks
    }

    /// Files of the tracks that a draw mixes in, in an order in which its effects pick them again ([`pick`]); for its record.
    pub(super) fn paths(&self, draw: &Draw) -> Vec<PathBuf> {
        let Some((decoded, _)) = self.decoded.done_key() else {
            return Vec::new();
        };
        let others = draw.effects.iter().filter_map(|effect| effect.other());
        let wanted: Vec<(f32, &PathBuf)> = others
            .filter_map(|other| {
                let found = decoded.iter().find(|(bits, _)| *bits == other.to_bits())?;
                Some((other, &found.1))
            })
            .collect();
        let Some((_, first)) = wanted.first() else {
            return Vec::new();
        };
        let places = |n: usize| {
            let mut paths: Vec<Option<&PathBuf>> = vec![None; n];
            for (other, path) in &wanted {
                let place = &mut paths[pick(*other, n)?];
                if place.replace(path).is_some_and(|before| before != *path) {
                    return None;
                }
            }
            let path = |path: Option<&PathBuf>| path.unwrap_or(first).clone();
            Some(paths.into_iter().map(path).collect())
        };
        (1..=MOST_PLACES).find_map(places).unwrap_or_default()
    }

    /// Whether all that a draw mixes in is there, or there is nothing to mix in.
    pub(super) fn has(&self, draw: &Draw) -> bool {
        let mut others = draw.effects.iter().filter_map(|effect| effect.other());
        let waves = &self.company.0.waves;
        self.n_tracks == 0 || others.all(|other| waves.iter().any(|(number, _)| *number == other))
    }

    pub(super) fn company(&self) -> Company {
        self.company.clone()
    }

    pub(super) fn error(&self) -> Option<&str> {
        self.decoded.error()
    }

    pub(super) fn activity(&self) -> Option<Activity> {
        self.decoded.activity()
    }

    pub(super) fn cancel(&mut self) {
        self.decoded.cancel();
    }
}

/// Files of the tracks that draws mix in, for a job to decode.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    /// The effect's number, as bits, and the file that it picks of the open data set.
    picked: Vec<(u32, PathBuf)>,
    rate_hz: u32,
    /// What has been decoded before.
    known: Vec<(PathBuf, Arc<[f32]>)>,
}

impl Wanted {
    /// The tracks, whole.
    pub(super) fn decode(self, job: &Job) -> anyhow::Result<Company> {
        let mut waves: Vec<(f32, Arc<[f32]>)> = Vec::new();
        for (number, path) in self.picked {
            let wave = match self.known.iter().find(|(known, _)| *known == path) {
                Some((_, wave)) => Arc::clone(wave),
                None => audio::decode_mono(&path, self.rate_hz, job)?.into(),
            };
            waves.push((f32::from_bits(number), wave));
        }
        Ok(Company(Arc::new(Picked { waves })))
    }
}

/// What draws pick of the open data set, at the clip's rate.
pub(super) fn wanted<'a>(
    state: &Whole,
    draws: impl IntoIterator<Item = &'a Draw>,
    rate_hz: u32,
) -> Wanted {
    let tracks = tracks(state);
    let effects = draws.into_iter().flat_map(|draw| &draw.effects);
    let mut picked: Vec<(u32, PathBuf)> = effects
        .filter_map(|effect| {
            let other = effect.other()?;
            let track = &tracks[pick(other, tracks.len())?];
            Some((other.to_bits(), track.path.clone()))
        })
        .collect();
    picked.sort();
    picked.dedup();
    // A track that was picked before is not decoded again, however its number has moved.
    let decoded = &state.audition.others.decoded;
    let known = match decoded.done_key().zip(decoded.value()) {
        Some(((paths, rate), Company(before))) if *rate == rate_hz => {
            let waves = before.waves.iter().map(|(_, wave)| Arc::clone(wave));
            let paths = paths.iter().map(|(_, path)| path.clone());
            paths.zip(waves).collect()
        }
        _ => Vec::new(),
    };
    Wanted {
        picked,
        rate_hz,
        known,
    }
}

fn tracks(state: &Whole) -> &[Track] {
    let folder = state.selection.dataset.as_ref();
    let shelf = folder.and_then(|folder| state.library.shelf(folder));
    shelf.map_or(&[], |shelf| &shelf.dataset.tracks)
}

/// Called once before each frame: decodes what the effects pick.
pub(super) fn logic(state: &mut Whole, draws: &[&Draw], rate_hz: u32, jobs: &Jobs) {
    state.audition.others.decoded.poll(jobs);
    let n_tracks = tracks(state).len();
    let wanted = wanted(state, draws.iter().copied(), rate_hz);
    let others = &mut state.audition.others;
    others.n_tracks = n_tracks;
    if wanted.picked.is_empty() {
        others.company = Company::default();
        return;
    }
    let key = (wanted.picked.clone(), rate_hz);
    if let Some(company) = others.decoded.value_for(&key) {
        others.company = company.clone();
        return;
    }
    others
        .decoded
        .request(jobs, key, move |job| wanted.decode(job));
}
