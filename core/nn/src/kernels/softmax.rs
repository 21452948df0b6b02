//! Softmax of rows. Equals `plain::softmax`.
#![expect(unsafe_code, reason = "vector instructions")]

use super::buffer::filled_by_tasks;
use super::lanes::{Kernel, LANES, Lanes, dispatch};
use super::pointwise::exp;

/// Numbers of one task, about.
const TASK: usize = 1 << 13;

/// `exp((x - highest) * scale)`
#[inline(always)]
unsafe fn powers<L: Lanes>(x: L, highest: L, scale: L) -> L {
    // SAFETY: the caller's promise.
    unsafe { x.minus(highest).times(scale).map(exp) }
}

/// Softmax of one row of `width` numbers, after multiplication with `scale`. The rest that fills no block is read and written with masks:
/// a loop over single numbers for it would take longer than the blocks of a row of some tens.
///
/// # Safety
/// As for [`Lanes`]; `x` and `y` are valid for `width` numbers, and may be the same.
#[inline(always)]
unsafe fn softmax_row<L: Lanes>(width: usize, scale: f32, x: *const f32, y: *mut f32) {
    let whole = width / LANES * LANES;
    let rest = width - whole;
    // SAFETY: the caller's promise; blocks and rest lie in the row.
    unsafe {
        let lowest = L::splat(f32::NEG_INFINITY);
        let mut highest = L::load_first(rest, x.add(whole), lowest);
        for i in (0..whole).step_by(LANES) {
            highest = L::load(x.add(i)).or_larger(highest);
        }
        let (highest, scale) = (L::splat(highest.largest()), L::splat(scale));
        // What fills no block stays in a register: reading what was just written with a mask takes long.
        let power_of_rest = if rest > 0 {
            powers(L::load_first(rest, x.add(whole), lowest), highest, scale)
        } else {
            L::zero()
        };
        let mut sum = power_of_rest;
        for i in (0..whole).step_by(LANES) {
            let power = powers(L::load(x.add(i)), highest, scale);
            power.store(y.add(i));
            sum = sum.plus(power);
        }
        let share = L::splat(1.0 / sum.sum());
        for i in (0..whole).step_by(LANES) {
            L::load(y.add(i)).times(share).store(y.add(i));
        }
        if rest > 0 {
            let rest_of_y = power_of_rest.times(share);
            rest_of_y.store_first(rest, y.add(whole));
        }
    }
}

/// From the gradient of [`softmax_row`]'s output, and that output, to that of its input.
///
/// # Safety
/// As for [`Lanes`]; the rows are valid for `width` numbers, and `dy` and `dx` may be the same.
#[inline(always)]
unsafe fn gradient_row<L: Lanes>(
    width: usize,
    scale: f32,
    y: *const f32,
    dy: *const f32,
    dx: *mut f32,
) {
    let whole = width / LANES * LANES;
    let rest = width - whole;
    // SAFETY: the caller's promise; blocks and rest lie in the rows.
    unsafe {
        let y_rest = L::load_first(rest, y.add(whole), L::zero());
        let dy_rest = L::load_first(rest, dy.add(whole), L::zero());
        let mut products = y_rest.times(dy_rest);
        for i in (0..whole).step_by(LANES) {
            products = L::load(y.add(i)).times_plus(L::load(dy.add(i)), products);
        }
        let (mean, scale) = (L::splat(products.sum()), L::splat(scale));
        for i in (0..whole).step_by(LANES) {
            let slope = L::load(dy.add(i)).minus(mean).times(scale);
            L::load(y.add(i)).times(slope).store(dx.add(i));
        }
        y_rest
            .times(dy_rest.minus(mean).times(scale))
            .store_first(rest, dx.add(whole));
    }
}

/// [`softmax_row`] of `n` rows, one behind the other.
pub(super) struct Rows {
    pub(super) n: usize,
    pub(super) width: usize,
    pub(super) scale: f32,
    /// Valid for these rows, as is `y`, which may be the same.
    pub(super) x: *const f32,
    pub(super) y: *mut f32,
}

impl Kernel for Rows {
    type Output = ();
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        for at in (0..self.n).map(|row| row * self.width) {
            // SAFETY: the caller's promise, and that of the fields.
            unsafe { softmax_row::<L>(self.width, self.scale, self.x.add(at), self.y.add(at)) };
        }
    }
}

/// [`gradient_row`] of `n` rows, one behind the other.
pub(super) struct RowGradients {
    pub(super) n: usize,
    pub(super) width: usize,
    pub(super) scale: f32,
    /// Valid for these rows, as are `dy` and `dx`, which may be the same.
    pub(super) y: *const f32,
    pub(super) dy: *const f32,
    pub(super) dx: *mut f32,
}

impl Kernel for RowGradients {
    type Output = ();
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        for at in (0..self.n).map(|row| row * self.width) {
            // SAFETY: the caller's promise, and that of the fields.
            unsafe {
                gradient_row::<L>(
                    self.width,
                    self.scale,
                    self.y.add(at),
                    self.dy.add(at),
                    self.dx.add(at),
                );
            }
        }
    }
}

/// Of each row of `width` numbers.
pub(crate) fn softmax(width: usize, x: &[f32]) -> Vec<f32> {
    let task = (TASK / width).max(1) * width;
    // SAFETY: every row is written; `x` is as long.
    unsafe {
        filled_by_tasks(x.len(), task, |first, y| {
            let x = &x[first..][..y.len()];
            dispatch(Rows {
                n: x.len() / width,
                width,
                scale: 1.0,
                x: x.as_ptr(),
                y: y.pointer(0),
            });
        })
    }
    .0
}

/// From the output.
pub(crate) fn gradient(width: usize, y: &[f32], dy: &[f32]) -> Vec<f32> {
    let task = (TASK / width).max(1) * width;
    // SAFETY: every row is written; `y` and `dy` are as long.
    unsafe {
        filled_by_tasks(y.len(), task, |first, dx| {
            let (y, dy) = (&y[first..][..dx.len()], &dy[first..][..dx.len()]);
            dispatch(RowGradients {
                n: y.len() / width,
                width,
                scale: 1.0,
                y: y.as_ptr(),
                dy: dy.as_ptr(),
                dx: dx.pointer(0),
            });
        })
    }
    .0
}

#[cfg(test)]
mod tests {
    use super::super::lanes::Level;
    use super::*;
    use crate::plain;
    use crate::rng::{Address, Purpose};

    #[test]
    fn rows_of_any_width_give_the_plain_result() {
        for level in Level::available() {
            for width in [1, 7, 16, 108, 431] {
                let mut draws = Address::new(6, Purpose::Check, width as u64).stream();
                let mut draw = |scale: f32| -> Vec<f32> {
                    (0..5 * width).map(|_| scale * draws.normal()).collect()
                };
                let (x, dy) = (draw(10.0), draw(1.0));
                let wide = |x: &[f32]| x.iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
                let y = level.run(|| softmax(width, &x));
                let dx = level.run(|| gradient(width, &y, &dy));
                let expected = plain::softmax::softmax(width, &wide(&x));
                let slopes = plain::softmax::gradient(width, &wide(&y), &wide(&dy));
                for (found, expected) in y.iter().chain(&dx).zip(expected.iter().chain(&slopes)) {
                    assert!(
                        (f64::from(*found) - expected).abs() < 1e-6,
                        "{level:?}, {width} wide: {found} for {expected}"
                    );
                }
            }
        }
    }
}
