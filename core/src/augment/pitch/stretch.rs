//! Another tempo at the same pitch: WSOLA (Verhelst and Roelands, ICASSP 1993) with the settings of SoX's `tempo`.
//!
//! The output is a chain of segments of 82 ms cut from the input, each crossfaded over 12 ms with the one before. Segment
//! `k` is cut near `k` times the nominal step; where exactly, within 15 ms, is chosen so that it continues its predecessor
//! best: the smallest squared difference over the crossfade. A transient is thus moved as a whole, never smeared.

use crate::augment::simd;
use pulp::{Simd, WithSimd};

const SEGMENT_MS: f64 = 82.0;
/// Length of the crossfade, as a part of the segment.
const OVERLAP_PART: f64 = 1.0 / 6.833;
/// Width of the search, as a part of the segment.
const SEARCH_PART: f64 = 1.0 / 5.587;

/// Buffers that a thread keeps.
#[derive(Default)]
pub(in crate::augment) struct Scratch {
    padded: Vec<f32>,
    tail: Vec<f32>,
}

/// Lengths in samples.
#[derive(Clone, Copy, Debug)]
struct Layout {
    segment: usize,
    search: usize,
    overlap: usize,
}

impl Layout {
    fn new(rate_hz: u32) -> Self {
        let samples = |ms: f64| f64::from(rate_hz) * ms / 1000.0;
        let segment = (samples(SEGMENT_MS) + 0.5) as usize;
        let search = (samples(SEGMENT_MS * SEARCH_PART) + 0.5) as usize;
        // A multiple of 8, at least 16.
        let overlap = (samples(SEGMENT_MS * OVERLAP_PART) + 4.5).max(16.0) as usize & !7;
        // Rates below 1 kHz: keep the parts in proportion.
        let segment = segment.max(2 * overlap + 1);
        Self {
            segment,
            search: search.max(1),
            overlap,
        }
    }
}

/// Appends `wave`, made `ratio` times as long, to `out`: round(n · ratio) samples.
///
/// Gives how many of these come before the first that a segment cut behind the wave's end, where there is silence: the search may put the last
/// segments up to half its width too late.
pub(in crate::augment) fn stretch(
    wave: &[f32],
    ratio: f64,
    rate_hz: u32,
    scratch: &mut Scratch,
    out: &mut Vec<f32>,
) -> usize {
    let layout = Layout::new(rate_hz);
    let Layout {
        segment,
        search,
        overlap,
    } = layout;
    let n_out = (wave.len() as f64 * ratio + 0.5) as usize;
    let step_out = segment - overlap;
    let n_segments = n_out.div_ceil(step_out).max(1);
    let start_of = |k: usize| (k as f64 * step_out as f64 / ratio + 0.5) as usize;

    // [half the search as zeros | wave | zeros for the last segments]
    let padded = &mut scratch.padded;
    padded.clear();
    padded.resize(search / 2, 0.0);
    padded.extend_from_slice(wave);
    let n_padded = start_of(n_segments - 1) + search + segment;
    padded.resize(n_padded.max(padded.len()), 0.0);

    let wave_end = search / 2 + wave.len();
    let mut n_sound = n_out;
    let n_out = out.len() + n_out;
    let tail = &mut scratch.tail;
    for k in 0..n_segments {
        let window = &padded[start_of(k)..];
        let offset = if k == 0 {
            search / 2
        } else {
            simd::run(BestOffset {
                window: &window[..search + overlap - 1],
                tail,
            })
        };
        let cut = &window[offset..offset + segment];
        let cut_at = start_of(k) + offset;
        if cut_at + segment > wave_end {
            n_sound = n_sound.min((k * step_out + wave_end).saturating_sub(cut_at));
        }
        if k == 0 {
            out.extend_from_slice(&cut[..overlap]);
        } else {
            let fade = 1.0 / overlap as f32;
            out.extend(tail.iter().zip(cut).enumerate().map(|(i, (old, new))| {
                let part = fade * i as f32;
                old * (1.0 - part) + new * part
            }));
        }
        out.extend_from_slice(&cut[overlap..segment - overlap]);
        tail.clear();
        tail.extend_from_slice(&cut[segment - overlap..]);
    }
    out.resize(n_out, 0.0);
    n_sound
}

/// Finds where in `window` the squared difference to `tail` is smallest; the first of equals.
struct BestOffset<'a> {
    window: &'a [f32],
    tail: &'a [f32],
}

/// Offsets tried side by side: each part of the tail is loaded once for all.
const ABREAST: usize = 4;
/// Of so many groups of offsets one is tried first: the difference changes slowly from one offset to the next, so the best of
/// these is close to the best of all.
const FIRST_OF: usize = 8;
/// Samples after which a group is left if it is worse than the best already: sums of squares only grow.
const BETWEEN_LOOKS: usize = 64;

impl WithSimd for BestOffset<'_> {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> usize {
        let n_groups = (self.window.len() - self.tail.len() + 1).div_ceil(ABREAST);
        let mut best = (f32::INFINITY, 0);
        for group in (0..n_groups).step_by(FIRST_OF) {
            self.try_group(simd, group * ABREAST, &mut best);
        }
        for group in (0..n_groups).filter(|group| group % FIRST_OF != 0) {
            self.try_group(simd, group * ABREAST, &mut best);
        }
        best.1
    }
}

impl BestOffset<'_> {
    /// Tries [`ABREAST`] offsets from `first` on; `best` is the smallest difference so far and its offset.
    #[inline(always)]
    fn try_group<S: Simd>(&self, simd: S, first: usize, best: &mut (f32, usize)) {
        let n = self.tail.len();
        let last_offset = self.window.len() - n;
        let (tail, tail_rest) = S::as_simd_f32s(self.tail);
        let tail_rest = simd.partial_load_f32s(tail_rest);
        let n_whole = n - n % S::F32_LANES;
        // Beyond the last offset the last is tried again, which changes nothing.
        let offsets: [usize; ABREAST] = std::array::from_fn(|k| (first + k).min(last_offset));
        let mut sums = [simd.splat_f32s(0.0); ABREAST];
        for (sum, offset) in sums.iter_mut().zip(offsets) {
            let rest = simd.partial_load_f32s(&self.window[offset + n_whole..offset + n]);
            let difference = simd.sub_f32s(rest, tail_rest);
            *sum = simd.mul_f32s(difference, difference);
        }
        let [a, b, c, d] = offsets.map(|offset| S::as_simd_f32s(&self.window[offset..][..n]).0);
        let n_between = (BETWEEN_LOOKS / S::F32_LANES).max(1);
        let pieces = tail.chunks(n_between).zip(a.chunks(n_between)).zip(
            b.chunks(n_between)
                .zip(c.chunks(n_between))
                .zip(d.chunks(n_between)),
        );
        for ((tail, a), ((b, c), d)) in pieces {
            for ((((&old, &a), &b), &c), &d) in tail.iter().zip(a).zip(b).zip(c).zip(d) {
                let new = [a, b, c, d];
                for k in 0..ABREAST {
                    let difference = simd.sub_f32s(new[k], old);
                    sums[k] = simd.mul_add_e_f32s(difference, difference, sums[k]);
                }
            }
            // Lane by lane the smallest of the group: no offset of it has less, in rounded sums too.
            let [a, b, c, d] = sums;
            let least = simd.min_f32s(simd.min_f32s(a, b), simd.min_f32s(c, d));
            if simd.reduce_sum_f32s(least) > best.0 {
                return;
            }
        }
        for (sum, offset) in sums.into_iter().zip(offsets) {
            let difference = simd.reduce_sum_f32s(sum);
            if difference < best.0 || (difference == best.0 && offset < best.1) {
                *best = (difference, offset);
            }
        }
    }
}
