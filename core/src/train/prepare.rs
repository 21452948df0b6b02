//! From a choice of data set to tracks whose sound lies ready in the cache.

use super::{DataChoice, Error, RunFile};
use crate::audio;
use crate::dataset::{Dataset, Limit, PcmCache, Problem, Split, bytes_from_gb, demo};
use crate::job::Job;
use crate::predict::{Model, Shipped};
use crate::run;
use crate::workspace::Workspace;
use std::path::Path;

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

/// The workspace's cache of decoded sound at a rate, with the budget that the user has set.
pub fn open_cache_at(workspace: &Workspace, rate_hz: u32) -> Result<PcmCache, Error> {
    let budget_gb = Limit::CACHE.of(workspace)?;
    let cache = PcmCache::open(workspace.pcm_cache(), rate_hz)?;
    Ok(cache
        .with_budget(budget_gb.map(bytes_from_gb))
        .with_catalogue(workspace.catalogue()))
}

/// The rate of the clips from which a model is scored, in hertz: that of the run which it is named by ([`super::open_model`]) or whose
/// checkpoint it is, so that scores are those of the run's own validations; else [`CLIP_RATE_HZ`], or the network's own rate if that is higher: it
/// would miss what it was trained on.
pub fn scoring_rate_hz(name: &Path, model: &Model, workspace: &Workspace) -> u32 {
    let run = if name.is_file() {
        // RUN/checkpoints/best.safetensors
        let folder = name.canonicalize().ok();
        folder.and_then(|file| Some(file.parent()?.parent()?.to_path_buf()))
    } else {
        run::find(&workspace.runs(), &name.to_string_lossy()).ok()
    };
    let is_shipped = name.to_str().and_then(Shipped::of_name).is_some();
    let recipe = run
        .filter(|_| !is_shipped)
        .and_then(|run| RunFile::read(&run).ok());
    recipe.map_or_else(
        || usual_scoring_rate_hz(&[model]),
        |recipe| recipe.config.clip_rate_hz,
    )
}

/// The same for models of which nothing else is known.
pub fn usual_scoring_rate_hz(models: &[&Model]) -> u32 {
    let rates = models.iter().map(|model| model.sample_rate_hz());
    rates.fold(CLIP_RATE_HZ, u32::max)
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
