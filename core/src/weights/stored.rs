//! A tensor as it lies in a file: its name, type and shape, and where its bytes are, for every format alike.
//!
//! Listing a file makes these and copies nothing; a tensor is made when it is asked for. A tensor may be a view of a storage
//! that others share (offset and strides); it comes out contiguous.

use candle_core::{DType, Device, Tensor};
use safetensors::Dtype;
use serde::Serialize;
use std::borrow::Cow;
use std::ops::Range;

/// The most dimensions of a tensor.
pub(super) const MOST_DIMENSIONS: usize = 8;

/// One key of a file of weights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its name in the file.
    pub name: String,
    /// Its type in the file.
    pub dtype: Dtype,
    /// Its dimensions, outermost first; none for a single number.
    pub shape: Vec<usize>,
}

/// Where a tensor's elements lie in its storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct View {
    /// Bytes of the file.
    pub(super) storage: Range<usize>,
    /// First element within the storage.
    pub(super) offset: usize,
    /// From one element to the next, in elements, for each dimension.
    pub(super) strides: Vec<usize>,
}

/// An entry, and where its elements lie. All of them lie within the storage.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) entry: Entry,
    pub(super) view: View,
    n_elements: usize,
}

/// Length of one element; `None` for types that are packed tighter than a byte.
pub(super) fn item_bytes(dtype: Dtype) -> Option<usize> {
    let n_bits = dtype.bitsize();
    n_bits.is_multiple_of(8).then_some(n_bits / 8)
}

/// Strides of a tensor whose elements lie one after the other; `None` if it has more elements than there are numbers.
pub(super) fn contiguous_strides(shape: &[usize]) -> Option<Vec<usize>> {
    let mut strides = vec![1; shape.len()];
    let mut n: usize = 1;
    for (stride, dim) in strides.iter_mut().zip(shape).rev() {
        *stride = n;
        n = n.checked_mul(*dim)?;
    }
    Some(strides)
}

impl Stored {
    /// Fails, saying why, if an element would lie outside the storage.
    pub(super) fn new(entry: Entry, view: View) -> Result<Self, String> {
        let (name, shape) = (&entry.name, &entry.shape);
        if shape.len() > MOST_DIMENSIONS || shape.len() != view.strides.len() {
            return Err(format!(
                "tensor {name:?} has {} dimensions and {} strides, at most {MOST_DIMENSIONS} are read",
                shape.len(),
                view.strides.len()
            ));
        }
        let outside = || {
            let (dtype, n) = (entry.dtype, view.storage.len());
            format!("tensor {name:?} ({dtype}, {shape:?}) reaches out of its storage of {n} bytes")
        };
        let is_empty = shape.contains(&0);
        let n_elements = shape.iter().try_fold(1usize, |n, dim| n.checked_mul(*dim));
        let n_elements = if is_empty { Some(0) } else { n_elements };
        let n_elements = n_elements.ok_or_else(outside)?;
        // Tighter than a byte: listed, never read.
        if let Some(item) = item_bytes(entry.dtype).filter(|_| !is_empty) {
            let last = shape
                .iter()
                .zip(&view.strides)
                .try_fold(view.offset, |last, (dim, stride)| {
                    (dim - 1).checked_mul(*stride)?.checked_add(last)
                })
                .ok_or_else(outside)?;
            if last >= view.storage.len() / item {
                return Err(outside());
            }
        }
        Ok(Self {
            entry,
            view,
            n_elements,
        })
    }

    /// Length of its elements, in the file's type.
    pub(super) fn n_bytes(&self) -> usize {
        let item = item_bytes(self.entry.dtype).unwrap_or(1);
        self.n_elements.saturating_mul(item)
    }

    /// The tensor; `None` if it is of a type that Attune does not know. Half floats become F32, I8 becomes I16, booleans U8.
    pub(super) fn tensor(&self, file: &[u8]) -> Option<candle_core::Result<Tensor>> {
        let (dtype, widened) = match self.entry.dtype {
            Dtype::F64 => (DType::F64, DType::F64),
            Dtype::F32 => (DType::F32, DType::F32),
            Dtype::F16 => (DType::F16, DType::F32),
            Dtype::BF16 => (DType::BF16, DType::F32),
            Dtype::I64 => (DType::I64, DType::I64),
            Dtype::I32 => (DType::I32, DType::I32),
            Dtype::U32 => (DType::U32, DType::U32),
            Dtype::I8 | Dtype::I16 => (DType::I16, DType::I16),
            // One byte each.
            Dtype::U8 | Dtype::BOOL => (DType::U8, DType::U8),
            _ => return None,
        };
        let mut bytes = self.bytes(file);
        if self.entry.dtype == Dtype::I8 {
            let wide = bytes.iter().map(|&byte| i16::from(byte as i8));
            bytes = Cow::Owned(wide.flat_map(i16::to_le_bytes).collect());
        }
        let tensor = Tensor::from_raw_buffer(&bytes, dtype, &self.entry.shape, &Device::Cpu);
        Some(if dtype == widened {
            tensor
        } else {
            tensor.and_then(|tensor| tensor.to_dtype(widened))
        })
    }

    /// The elements one after the other.
    fn bytes<'a>(&self, file: &'a [u8]) -> Cow<'a, [u8]> {
        let (view, shape) = (&self.view, &self.entry.shape);
        let storage = &file[view.storage.clone()];
        let item = item_bytes(self.entry.dtype).unwrap_or(1);
        if self.n_elements == 0 {
            return Cow::Borrowed(&[]);
        }
        // The stride of a dimension of one element means nothing.
        let is_contiguous = contiguous_strides(shape).is_some_and(|strides| {
            let mut dims = strides.iter().zip(&view.strides).zip(shape);
            dims.all(|((usual, found), dim)| usual == found || *dim == 1)
        });
        if is_contiguous {
            return Cow::Borrowed(&storage[view.offset * item..][..self.n_elements * item]);
        }
        let mut bytes = Vec::with_capacity(self.n_elements * item);
        let mut index = vec![0usize; shape.len()];
        let mut at = view.offset;
        for _ in 0..self.n_elements {
            bytes.extend_from_slice(&storage[at * item..][..item]);
            for dim in (0..shape.len()).rev() {
                index[dim] += 1;
                at += view.strides[dim];
                if index[dim] < shape[dim] {
                    break;
                }
                at -= index[dim] * view.strides[dim];
                index[dim] = 0;
            }
        }
        Cow::Owned(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(
        dtype: Dtype,
        shape: &[usize],
        offset: usize,
        strides: &[usize],
    ) -> Result<Stored, String> {
        let entry = Entry {
            name: "x".to_owned(),
            dtype,
            shape: shape.to_vec(),
        };
        let view = View {
            storage: 2..8,
            offset,
            strides: strides.to_vec(),
        };
        Stored::new(entry, view)
    }

    fn values(stored: &Stored) -> Vec<u8> {
        let tensor = stored
            .tensor(&[9, 9, 0, 1, 2, 3, 4, 5, 9])
            .unwrap()
            .unwrap();
        tensor.flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn views_come_out_contiguous() {
        for (shape, offset, strides, expected) in [
            (&[2, 3][..], 0, &[3, 1][..], &[0, 1, 2, 3, 4, 5][..]),
            (&[3, 2], 0, &[1, 3], &[0, 3, 1, 4, 2, 5]),
            (&[2, 2], 1, &[3, 1], &[1, 2, 4, 5]),
            (&[2, 2], 5, &[0, 0], &[5, 5, 5, 5]),
            (&[1, 2], 3, &[77, 1], &[3, 4]),
            (&[], 4, &[], &[4]),
            (&[0, 7], 99, &[7, 1], &[]),
        ] {
            let stored = stored(Dtype::U8, shape, offset, strides).unwrap();
            assert_eq!(values(&stored), expected, "{shape:?}");
        }
    }

    #[test]
    fn nothing_outside_the_storage_is_read() {
        for (dtype, shape, offset, strides) in [
            (Dtype::U8, &[7][..], 0, &[1][..]),
            (Dtype::U8, &[2], 5, &[1]),
            (Dtype::I16, &[4], 0, &[1]),
            (Dtype::U8, &[2], 0, &[usize::MAX]),
            (Dtype::U8, &[usize::MAX, 2], 0, &[0, 0]),
            (Dtype::U8, &[1], usize::MAX, &[1]),
            (Dtype::U8, &[2], 0, &[1, 1]),
            (Dtype::U8, &[1; 9], 0, &[1; 9]),
        ] {
            assert!(stored(dtype, shape, offset, strides).is_err(), "{shape:?}");
        }
    }

    #[test]
    fn small_types_are_widened() {
        let file = [9, 9, 0xff, 1, 0, 0, 0, 0];
        let signed = stored(Dtype::I8, &[2], 0, &[1]).unwrap();
        let tensor = signed.tensor(&file).unwrap().unwrap();
        assert_eq!(tensor.to_vec1::<i16>().unwrap(), [-1, 1]);
        assert!(stored(Dtype::U64, &[], 0, &[]).is_err());
        assert!(
            stored(Dtype::U16, &[], 0, &[])
                .unwrap()
                .tensor(&file)
                .is_none()
        );
    }
}
