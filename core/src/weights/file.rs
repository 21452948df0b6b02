//! One file of weights, opened: which format it has, what its keys are, and its tensors when they are asked for.
//!
//! The format is told by the first bytes, never by the file's name. Opening lists the keys and makes no tensor, so that they can be
//! looked at, and chosen from, before anything is loaded.

use super::cursor::Fault;
use super::key_map::KeyMap;
use super::stored::{Entry, Stored, View};
use super::{Error, Weights, archive, safetensors, torch};
use candle_core::Tensor;
use serde::Serialize;
use std::collections::{BTreeMap, btree_map};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// So many bytes tell a file's format.
const HEAD_BYTES: u64 = 512;

/// How much longer than its file the tensors of a file may be: storages may be shared by views, but a small file cannot ask for
/// any amount of memory.
const MOST_TIMES_THE_FILE: usize = 2;

/// A format of files of weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Safetensors.
    Safetensors,
    /// PyTorch's zip archive (since PyTorch 1.6).
    TorchZip,
    /// PyTorch's row of pickles (before PyTorch 1.6).
    TorchLegacy,
}

impl Format {
    /// The format of the file at `path`, by its first bytes; `None` if it is no file of weights, or cannot be read.
    pub fn of_file(path: &Path) -> Option<Self> {
        let mut head = Vec::new();
        fs::File::open(path)
            .and_then(|file| file.take(HEAD_BYTES).read_to_end(&mut head))
            .ok()?;
        Self::of_head(&head)
    }

    fn of_head(head: &[u8]) -> Option<Self> {
        if head.starts_with(archive::MAGIC) {
            Some(Self::TorchZip)
        } else if torch::is_legacy(head) {
            Some(Self::TorchLegacy)
        } else if safetensors::is_safetensors(head) {
            Some(Self::Safetensors)
        } else {
            None
        }
    }

    /// In words.
    pub fn label(self) -> &'static str {
        match self {
            Self::Safetensors => "safetensors",
            Self::TorchZip => "PyTorch checkpoint (zip)",
            Self::TorchLegacy => "PyTorch checkpoint (legacy)",
        }
    }
}

/// An opened file of weights.
#[derive(Debug)]
pub struct File {
    path: PathBuf,
    bytes: Vec<u8>,
    format: Format,
    stored: Vec<Stored>,
    metadata: BTreeMap<String, String>,
    dictionary: Option<String>,
    other_dictionaries: Vec<String>,
}

impl File {
    /// Opens a file of any of the formats.
    ///
    /// A PyTorch checkpoint may hold several dictionaries of tensors: `dictionary` names one, else it is the likeliest.
    pub fn open(path: &Path, dictionary: Option<&str>) -> Result<Self, Error> {
        let failed = |source| Error::Io {
            path: path.to_owned(),
            source,
        };
        let mut file = fs::File::open(path).map_err(failed)?;
        // Only a file that looks like weights is read whole, so that no device is read for ever.
        let mut bytes = Vec::new();
        let head = Read::by_ref(&mut file).take(HEAD_BYTES);
        read_all(head, &mut bytes).map_err(failed)?;
        if Format::of_head(&bytes).is_some() {
            read_all(file, &mut bytes).map_err(failed)?;
        }
        Self::from_bytes(bytes, path, dictionary)
    }

    /// As [`File::open`], of a file that lies in memory; `path` names it in errors.
    pub fn from_bytes(
        bytes: Vec<u8>,
        path: &Path,
        dictionary: Option<&str>,
    ) -> Result<Self, Error> {
        let Some(format) = Format::of_head(&bytes) else {
            return Err(Error::Unknown {
                looks_like: looks_like(&bytes),
                path: path.to_owned(),
            });
        };
        let broken = |fault: Fault| Error::Broken {
            format,
            what: fault.what,
            at: fault.at,
            path: path.to_owned(),
        };
        let mut metadata = BTreeMap::new();
        let contents = match format {
            Format::Safetensors => {
                let contents = safetensors::read(&bytes).map_err(broken)?;
                metadata = contents.metadata;
                torch::Contents {
                    stored: contents.stored,
                    dictionary: None,
                    others: Vec::new(),
                }
            }
            Format::TorchZip => torch::read_zip(&bytes, dictionary).map_err(broken)?,
            Format::TorchLegacy => torch::read_legacy(&bytes, dictionary).map_err(broken)?,
        };
        Ok(Self {
            path: path.to_owned(),
            bytes,
            format,
            stored: contents.stored,
            metadata,
            dictionary: contents.dictionary,
            other_dictionaries: contents.others,
        })
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its format.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The keys, by name.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> + Clone {
        self.stored.iter().map(|stored| &stored.entry)
    }

    /// The texts in the file's header (safetensors only).
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// The dictionary of the checkpoint that the keys are in, if it is not all there is.
    pub fn dictionary(&self) -> Option<&str> {
        self.dictionary.as_deref()
    }

    /// Other dictionaries of tensors in the checkpoint.
    pub fn other_dictionaries(&self) -> &[String] {
        &self.other_dictionaries
    }

    /// All tensors, under the names that they have in the file.
    pub fn load(&self) -> Result<Weights, Error> {
        let all: Vec<_> = self
            .stored
            .iter()
            .map(|stored| (stored.entry.name.as_str(), stored))
            .collect();
        self.load_these(&all)
    }

    /// The tensors that `map` names, under the names that it gives them.
    pub fn load_mapped(&self, map: &KeyMap) -> Result<Weights, Error> {
        let chosen: Vec<_> = self
            .stored
            .iter()
            .filter_map(|stored| Some((map.short(&stored.entry.name)?, stored)))
            .collect();
        self.load_these(&chosen)
    }

    /// Tensors that are one and the same view of a storage share memory: do not change them in place.
    fn load_these(&self, chosen: &[(&str, &Stored)]) -> Result<Weights, Error> {
        let mut bytes_left = self.bytes.len().saturating_mul(MOST_TIMES_THE_FILE);
        let mut made = BTreeMap::new();
        let mut tensors = BTreeMap::new();
        for (name, stored) in chosen {
            let Entry { dtype, shape, .. } = &stored.entry;
            let View {
                storage,
                offset,
                strides,
            } = &stored.view;
            let place = (storage.start, storage.end, *offset, strides, *dtype, shape);
            let tensor = match made.entry(place) {
                btree_map::Entry::Occupied(same) => Tensor::clone(same.get()),
                btree_map::Entry::Vacant(new) => {
                    bytes_left = bytes_left.checked_sub(stored.n_bytes()).ok_or_else(|| {
                        Error::TooLarge {
                            most_times: MOST_TIMES_THE_FILE,
                            path: self.path.clone(),
                        }
                    })?;
                    new.insert(self.tensor(stored)?).clone()
                }
            };
            tensors.insert((*name).to_owned(), tensor);
        }
        Ok(Weights {
            tensors,
            metadata: self.metadata.clone(),
        })
    }

    fn tensor(&self, stored: &Stored) -> Result<Tensor, Error> {
        match stored.tensor(&self.bytes) {
            Some(tensor) => Ok(tensor?),
            None => Err(Error::Type {
                name: stored.entry.name.clone(),
                dtype: stored.entry.dtype.to_string(),
                path: self.path.clone(),
            }),
        }
    }
}

fn read_all(mut from: impl Read, bytes: &mut Vec<u8>) -> io::Result<()> {
    from.read_to_end(bytes).map(|_| ())
}

/// What a file is that has none of the formats, as far as its first bytes tell.
fn looks_like(head: &[u8]) -> &'static str {
    if head.is_empty() {
        "it is empty"
    } else if head.len() < 16 {
        "it is too short"
    } else if head.get(257..262) == Some(b"ustar") {
        "a tar archive, as PyTorch wrote before 0.1.10: load and save it with a newer PyTorch"
    } else if head[0] == 0x80 {
        "a pickle that torch.save did not write"
    } else {
        "its first bytes are of no format of weights"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights;

    fn error(bytes: &[u8]) -> String {
        let path = Path::new("some/file.pth");
        let error = File::from_bytes(bytes.to_vec(), path, None).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("file.pth"), "{text}");
        text
    }

    #[test]
    fn what_is_no_file_of_weights_is_named_for_what_it_is() {
        assert!(error(b"").contains("empty"));
        assert!(error(b"not at all").contains("too short"));
        assert!(error(b"a text that is no weights").contains("no format"));
        assert!(error(b"\x80\x02}q\x00.and some more").contains("pickle"));
        let mut tar = [b'a'; 512];
        tar[257..262].copy_from_slice(b"ustar");
        assert!(error(&tar).contains("0.1.10"));
        assert!(error(b"PK\x03\x04and then nothing more").contains("cut off"));
    }

    #[test]
    fn a_file_is_not_read_whole_before_it_looks_like_weights() {
        let zeros = Path::new("/dev/zero");
        if zeros.exists() {
            assert!(matches!(
                File::open(zeros, None),
                Err(Error::Unknown { .. })
            ));
            assert_eq!(Format::of_file(zeros), None);
        }
    }

    #[test]
    fn keys_are_listed_before_tensors_are_made() {
        let folder = tempfile::tempdir().unwrap();
        // The name says nothing.
        let path = folder.path().join("weights.txt");
        let tensor = Tensor::new(&[1f32, 2.0], &candle_core::Device::Cpu).unwrap();
        let tensors = BTreeMap::from([("network.a".to_owned(), tensor)]);
        weights::write(&path, &tensors, &BTreeMap::new()).unwrap();
        assert_eq!(Format::of_file(&path), Some(Format::Safetensors));
        let file = File::open(&path, None).unwrap();
        let entry = file.entries().next().unwrap();
        assert_eq!((entry.name.as_str(), &entry.shape), ("network.a", &vec![2]));
        let map = KeyMap::choose(file.entries().map(|e| e.name.as_str()), None).unwrap();
        let weights = file.load_mapped(&map).unwrap();
        assert_eq!(weights.tensors["a"].to_vec1::<f32>().unwrap(), [1.0, 2.0]);
    }
}
