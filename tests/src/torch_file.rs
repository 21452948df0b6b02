//! Writes checkpoints as `torch.save` does (pickle protocol 2, both layouts), so that tests need no PyTorch.

use candle_core::{DType, Tensor};
use std::collections::BTreeMap;

/// How `torch.save` lays out a file.
#[derive(Debug, Clone, Copy)]
pub enum Layout {
    /// Since PyTorch 1.6.
    Zip,
    /// Before it.
    Legacy,
}

/// A tensor in the pickle: how its storage is declared, and how it views it.
#[derive(Debug, Clone)]
pub struct Saved {
    /// Class of the storage, such as `FloatStorage`.
    pub class: &'static str,
    /// The storage's bytes.
    pub bytes: Vec<u8>,
    /// Elements that the pickle declares for the storage.
    pub n_declared: i32,
    /// Dimensions.
    pub shape: Vec<i32>,
    /// In elements.
    pub strides: Vec<i32>,
}

impl Saved {
    /// A contiguous tensor, F32 or I64, with a storage of its own.
    ///
    /// # Panics
    /// If it is of another type.
    #[expect(clippy::unwrap_used, reason = "a test without its data cannot go on")]
    pub fn of(tensor: &Tensor) -> Self {
        let flat = tensor.flatten_all().unwrap();
        let (class, bytes): (_, Vec<u8>) = match tensor.dtype() {
            DType::F32 => {
                let values = flat.to_vec1::<f32>().unwrap();
                (
                    "FloatStorage",
                    values.iter().flat_map(|x| x.to_le_bytes()).collect(),
                )
            }
            DType::I64 => {
                let values = flat.to_vec1::<i64>().unwrap();
                (
                    "LongStorage",
                    values.iter().flat_map(|x| x.to_le_bytes()).collect(),
                )
            }
            other => panic!("no storage class for {other:?}"),
        };
        let numbers = |list: &[usize]| list.iter().map(|&n| n as i32).collect();
        Self {
            class,
            bytes,
            n_declared: flat.elem_count() as i32,
            shape: numbers(tensor.dims()),
            strides: numbers(tensor.contiguous().unwrap().stride()),
        }
    }
}

/// The bytes of a checkpoint: the state dict alone, or as entry `dictionary` beside an epoch.
pub fn checkpoint(
    layout: Layout,
    dictionary: Option<&str>,
    tensors: &BTreeMap<String, Saved>,
) -> Vec<u8> {
    let pickle = pickle(layout, dictionary, tensors);
    match layout {
        Layout::Zip => {
            let mut entries = vec![
                ("made/data.pkl".to_owned(), pickle),
                ("made/byteorder".to_owned(), b"little".to_vec()),
            ];
            for (key, saved) in tensors.values().enumerate() {
                entries.push((format!("made/data/{key}"), saved.bytes.clone()));
            }
            zip(&entries)
        }
        Layout::Legacy => {
            let mut file = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.".to_vec();
            file.extend(b"\x80\x02M\xe9\x03.\x80\x02}(");
            text(&mut file, "little_endian");
            file.extend(b"\x88u.");
            file.extend(pickle);
            file.extend(b"\x80\x02](");
            for key in 0..tensors.len() {
                text(&mut file, &key.to_string());
            }
            file.extend(b"e.");
            for saved in tensors.values() {
                file.extend(i64::from(saved.n_declared).to_le_bytes());
                file.extend(&saved.bytes);
            }
            file
        }
    }
}

fn pickle(layout: Layout, dictionary: Option<&str>, tensors: &BTreeMap<String, Saved>) -> Vec<u8> {
    let mut out = b"\x80\x02".to_vec();
    if let Some(dictionary) = dictionary {
        out.extend(b"}(");
        text(&mut out, "epoch");
        out.extend(b"K\x03");
        text(&mut out, "hyper_parameters");
        out.extend(b"cargparse\nNamespace\n)\x81}b");
        text(&mut out, dictionary);
    }
    out.extend(b"ccollections\nOrderedDict\n)R(");
    for (key, (name, saved)) in tensors.iter().enumerate() {
        text(&mut out, name);
        out.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        text(&mut out, "storage");
        out.extend(format!("ctorch\n{}\n", saved.class).bytes());
        text(&mut out, &key.to_string());
        text(&mut out, "cuda:0");
        int(&mut out, saved.n_declared);
        if matches!(layout, Layout::Legacy) {
            out.push(b'N');
        }
        out.extend(b"tQK\x00");
        for list in [&saved.shape, &saved.strides] {
            out.push(b'(');
            for &n in list {
                int(&mut out, n);
            }
            out.push(b't');
        }
        out.extend(b"\x89ccollections\nOrderedDict\n)RtR");
    }
    out.push(b'u');
    if dictionary.is_some() {
        out.push(b'u');
    }
    out.push(b'.');
    out
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.push(b'X');
    out.extend((text.len() as u32).to_le_bytes());
    out.extend(text.bytes());
}

fn int(out: &mut Vec<u8>, value: i32) {
    out.push(b'J');
    out.extend(value.to_le_bytes());
}

/// A zip archive of uncompressed entries, without check sums.
fn zip(entries: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut directory = Vec::new();
    for (name, data) in entries {
        let offset = file.len() as u32;
        let size = (data.len() as u32).to_le_bytes();
        let n_name = (name.len() as u16).to_le_bytes();
        // Version, flags, method, time, date, check sum, two sizes, lengths of name and extra field.
        let head = [&[0; 14][..], &size, &size, &n_name, &[0; 2]].concat();
        file.extend([b"PK\x03\x04", &head[..], name.as_bytes(), data].concat());
        directory.extend(
            [
                b"PK\x01\x02\0\0",
                &head[..],
                &[0; 10],
                &offset.to_le_bytes(),
                name.as_bytes(),
            ]
            .concat(),
        );
    }
    let (start, size) = (file.len() as u32, directory.len() as u32);
    let n = (entries.len() as u16).to_le_bytes();
    file.extend(directory);
    file.extend([b"PK\x05\x06", &[0; 4][..], &n, &n].concat());
    file.extend([&size.to_le_bytes()[..], &start.to_le_bytes(), &[0; 2]].concat());
    file
}
