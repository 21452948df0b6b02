//! The eight effects against julius, torchaudio and SoX: a cut of the reference data always, all of it where it is there.
//!
//! Deterministic effects agree to 1e-5 (measured: 3e-7, rounding of the Fourier transform); reverb to 1e-5 too (measured:
//! 2e-7). SoX's pitch shift is compared as it is heard: third-octave bands within 1.5 dB, and sample by sample within
//! 20 dB, which only holds if every segment is cut where SoX cuts it.

use attune_core::augment::Effect;
use attune_core::rng::{Address, Purpose};
use attune_tests::{golden, shared};
use safetensors::{Dtype, SafeTensors};
use std::path::Path;

const RATE_HZ: u32 = 22050;

/// Name of a golden and the effect that must give it.
const CASES: [(&str, &str); 19] = [
    ("polarity", "polarity"),
    ("gain_-6db", "gain:db=-6"),
    ("delay_200ms", "delay:ms=200"),
    ("delay_300ms", "delay:ms=300"),
    ("delay_450ms", "delay:ms=450"),
    ("highpass_200hz", "high-pass:hz=200"),
    ("highpass_700hz", "high-pass:hz=700"),
    ("highpass_1200hz", "high-pass:hz=1200"),
    ("lowpass_2200hz", "low-pass:hz=2200"),
    ("lowpass_3000hz", "low-pass:hz=3000"),
    ("lowpass_4000hz", "low-pass:hz=4000"),
    (
        "reverb_r50_d50_s0",
        "reverb:reverberance=50,damping=50,room=0",
    ),
    (
        "reverb_r50_d50_s50",
        "reverb:reverberance=50,damping=50,room=50",
    ),
    (
        "reverb_r50_d50_s100",
        "reverb:reverberance=50,damping=50,room=100",
    ),
    (
        "reverb_impulse_r50_d50_s100",
        "reverb:reverberance=50,damping=50,room=100",
    ),
    ("pitch_-700cents", "pitch:cents=-700"),
    ("pitch_-300cents", "pitch:cents=-300"),
    ("pitch_300cents", "pitch:cents=300"),
    ("pitch_700cents", "pitch:cents=700"),
];

#[test]
fn effects_equal_the_cut_of_the_reference_data() {
    let file = std::fs::read(golden("augment.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&file).unwrap();
    let input = read(&tensors, "input").unwrap();
    let n_compared = compare(&input, &tensors);
    assert_eq!(n_compared, 12);
}

#[test]
fn effects_equal_all_of_the_reference_data() {
    let Some(folder) = shared("reference") else {
        return;
    };
    let load = |path: &str| std::fs::read(Path::join(&folder, path)).unwrap();
    let (audio, outputs) = (
        load("audio/audio.safetensors"),
        load("augment/augment.safetensors"),
    );
    let music = read(&SafeTensors::deserialize(&audio).unwrap(), "mountain_22k").unwrap();
    let n_compared = compare(
        &music[22050..22050 + 81364],
        &SafeTensors::deserialize(&outputs).unwrap(),
    );
    assert_eq!(n_compared, CASES.len());
}

/// Compares every golden that is in the file; gives their number.
fn compare(input: &[f32], goldens: &SafeTensors<'_>) -> usize {
    let mut n_compared = 0;
    for (name, effect) in CASES {
        let Some(golden) = read(goldens, name) else {
            continue;
        };
        n_compared += 1;
        let mut wave = input.to_vec();
        if name.contains("impulse") {
            wave = vec![0.0; 22050];
            wave[100] = 0.5;
        }
        let n_samples = wave.len();
        let address = Address::new(0, Purpose::Check, 0);
        Effect::parse(effect)
            .unwrap()
            .apply(&mut wave, RATE_HZ, address);
        assert_eq!(wave.len(), n_samples, "{name}");

        let n = golden.len().min(wave.len());
        let (wave, golden) = (&wave[..n], &golden[..n]);
        if name.starts_with("pitch") {
            check_by_ear(name, wave, golden);
        } else {
            let worst = wave
                .iter()
                .zip(golden)
                .map(|(a, b)| (a - b).abs())
                .fold(0.0, f32::max);
            println!("{name}: largest difference {worst:.1e}");
            assert!(worst < 1e-5, "{name}: {worst}");
        }
    }
    n_compared
}

fn check_by_ear(name: &str, wave: &[f32], golden: &[f32]) {
    let energy =
        |values: &mut dyn Iterator<Item = f32>| values.map(|x| f64::from(x).powi(2)).sum::<f64>();
    let error = energy(&mut wave.iter().zip(golden).map(|(a, b)| a - b));
    let snr_db = 10.0 * (energy(&mut golden.iter().copied()) / error).log10();
    assert!(snr_db > 20.0, "{name}: {snr_db} dB");

    let (ours, theirs) = (third_octaves_db(wave), third_octaves_db(golden));
    let loudest = theirs.iter().copied().fold(f64::MIN, f64::max);
    let mut worst: f64 = 0.0;
    for (band, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
        // Below lies the rounding of the golden, which is stored as 16-bit integers.
        if theirs - loudest > -70.0 {
            let difference = (ours - theirs).abs();
            assert!(
                difference < 1.5,
                "{name}: band {band} differs by {difference} dB"
            );
            worst = worst.max(difference);
        }
    }
    println!(
        "{name}: {snr_db:.1} dB above the difference, third-octave bands within {worst:.2} dB"
    );
}

/// Level of each third of an octave from 50 Hz to 10 kHz.
fn third_octaves_db(wave: &[f32]) -> Vec<f64> {
    let n = wave.len().next_power_of_two() / 2;
    let mut re: Vec<f64> = (0..n)
        .map(|i| {
            let hann = 0.5 - 0.5 * (std::f64::consts::TAU * i as f64 / n as f64).cos();
            f64::from(wave[i]) * hann
        })
        .collect();
    let mut im = vec![0.0; n];
    fourier(&mut re, &mut im);
    (-13..=10)
        .map(|third| {
            let bin = |thirds: f64| {
                (1000.0 * 2f64.powf(thirds / 3.0) * n as f64 / f64::from(RATE_HZ)) as usize
            };
            let bins = bin(f64::from(third) - 0.5)..bin(f64::from(third) + 0.5).min(n / 2);
            10.0 * bins
                .map(|k| re[k].powi(2) + im[k].powi(2))
                .sum::<f64>()
                .log10()
        })
        .collect()
}

/// Fourier transform in place of a power of two of values, the plainest one.
fn fourier(re: &mut [f64], im: &mut [f64]) {
    let n = re.len();
    if n == 1 {
        return;
    }
    let split = |x: &[f64]| {
        let half = |odd: usize| x.iter().copied().skip(odd).step_by(2).collect::<Vec<f64>>();
        (half(0), half(1))
    };
    let ((mut even_re, mut odd_re), (mut even_im, mut odd_im)) = (split(re), split(im));
    fourier(&mut even_re, &mut even_im);
    fourier(&mut odd_re, &mut odd_im);
    for k in 0..n / 2 {
        let (sin, cos) = (-std::f64::consts::TAU * k as f64 / n as f64).sin_cos();
        let turned = (
            odd_re[k] * cos - odd_im[k] * sin,
            odd_re[k] * sin + odd_im[k] * cos,
        );
        (re[k], im[k]) = (even_re[k] + turned.0, even_im[k] + turned.1);
        (re[k + n / 2], im[k + n / 2]) = (even_re[k] - turned.0, even_im[k] - turned.1);
    }
}

/// A tensor as f32; 16-bit integers are samples.
fn read(tensors: &SafeTensors<'_>, name: &str) -> Option<Vec<f32>> {
    let tensor = tensors.tensor(name).ok()?;
    let bytes = tensor.data();
    Some(match tensor.dtype() {
        Dtype::I16 => bytes
            .chunks_exact(2)
            .map(|b| f32::from(i16::from_le_bytes([b[0], b[1]])) / 32768.0)
            .collect(),
        Dtype::F32 => bytes
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .collect(),
        other => panic!("{name}: {other:?}"),
    })
}
