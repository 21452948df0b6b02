//! Tables of numbers and texts as NumPy keeps them, whether in a file of its own or within a pickle.
//!
//! Bytes stay as they are until a cell is asked for. What a header declares is held against the bytes that are there before anything is
//! made of it.

/// What the cells are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Bool,
    Int,
    Unsigned,
    Float,
    /// Code points of four bytes, filled up with zeros.
    Unicode,
    /// Bytes, filled up with zeros.
    Bytes,
}

/// NumPy's name of a cell: `<f8`, `|b1`, `<U18`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CellType {
    kind: Kind,
    /// Of one cell.
    n_bytes: usize,
    is_big_endian: bool,
}

impl CellType {
    /// Reads NumPy's name; `None` for what Attune does not know: objects, dates, records, complex numbers.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let (order, rest) = match name.as_bytes().first()? {
            b'<' | b'>' | b'|' | b'=' => name.split_at(1),
            _ => ("<", name),
        };
        let mut letters = rest.chars();
        let kind = letters.next()?;
        let n: usize = letters.as_str().parse().ok()?;
        let (kind, n_bytes, fits) = match kind {
            'b' => (Kind::Bool, n, n == 1),
            'i' => (Kind::Int, n, matches!(n, 1 | 2 | 4 | 8)),
            'u' => (Kind::Unsigned, n, matches!(n, 1 | 2 | 4 | 8)),
            'f' => (Kind::Float, n, matches!(n, 4 | 8)),
            'U' => (Kind::Unicode, n.checked_mul(4)?, true),
            'S' | 'a' => (Kind::Bytes, n, true),
            _ => return None,
        };
        fits.then_some(Self {
            kind,
            n_bytes,
            is_big_endian: order == ">",
        })
    }

    /// The same with another byte order, as a pickle states it apart from the name.
    pub(super) fn ordered(self, order: &str) -> Self {
        Self {
            is_big_endian: order == ">",
            ..self
        }
    }
}

/// An array whose shape and bytes agree.
#[derive(Clone, Debug)]
pub(super) struct Array {
    cell: CellType,
    shape: Vec<usize>,
    /// How many cells a row has.
    n_columns: usize,
    is_fortran: bool,
    data: Vec<u8>,
}

impl Array {
    /// Fails, in words, if shape and bytes do not agree.
    pub(super) fn new(
        cell: CellType,
        shape: Vec<usize>,
        is_fortran: bool,
        data: Vec<u8>,
    ) -> Result<Self, String> {
        let n_cells = shape.iter().try_fold(1usize, |n, &m| n.checked_mul(m));
        let n_bytes = n_cells.and_then(|n| n.checked_mul(cell.n_bytes));
        if n_bytes != Some(data.len()) {
            return Err(format!(
                "a table of shape {shape:?} with {} bytes a cell is declared, {} bytes are there",
                cell.n_bytes,
                data.len()
            ));
        }
        // A cell of no bytes would let a small file declare any number of them.
        if cell.n_bytes == 0 && n_cells.is_some_and(|n| n > 0) {
            return Err("cells of no bytes".into());
        }
        // A table without rows has no bytes, whatever it declares of their length.
        let n_columns = shape
            .iter()
            .skip(1)
            .try_fold(1usize, |n, &m| n.checked_mul(m));
        let n_columns =
            n_columns.ok_or_else(|| format!("a table of shape {shape:?} is declared"))?;
        Ok(Self {
            cell,
            shape,
            n_columns,
            is_fortran,
            data,
        })
    }

    /// The lengths along its axes.
    pub(super) fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The same cells as one row.
    pub(super) fn flat(mut self) -> Self {
        self.n_columns *= self.n_rows();
        self.shape = vec![1, self.n_columns];
        self.is_fortran = false;
        self
    }

    /// The length along the first axis; 1 for a single value.
    pub(super) fn n_rows(&self) -> usize {
        self.shape.first().copied().unwrap_or(1)
    }

    /// How many cells a row has.
    pub(super) fn n_columns(&self) -> usize {
        self.n_columns
    }

    /// Its texts, if it is one row or column of them. Fails, in words, if it is not, or if one is no text.
    pub(super) fn texts(&self) -> Result<Vec<String>, String> {
        if self.n_columns() != 1 {
            return Err(format!("a list was expected, not shape {:?}", self.shape));
        }
        self.data
            .chunks_exact(self.cell.n_bytes.max(1))
            .enumerate()
            .map(|(at, cell)| {
                self.text(cell)
                    .ok_or_else(|| format!("entry {at} is no text"))
            })
            .collect()
    }

    fn text(&self, cell: &[u8]) -> Option<String> {
        match self.cell.kind {
            Kind::Unicode => {
                let mut text = String::new();
                for letter in cell.as_chunks::<4>().0 {
                    let code = if self.cell.is_big_endian {
                        u32::from_be_bytes(*letter)
                    } else {
                        u32::from_le_bytes(*letter)
                    };
                    text.push(char::from_u32(code)?);
                }
                text.truncate(text.trim_end_matches('\0').len());
                Some(text)
            }
            Kind::Bytes => {
                let end = cell
                    .iter()
                    .rposition(|&byte| byte != 0)
                    .map_or(0, |at| at + 1);
                String::from_utf8(cell[..end].to_vec()).ok()
            }
            Kind::Int | Kind::Unsigned => Some(format!("{}", self.number(cell)? as i64)),
            Kind::Bool | Kind::Float => None,
        }
    }

    /// The columns of a row that hold 1; all others hold 0. Fails, in words, if a cell holds anything else.
    pub(super) fn positives(&self, row: usize) -> Result<Vec<u32>, String> {
        let (n_rows, n_columns, width) = (self.n_rows(), self.n_columns(), self.cell.n_bytes);
        let mut found = Vec::new();
        for column in 0..n_columns {
            let at = if self.is_fortran {
                column * n_rows + row
            } else {
                row * n_columns + column
            };
            let cell = self.data.get(at * width..(at + 1) * width);
            let value = cell.and_then(|cell| self.number(cell));
            match value {
                Some(0.0) => {}
                Some(1.0) => found.push(column as u32),
                Some(value) => {
                    return Err(format!(
                        "row {row}, column {column} holds {value}, where only 0 and 1 make sense"
                    ));
                }
                None => return Err(format!("row {row}, column {column} holds no number")),
            }
        }
        Ok(found)
    }

    fn number(&self, cell: &[u8]) -> Option<f64> {
        let mut bytes = [0u8; 8];
        let n = cell.len();
        bytes.get_mut(..n)?.copy_from_slice(cell);
        if self.cell.is_big_endian {
            bytes[..n].reverse();
        }
        let wide = u64::from_le_bytes(bytes);
        Some(match self.cell.kind {
            Kind::Bool => f64::from(u8::from(wide != 0)),
            Kind::Unsigned => wide as f64,
            Kind::Int => {
                let unused = 64 - 8 * n as u32;
                ((wide << unused).cast_signed() >> unused) as f64
            }
            Kind::Float if n == 8 => f64::from_bits(wide),
            Kind::Float => f64::from(f32::from_bits(wide as u32)),
            Kind::Unicode | Kind::Bytes => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(name: &str, shape: &[usize], is_fortran: bool, data: &[u8]) -> Result<Array, String> {
        let cell = CellType::parse(name).unwrap();
        Array::new(cell, shape.to_vec(), is_fortran, data.to_vec())
    }

    #[test]
    fn numbers_of_all_kinds_and_orders_say_which_are_1() {
        let columns = |name: &str, data: &[u8]| {
            let n = data.len() / CellType::parse(name).unwrap().n_bytes;
            array(name, &[1, n], false, data).unwrap().positives(0)
        };
        assert_eq!(columns("|b1", &[0, 1, 1]), Ok(vec![1, 2]));
        assert_eq!(columns("<i8", &[1, 0, 0, 0, 0, 0, 0, 0]), Ok(vec![0]));
        assert_eq!(columns(">i2", &[0, 0, 0, 1]), Ok(vec![1]));
        assert_eq!(columns("<f8", &1f64.to_le_bytes()), Ok(vec![0]));
        assert_eq!(columns(">f4", &1f32.to_be_bytes()), Ok(vec![0]));
        assert!(columns("<i1", &[0xff]).unwrap_err().contains("holds -1"));
        assert!(columns("<f8", &f64::NAN.to_le_bytes()).is_err());
    }

    #[test]
    fn rows_of_columns_laid_out_first_are_found() {
        // [[0, 1, 1], [1, 0, 0]], column after column.
        let array = array("|b1", &[2, 3], true, &[0, 1, 1, 0, 1, 0]).unwrap();
        assert_eq!(array.positives(0), Ok(vec![1, 2]));
        assert_eq!(array.positives(1), Ok(vec![0]));
    }

    #[test]
    fn a_shape_must_be_explained_by_the_bytes() {
        assert!(array("<f8", &[2, 50], false, &[0; 8]).is_err());
        assert!(array("<f8", &[usize::MAX, 2], false, &[0; 8]).is_err());
        assert!(array("<U0", &[1_000_000_000], false, &[]).is_err());
        assert!(array("|b1", &[0, usize::MAX / 2, 3], false, &[]).is_err());
        let empty = array("|b1", &[0, 50], false, &[]).unwrap();
        assert_eq!((empty.n_rows(), empty.n_columns()), (0, 50));
        assert_eq!(empty.flat().positives(0), Ok(Vec::new()));
        assert!(CellType::parse("|O").is_none() && CellType::parse("").is_none());
        assert!(CellType::parse("<U99999999999999999999").is_none());
    }
}
