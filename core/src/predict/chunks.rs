//! Where the chunks of a song start, and the answer for a song as the mean over them.

use super::{Error, Model};
use crate::job::Job;

/// Chunks in one pass through the network.
const BATCH: usize = 6;

/// Starts of the chunks of a song: `n = ceil(n_samples / chunk_samples)` chunks at `round(i (n_samples - chunk_samples) / (n - 1))`.
/// The last one ends with the song; a song that is shorter than a chunk has one, at 0.
pub fn chunk_starts(n_samples: usize, chunk_samples: usize) -> Vec<usize> {
    let n_chunks = n_samples.div_ceil(chunk_samples.max(1)).max(1);
    if n_chunks == 1 {
        return vec![0];
    }
    let span = (n_samples - chunk_samples) as f64 / (n_chunks - 1) as f64;
    (0..n_chunks)
        .map(|i| (i as f64 * span).round() as usize)
        .collect()
}

/// Tag probabilities of a whole song: the mean over its chunks of the model's input length; a shorter song is padded with zeros.
///
/// `wave` is mono at the model's rate. Fails with [`Error::Empty`] if it has no samples, [`Error::Cancelled`] if the caller stopped it.
pub fn tag_track(model: &Model, wave: &[f32], job: &Job) -> Result<Vec<f32>, Error> {
    if wave.is_empty() {
        return Err(Error::Empty);
    }
    let length = model.input_samples;
    let mut padded = Vec::new();
    let wave = if wave.len() < length {
        padded.extend_from_slice(wave);
        padded.resize(length, 0.0);
        &padded
    } else {
        wave
    };
    let starts = chunk_starts(wave.len(), length);
    let mut sums = vec![0f64; model.tags.len()];
    for (i, group) in starts.chunks(BATCH).enumerate() {
        job.check()?;
        job.report((i * BATCH) as u64, starts.len() as u64, "tagging");
        let waves: Vec<&[f32]> = group
            .iter()
            .map(|&start| &wave[start..start + length])
            .collect();
        for probabilities in model.probabilities(&waves)? {
            for (sum, probability) in sums.iter_mut().zip(probabilities) {
                *sum += f64::from(probability);
            }
        }
    }
    let n = starts.len() as f64;
    Ok(sums.into_iter().map(|sum| (sum / n) as f32).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_cover_the_song_from_start_to_end() {
        assert_eq!(chunk_starts(100, 100), [0]);
        assert_eq!(chunk_starts(40, 100), [0]);
        assert_eq!(chunk_starts(101, 100), [0, 1]);
        assert_eq!(chunk_starts(250, 100), [0, 75, 150]);
        for n in 1..1000 {
            let starts = chunk_starts(n, 64);
            let covered = starts.windows(2).all(|pair| pair[1] - pair[0] <= 64);
            assert!(covered, "{n}: {starts:?}");
            assert!(
                n < 64 || starts.last().unwrap() + 64 == n,
                "{n}: {starts:?}"
            );
        }
    }
}
