//! What tensors a network needs, found out without making them.

use super::{ModelConfig, Network};
use crate::nn::Role;
use crate::weights::Shapes;
use candle_core::{DType, Device, Result, Shape, Tensor, bail};
use candle_nn::var_builder::SimpleBackend;
use candle_nn::{Init, VarBuilder};
use std::sync::{Arc, Mutex, PoisonError};

/// The most tensors that a network is asked for: a configuration that needs more comes from a broken or hostile file.
const MOST_PARAMETERS: usize = 50_000;

impl ModelConfig {
    /// The network without memory for its weights: it knows its sizes and cannot be asked for an answer.
    pub(crate) fn without_weights(&self) -> Result<Box<dyn Network>> {
        self.asking(&Arc::default())
    }

    fn asking(&self, asked: &Arc<Mutex<Shapes>>) -> Result<Box<dyn Network>> {
        let backend = Box::new(Asked(asked.clone()));
        self.build(VarBuilder::from_backend(backend, DType::F32, Device::Cpu))
    }

    /// The tensors that the network asks for, learned ones, statistics and counters. Nothing is allocated.
    pub fn shapes(&self) -> Result<Shapes> {
        let asked = Arc::new(Mutex::new(Shapes::new()));
        self.asking(&asked)?;
        let shapes = std::mem::take(&mut *asked.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(shapes)
    }

    /// How many learned numbers the network has.
    pub fn n_parameters(&self) -> Result<usize> {
        let learned = |(name, shape): (String, Vec<usize>)| match Role::of(&name) {
            Role::Weight => shape.iter().product(),
            Role::Buffer => 0,
        };
        Ok(self.shapes()?.into_iter().map(learned).sum())
    }
}

/// A tensor of that shape that takes no memory.
pub(crate) fn ghost(shape: &[usize]) -> Result<Tensor> {
    Tensor::zeros((), DType::F32, &Device::Cpu)?.broadcast_as(shape)
}

/// Writes down what a network asks for, and gives it ghosts.
struct Asked(Arc<Mutex<Shapes>>);

impl SimpleBackend for Asked {
    fn get(&self, shape: Shape, name: &str, _: Init, _: DType, _: &Device) -> Result<Tensor> {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.len() >= MOST_PARAMETERS {
            bail!("a network of more than {MOST_PARAMETERS} parameters");
        }
        let size = shape
            .dims()
            .iter()
            .try_fold(1usize, |n, dim| n.checked_mul(*dim));
        if size.is_none_or(|n| n > isize::MAX as usize / MOST_PARAMETERS) {
            bail!("{name}: {:?} is too large", shape.dims());
        }
        asked.insert(name.to_owned(), shape.dims().to_vec());
        ghost(shape.dims())
    }

    fn get_unchecked(&self, name: &str, _: DType, _: &Device) -> Result<Tensor> {
        bail!("{name}: no shape is known")
    }

    fn contains_tensor(&self, _: &str) -> bool {
        true
    }
}
