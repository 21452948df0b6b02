//! Which numbers a dropout layer keeps: a function of (seed, step, layer, element), never stored.
//!
//! The address gives a key; element `i` is word `i % 4` of Philox block `i / 4` under that key. Seven rounds (the fewest
//! that pass BigCrush, Salmon et al. 2011) instead of ten: a mask is not a lottery.

use super::element::Element;
use crate::rng::Address;
use rayon::prelude::*;

/// Elements that one task fills, a multiple of the block.
const TASK: usize = 1 << 14;

/// Blocks computed side by side, for the compiler to put into one register.
const LANES: usize = 8;

/// The mask of one layer in one step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mask {
    key: [u32; 2],
    /// An element is kept if its word is at least this.
    threshold: u32,
    /// What a kept element is multiplied with.
    scale: f64,
}

impl Mask {
    /// The mask at `address` that drops with probability `p`.
    pub(crate) fn new(address: Address, p: f32) -> Self {
        let words = address.block(0);
        Self {
            key: [words[0], words[1]],
            threshold: (f64::from(p) * 2f64.powi(32)) as u32,
            scale: 1.0 / (1.0 - f64::from(p)),
        }
    }

    /// Key, threshold and scale, for kernels that draw the same mask.
    #[cfg(feature = "cuda")]
    pub(crate) fn parts(&self) -> ([u32; 2], u32, f64) {
        (self.key, self.threshold, self.scale)
    }

    /// The words of blocks `block..block + LANES`, transposed: word `w` of block `block + l` is `[w][l]`.
    #[inline(always)]
    fn words(&self, block: u64) -> [[u32; LANES]; 4] {
        let mut counter = [[0u32; LANES]; 4];
        for lane in 0..LANES {
            counter[0][lane] = (block as u32).wrapping_add(lane as u32);
            counter[1][lane] = (block >> 32) as u32;
        }
        let mut key = self.key;
        for _ in 0..7 {
            let mut next = [[0u32; LANES]; 4];
            for lane in 0..LANES {
                let low = u64::from(counter[0][lane]) * 0xD251_1F53;
                let high = u64::from(counter[2][lane]) * 0xCD9E_8D57;
                next[0][lane] = (high >> 32) as u32 ^ counter[1][lane] ^ key[0];
                next[1][lane] = high as u32;
                next[2][lane] = (low >> 32) as u32 ^ counter[3][lane] ^ key[1];
                next[3][lane] = low as u32;
            }
            counter = next;
            key = [
                key[0].wrapping_add(0x9E37_79B9),
                key[1].wrapping_add(0xBB67_AE85),
            ];
        }
        counter
    }
}

/// `x` with the mask applied.
pub(crate) fn apply<T: Element>(mask: &Mask, x: &[T]) -> Vec<T> {
    let mut y = vec![T::ZERO; x.len()];
    let scale = T::of(mask.scale);
    y.par_chunks_mut(TASK)
        .zip(x.par_chunks(TASK))
        .enumerate()
        .for_each(|(task, (y, x))| {
            let first = (task * TASK / 4) as u64;
            for (group, (y, x)) in y.chunks_mut(4 * LANES).zip(x.chunks(4 * LANES)).enumerate() {
                let words = mask.words(first + (group * LANES) as u64);
                for (i, (y, x)) in y.iter_mut().zip(x).enumerate() {
                    if words[i % 4][i / 4] >= mask.threshold {
                        *y = *x * scale;
                    }
                }
            }
        });
    y
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Purpose;

    fn mask(layer: u64, p: f32) -> Mask {
        Mask::new(Address::new(7, Purpose::Dropout, layer), p)
    }

    #[test]
    fn the_share_dropped_is_the_probability_and_the_mean_stays() {
        let y = apply(&mask(1, 0.1), &vec![1f32; 200_000]);
        let dropped = y.iter().filter(|&&y| y == 0.0).count() as f64 / y.len() as f64;
        let mean = y.iter().map(|&y| f64::from(y)).sum::<f64>() / y.len() as f64;
        assert!((dropped - 0.1).abs() < 0.003, "{dropped}");
        assert!((mean - 1.0).abs() < 0.003, "{mean}");
    }

    #[test]
    fn a_part_of_the_tensor_has_the_mask_that_it_has_in_the_whole() {
        let whole = apply(&mask(1, 0.3), &vec![1f64; TASK * 2 + 5]);
        let part = apply(&mask(1, 0.3), &vec![1f64; 1001]);
        assert_eq!(part, whole[..1001]);
        let other = apply(&mask(2, 0.3), &vec![1f64; 1001]);
        assert_ne!(part, other);
    }
}
