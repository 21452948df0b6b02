//! The front ends against torchaudio's output for music, sweep, noise, silence, impulse and a very short signal.
//!
//! Compared in power relative to the loudest band of the frame (aim 1e-6), and in dB down to 60 dB below it (aim 1e-3):
//! below that, `f32` rounding inside the Fourier transform shows, in PyTorch's own result as well as in ours.
//! Silence and the impulse have no such trouble and are compared everywhere.

use attune_core::features::{FrontEnd, LogMelExtractor};
use attune_tests::shared;
use safetensors::{Dtype, SafeTensors};
use std::path::Path;

/// Power of the rounding in the golden decibels themselves: half a unit in the last place at 64 dB.
const DB_ROUNDING: f64 = 3.9e-6;

fn tensor(file: &Path, name: &str) -> Option<Vec<f32>> {
    let bytes = std::fs::read(file).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let tensor = tensors.tensor(name).ok()?;
    Some(match tensor.dtype() {
        Dtype::I16 => {
            let (values, _) = tensor.data().as_chunks::<2>();
            let sample = |v: &[u8; 2]| f32::from(i16::from_le_bytes(*v)) / 32_768.0;
            values.iter().map(sample).collect()
        }
        Dtype::F32 => {
            let (values, _) = tensor.data().as_chunks::<4>();
            values.iter().map(|v| f32::from_le_bytes(*v)).collect()
        }
        other => panic!("unexpected {other:?}"),
    })
}

struct Case {
    name: &'static str,
    front_end: FrontEnd,
    music: (&'static str, usize, usize),
    waves_of: &'static str,
}

fn cases() -> [Case; 3] {
    let case = |name, front_end, music, waves_of| Case {
        name,
        front_end,
        music,
        waves_of,
    };
    let at_16k = ("mountain_16k", 22_050, 59_049);
    [
        case(
            "mtt",
            FrontEnd::mtt(),
            ("mountain_22k", 22_050, 81_364),
            "mtt",
        ),
        case("sota96", FrontEnd::sota96(), at_16k, "sota96"),
        case("sota128", FrontEnd::sota128(), at_16k, "sota96"),
    ]
}

/// Largest error of power, relative to the loudest band of its frame, and of dB above -60 dB of it.
fn errors(found_power: &[f32], found_db: &[f32], golden_db: &[f32], n_mels: usize) -> (f64, f64) {
    let n_frames = golden_db.len() / n_mels;
    let power = |db: f32| 10_f64.powf(f64::from(db) / 10.0);
    let (mut worst_power, mut worst_db) = (0.0_f64, 0.0_f64);
    for frame in 0..n_frames {
        let column = || (0..n_mels).map(|mel| mel * n_frames + frame);
        let loudest = column().map(|i| golden_db[i]).fold(-100.0, f32::max);
        for i in column() {
            // Golden power is known only above the floor of 1e-10.
            let found = f64::from(found_power[i]).max(1e-10);
            let rounding = power(golden_db[i]) * DB_ROUNDING * 0.23;
            let error = ((found - power(golden_db[i])).abs() - rounding).max(0.0);
            worst_power = worst_power.max(error / power(loudest));
            if golden_db[i] > loudest - 60.0 {
                worst_db = worst_db.max(f64::from((found_db[i] - golden_db[i]).abs()));
            }
        }
    }
    (worst_power, worst_db)
}

#[test]
fn all_front_ends_equal_torchaudio_on_all_signals() {
    let Some(reference) = shared("reference") else {
        return;
    };
    for case in cases() {
        let extractor = LogMelExtractor::new(&case.front_end).unwrap();
        let golden = reference.join(format!("frontend/{}.safetensors", case.name));
        let waves = reference.join(format!("frontend/{}.safetensors", case.waves_of));
        for signal in ["music", "sweep", "noise", "silence", "impulse", "short"] {
            let wave = if signal == "music" {
                let (name, offset, len) = case.music;
                let clip = tensor(&reference.join("audio/audio.safetensors"), name).unwrap();
                clip[offset..offset + len].to_vec()
            } else {
                tensor(&waves, &format!("wave.{signal}")).unwrap()
            };
            let expected = tensor(&golden, &format!("logmel.{signal}")).unwrap();
            let found = extractor.log_mel(&wave).unwrap();
            let power = extractor.mel_power(&wave).unwrap();
            assert_eq!(found.values.len(), expected.len(), "{} {signal}", case.name);
            let n_mels = case.front_end.n_mels;
            let (of_power, of_db) = errors(&power.values, &found.values, &expected, n_mels);
            eprintln!(
                "{:8} {signal:8} power {of_power:.1e}  dB {of_db:.1e}",
                case.name
            );
            assert!(
                of_power < 1e-6,
                "{} {signal}: power {of_power:e}",
                case.name
            );
            assert!(of_db < 1e-3, "{} {signal}: {of_db} dB", case.name);
        }
    }
}

#[test]
fn power_of_music_equals_torchaudio_before_the_logarithm() {
    let Some(reference) = shared("reference") else {
        return;
    };
    for case in cases() {
        let golden = reference.join(format!("frontend/{}.safetensors", case.name));
        let expected = tensor(&golden, "mel_power.music").unwrap();
        let (name, offset, len) = case.music;
        let clip = tensor(&reference.join("audio/audio.safetensors"), name).unwrap();
        let extractor = LogMelExtractor::new(&case.front_end).unwrap();
        let found = extractor.mel_power(&clip[offset..offset + len]).unwrap();
        let mut worst = 0.0_f32;
        for frame in 0..found.n_frames {
            let column = || (0..found.n_mels).map(|mel| mel * found.n_frames + frame);
            let loudest = column().map(|i| expected[i]).fold(0.0, f32::max);
            for i in column() {
                worst = worst.max((found.values[i] - expected[i]).abs() / loudest);
            }
        }
        eprintln!("{:8} mel power {worst:.1e}", case.name);
        assert!(worst < 1e-6, "{}: {worst:e}", case.name);
    }
}

#[test]
fn buffers_of_a_checkpoint_replace_the_computed_ones() {
    let Some(golden) = shared("reference/frontend/mtt.safetensors") else {
        return;
    };
    let (window, filters) = (
        tensor(&golden, "window").unwrap(),
        tensor(&golden, "mel_filterbank").unwrap(),
    );
    let wave = tensor(&golden, "wave.noise").unwrap();
    let front_end = FrontEnd::mtt();
    let own = LogMelExtractor::new(&front_end).unwrap();
    let stored = LogMelExtractor::with_buffers(&front_end, &window, &filters).unwrap();
    let (own, stored) = (
        own.mel_power(&wave).unwrap(),
        stored.mel_power(&wave).unwrap(),
    );
    let loudest = own.values.iter().copied().fold(0.0, f32::max);
    let pairs = own.values.iter().zip(&stored.values);
    let worst = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst < 1e-6 * loudest, "{worst:e} of {loudest:e}");
    let silent = vec![0.0; filters.len()];
    let silent = LogMelExtractor::with_buffers(&front_end, &window, &silent).unwrap();
    assert!(
        silent
            .log_mel(&wave)
            .unwrap()
            .values
            .iter()
            .all(|db| *db == -100.0)
    );
}
