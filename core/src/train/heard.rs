//! What a student hears: the unlabelled clips of one step of a run, made again, with what teacher and student say of them.

use super::Error;
use super::checkpoint::{Checkpoints, RunFile};
use super::evaluation::places_of_tags;
use super::noisy_student::Teacher;
use super::prepare::{decode_split, open_cache_at};
use super::streams::{self, Lengths};
use super::tracks::reopen;
use crate::audio;
use crate::augment::Draw;
use crate::dataset::{Loader, Position, Split, clip_of};
use crate::job::Job;
use crate::predict::Model;
use crate::workspace::Workspace;
use std::path::Path;
use std::sync::Arc;

/// The unlabelled clips of one step.
#[derive(Clone, Debug)]
pub struct Heard {
    /// Steps that were done before it.
    pub step: u64,
    /// Rate of the waves.
    pub rate_hz: u32,
    /// The tags, in the order of the probabilities.
    pub tags: Vec<String>,
    /// The clips, in the order of the batch.
    pub clips: Vec<HeardClip>,
}

/// One of them.
#[derive(Clone, Debug)]
pub struct HeardClip {
    /// Id of its track.
    pub track: String,
    /// Where it starts in its track, in seconds.
    pub start_secs: f64,
    /// The clip as the teacher hears it, mono.
    pub clean: Vec<f32>,
    /// The clip as the student hears it.
    pub augmented: Vec<f32>,
    /// What was rolled; `None` if the run does not augment.
    pub draw: Option<Draw>,
    /// The track's own tags, if it has labels that were withheld.
    pub withheld: Vec<usize>,
    /// `[tags]`: the teacher's probabilities of the clean clip: the pseudo-labels.
    pub teacher: Vec<f32>,
    /// `[tags]`: the student's probabilities of the clean clip.
    pub student_clean: Vec<f32>,
    /// `[tags]`: the student's probabilities of the augmented clip.
    pub student_augmented: Vec<f32>,
}

/// The unlabelled clips of step `step` (counted from 0) of the noisy student's run in `run_folder`, with the answers of its teacher and
/// of `student`.
///
/// Fails with [`Error::NoTeacher`] if it is another kind of run.
pub fn heard(
    run_folder: &Path,
    step: u64,
    student: &Model,
    workspace: &Workspace,
    job: &Job,
) -> Result<Heard, Error> {
    let run_file = RunFile::read(run_folder)?;
    let config = &run_file.config;
    let Some(recipe) = &config.noisy_student else {
        return Err(Error::NoTeacher {
            run: run_folder.to_owned(),
        });
    };
    let tracks = Arc::new(reopen(&run_file, &mut Vec::new())?);
    let checkpoints = Checkpoints::of(run_folder);
    let model = Arc::new(Model::load(&checkpoints.teacher())?);
    let mut teacher = Teacher::new(model, recipe.moving_average, &tracks, config.input_secs)?;
    if recipe.moving_average.is_some() && checkpoints.last().exists() {
        teacher.restore(&checkpoints.last_state()?.tensors)?;
    }
    let cache = Arc::new(open_cache_at(workspace, config.clip_rate_hz)?);
    let n_labelled = decode_split(&tracks, Split::Train, &cache, job)?.0.len();
    let unlabelled = decode_split(&tracks, Split::Unlabelled, &cache, job)?.0;
    let lengths = Lengths::of(config, n_labelled, unlabelled.len())?;
    let network = run_file.model.without_weights()?;
    let labelled = streams::labelled(config, lengths, network.input())?;
    let stream = streams::unlabelled(config, &labelled, Some(teacher.input()));
    let steps_per_epoch = u64::from(lengths.steps_per_epoch());
    let position = Position {
        epoch: (step / steps_per_epoch) as u32,
        step_in_epoch: (step % steps_per_epoch) as u32,
    };
    job.check()?;
    job.report(0, 0, "cutting the clips");
    let batch = Loader::one_batch(&tracks, &cache, stream.clone(), position)?;
    if recipe.precomputed {
        let idxs: Vec<usize> = batch.clips.iter().map(|clip| clip.track_idx).collect();
        let folder = workspace.cache().join("pseudo-labels");
        teacher.label_tracks(&tracks, &cache, &idxs, &folder, job)?;
    }
    let n_tags = tracks.n_tags();
    let places = places_of_tags(student, &tracks)?;
    let of_teacher = teacher.logits(&batch)?;
    let mut clips = Vec::new();
    for (row, clip) in batch.clips.iter().enumerate() {
        job.check()?;
        let visit = clip.visit;
        let made = clip_of(
            &tracks,
            &cache,
            &stream,
            position.epoch,
            visit,
            clip.track_idx,
        )?;
        let of_student = |wave: &[f32]| -> Result<Vec<f32>, Error> {
            let rate_hz = student.sample_rate_hz();
            let resampled;
            let wave = if rate_hz == cache.rate_hz() {
                wave
            } else {
                resampled = audio::resample(wave, cache.rate_hz(), rate_hz)?;
                &resampled
            };
            let all = student.probabilities(&[wave])?.concat();
            Ok(places.iter().map(|&place| all[place]).collect())
        };
        let track = &tracks.tracks[clip.track_idx];
        clips.push(HeardClip {
            track: track.id.clone(),
            start_secs: made.offset_samples as f64 / f64::from(cache.rate_hz()),
            withheld: track.tags.iter().map(|tag| tag.index()).collect(),
            teacher: of_teacher[row * n_tags..(row + 1) * n_tags]
                .iter()
                .map(|logit| 1.0 / (1.0 + (-logit).exp()))
                .collect(),
            student_clean: of_student(&made.original)?,
            student_augmented: of_student(&made.wave)?,
            clean: made.original,
            augmented: made.wave,
            draw: made.draw,
        });
    }
    Ok(Heard {
        step,
        rate_hz: cache.rate_hz(),
        tags: tracks.tags.clone(),
        clips,
    })
}
