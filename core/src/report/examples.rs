//! Test tracks to listen to: those with the best and the worst answers, with what each run said of them.

use super::{Answer, Clip, Error, Examples, Options, Told};
use crate::audio;
use crate::dataset::{Dataset, Track};
use crate::figure::base64;
use crate::job::Job;
use crate::run::History;
use crate::train::Predictions;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Tags of an answer that are shown.
const TOP: usize = 5;
/// Rate and bit rate of the excerpts: enough to know what one hears, small enough for a page.
const RATE_HZ: u32 = 24_000;
const KBPS: f32 = 64.0;
/// Excerpts come in and go out within this many seconds.
const FADE_SECS: f32 = 0.03;
/// Probabilities are this far from 0 and 1 at least when their logarithm is taken.
const LEAST: f64 = 1e-7;

/// The tracks, with audio where the data set still has it.
pub(super) fn examples(
    histories: &[History],
    predictions: &[Option<Predictions>],
    options: &Options,
    job: &Job,
) -> Result<Told<Examples>, Error> {
    if options.n_clips == 0 {
        return Ok(Told::Missing("No examples were asked for.".to_owned()));
    }
    let Some((at, first)) = predictions
        .iter()
        .enumerate()
        .find_map(|(at, found)| Some((at, found.as_ref()?)))
    else {
        return Ok(Told::Missing(
            "There are no readable answers to a test split: a run keeps them when it ends and its data set has one.".to_owned(),
        ));
    };
    let same = |other: &&Predictions| first.are_of_the_same_tracks(other);
    let answers: Vec<(usize, &Predictions)> = predictions
        .iter()
        .enumerate()
        .filter_map(|(at, found)| Some((at, found.as_ref().filter(same)?)))
        .collect();
    let dataset = data_folder(&histories[at]);
    let dataset = dataset.map(|folder| Dataset::open(&folder).map_err(|error| (folder, error)));
    let mut note = format!(
        "{} s from the middle of each track; the answers are to whole tracks, by each run's best model.",
        options.clip_secs
    );
    let dataset = match dataset {
        Some(Ok(dataset)) => Some(dataset),
        Some(Err((folder, error))) => {
            note += &format!(
                " The data set is no longer at {} ({error}), so that there is nothing to listen to.",
                folder.display()
            );
            None
        }
        None => {
            note += " The run does not say where its data set lies, so that there is nothing to listen to.";
            None
        }
    };
    let mut clips = Vec::new();
    let mut licences = BTreeSet::new();
    let chosen = chosen(&answers, first, options.n_clips);
    for (n_done, &(row, why)) in chosen.iter().enumerate() {
        job.check()?;
        job.report(n_done as u64, chosen.len() as u64, "cutting the examples");
        let id = &first.tracks[row];
        let track = dataset.as_ref().and_then(|dataset| {
            let idx = dataset.track_idx(id)?;
            Some(&dataset.tracks[idx])
        });
        licences.extend(track.and_then(licence));
        let excerpt = match track {
            Some(track) => excerpt(track, options.clip_secs, job),
            None => Err("The data set has no such track.".to_owned()),
        };
        job.check()?;
        let (start_secs, secs, audio) = match excerpt {
            Ok((start_secs, secs, mp3)) => (start_secs, secs, Told::Found(base64(&mp3))),
            Err(why) => (0.0, 0.0, Told::Missing(why)),
        };
        let labels = first.tags.iter().zip(of_row(&first.labels, first, row));
        clips.push(Clip {
            track: id.clone(),
            chosen: why,
            artist: track.map_or_else(String::new, |track| track.artist.clone()),
            labels: labels
                .filter(|(_, has)| **has)
                .map(|(tag, _)| tag.clone())
                .collect(),
            start_secs,
            secs,
            audio,
            answers: answers
                .iter()
                .map(|&(run, found)| answer(run, found, row))
                .collect(),
        });
    }
    Ok(Told::Found(Examples {
        note,
        licences: licences.into_iter().collect(),
        clips,
    }))
}

/// Where the run's data set lay.
fn data_folder(history: &History) -> Option<PathBuf> {
    let data = history.run_toml()?.get("data")?;
    Some(PathBuf::from(data.get("folder")?.as_str()?))
}

/// The rows with the lowest and the highest mean loss over the runs, and if there are several runs those on which they differ most. Of the
/// best, tracks that have a tag at all come first: of the others every silent model is right.
fn chosen(
    answers: &[(usize, &Predictions)],
    first: &Predictions,
    n_clips: usize,
) -> Vec<(usize, &'static str)> {
    let losses: Vec<Vec<f64>> = (0..first.tracks.len())
        .map(|row| answers.iter().map(|(_, found)| loss(found, row)).collect())
        .collect();
    let mean = |row: usize| losses[row].iter().sum::<f64>() / losses[row].len().max(1) as f64;
    let spread = |row: usize| {
        let (low, high) = losses[row]
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &x| {
                (low.min(x), high.max(x))
            });
        high - low
    };
    let has_tag = |row: usize| of_row(&first.labels, first, row).iter().any(|has| *has);
    let mut by_loss: Vec<usize> = (0..losses.len()).collect();
    by_loss.sort_by(|&a, &b| mean(a).total_cmp(&mean(b)));
    let (with, without): (Vec<usize>, Vec<usize>) = by_loss.iter().partition(|&&row| has_tag(row));
    let best = with.into_iter().chain(without);
    let mut by_spread = by_loss.clone();
    by_spread.sort_by(|&a, &b| spread(b).total_cmp(&spread(a)));
    let n_spread = if answers.len() > 1 { n_clips / 4 } else { 0 };
    let n_worst = (n_clips - n_spread) / 2;
    let n_best = n_clips - n_spread - n_worst;
    let mut chosen: Vec<(usize, &'static str)> = Vec::new();
    let mut take = |rows: &mut dyn Iterator<Item = usize>, n: usize, why: &'static str| {
        let mut n_taken = 0;
        for row in rows {
            if n_taken == n {
                break;
            }
            if chosen.iter().all(|(other, _)| *other != row) {
                chosen.push((row, why));
                n_taken += 1;
            }
        }
    };
    take(&mut best.into_iter(), n_best, "best answers");
    take(&mut by_loss.into_iter().rev(), n_worst, "worst answers");
    take(&mut by_spread.into_iter(), n_spread, "the runs differ most");
    chosen
}

fn of_row<'a, T>(values: &'a [T], predictions: &Predictions, row: usize) -> &'a [T] {
    let n_tags = predictions.tags.len();
    &values[row * n_tags..(row + 1) * n_tags]
}

/// Mean binary cross entropy over the tags.
fn loss(predictions: &Predictions, row: usize) -> f64 {
    let probabilities = of_row(&predictions.probabilities, predictions, row);
    let labels = of_row(&predictions.labels, predictions, row);
    let sum: f64 = probabilities
        .iter()
        .zip(labels)
        .map(|(&p, &has)| {
            let p = f64::from(p).clamp(LEAST, 1.0 - LEAST);
            -(if has { p } else { 1.0 - p }).ln()
        })
        .sum();
    sum / predictions.tags.len().max(1) as f64
}

fn answer(run: usize, predictions: &Predictions, row: usize) -> Answer {
    let probabilities = of_row(&predictions.probabilities, predictions, row);
    let labels = of_row(&predictions.labels, predictions, row);
    let mut order: Vec<usize> = (0..probabilities.len()).collect();
    order.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]));
    order.truncate(TOP);
    let top = order.into_iter();
    Answer {
        run,
        loss: loss(predictions, row),
        top: top
            .map(|tag| {
                (
                    predictions.tags[tag].clone(),
                    probabilities[tag],
                    labels[tag],
                )
            })
            .collect(),
    }
}

/// Licence and source in a line, if the data set knows either.
fn licence(track: &Track) -> Option<String> {
    let parts = [&track.license, &track.source];
    let parts: Vec<&str> = parts
        .into_iter()
        .map(|part| part.trim())
        .filter(|part| !part.is_empty())
        .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Start and length in seconds, and the MP3; or why there is none.
fn excerpt(track: &Track, secs: f64, job: &Job) -> Result<(f64, f64, Vec<u8>), String> {
    let quiet = Job::new(job.cancel.clone(), |_| ());
    let wave = audio::decode_mono(&track.path, RATE_HZ, &quiet)
        .map_err(|error| format!("Its audio cannot be read: {error}."))?;
    let n_wanted = (secs * f64::from(RATE_HZ)) as usize;
    let n = n_wanted.clamp(1, wave.len().max(1)).min(wave.len());
    let start = (wave.len() - n) / 2;
    let mut cut = wave[start..start + n].to_vec();
    let n_fade = ((FADE_SECS * RATE_HZ as f32) as usize).min(n / 2);
    for at in 0..n_fade {
        let gain = at as f32 / n_fade as f32;
        cut[at] *= gain;
        cut[n - 1 - at] *= gain;
    }
    let mp3 = audio::mp3(&cut, RATE_HZ, KBPS)
        .map_err(|error| format!("Its audio cannot be coded: {error}."))?;
    let in_secs = |samples: usize| samples as f64 / f64::from(RATE_HZ);
    Ok((in_secs(start), in_secs(n), mp3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn predictions(probabilities: &[f32], labels: &[bool]) -> Predictions {
        Predictions {
            probabilities: probabilities.to_vec(),
            labels: labels.to_vec(),
            tracks: (0..labels.len() / 2).map(|row| format!("t{row}")).collect(),
            tags: ["calm", "loud"].map(str::to_owned).to_vec(),
        }
    }

    #[test]
    fn best_worst_and_disputed_tracks_are_chosen_each_once() {
        let labels = [true, false, true, false, false, false, false, true];
        let first = predictions(&[0.9, 0.1, 0.2, 0.8, 0.0, 0.0, 0.4, 0.6], &labels);
        let second = predictions(&[0.9, 0.1, 0.2, 0.8, 0.0, 0.0, 0.9, 0.1], &labels);
        let one = chosen(&[(0, &first)], &first, 2);
        // t2 has no tag, and nothing was said: a lower loss, but nothing to hear.
        assert_eq!(one, [(0, "best answers"), (1, "worst answers")]);
        let both = chosen(&[(0, &first), (1, &second)], &first, 4);
        let rows: BTreeSet<usize> = both.iter().map(|(row, _)| *row).collect();
        assert_eq!(rows.len(), both.len());
        let all = chosen(&[(0, &first)], &first, 50);
        assert_eq!(all.len(), 4, "no more than there are");
    }

    #[test]
    fn an_answer_has_the_most_probable_tags_first_and_says_what_is_true() {
        let found = predictions(&[0.1, 0.7], &[true, false]);
        let answer = answer(3, &found, 0);
        assert_eq!(
            answer.top,
            [
                ("loud".to_owned(), 0.7, false),
                ("calm".to_owned(), 0.1, true)
            ]
        );
        let expected = -(0.1f64.ln() + 0.3f64.ln()) / 2.0;
        assert!((answer.loss - expected).abs() < 1e-6, "{}", answer.loss);
        assert_eq!(answer.run, 3);
    }
}
