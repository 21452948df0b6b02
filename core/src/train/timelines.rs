//! The validation tracks on which a run measures localisation: of those whose timelines are known, a few, always the same.

use super::{Error, TrainConfig};
use crate::dataset::Dataset;
use crate::interpret::{draw_tracks, has_timeline};

/// At most so many: explaining a song costs more than tagging it, and a curve needs no more.
const MAX_TRACKS: usize = 20;

/// Seed of the draw. Not the run's, so that the curves of runs on the same data are of the same songs.
const SEED: u64 = 1;

/// Of these tracks, those on which localisation is measured; none if the recipe does not ask for it.
///
/// Fails with [`Error::NoTimelines`] if it does and no track tells when its tags hold.
pub(super) fn choose(
    config: &TrainConfig,
    dataset: &Dataset,
    track_idxs: &[usize],
) -> Result<Vec<usize>, Error> {
    if !config.localisation {
        return Ok(Vec::new());
    }
    let known = track_idxs.iter().copied();
    let known: Vec<usize> = known
        .filter(|&idx| has_timeline(&dataset.tracks[idx]))
        .collect();
    if known.is_empty() {
        return Err(Error::NoTimelines {
            data: dataset.name.clone(),
        });
    }
    Ok(draw_tracks(known, MAX_TRACKS, SEED))
}
