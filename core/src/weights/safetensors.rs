//! The safetensors format: a length, a JSON header, the tensors' bytes. Listing and writing.
//!
//! The header is read here and not by the `safetensors` crate, whose sums of declared offsets may overflow on made-up files.

use super::Error;
use super::cursor::{Cursor, Fault};
use super::stored::{Entry, Stored, View, contiguous_strides};
use crate::workspace::write_whole;
use candle_core::{DType, Tensor};
use safetensors::Dtype;
use safetensors::tensor::{TensorInfo, TensorView};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::path::Path;

/// The longest header, as in the reference implementation of the format.
const MOST_HEADER_BYTES: u64 = 100_000_000;

#[derive(Deserialize)]
struct Header {
    #[serde(rename = "__metadata__", default)]
    metadata: BTreeMap<String, String>,
    #[serde(flatten)]
    tensors: BTreeMap<String, TensorInfo>,
}

/// What a safetensors file holds.
pub(super) struct Contents {
    pub(super) stored: Vec<Stored>,
    pub(super) metadata: BTreeMap<String, String>,
}

/// Whether a file begins as this format does: the length of a header that begins with a brace.
pub(super) fn is_safetensors(head: &[u8]) -> bool {
    let length = Cursor::new(head, 0).u64("");
    length.is_ok_and(|n| n <= MOST_HEADER_BYTES) && head.get(8) == Some(&b'{')
}

/// Lists the tensors of a file. Its data must be covered by them without gaps or overlaps.
pub(super) fn read(bytes: &[u8]) -> Result<Contents, Fault> {
    let mut cursor = Cursor::new(bytes, 0);
    let n = cursor.u64("the header's length")?;
    let header = cursor.long_range(n, "the header")?;
    let data = header.end..bytes.len();
    let header: Header = serde_json::from_slice(&bytes[header])
        .map_err(|error| Fault::new(8, format!("a header that cannot be read ({error})")))?;
    let mut infos: Vec<_> = header.tensors.into_iter().collect();
    infos.sort_by_key(|(_, info)| info.data_offsets);
    let mut stored = Vec::with_capacity(infos.len());
    let mut covered = 0;
    for (name, info) in infos {
        let (start, end) = info.data_offsets;
        let at = data.start.saturating_add(start);
        if start != covered || end < start || end > data.len() {
            let why = format!(
                "tensor {name:?} is declared at {start}..{end} of {} bytes, where {covered} should be next",
                data.len()
            );
            return Err(Fault::new(at, why));
        }
        covered = end;
        let declared = info
            .shape
            .iter()
            .try_fold(info.dtype.bitsize(), |n, dim| n.checked_mul(*dim));
        if declared.is_none_or(|n_bits| n_bits.div_ceil(8) != end - start) {
            let (dtype, shape) = (info.dtype, &info.shape);
            let why = format!(
                "tensor {name:?} ({dtype}, {shape:?}) is declared with {} bytes",
                end - start
            );
            return Err(Fault::new(at, why));
        }
        let strides = contiguous_strides(&info.shape).unwrap_or_default();
        let view = View {
            storage: at..data.start + end,
            offset: 0,
            strides,
        };
        let entry = Entry {
            name,
            dtype: info.dtype,
            shape: info.shape,
        };
        stored.push(Stored::new(entry, view).map_err(|why| Fault::new(at, why))?);
    }
    if covered != data.len() {
        let why = format!("{} bytes belong to no tensor", data.len() - covered);
        return Err(Fault::new(data.start + covered, why));
    }
    stored.sort_by(|a, b| a.entry.name.cmp(&b.entry.name));
    Ok(Contents {
        stored,
        metadata: header.metadata,
    })
}

/// Writes a safetensors file, whole or not at all. Floats of 32 and 64 bits, integers but I8, U16 and U64.
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
    let failed = |source| Error::Write {
        path: path.to_owned(),
        source,
    };
    let mut views = Vec::with_capacity(raw.len());
    for (name, dtype, dims, bytes) in &raw {
        let view = TensorView::new(*dtype, dims.clone(), bytes).map_err(failed)?;
        views.push((name.as_str(), view));
    }
    let metadata: HashMap<String, String> = metadata
        .iter()
        .map(|(key, text)| (key.clone(), text.clone()))
        .collect();
    let metadata = (!metadata.is_empty()).then_some(metadata);
    let bytes = safetensors::serialize(views, metadata).map_err(failed)?;
    write_whole(path, |file| file.write_all(&bytes)).map_err(|source| Error::Io {
        path: path.to_owned(),
        source,
    })
}

/// Type and little-endian bytes; `None` for a type that is not written.
fn bytes_of(tensor: &Tensor) -> Result<Option<(Dtype, Vec<u8>)>, candle_core::Error> {
    fn all<T: candle_core::WithDType, const N: usize>(
        flat: &Tensor,
        bytes: impl Fn(T) -> [u8; N],
    ) -> Result<Vec<u8>, candle_core::Error> {
        Ok(flat.to_vec1::<T>()?.into_iter().flat_map(bytes).collect())
    }
    let flat = tensor.flatten_all()?;
    Ok(Some(match tensor.dtype() {
        DType::F32 => (Dtype::F32, all(&flat, f32::to_le_bytes)?),
        DType::F64 => (Dtype::F64, all(&flat, f64::to_le_bytes)?),
        DType::I64 => (Dtype::I64, all(&flat, i64::to_le_bytes)?),
        DType::I32 => (Dtype::I32, all(&flat, i32::to_le_bytes)?),
        DType::I16 => (Dtype::I16, all(&flat, i16::to_le_bytes)?),
        DType::U32 => (Dtype::U32, all(&flat, u32::to_le_bytes)?),
        DType::U8 => (Dtype::U8, flat.to_vec1::<u8>()?),
        _ => return Ok(None),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, data: &[u8]) -> Vec<u8> {
        let n = header.len() as u64;
        [&n.to_le_bytes(), header.as_bytes(), data].concat()
    }

    fn refused(header: &str, data: &[u8], why: &str) {
        let fault = read(&file(header, data)).map(|_| ()).unwrap_err();
        assert!(fault.what.contains(why), "{fault:?}");
    }

    #[test]
    fn headers_that_lie_are_refused() {
        let good = r#"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}"#;
        assert_eq!(read(&file(good, &[1, 2])).unwrap().stored.len(), 1);
        refused(good, &[1], "declared at 0..2");
        refused(good, &[1, 2, 3], "1 bytes belong to no tensor");
        let two = r#"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}"#;
        refused(two, &[1, 2, 3], "2 should be next");
        let huge = r#"{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,2]}}"#;
        refused(huge, &[1, 2], "is declared with 2 bytes");
        refused("{", &[], "cannot be read");
        let mut cut = file(good, &[]);
        cut.truncate(20);
        assert!(read(&cut).is_err());
    }
}
