//! The tracks that a cache knows, and the samples of one.

use super::super::Error;
use super::SAMPLE_BYTES;
use super::index::Entry;
use super::key::ByHash;
use super::shard::{Damaged, Place, Shard, lengths};
use std::collections::HashMap;
use std::fs::File;
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
    /// Number of a shard's map, if it could be mapped; and how long its files were then.
    by_name: HashMap<String, (Option<u32>, Option<[u64; 2]>)>,
    /// By the hash of the path: 40 bytes a track, beside what the table keeps free.
    tracks: ByHash<Spot>,
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
    /// Notes where a track lies; false if that can not be mapped (any more). Fails if this process has too many files open.
    ///
    /// `held`: what holds the shard already, so that it is not opened a second time.
    pub(super) fn note(
        &mut self,
        path: u128,
        (folder, shard): (&Path, &str),
        entry: &Entry,
        held: Option<&Arc<File>>,
    ) -> Result<bool, Error> {
        let Some((number, place)) = self.mapped(folder, shard, entry, held)? else {
            return Ok(false);
        };
        let Ok(first_sum) = u32::try_from(place.first_sum) else {
            return Ok(false);
        };
        let spot = Spot {
            start: entry.start,
            n_samples: entry.n_samples,
            first_sum,
            shard: number,
        };
        self.tracks.insert(path, spot);
        Ok(true)
    }

    /// What these tracks take, in bytes; what several of them share counts once.
    pub(super) fn bytes(&self) -> u64 {
        let places = self.tracks.values();
        let mut places: Vec<(u32, u64, u64)> = places
            .map(|spot| (spot.shard, spot.start, spot.n_samples))
            .collect();
        places.sort_unstable();
        places.dedup();
        SAMPLE_BYTES
            * places
                .iter()
                .map(|(_, _, n_samples)| n_samples)
                .sum::<u64>()
    }

    /// The shard that an entry lies in, mapped so far that the entry is within.
    fn mapped(
        &mut self,
        folder: &Path,
        name: &str,
        entry: &Entry,
        held: Option<&Arc<File>>,
    ) -> Result<Option<(u32, Place)>, Error> {
        let mut known = None;
        if let Some(&(number, mapped_lengths)) = self.by_name.get(name) {
            known = number;
            let shard = number.map(|number| &self.shards[number as usize]);
            if let Some(place) = shard.and_then(|shard| shard.place(entry)) {
                return Ok(number.zip(Some(place)));
            }
            // Only what has grown since holds more: a damaged shard is not mapped anew for each of its entries.
            if number.is_none() || mapped_lengths == lengths(folder, name) {
                return Ok(None);
            }
        }
        // Before it is mapped: what grows in between is then looked at once more.
        let lengths = lengths(folder, name);
        let holder = known.and_then(|number| self.shards[number as usize].holder());
        let found = match holder.or_else(|| held.cloned()) {
            Some(holder) => Shard::open_held(folder, name, Some(holder))?,
            None => Shard::open(folder, name)?,
        };
        let place = found.as_ref().and_then(|shard| shard.place(entry));
        let number = match (found, known) {
            (None, _) => None,
            (Some(found), None) => {
                self.shards.push(Arc::new(found));
                Some((self.shards.len() - 1) as u32)
            }
            // In place of the shorter one: one map a shard, however often it grew.
            (Some(found), Some(number)) => {
                let earlier = &mut self.shards[number as usize];
                if found.continues(earlier) {
                    *earlier = Arc::new(found);
                } else {
                    // Cut off since then: what is left of it is for those who begin anew.
                    self.by_name
                        .insert(name.to_owned(), (Some(number), lengths));
                    return Ok(None);
                }
                Some(number)
            }
        };
        self.by_name.insert(name.to_owned(), (number, lengths));
        Ok(number.zip(place))
    }

    /// How many maps there are.
    #[cfg(test)]
    pub(super) fn n_maps(&self) -> usize {
        self.shards.len()
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

    /// The file that they lie in.
    pub(super) fn shard_path(&self) -> &Path {
        self.shard.path()
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
