//! Explanations by ear: a tag's strongest moments one after the other, the song with all but its evidence faded down, and the song
//! without its evidence.

use super::{Grid, TokenMap};
use crate::audio::Clip;
use std::ops::Range;

/// The part of a song that counts as a tag's evidence unless the user says otherwise: its strongest fifth.
pub(super) const USUAL_SHARE: f64 = 0.2;

/// Gain of what is faded down, in decibels: still to be followed, no longer to be mistaken.
pub const FADED_DB: f32 = -24.0;

/// From one gain to another, so that no click is heard.
const FADE_SECS: f64 = 0.05;

/// Silence between two moments of [`moments_in_a_row`].
pub const PAUSE_SECS: f64 = 0.25;

/// A moment that speaks for a tag.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment {
    /// The token of the peak.
    pub token: usize,
    /// What the token hears, in seconds of the song.
    pub secs: Range<f64>,
    /// The value of the map there.
    pub value: f32,
}

/// The strongest moments of a tag, at most `most` of them, the strongest first. None of them hears what another one hears; only what speaks
/// for the tag counts.
pub(super) fn strongest_moments(
    map: &TokenMap,
    tag_idx: usize,
    most: usize,
    duration_secs: f64,
) -> Vec<Moment> {
    let values = map.tag(tag_idx);
    let mut tokens: Vec<usize> = (0..values.len())
        .filter(|&token| values[token] > 0.0)
        .collect();
    tokens.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
    let mut moments: Vec<Moment> = Vec::new();
    for token in tokens {
        if moments.len() == most {
            break;
        }
        let secs = heard_by(&map.grid, token, duration_secs);
        let is_apart =
            |other: &Moment| secs.end <= other.secs.start || secs.start >= other.secs.end;
        if !secs.is_empty() && moments.iter().all(is_apart) {
            let value = values[token];
            moments.push(Moment { token, secs, value });
        }
    }
    moments
}

/// What a token hears of a song, in seconds.
pub fn heard_by(grid: &Grid, token: usize, duration_secs: f64) -> Range<f64> {
    let half = 0.5 * grid.receptive_field_secs().max(grid.token_secs());
    let centre = grid.centre_secs(token);
    (centre - half).max(0.0)..(centre + half).min(duration_secs)
}

/// The stretches that hold a tag's strongest evidence: `share` (0..=1) of the tokens, by the mean of the map over what a token hears, because
/// a token's evidence lies anywhere there. Only what speaks for the tag counts, so that they may be less. Seconds, ascending, apart.
pub(super) fn evidence_stretches(
    map: &TokenMap,
    tag_idx: usize,
    share: f64,
    duration_secs: f64,
) -> Vec<Range<f64>> {
    let grid = &map.grid;
    let evidence = map.evidence(tag_idx);
    let reach = (0.5 * grid.receptive_field_secs() / grid.token_secs()).round() as usize;
    let smooth: Vec<f32> = (0..evidence.len())
        .map(|token| {
            let near = token.saturating_sub(reach)..(token + reach + 1).min(evidence.len());
            let n = near.len() as f32;
            evidence[near].iter().filter(|v| v.is_finite()).sum::<f32>() / n
        })
        .collect();
    let mut tokens: Vec<usize> = (0..smooth.len()).filter(|&t| smooth[t] > 0.0).collect();
    tokens.sort_by(|&a, &b| smooth[b].total_cmp(&smooth[a]));
    // Of a sound of one or two tokens, one is still the strongest.
    let most = (share.clamp(0.0, 1.0) * smooth.len() as f64).round() as usize;
    tokens.truncate(if share > 0.0 { most.max(1) } else { 0 });
    tokens.sort_unstable();
    let half = 0.5 * grid.token_secs();
    let mut stretches: Vec<Range<f64>> = Vec::new();
    for token in tokens {
        let centre = grid.centre_secs(token);
        // The first and the last token stand for what lies before and behind them as well.
        let start = if token == 0 { 0.0 } else { centre - half };
        let is_last = token + 1 == grid.n_tokens;
        let end = if is_last {
            duration_secs
        } else {
            centre + half
        };
        let end = end.min(duration_secs);
        match stretches.last_mut() {
            Some(last) if start <= last.end + 1e-9 => last.end = end,
            _ => stretches.push(start.max(0.0)..end),
        }
    }
    stretches
}

/// The moments one after the other in the order given, faded in and out, with pauses between them.
pub(super) fn moments_in_a_row(song: &Clip, moments: &[Moment]) -> Clip {
    let channels = usize::from(song.channels.max(1));
    let frame =
        |secs: f64| ((secs * f64::from(song.rate_hz)).round() as usize).min(song.n_frames());
    let n_pause = (PAUSE_SECS * f64::from(song.rate_hz)) as usize;
    let n_fade = (FADE_SECS * f64::from(song.rate_hz)) as usize;
    let mut samples = Vec::new();
    for moment in moments {
        let (start, end) = (frame(moment.secs.start), frame(moment.secs.end));
        let n = end.saturating_sub(start);
        for at in 0..n {
            let edge = (at + 1).min(n - at);
            let gain = (edge as f32 / (n_fade + 1) as f32).min(1.0);
            let from = (start + at) * channels;
            samples.extend(song.samples[from..from + channels].iter().map(|s| gain * s));
        }
        samples.resize(samples.len() + n_pause * channels, 0.0);
    }
    Clip {
        samples: samples.into(),
        ..song.clone()
    }
}

/// The song with one gain inside of some stretches (seconds, ascending, apart) and another outside. Fades lie outside.
pub(super) fn with_gains(song: &Clip, stretches: &[Range<f64>], inside: f32, outside: f32) -> Clip {
    let channels = usize::from(song.channels.max(1));
    let mut stretches = stretches.iter().peekable();
    let mut before = f64::NEG_INFINITY;
    let gained = song.samples.chunks(channels).enumerate();
    let samples = gained.flat_map(|(frame, samples)| {
        let secs = frame as f64 / f64::from(song.rate_hz.max(1));
        while let Some(passed) = stretches.next_if(|stretch| stretch.end <= secs) {
            before = passed.end;
        }
        let until_next = stretches
            .peek()
            .map_or(f64::INFINITY, |next| next.start - secs);
        let away = until_next.min(secs - before).max(0.0);
        let share = (away / FADE_SECS).min(1.0) as f32;
        let gain = inside + (outside - inside) * share;
        samples.iter().map(move |sample| gain * sample)
    });
    Clip {
        samples: samples.collect(),
        ..song.clone()
    }
}

/// The song with everything but a tag's evidence faded down by [`FADED_DB`].
pub(super) fn rest_faded(song: &Clip, evidence: &[Range<f64>]) -> Clip {
    with_gains(song, evidence, 1.0, 10f32.powf(FADED_DB / 20.0))
}

/// The song without a tag's evidence.
pub(super) fn evidence_removed(song: &Clip, evidence: &[Range<f64>]) -> Clip {
    with_gains(song, evidence, 0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interpret::Method;
    use proptest::prelude::*;

    const DURATION: f64 = 10.0;

    /// Tokens of 0.1 s that hear 0.3 s.
    fn map(values: Vec<f32>) -> TokenMap {
        let grid = Grid {
            samples_per_token: 100.0,
            first_centre_samples: 50.0,
            receptive_field_samples: 300.0,
            n_tokens: values.len(),
            sample_rate_hz: 1000,
        };
        TokenMap::new(Method::Contribution, grid, vec![0], values)
    }

    #[test]
    fn the_strongest_moments_come_first_and_do_not_hear_each_other() {
        let mut values = vec![-1.0; 100];
        (values[20], values[21], values[50], values[99]) = (3.0, 2.9, 2.0, 4.0);
        let moments = strongest_moments(&map(values), 0, 5, DURATION);
        let tokens: Vec<usize> = moments.iter().map(|moment| moment.token).collect();
        assert_eq!(tokens, [99, 20, 50]);
        assert!((moments[1].secs.start - 1.9).abs() < 1e-9);
        assert!((moments[0].secs.end - DURATION).abs() < 1e-9);
    }

    #[test]
    fn moments_in_a_row_are_the_song_at_these_moments() {
        let song = Clip::mono((0..10_000).map(|i| i as f32).collect::<Vec<_>>(), 1000);
        let mut values = vec![0.0; 100];
        (values[20], values[50]) = (1.0, 2.0);
        let moments = strongest_moments(&map(values), 0, 2, DURATION);
        let row = moments_in_a_row(&song, &moments);
        assert_eq!(row.n_frames(), 2 * (300 + 250));
        assert_eq!(row.samples[150], 5050.0);
        assert_eq!(row.samples[550 + 150], 2050.0);
        assert!(row.samples[300..550].iter().all(|&s| s == 0.0));
    }

    proptest! {
        #[test]
        fn removing_and_keeping_the_evidence_are_opposites(
            values in prop::collection::vec(-1.0f32..1.0, 100), share in 0.0f64..1.0,
        ) {
            let map = map(values.clone());
            let stretches = evidence_stretches(&map, 0, share, DURATION);
            prop_assert!(stretches.iter().all(|s| s.start < s.end && s.end <= DURATION));
            prop_assert!(stretches.windows(2).all(|pair| pair[0].end < pair[1].start));
            let total: f64 = stretches.iter().map(|s| s.end - s.start).sum();
            prop_assert!(total <= share * DURATION + 0.1);
            let song = Clip { channels: 2, ..Clip::mono(vec![1.0f32; 20_000], 1000) };
            let (kept, removed) = (with_gains(&song, &stretches, 1.0, 0.0), evidence_removed(&song, &stretches));
            prop_assert_eq!(kept.samples.len(), song.samples.len());
            for (at, (kept, removed)) in kept.samples.iter().zip(removed.samples.iter()).enumerate() {
                prop_assert!((kept + removed - 1.0).abs() < 1e-6);
                let secs = (at / 2) as f64 / 1000.0;
                if stretches.iter().any(|s| s.contains(&secs)) {
                    prop_assert_eq!(*removed, 0.0);
                }
            }
            let loudest_step = removed.samples.chunks(2).map(|c| c[0]).collect::<Vec<_>>();
            prop_assert!(loudest_step.windows(2).all(|pair| (pair[1] - pair[0]).abs() < 0.0211));
        }
    }
}
