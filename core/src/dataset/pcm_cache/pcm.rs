//! The tracks that a cache knows, and the samples of one.

use super::SAMPLE_BYTES;
use super::index::Entry;
use super::key::ByHash;
use super::shard::{Damaged, Place, Shard};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// One track's samples in the cache: mono, 16 bit. Cheap to clone; the map lives as long as any clone.
#[derive(Clone, Debug)]
pub struct Pcm {
    shard: Arc<Shard>,
    place: Place,
}

/// Where tracks lie that were found in the cache or decoded into it.
#[derive(Debug, Default)]
pub(super) struct Known {
    shards: Vec<Arc<Shard>>,
    /// The newest map of a shard, which may be longer than earlier ones.
    by_name: HashMap<String, Option<u32>>,
    /// By the hash of the path: 40 bytes a track, beside what the table keeps free.
    tracks: ByHash<Spot>,
    /// What these tracks take.
    pub(super) bytes: u64,
}

/// A [`Place`] and its shard, as small as may be.
#[derive(Clone, Copy, Debug)]
struct Spot {
    start: u64,
    n_samples: u64,
    first_sum: u32,
    shard: u32,
}

impl Known {
    /// Notes where a track lies; false if that can not be mapped (any more).
    pub(super) fn note(&mut self, path: u128, folder: &Path, shard: &str, entry: &Entry) -> bool {
        let Some((number, place)) = self.mapped(folder, shard, entry) else {
            return false;
        };
        let Ok(first_sum) = u32::try_from(place.first_sum) else {
            return false;
        };
        let spot = Spot {
            start: entry.start,
            n_samples: entry.n_samples,
            first_sum,
            shard: number,
        };
        let before = self.tracks.insert(path, spot);
        self.bytes += SAMPLE_BYTES * spot.n_samples;
        self.bytes -= SAMPLE_BYTES * before.map_or(0, |before| before.n_samples);
        true
    }

    /// The shard that an entry lies in, mapped so far that the entry is within.
    fn mapped(&mut self, folder: &Path, shard: &str, entry: &Entry) -> Option<(u32, Place)> {
        let number = self.by_name.get(shard).copied();
        if let Some(number) = number.flatten()
            && let Some(place) = self.shards[number as usize].place(entry)
        {
            return Some((number, place));
        }
        // One that could not be mapped will not be in the next moment; one that was may have grown.
        if number == Some(None) {
            return None;
        }
        let found = Shard::open(folder, shard);
        let place = found.as_ref().and_then(|shard| shard.place(entry));
        let number = found.map(|found| {
            self.shards.push(Arc::new(found));
            (self.shards.len() - 1) as u32
        });
        self.by_name.insert(shard.to_owned(), number);
        number.zip(place)
    }

    pub(super) fn pcm(&self, path: u128) -> Option<Pcm> {
        let spot = self.tracks.get(&path)?;
        Some(Pcm {
            shard: Arc::clone(&self.shards[spot.shard as usize]),
            place: Place {
                start: spot.start as usize,
                n_samples: spot.n_samples as usize,
                first_sum: spot.first_sum as usize,
            },
        })
    }
}

impl Pcm {
    /// How many samples the track has.
    pub fn n_samples(&self) -> usize {
        self.place.n_samples
    }

    /// Whether all samples are those that were written.
    pub(super) fn is_sound(&self) -> bool {
        self.shard.samples(self.place, 0..self.n_samples()).is_ok()
    }

    /// Fills `out` with the samples from `offset` on as floats, with zeros beyond the end.
    pub(super) fn read(&self, offset: usize, out: &mut [f32]) -> Result<(), Damaged> {
        let from = offset.min(self.n_samples());
        let to = offset.saturating_add(out.len()).min(self.n_samples());
        let samples = self.shard.samples(self.place, from..to)?;
        let (sound, silence) = out.split_at_mut(samples.len());
        for (out, &sample) in sound.iter_mut().zip(samples) {
            *out = f32::from(sample) / 32768.0;
        }
        silence.fill(0.0);
        Ok(())
    }

    /// All samples as they are stored.
    #[cfg(test)]
    pub(super) fn samples(&self) -> &[i16] {
        self.shard.samples(self.place, 0..self.n_samples()).unwrap()
    }
}
