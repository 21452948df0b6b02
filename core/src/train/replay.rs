//! Replay: the clip that a run's network got of a track, made again from the run's folder, bit for bit.

use super::Error;
use super::checkpoint::RunFile;
use super::prepare::{decode_split, open_cache_at};
use super::streams::{self, Lengths};
use super::tracks::reopen;
use crate::augment::{Chain, Draw, Effect, Picked};
use crate::dataset::{Dataset, Split, clip_of};
use crate::job::Job;
use crate::workspace::Workspace;
use std::path::{Path, PathBuf};

/// Which clip of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayOf {
    /// The run's folder.
    pub run: PathBuf,
    /// Epoch, from 0.
    pub epoch: u32,
    /// How often the track had come before in that epoch.
    pub visit: u32,
    /// Id of the track.
    pub track: String,
}

/// A clip as the network got it.
#[derive(Clone, Debug, PartialEq)]
pub struct Replay {
    /// Which it is.
    pub of: ReplayOf,
    /// The track's file.
    pub path: PathBuf,
    /// Rate of the waves.
    pub rate_hz: u32,
    /// Where the clip starts in its track, in samples.
    pub start_sample: usize,
    /// The clip before augmentation, mono.
    pub original: Vec<f32>,
    /// The clip as the front end got it.
    pub wave: Vec<f32>,
    /// Other tracks of the run that were mixed in, by the numbers of the effects.
    pub company: Picked,
    /// What was rolled; `None` if the run does not augment.
    pub draw: Option<Draw>,
    /// The track's tags.
    pub tags: Vec<String>,
    /// What may be different from then: a data set that has changed.
    pub warnings: Vec<String>,
}

/// Makes the clip again. The run's tracks are decoded if they are no longer in the cache.
///
/// Fails with [`Error::NotTrainedOn`] if the run does not learn from the track, [`Error::NoSuchEpoch`] and [`Error::NoSuchVisit`] if the track
/// never comes then.
pub fn replay(of: &ReplayOf, workspace: &Workspace, job: &Job) -> Result<Replay, Error> {
    let run_file = RunFile::in_effect(&of.run)?;
    let config = &run_file.config;
    if of.epoch >= config.epochs {
        return Err(Error::NoSuchEpoch {
            epoch: of.epoch.saturating_add(1),
            epochs: config.epochs,
            run: of.run.clone(),
        });
    }
    let mut warnings = Vec::new();
    let tracks = reopen(&run_file, &mut warnings)?;
    let track_idx = learnt_from(&tracks, config.noisy_student.is_some())
        .find(|&idx| tracks.tracks[idx].id == of.track)
        .ok_or_else(|| Error::NotTrainedOn {
            track: of.track.clone(),
            run: of.run.clone(),
        })?;
    let cache = open_cache_at(workspace, config.clip_rate_hz)?;
    let (labelled, mut problems) = decode_split(&tracks, Split::Train, &cache, job)?;
    let mut n_unlabelled = 0;
    if config.noisy_student.is_some() {
        let (unlabelled, more) = decode_split(&tracks, Split::Unlabelled, &cache, job)?;
        n_unlabelled = unlabelled.len();
        problems.extend(more);
    }
    let lengths = Lengths::of(config, labelled.len(), n_unlabelled)?;
    let split = tracks.tracks[track_idx].split;
    let rounds = lengths.rounds(split);
    if of.visit >= rounds {
        return Err(Error::NoSuchVisit {
            visit: of.visit,
            rounds,
            split,
            run: of.run.clone(),
        });
    }
    let input = run_file.model.without_weights()?.input();
    let mut stream = streams::labelled(config, lengths, input)?;
    let track = &tracks.tracks[track_idx];
    if track.split == Split::Unlabelled {
        stream = streams::unlabelled(config, &stream, None);
    }
    if stream.chain.as_ref().is_some_and(Chain::needs_company) {
        warnings.extend(problems.iter().map(|problem| {
            format!(
                "{problem}. If the run had this track, other tracks may be mixed in now than then"
            )
        }));
    }
    job.check()?;
    let clip = clip_of(&tracks, &cache, &stream, of.epoch, of.visit, track_idx)?;
    let effects = clip.draw.iter().flat_map(|draw| &draw.effects);
    let effects: Vec<&Effect> = effects.collect();
    let mut waves = Vec::new();
    for mixed in &clip.mixed {
        let effect = effects.get(mixed.effect_idx);
        let track = tracks.tracks.get(mixed.track as usize);
        if let (Some(other), Some(track)) = (effect.and_then(|effect| effect.other()), track)
            && let Some(wave) = cache.whole_wave(track)?
        {
            waves.push((other, wave.into()));
        }
    }
    let company = Picked { waves };
    Ok(Replay {
        of: of.clone(),
        path: track.path.clone(),
        rate_hz: cache.rate_hz(),
        start_sample: clip.offset_samples,
        original: clip.original,
        wave: clip.wave,
        company,
        draw: clip.draw,
        tags: track
            .tags
            .iter()
            .map(|tag| tracks.tags[tag.index()].clone())
            .collect(),
        warnings,
    })
}

/// Ids of the tracks that a run learns from, in the order of its data sets.
pub fn tracks_of_run(run: &Path) -> Result<Vec<String>, Error> {
    let run_file = RunFile::read(run)?;
    let tracks = reopen(&run_file, &mut Vec::new())?;
    let ids = learnt_from(&tracks, run_file.config.noisy_student.is_some())
        .map(|idx| tracks.tracks[idx].id.clone());
    Ok(ids.collect())
}

fn learnt_from(tracks: &Dataset, has_teacher: bool) -> impl Iterator<Item = usize> + '_ {
    (0..tracks.tracks.len()).filter(move |&idx| match tracks.tracks[idx].split {
        Split::Train => true,
        Split::Unlabelled => has_teacher,
        _ => false,
    })
}
