//! Annotations in Python's pickles: lists of texts, and dictionaries from texts to texts or to rows of labels.
//!
//! The machine of [`crate::weights`] reads them as data and calls nothing. A pickle that names anything but what lists, dictionaries and
//! NumPy's arrays are made of is refused whole, so that a file that is meant to do something is told of and not half read.

use super::Error;
use super::array::{Array, CellType};
use crate::weights::pickle::{Id, Pickle, Value, read_at_most};
use std::path::Path;

/// The most instructions: the largest published file (an array each for 240,000 recordings) has under eight million.
const MOST_OPCODES: usize = 16_000_000;

/// What may be named: how NumPy's arrays and Python 3's bytes are made again.
const HARMLESS: [(&str, &str); 8] = [
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy.core.multiarray", "scalar"),
    ("numpy._core.multiarray", "scalar"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("_codecs", "encode"),
    ("collections", "OrderedDict"),
];

/// A list of texts.
pub(super) fn texts(path: &Path) -> Result<Vec<String>, Error> {
    read(path, |pickle| {
        let Value::List(items) = pickle.value(pickle.root()) else {
            let kind = pickle.kind(pickle.root());
            return Err(format!("a list was expected, not {kind}"));
        };
        items.iter().map(|&item| text(pickle, item)).collect()
    })
}

/// A dictionary from texts to texts, or to numbers, which come as texts.
pub(super) fn text_by_text(path: &Path) -> Result<Vec<(String, String)>, Error> {
    read(path, |pickle| {
        let entries = entries(pickle)?.iter();
        let pairs = entries.map(|&(key, value)| Ok((text(pickle, key)?, text(pickle, value)?)));
        pairs.collect()
    })
}

/// The columns that hold 1, by text, and how many columns there are.
pub(super) struct LabelRows {
    /// By text, in the order of the file.
    pub(super) rows: Vec<(String, Vec<u32>)>,
    /// How many columns each row has.
    pub(super) n_columns: usize,
}

/// A dictionary from texts to rows (or columns) of labels. Fails if they differ in length.
pub(super) fn label_rows(path: &Path) -> Result<LabelRows, Error> {
    read(path, |pickle| {
        let mut n_columns = None;
        let mut rows = Vec::new();
        for &(key, value) in entries(pickle)? {
            let id = text(pickle, key)?;
            let array = array(pickle, value).map_err(|why| format!("of {id}: {why}"))?;
            let n = array.shape().iter().product();
            if *n_columns.get_or_insert(n) != n {
                return Err(format!(
                    "{id} has {n} labels, those before it another number"
                ));
            }
            let row = array.flat().positives(0);
            rows.push((id, row?));
        }
        Ok(LabelRows {
            rows,
            n_columns: n_columns.unwrap_or(0),
        })
    })
}

fn read<T>(path: &Path, take: impl FnOnce(&Pickle<'_>) -> Result<T, String>) -> Result<T, Error> {
    let bytes = std::fs::read(path).map_err(Error::io("read", path))?;
    parse(&bytes, take).map_err(|problem| Error::BadFile {
        problem,
        mend: "copy or download it again from where it was published".into(),
        file: path.to_path_buf(),
    })
}

fn parse<T>(
    bytes: &[u8],
    take: impl FnOnce(&Pickle<'_>) -> Result<T, String>,
) -> Result<T, String> {
    let pickle = read_at_most(bytes, 0, MOST_OPCODES).map_err(|fault| {
        format!(
            "the pickle cannot be read: {} (at byte {})",
            fault.what, fault.at
        )
    })?;
    for value in pickle.values() {
        let Value::Global { module, name } = value else {
            continue;
        };
        let named = pickle.text(*module).zip(pickle.text(*name));
        if !named.is_some_and(|named| HARMLESS.contains(&named)) {
            let (module, name) = named.unwrap_or(("?", "?"));
            return Err(format!(
                "the pickle names {module}.{name}, which annotations have no use for; it was not called, and the file is not read"
            ));
        }
    }
    take(&pickle)
}

fn entries<'p>(pickle: &'p Pickle<'_>) -> Result<&'p [(Id, Id)], String> {
    pickle.dict(pickle.root()).ok_or_else(|| {
        let kind = pickle.kind(pickle.root());
        format!("a dictionary was expected, not {kind}")
    })
}

fn text(pickle: &Pickle<'_>, id: Id) -> Result<String, String> {
    if let Value::Int(number) = pickle.value(id) {
        return Ok(number.to_string());
    }
    let raw =
        bytes(pickle, id).ok_or_else(|| format!("a text was expected, not {}", pickle.kind(id)))?;
    String::from_utf8(raw).map_err(|_unreadable| "a text that is not UTF-8".to_owned())
}

/// Bytes, as Python 2 and 3 write them: Python 3 has protocol 2 encode a text that stands for them.
fn bytes(pickle: &Pickle<'_>, id: Id) -> Option<Vec<u8>> {
    if let Some(raw) = pickle.raw(id) {
        return Some(raw.to_vec());
    }
    let Value::Call {
        function,
        arguments,
        ..
    } = pickle.value(id)
    else {
        return None;
    };
    if pickle.global(*function)? != ("_codecs", "encode") {
        return None;
    }
    let [text, encoding] = pickle.tuple(*arguments)? else {
        return None;
    };
    let encoding = pickle.raw(*encoding)?;
    if encoding != b"latin1" {
        return None;
    }
    let text = std::str::from_utf8(pickle.raw(*text)?).ok()?;
    text.chars()
        .map(|letter| u8::try_from(letter).ok())
        .collect()
}

fn array(pickle: &Pickle<'_>, id: Id) -> Result<Array, String> {
    let unknown = || format!("a NumPy array was expected, not {}", pickle.kind(id));
    let Value::Call {
        function,
        state: Some(state),
        ..
    } = pickle.value(id)
    else {
        return Err(unknown());
    };
    let is_array = pickle
        .global(*function)
        .is_some_and(|(_, name)| name == "_reconstruct");
    let Some([_, shape, cell, is_fortran, data]) = pickle.tuple(*state) else {
        return Err(unknown());
    };
    let lengths = pickle
        .tuple(*shape)
        .filter(|_| is_array)
        .ok_or_else(unknown)?;
    let lengths = lengths.iter().map(|&length| pickle.count(length));
    let shape: Vec<usize> = lengths.collect::<Option<_>>().ok_or_else(unknown)?;
    let cell =
        cell_type(pickle, *cell).ok_or_else(|| "an array that holds no numbers".to_owned())?;
    let is_fortran = matches!(pickle.value(*is_fortran), Value::Bool(true) | Value::Int(1));
    let data = bytes(pickle, *data).ok_or_else(|| "an array that holds no numbers".to_owned())?;
    Array::new(cell, shape, is_fortran, data)
}

fn cell_type(pickle: &Pickle<'_>, id: Id) -> Option<CellType> {
    let Value::Call {
        function,
        arguments,
        state,
    } = pickle.value(id)
    else {
        return None;
    };
    if pickle.global(*function)? != ("numpy", "dtype") {
        return None;
    }
    let name = pickle.raw(*pickle.tuple(*arguments)?.first()?)?;
    let cell = CellType::parse(std::str::from_utf8(name).ok()?)?;
    let order = state.and_then(|state| pickle.raw(*pickle.tuple(state)?.get(1)?));
    Some(
        order
            .and_then(|order| std::str::from_utf8(order).ok())
            .map_or(cell, |order| cell.ordered(order)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What Python 2 writes for `{'TR1': numpy.array([[0.], [1.]])}` (protocol 0).
    const DICT: &[u8] = b"(dp1\nS'TR1'\np2\ncnumpy.core.multiarray\n_reconstruct\np3\n(cnumpy\nndarray\np4\n(I0\ntp5\nS'b'\np6\ntp7\nRp8\n(I1\n(I2\nI1\ntp9\ncnumpy\ndtype\np10\n(S'f8'\np11\nI0\nI1\ntp12\nRp13\n(I3\nS'<'\np14\nNNNI-1\nI-1\nI0\ntp15\nbI00\nS'\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\xf0?'\np16\ntp17\nbs.";

    fn rows(bytes: &[u8]) -> Result<Vec<(String, Vec<u32>)>, String> {
        parse(bytes, |pickle| {
            entries(pickle)?
                .iter()
                .map(|&(key, value)| {
                    Ok((
                        text(pickle, key)?,
                        array(pickle, value)?.flat().positives(0)?,
                    ))
                })
                .collect()
        })
    }

    #[test]
    fn an_array_of_python_2_is_read() {
        assert_eq!(rows(DICT), Ok(vec![("TR1".to_owned(), vec![1])]));
    }

    #[test]
    fn a_pickle_that_names_a_function_is_refused_by_name() {
        for pickle in [
            &b"cos\nsystem\n(S'touch /tmp/x'\ntR."[..],
            b"(lp0\nS'TR1'\na(ios\nsystem\n0.",
            b"(S'touch x'\nios\nsystem\n.",
            b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x01x\x85R.",
            b"(lp0\ncos\nsystem\n(S'true'\ntR0.",
            b"cos\nsystem\n(S'x'\ntR.",
        ] {
            let problem = parse(pickle, |_| Ok(())).unwrap_err();
            assert!(
                problem.contains("names os.system") && problem.contains("was not called"),
                "{problem}"
            );
        }
    }

    proptest! {
        #[test]
        fn nothing_a_pickle_holds_makes_the_reader_panic(
            cut in 0usize..400, at in 0usize..400, byte in any::<u8>()
        ) {
            let mut bytes = DICT.to_vec();
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
            bytes.truncate(cut);
            drop(rows(&bytes));
        }

        #[test]
        fn nor_do_random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            drop(rows(&bytes));
        }
    }
}
