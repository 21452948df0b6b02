//! What a model is before it has weights: the list of architectures, the presets, and recognising one from its tensors.

use super::mtt::{MttConfig, MusicTaggingTransformer};
use super::{Error, Network};
use crate::features::FrontEnd;
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
}

const PRESETS: [(&str, &str); 3] = [
    (
        "paper",
        include_str!("../../../assets/presets/models/paper.toml"),
    ),
    (
        "student",
        include_str!("../../../assets/presets/models/student.toml"),
    ),
    (
        "tiny",
        include_str!("../../../assets/presets/models/tiny.toml"),
    ),
];

impl ModelConfig {
    /// Names of the presets.
    pub fn preset_names() -> Vec<&'static str> {
        PRESETS.iter().map(|(name, _)| *name).collect()
    }

    /// The preset of that name, for 50 tags. Fails with [`Error::NoPreset`].
    pub fn preset(name: &str) -> Result<Self, Error> {
        let Some((_, text)) = PRESETS.iter().find(|(known, _)| *known == name) else {
            return Err(Error::NoPreset {
                name: name.to_owned(),
                known: Self::preset_names(),
            });
        };
        Self::parse(text)
    }

    /// A configuration in TOML, of the form of `assets/presets/models/*.toml`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let config: Self = toml::from_str(text)?;
        config.check()?;
        Ok(config)
    }

    /// The same network with another number of tags.
    pub fn with_n_tags(mut self, n_tags: usize) -> Self {
        match &mut self {
            Self::MusicTaggingTransformer(config) => config.n_tags = n_tags,
        }
        self
    }

    /// How many tags it answers for.
    pub fn n_tags(&self) -> usize {
        match self {
            Self::MusicTaggingTransformer(config) => config.n_tags,
        }
    }

    /// What it sees of a sound.
    pub fn front_end(&self) -> &FrontEnd {
        match self {
            Self::MusicTaggingTransformer(config) => &config.front_end,
        }
    }

    /// Name of the architecture, as in files.
    pub fn architecture(&self) -> &'static str {
        match self {
            Self::MusicTaggingTransformer(_) => "music-tagging-transformer",
        }
    }

    /// Fails with [`Error::Impossible`] for sizes that do not fit together.
    pub fn check(&self) -> Result<(), Error> {
        match self {
            Self::MusicTaggingTransformer(config) => config.check(),
        }
    }

    /// The network, with the parameters of `builder`. Fails if one is missing there or has another shape.
    pub fn build(&self, builder: VarBuilder<'_>) -> candle_core::Result<Box<dyn Network>> {
        Ok(match self {
            Self::MusicTaggingTransformer(config) => {
                Box::new(MusicTaggingTransformer::new(config, &builder)?)
            }
        })
    }

    /// The configuration that these tensors belong to, from their names and shapes.
    ///
    /// Only shapes count, never values: a file is recognised before its tensors are loaded, by tensors without memory.
    /// The number of heads cannot be seen: `n_heads`, else 8. Fails with [`Error::Unrecognised`].
    pub fn recognise(
        tensors: &BTreeMap<String, Tensor>,
        n_heads: Option<usize>,
    ) -> Result<Self, Error> {
        let config = Self::MusicTaggingTransformer(MttConfig::recognise(tensors, n_heads)?);
        config.check()?;
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::Parameters;
    use candle_core::DType;

    #[test]
    fn presets_have_the_published_sizes_and_recognise_themselves() {
        for (name, n_parameters) in [
            ("paper", 4_567_732),
            ("student", 487_860),
            ("tiny", 164_452),
        ] {
            let config = ModelConfig::preset(name).unwrap();
            let parameters = Parameters::initialise(1, DType::F32);
            config.build(parameters.var_builder()).unwrap();
            assert_eq!(parameters.n_weights(), n_parameters, "{name}");

            let ModelConfig::MusicTaggingTransformer(mtt) = &config;
            let found = ModelConfig::recognise(&parameters.to_map(), Some(mtt.n_heads)).unwrap();
            assert_eq!(found.with_dropout_of(&config), config, "{name}");
        }
    }

    impl ModelConfig {
        /// Dropout leaves no trace in the weights.
        fn with_dropout_of(mut self, other: &Self) -> Self {
            let (Self::MusicTaggingTransformer(to), Self::MusicTaggingTransformer(from)) =
                (&mut self, other);
            to.dropout = from.dropout;
            self
        }
    }

    #[test]
    fn a_configuration_goes_through_toml_unchanged() {
        let config = ModelConfig::preset("tiny").unwrap().with_n_tags(17);
        let text = toml::to_string(&config).unwrap();
        assert_eq!(ModelConfig::parse(&text).unwrap(), config);
    }

    #[test]
    fn an_unknown_preset_and_an_unknown_key_are_named() {
        let error = ModelConfig::preset("huge").unwrap_err().to_string();
        assert!(error.contains("huge") && error.contains("tiny"), "{error}");
        let text = include_str!("../../../assets/presets/models/tiny.toml");
        assert!(ModelConfig::parse(&text.replace("n_layers", "layers")).is_err());
        let heads = text.replace("n_heads = 4", "n_heads = 5");
        assert!(matches!(
            ModelConfig::parse(&heads),
            Err(Error::Impossible(_))
        ));
    }
}
