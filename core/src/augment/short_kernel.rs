//! Convolution with a short symmetric kernel, product by product: below [`LONGEST`] taps each side it beats the
//! [`Convolver`](super::convolve::Convolver), whose transforms cost the same for any kernel.

use super::simd;
use pulp::{Simd, WithSimd, bytemuck};

/// Half length up to which this is the faster way.
pub(super) const LONGEST: usize = 64;
/// Vectors of the result that are summed side by side: each tap is spread over a vector once for all of them.
const ABREAST: usize = 8;
/// The most lanes of a vector.
const LANES: usize = 16;
/// Samples of the result that are made, and given away while they are in the cache, at a time.
const PIECE: usize = 16 * ABREAST * LANES;

/// Convolves as [`Convolver::run`](super::convolve::Convolver::run) does.
pub(super) fn run(padded: &mut Vec<f32>, kernel: &[f32], mut put: impl FnMut(usize, &[f32])) {
    let half = kernel.len() - 1;
    let n_samples = padded.len().saturating_sub(2 * half);
    // So that the last vectors are whole.
    padded.resize(padded.len() + ABREAST * LANES, 0.0);
    let mut piece = [0.0; PIECE];
    for start in (0..n_samples).step_by(PIECE) {
        let out = &mut piece[..PIECE.min(n_samples - start)];
        simd::run(ShortKernel {
            padded: &padded[start..],
            kernel,
            out,
        });
        put(start, out);
    }
}

/// The result for the samples of `padded` from `kernel.len() - 1` on.
struct ShortKernel<'a> {
    padded: &'a [f32],
    kernel: &'a [f32],
    out: &'a mut [f32],
}

impl WithSimd for ShortKernel<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let n_abreast = ABREAST * S::F32_LANES;
        let load = |at: usize| -> [S::f32s; ABREAST] {
            let vectors = S::as_simd_f32s(&self.padded[at..at + n_abreast]).0;
            std::array::from_fn(|k| vectors[k])
        };
        let (middle, beside) = (simd.splat_f32s(self.kernel[0]), &self.kernel[1..]);
        let mut centre = beside.len();
        for out in self.out.chunks_mut(n_abreast) {
            let mut sums = load(centre).map(|x| simd.mul_f32s(x, middle));
            for (n, &tap) in (1..).zip(beside) {
                let tap = simd.splat_f32s(tap);
                let (before, behind) = (load(centre - n), load(centre + n));
                for k in 0..ABREAST {
                    let both = simd.add_f32s(before[k], behind[k]);
                    sums[k] = simd.mul_add_e_f32s(tap, both, sums[k]);
                }
            }
            let sums: &[f32] = bytemuck::cast_slice(&sums);
            out.copy_from_slice(&sums[..out.len()]);
            centre += n_abreast;
        }
    }
}
