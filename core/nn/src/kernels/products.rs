//! Matrix products in registers, over blocks of sixteen columns: what convolutions on feature maps spend their time on.
#![expect(unsafe_code, reason = "vector instructions")]

use super::lanes::{LANES, Lanes};

/// `n` rounded up so that [`products`] for `outs` columns finds whole panels of rows, on any processor.
pub(super) fn whole_panels(n: usize, outs: usize) -> usize {
    // The rows of a pair of blocks and of a single one, the most that there are.
    n.next_multiple_of(if (outs / LANES).is_multiple_of(2) {
        12
    } else {
        24
    })
}

/// `M = V U`: V `rows` × `depth`, M `rows` × `outs`; U in blocks of columns, `[outs / 16, depth, 16]`. Rows of V lie `v_stride` apart. Where
/// `DEPTH` is not 0 it is the depth and the stride, known when this is compiled. `rows` is whole panels, see [`whole_panels`].
///
/// # Safety
/// As for [`Lanes`]; the matrices have these sizes.
#[inline(always)]
pub(super) unsafe fn products<L: Lanes, const DEPTH: usize>(
    rows: usize,
    depth: usize,
    outs: usize,
    (v, v_stride): (*const f32, usize),
    u: *const f32,
    m: *mut f32,
) {
    let (depth, v_stride) = if DEPTH == 0 {
        (depth, v_stride)
    } else {
        (DEPTH, DEPTH)
    };
    let blocks = outs / LANES;
    let mut block = 0;
    // SAFETY: the caller's promise.
    unsafe {
        if L::ROWS_OF_PAIR > 0 {
            while block + 2 <= blocks {
                let u = u.add(block * depth * LANES);
                let mut row = 0;
                while row < rows {
                    let (v, m) = (v.add(row * v_stride), m.add(row * outs + block * LANES));
                    match L::ROWS_OF_PAIR {
                        12 => panel::<L, 12, 2>(depth, outs, (v, v_stride), u, m),
                        _ => panel::<L, 2, 2>(depth, outs, (v, v_stride), u, m),
                    }
                    row += L::ROWS_OF_PAIR;
                }
                block += 2;
            }
        }
        while block < blocks {
            let u = u.add(block * depth * LANES);
            let mut row = 0;
            while row < rows {
                let (v, m) = (v.add(row * v_stride), m.add(row * outs + block * LANES));
                match L::ROWS {
                    24 => panel::<L, 24, 1>(depth, outs, (v, v_stride), u, m),
                    6 => panel::<L, 6, 1>(depth, outs, (v, v_stride), u, m),
                    _ => panel::<L, 2, 1>(depth, outs, (v, v_stride), u, m),
                }
                row += L::ROWS;
            }
            block += 1;
        }
    }
}

#[inline(always)]
unsafe fn panel<L: Lanes, const ROWS: usize, const BLOCKS: usize>(
    depth: usize,
    outs: usize,
    (v, v_stride): (*const f32, usize),
    u: *const f32,
    m: *mut f32,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let mut sums = [[L::zero(); BLOCKS]; ROWS];
        for k in 0..depth {
            let mut weights = [L::zero(); BLOCKS];
            for (block, weight) in weights.iter_mut().enumerate() {
                *weight = L::load(u.add((block * depth + k) * LANES));
            }
            for (row, sums) in sums.iter_mut().enumerate() {
                let x = L::splat(*v.add(row * v_stride + k));
                for (sum, weight) in sums.iter_mut().zip(weights) {
                    *sum = x.times_plus(weight, *sum);
                }
            }
        }
        for (row, sums) in sums.into_iter().enumerate() {
            for (block, sum) in sums.into_iter().enumerate() {
                sum.store(m.add(row * outs + block * LANES));
            }
        }
    }
}

/// `S += Vᵀ D`: V `n_rows` × `ins`, D `n_rows` × `outs`, S `ins` × `outs`; `ins` and `outs` are whole blocks.
///
/// What the rows give is added up on its own first: over many calls far less is lost to rounding than in one long sum.
///
/// # Safety
/// As for [`Lanes`]; the matrices have these sizes.
#[inline(always)]
pub(super) unsafe fn outer_products<L: Lanes>(
    n_rows: usize,
    ins: usize,
    outs: usize,
    v: *const f32,
    d: *const f32,
    sums: *mut f32,
) {
    let blocks = outs / LANES;
    let mut block = 0;
    // SAFETY: the caller's promise: these sizes.
    unsafe {
        if L::OUTER_ROWS_OF_PAIR > 0 {
            while block + 2 <= blocks {
                let mut row = 0;
                while row < ins {
                    let (v, d) = (v.add(row), d.add(block * LANES));
                    let sums = sums.add(row * outs + block * LANES);
                    match L::OUTER_ROWS_OF_PAIR {
                        8 => outer_panel::<L, 8, 2>(n_rows, ins, outs, v, d, sums),
                        _ => outer_panel::<L, 2, 2>(n_rows, ins, outs, v, d, sums),
                    }
                    row += L::OUTER_ROWS_OF_PAIR;
                }
                block += 2;
            }
        }
        while block < blocks {
            let mut row = 0;
            while row < ins {
                let (v, d) = (v.add(row), d.add(block * LANES));
                let sums = sums.add(row * outs + block * LANES);
                match L::OUTER_ROWS {
                    16 => outer_panel::<L, 16, 1>(n_rows, ins, outs, v, d, sums),
                    4 => outer_panel::<L, 4, 1>(n_rows, ins, outs, v, d, sums),
                    _ => outer_panel::<L, 2, 1>(n_rows, ins, outs, v, d, sums),
                }
                row += L::OUTER_ROWS;
            }
            block += 1;
        }
    }
}

#[inline(always)]
unsafe fn outer_panel<L: Lanes, const ROWS: usize, const BLOCKS: usize>(
    n_rows: usize,
    ins: usize,
    outs: usize,
    mut v: *const f32,
    mut d: *const f32,
    to: *mut f32,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let mut sums = [[L::zero(); BLOCKS]; ROWS];
        for _ in 0..n_rows {
            let mut gradients = [L::zero(); BLOCKS];
            for (block, gradient) in gradients.iter_mut().enumerate() {
                *gradient = L::load(d.add(block * LANES));
            }
            for (row, sums) in sums.iter_mut().enumerate() {
                let x = L::splat(*v.add(row));
                for (sum, gradient) in sums.iter_mut().zip(gradients) {
                    *sum = x.times_plus(gradient, *sum);
                }
            }
            v = v.add(ins);
            d = d.add(outs);
        }
        for (row, sums) in sums.into_iter().enumerate() {
            for (block, sum) in sums.into_iter().enumerate() {
                let to = to.add(row * outs + block * LANES);
                L::load(to).plus(sum).store(to);
            }
        }
    }
}
