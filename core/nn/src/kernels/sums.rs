//! Sums over slices, on lanes: what norms and means are made of.
//!
//! In f32, so the caller sees to it that a slice is no longer than some thousand numbers.
#![expect(unsafe_code, reason = "vector instructions")]

use super::lanes::{Kernel, LANES, Lanes};

/// Adds up along `x` and `y`: `add` gives sums, and the next numbers of both, more sums. Beyond the end the numbers are those of `fill`.
///
/// # Safety
/// As for [`Lanes`].
#[inline(always)]
unsafe fn sums<L: Lanes, const N: usize>(
    x: &[f32],
    y: &[f32],
    fill: [L; 2],
    add: impl Fn([L; N], L, L) -> [L; N],
) -> [f32; N] {
    /// Sums side by side: each waits for its last addition.
    const SUMS: usize = 4;
    assert_eq!(x.len(), y.len(), "numbers of pairs");
    let (n, x, y) = (x.len(), x.as_ptr(), y.as_ptr());
    let mut i = 0;
    // SAFETY: the caller's promise; `x` and `y` have `n` numbers.
    unsafe {
        let mut sums = [[L::zero(); N]; SUMS];
        while i + SUMS * LANES <= n {
            for (block, sums) in sums.iter_mut().enumerate() {
                let at = i + block * LANES;
                *sums = add(*sums, L::load(x.add(at)), L::load(y.add(at)));
            }
            i += SUMS * LANES;
        }
        let [mut total, others @ ..] = sums;
        while i < n {
            let count = LANES.min(n - i);
            let [x, y] = [
                L::load_first(count, x.add(i), fill[0]),
                L::load_first(count, y.add(i), fill[1]),
            ];
            total = add(total, x, y);
            i += count;
        }
        for other in others {
            for (total, other) in total.iter_mut().zip(other) {
                *total = total.plus(other);
            }
        }
        let mut result = [0.0; N];
        for (result, total) in result.iter_mut().zip(total) {
            *result = total.sum();
        }
        result
    }
}

/// The sum of some numbers.
pub(super) struct Sum<'a>(pub(super) &'a [f32]);

impl Kernel for Sum<'_> {
    type Output = f32;
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) -> f32 {
        // SAFETY: the caller's promise.
        unsafe { sum::<L>(self.0) }
    }
}

/// The sum of some numbers, see [`sums`].
///
/// # Safety
/// As for [`Lanes`].
#[inline(always)]
pub(super) unsafe fn sum<L: Lanes>(x: &[f32]) -> f32 {
    // SAFETY: the caller's promise.
    unsafe {
        sums::<L, 1>(
            x,
            x,
            [L::zero(); 2],
            #[inline(always)]
            |[sum], x, _| [sum.plus(x)],
        )[0]
    }
}

/// The sum of the squared distances from `mean`.
///
/// # Safety
/// As for [`Lanes`].
#[inline(always)]
pub(super) unsafe fn squares<L: Lanes>(x: &[f32], mean: f32) -> f32 {
    // SAFETY: the caller's promise.
    unsafe {
        let mean = L::splat(mean);
        sums::<L, 1>(
            x,
            x,
            [mean; 2],
            #[inline(always)]
            |[sum], x, _| {
                let distance = x.minus(mean);
                [distance.times_plus(distance, sum)]
            },
        )[0]
    }
}

/// The sum of `dy`, and of its products with the distances of `x` from `mean`.
pub(super) struct Products<'a> {
    pub(super) x: &'a [f32],
    pub(super) dy: &'a [f32],
    pub(super) mean: f32,
}

impl Kernel for Products<'_> {
    type Output = [f32; 2];
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) -> [f32; 2] {
        // SAFETY: the caller's promise.
        unsafe {
            let mean = L::splat(self.mean);
            sums::<L, 2>(
                self.x,
                self.dy,
                [mean, L::zero()],
                #[inline(always)]
                |[sum, product], x, dy| [sum.plus(dy), x.minus(mean).times_plus(dy, product)],
            )
        }
    }
}
