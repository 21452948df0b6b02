//! From a choice of data set to tracks whose sound lies ready in the cache.

use super::{DataChoice, Error};
use crate::audio;
use crate::dataset::{Dataset, Limit, PcmCache, Problem, Split, bytes_from_gb, demo};
use crate::job::Job;
use crate::workspace::Workspace;

/// Clips are cropped and augmented at this rate, whatever a network's own rate is, unless a recipe says otherwise (DESIGN: fixed points).
pub const CLIP_RATE_HZ: u32 = 22_050;

/// Opens the chosen data set; the demo set is composed and rendered if it is not there yet.
pub fn open_data(choice: &DataChoice, workspace: &Workspace, job: &Job) -> Result<Dataset, Error> {
    let folder = match choice {
        DataChoice::Demo => demo::ensure(workspace, job)?,
        DataChoice::Folder(folder) => folder.clone(),
    };
    Ok(Dataset::open(&folder)?)
}

/// The workspace's cache of decoded sound, with the budget that the user has set.
pub fn open_cache(workspace: &Workspace) -> Result<PcmCache, Error> {
    open_cache_at(workspace, CLIP_RATE_HZ)
}

/// The same for sound at another rate.
pub fn open_cache_at(workspace: &Workspace, rate_hz: u32) -> Result<PcmCache, Error> {
    let budget_gb = Limit::CACHE.of(workspace)?;
    let cache = PcmCache::open(workspace.pcm_cache(), rate_hz)?;
    Ok(cache.with_budget(budget_gb.map(bytes_from_gb)))
}

/// The tracks of a split that have sound, decoded into the cache, and what is wrong with the others.
///
/// Fails if the split is empty.
pub fn decode_split(
    dataset: &Dataset,
    split: Split,
    cache: &PcmCache,
    job: &Job,
) -> Result<(Vec<usize>, Vec<Problem>), Error> {
    let track_idxs = dataset.split(split)?;
    let report = cache.prepare(dataset, &track_idxs, job)?;
    let with_sound = track_idxs
        .into_iter()
        .filter(|&idx| cache.samples(&dataset.tracks[idx]).is_some());
    Ok((with_sound.collect(), report.problems))
}

/// The whole track at `rate_hz`; `None` if it is not in the cache.
pub(super) fn whole_track(
    dataset: &Dataset,
    track_idx: usize,
    cache: &PcmCache,
    rate_hz: u32,
) -> Result<Option<Vec<f32>>, Error> {
    let Some(wave) = cache.whole_wave(&dataset.tracks[track_idx])? else {
        return Ok(None);
    };
    Ok(Some(if rate_hz == cache.rate_hz() {
        wave
    } else {
        audio::resample(&wave, cache.rate_hz(), rate_hz)?
    }))
}
