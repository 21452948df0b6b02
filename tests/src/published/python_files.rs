//! NumPy's files and Python 2's pickles, byte for byte as those programs write them.

/// `numpy.save` of a list of texts: `<U…`, UTF-32, little-endian, filled up with zeros (format 1.0, header filled up to 64 bytes).
pub fn npy_texts(texts: &[String]) -> Vec<u8> {
    let width = texts
        .iter()
        .map(|text| text.chars().count())
        .max()
        .unwrap_or(1);
    let mut data = Vec::new();
    for text in texts {
        let letters = text.chars().chain(std::iter::repeat('\0')).take(width);
        data.extend(letters.flat_map(|letter| (letter as u32).to_le_bytes()));
    }
    npy(&format!("<U{width}"), &format!("({},)", texts.len()), &data)
}

/// `numpy.save` of rows of labels as float64.
pub fn npy_floats(rows: &[Vec<u32>], n_columns: usize) -> Vec<u8> {
    let cells = cells(rows, n_columns).flat_map(|is_set| f64::from(u8::from(is_set)).to_le_bytes());
    npy(
        "<f8",
        &format!("({}, {n_columns})", rows.len()),
        &cells.collect::<Vec<u8>>(),
    )
}

/// `numpy.save` of rows of labels as bool.
pub fn npy_bools(rows: &[Vec<u32>], n_columns: usize) -> Vec<u8> {
    let cells = cells(rows, n_columns).map(u8::from);
    npy(
        "|b1",
        &format!("({}, {n_columns})", rows.len()),
        &cells.collect::<Vec<u8>>(),
    )
}

fn cells(rows: &[Vec<u32>], n_columns: usize) -> impl Iterator<Item = bool> {
    rows.iter()
        .flat_map(move |row| (0..n_columns as u32).map(|column| row.contains(&column)))
}

fn npy(cell: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let mut header = format!("{{'descr': '{cell}', 'fortran_order': False, 'shape': {shape}, }}");
    while !(header.len() + 11).is_multiple_of(64) {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

/// `cPickle.dump(list of str)` of Python 2, protocol 0: `(lp1\nS'TR…'\np2\na…`.
pub fn pickle_of_texts(texts: &[String]) -> String {
    let mut pickle = "(lp1\n".to_owned();
    for (text, place) in texts.iter().zip(2..) {
        pickle += &format!("S'{text}'\np{place}\na");
    }
    pickle + "."
}

/// `cPickle.dump({id: float64 array of shape (n, 1)})` of Python 2, protocol 0. The second array names function and type by what was
/// remembered of the first, as Python does.
pub fn pickle_of_vectors(vectors: &[(String, Vec<u32>)], n: usize) -> String {
    let mut pickle = "(dp1\n".to_owned();
    for (at, (id, row)) in vectors.iter().enumerate() {
        let place = 100 + 10 * at;
        pickle += &format!("S'{id}'\np{place}\n");
        pickle += if at == 0 {
            "cnumpy.core.multiarray\n_reconstruct\np2\n(cnumpy\nndarray\np3\n(I0\ntp4\nS'b'\np5\ntp6\n"
        } else {
            "g2\n(g3\n(I0\ntS'b'\nt"
        };
        pickle += &format!("Rp{}\n(I1\n(I{n}\nI1\nt", place + 1);
        pickle += if at == 0 {
            "cnumpy\ndtype\np7\n(S'f8'\np8\nI0\nI1\ntp9\nRp10\n(I3\nS'<'\np11\nNNNI-1\nI-1\nI0\ntp12\nb"
        } else {
            "g10\n"
        };
        pickle += "I00\nS'";
        for column in 0..n as u32 {
            pickle += if row.contains(&column) {
                "\\x00\\x00\\x00\\x00\\x00\\x00\\xf0?"
            } else {
                "\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00"
            };
        }
        pickle += "'\ntbs";
    }
    pickle + "."
}

/// A pickle that would run a command if Python loaded it, and then be a list.
pub fn pickle_that_calls(command: &str) -> String {
    format!("(lp1\ncos\nsystem\n(S'{command}'\ntR0.")
}
