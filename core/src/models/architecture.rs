//! What every configuration of a network can do, and how one is recognised by its tensors.

use super::{Error, Network};
use crate::features::Input;
use candle_core::Tensor;
use candle_nn::VarBuilder;
use std::collections::BTreeMap;

/// A network's sizes.
pub(super) trait Architecture: Sized {
    /// How many tags it answers for.
    fn n_tags(&self) -> usize;

    /// Makes it answer for that many.
    fn set_n_tags(&mut self, n_tags: usize);

    /// What it takes in of a sound.
    fn input(&self) -> Input;

    /// Fails with [`Error::Impossible`] for sizes that do not fit together.
    fn check(&self) -> Result<(), Error>;

    /// The sizes of the network that these tensors belong to. Fails with [`Error::Unrecognised`].
    fn recognise(found: &Found<'_>, n_heads: Option<usize>) -> Result<Self, Error>;

    /// The network, with the parameters of `builder`.
    fn build(&self, builder: &VarBuilder<'_>) -> candle_core::Result<Box<dyn Network>>;
}

/// Tensors by their keys, of which only the shapes count.
pub(super) struct Found<'a>(pub(super) &'a BTreeMap<String, Tensor>);

impl Found<'_> {
    pub(super) fn has(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// How many layers there are: `key` names a tensor of layer 0 and so on.
    pub(super) fn n_layers(&self, key: impl Fn(usize) -> String) -> usize {
        (0..self.0.len())
            .take_while(|&layer| self.has(&key(layer)))
            .count()
    }

    /// Fails with [`Error::Unrecognised`] if there is no such tensor of that rank.
    pub(super) fn dims<const RANK: usize>(&self, key: &str) -> Result<[usize; RANK], Error> {
        let Some(tensor) = self.0.get(key) else {
            return Err(Error::Unrecognised(format!("no {key}")));
        };
        let dims = tensor.dims();
        <[usize; RANK]>::try_from(dims)
            .map_err(|other| Error::Unrecognised(format!("{key} has shape {dims:?}: {other}")))
    }

    /// Fails with [`Error::Unrecognised`] if the file has a mel filter bank of another number of bands.
    pub(super) fn check_bands(&self, n_mels: usize) -> Result<(), Error> {
        match self.0.get("spec.mel_scale.fb").map(Tensor::dims) {
            Some(&[_, found]) if found != n_mels => Err(Error::Unrecognised(format!(
                "a front end of {found} mel bands where there should be {n_mels}"
            ))),
            _ => Ok(()),
        }
    }
}

/// The largest size that is no mistake.
const MOST: usize = 1_000_000;

/// Fails with [`Error::Impossible`] and that text unless `holds`.
pub(super) fn demand(holds: bool, text: impl FnOnce() -> String) -> Result<(), Error> {
    if holds {
        Ok(())
    } else {
        Err(Error::Impossible(text()))
    }
}

/// Fails with [`Error::Impossible`] unless sizes are possible and dropout is a probability below 1.
pub(super) fn demand_sizes(sizes: &[usize], dropouts: &[f32]) -> Result<(), Error> {
    demand(sizes.iter().all(|size| (1..=MOST).contains(size)), || {
        format!("widths, layers and tags lie between 1 and {MOST}")
    })?;
    for p in dropouts {
        demand((0.0..1.0).contains(p), || {
            format!("dropout {p} is not in [0, 1)")
        })?;
    }
    Ok(())
}
