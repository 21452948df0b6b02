//! What a pickle's calls and names mean: storages, tensors, parameters.

use super::Storages;
use crate::weights::cursor::Fault;
use crate::weights::pickle::{Id, Pickle, Value};
use crate::weights::stored::{Entry, MOST_DIMENSIONS, Stored, View, item_bytes};
use safetensors::Dtype;

/// How often a parameter may be wrapped in another.
const MOST_WRAPPERS: usize = 4;

/// A storage as the pickle names it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct StorageName<'a> {
    pub(super) key: &'a str,
    /// Type of its elements; `Err` with the class for types that are not read, bytes for an untyped storage.
    pub(super) dtype: Result<Dtype, &'a str>,
    /// Of the whole storage.
    pub(super) n_elements: usize,
    /// The part of it that is meant, in elements (only in files before PyTorch 0.4).
    part: Option<(usize, usize)>,
}

/// The storage that a persistent id names: `('storage', class, key, location, n[, (view key, offset, n)])`.
///
/// `None` if it is something else, such as the source code of a module.
pub(super) fn storage_name<'a>(pickle: &Pickle<'a>, id: Id) -> Option<StorageName<'a>> {
    let parts = pickle.tuple(id)?;
    let [tag, class, key, _location, n, rest @ ..] = parts else {
        return None;
    };
    if pickle.text(*tag)? != "storage" {
        return None;
    }
    let (_, class) = pickle.global(*class)?;
    let part = match rest.first().and_then(|&view| pickle.tuple(view)) {
        Some([_, offset, n]) => Some((pickle.count(*offset)?, pickle.count(*n)?)),
        _ => None,
    };
    Some(StorageName {
        key: pickle.text(*key)?,
        dtype: dtype_of_class(class).ok_or(class),
        n_elements: pickle.count(*n)?,
        part,
    })
}

fn dtype_of_class(class: &str) -> Option<Dtype> {
    Some(match class {
        "DoubleStorage" => Dtype::F64,
        "FloatStorage" => Dtype::F32,
        "HalfStorage" => Dtype::F16,
        "BFloat16Storage" => Dtype::BF16,
        "LongStorage" => Dtype::I64,
        "IntStorage" => Dtype::I32,
        "ShortStorage" => Dtype::I16,
        "CharStorage" => Dtype::I8,
        "ByteStorage" | "UntypedStorage" => Dtype::U8,
        "BoolStorage" => Dtype::BOOL,
        _ => return None,
    })
}

/// The type of a tensor whose storage has none (`_rebuild_tensor_v3`).
fn dtype_of_name(name: &str) -> Option<Dtype> {
    Some(match name {
        "float64" => Dtype::F64,
        "float32" => Dtype::F32,
        "float16" => Dtype::F16,
        "bfloat16" => Dtype::BF16,
        "int64" => Dtype::I64,
        "int32" => Dtype::I32,
        "int16" => Dtype::I16,
        "int8" => Dtype::I8,
        "uint8" => Dtype::U8,
        "uint16" => Dtype::U16,
        "uint32" => Dtype::U32,
        "uint64" => Dtype::U64,
        "bool" => Dtype::BOOL,
        _ => return None,
    })
}

/// The arguments of the call that makes a tensor, and the name of the function; `None` if the value is no tensor.
fn tensor_call<'p>(pickle: &'p Pickle<'_>, mut id: Id) -> Option<(&'p str, &'p [Id])> {
    for _ in 0..MOST_WRAPPERS {
        let Value::Call {
            function,
            arguments,
            ..
        } = pickle.value(id)
        else {
            return None;
        };
        let (module, name) = pickle.global(*function)?;
        if module != "torch._utils" {
            return None;
        }
        let arguments = pickle.tuple(*arguments)?;
        match name {
            "_rebuild_parameter" | "_rebuild_parameter_with_state" => id = *arguments.first()?,
            "_rebuild_tensor" | "_rebuild_tensor_v2" | "_rebuild_tensor_v3" => {
                return Some((name, arguments));
            }
            _ => return None,
        }
    }
    None
}

/// Whether a value is a tensor or a parameter.
pub(super) fn is_tensor(pickle: &Pickle<'_>, id: Id) -> bool {
    tensor_call(pickle, id).is_some()
}

/// The tensor that a value stands for; `at` is the place of its key.
pub(super) fn tensor(
    pickle: &Pickle<'_>,
    (name, id): (&str, Id),
    at: usize,
    storages: &Storages,
) -> Result<Stored, Fault> {
    let fault = |why: &str| Fault::new(at, format!("tensor {name:?} {why}"));
    let (function, arguments) = tensor_call(pickle, id).ok_or_else(|| fault("is none"))?;
    let &[storage, offset, shape, strides, ..] = arguments else {
        return Err(fault("has too few arguments"));
    };
    let storage = match pickle.value(storage) {
        Value::Persistent(id) => storage_name(pickle, *id),
        _ => None,
    };
    let storage = storage.ok_or_else(|| fault("has no storage"))?;
    let stored_as = storage.dtype.map_err(|class| {
        fault(&format!(
            "lies in a {class}, which Attune cannot read: convert it to float32 in PyTorch"
        ))
    })?;
    let dtype = if function == "_rebuild_tensor_v3" {
        let dtype = arguments.get(6).and_then(|&dtype| pickle.global(dtype));
        dtype
            .and_then(|(_, name)| dtype_of_name(name))
            .ok_or_else(|| fault("is of an unknown type"))?
    } else {
        stored_as
    };
    let numbers = |id: Id| -> Option<Vec<usize>> {
        let items = pickle.tuple(id)?;
        if items.len() > MOST_DIMENSIONS {
            return None;
        }
        items.iter().map(|&item| pickle.count(item)).collect()
    };
    let shape = numbers(shape).ok_or_else(|| fault("has no readable shape"))?;
    let strides = numbers(strides).ok_or_else(|| fault("has no readable strides"))?;
    let offset = pickle.count(offset);
    let offset = offset.ok_or_else(|| fault("has no readable offset"))?;

    let all = storages.get(storage.key);
    let all = all.ok_or_else(|| {
        fault(&format!(
            "lies in storage {:?}, which is missing",
            storage.key
        ))
    })?;
    let item = item_bytes(stored_as).unwrap_or(1);
    let range = match storage.part {
        None => all.clone(),
        Some((first, n)) => first
            .checked_mul(item)
            .zip(n.checked_mul(item))
            .and_then(|(first, n)| {
                let start = all.start.checked_add(first)?;
                Some(start..start.checked_add(n)?)
            })
            .filter(|part| part.end <= all.end)
            .ok_or_else(|| fault("lies in a part of a storage that reaches out of it"))?,
    };
    let entry = Entry {
        name: name.to_owned(),
        dtype,
        shape,
    };
    let view = View {
        storage: range,
        offset,
        strides,
    };
    Stored::new(entry, view).map_err(|why| Fault::new(at, why))
}

/// The length in bytes that the pickle declares for a storage. Fails if it is longer than the whole file.
pub(super) fn declared_bytes(
    storage: &StorageName<'_>,
    file: &[u8],
    at: usize,
) -> Result<usize, Fault> {
    let item = storage.dtype.ok().and_then(item_bytes).unwrap_or(1);
    storage
        .n_elements
        .checked_mul(item)
        .filter(|&n| n <= file.len())
        .ok_or_else(|| {
            let (key, n) = (storage.key, storage.n_elements);
            let why = format!(
                "storage {key:?} is declared with {n} elements of {item} bytes, more than the file has"
            );
            Fault::new(at, why)
        })
}
