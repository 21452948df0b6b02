//! Robustness: how the scores of a model on a whole split fall as an effect grows stronger.
//!
//! ```text
//! ladders (effects at several strengths) ──► each chunk of each track, augmented ──► tagged ──► ROC-AUC, PR-AUC against strength
//! ```
//!
//! The chunks of a track (as in [`super::evaluate`]) are augmented one by one, at the rate of the data set's cache and with silence where
//! the track is shorter, because that is what training does with its clips: an effect that depends on the whole sound (noise as a part
//! of the clip's deviation, a room that is empty at first) then does to a chunk here what it did there. The track's answer is the mean
//! over its chunks. The clean figures are those of [`super::evaluate`], to the bit.
//!
//! Each figure comes with its difference from the clean one on the same resamples of the tracks (paired bootstrap), as two models are
//! compared. What a model says of the tracks at one strength is kept in the workspace ([`kept`]), so that work that was stopped goes on
//! and a second table with other resamples costs seconds.

mod files;
mod kept;

pub use files::{DrawnScore, robustness_figure, write_robustness_csv};

use super::Error;
use super::comparison::{CONFIDENCE, Common};
use super::evaluation::places_of_tags;
use super::prepare::whole_track;
use crate::audio;
use crate::augment::{Draw, EFFECTS_VERSION, Effect, Ladder};
use crate::dataset::{Dataset, PcmCache, Problem, Split};
use crate::job::Job;
use crate::metrics::{self, PairedDifferences, Scores};
use crate::predict::{self, Model, chunk_starts};
use crate::rng::{Address, Purpose};
use kept::Kept;
use rayon::prelude::*;
use serde::Serialize;
use std::path::Path;

/// Chunks that are augmented and tagged at once.
const BATCH: usize = 6;
/// The draws of the bootstrap are the same for every table, so that it repeats exactly.
const BOOTSTRAP_SEED: u64 = 1;

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct RobustnessPlan {
    /// The effects with their strengths.
    pub ladders: Vec<Ladder>,
    /// Which tracks.
    pub split: Split,
    /// So many of them at most, chosen by the seed; `None`: all.
    pub max_tracks: Option<usize>,
    /// Seed of the noise, of effects that draw, and of the choice of tracks.
    pub seed: u64,
    /// Resamples of the bootstrap.
    pub n_resamples: usize,
    /// Whether answers that were kept from before are thrown away first.
    pub is_fresh: bool,
}

impl RobustnessPlan {
    /// The paper's effects at `n_strengths` each, on the whole test split, with 1000 resamples.
    pub fn new(n_strengths: usize) -> Self {
        Self {
            ladders: Ladder::of_paper(n_strengths),
            split: Split::Test,
            max_tracks: None,
            seed: 0,
            n_resamples: 1000,
            is_fresh: false,
        }
    }

    /// The tracks of the plan that have sound, decoded into the cache, and what is wrong with the others. Fails if the split is empty.
    pub fn decode(
        &self,
        dataset: &Dataset,
        cache: &PcmCache,
        job: &Job,
    ) -> Result<(Vec<usize>, Vec<Problem>), Error> {
        let track_idxs = chosen(dataset.split(self.split)?, self.max_tracks, self.seed);
        let report = cache.prepare(dataset, &track_idxs, job)?;
        let has_sound = |idx: &usize| cache.samples(&dataset.tracks[*idx]).is_some();
        Ok((
            track_idxs.into_iter().filter(has_sound).collect(),
            report.problems,
        ))
    }
}

/// The table, whole or in the making.
#[derive(Clone, Debug, Serialize)]
pub struct Robustness {
    /// Name of the data set.
    pub data: String,
    /// Which tracks.
    pub split: Split,
    /// How many of them were scored.
    pub n_tracks: usize,
    /// Seed of noise and of the choice of tracks.
    pub seed: u64,
    /// The tags that were scored, in the order of the data set.
    pub tags: Vec<String>,
    /// The data set's tags that one of two models does not know.
    pub left_out: Vec<String>,
    /// One model, or two side by side.
    pub models: Vec<CleanScores>,
    /// All effects of the plan; those that are still to come have no rungs.
    pub effects: Vec<EffectScores>,
    /// Strengths of all effects together.
    pub n_rungs: usize,
}

/// A model and its scores without any effect.
#[derive(Clone, Debug, Serialize)]
pub struct CleanScores {
    /// Name of the model.
    pub name: String,
    /// Its fingerprint.
    pub fingerprint: String,
    /// Its scores, as `attune evaluate` gives them.
    pub scores: Scores,
}

/// One effect at its strengths.
#[derive(Clone, Debug, Serialize)]
pub struct EffectScores {
    /// Name in text and TOML.
    pub effect: &'static str,
    /// Name for people.
    pub label: &'static str,
    /// Name of the number that runs in text and TOML (`hz`); empty for an effect without numbers.
    pub parameter: &'static str,
    /// Name of that number for people ("cutoff").
    pub parameter_label: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// Whether its values run by factors.
    pub logarithmic: bool,
    /// Where the effect does nothing, if there are strengths on both sides of it: there a curve passes through the clean score.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub neutral: Option<f32>,
    /// By rising value, as far as they are done.
    pub rungs: Vec<Rung>,
}

impl EffectScores {
    /// The points of a curve against strength: the rungs that have a value, and `None` for the clean tracks where it passes through them.
    pub fn curve(&self) -> Vec<(f32, Option<&Rung>)> {
        let rungs = self.rungs.iter();
        let mut points: Vec<_> = rungs
            .filter_map(|rung| Some((rung.value?, Some(rung))))
            .collect();
        if let Some(neutral) = self.neutral {
            let at = points.partition_point(|(value, _)| *value < neutral);
            // While the table is being made, there may be nothing on the other side yet.
            if at < points.len() {
                points.insert(at, (neutral, None));
            }
        }
        points
    }
}

/// One strength of one effect.
#[derive(Clone, Debug, Serialize)]
pub struct Rung {
    /// The effect with its numbers, as `attune augment --effect` takes it.
    pub effect: String,
    /// The number that runs, in the unit of the parameter; `None` for an effect without numbers.
    pub value: Option<f32>,
    /// Scores and losses, model by model.
    pub models: Vec<RungScores>,
    /// The second model less the first at this strength.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub between: Option<PairedDifferences>,
}

/// A model at one strength.
#[derive(Clone, Debug, Serialize)]
pub struct RungScores {
    /// Macro and per tag.
    pub scores: Scores,
    /// These scores less the clean ones, with intervals of 95 % over the tracks.
    pub change: PairedDifferences,
}

/// Scores one model, or two side by side, on a split of a data set, clean and with each effect at each strength.
///
/// `cache` holds the sound of `track_idxs` (tracks without are left out); `keep_in` is the folder in which the models' answers are kept, `None`
/// to keep nothing. `on_news` is called with the table as far as it is after each strength. Repeats exactly for the same plan.
///
/// Two models are scored on the tags that both and the data set know; a single one must know all. Fails with [`Error::NoAudio`] if no track
/// has sound, [`Error::Cancelled`] if the caller stopped it.
#[expect(
    clippy::too_many_arguments,
    reason = "as evaluate and compare, with a plan and news"
)]
pub fn robustness(
    models: &[&Model],
    dataset: &Dataset,
    cache: &PcmCache,
    track_idxs: &[usize],
    plan: &RobustnessPlan,
    keep_in: Option<&Path>,
    job: &Job,
    on_news: &dyn Fn(&Robustness),
) -> Result<Robustness, Error> {
    let scored = Scored::of(models, dataset, cache, track_idxs, plan.split)?;
    let rungs: Vec<Vec<Effect>> = plan.ladders.iter().map(Ladder::effects).collect();
    let n_rungs = rungs.iter().map(Vec::len).sum::<usize>();
    let mut progress = Passes {
        job,
        n_done: 0,
        n_in_all: models.len() * (n_rungs + 1),
        n_tracks: scored.track_idxs.len(),
    };
    let mut kept = Vec::new();
    for model in models {
        kept.push(match keep_in {
            Some(folder) => {
                let key = scored.key(plan.seed);
                if plan.is_fresh {
                    Kept::forget(folder, model, &key)?;
                }
                Some(Kept::open(folder, model, &key)?)
            }
            None => None,
        });
    }
    let n_tags = scored.tags.len();
    let mut answers = |effect: Option<Effect>| -> Result<Vec<Vec<f32>>, Error> {
        let mut of_models = Vec::new();
        for ((at, model), kept) in models.iter().enumerate().zip(&mut kept) {
            let name = effect.map_or_else(|| "clean".to_owned(), |effect| effect.to_string());
            let n = scored.track_idxs.len() * model.tags.len();
            let known = kept.as_ref().and_then(|kept| kept.get(&name));
            let all = match known {
                Some(all) if all.len() == n => all.to_vec(),
                _ => {
                    let all = scored.tag_all(model, effect, plan.seed, &progress)?;
                    if let Some(kept) = kept {
                        kept.add(&name, &all)?;
                    }
                    all
                }
            };
            progress.n_done += 1;
            of_models.push(scored.picked(&all, at, model.tags.len()));
        }
        Ok(of_models)
    };
    let clean = answers(None)?;
    let mut table = scored.empty(models, &clean, plan);
    table.n_rungs = n_rungs;
    on_news(&table);
    let unheard = Job::new(job.cancel.clone(), |_| ());
    let differ = |first: &[f32], second: &[f32]| {
        let (labels, n) = (&scored.labels, plan.n_resamples);
        metrics::paired_bootstrap(
            first,
            second,
            labels,
            n_tags,
            n,
            CONFIDENCE,
            BOOTSTRAP_SEED,
            &unheard,
        )
    };
    for (at, (ladder, effects)) in plan.ladders.iter().zip(&rungs).enumerate() {
        for (rung, effect) in effects.iter().enumerate() {
            let augmented = answers(Some(*effect))?;
            let of_models = augmented.iter().zip(&clean).map(|(augmented, clean)| {
                Ok(RungScores {
                    scores: metrics::score(augmented, &scored.labels, n_tags),
                    change: differ(clean, augmented)?,
                })
            });
            let between = match &augmented[..] {
                [first, second] => Some(differ(first, second)?),
                _ => None,
            };
            table.effects[at].rungs.push(Rung {
                effect: effect.to_string(),
                value: ladder.values.get(rung).copied(),
                models: of_models.collect::<Result<_, Error>>()?,
                between,
            });
            on_news(&table);
        }
    }
    Ok(table)
}

/// The tracks and tags that are scored.
struct Scored<'a> {
    dataset: &'a Dataset,
    cache: &'a PcmCache,
    split: Split,
    track_idxs: Vec<usize>,
    tags: Vec<String>,
    left_out: Vec<String>,
    /// Where the tags stand in the answers of each model.
    places: Vec<Vec<usize>>,
    /// `[tracks, tags]`.
    labels: Vec<bool>,
}

impl<'a> Scored<'a> {
    fn of(
        models: &[&Model],
        dataset: &'a Dataset,
        cache: &'a PcmCache,
        track_idxs: &[usize],
        split: Split,
    ) -> Result<Self, Error> {
        let (in_data, places, left_out) = match models {
            [first, second] => {
                let common = Common::of([first, second], dataset)?;
                (common.in_data, common.in_models.to_vec(), common.left_out)
            }
            _ => {
                let places = models.iter().map(|model| places_of_tags(model, dataset));
                let places = places.collect::<Result<_, Error>>()?;
                ((0..dataset.n_tags()).collect(), places, Vec::new())
            }
        };
        let with_sound = track_idxs.iter().copied();
        let with_sound = with_sound.filter(|&idx| cache.samples(&dataset.tracks[idx]).is_some());
        let track_idxs: Vec<usize> = with_sound.collect();
        if track_idxs.is_empty() {
            return Err(Error::NoAudio);
        }
        let labels = track_idxs.iter().flat_map(|&idx| {
            let has = dataset.labels_of(idx);
            in_data.iter().map(move |&tag| has[tag]).collect::<Vec<_>>()
        });
        Ok(Self {
            labels: labels.collect(),
            tags: in_data
                .iter()
                .map(|&tag| dataset.tags[tag].clone())
                .collect(),
            dataset,
            cache,
            split,
            track_idxs,
            left_out,
            places,
        })
    }

    /// What answers depend on beside model and effect.
    fn key(&self, seed: u64) -> String {
        let mut hasher = blake3::Hasher::new();
        hasher.update(env!("CARGO_PKG_VERSION").as_bytes());
        hasher.update(&EFFECTS_VERSION.to_le_bytes());
        hasher.update(&seed.to_le_bytes());
        hasher.update(&self.cache.rate_hz().to_le_bytes());
        hasher.update(self.dataset.fingerprint().as_bytes());
        for &idx in &self.track_idxs {
            hasher.update(&(idx as u64).to_le_bytes());
            // The fingerprint is of the tables; of the sound, length and date of the file have to say.
            if let Ok(file) = std::fs::metadata(&self.dataset.tracks[idx].path) {
                let date = file.modified().ok();
                let date = date.and_then(|date| date.duration_since(std::time::UNIX_EPOCH).ok());
                hasher.update(&file.len().to_le_bytes());
                hasher.update(&date.unwrap_or_default().as_nanos().to_le_bytes());
            }
        }
        hasher.finalize().to_hex().as_str()[..16].to_owned()
    }

    /// `[tracks, tags of the model]`: what it says of all tracks, with an effect or as they are.
    fn tag_all(
        &self,
        model: &Model,
        effect: Option<Effect>,
        seed: u64,
        progress: &Passes<'_>,
    ) -> Result<Vec<f32>, Error> {
        let mut all = Vec::with_capacity(self.track_idxs.len() * model.tags.len());
        for (done, &track_idx) in self.track_idxs.iter().enumerate() {
            progress.report(done)?;
            let probabilities = match effect {
                None => {
                    let wave = self.wave(track_idx, model.sample_rate_hz())?;
                    predict::tag_track(model, &wave, &Job::quiet())?
                }
                Some(effect) => self.tag_augmented(model, track_idx, effect, seed, progress.job)?,
            };
            all.extend(probabilities);
        }
        Ok(all)
    }

    fn wave(&self, track_idx: usize, rate_hz: u32) -> Result<Vec<f32>, Error> {
        // Of a track that has sound, as has been looked at.
        whole_track(self.dataset, track_idx, self.cache, rate_hz)?.ok_or(Error::NoAudio)
    }

    fn tag_augmented(
        &self,
        model: &Model,
        track_idx: usize,
        effect: Effect,
        seed: u64,
        job: &Job,
    ) -> Result<Vec<f32>, Error> {
        let (clip_hz, model_hz) = (self.cache.rate_hz(), model.sample_rate_hz());
        let wave = self.wave(track_idx, clip_hz)?;
        let length = if clip_hz == model_hz {
            model.input_samples
        } else {
            (model.input_samples as u64 * u64::from(clip_hz)).div_ceil(u64::from(model_hz)) as usize
        };
        let starts = chunk_starts(wave.len(), length);
        let made = |(visit, start): (usize, usize)| -> Result<Vec<f32>, Error> {
            let end = (start + length).min(wave.len());
            let mut chunk = wave[start..end].to_vec();
            chunk.resize(length, 0.0);
            augment(&mut chunk, clip_hz, effect, at(seed, track_idx, visit));
            if clip_hz != model_hz {
                chunk = audio::resample(&chunk, clip_hz, model_hz)?;
                chunk.resize(model.input_samples, 0.0);
            }
            Ok(chunk)
        };
        let chunks: Vec<(usize, usize)> = starts.into_iter().enumerate().collect();
        let mut sums = vec![0f64; model.tags.len()];
        for group in chunks.chunks(BATCH) {
            job.check()?;
            let waves = group.par_iter().copied().map(made);
            let waves = waves.collect::<Result<Vec<_>, Error>>()?;
            let waves: Vec<&[f32]> = waves.iter().map(Vec::as_slice).collect();
            for probabilities in model.probabilities(&waves)? {
                for (sum, probability) in sums.iter_mut().zip(probabilities) {
                    *sum += f64::from(probability);
                }
            }
        }
        let n = chunks.len() as f64;
        Ok(sums.into_iter().map(|sum| (sum / n) as f32).collect())
    }

    /// `[tracks, scored tags]` of the answers of the `at`th model, which has `n_tags`.
    fn picked(&self, all: &[f32], at: usize, n_tags: usize) -> Vec<f32> {
        let rows = all.chunks_exact(n_tags);
        rows.flat_map(|row| self.places[at].iter().map(|&place| row[place]))
            .collect()
    }

    fn empty(&self, models: &[&Model], clean: &[Vec<f32>], plan: &RobustnessPlan) -> Robustness {
        let of_model = |(model, clean): (&&Model, &Vec<f32>)| CleanScores {
            name: model.name.clone(),
            fingerprint: model.fingerprint.clone(),
            scores: metrics::score(clean, &self.labels, self.tags.len()),
        };
        let of_effect = |ladder: &Ladder| EffectScores {
            effect: ladder.kind.name(),
            label: ladder.kind.label(),
            parameter: ladder.parameter().map_or("", |parameter| parameter.name),
            parameter_label: ladder.parameter().map_or("", |parameter| parameter.label),
            unit: ladder.parameter().map_or("", |parameter| parameter.unit),
            logarithmic: ladder
                .parameter()
                .is_some_and(|parameter| parameter.logarithmic),
            neutral: ladder.neutral(),
            rungs: Vec::new(),
        };
        Robustness {
            data: self.dataset.name.clone(),
            split: self.split,
            n_tracks: self.track_idxs.len(),
            seed: plan.seed,
            tags: self.tags.clone(),
            left_out: self.left_out.clone(),
            models: models.iter().zip(clean).map(of_model).collect(),
            effects: plan.ladders.iter().map(of_effect).collect(),
            n_rungs: 0,
        }
    }
}

/// How far the work is: passes over the tracks.
struct Passes<'a> {
    job: &'a Job,
    n_done: usize,
    n_in_all: usize,
    n_tracks: usize,
}

impl Passes<'_> {
    fn report(&self, n_tracks_done: usize) -> Result<(), Error> {
        self.job.check()?;
        let done = self.n_done * self.n_tracks + n_tracks_done;
        let total = self.n_in_all * self.n_tracks;
        // One name for all of it, so that the time left is told of the whole.
        self.job
            .report(done as u64, total as u64, "testing robustness");
        Ok(())
    }
}

/// The one place where a chunk is augmented.
fn augment(chunk: &mut [f32], rate_hz: u32, effect: Effect, address: Address) {
    let effects = vec![effect];
    Draw { effects, address }.apply_in_place(chunk, rate_hz);
}

/// Where a chunk's random numbers stand: the same at every strength, so that only the strength differs.
fn at(seed: u64, track_idx: usize, chunk: usize) -> Address {
    Address {
        visit: chunk as u32,
        ..Address::new(seed, Purpose::Augment, track_idx as u64)
    }
}

/// So many of the tracks at most, in their order.
fn chosen(mut track_idxs: Vec<usize>, max: Option<usize>, seed: u64) -> Vec<usize> {
    if let Some(max) = max.filter(|&max| max < track_idxs.len()) {
        Address::new(seed, Purpose::Shuffle, 0)
            .stream()
            .shuffle(&mut track_idxs);
        track_idxs.truncate(max);
        track_idxs.sort_unstable();
    }
    track_idxs
}
