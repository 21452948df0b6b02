//! Files of weights: safetensors with metadata, whole or absent.
//!
//! Reading widens F16 and BF16 to F32, so that everything above computes in one type.

use crate::workspace::write_whole;
use candle_core::{DType, Device, Tensor};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
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
    /// It is not a safetensors file, or a broken one.
    #[error("not a safetensors file: {}", .path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: safetensors::SafeTensorError,
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

/// Reads a safetensors file.
pub fn read(path: &Path) -> Result<Weights, Error> {
    let bytes = std::fs::read(path).map_err(|source| Error::Io {
        path: path.to_owned(),
        source,
    })?;
    from_bytes(&bytes, path)
}

/// Reads a safetensors file that lies in memory; `path` names it in errors.
pub fn from_bytes(bytes: &[u8], path: &Path) -> Result<Weights, Error> {
    let format = |source| Error::Format {
        path: path.to_owned(),
        source,
    };
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(format)?;
    let metadata = header
        .metadata()
        .iter()
        .flatten()
        .map(|(key, text)| (key.clone(), text.clone()))
        .collect();
    let file = SafeTensors::deserialize(bytes).map_err(format)?;
    let mut tensors = BTreeMap::new();
    for (name, view) in file.iter() {
        let tensor = match tensor_of(&view) {
            Some(tensor) => tensor?,
            None => {
                return Err(Error::Type {
                    name: name.to_owned(),
                    dtype: format!("{:?}", view.dtype()),
                    path: path.to_owned(),
                });
            }
        };
        tensors.insert(name.to_owned(), tensor);
    }
    Ok(Weights { tensors, metadata })
}

/// `None` for a type that candle does not have.
fn tensor_of(view: &TensorView<'_>) -> Option<Result<Tensor, candle_core::Error>> {
    let dtype = match view.dtype() {
        Dtype::F64 => DType::F64,
        Dtype::F32 => DType::F32,
        Dtype::F16 => DType::F16,
        Dtype::BF16 => DType::BF16,
        Dtype::I64 => DType::I64,
        Dtype::U32 => DType::U32,
        Dtype::U8 => DType::U8,
        // One byte each, as U8.
        Dtype::BOOL => DType::U8,
        Dtype::I16 => DType::I16,
        Dtype::I32 => DType::I32,
        _ => return None,
    };
    let tensor = Tensor::from_raw_buffer(view.data(), dtype, view.shape(), &Device::Cpu);
    Some(match dtype {
        DType::F16 | DType::BF16 => tensor.and_then(|tensor| tensor.to_dtype(DType::F32)),
        _ => tensor,
    })
}

/// Writes a safetensors file, whole or not at all. F32, F64, I64, U32 and U8.
pub fn write(
    path: &Path,
    tensors: &BTreeMap<String, Tensor>,
    metadata: &BTreeMap<String, String>,
) -> Result<(), Error> {
    let mut raw = Vec::with_capacity(tensors.len());
    for (name, tensor) in tensors {
        let Some((dtype, bytes)) = bytes_of(tensor)? else {
            return Err(Error::Type {
                name: name.clone(),
                dtype: format!("{:?}", tensor.dtype()),
                path: path.to_owned(),
            });
        };
        raw.push((name, dtype, tensor.dims().to_vec(), bytes));
    }
    let format = |source| Error::Format {
        path: path.to_owned(),
        source,
    };
    let mut views = Vec::with_capacity(raw.len());
    for (name, dtype, dims, bytes) in &raw {
        let view = TensorView::new(*dtype, dims.clone(), bytes).map_err(format)?;
        views.push((name.as_str(), view));
    }
    let metadata: HashMap<String, String> = metadata
        .iter()
        .map(|(key, text)| (key.clone(), text.clone()))
        .collect();
    let metadata = (!metadata.is_empty()).then_some(metadata);
    let bytes = safetensors::serialize(views, metadata).map_err(format)?;
    write_whole(path, |file| file.write_all(&bytes)).map_err(|source| Error::Io {
        path: path.to_owned(),
        source,
    })
}

/// Type and little-endian bytes; `None` for a type that is not written.
fn bytes_of(tensor: &Tensor) -> Result<Option<(Dtype, Vec<u8>)>, candle_core::Error> {
    let flat = tensor.flatten_all()?;
    Ok(Some(match tensor.dtype() {
        DType::F32 => (
            Dtype::F32,
            flat.to_vec1::<f32>()?
                .iter()
                .flat_map(|x| x.to_le_bytes())
                .collect(),
        ),
        DType::F64 => (
            Dtype::F64,
            flat.to_vec1::<f64>()?
                .iter()
                .flat_map(|x| x.to_le_bytes())
                .collect(),
        ),
        DType::I64 => (
            Dtype::I64,
            flat.to_vec1::<i64>()?
                .iter()
                .flat_map(|x| x.to_le_bytes())
                .collect(),
        ),
        DType::U32 => (
            Dtype::U32,
            flat.to_vec1::<u32>()?
                .iter()
                .flat_map(|x| x.to_le_bytes())
                .collect(),
        ),
        DType::U8 => (Dtype::U8, flat.to_vec1::<u8>()?),
        _ => return Ok(None),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

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
        std::fs::write(&path, safetensors::serialize([("h", view)], None).unwrap()).unwrap();
        let wide = read(&path).unwrap().tensors["h"].to_vec1::<f32>().unwrap();
        assert_eq!(wide, [half.to_f32()]);
    }

    #[test]
    fn a_broken_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("broken.safetensors");
        std::fs::write(&path, b"not at all").unwrap();
        let error = read(&path).unwrap_err();
        assert!(matches!(error, Error::Format { .. }));
        assert!(error.to_string().contains("broken.safetensors"));
        assert!(matches!(
            read(&folder.path().join("absent")),
            Err(Error::Io { .. })
        ));
    }
}
