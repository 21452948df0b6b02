//! Files of weights: safetensors in and out, checkpoints of PyTorch in.
//!
//! [`File`] tells the format by the content, lists the keys before anything is loaded, and makes the tensors; [`KeyMap`] finds
//! the network's keys among those of its wrappers; [`Report`] says what was matched and what is missing. Reading a file runs no
//! code and takes no more memory than its size explains, whatever the file says. Writing is whole or absent.
//!
//! Reading widens F16 and BF16 to F32, so that everything above computes in one type.

mod archive;
mod cursor;
mod file;
mod key_map;
pub(crate) mod pickle;
mod report;
mod safetensors;
mod stored;
mod torch;

pub use ::safetensors::Dtype;
pub use file::{File, Format};
pub use key_map::{KeyMap, NoSuchPrefix};
pub use report::{Report, Shapes, Standing, WrongShape};
pub use safetensors::write;
pub use stored::Entry;

use candle_core::Tensor;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// Why a file of weights could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It could not be opened, read or written.
    #[error("{}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is of none of the formats.
    #[error("neither safetensors nor a PyTorch checkpoint ({looks_like}): {}", .path.display())]
    Unknown {
        /// What it is, as far as one can tell.
        looks_like: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// It was cut off, is broken, or made up.
    #[error("broken {}: {what} (at byte {at}): {}", .format.label(), .path.display())]
    Broken {
        /// The format that it begins like.
        format: Format,
        /// What is wrong, and the mend where there is one.
        what: String,
        /// Where in the file.
        at: usize,
        /// The file.
        path: PathBuf,
    },
    /// Its tensors would take much more memory than the file itself.
    #[error(
        "the tensors are more than {most_times} times as large as their file, as views of one storage: save clones of them: {}",
        .path.display()
    )]
    TooLarge {
        /// The bound.
        most_times: usize,
        /// The file.
        path: PathBuf,
    },
    /// No key begins with the prefix that was asked for.
    #[error("{why}: {}", .path.display())]
    Prefix {
        /// What was asked for, and what there is.
        why: NoSuchPrefix,
        /// The file.
        path: PathBuf,
    },
    /// A tensor of a type that Attune does not know.
    #[error("tensor {name} of type {dtype} in {}", .path.display())]
    Type {
        /// The tensor.
        name: String,
        /// Its type.
        dtype: String,
        /// The file.
        path: PathBuf,
    },
    /// A safetensors file could not be put together.
    #[error("cannot be written as safetensors: {}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: ::safetensors::SafeTensorError,
    },
    /// A tensor could not be made or read.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}

/// What a file of weights holds.
#[derive(Clone, Debug, Default)]
pub struct Weights {
    /// By name. F16 and BF16 are widened to F32.
    pub tensors: BTreeMap<String, Tensor>,
    /// The texts in the file's header.
    pub metadata: BTreeMap<String, String>,
}

/// Reads a file of any of the formats: all tensors, under the names that they have there.
pub fn read(path: &Path) -> Result<Weights, Error> {
    File::open(path, None)?.load()
}

/// As [`read`], of a file that lies in memory; `path` names it in errors.
pub fn from_bytes(bytes: &[u8], path: &Path) -> Result<Weights, Error> {
    File::from_bytes(bytes.to_vec(), path, None)?.load()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::safetensors::tensor::TensorView;
    use candle_core::Device;

    #[test]
    fn what_is_written_is_read_back_and_half_floats_are_widened() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/w.safetensors");
        let device = Device::Cpu;
        let tensors = BTreeMap::from([
            (
                "a".to_owned(),
                Tensor::new(&[[1f32, -2.5]], &device).unwrap(),
            ),
            ("n".to_owned(), Tensor::new(7i64, &device).unwrap()),
        ]);
        let metadata = BTreeMap::from([("k".to_owned(), "v".to_owned())]);
        write(&path, &tensors, &metadata).unwrap();
        let back = read(&path).unwrap();
        assert_eq!(back.metadata, metadata);
        assert_eq!(back.tensors["a"].to_vec2::<f32>().unwrap(), [[1.0, -2.5]]);
        assert_eq!(back.tensors["n"].to_scalar::<i64>().unwrap(), 7);

        let half = half::f16::from_f32(0.333);
        let bytes = half.to_le_bytes();
        let view = TensorView::new(Dtype::F16, vec![1], &bytes).unwrap();
        std::fs::write(
            &path,
            ::safetensors::serialize([("h", view)], None).unwrap(),
        )
        .unwrap();
        let wide = read(&path).unwrap().tensors["h"].to_vec1::<f32>().unwrap();
        assert_eq!(wide, [half.to_f32()]);
    }

    #[test]
    fn a_broken_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("broken.safetensors");
        std::fs::write(&path, b"not at all").unwrap();
        let error = read(&path).unwrap_err();
        assert!(matches!(error, Error::Unknown { .. }));
        assert!(error.to_string().contains("broken.safetensors"));
        assert!(matches!(
            read(&folder.path().join("absent")),
            Err(Error::Io { .. })
        ));
    }
}
