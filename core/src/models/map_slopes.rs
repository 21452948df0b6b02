//! How the answers depend on the feature maps: what Grad-CAM is made of.
//!
//! The lower half of the network is passed once, whatever the tags: only the upper half is gone back through.

use super::network::{FeatureMaps, Pass};
use super::relevance::one_hot;
use crate::nn::{Maps, Value, backward_from};
use candle_core::{Result, Tensor, bail};

/// Tags that are gone through at a time: each is a row of a batch.
const TAGS: usize = 16;

/// The feature maps of one input, and the slopes of answers on them.
#[derive(Clone, Debug, PartialEq)]
pub struct MapSlopes {
    /// Maps.
    pub n_channels: usize,
    /// Frequencies that they still tell apart; 1 in networks along time.
    pub n_rows: usize,
    /// Times that they still tell apart; [`super::MapGrid`] says where they lie.
    pub n_columns: usize,
    /// `[channels, rows, columns]`
    pub maps: Vec<f32>,
    /// `[asked tags, channels, rows, columns]`: what the tag's logit gains per unit of each place of each map.
    pub slopes: Vec<f32>,
}

/// The feature maps of one input `[rows, columns]` and their slopes for `tags`.
pub(crate) fn map_slopes(
    network: &dyn FeatureMaps,
    input: &Tensor,
    tags: &[usize],
) -> Result<MapSlopes> {
    let input = Value::constant(input.unsqueeze(0)?);
    let maps = network.to_maps(&Pass::inference(), &input)?.to_value()?;
    let maps = maps.tensor()?;
    let (_, n_channels, n_rows, n_columns) = maps.dims4()?;
    let mut slopes = Vec::with_capacity(tags.len() * maps.elem_count());
    for tags in tags.chunks(TAGS) {
        let batch = maps.broadcast_as((tags.len(), n_channels, n_rows, n_columns))?;
        let pass = Pass::explanation();
        let watched = pass.tape.watched(&batch.contiguous()?);
        let logits = network.read_maps(&pass, &Maps::new(&watched)?)?.logits;
        let gradients = backward_from(&logits, &one_hot(&logits, tags)?)?;
        let Some(gradient) = gradients.of(&watched) else {
            bail!("the answer does not depend on the feature maps");
        };
        slopes.extend(gradient.flatten_all()?.to_vec1::<f32>()?);
    }
    Ok(MapSlopes {
        n_channels,
        n_rows,
        n_columns,
        maps: maps.flatten_all()?.to_vec1()?,
        slopes,
    })
}
