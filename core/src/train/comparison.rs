//! Two models on the same tracks: scores, what of the difference is more than chance, and where they disagree most.
//!
//! The models need not have the same tags: they are compared on those that both of them and the data set know, matched by name. Each
//! hears the tracks at its own rate and in chunks of its own length, as in [`super::evaluate`].

use super::Error;
use super::prepare::whole_track;
use crate::dataset::{Dataset, PcmCache};
use crate::job::Job;
use crate::metrics::{self, PairedDifferences, Scores};
use crate::predict::{self, Model};
use serde::Serialize;

/// Confidence of the intervals of a comparison.
pub const CONFIDENCE: f64 = 0.95;

/// The draws of the bootstrap are the same for every comparison, so that it repeats exactly.
const SEED: u64 = 1;

/// Two models on the same tracks.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// The tags that both models and the data set know, in the order of the data set.
    pub tags: Vec<String>,
    /// The data set's tags that one of the models does not know, or both.
    pub left_out: Vec<String>,
    /// Tracks that were scored.
    pub n_tracks: usize,
    /// Scores of the first model; `[tags]` where there is one for each tag.
    pub first: Scores,
    /// Scores of the second model.
    pub second: Scores,
    /// The second less the first, with intervals of [`CONFIDENCE`].
    pub difference: PairedDifferences,
    /// All tracks, those on which the models disagree most first.
    pub disagreements: Vec<Disagreement>,
}

/// A track, and the tag of which the models think most differently there.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Disagreement {
    /// Id of the track.
    pub track: String,
    /// Mean over tags of the distance between the probabilities, 0..=1.
    pub mean_distance: f64,
    /// The tag on which they lie furthest apart.
    pub tag: String,
    /// Whether the track is labelled with it.
    pub has_tag: bool,
    /// Its probability according to the first model.
    pub first: f32,
    /// Its probability according to the second model.
    pub second: f32,
}

/// Tags the given tracks with both models and compares the outcome. Tracks without audio in the cache are left out.
///
/// Fails with [`Error::NoTagInCommon`] before anything is computed, with [`Error::NoAudio`] if no track has any.
pub fn compare(
    models: [&Model; 2],
    dataset: &Dataset,
    cache: &PcmCache,
    track_idxs: &[usize],
    n_resamples: usize,
    job: &Job,
) -> Result<Comparison, Error> {
    let common = Common::of(models, dataset)?;
    let n_tags = common.in_data.len();
    let [mut first, mut second] = [Vec::new(), Vec::new()];
    let (mut labels, mut scored) = (Vec::new(), Vec::new());
    let unheard = Job::new(job.cancel.clone(), |_| ());
    for (n_done, &track_idx) in track_idxs.iter().enumerate() {
        job.check()?;
        job.report(
            n_done as u64,
            track_idxs.len() as u64,
            "tagging with both models",
        );
        let tag = |model: &Model, places: &[usize]| -> Result<Option<Vec<f32>>, Error> {
            let rate_hz = model.sample_rate_hz();
            let Some(wave) = whole_track(dataset, track_idx, cache, rate_hz)? else {
                return Ok(None);
            };
            let all = predict::tag_track(model, &wave, &unheard)?;
            Ok(Some(places.iter().map(|&place| all[place]).collect()))
        };
        let Some(of_first) = tag(models[0], &common.in_models[0])? else {
            continue;
        };
        let Some(of_second) = tag(models[1], &common.in_models[1])? else {
            continue;
        };
        first.extend(of_first);
        second.extend(of_second);
        let has = dataset.labels_of(track_idx);
        labels.extend(common.in_data.iter().map(|&tag| has[tag]));
        scored.push(track_idx);
    }
    if scored.is_empty() {
        return Err(Error::NoAudio);
    }
    let difference = metrics::paired_bootstrap(
        &first,
        &second,
        &labels,
        n_tags,
        n_resamples,
        CONFIDENCE,
        SEED,
        job,
    )?;
    let tags = common.names(dataset);
    Ok(Comparison {
        disagreements: disagreements(&first, &second, &labels, &tags, |row| {
            dataset.tracks[scored[row]].id.clone()
        }),
        left_out: common.left_out,
        n_tracks: scored.len(),
        first: metrics::score(&first, &labels, n_tags),
        second: metrics::score(&second, &labels, n_tags),
        difference,
        tags,
    })
}

/// The tags on which the models can be compared: those that both and the data set know, in the order of the data set.
///
/// Fails with [`Error::NoTagInCommon`]: to be asked before tracks are decoded in vain.
pub fn tags_in_common(models: [&Model; 2], dataset: &Dataset) -> Result<Vec<String>, Error> {
    Ok(Common::of(models, dataset)?.names(dataset))
}

/// Where the tags stand that all three know.
pub(super) struct Common {
    pub(super) in_data: Vec<usize>,
    pub(super) in_models: [Vec<usize>; 2],
    pub(super) left_out: Vec<String>,
}

impl Common {
    pub(super) fn of(models: [&Model; 2], dataset: &Dataset) -> Result<Self, Error> {
        let mut common = Self {
            in_data: Vec::new(),
            in_models: [Vec::new(), Vec::new()],
            left_out: Vec::new(),
        };
        for (idx, tag) in dataset.tags.iter().enumerate() {
            let place = |model: &Model| model.tags.iter().position(|other| other == tag);
            if let (Some(first), Some(second)) = (place(models[0]), place(models[1])) {
                common.in_data.push(idx);
                common.in_models[0].push(first);
                common.in_models[1].push(second);
            } else {
                common.left_out.push(tag.clone());
            }
        }
        if common.in_data.is_empty() {
            return Err(Error::NoTagInCommon {
                first: few(&models[0].tags),
                second: few(&models[1].tags),
                data: few(&dataset.tags),
            });
        }
        Ok(common)
    }

    fn names(&self, dataset: &Dataset) -> Vec<String> {
        self.in_data
            .iter()
            .map(|&tag| dataset.tags[tag].clone())
            .collect()
    }
}

/// The first of the tags, and how many more there are.
fn few(tags: &[String]) -> String {
    const SHOWN: usize = 3;
    match tags {
        [] => "none".to_owned(),
        _ if tags.len() <= SHOWN + 1 => tags.join(", "),
        _ => format!(
            "{} and {} more",
            tags[..SHOWN].join(", "),
            tags.len() - SHOWN
        ),
    }
}

/// All rows of `[tracks, tags]`, the largest mean distance first; of two alike the earlier one.
fn disagreements(
    first: &[f32],
    second: &[f32],
    labels: &[bool],
    tags: &[String],
    id: impl Fn(usize) -> String,
) -> Vec<Disagreement> {
    let n_tags = tags.len();
    let distance = |place: usize| f64::from((first[place] - second[place]).abs());
    let mut found: Vec<Disagreement> = (0..labels.len() / n_tags)
        .filter_map(|row| {
            let places = row * n_tags..(row + 1) * n_tags;
            let most = places
                .clone()
                .max_by(|&one, &other| distance(one).total_cmp(&distance(other)))?;
            Some(Disagreement {
                track: id(row),
                mean_distance: places.map(distance).sum::<f64>() / n_tags as f64,
                tag: tags[most % n_tags].clone(),
                has_tag: labels[most],
                first: first[most],
                second: second[most],
            })
        })
        .collect();
    found.sort_by(|one, other| other.mean_distance.total_cmp(&one.mean_distance));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tracks_are_listed_by_the_mean_distance_each_with_its_furthest_tag() {
        let tags = ["calm", "loud"].map(str::to_owned);
        let (first, second) = ([0.1, 0.2, 0.9, 0.5], [0.1, 0.3, 0.1, 0.6]);
        let labels = [false, true, true, false];
        let found = disagreements(&first, &second, &labels, &tags, |row| format!("x{row}"));
        assert_eq!(found.len(), 2);
        let most = &found[0];
        assert_eq!((most.track.as_str(), most.tag.as_str()), ("x1", "calm"));
        assert!(most.has_tag);
        assert!((most.mean_distance - 0.45).abs() < 1e-6);
        assert_eq!((most.first, most.second), (0.9, 0.1));
        assert_eq!(found[1].tag, "loud");
    }

    #[test]
    fn a_long_list_of_tags_is_cut_short() {
        let tags = |n: usize| (0..n).map(|i| format!("t{i}")).collect::<Vec<_>>();
        assert_eq!(few(&[]), "none");
        assert_eq!(few(&tags(4)), "t0, t1, t2, t3");
        assert_eq!(few(&tags(50)), "t0, t1, t2 and 47 more");
    }
}
