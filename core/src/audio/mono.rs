//! One channel on its way to another rate, piece by piece.

use super::Error;
use super::resample::{check_rates, n_resampled, plan};
use audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, Resampler};

/// Resamples pieces of a sound; together they are, bit for bit, what [`super::resample()`] makes of the whole.
pub(super) struct Resampling<'a> {
    to_hz: u32,
    take: &'a mut dyn FnMut(&[f32]),
    way: Option<Way>,
}

/// What the first piece decides.
struct Way {
    from_hz: u32,
    /// Nothing where the rates are the same.
    resampler: Option<Blocks>,
}

/// The resampler takes blocks of one length, and what comes out is late by a fixed number of samples.
struct Blocks {
    resampler: Fft<f32>,
    /// The start of the next block.
    input: Vec<f32>,
    block: usize,
    output: Vec<f32>,
    n_late: usize,
    n_in: usize,
    n_out: usize,
}

impl<'a> Resampling<'a> {
    /// To `to_hz`, for `take`.
    pub(super) fn new(to_hz: u32, take: &'a mut dyn FnMut(&[f32])) -> Self {
        Self {
            to_hz,
            take,
            way: None,
        }
    }

    /// The next piece; the first decides the rate. Fails with [`Error::Resample`].
    pub(super) fn push(&mut self, from_hz: u32, mut piece: &[f32]) -> Result<(), Error> {
        let way = match &mut self.way {
            Some(way) => way,
            none => none.insert(Way::new(from_hz, self.to_hz)?),
        };
        let Some(blocks) = &mut way.resampler else {
            (self.take)(piece);
            return Ok(());
        };
        blocks.n_in += piece.len();
        while !piece.is_empty() {
            let n = piece.len().min(blocks.block - blocks.input.len());
            blocks.input.extend_from_slice(&piece[..n]);
            piece = &piece[n..];
            if blocks.input.len() == blocks.block {
                let made = blocks.next(way.from_hz, self.to_hz)?;
                (self.take)(made);
            }
        }
        Ok(())
    }

    /// What is left, after the last piece.
    pub(super) fn finish(self) -> Result<(), Error> {
        let Some(Way {
            from_hz,
            resampler: Some(mut blocks),
        }) = self.way
        else {
            return Ok(());
        };
        let wanted = n_resampled(blocks.n_in, from_hz, self.to_hz);
        while blocks.n_out < wanted {
            let missing = wanted - blocks.n_out;
            blocks.input.resize(blocks.block, 0.0);
            let made = blocks.next(from_hz, self.to_hz)?;
            (self.take)(&made[..missing.min(made.len())]);
        }
        Ok(())
    }
}

impl Way {
    fn new(from_hz: u32, to_hz: u32) -> Result<Self, Error> {
        check_rates(from_hz, to_hz)?;
        let resampler = if from_hz == to_hz {
            None
        } else {
            let resampler = plan(1, from_hz, to_hz)?;
            let block = resampler.input_frames_next();
            Some(Blocks {
                input: Vec::with_capacity(block),
                block,
                output: vec![0.0; resampler.output_frames_max()],
                n_late: resampler.output_delay(),
                resampler,
                n_in: 0,
                n_out: 0,
            })
        };
        Ok(Self { from_hz, resampler })
    }
}

impl Blocks {
    /// Resamples the block in `input`, which is empty then.
    fn next(&mut self, from_hz: u32, to_hz: u32) -> Result<&[f32], Error> {
        let failed = |reason: String| Error::Resample {
            from_hz,
            to_hz,
            reason,
        };
        let n_made = self.output.len();
        let input = InterleavedSlice::new(self.input.as_slice(), 1, self.block)
            .map_err(|error| failed(error.to_string()))?;
        let mut output = InterleavedSlice::new_mut(self.output.as_mut_slice(), 1, n_made)
            .map_err(|error| failed(error.to_string()))?;
        let (_, n_made) = self
            .resampler
            .process_into_buffer(&input, &mut output, None)
            .map_err(|error| failed(error.to_string()))?;
        self.input.clear();
        let late = self.n_late.min(n_made);
        self.n_late -= late;
        self.n_out += n_made - late;
        Ok(&self.output[late..n_made])
    }
}

/// A sample in 16 bits: rounded to the nearest, halves away from zero, as `f32::round`, and limited.
///
/// `round` is a call for each sample where the processor's newer instructions are not taken for granted. To add what is just below a half
/// and cut off is the same in this range, and becomes vector code.
#[inline]
pub(super) fn to_16_bits(sample: f32) -> i16 {
    const ALMOST_HALF: f32 = 0.5_f32.next_down();
    let scaled = (sample * 32768.0).clamp(-32768.0, 32767.0);
    (scaled + ALMOST_HALF.copysign(scaled)) as i32 as i16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::resample;
    use proptest::prelude::*;

    #[test]
    fn sixteen_bits_are_rounded_as_the_plain_way_rounds() {
        let plain = |x: f32| (x * 32768.0).round().clamp(-32768.0, 32767.0) as i16;
        for n in -140_000_i32..140_000 {
            // Every half and quarter, and what lies beside it.
            let x = n as f32 / 4.0 / 32768.0;
            for x in [x.next_down(), x, x.next_up()] {
                assert_eq!(to_16_bits(x), plain(x), "{x:e}");
            }
        }
        for x in [
            f32::NAN,
            f32::INFINITY,
            f32::NEG_INFINITY,
            1e30,
            -0.0,
            1e-40,
        ] {
            assert_eq!(to_16_bits(x), plain(x), "{x}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn pieces_become_what_the_whole_becomes(
            n in 1usize..30_000,
            pieces in prop::collection::vec(1usize..9_000, 1..6),
            rates in prop::sample::select(vec![
                (44_100, 22_050), (48_000, 22_050), (22_050, 22_050), (16_000, 22_050), (22_050, 16_000), (8_000, 44_100),
            ]),
        ) {
            let (from_hz, to_hz) = rates;
            let wave: Vec<f32> = (0..n).map(|i| ((i * i) as f32 * 1e-3).sin()).collect();
            let mut found: Vec<f32> = Vec::new();
            let mut take = |piece: &[f32]| found.extend_from_slice(piece);
            let mut resampling = Resampling::new(to_hz, &mut take);
            let mut rest = wave.as_slice();
            for size in pieces.iter().cycle() {
                let (piece, after) = rest.split_at(rest.len().min(*size));
                resampling.push(from_hz, piece).unwrap();
                rest = after;
                if rest.is_empty() {
                    break;
                }
            }
            resampling.finish().unwrap();
            prop_assert_eq!(found, resample(&wave, from_hz, to_hz).unwrap());
        }
    }
}
