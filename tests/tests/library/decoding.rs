//! Every format: exactly the length and the position that went into the encoder, and nothing worse than an error from damaged files.
//!
//! The files under golden/audio hold two chirps, made by the script beside them; the formula is repeated here.
//! All twelve recordings of the data set `songs` were compared with ffmpeg's decoder once: the same length and no offset (of the
//! M4A file ffmpeg 5.1 keeps 690 frames of padding after the end, which its edit list excludes).

use attune_core::audio::{self, Clip};
use attune_core::job::{Cancel, Job};
use attune_tests::{golden, shared};
use proptest::prelude::*;
use std::f64::consts::TAU;
use std::path::PathBuf;

/// Frames of the chirps at 44,100 Hz.
const N_FRAMES: usize = 26_461;

fn file(name: &str) -> PathBuf {
    golden("audio").join(name)
}

fn chirp(channel: usize, t: f64) -> f64 {
    match channel {
        0 => 0.4 * (TAU * (200.0 * t + 1_500.0 * t * t)).sin(),
        _ => 0.3 * (TAU * (900.0 * t + 900.0 * t * t)).sin(),
    }
}

fn decode(name: &str) -> Clip {
    let decoded = audio::decode(&file(name), &Job::quiet()).unwrap();
    assert_eq!(decoded.warnings, Vec::<String>::new(), "{name}");
    decoded.clip
}

fn channel(clip: &Clip, channel: usize) -> Vec<f64> {
    let step = usize::from(clip.channels);
    clip.samples
        .iter()
        .skip(channel)
        .step_by(step)
        .map(|v| f64::from(*v))
        .collect()
}

/// By how many frames the decoded chirp comes late, to the hundredth, from the maximum of the correlation.
fn lag(clip: &Clip, which: usize) -> f64 {
    let found = channel(clip, which);
    let rate = f64::from(clip.rate_hz);
    let (start, len) = (4_000_i64, found.len() as i64);
    let n = (len - start - 1_201).min(6_000);
    let expected: Vec<f64> = (start..start + n)
        .map(|i| chirp(which, i as f64 / rate))
        .collect();
    let correlation = |lag: i64| -> f64 {
        let found = &found[(start + lag) as usize..];
        expected.iter().zip(found).map(|(a, b)| a * b).sum()
    };
    let best = (-1_200..(len - start - n).min(6_000))
        .max_by(|a, b| correlation(*a).total_cmp(&correlation(*b)))
        .unwrap();
    let [a, b, c] = [best - 1, best, best + 1].map(correlation);
    best as f64 + 0.5 * (a - c) / (a - 2.0 * b + c)
}

fn check(name: &str, rate_hz: u32, n_frames: usize, expected_lag: f64) {
    check_within(0.05, name, rate_hz, n_frames, expected_lag);
}

fn check_within(tolerance: f64, name: &str, rate_hz: u32, n_frames: usize, expected_lag: f64) {
    let clip = decode(name);
    assert_eq!((clip.rate_hz, clip.channels), (rate_hz, 2), "{name}");
    assert_eq!(clip.n_frames(), n_frames, "{name}");
    for which in 0..2 {
        let lag = lag(&clip, which);
        assert!(
            (lag - expected_lag).abs() < tolerance,
            "{name}, channel {which}: {lag}"
        );
    }
}

#[test]
fn lossless_files_hold_every_sample() {
    for (name, step) in [
        ("s16.wav", 1.0 / 32_768.0),
        ("u8.wav", 1.0 / 128.0),
        ("s24.wav", 1.0 / 32_768.0),
        ("s32.wav", 1.0 / 32_768.0),
        ("f32.wav", 1.0 / 32_768.0),
        ("s16.aiff", 1.0 / 32_768.0),
        ("flac.flac", 1.0 / 32_768.0),
    ] {
        let clip = decode(name);
        // Of uncompressed files there is a tenth of a second, to save space.
        let n_frames = if name == "flac.flac" { N_FRAMES } else { 4_410 };
        assert_eq!(clip.n_frames(), n_frames, "{name}");
        for which in 0..2 {
            for (i, found) in channel(&clip, which).iter().enumerate() {
                let expected = chirp(which, i as f64 / 44_100.0);
                assert!(
                    (found - expected).abs() < 1.01 * step,
                    "{name}, {which}, frame {i}"
                );
            }
        }
    }
}

#[test]
fn lossy_files_lose_neither_length_nor_position() {
    for name in ["cbr.mp3", "vbr.mp3", "vorbis.ogg", "aac.m4a"] {
        check(name, 44_100, N_FRAMES, 0.0);
    }
    // Opus knows 48 kHz only.
    let n_frames = (N_FRAMES as f64 * 48_000.0 / 44_100.0).round() as usize;
    let clip = decode("opus.opus");
    assert!(
        clip.n_frames().abs_diff(n_frames) <= 1,
        "{} {n_frames}",
        clip.n_frames()
    );
    check("opus.opus", 48_000, clip.n_frames(), 0.0);
}

#[test]
fn apple_lossless_gives_back_every_bit() {
    for name in ["alac.m4a", "alac24.m4a"] {
        assert_eq!(decode(name), decode("s16.wav"), "{name}");
    }
}

/// The encoder says that it delays by so much more than it does (0.5 to 1.2, with the frequency); ffmpeg's decoder finds the same.
const FDK_LAG: f64 = -0.85;

#[test]
fn he_aac_is_found_declared_or_not_and_loses_neither_length_nor_position() {
    // Hidden, the file counts at half the rate, in which an odd length cannot be said.
    for (name, n_frames) in [
        ("he_hidden.m4a", N_FRAMES - 1),
        ("he_backward.m4a", N_FRAMES),
        ("he_declared.m4a", N_FRAMES),
        ("he_v2_hidden.m4a", N_FRAMES - 1),
        ("he_v2_declared.m4a", N_FRAMES),
    ] {
        check_within(0.5, name, 44_100, n_frames, FDK_LAG);
    }
    // Nothing says what is padding; the lag is the delay of encoder and decoder.
    check_within(0.5, "he.aac", 44_100, 16 * 2_048, 5_058.0 + FDK_LAG);
}

/// Root mean square of the difference from what was encoded in shares of it, channel by channel; of silence itself.
fn surround_errors(name: &str) -> Vec<f64> {
    let clip = decode(name);
    assert_eq!(clip.channels, 6, "{name}");
    (0..6)
        .map(|which| {
            let (mut error, mut power) = (0.0, 0.0);
            for (i, found) in channel(&clip, which).iter().enumerate() {
                let t = i as f64 / f64::from(clip.rate_hz);
                let (left, right) = (chirp(0, t), chirp(1, t));
                let expected = [left, right, left + right, 0.0, 0.5 * left, 0.5 * right][which];
                error += (found - expected).powi(2);
                power += if which == 3 { 1.0 } else { expected.powi(2) };
            }
            (error / power).sqrt()
        })
        .collect()
}

#[test]
fn surround_has_the_same_order_of_channels_in_every_format() {
    // Few bits for six channels; a wrong channel or half its volume would be 0.5 or more.
    for (name, tolerance) in [
        ("surround.wav", 0.001),
        ("surround.opus", 0.45),
        ("surround.m4a", 0.45),
    ] {
        let errors = surround_errors(name);
        assert!(
            errors.iter().all(|error| *error < tolerance),
            "{name}: {errors:?}"
        );
    }
    assert_eq!(decode("surround.opus").n_frames(), 9_600);
    assert_eq!(decode("surround.m4a").n_frames(), 8_820);
}

#[test]
fn opus_is_the_same_in_other_wrappings() {
    for name in ["family1.opus", "opus.mp4"] {
        check_within(0.1, name, 48_000, 9_600, 0.0);
    }
}

#[test]
fn where_a_file_does_not_say_what_is_padding_everything_is_kept() {
    // LAME's own delay and that of every decoder, 576 + 529 frames; whole MP3 frames of 1,152.
    check("untagged.mp3", 44_100, 24 * 1_152, 1_105.0);
    check("adts.aac", 44_100, 27 * 1_024, 1_024.0);
}

#[test]
fn all_songs_decode_with_their_exact_length() {
    let Some(songs) = shared("datasets/songs/audio") else {
        return;
    };
    for (name, rate_hz, channels, n_frames) in [
        ("s00001.mp3", 22_050, 2, 6_407_424),
        ("s00002.opus", 48_000, 2, 8_640_000),
        ("s00003.ogg", 48_000, 2, 5_014_240),
        ("s00004.ogg", 44_100, 2, 4_204_086),
        ("s00005.ogg", 44_100, 2, 5_003_346),
        ("s00006.ogg", 44_100, 2, 4_939_200),
        ("s00007.flac", 44_100, 2, 1_323_000),
        ("s00008.flac", 32_000, 1, 1_536_558),
        ("s00009.mp3", 44_100, 2, 3_074_048),
        ("s00010.mp3", 32_000, 1, 3_456_244),
        ("s00011.wav", 44_100, 1, 1_724_544),
        ("s00012.m4a", 44_100, 2, 4_495_694),
    ] {
        let decoded = audio::decode(&songs.join(name), &Job::quiet()).unwrap();
        assert_eq!(decoded.warnings, Vec::<String>::new(), "{name}");
        let clip = decoded.clip;
        let found = (clip.rate_hz, clip.channels, clip.n_frames());
        assert_eq!(found, (rate_hz, channels, n_frames), "{name}");
    }
}

#[test]
fn a_file_that_was_cut_off_gives_what_is_left_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["s16.wav", "flac.flac", "cbr.mp3", "vorbis.ogg", "opus.opus"] {
        let whole = std::fs::read(file(name)).unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, &whole[..whole.len() * 6 / 10]).unwrap();
        match audio::decode(&path, &Job::quiet()) {
            Ok(decoded) => {
                assert!(decoded.clip.n_frames() < N_FRAMES, "{name}");
                assert!(!decoded.warnings.is_empty(), "{name} is silent about it");
            }
            // So short an Ogg file may have only one page of sound.
            Err(error) => assert!(error.to_string().contains(name), "{error}"),
        }
    }
}

#[test]
fn what_is_no_audio_is_an_error_that_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in [
        (
            "text.mp3",
            "not music, only words, and not many of them"
                .repeat(40)
                .into_bytes(),
        ),
        ("empty.wav", Vec::new()),
        ("zeros.ogg", vec![0; 10_000]),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        let error = audio::decode(&path, &Job::quiet()).unwrap_err();
        assert!(format!("{error}").contains(name), "{error}");
    }
    for path in [
        folder.path().to_path_buf(),
        folder.path().join("absent.flac"),
    ] {
        let error = audio::decode(&path, &Job::quiet()).unwrap_err();
        assert!(matches!(error, audio::Error::Open { .. }), "{error}");
    }
}

#[test]
fn a_large_picture_before_the_sound_hides_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cover.mp3");
    // Three megabytes, in numbers of seven bits.
    let mut bytes = b"ID3\x03\0\0\x01\x37\x1B\0".to_vec();
    bytes.resize(10 + (0x01 << 21 | 0x37 << 14 | 0x1B << 7), 0);
    bytes.extend(std::fs::read(file("cbr.mp3")).unwrap());
    std::fs::write(&path, bytes).unwrap();
    let decoded = audio::decode(&path, &Job::quiet()).unwrap();
    assert_eq!(decoded.clip, decode("cbr.mp3"));
    assert_eq!(decoded.warnings, Vec::<String>::new());
}

#[test]
fn rf64_is_wav_with_longer_lengths() {
    assert_eq!(decode("rf64.wav"), decode("s16.wav"));
}

#[test]
fn opus_without_speaker_positions_is_refused_in_these_words() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ambisonic.opus");
    let mut bytes = std::fs::read(file("surround.opus")).unwrap();
    assert_eq!(bytes[46], 1);
    bytes[46] = 255;
    std::fs::write(&path, bytes).unwrap();
    let error = audio::decode(&path, &Job::quiet()).unwrap_err().to_string();
    assert!(error.contains("mapping family 255"), "{error}");
    assert!(error.contains("ambisonic.opus"), "{error}");
}

#[test]
fn decoding_can_be_cancelled() {
    let cancel = Cancel::new();
    cancel.cancel();
    let job = Job::new(cancel, |_| ());
    let error = audio::decode(&file("flac.flac"), &job).unwrap_err();
    assert!(matches!(error, audio::Error::Cancelled(_)));
}

#[test]
fn networks_hear_the_mean_of_the_channels_at_their_rate() {
    let wave = audio::decode_mono(&file("cbr.mp3"), 22_050, &Job::quiet()).unwrap();
    assert_eq!(wave.len(), N_FRAMES.div_ceil(2));
    let mut error = 0.0_f64;
    for (i, found) in wave.iter().enumerate().skip(500).take(12_000) {
        let t = i as f64 / 22_050.0;
        error = error.max((f64::from(*found) - (chirp(0, t) + chirp(1, t)) / 2.0).abs());
    }
    assert!(error < 0.03, "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn no_damage_makes_the_decoder_panic_or_run_away(
        which in 0_usize..14,
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..30),
        head in prop::collection::vec((0_usize..200, any::<u8>()), 0..3),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let names = ["s24.wav", "flac.flac", "cbr.mp3", "vorbis.ogg", "opus.opus", "aac.m4a", "adts.aac", "s16.aiff",
            "alac.m4a", "surround.opus", "surround.m4a", "he_hidden.m4a", "he_v2_declared.m4a", "he.aac"];
        let mut bytes = std::fs::read(file(names[which])).unwrap();
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        for (at, byte) in head {
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(names[which]);
        std::fs::write(&path, bytes).unwrap();
        match audio::decode(&path, &Job::quiet()) {
            Ok(decoded) => {
                prop_assert!(decoded.clip.n_frames() > 0);
                prop_assert!(decoded.clip.samples.iter().all(|v| v.is_finite()));
            }
            Err(error) => prop_assert!(error.to_string().contains(names[which]), "{error}"),
        }
    }
}
