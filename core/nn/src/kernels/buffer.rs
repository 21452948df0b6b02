//! Memory for feature maps: aligned to cache lines, and not cleared before it is filled.
//!
//! A load of sixteen numbers that crosses a cache line costs two. `Vec` promises four bytes of alignment only, so a buffer is a
//! little longer than its content and says where that starts; a tensor made of it is a view.
#![expect(unsafe_code, reason = "filling memory that was not cleared")]

use super::lanes::LANES;
use super::shared::Shared;
use candle_core::{Device, Result, Tensor};
use rayon::prelude::*;
use std::cell::RefCell;

/// Numbers that start at a cache line.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    data: Vec<f32>,
    start: usize,
    len: usize,
}

/// How far from `pointer` the next cache line starts, in numbers.
fn to_cache_line(pointer: *const f32) -> usize {
    let past = pointer.addr() / size_of::<f32>() % LANES;
    (LANES - past) % LANES
}

impl Buffer {
    /// A buffer of `len` numbers that `fill` writes.
    ///
    /// # Safety
    /// `fill` writes every one of the `len` numbers and reads none before.
    pub(crate) unsafe fn filled(len: usize, fill: impl FnOnce(Shared<f32>)) -> Self {
        let mut data: Vec<f32> = Vec::with_capacity(len + LANES);
        let start = to_cache_line(data.as_ptr());
        for number in &mut data.spare_capacity_mut()[..start] {
            number.write(0.0);
        }
        // SAFETY: `start + len` is within the capacity.
        fill(unsafe { Shared::of(data.as_mut_ptr().add(start), len) });
        // SAFETY: what is before `start` was written here, the rest by `fill`.
        unsafe { data.set_len(start + len) };
        Self { data, start, len }
    }

    /// As a tensor, without a copy.
    pub(crate) fn into_tensor(self, dims: &[usize]) -> Result<Tensor> {
        let n = self.data.len();
        Tensor::from_vec(self.data, n, &Device::Cpu)?
            .narrow(0, self.start, self.len)?
            .reshape(dims)
    }
}

/// Wherever it starts.
impl From<Vec<f32>> for Buffer {
    fn from(data: Vec<f32>) -> Self {
        Self {
            len: data.len(),
            start: 0,
            data,
        }
    }
}

impl std::ops::Deref for Buffer {
    type Target = [f32];
    fn deref(&self) -> &[f32] {
        &self.data[self.start..]
    }
}

/// `len` numbers that `fill` writes, and what it gives. They are not cleared first: that would be one more way through memory.
///
/// # Safety
/// `fill` writes every number and reads none before.
pub(crate) unsafe fn filled_vec<R>(
    len: usize,
    fill: impl FnOnce(Shared<f32>) -> R,
) -> (Vec<f32>, R) {
    let mut data: Vec<f32> = Vec::with_capacity(len);
    // SAFETY: the capacity.
    let result = fill(unsafe { Shared::of(data.as_mut_ptr(), len) });
    // SAFETY: the caller's promise.
    unsafe { data.set_len(len) };
    (data, result)
}

/// [`filled_vec`] in tasks of `task` numbers: `fill` is given the index of the first and where to write. What the tasks give comes in their order.
///
/// # Safety
/// `fill` writes every number that it is given and reads none before.
pub(crate) unsafe fn filled_by_tasks<R: Send>(
    len: usize,
    task: usize,
    fill: impl Fn(usize, Shared<f32>) -> R + Sync,
) -> (Vec<f32>, Vec<R>) {
    let by_tasks = |to: Shared<f32>| {
        let n = len.div_ceil(task.max(1));
        let part = |i: usize| {
            let first = i * task;
            let part = task.min(len - first);
            // SAFETY: inside of `to`; tasks share nothing.
            fill(first, unsafe { Shared::of(to.pointer(first), part) })
        };
        if n > 1 {
            (0..n).into_par_iter().map(part).collect()
        } else {
            // Not worth waking a thread.
            (0..n).map(part).collect()
        }
    };
    // SAFETY: the tasks write all numbers.
    unsafe { filled_vec(len, by_tasks) }
}

/// Runs `work` with `len` numbers of scratch memory of this thread, aligned to a cache line; what is in them is left from earlier work.
pub(crate) fn with_scratch<R>(len: usize, work: impl FnOnce(&mut [f32]) -> R) -> R {
    thread_local! {
        static SCRATCH: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
    }
    SCRATCH.with(|scratch| {
        // Taken out for the time of the work: a nested call finds it empty and makes its own.
        let mut data = scratch.take();
        if data.len() < len + LANES {
            data.resize(len + LANES, 0.0);
        }
        let start = to_cache_line(data.as_ptr());
        let result = work(&mut data[start..start + len]);
        scratch.replace(data);
        result
    })
}
