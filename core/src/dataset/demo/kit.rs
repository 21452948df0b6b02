//! The drum kit: acoustic, electronic and in between.

use super::instruments::Played;
use super::score::Drum;
use super::sound::{Filter, Noise, Partial, RATE, fade_out, ring, samples, saturate, sine};
use crate::rng::Stream;

/// A hit on the piece whose number is the note's key.
pub(super) fn sound(note: &Played<'_>, chance: &mut Stream) -> Vec<f32> {
    let drum = Drum::ALL[note.key.rem_euclid(Drum::ALL.len() as i32) as usize];
    let is_electronic = note.timbre.character > 0.5;
    let bright = note.timbre.brightness;
    let long = 0.6 + 0.8 * note.timbre.length;
    let mut noise = Noise::new(chance);
    let mut wave = match drum {
        Drum::Kick => {
            let (high_hz, low_hz) = if is_electronic {
                (230.0, 46.0)
            } else {
                (140.0, 58.0)
            };
            let mut wave = swept(high_hz, low_hz, 0.035, 0.22 * long);
            add_noise(&mut wave, &mut noise, 0.25, 0.008, 2500.0, Band::Low);
            wave.iter_mut().for_each(|s| *s = 1.5 * saturate(1.4 * *s));
            wave
        }
        Drum::Snare => {
            let mut wave = ring(
                &[(185.0, 0.7), (331.0, 0.4)].map(|(hz, level)| Partial {
                    hz,
                    level,
                    decay_secs: 0.16,
                }),
                samples(0.3),
            );
            let cutoff_hz = 1400.0 + 1500.0 * bright;
            add_noise(
                &mut wave,
                &mut noise,
                1.1,
                0.17 * long,
                cutoff_hz,
                Band::High,
            );
            wave
        }
        Drum::ClosedHat => hat(&mut noise, 0.055 * long, bright),
        Drum::OpenHat => hat(&mut noise, 0.28 * long, bright),
        Drum::Shaker => {
            let mut wave = vec![0.0; samples(0.09)];
            add_noise(&mut wave, &mut noise, 0.45, 0.08, 5200.0, Band::High);
            let n_rise = samples(0.02);
            for (n, sample) in wave.iter_mut().take(n_rise).enumerate() {
                *sample *= n as f32 / n_rise as f32;
            }
            wave
        }
        Drum::Ride => metal(&mut noise, 0.8 * long, 0.35),
        Drum::Crash => metal(&mut noise, 1.6 * long, 0.9),
        Drum::Rim => {
            let hz = 1650.0 + 400.0 * bright;
            let mut wave = ring(
                &[(hz, 0.8), (hz * 1.47, 0.4), (430.0, 0.3)].map(|(hz, level)| Partial {
                    hz,
                    level,
                    decay_secs: 0.06,
                }),
                samples(0.08),
            );
            add_noise(&mut wave, &mut noise, 0.3, 0.01, 2000.0, Band::High);
            wave
        }
        Drum::Clap => {
            let mut wave = vec![0.0; samples(0.25)];
            for (delay_secs, decay_secs) in [(0.0, 0.012), (0.011, 0.012), (0.023, 0.14 * long)] {
                let from = samples(delay_secs);
                add_noise(
                    &mut wave[from..],
                    &mut noise,
                    0.9,
                    decay_secs,
                    1300.0,
                    Band::Middle,
                );
            }
            wave
        }
        Drum::HighTom => swept(260.0, 150.0, 0.06, 0.25 * long),
        Drum::LowTom => swept(150.0, 82.0, 0.07, 0.32 * long),
    };
    wave.iter_mut().for_each(|sample| *sample *= note.velocity);
    fade_out(&mut wave, 0.01);
    wave
}

/// A sine that falls from one pitch to another.
fn swept(high_hz: f32, low_hz: f32, glide_secs: f32, decay_secs: f32) -> Vec<f32> {
    let mut phase = 0.0f32;
    (0..samples(decay_secs * 1.6))
        .map(|n| {
            let time = n as f32 / RATE;
            phase += (low_hz + (high_hz - low_hz) * (-time / glide_secs).exp()) / RATE;
            sine(phase) * (-time * 5.0 / decay_secs).exp()
        })
        .collect()
}

#[derive(Clone, Copy)]
enum Band {
    Low,
    Middle,
    High,
}

/// Adds filtered noise that dies away.
fn add_noise(
    wave: &mut [f32],
    noise: &mut Noise,
    level: f32,
    decay_secs: f32,
    cutoff_hz: f32,
    band: Band,
) {
    let mut filter = Filter::new(cutoff_hz, 0.9);
    let fall = (-5.0 / (decay_secs * RATE)).exp();
    let mut level = level;
    for sample in wave {
        let (low, middle, high) = filter.next(noise.next());
        *sample += level
            * match band {
                Band::Low => low,
                Band::Middle => middle,
                Band::High => high,
            };
        level *= fall;
    }
}

fn hat(noise: &mut Noise, decay_secs: f32, bright: f32) -> Vec<f32> {
    let mut wave = vec![0.0; samples(decay_secs * 1.5)];
    let cutoff_hz = 5200.0 + 2200.0 * bright;
    add_noise(&mut wave, noise, 0.8, decay_secs, cutoff_hz, Band::High);
    wave
}

/// Cymbals: partials without order, under noise.
fn metal(noise: &mut Noise, decay_secs: f32, wash: f32) -> Vec<f32> {
    let partials = [
        2140.0, 3090.0, 3420.0, 4510.0, 5230.0, 6740.0, 7360.0, 8890.0,
    ]
    .map(|hz| Partial {
        hz,
        level: 0.12,
        decay_secs,
    });
    let mut wave = ring(&partials, samples(decay_secs));
    add_noise(&mut wave, noise, wash, decay_secs * 0.6, 4300.0, Band::High);
    wave
}
