//! Another tempo at the same pitch: WSOLA (Verhelst and Roelands, ICASSP 1993) with the settings of SoX's `tempo`.
//!
//! The output is a chain of segments of 82 ms cut from the input, each crossfaded over 12 ms with the one before. Segment
//! `k` is cut near `k` times the nominal step; where exactly, within 15 ms, is chosen so that it continues its predecessor
//! best: the smallest squared difference over the crossfade. A transient is thus moved as a whole, never smeared.

mod search;

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
    search: search::Scratch,
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
            search::best_offset(&window[..search + overlap - 1], tail, &mut scratch.search)
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
