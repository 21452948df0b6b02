//! Pitch shift and reverb over their whole ranges: what can be said of them alone, and, where the program `sox` is there, beside it.
//!
//! ```text
//! cargo test --release -p attune-tests --test reference sox -- --include-ignored --nocapture --test-threads 1
//! ```

use attune_core::augment::Effect;
use attune_core::rng::{Address, Purpose};
use attune_tests::acoustics::{
    above_difference_db, attack_ms, bands_apart_db, cents_apart, decay_db, decays_apart_db,
    largest_difference, largest_step, third_octaves_db, tone_hz,
};
use attune_tests::golden;
use safetensors::SafeTensors;
use std::f64::consts::TAU;
use std::process::Command;

const RATES_HZ: [u32; 2] = [22050, 44100];
const SHIFTS_CENTS: [i32; 12] = [
    -1200, -900, -700, -500, -300, -100, 100, 300, 500, 700, 900, 1200,
];

fn apply(effect: &str, wave: &[f32], rate_hz: u32) -> (Vec<f32>, usize) {
    let mut wave = wave.to_vec();
    let n_samples = wave.len();
    let address = Address::new(0, Purpose::Check, 0);
    let effect = Effect::parse(effect).unwrap();
    let n_clipped = effect.apply(&mut wave, rate_hz, address);
    assert_eq!(wave.len(), n_samples, "{effect}");
    assert!(
        wave.iter().all(|x| x.is_finite() && x.abs() <= 1.0),
        "{effect}"
    );
    (wave, n_clipped)
}

fn reverb(reverberance: i32, damping: i32, room: i32) -> String {
    format!("reverb:reverberance={reverberance},damping={damping},room={room}")
}

/// Music of the reference data, halved so that no shift of it clips.
fn music() -> Vec<f32> {
    let file = std::fs::read(golden("augment.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&file).unwrap();
    let bytes = tensors.tensor("input").unwrap();
    let samples = bytes.data().chunks_exact(2);
    samples
        .map(|b| f32::from(i16::from_le_bytes([b[0], b[1]])) / 65536.0)
        .collect()
}

/// Half a second of a soft tone, then a hit over it that dies within 30 ms.
fn hit(rate_hz: u32) -> Vec<f32> {
    let rate = f64::from(rate_hz);
    (0..rate_hz as usize)
        .map(|i| {
            let seconds = i as f64 / rate;
            let since = seconds - 0.5;
            let tone = 0.02 * (TAU * 220.0 * seconds).sin();
            let hit = if since < 0.0 {
                0.0
            } else {
                0.6 * (-since / 0.03).exp() * (TAU * 2100.0 * since).sin()
            };
            (tone + hit) as f32
        })
        .collect()
}

fn tone(hz: f64, amplitude: f64, rate_hz: u32) -> Vec<f32> {
    (0..rate_hz as usize * 3 / 2)
        .map(|i| (amplitude * (TAU * hz * i as f64 / f64::from(rate_hz)).sin()) as f32)
        .collect()
}

#[test]
fn tones_land_within_five_cents_of_where_they_should() {
    let mut worst: f64 = 0.0;
    for cents in SHIFTS_CENTS {
        for hz in [110.0, 220.0, 440.0, 880.0, 1760.0, 3520.0] {
            let (shifted, _) = apply(
                &format!("pitch:cents={cents}"),
                &tone(hz, 0.5, 22050),
                22050,
            );
            let expected = hz * (f64::from(cents) / 1200.0).exp2();
            let found = tone_hz(&shifted[4000..24_000], expected, 22050);
            let off = 1200.0 * (found / expected).log2();
            assert!(off.abs() < 5.0, "{hz} Hz by {cents} cents: {off} off");
            worst = worst.max(off.abs());
        }
    }
    println!("tones of 110 to 3520 Hz by -1200 to 1200 cents: within {worst:.1} cents");
}

#[test]
fn no_shift_and_no_room_clicks() {
    for rate_hz in RATES_HZ {
        for (name, wave) in [("music", music()), ("tone", tone(440.0, 0.5, rate_hz))] {
            let before = largest_step(&wave);
            for cents in SHIFTS_CENTS {
                // An octave up is twice as steep everywhere.
                let steeper = (cents.max(0) as f32 / 1200.0).exp2();
                let (shifted, _) = apply(&format!("pitch:cents={cents}"), &wave, rate_hz);
                // The end, where the sound stops, is the clip's own.
                let n_kept = shifted.len() - rate_hz as usize / 10;
                let step = largest_step(&shifted[..n_kept]);
                assert!(
                    step < 1.25 * steeper * before,
                    "{name} by {cents}: {step}, was {before}"
                );
            }
            let (there, _) = apply(&reverb(100, 0, 100), &wave, rate_hz);
            let step = largest_step(&there);
            assert!(step < 2.0 * before, "{name} in a room: {step}");
        }
    }
}

#[test]
fn clipped_samples_are_counted_and_only_they() {
    for rate_hz in RATES_HZ {
        let loud = tone(440.0, 1.0, rate_hz);
        let soft: Vec<f32> = loud.iter().map(|x| 0.25 * x).collect();
        for cents in SHIFTS_CENTS {
            let effect = format!("pitch:cents={cents}");
            // Four times as loud is the same shift with every bit, until it clips.
            let (quiet, none) = apply(&effect, &soft, rate_hz);
            assert_eq!(none, 0, "{effect}");
            let (shifted, n_clipped) = apply(&effect, &loud, rate_hz);
            let n_beyond = quiet.iter().filter(|x| 4.0 * x.abs() > 1.0).count();
            assert_eq!(n_clipped, n_beyond, "{effect}");
            let unclipped = quiet.iter().map(|x| (4.0 * x).clamp(-1.0, 1.0));
            assert!(unclipped.eq(shifted), "{effect}");
        }
        let (_, n_clipped) = apply(&reverb(100, 0, 0), &loud, rate_hz);
        assert!(n_clipped > 100, "{n_clipped}");
        assert_eq!(apply(&reverb(0, 100, 0), &soft, rate_hz).1, 0);
    }
    // A gain of 6.02 dB takes what was above a half beyond full scale.
    let wave = tone(440.0, 1.0, 22050);
    let n_beyond = wave.iter().filter(|x| x.abs() * 2.0 > 1.0).count();
    assert_eq!(apply("gain:db=6.0206", &wave, 22050).1, n_beyond);
}

#[test]
fn short_clips_silence_and_full_scale_stay_sound() {
    let full: Vec<f32> = (0..9000)
        .map(|i| if i / 25 % 2 == 0 { 1.0 } else { -1.0 })
        .collect();
    let effects = SHIFTS_CENTS
        .map(|cents| format!("pitch:cents={cents}"))
        .into_iter()
        .chain([reverb(0, 0, 0), reverb(100, 100, 100), reverb(100, 0, 0)]);
    for effect in effects {
        for n in [1, 2, 10, 100, 1000, 9000] {
            // Length, range and finiteness are checked there.
            apply(&effect, &full[..n], 22050);
            let (silence, n_clipped) = apply(&effect, &vec![0.0; n], 22050);
            assert!(silence.iter().all(|x| *x == 0.0), "{effect}");
            assert_eq!(n_clipped, 0, "{effect}");
        }
    }
}

/// What the program `sox` makes of it.
fn sox(wave: &[f32], rate_hz: u32, effect: &[&str]) -> Vec<f32> {
    let folder = tempfile::tempdir().unwrap();
    let [from, to] = ["in.f32", "out.f32"].map(|name| folder.path().join(name));
    let bytes: Vec<u8> = wave.iter().flat_map(|x| x.to_le_bytes()).collect();
    std::fs::write(&from, bytes).unwrap();
    let rate = rate_hz.to_string();
    let status = Command::new("sox")
        .args(["-R", "-V1", "-t", "f32", "-c", "1", "-r", &rate])
        .arg(&from)
        .args(["-t", "f32"])
        .arg(&to)
        .args(effect)
        .status()
        .expect("the program sox");
    assert!(status.success(), "{effect:?}");
    let bytes = std::fs::read(&to).unwrap();
    let samples = bytes.chunks_exact(4);
    let mut out: Vec<f32> = samples
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        .collect();
    // As the reference does it: cut or padded to the length of the input.
    out.resize(wave.len(), 0.0);
    out
}

#[test]
#[ignore = "needs the program sox 14.4.2"]
fn reverb_equals_that_of_sox_over_its_ranges() {
    let settings = [0, 30, 50, 100];
    println!(
        "{:8} {:>24} {:>10} {:>8} {:>8}",
        "rate Hz", "reverb., damping, room", "difference", "thirds", "decay"
    );
    for rate_hz in RATES_HZ {
        let music = music();
        let mut impulse = vec![0.0; rate_hz as usize * 2];
        impulse[0] = 0.5;
        let (mut worst, mut worst_bands, mut worst_decay): (f32, f64, f64) = (0.0, 0.0, 0.0);
        for reverberance in settings {
            for damping in settings {
                for room in settings {
                    let numbers = [reverberance, damping, room].map(|x| x.to_string());
                    let [a, b, c] = numbers.each_ref().map(String::as_str);
                    let theirs =
                        |wave: &[f32]| sox(wave, rate_hz, &["reverb", a, b, c, "channels", "1"]);
                    let ours =
                        |wave: &[f32]| apply(&reverb(reverberance, damping, room), wave, rate_hz).0;
                    let (y, golden) = (ours(&music), theirs(&music));
                    let difference = largest_difference(&y, &golden);
                    let bands = [&y, &golden].map(|wave| third_octaves_db(wave, rate_hz));
                    let bands_db = bands_apart_db(&bands[0], &bands[1], 90.0);
                    let decays = [ours(&impulse), theirs(&impulse)].map(|wave| decay_db(&wave));
                    let decay_db = decays_apart_db(&decays[0], &decays[1], -60.0);
                    let what = format!("{rate_hz} Hz, {numbers:?}");
                    assert!(difference < 1e-5, "{what}: {difference}");
                    assert!(bands_db < 1.5, "{what}: bands {bands_db} dB");
                    assert!(decay_db < 1.5, "{what}: decay {decay_db} dB");
                    worst = worst.max(difference);
                    worst_bands = worst_bands.max(bands_db);
                    worst_decay = worst_decay.max(decay_db);
                }
            }
        }
        println!(
            "{rate_hz:8} {:>24} {worst:10.1e} {worst_bands:8.4} {worst_decay:8.4}",
            "worst of 64"
        );
    }
}

#[test]
#[ignore = "needs the program sox 14.4.2"]
fn pitch_shift_sounds_as_that_of_sox_over_its_range() {
    println!(
        "{:8} {:>6} {:>8} {:>8} {:>8} {:>20} {:>16} {:>16}",
        "rate Hz",
        "cents",
        "above dB",
        "thirds",
        "pitch",
        "attack at, ms",
        "rise, ms",
        "step, music"
    );
    for rate_hz in RATES_HZ {
        let (music, hit) = (music(), hit(rate_hz));
        for cents in SHIFTS_CENTS {
            let [cents_text, rate] = [cents.to_string(), rate_hz.to_string()];
            let theirs = |wave: &[f32]| sox(wave, rate_hz, &["pitch", &cents_text, "rate", &rate]);
            let ours = |wave: &[f32]| apply(&format!("pitch:cents={cents}"), wave, rate_hz).0;
            let (y, golden) = (ours(&music), theirs(&music));
            let above_db = above_difference_db(&y, &golden);
            let bands = [&y, &golden].map(|wave| third_octaves_db(wave, rate_hz));
            let bands_db = bands_apart_db(&bands[0], &bands[1], 70.0);
            let pitch = cents_apart(&y, &golden, rate_hz);
            let steps = [&y, &golden].map(|wave| largest_step(wave));
            let attacks = [ours(&hit), theirs(&hit)].map(|wave| attack_ms(&wave, rate_hz));
            println!(
                "{rate_hz:8} {cents:6} {above_db:8.1} {bands_db:8.3} {pitch:8.2} {:9.2} / {:8.2} {:7.2} / {:6.2} {:7.3} / {:6.3}",
                attacks[0].0, attacks[1].0, attacks[0].1, attacks[1].1, steps[0], steps[1]
            );
            let what = format!("{rate_hz} Hz by {cents} cents");
            assert!(bands_db < 1.5, "{what}: bands {bands_db} dB");
            assert!(pitch.abs() < 5.0, "{what}: {pitch} cents off");
            assert!(
                (attacks[0].0 - attacks[1].0).abs() < 1.0,
                "{what}: the attack is {} ms, SoX's {}",
                attacks[0].0,
                attacks[1].0
            );
            assert!(
                (attacks[0].1 - attacks[1].1).abs() < 1.0,
                "{what}: rises in {} ms, SoX's in {}",
                attacks[0].1,
                attacks[1].1
            );
            assert!(steps[0] < 1.1 * steps[1] + 1e-3, "{what}: {steps:?}");
        }
    }
}
