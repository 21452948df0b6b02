//! Instruments must be heard, be in tune, and differ; the mix must be level and whole.

use super::*;
use crate::dataset::demo::plan::{draws, plan};
use crate::dataset::demo::score::{Note, Timbre};
use crate::dataset::demo::sound::{RATE, hz_of};
use crate::dataset::demo::{CLIP_SECS, SEED, compose, suite};
use crate::features::{FrontEnd, LogMelExtractor};

const ORDINARY: Timbre = Timbre {
    brightness: 0.5,
    warmth: 0.5,
    length: 0.5,
    character: 0.4,
};

fn note_of(instrument: Instrument, key: i32, held_secs: f32, timbre: &Timbre) -> Vec<f32> {
    let played = Played {
        key,
        held_secs,
        velocity: 0.8,
        timbre,
    };
    sound(instrument, &played, &mut draws(1, 9, 0))
}

/// Energy of `wave` at one frequency (Goertzel, Hann window).
fn energy_at(wave: &[f32], hz: f64) -> f64 {
    let n = wave.len() as f64;
    let (mut re, mut im) = (0.0, 0.0);
    for (place, &sample) in wave.iter().enumerate() {
        let turn = std::f64::consts::TAU * place as f64;
        let window = 0.5 - 0.5 * (turn / n).cos();
        let angle = turn * hz / f64::from(RATE);
        re += f64::from(sample) * window * angle.cos();
        im += f64::from(sample) * window * angle.sin();
    }
    re * re + im * im
}

#[test]
fn every_instrument_plays_in_tune() {
    for instrument in Instrument::ALL {
        if instrument == Instrument::Drums {
            continue;
        }
        let key = if instrument == Instrument::Bass {
            40
        } else {
            57
        };
        let wave = note_of(instrument, key, 1.0, &ORDINARY);
        let tone = &wave[2000..18_000];
        let hz = f64::from(hz_of(key));
        let loudest = (-40..=40)
            .max_by(|a, b| {
                let at = |cents: &i32| {
                    let hz = hz * (f64::from(*cents) * 2.0 / 1200.0).exp2();
                    energy_at(tone, hz)
                };
                at(a).total_cmp(&at(b))
            })
            .unwrap();
        assert!(
            loudest.abs() * 2 <= 16,
            "{instrument:?} is {} cents off",
            loudest * 2
        );
    }
}

#[test]
fn no_instrument_is_mistaken_for_another() {
    // Mean log-mel of a phrase, level removed: what a tagger can tell them apart by.
    let extractor = LogMelExtractor::new(&FrontEnd::mtt()).unwrap();
    let colour = |instrument: Instrument, timbre: &Timbre| {
        let centre = instrument.melody_centre();
        let mut wave = vec![0.0; samples(3.0)];
        for (place, key) in [0, 4, 7, 12].into_iter().enumerate() {
            let note = note_of(instrument, centre + key, 0.6, timbre);
            for (sum, sample) in wave[place * 15_000..].iter_mut().zip(&note) {
                *sum += sample;
            }
        }
        let gain = 0.1 / loudness(&wave).unwrap();
        wave.iter_mut().for_each(|sample| *sample *= gain);
        let mel = extractor.log_mel(&wave).unwrap();
        mel.values
            .chunks_exact(mel.n_frames)
            .map(|band| {
                band.iter().map(|value| value.max(-40.0)).sum::<f32>() / mel.n_frames as f32
            })
            .collect::<Vec<f32>>()
    };
    for (number, &one) in Instrument::ALL.iter().enumerate() {
        for &other in &Instrument::ALL[number + 1..] {
            let (a, b) = (colour(one, &ORDINARY), colour(other, &ORDINARY));
            let distance = (a.iter().zip(&b).map(|(a, b)| (a - b).powi(2)).sum::<f32>()
                / a.len() as f32)
                .sqrt();
            assert!(distance > 1.5, "{one:?} and {other:?}: {distance} dB apart");
        }
    }
}

#[test]
fn every_timbre_of_every_instrument_is_a_sound() {
    let mut chance = draws(3, 9, 1);
    for instrument in Instrument::ALL {
        for _ in 0..12 {
            let timbre = Timbre {
                brightness: chance.uniform(),
                warmth: chance.uniform(),
                length: chance.uniform(),
                character: chance.uniform(),
            };
            let key = instrument.melody_centre() + chance.index(19) as i32 - 9;
            let held_secs = chance.range(0.03, 2.0);
            let wave = note_of(instrument, key, held_secs, &timbre);
            let peak = wave.iter().fold(0.0f32, |peak, s| peak.max(s.abs()));
            assert!(
                wave.iter().all(|sample| sample.is_finite()) && (0.02..8.0).contains(&peak),
                "{instrument:?} key {key} {timbre:?}: peak {peak}"
            );
        }
    }
}

#[test]
fn clips_are_level_and_their_timelines_lie_within() {
    let (artists, songs) = plan(SEED);
    for song in songs.iter().step_by(31) {
        let artist = &artists[song.artist];
        let score = compose::compose(SEED, song, artist, CLIP_SECS);
        let rendered = render(&score, &mut draws(SEED, 4, song.number));
        let wave = &rendered.wave;
        assert_eq!(wave.len(), samples(CLIP_SECS as f32));
        let peak = wave.iter().fold(0.0f32, |peak, s| peak.max(s.abs()));
        let rms = (wave.iter().map(|s| s * s).sum::<f32>() / wave.len() as f32).sqrt();
        let rms_db = 20.0 * rms.log10();
        assert!(peak < PEAK, "{} peaks at {peak}", song.id);
        assert!(
            (-21.0..=-12.0).contains(&rms_db),
            "{}: {rms_db} dB",
            song.id
        );
        assert!(!rendered.timelines.is_empty());
        for spans in rendered.timelines.values() {
            assert!(
                spans
                    .iter()
                    .all(|(from, to)| from < to && *to <= CLIP_SECS + 0.02)
            );
            assert!(spans.windows(2).all(|pair| pair[0].1 < pair[1].0));
        }
    }
}

#[test]
fn the_same_draws_give_the_same_samples() {
    let (artists, songs) = plan(SEED);
    let once = || {
        let score = compose::compose(SEED, &songs[40], &artists[songs[40].artist], 3.0);
        render(&score, &mut draws(SEED, 4, 40)).wave
    };
    assert_eq!(once(), once());
}

#[test]
fn a_timeline_says_when_an_instrument_is_heard() {
    let note = |start_secs: f64, key: i32| Note {
        start_secs,
        held_secs: 0.5,
        key,
        velocity: 0.8,
    };
    let part = |instrument, notes| Part {
        instrument,
        level_db: 0.0,
        notes,
    };
    let score = Score {
        parts: vec![
            part(
                Instrument::Organ,
                vec![note(1.0, 60), note(1.5, 64), note(4.0, 60)],
            ),
            part(Instrument::Flute, vec![note(2.5, 76)]),
        ],
        timbre: ORDINARY,
        room: 0.2,
        level_db: -16.0,
        from_secs: 0.5,
        length_secs: 5.0,
    };
    let rendered = render(&score, &mut draws(1, 9, 2));
    let check = |instrument, expected: &[(f64, f64)]| {
        let found = &rendered.timelines[&instrument];
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(
                (found.0 - expected.0).abs() < 0.05,
                "{found:?} {expected:?}"
            );
            assert!(
                (found.1 - expected.1).abs() < 0.12,
                "{found:?} {expected:?}"
            );
        }
    };
    check(Instrument::Organ, &[(0.5, 1.53), (3.5, 4.03)]);
    check(Instrument::Flute, &[(2.0, 2.57)]);
}

#[test]
fn in_the_long_song_instruments_enter_and_leave() {
    let score = suite::compose(SEED);
    assert!(score.length_secs > 120.0, "{}", score.length_secs);
    let rendered = render(&score, &mut draws(SEED, 6, 0));
    assert_eq!(rendered.timelines.len(), Instrument::ALL.len());
    let heard = |instrument| {
        let spans: &Vec<(f64, f64)> = &rendered.timelines[&instrument];
        let secs: f64 = spans.iter().map(|(from, to)| to - from).sum();
        secs / score.length_secs
    };
    for instrument in Instrument::ALL {
        let share = heard(instrument);
        assert!((0.03..0.8).contains(&share), "{instrument:?}: {share}");
    }
}
