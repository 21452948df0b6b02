//! Another tempo at the same pitch: the first half of the pitch shift, WSOLA with SoX's settings.
//!
//! The clip's length stays exactly, as every effect's does. A slower clip loses its end. A faster one ends early: what is missing is
//! its own start again (as often as it takes), crossfaded over 5 ms, because music goes on in training clips and silence would give
//! the tempo away.

use super::fade;
use super::pitch::stretch;
use std::cell::RefCell;

thread_local! {
    static SCRATCH: RefCell<(stretch::Scratch, Vec<f32>)> = RefCell::default();
}

/// Plays at `percent` of the tempo.
pub(super) fn apply(wave: &mut [f32], percent: f32, rate_hz: u32) {
    if percent == 100.0 {
        return;
    }
    SCRATCH.with_borrow_mut(|(scratch, stretched)| {
        let ratio = 100.0 / f64::from(percent);
        stretched.clear();
        // Silence from behind the clip's end would click where the start comes again.
        let n_sound = stretch::stretch(wave, ratio, rate_hz, scratch, stretched);
        stretched.truncate(n_sound);
        fill(wave, stretched, fade::n_samples(rate_hz, stretched.len()));
    });
}

/// Fills `wave` with `piece`, cut or repeated; each repetition is crossfaded over `n_fade` samples with the one before.
fn fill(wave: &mut [f32], piece: &[f32], n_fade: usize) {
    // A clip of one or two samples can become none at all; it stays as it is.
    if piece.is_empty() {
        return;
    }
    let mut at = 0;
    while at < wave.len() {
        let room = &mut wave[at..];
        for (i, (sample, &new)) in room.iter_mut().zip(piece).enumerate() {
            *sample = if at > 0 && i < n_fade {
                let part = fade::rise(i, n_fade);
                *sample * (1.0 - part) + new * part
            } else {
                new
            };
        }
        at += piece.len() - n_fade;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    const RATE_HZ: u32 = 22050;

    fn sine(hz: f64, n: usize) -> Vec<f32> {
        (0..n)
            .map(|i| 0.5 * (TAU * hz * i as f64 / f64::from(RATE_HZ)).sin() as f32)
            .collect()
    }

    #[test]
    fn what_happens_in_the_clip_happens_at_the_new_tempo() {
        for percent in [60.0, 80.0, 110.0, 125.0] {
            // Soft, and loud from the end of the first second on.
            let mut wave = sine(500.0, 2 * RATE_HZ as usize);
            for sample in &mut wave[..RATE_HZ as usize] {
                *sample *= 0.1;
            }
            apply(&mut wave, percent, RATE_HZ);
            let loud = wave.iter().position(|x| x.abs() > 0.2).unwrap();
            let off_ms = 1000.0 * (loud as f64 / f64::from(RATE_HZ) - 100.0 / f64::from(percent));
            // Segments of 82 ms are moved as a whole, by 15 ms at most.
            assert!(off_ms.abs() < 60.0, "{percent}: {off_ms} ms off");
        }
    }

    #[test]
    fn the_pitch_stays() {
        for percent in [50.0, 90.0, 120.0, 200.0] {
            let mut wave = sine(441.0, 44_100);
            apply(&mut wave, percent, RATE_HZ);
            let piece = &wave[2000..20_000];
            let n_rising = piece
                .windows(2)
                .filter(|p| p[0] < 0.0 && p[1] >= 0.0)
                .count();
            let hz = n_rising as f64 * f64::from(RATE_HZ) / piece.len() as f64;
            assert!((hz - 441.0).abs() < 4.0, "{percent}: {hz} Hz");
        }
    }

    fn steepest(wave: &[f32]) -> f32 {
        let steps = wave.windows(2).map(|pair| (pair[1] - pair[0]).abs());
        steps.fold(0.0, f32::max)
    }

    #[test]
    fn a_tone_that_ends_in_mid_wave_begins_again_without_a_click() {
        for (hz, n, percent) in [(72.56, 56_754, 102.0), (440.0, 65_000, 110.0)] {
            let mut wave = sine(hz, n);
            let before = steepest(&wave);
            apply(&mut wave, percent, RATE_HZ);
            let after = steepest(&wave);
            assert!(
                after < 1.6 * before,
                "{hz} Hz at {percent} %: {after}, {before} before"
            );
        }
    }

    #[test]
    fn a_faster_clip_goes_on_with_its_own_start_and_without_a_click() {
        let mut wave = sine(300.0, 44_100);
        let before = steepest(&wave);
        apply(&mut wave, 300.0, RATE_HZ);
        assert!(steepest(&wave) < 1.5 * before, "{}", steepest(&wave));
        let energy = |part: &[f32]| part.iter().map(|x| x * x).sum::<f32>() / part.len() as f32;
        for part in wave.chunks(4410) {
            assert!(energy(part) > 0.06, "sounds to its end");
        }
    }
}
