//! What a model is before it has weights: the list of architectures, and recognising one from its tensors.

use super::architecture::{Architecture, Found};
use super::cnnsa::CnnsaConfig;
use super::crnn::CrnnConfig;
use super::fcn::FcnConfig;
use super::harmonic_cnn::HarmonicCnnConfig;
use super::mtt::MttConfig;
use super::musicnn::MusicnnConfig;
use super::sample_cnn::SampleCnnConfig;
use super::sample_cnn_se::SampleCnnSeConfig;
use super::short_chunk_cnn::ShortChunkCnnConfig;
use super::short_chunk_resnet::ShortChunkResnetConfig;
use super::{Error, Network};
use crate::features::Input;
use candle_core::Tensor;
use candle_nn::VarBuilder;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An architecture with its sizes. In files: a table with a key `architecture`.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(tag = "architecture", rename_all = "kebab-case")]
pub enum ModelConfig {
    /// Won, Choi, Serra, ISMIR 2021.
    MusicTaggingTransformer(MttConfig),
    /// Choi, Fazekas, Sandler, ISMIR 2016.
    Fcn(FcnConfig),
    /// Pons, Serra, ISMIR 2019.
    Musicnn(MusicnnConfig),
    /// Lee, Park, Kim, Nam, SMC 2017.
    SampleCnn(SampleCnnConfig),
    /// Kim, Lee, Nam, ICASSP 2018.
    SampleCnnSe(SampleCnnSeConfig),
    /// Choi, Fazekas, Sandler, Cho, ICASSP 2017.
    Crnn(CrnnConfig),
    /// Won, Chun, Serra, 2019.
    Cnnsa(CnnsaConfig),
    /// Won, Chun, Nieto, Serra, ICASSP 2020.
    HarmonicCnn(HarmonicCnnConfig),
    /// Won, Ferraro, Bogdanov, Serra, SMC 2020.
    ShortChunkCnn(ShortChunkCnnConfig),
    /// Won, Ferraro, Bogdanov, Serra, SMC 2020, with residual connections.
    ShortChunkResnet(ShortChunkResnetConfig),
}

/// Does the same with the configuration, whichever it is.
macro_rules! each {
    ($model:expr, $config:ident => $do:expr) => {
        match $model {
            Self::MusicTaggingTransformer($config) => $do,
            Self::Fcn($config) => $do,
            Self::Musicnn($config) => $do,
            Self::SampleCnn($config) => $do,
            Self::SampleCnnSe($config) => $do,
            Self::Crnn($config) => $do,
            Self::Cnnsa($config) => $do,
            Self::HarmonicCnn($config) => $do,
            Self::ShortChunkCnn($config) => $do,
            Self::ShortChunkResnet($config) => $do,
        }
    };
}

impl ModelConfig {
    /// A configuration in TOML, of the form of `assets/presets/models/*.toml`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let config: Self = toml::from_str(text)?;
        config.check()?;
        Ok(config)
    }

    /// The same network with another number of tags.
    pub fn with_n_tags(mut self, n_tags: usize) -> Self {
        each!(&mut self, config => config.set_n_tags(n_tags));
        self
    }

    /// How many tags it answers for.
    pub fn n_tags(&self) -> usize {
        each!(self, config => config.n_tags())
    }

    /// What it takes in of a sound.
    pub fn input(&self) -> Input {
        each!(self, config => config.input())
    }

    /// Attention heads, which the shapes of the weights do not tell; `None` without attention.
    pub fn n_heads(&self) -> Option<usize> {
        match self {
            Self::MusicTaggingTransformer(config) => Some(config.n_heads),
            Self::Cnnsa(config) => Some(config.n_heads),
            _ => None,
        }
    }

    /// The length of clip that it was published with, in seconds.
    pub fn published_secs(&self) -> f64 {
        match self {
            Self::MusicTaggingTransformer(_) => 10.0,
            Self::Fcn(_) | Self::Crnn(_) => 29.0,
            Self::Musicnn(_) => 3.0,
            Self::Cnnsa(_) => 15.0,
            Self::HarmonicCnn(_) => 5.0,
            // 3 to the power of 10 samples.
            Self::SampleCnn(_)
            | Self::SampleCnnSe(_)
            | Self::ShortChunkCnn(_)
            | Self::ShortChunkResnet(_) => 59_049.0 / 16_000.0,
        }
    }

    /// Name of the architecture, as in files.
    pub fn architecture(&self) -> &'static str {
        match self {
            Self::MusicTaggingTransformer(_) => "music-tagging-transformer",
            Self::Fcn(_) => "fcn",
            Self::Musicnn(_) => "musicnn",
            Self::SampleCnn(_) => "sample-cnn",
            Self::SampleCnnSe(_) => "sample-cnn-se",
            Self::Crnn(_) => "crnn",
            Self::Cnnsa(_) => "cnnsa",
            Self::HarmonicCnn(_) => "harmonic-cnn",
            Self::ShortChunkCnn(_) => "short-chunk-cnn",
            Self::ShortChunkResnet(_) => "short-chunk-resnet",
        }
    }

    /// Fails with [`Error::Impossible`] for sizes that do not fit together.
    pub fn check(&self) -> Result<(), Error> {
        each!(self, config => config.check())?;
        self.input()
            .check()
            .map_err(|error| Error::Impossible(error.to_string()))
    }

    /// The network, with the parameters of `builder`. Fails if one is missing there or has another shape.
    pub fn build(&self, builder: VarBuilder<'_>) -> candle_core::Result<Box<dyn Network>> {
        each!(self, config => config.build(&builder))
    }

    /// The configuration that these tensors belong to, from their names and shapes.
    ///
    /// Only shapes count, never values: a file is recognised before its tensors are loaded, by tensors without memory.
    /// The number of heads cannot be seen: `n_heads`, else 8. Fails with [`Error::Unrecognised`].
    pub fn recognise(
        tensors: &BTreeMap<String, Tensor>,
        n_heads: Option<usize>,
    ) -> Result<Self, Error> {
        let found = Found(tensors);
        let rank = |key: &str| tensors.get(key).map(|tensor| tensor.rank());
        let config = if found.has("pos_embedding") {
            Self::MusicTaggingTransformer(Architecture::recognise(&found, n_heads)?)
        } else if found.has("hstft.bw_Q") {
            Self::HarmonicCnn(Architecture::recognise(&found, n_heads)?)
        } else if found.has("encoder.layer.0.attention.self.query.weight") {
            Self::Cnnsa(Architecture::recognise(&found, n_heads)?)
        } else if found.has("layers.0.conv.weight") {
            Self::Musicnn(Architecture::recognise(&found, n_heads)?)
        } else if found.has("layer5.weight_hh_l0") {
            Self::Crnn(Architecture::recognise(&found, n_heads)?)
        } else if rank("layer11.conv.weight") == Some(3) {
            Self::SampleCnn(Architecture::recognise(&found, n_heads)?)
        } else if rank("layer11.conv_1.weight") == Some(3) {
            Self::SampleCnnSe(Architecture::recognise(&found, n_heads)?)
        } else if rank("layer7.conv.weight") == Some(4) {
            Self::ShortChunkCnn(Architecture::recognise(&found, n_heads)?)
        } else if rank("layer7.conv_1.weight") == Some(4) {
            Self::ShortChunkResnet(Architecture::recognise(&found, n_heads)?)
        } else if rank("layer5.conv.weight") == Some(4) {
            Self::Fcn(Architecture::recognise(&found, n_heads)?)
        } else {
            return Err(Error::Unrecognised(match tensors.keys().next() {
                Some(key) => format!("the first of {} is {key}", tensors.len()),
                None => "there are none".to_owned(),
            }));
        };
        config.check()?;
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::presets;
    use crate::nn::Parameters;
    use candle_core::DType;

    #[test]
    fn every_preset_is_recognised_by_its_tensors() {
        for name in presets::names() {
            let config = presets::preset(&name).unwrap().config;
            let parameters = Parameters::initialise(1, DType::F32);
            config.build(parameters.var_builder()).unwrap();
            let n_heads = match &config {
                ModelConfig::MusicTaggingTransformer(mtt) => Some(mtt.n_heads),
                ModelConfig::Cnnsa(cnnsa) => Some(cnnsa.n_heads),
                _ => None,
            };
            let found = ModelConfig::recognise(&parameters.to_map(), n_heads).unwrap();
            // The front end leaves no trace in the ResNet's weights.
            if config.input() == found.input() {
                assert_eq!(found, config, "{name}");
            } else {
                assert!(name.split('-').any(|part| part == "resnet"), "{name}");
            }
        }
    }

    #[test]
    fn a_configuration_goes_through_toml_unchanged() {
        for name in presets::names() {
            let config = presets::preset(&name).unwrap().config.with_n_tags(17);
            let text = toml::to_string(&config).unwrap();
            let kind = format!("architecture = \"{}\"", config.architecture());
            assert!(text.contains(&kind), "{text}");
            assert_eq!(ModelConfig::parse(&text).unwrap(), config, "{name}");
        }
    }

    #[test]
    fn an_unknown_key_and_sizes_that_do_not_fit_are_refused() {
        let text = include_str!("../../../assets/presets/models/tiny.toml");
        assert!(ModelConfig::parse(&text.replace("n_layers", "layers")).is_err());
        let heads = text.replace("n_heads = 4", "n_heads = 5");
        assert!(matches!(
            ModelConfig::parse(&heads),
            Err(Error::Impossible(_))
        ));
    }
}
