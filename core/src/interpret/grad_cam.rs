//! Grad-CAM over time, for networks that answer from feature maps.
//!
//! Selvaraju et al., *Grad-CAM: visual explanations from deep networks via gradient-based localization*, ICCV 2017. Each map counts by the mean
//! slope of the logit on it, over all its places (`alpha`); what the maps hold at a place, so weighed, is summed. The paper shows the positive
//! part of that sum, and calls the positive part for `-alpha` counterfactual: what speaks against the answer. Here a column is the one less
//! the other, mean over the rows (frequencies); in networks along time, of one row, the positive part is the paper's Grad-CAM as it stands.
//!
//! Which maps: [`crate::models::FeatureMaps`].

use super::model::failed;
use super::{Error, Grid, Method, occlusion};
use crate::models::MapSlopes;
use crate::predict::Model;

/// Where the columns of the maps of a sound of `n_samples` lie.
pub(super) fn grid(model: &Model, n_samples: usize) -> Grid {
    let Some(maps) = model.map_grid() else {
        return occlusion::grid(model, n_samples);
    };
    let input = model.extractor().input();
    let hop = input.hop_samples() as f64;
    Grid {
        samples_per_token: maps.columns_per_step as f64 * hop,
        first_centre_samples: maps.first_centre_columns * hop,
        receptive_field_samples: maps.receptive_field_columns as f64 * hop,
        n_tokens: maps.n_steps(input.n_columns(n_samples)),
        sample_rate_hz: input.sample_rate_hz(),
    }
}

/// `[tags, columns]` of a window. Fails with [`Error::Unsuited`] for a network that does not answer from feature maps.
pub(super) fn explain(model: &Model, window: &[f32], tags: &[usize]) -> Result<Vec<f32>, Error> {
    let found = model.map_slopes(window, tags).map_err(failed)?;
    let found = found.ok_or_else(|| Error::Unsuited {
        method: Method::GradCam,
        model: model.name.clone(),
    })?;
    Ok(of_slopes(&found))
}

/// `[tags, columns]`: what the maps hold, each weighed by its mean slope, mean over rows.
fn of_slopes(found: &MapSlopes) -> Vec<f32> {
    let n_places = (found.n_rows * found.n_columns).max(1);
    let mut columns = Vec::new();
    for slopes in found.slopes.chunks_exact(found.n_channels * n_places) {
        let mut of_tag = vec![0f32; found.n_columns];
        let maps = found.maps.chunks_exact(n_places);
        for (map, slopes) in maps.zip(slopes.chunks_exact(n_places)) {
            let alpha = slopes.iter().sum::<f32>() / n_places as f32;
            for row in map.chunks_exact(found.n_columns) {
                for (column, value) in of_tag.iter_mut().zip(row) {
                    *column += alpha * value / found.n_rows as f32;
                }
            }
        }
        columns.extend(of_tag);
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn slopes(sizes: [usize; 3], n_tags: usize, numbers: &[f32]) -> MapSlopes {
        let [n_channels, n_rows, n_columns] = sizes;
        let n = n_channels * n_rows * n_columns;
        let mut numbers = numbers.iter().copied().cycle();
        MapSlopes {
            n_channels,
            n_rows,
            n_columns,
            // Behind a ReLU.
            maps: numbers.by_ref().take(n).map(f32::abs).collect(),
            slopes: numbers.take(n_tags * n).collect(),
        }
    }

    /// The paper's map of a tag, summed up literally: mean over rows of the positive part, for `sign * alpha`.
    fn literal(found: &MapSlopes, tag: usize, sign: f32) -> Vec<f32> {
        let (rows, columns) = (found.n_rows, found.n_columns);
        let at =
            |channel: usize, row: usize, column: usize| (channel * rows + row) * columns + column;
        let n = found.n_channels * rows * columns;
        let mut map = vec![0f32; columns];
        for column in 0..columns {
            for row in 0..rows {
                let mut sum = 0.0;
                for channel in 0..found.n_channels {
                    let mut alpha = 0.0;
                    for i in 0..rows {
                        for j in 0..columns {
                            alpha += found.slopes[tag * n + at(channel, i, j)];
                        }
                    }
                    alpha /= (rows * columns) as f32;
                    sum += sign * alpha * found.maps[at(channel, row, column)];
                }
                map[column] += sum.max(0.0) / rows as f32;
            }
        }
        map
    }

    proptest! {
        #[test]
        fn it_is_the_papers_map_less_its_counterfactual(
            channels in 1usize..6, rows in 1usize..4, columns in 1usize..9, numbers in prop::collection::vec(-1f32..1.0, 7..200),
        ) {
            let found = slopes([channels, rows, columns], 2, &numbers);
            let map = of_slopes(&found);
            prop_assert_eq!(map.len(), 2 * columns);
            for tag in 0..2 {
                let (speaks_for, against) = (literal(&found, tag, 1.0), literal(&found, tag, -1.0));
                for column in 0..columns {
                    let value = map[tag * columns + column];
                    prop_assert!((value - (speaks_for[column] - against[column])).abs() < 1e-5);
                    if rows == 1 {
                        prop_assert!((value.max(0.0) - speaks_for[column]).abs() < 1e-5);
                    }
                }
            }
        }

        /// Where the answer is a weighted sum of the maps' means (Zhou et al., CVPR 2016), the parts sum to the answer.
        #[test]
        fn behind_a_mean_and_a_linear_layer_the_parts_sum_to_the_whole(
            rows in 1usize..4, columns in 1usize..9, weights in prop::collection::vec(-1f32..1.0, 1..6),
            numbers in prop::collection::vec(0f32..1.0, 7..200),
        ) {
            let n_places = rows * columns;
            let mut found = slopes([weights.len(), rows, columns], 1, &numbers);
            found.slopes = weights.iter().flat_map(|w| vec![w / n_places as f32; n_places]).collect();
            let answer: f32 = found.maps.chunks_exact(n_places).zip(&weights)
                .map(|(map, weight)| weight * map.iter().sum::<f32>() / n_places as f32)
                .sum();
            let sum: f32 = of_slopes(&found).iter().sum();
            prop_assert!((sum * rows as f32 - answer).abs() < 1e-4, "{} is not {answer}", sum * rows as f32);
        }
    }
}
