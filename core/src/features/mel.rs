//! The mel filter bank, bit for bit torchaudio's.
//!
//! A band's weight is a small difference of large `f32` frequencies: one rounding more or less changes it by 2e-5, twenty times
//! what the rest of the front end is off by. So the corner frequencies are computed with the very operations of
//! PyTorch on a CPU: `linspace` with fused multiply-add, and a power of ten by double-`f32` arithmetic
//! (the algorithm of SLEEF's `powf`, N. Shibata and F. Petrogalli 2020).

use super::FrontEnd;

/// Triangular filters, `[bins, mels]` row-major, as torchaudio's `melscale_fbanks(norm=None, mel_scale="htk")`.
pub(super) fn filterbank(front_end: &FrontEnd) -> Vec<f32> {
    let n_mels = front_end.n_mels;
    let mel_from_hz = |hz: f32| (2595.0 * (1.0 + f64::from(hz) / 700.0).log10()) as f32;
    let highest_hz = (front_end.sample_rate_hz / 2) as f32;
    let bins_hz = linspace(0.0, highest_hz, front_end.n_bins());
    let corners_hz: Vec<f32> = linspace(
        mel_from_hz(front_end.f_min_hz),
        mel_from_hz(front_end.f_max_hz),
        n_mels + 2,
    )
    .iter()
    .map(|mel| 700.0 * (power_of_ten(mel / 2595.0) - 1.0))
    .collect();

    let mut weights = Vec::with_capacity(bins_hz.len() * n_mels);
    for hz in bins_hz {
        weights.extend(corners_hz.windows(3).map(|corner| {
            let rising = -(corner[0] - hz) / (corner[1] - corner[0]);
            let falling = (corner[2] - hz) / (corner[2] - corner[1]);
            rising.min(falling).max(0.0)
        }));
    }
    weights
}

/// `torch.linspace` in `f32`: from both ends towards the middle.
fn linspace(start: f32, end: f32, n: usize) -> Vec<f32> {
    let step = (end - start) / (n - 1) as f32;
    (0..n)
        .map(|i| {
            if i < n / 2 {
                step.mul_add(i as f32, start)
            } else {
                (-step).mul_add((n - 1 - i) as f32, end)
            }
        })
        .collect()
}

/// A number as the unevaluated sum of two `f32`.
type Double = (f32, f32);

/// `10^x` for `0 <= x < 30`, rounded as `Sleef_powf_u10` rounds it.
fn power_of_ten(x: f32) -> f32 {
    #[expect(
        clippy::approx_constant,
        reason = "the first half of a number in two halves"
    )]
    const LN_10: Double = (2.302_585_1, -3.197_425_3e-8);
    // ln(2) in two parts, of which the first times a small integer is exact
    const LN_2_HIGH: f32 = 0.693_145_75;
    const LN_2_LOW: f32 = 1.428_606_8e-6;
    let exponent = times(LN_10, x);
    let n_octaves = ((exponent.0 + exponent.1) * std::f32::consts::LOG2_E).round_ties_even();
    let rest = normalise(plus(
        plus(exponent, n_octaves * -LN_2_HIGH),
        n_octaves * -LN_2_LOW,
    ));
    let tail = 0.001_363_246_5_f32
        .mul_add(rest.0, 0.008_365_969)
        .mul_add(rest.0, 0.041_671_082)
        .mul_add(rest.0, 0.166_665_52)
        .mul_add(rest.0, 0.499_999_85);
    let e = add(1.0, add_double(rest, times(square(rest), tail)));
    (e.0 + e.1) * (n_octaves).exp2()
}

fn normalise(x: Double) -> Double {
    let sum = x.0 + x.1;
    (sum, (x.0 - sum) + x.1)
}

fn plus(x: Double, y: f32) -> Double {
    let sum = x.0 + y;
    let back = sum - x.0;
    (sum, (x.0 - (sum - back)) + (y - back) + x.1)
}

fn add(x: f32, y: Double) -> Double {
    let sum = x + y.0;
    (sum, ((x - sum) + y.0) + y.1)
}

fn add_double(x: Double, y: Double) -> Double {
    let sum = x.0 + y.0;
    (sum, (((x.0 - sum) + y.0) + x.1) + y.1)
}

fn times(x: Double, y: f32) -> Double {
    let product = x.0 * y;
    (product, x.1.mul_add(y, x.0.mul_add(y, -product)))
}

fn square(x: Double) -> Double {
    let product = x.0 * x.0;
    (
        product,
        (x.0 + x.0).mul_add(x.1, x.0.mul_add(x.0, -product)),
    )
}

/// The filters without their zeros: dense, they would cost more than the Fourier transform.
#[derive(Clone, Debug)]
pub(super) struct Bands {
    /// Per band: first bin, and where its weights lie in `weights`.
    bands: Vec<(usize, std::ops::Range<usize>)>,
    weights: Vec<f32>,
}

impl Bands {
    /// Of a dense filter bank, `[bins, mels]` row-major.
    pub(super) fn new(filterbank: &[f32], n_mels: usize) -> Self {
        let mut weights = Vec::new();
        let bands = (0..n_mels)
            .map(|mel| {
                let column = || filterbank.iter().skip(mel).step_by(n_mels);
                let first = column().position(|w| *w != 0.0).unwrap_or(0);
                let n = column().count() - column().rev().position(|w| *w != 0.0).unwrap_or(0);
                let start = weights.len();
                if column().any(|w| *w != 0.0) {
                    weights.extend(column().take(n).skip(first));
                }
                (first, start..weights.len())
            })
            .collect();
        Self { bands, weights }
    }

    /// First bin and weights of each band.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &[f32])> {
        self.bands
            .iter()
            .map(|(first, range)| (*first, &self.weights[range.clone()]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_ten_are_within_one_rounding() {
        for i in 0..3_000 {
            let x = i as f32 * 0.000_5;
            let exact = 10_f64.powf(f64::from(x));
            let error = (f64::from(power_of_ten(x)) - exact).abs() / exact;
            assert!(error < 1.2e-7, "10^{x}: {error:e}");
        }
    }

    #[test]
    fn the_lowest_band_of_sota128_is_empty_and_no_other() {
        let front_end = FrontEnd::sota128();
        let bands = Bands::new(&filterbank(&front_end), front_end.n_mels);
        let empty: Vec<usize> = bands
            .iter()
            .enumerate()
            .filter(|(_, (_, weights))| weights.is_empty())
            .map(|(mel, _)| mel)
            .collect();
        assert_eq!(empty, [0]);
    }

    #[test]
    fn sparse_bands_hold_all_of_the_dense_weights() {
        let front_end = FrontEnd::mtt();
        let dense = filterbank(&front_end);
        let mut rebuilt = vec![0.0; dense.len()];
        for (mel, (first, weights)) in Bands::new(&dense, front_end.n_mels).iter().enumerate() {
            for (i, weight) in weights.iter().enumerate() {
                rebuilt[(first + i) * front_end.n_mels + mel] = *weight;
            }
        }
        assert_eq!(rebuilt, dense);
    }
}
