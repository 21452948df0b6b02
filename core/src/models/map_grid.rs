//! Where the columns of feature maps lie in time, worked out from the layers below them.
//!
//! After Araujo, Norris, Sim, *Computing receptive fields of convolutional neural networks*, Distill 2019. A layer of `k` taps, stride `s` and
//! padding `p` gives outputs `s` times as far apart as its inputs. If those are `j` columns of the network's input apart, an output sees
//! `(k - 1) j` columns more than they do, and the centre of output 0 lies `((k - 1) / 2 - p) j` columns behind that of input 0.

/// A convolution or a pooling, as far as time goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AlongTime {
    taps: usize,
    stride: usize,
    padding: usize,
}

impl AlongTime {
    /// A convolution that is padded by half its taps.
    pub(super) fn convolution(taps: usize, stride: usize) -> Self {
        Self {
            taps,
            stride,
            padding: taps / 2,
        }
    }

    /// A pooling; what does not fill a window is left out.
    pub(super) fn pooling(window: usize) -> Self {
        Self {
            taps: window,
            stride: window,
            padding: 0,
        }
    }

    /// Outputs for so many inputs.
    fn n_outputs(self, n_inputs: usize) -> usize {
        let n_places = (n_inputs + 2 * self.padding).checked_sub(self.taps);
        n_places.map_or(0, |n| n / self.stride + 1)
    }
}

/// Where the columns of feature maps lie in the columns of a network's input: step `t` of the maps has its centre at
/// `first_centre_columns + t * columns_per_step`.
#[derive(Clone, Debug, PartialEq)]
pub struct MapGrid {
    /// Columns from one step to the next.
    pub columns_per_step: usize,
    /// Centre of step 0, in columns.
    pub first_centre_columns: f64,
    /// What one step sees through the layers, in columns around its centre.
    pub receptive_field_columns: usize,
    layers: Vec<AlongTime>,
}

impl MapGrid {
    /// Of maps behind these layers, the first one first.
    pub(super) fn behind(layers: impl IntoIterator<Item = AlongTime>) -> Self {
        let mut grid = Self {
            columns_per_step: 1,
            first_centre_columns: 0.0,
            receptive_field_columns: 1,
            layers: layers.into_iter().collect(),
        };
        for layer in &grid.layers {
            let jump = grid.columns_per_step;
            let behind = (layer.taps - 1) as f64 / 2.0 - layer.padding as f64;
            grid.first_centre_columns += behind * jump as f64;
            grid.receptive_field_columns += (layer.taps - 1) * jump;
            grid.columns_per_step *= layer.stride;
        }
        grid
    }

    /// How many steps the maps of an input of `n_columns` have.
    pub fn n_steps(&self, n_columns: usize) -> usize {
        let layers = self.layers.iter();
        layers.fold(n_columns, |n, layer| layer.n_outputs(n))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// By following which columns each output is made of.
        #[test]
        fn a_grid_is_where_the_layers_look(
            sizes in prop::collection::vec((1usize..6, 1usize..4, any::<bool>()), 0..5), n_columns in 1usize..400,
        ) {
            let layers: Vec<AlongTime> = sizes
                .iter()
                .map(|&(taps, stride, pools)| if pools {
                    AlongTime::pooling(taps)
                } else {
                    // Taps of an odd number, as the networks have them: half of an even one is not the middle.
                    AlongTime::convolution(2 * (taps / 2) + 1, stride)
                })
                .collect();
            let grid = MapGrid::behind(layers.iter().copied());
            // The first and the last column of each place, padding counted as going on.
            let mut seen: Vec<[i64; 2]> = (0..n_columns as i64).map(|at| [at, at]).collect();
            for layer in &layers {
                let Some(&[first, last]) = seen.first() else { break };
                let step = seen.get(1).map_or(1, |next| next[0] - first);
                let place = |at: i64| [first + at * step, last + at * step];
                seen = (0..layer.n_outputs(seen.len()) as i64)
                    .map(|out| {
                        let from = out * layer.stride as i64 - layer.padding as i64;
                        [place(from)[0], place(from + layer.taps as i64 - 1)[1]]
                    })
                    .collect();
            }
            prop_assert_eq!(grid.n_steps(n_columns), seen.len());
            // A lone place does not tell how far the next one would be.
            if seen.len() > 1 {
                for (step, [from, to]) in seen.into_iter().enumerate() {
                    let centre = grid.first_centre_columns + (step * grid.columns_per_step) as f64;
                    prop_assert_eq!(centre, (from + to) as f64 / 2.0);
                    prop_assert_eq!(grid.receptive_field_columns as i64, to - from + 1);
                }
            }
        }
    }
}
