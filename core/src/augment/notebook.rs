//! Draws that a listener has kept, with a note each: one TOML file that people can read, mend and share.

use super::{Draw, Error};
use crate::workspace::write_whole;
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::Path;

/// A draw and what was said of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptDraw {
    /// In the listener's words.
    #[serde(default)]
    pub note: String,
    /// When it was kept, in milliseconds since 1970.
    #[serde(default)]
    pub kept_unix_ms: u64,
    /// Effects, seed and place.
    pub draw: Draw,
}

/// Draws that were kept, the newest last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notebook {
    /// The draws.
    #[serde(default, rename = "kept")]
    pub draws: Vec<KeptDraw>,
}

impl Notebook {
    /// Reads the file; without one the notebook is empty. Fails with the place if it cannot be understood.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(source) => {
                return Err(Error::Notebook {
                    path: path.to_owned(),
                    source: Box::new(source),
                });
            }
        };
        toml::from_str(&text).map_err(|source| Error::Notebook {
            path: path.to_owned(),
            source: Box::new(source),
        })
    }

    /// Writes the file, whole or not at all.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let text = toml::to_string_pretty(self)?;
        write_whole(path, |file| file.write_all(text.as_bytes())).map_err(|source| {
            Error::Notebook {
                path: path.to_owned(),
                source: Box::new(source),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::Chain;
    use crate::rng::{Address, Purpose};

    #[test]
    fn what_was_kept_is_read_back_and_gives_the_same_sound() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("draws.toml");
        assert_eq!(Notebook::read(&path).unwrap(), Notebook::default());
        let chain = Chain::preset("reference").unwrap();
        let mut notebook = Notebook::default();
        for track in 0..20 {
            let address = Address {
                epoch: 7,
                visit: 1,
                ..Address::new(u64::from(u32::MAX) + 3, Purpose::Augment, track)
            };
            notebook.draws.push(KeptDraw {
                note: "sounds like a \"telephone\"\n– keep".to_owned(),
                kept_unix_ms: 1_790_000_000_000,
                draw: chain.draw(address),
            });
        }
        notebook.write(&path).unwrap();
        let read = Notebook::read(&path).unwrap();
        assert_eq!(read, notebook);
        let wave: Vec<f32> = (0..4000).map(|i| (i as f32 * 0.1).sin()).collect();
        for (a, b) in read.draws.iter().zip(&notebook.draws) {
            assert_eq!(a.draw.apply(&wave, 22_050), b.draw.apply(&wave, 22_050));
        }
    }

    #[test]
    fn a_broken_notebook_is_named_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("draws.toml");
        std::fs::write(&path, "[[kept]]\nnote = 3").unwrap();
        let error = Notebook::read(&path).unwrap_err();
        let told = crate::message::full_message(&error);
        assert!(
            told.contains("draws.toml") && told.contains("line 2"),
            "{told}"
        );
        let draw = "seed = 1\nepoch = 0\nvisit = 0\ntrack = 0\n";
        let effect = "effects = [{ effect = \"time-stretch\", percent = 0.0 }]";
        std::fs::write(&path, format!("[[kept]]\n[kept.draw]\n{draw}{effect}")).unwrap();
        let told = crate::message::full_message(&Notebook::read(&path).unwrap_err());
        assert!(
            told.contains("draws.toml") && told.contains("percent 0"),
            "{told}"
        );
    }
}
