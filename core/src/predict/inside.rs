//! What a model tells about its answers, as plain numbers: for explanations.

use super::{Error, Model, Tokens};
use crate::models::{
    Ask, ClassToken, Insight, MapGrid, MapSlopes, Pass, Relevance, TokenGrid, input_gradients,
    map_slopes, relevance,
};
use crate::nn::{Parameters, Value};
use candle_core::{DType, Device, Tensor};
use std::collections::BTreeMap;

impl Model {
    /// Where its tokens lie, if it has a class token that reads them.
    pub fn token_grid(&self) -> Option<TokenGrid> {
        Some(self.network.class_token()?.grid())
    }

    /// What it hears in a mono wave at its rate; `None` if the network has no class token that reads tokens.
    pub fn hear(&self, wave: &[f32]) -> Result<Option<Tokens>, Error> {
        let Some(network) = self.network.class_token() else {
            return Ok(None);
        };
        let inputs = Value::constant(self.inputs(&[wave])?);
        let heard = network.hear(&Pass::inference(), &inputs)?;
        Ok(Some(Tokens(heard.tensor()?.squeeze(0)?)))
    }

    /// Looks inside, for what it heard in a window.
    pub fn inspect(&self, heard: &Tokens, ask: Ask) -> Result<Insight, Error> {
        Ok(self.reader()?.inspect(&heard.0, ask)?)
    }

    /// How much each token of what it heard in a window bears on the answers for `tags` (indices).
    pub fn relevance(&self, heard: &Tokens, tags: &[usize]) -> Result<Relevance, Error> {
        Ok(relevance(self.reader()?, &heard.0, tags)?)
    }

    fn reader(&self) -> Result<&dyn ClassToken, Error> {
        let reader = self.network.class_token();
        reader.ok_or_else(|| candle_core::Error::msg("the network has no class token").into())
    }

    /// Where the columns of its feature maps lie, if it answers from such maps.
    pub fn map_grid(&self) -> Option<MapGrid> {
        Some(self.network.feature_maps()?.map_grid())
    }

    /// The feature maps of a mono wave at its rate and how the answers for `tags` (indices) depend on them; `None` if it has no such maps.
    pub fn map_slopes(&self, wave: &[f32], tags: &[usize]) -> Result<Option<MapSlopes>, Error> {
        let Some(network) = self.network.feature_maps() else {
            return Ok(None);
        };
        let input = self.inputs(&[wave])?.squeeze(0)?;
        Ok(Some(map_slopes(network, &input, tags)?))
    }

    /// What it takes in of a mono wave at its rate: `[rows, columns]`, row by row.
    pub fn input(&self, wave: &[f32]) -> Result<Vec<f32>, Error> {
        Ok(self.inputs(&[wave])?.flatten_all()?.to_vec1()?)
    }

    /// For inputs of equal length as [`Model::input`] gives them: the logits of a tag, and their gradients with respect to the inputs, one
    /// behind the other.
    pub fn input_gradients(
        &self,
        inputs: &[Vec<f32>],
        tag: usize,
    ) -> Result<(Vec<f32>, Vec<f32>), Error> {
        let n_rows = self.extractor.input().n_rows();
        let n_columns = inputs.first().map_or(0, Vec::len) / n_rows;
        let shape = (inputs.len(), n_rows, n_columns);
        let inputs = Tensor::from_vec(inputs.concat(), shape, &Device::Cpu)?;
        Ok(input_gradients(&*self.network, &inputs, tag)?)
    }

    /// The same network with its last layer drawn anew: what does not change with it has not looked at the answer.
    pub fn with_fresh_head(&self, seed: u64) -> Result<Self, Error> {
        // The head is what another number of tags would change.
        let shapes = |n_tags: usize| -> Result<BTreeMap<String, Vec<usize>>, Error> {
            let parameters = Parameters::initialise(seed, DType::F32);
            let config = self.config.clone().with_n_tags(n_tags);
            config.build(parameters.var_builder())?;
            let shapes = parameters.weights().into_iter();
            Ok(shapes
                .map(|weight| (weight.name.to_string(), weight.tensor.dims().to_vec()))
                .collect())
        };
        let (now, with_one_more) = (shapes(self.tags.len())?, shapes(self.tags.len() + 1)?);
        self.with_fresh(seed, |name| now.get(name) != with_one_more.get(name))
    }

    /// The same network with all weights drawn anew (running statistics stay): what does not change with it has not looked at what was
    /// learned.
    pub fn with_fresh_weights(&self, seed: u64) -> Result<Self, Error> {
        self.with_fresh(seed, |_| true)
    }

    fn with_fresh(&self, seed: u64, is_fresh: impl Fn(&str) -> bool) -> Result<Self, Error> {
        let fresh = Parameters::initialise(seed, DType::F32);
        self.config.build(fresh.var_builder())?;
        let mut all = self.parameters().to_map();
        for weight in fresh.weights() {
            if is_fresh(&weight.name) {
                all.insert(weight.name.to_string(), weight.tensor);
            }
        }
        let parameters = Parameters::from_map(&all)?;
        Self::from_parameters(
            self.config.clone(),
            self.tags.clone(),
            self.input_samples,
            &parameters,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::presets;

    /// Tags as many as other layers are wide: the head is still told apart.
    #[test]
    fn a_fresh_head_is_another_last_layer_and_nothing_else() {
        for n_tags in [1, 16, 64] {
            let config = presets::preset("tiny").unwrap().config.with_n_tags(n_tags);
            let parameters = Parameters::initialise(1, DType::F32);
            config.build(parameters.var_builder()).unwrap();
            let tags = (0..n_tags).map(|tag| tag.to_string()).collect();
            let model = Model::from_parameters(config, tags, 8192, &parameters).unwrap();
            let changed = |other: &Model| -> Vec<String> {
                let values = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>();
                let all = model.parameters().all().into_iter().filter(|parameter| {
                    let other = other.parameters().get(&parameter.name).unwrap();
                    parameter.tensor.dtype() == DType::F32
                        && values(&parameter.tensor).unwrap() != values(&other).unwrap()
                });
                all.map(|parameter| parameter.name.to_string()).collect()
            };
            let head = changed(&model.with_fresh_head(7).unwrap());
            assert_eq!(
                head,
                ["mlp_head.1.bias", "mlp_head.1.weight"],
                "{n_tags} tags"
            );
            assert!(changed(&model.with_fresh_weights(7).unwrap()).len() > 20);
        }
    }
}
