//! Triangular filters around fixed centres, whose width is learned: the front end of the Harmonic CNN (Won et al., ICASSP 2020).

use super::data::{tensor, with_all};
use super::element::{Element, by_type};
use super::tape::{Gradient, Value, record};
use candle_core::{Result, Tensor, bail};

/// Filters `[bands, bins]` for a linear map of power spectra: `max(0, 1 - 2 q |frequency - centre| / bandwidth)`.
///
/// `q` `[1]` is learned. `centres_hz` and `bandwidths_hz` (at `q` = 1), both `[bands]`, and `bins_hz` `[bins]` are fixed.
pub fn band_filters(
    q: &Value,
    centres_hz: &Tensor,
    bandwidths_hz: &Tensor,
    bins_hz: &Tensor,
) -> Result<Value> {
    let (bands, bins) = (centres_hz.dims1()?, bins_hz.dims1()?);
    if bandwidths_hz.dims1()? != bands || q.dims() != [1] {
        bail!(
            "filters of {bands} bands with {} widths and {} factors",
            bandwidths_hz.elem_count(),
            q.elem_count()
        );
    }
    let fixed = [centres_hz, bandwidths_hz, bins_hz];
    by_type!(q.dtype(), T => run::<T>([bands, bins], q, fixed))
}

fn run<T: Element>(dims: [usize; 2], q: &Value, fixed: [&Tensor; 3]) -> Result<Value> {
    let [centres, widths, bins] = fixed;
    // How much a filter sinks at a bin if q grows by one.
    let (slopes, filters) = with_all(
        [q.tensor()?, centres, widths, bins],
        |[q, centres, widths, bins]: [&[T]; 4]| {
            let mut slopes = Vec::with_capacity(dims[0] * dims[1]);
            for (&centre, &width) in centres.iter().zip(widths) {
                let two = T::of(2.0);
                slopes.extend(bins.iter().map(|&bin| two * (bin - centre).abs() / width));
            }
            let filters: Vec<T> = slopes
                .iter()
                .map(|&slope| {
                    let height = T::ONE - q[0] * slope;
                    if height < T::ZERO { T::ZERO } else { height }
                })
                .collect();
            Ok((slopes, filters))
        },
    )?;
    let y = tensor(filters, &dims)?;
    let kept = y.clone();
    let [y] = record("band filters", [q], [y], move |[dy]| {
        let Some(dy) = dy else { return Ok([None]) };
        let dq = with_all([&kept, &dy], |[y, dy]: [&[T]; 2]| {
            let mut sum = 0f64;
            for ((&y, &dy), &slope) in y.iter().zip(dy).zip(&slopes) {
                if y > T::ZERO {
                    sum += (slope * dy).wide();
                }
            }
            Ok(T::of(-sum))
        })?;
        Ok([Gradient::fresh(tensor(vec![dq], &[1])?)])
    });
    Ok(y)
}

#[cfg(test)]
mod tests {
    use super::super::check::check;
    use super::*;
    use candle_core::Device;

    fn of(q: &Value) -> Result<Value> {
        let fixed = |values: &[f64]| -> Result<Tensor> {
            Tensor::new(values, &Device::Cpu)?.to_dtype(q.dtype())
        };
        let bins: Vec<f64> = (0..40).map(|bin| 31.25 * f64::from(bin)).collect();
        let centres = fixed(&[100.0, 440.0, 1000.0])?;
        band_filters(q, &centres, &fixed(&[35.0, 72.0, 132.0])?, &fixed(&bins)?)
    }

    #[test]
    fn the_width_is_learned() {
        check("band filters", &[&[1]], |[q]| of(q));
    }

    #[test]
    fn a_filter_is_one_at_its_centre_and_zero_half_a_width_away() {
        let q = Value::constant(Tensor::new(&[0.5f64], &Device::Cpu).unwrap());
        let filters = of(&q).unwrap().tensor().unwrap().to_vec2::<f64>().unwrap();
        // At q = 0.5 the last filter is 264 Hz wide, around bin 32.
        assert_eq!(filters[2][32], 1.0);
        for (bin, &height) in filters[2].iter().enumerate() {
            let away = (f64::from(bin as u32) - 32.0).abs() * 31.25;
            assert!(
                (height - (1.0 - away / 132.0).max(0.0)).abs() < 1e-12,
                "{bin}"
            );
        }
    }
}
