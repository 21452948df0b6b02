//! What a recipe chooses by name or spells out in full: data set, network, augmentation.

use crate::augment::{Chain, Chains, Kind};
use crate::models::{ModelConfig, presets};
use crate::train::Error;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Which data set to train on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DataChoice {
    /// The demo set, composed and rendered on first use.
    Demo,
    /// A folder in the generic format (see README).
    Folder(PathBuf),
}

impl DataChoice {
    /// `demo` means the demo set, all else is a folder.
    pub fn parse(text: &str) -> Self {
        if text == "demo" {
            Self::Demo
        } else {
            Self::Folder(PathBuf::from(text))
        }
    }
}

/// Which network to train.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ModelChoice {
    /// A shipped preset, see `attune models`.
    Preset(String),
    /// A configuration in full.
    Config(ModelConfig),
}

impl ModelChoice {
    /// The preset's name, or `custom`.
    pub fn label(&self) -> String {
        match self {
            Self::Preset(name) => name.clone(),
            Self::Config(_) => "custom".to_owned(),
        }
    }

    /// The configuration, for `n_tags` tags.
    pub fn resolve(&self, n_tags: usize) -> Result<ModelConfig, Error> {
        let config = match self {
            Self::Config(config) => config.clone(),
            Self::Preset(name) => presets::preset(name)?.config,
        };
        let config = config.with_n_tags(n_tags);
        config.check()?;
        Ok(config)
    }
}

/// How training clips are augmented.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Augmentation {
    /// A chain by name: a shipped one (`none`, `reference`, `paper`), an own one of the workspace, or a `.toml` file. A run that starts
    /// takes up the last two in full, as [`Augmentation::Own`].
    Preset(String),
    /// An own chain as it was when the run began.
    Own {
        /// Its name, for people.
        name: String,
        /// What it was.
        chain: Chain,
    },
    /// A chain in full.
    Chain(Chain),
}

impl Augmentation {
    /// The chain of that name ([`Chains::find`]): a shipped one by its name, any other in full.
    pub fn named(name: &str, chains: &Chains) -> Result<Self, Error> {
        let chain = chains.find(name)?;
        Ok(if Chain::is_preset(name) {
            Self::Preset(name.to_owned())
        } else {
            Self::Own {
                name: name.to_owned(),
                chain,
            }
        })
    }

    /// The same, with a chain that is named (and not shipped) in full, so that a run can be repeated when the chain has been changed.
    /// Fails if there is no chain of that name.
    pub fn in_full(&self, chains: &Chains) -> Result<Self, Error> {
        match self {
            Self::Preset(name) => Self::named(name, chains),
            Self::Own { .. } | Self::Chain(_) => Ok(self.clone()),
        }
    }

    /// Its name for people.
    pub fn label(&self) -> &str {
        match self {
            Self::Preset(name) | Self::Own { name, .. } => name,
            Self::Chain(_) => "own chain",
        }
    }

    /// The chain to roll draws from; `None` if clips are not augmented. Fails for the name of a chain that is not shipped: see
    /// [`Augmentation::in_full`].
    pub fn resolve(&self) -> Result<Option<Chain>, Error> {
        match self {
            Self::Preset(name) if name == "none" => Ok(None),
            Self::Preset(name) => Ok(Some(Chain::preset(name)?)),
            Self::Own { chain, .. } | Self::Chain(chain) => Ok(Some(chain.clone())),
        }
    }

    /// Fails if its chain makes no sense. That of a chain by name is told where it is found.
    pub(super) fn check(&self) -> Result<(), Error> {
        match self {
            Self::Preset(_) => Ok(()),
            Self::Own { chain, .. } | Self::Chain(chain) => Ok(chain.check()?),
        }
    }

    /// Whether it may mix the labels of two clips. Of a chain by name that is not known; no shipped one does.
    pub(super) fn mixes_labels(&self) -> bool {
        match self {
            Self::Preset(_) => false,
            Self::Own { chain, .. } | Self::Chain(chain) => chain.may_roll(Kind::Mixup),
        }
    }
}
