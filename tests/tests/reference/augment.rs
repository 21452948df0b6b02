//! The eight effects against julius, torchaudio and SoX: a cut of the reference data always, all of it where it is there.
//!
//! Deterministic effects agree to 1e-5 (measured: 3e-7, rounding of the Fourier transform); reverb to 1e-5 too (measured:
//! 2e-7), its bands and its decay to 1.5 dB. SoX's pitch shift is compared as it is heard: third-octave bands within 1.5 dB and pitch
//! within 5 cents, and sample by sample within 20 dB, which only holds if every segment is cut where SoX cuts it.
//! More values of pitch and reverb, beside SoX itself: `sox_augment.rs`.

use attune_core::augment::Effect;
use attune_core::rng::{Address, Purpose};
use attune_tests::acoustics::{
    above_difference_db, bands_apart_db, cents_apart, decay_db, decays_apart_db,
    largest_difference, third_octaves_db,
};
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

/// Compares every golden that is in the file, a line of the table each; gives their number.
fn compare(input: &[f32], goldens: &SafeTensors<'_>) -> usize {
    println!(
        "{:28} {:>10} {:>8} {:>8} {:>8} {:>8}",
        "golden", "largest", "above", "thirds", "decay", "pitch"
    );
    println!(
        "{:28} {:>10} {:>8} {:>8} {:>8} {:>8}",
        "", "difference", "diff. dB", "dB", "dB", "cents"
    );
    let mut n_compared = 0;
    for (name, effect) in CASES {
        let Some(golden) = read(goldens, name) else {
            continue;
        };
        n_compared += 1;
        let is_impulse = name.contains("impulse");
        let mut wave = input.to_vec();
        if is_impulse {
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
        let worst = largest_difference(wave, golden);
        let above_db = above_difference_db(wave, golden);
        print!("{name:28} {worst:10.1e} {above_db:8.1}");
        if name.starts_with("pitch") {
            assert!(above_db > 20.0, "{name}: {above_db} dB");
        } else {
            assert!(worst < 1e-5, "{name}: {worst}");
        }
        if name.starts_with("pitch") || name.starts_with("reverb") {
            let [ours, theirs] = [wave, golden].map(|wave| third_octaves_db(wave, RATE_HZ));
            // 70 dB down lies the rounding of a golden that is stored as 16-bit integers.
            let bands_db = bands_apart_db(&ours, &theirs, 70.0);
            print!(" {bands_db:8.3}");
            assert!(
                bands_db < 1.5,
                "{name}: a third-octave band is {bands_db} dB off"
            );
        }
        if is_impulse {
            let [ours, theirs] = [wave, golden].map(|wave| decay_db(&wave[100..]));
            let apart_db = decays_apart_db(&ours, &theirs, -60.0);
            print!(" {apart_db:8.3}");
            assert!(apart_db < 1.5, "{name}: the decay is {apart_db} dB off");
        }
        if name.starts_with("pitch") {
            let cents = cents_apart(wave, golden, RATE_HZ);
            print!(" {:8} {cents:8.2}", "");
            assert!(cents.abs() < 5.0, "{name}: {cents} cents off");
        }
        println!();
    }
    n_compared
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
