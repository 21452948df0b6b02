//! The small models that come with Attune, so that any song gets tags before anybody has trained anything.

use super::{Checkpoint, Error, LoadOptions, Model};
use crate::weights::File;
use std::path::Path;

/// A model that comes with Attune: a `tiny` Music Tagging Transformer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Shipped {
    /// Instruments, genres and tempi; trained on synthesised performances of folk, classical and popular music.
    #[default]
    Tunes,
    /// Trained on the demo data set.
    Demo,
}

impl Shipped {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Tunes, Self::Demo];

    /// What it is called on the command line and in the window.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tunes => "tunes",
            Self::Demo => "demo",
        }
    }

    /// The one of that name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|model| model.name() == name)
    }

    /// The model.
    pub fn load(self) -> Result<Model, Error> {
        let bytes: &[u8] = match self {
            Self::Tunes => include_bytes!("../../../assets/models/tunes.safetensors"),
            Self::Demo => include_bytes!("../../../assets/models/demo.safetensors"),
        };
        let path = Path::new(self.name()).with_extension("safetensors");
        let file = File::from_bytes(bytes.to_vec(), &path, None)?;
        Checkpoint::of(file, &LoadOptions::default())?.load()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_opens_under_its_name_with_its_own_tags() {
        for shipped in Shipped::ALL {
            let model = shipped.load().unwrap();
            assert_eq!(model.name, shipped.name());
            assert!(
                model.tags.len() >= 15 && model.tags.iter().all(|tag| !tag.starts_with("tag "))
            );
            assert_eq!(Shipped::of_name(shipped.name()), Some(shipped));
        }
        assert_eq!(Shipped::of_name("huge"), None);
    }
}
