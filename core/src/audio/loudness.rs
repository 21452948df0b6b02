//! How loud a sound is: ITU-R BS.1770-4 and EBU R 128, by the crate `ebur128`.
//!
//! Two variants of a sound can be compared by ear only at the same loudness: of two that are alike the louder one is held to be the
//! better. LUFS are decibels of K-weighted power, 0 LUFS about that of a full-scale sine in both channels of two (in one channel it has −3.01 LUFS).

use ebur128::{EbuR128, Mode};

/// Length of the windows of [`Loudness::curve`], in seconds (BS.1770-4: momentary loudness).
pub const MOMENTARY_SECS: f64 = 0.4;
/// From one window of [`Loudness::curve`] to the next, in seconds.
pub const CURVE_STEP_SECS: f64 = 0.1;

/// The loudness of a sound.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Loudness {
    /// Of the whole sound, in LUFS, its silent parts left out (BS.1770-4, two gates). `None` for silence, and for what is shorter than
    /// one window of 400 ms.
    pub integrated: Option<f32>,
    /// Of the loudest window of 400 ms, in LUFS; for a shorter sound, of a window that begins in the silence before it.
    /// `None` for silence.
    pub loudest: Option<f32>,
    /// Highest peak between samples, in dB over full scale (dBTP, BS.1770-4, annex 2). `None` for silence.
    pub true_peak_db: Option<f32>,
    /// Of windows of 400 ms every 100 ms, in LUFS; minus infinity for silence. The window at index `i` ends `(i + 1) · 100 ms` after the
    /// start, or at the end of the sound; the first three begin in the silence before it, as on a meter.
    pub curve: Vec<f32>,
}

impl Loudness {
    /// Measures `samples`, `[frames, channels]` interleaved, at `rate_hz`. Channels weigh as BS.1770-4 says (left and right 1), so that the
    /// same sound in one channel is 3.01 LU below that in two.
    ///
    /// Not measurable, and therefore all `None`: no channel or more than 64, a rate below 16 Hz, samples that are no numbers.
    pub fn of(samples: &[f32], channels: u16, rate_hz: u32) -> Self {
        Self::measure(samples, channels, rate_hz).unwrap_or_default()
    }

    fn measure(samples: &[f32], channels: u16, rate_hz: u32) -> Option<Self> {
        let mode = Mode::I | Mode::M | Mode::TRUE_PEAK;
        let mut meter = EbuR128::new(u32::from(channels), rate_hz, mode).ok()?;
        let step = (CURVE_STEP_SECS * f64::from(rate_hz)).round() as usize;
        let n_channels = usize::from(channels);
        let whole = samples.len() - samples.len() % n_channels;
        let mut curve = Vec::with_capacity(whole / (step.max(1) * n_channels) + 1);
        for piece in samples[..whole].chunks(step.max(1) * n_channels) {
            meter.add_frames_f32(piece).ok()?;
            curve.push(meter.loudness_momentary().ok()? as f32);
        }
        let peak = (0..u32::from(channels))
            .map(|channel| meter.true_peak(channel))
            .try_fold(0.0, |peak: f64, of_channel| {
                Some(peak.max(of_channel.ok()?))
            })?;
        let finite = |value: f64| value.is_finite().then_some(value as f32);
        let loudest = curve.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        Some(Self {
            integrated: meter.loudness_global().ok().and_then(finite),
            loudest: finite(f64::from(loudest)),
            true_peak_db: finite(20.0 * peak.log10()),
            curve,
        })
    }

    /// What two sounds are compared by: the integrated loudness or, for what is too short or too soft for it, that of the loudest window.
    pub fn to_compare(&self) -> Option<f32> {
        self.integrated.or(self.loudest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    /// A sine of 1 kHz with this amplitude in dB over full scale, in so many channels.
    fn sine(db: f64, secs: f64, channels: usize, rate_hz: u32) -> Vec<f32> {
        let amplitude = 10_f64.powf(db / 20.0);
        (0..(secs * f64::from(rate_hz)) as usize)
            .flat_map(|i| {
                let phase = TAU * 1000.0 * i as f64 / f64::from(rate_hz);
                std::iter::repeat_n((amplitude * phase.sin()) as f32, channels)
            })
            .collect()
    }

    fn close(found: Option<f32>, expected: f32, tolerance: f32) {
        let found = found.expect("a loudness");
        assert!(
            (found - expected).abs() <= tolerance,
            "{found}, not {expected}"
        );
    }

    #[test]
    fn a_stereo_sine_of_minus_23_dbfs_is_minus_23_lufs() {
        // EBU Tech 3341, tests 1 and 2: a stereo sine of 1 kHz at -23 and -33 dBFS, 20 s.
        for rate_hz in [48_000, 44_100, 22_050, 16_000] {
            for db in [-23.0, -33.0] {
                let loudness = Loudness::of(&sine(db, 20.0, 2, rate_hz), 2, rate_hz);
                close(loudness.integrated, db as f32, 0.1);
                close(loudness.loudest, db as f32, 0.1);
            }
        }
    }

    #[test]
    fn one_channel_is_three_decibels_below_two() {
        // BS.1770-4: a sine of 997 Hz at 0 dBFS in one channel is -3.01 LUFS.
        let mono = Loudness::of(&sine(0.0, 5.0, 1, 48_000), 1, 48_000);
        let stereo = Loudness::of(&sine(0.0, 5.0, 2, 48_000), 2, 48_000);
        close(mono.integrated, -3.01, 0.1);
        close(
            stereo.integrated.zip(mono.integrated).map(|(s, m)| s - m),
            3.01,
            0.01,
        );
    }

    #[test]
    fn softer_parts_are_gated() {
        // EBU Tech 3341, test 3: -36, -23, -36 dBFS for 10, 60, 10 s give -23 LUFS.
        let mut samples = sine(-36.0, 10.0, 2, 48_000);
        samples.extend(sine(-23.0, 60.0, 2, 48_000));
        samples.extend(sine(-36.0, 10.0, 2, 48_000));
        close(Loudness::of(&samples, 2, 48_000).integrated, -23.0, 0.1);
    }

    #[test]
    fn the_true_peak_lies_between_the_samples() {
        // EBU Tech 3341, test 16: a quarter of the rate at 45°: samples reach 0.35, the wave 0.50 (-6 dBTP, +0.2 -0.4).
        let samples: Vec<f32> = (0..48_000)
            .map(|i| (0.5 * (TAU * (0.25 * f64::from(i) + 0.125)).sin()) as f32)
            .collect();
        let peak = Loudness::of(&samples, 1, 48_000)
            .true_peak_db
            .expect("a peak");
        assert!((-6.4..=-5.8).contains(&peak), "{peak}");
    }

    #[test]
    fn the_curve_follows_the_sound_every_tenth_of_a_second() {
        let mut samples = vec![0.0; 48_000];
        samples.extend(sine(-20.0, 1.0, 1, 48_000));
        let loudness = Loudness::of(&samples, 1, 48_000);
        assert_eq!(loudness.curve.len(), 20);
        assert!(
            loudness.curve[..10]
                .iter()
                .all(|lufs| *lufs == f32::NEG_INFINITY)
        );
        // A quarter of the window, half of it, all of it.
        close(Some(loudness.curve[11]), -23.01 - 3.01, 0.2);
        close(Some(loudness.curve[13]), -23.01, 0.1);
        close(Some(loudness.curve[19]), -23.01, 0.1);
    }

    #[test]
    fn silence_scraps_and_nonsense_have_no_loudness() {
        for n in [0, 1, 100, 5_000, 48_000] {
            let silent = Loudness::of(&vec![0.0; n], 1, 48_000);
            assert_eq!(
                (silent.integrated, silent.loudest, silent.true_peak_db),
                (None, None, None)
            );
        }
        let short = Loudness::of(&sine(-20.0, 0.2, 1, 48_000), 1, 48_000);
        assert_eq!(short.integrated, None);
        close(short.to_compare(), -23.01 - 3.01, 0.3);
        assert_eq!(Loudness::of(&[0.5; 100], 0, 48_000), Loudness::default());
        assert_eq!(Loudness::of(&[0.5; 100], 1, 0), Loudness::default());
        assert_eq!(Loudness::of(&[0.5; 3], 2, 48_000).curve.len(), 1);
        let broken = Loudness::of(&[f32::NAN; 48_000], 1, 48_000);
        assert_eq!((broken.integrated, broken.loudest), (None, None));
    }
}
