//! The table of contents of a zip archive, as far as `torch.save` needs it.
//!
//! PyTorch stores its entries uncompressed, so that an entry is a range of the file and nothing has to be unpacked; that is why
//! this is an own reader of the central directory (zip64 included) and no dependency. A compressed entry is refused by name.
//! Check sums are not looked at: PyTorch itself may leave them out (`set_crc32_options`).

use super::cursor::{Cursor, Fault};
use std::collections::BTreeMap;
use std::ops::Range;

/// How a zip archive begins.
pub(super) const MAGIC: &[u8] = b"PK\x03\x04";

const LOCAL_HEADER: u32 = 0x0403_4b50;
const DIRECTORY_ENTRY: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
const END_64: u32 = 0x0606_4b50;
const END_64_LOCATOR: u32 = 0x0706_4b50;

/// Length of the end record without its comment, of the locator before it, of a directory entry without its texts.
const END_BYTES: usize = 22;
const LOCATOR_BYTES: usize = 20;
const DIRECTORY_ENTRY_BYTES: usize = 46;

/// Where each entry's content lies in the file.
pub(super) type Entries = BTreeMap<String, Range<usize>>;

/// Reads the central directory.
pub(super) fn entries(bytes: &[u8]) -> Result<Entries, Fault> {
    let end = find_end(bytes)?;
    let directory = read_end(bytes, end)?;
    if directory.n_entries > (bytes.len() / DIRECTORY_ENTRY_BYTES) as u64 {
        let why = format!(
            "{} entries declared, more than the file can hold",
            directory.n_entries
        );
        return Err(Fault::new(end, why));
    }
    let start = usize::try_from(directory.offset).unwrap_or(usize::MAX);
    let mut cursor = Cursor::new(bytes, start);
    let mut entries = Entries::new();
    for _ in 0..directory.n_entries {
        let at = cursor.at();
        let (name, range) = read_entry(bytes, &mut cursor)?;
        if entries.contains_key(&name) {
            return Err(Fault::new(at, format!("entry {name:?} is there twice")));
        }
        entries.insert(name, range);
    }
    Ok(entries)
}

/// The end record: the last one whose comment reaches exactly to the end of the file.
fn find_end(bytes: &[u8]) -> Result<usize, Fault> {
    let last = bytes.len().saturating_sub(END_BYTES);
    let first = last.saturating_sub(usize::from(u16::MAX));
    let is_end = |at: usize| {
        let mut cursor = Cursor::new(bytes, at);
        let mut comment = Cursor::new(bytes, at + END_BYTES - 2);
        cursor.u32("").is_ok_and(|signature| signature == END)
            && comment
                .u16("")
                .is_ok_and(|n| at + END_BYTES + usize::from(n) == bytes.len())
    };
    (first..=last).rev().find(|&at| is_end(at)).ok_or_else(|| {
        Fault::new(
            bytes.len(),
            "the zip archive has no end: the file was cut off, copy or download it again",
        )
    })
}

struct Directory {
    n_entries: u64,
    offset: u64,
}

fn read_end(bytes: &[u8], end: usize) -> Result<Directory, Fault> {
    let what = "the end of the zip archive";
    if let Some(at) = end.checked_sub(LOCATOR_BYTES) {
        let mut locator = Cursor::new(bytes, at);
        if locator.u32(what)? == END_64_LOCATOR {
            locator.u32(what)?;
            let at = usize::try_from(locator.u64(what)?).unwrap_or(usize::MAX);
            let mut cursor = Cursor::new(bytes, at);
            if cursor.u32(what)? != END_64 {
                return Err(Fault::new(at, "no zip64 end record where there should be"));
            }
            // Its own size, two versions, two numbers of disks, entries on this disk.
            cursor.range(8 + 2 + 2 + 4 + 4 + 8, what)?;
            let n_entries = cursor.u64(what)?;
            cursor.u64(what)?;
            return Ok(Directory {
                n_entries,
                offset: cursor.u64(what)?,
            });
        }
    }
    let mut cursor = Cursor::new(bytes, end);
    // Signature, two numbers of disks, entries on this disk.
    cursor.range(4 + 2 + 2 + 2, what)?;
    let n_entries = u64::from(cursor.u16(what)?);
    cursor.u32(what)?;
    Ok(Directory {
        n_entries,
        offset: u64::from(cursor.u32(what)?),
    })
}

fn read_entry(bytes: &[u8], cursor: &mut Cursor<'_>) -> Result<(String, Range<usize>), Fault> {
    let what = "the zip archive's directory";
    let at = cursor.at();
    if cursor.u32(what)? != DIRECTORY_ENTRY {
        return Err(Fault::new(at, "no entry of the zip archive's directory"));
    }
    cursor.u32(what)?;
    let flags = cursor.u16(what)?;
    let method = cursor.u16(what)?;
    // Time, date, check sum.
    cursor.range(2 + 2 + 4, what)?;
    let packed = cursor.u32(what)?;
    let size = cursor.u32(what)?;
    let [n_name, n_extra, n_comment] = [cursor.u16(what)?, cursor.u16(what)?, cursor.u16(what)?];
    // Disk, two kinds of attributes.
    cursor.range(2 + 2 + 4, what)?;
    let offset = cursor.u32(what)?;
    let name = cursor.range(usize::from(n_name), what)?;
    let name = std::str::from_utf8(&bytes[name])
        .map_err(|_invalid| Fault::new(at, "the name of an entry is not UTF-8"))?
        .to_owned();
    let extra = cursor.range(usize::from(n_extra), what)?;
    cursor.range(usize::from(n_comment), what)?;

    let [size, packed, offset] = widen(bytes, extra, [size, packed, offset])?;
    if flags & 1 != 0 {
        return Err(Fault::new(at, format!("entry {name:?} is encrypted")));
    }
    if method != 0 || packed != size {
        let why = format!(
            "entry {name:?} is compressed, which torch.save never does: pack it without compression (zip -0)"
        );
        return Err(Fault::new(at, why));
    }
    Ok((name, content(bytes, offset, size)?))
}

/// What does not fit into 32 bits stands in the extra field: each of these that is all ones, in this order.
fn widen(bytes: &[u8], extra: Range<usize>, narrow: [u32; 3]) -> Result<[u64; 3], Fault> {
    let what = "an extra field of the zip archive";
    let mut wide = narrow.map(u64::from);
    let mut fields = Cursor::new(&bytes[..extra.end], extra.start);
    // Fewer than four bytes at the end are padding.
    while extra.end - fields.at() >= 4 {
        let kind = fields.u16(what)?;
        let n = usize::from(fields.u16(what)?);
        let field = fields.range(n, what)?;
        if kind == 1 {
            let mut values = Cursor::new(&bytes[..field.end], field.start);
            for (wide, narrow) in wide.iter_mut().zip(narrow) {
                if narrow == u32::MAX {
                    *wide = values.u64(what)?;
                }
            }
        }
    }
    Ok(wide)
}

/// Where an entry's content lies: behind its local header, whose texts may have other lengths than in the directory.
fn content(bytes: &[u8], offset: u64, size: u64) -> Result<Range<usize>, Fault> {
    let what = "an entry of the zip archive";
    let at = usize::try_from(offset).unwrap_or(usize::MAX);
    let mut cursor = Cursor::new(bytes, at);
    if cursor.u32(what)? != LOCAL_HEADER {
        return Err(Fault::new(
            at,
            "no entry where the zip archive's directory says",
        ));
    }
    // Versions to sizes.
    cursor.range(2 + 2 + 2 + 2 + 2 + 4 + 4 + 4, what)?;
    let n_name = usize::from(cursor.u16(what)?);
    let n_extra = usize::from(cursor.u16(what)?);
    cursor.range(n_name + n_extra, what)?;
    cursor.long_range(size, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A zip64 archive with one entry `a` that holds `data`, its directory entry saying `method`.
    fn zip64(data: &[u8], method: u16) -> Vec<u8> {
        let mut file = Vec::new();
        let mut put = |parts: &[&[u8]]| file.extend(parts.concat());
        put(&[
            MAGIC,
            &[0; 22],
            &1u16.to_le_bytes(),
            &0u16.to_le_bytes(),
            b"a",
            data,
        ]);
        let directory = 31 + data.len() as u64;
        let sizes = [data.len() as u64, data.len() as u64].map(u64::to_le_bytes);
        put(&[
            &DIRECTORY_ENTRY.to_le_bytes(),
            &[0; 6],
            &method.to_le_bytes(),
            &[0; 8],
            &[255; 8],
            &1u16.to_le_bytes(),
            &20u16.to_le_bytes(),
            &[0; 10],
            &[0; 4],
            b"a",
            &1u16.to_le_bytes(),
            &16u16.to_le_bytes(),
            &sizes.concat(),
        ]);
        let end = directory + 46 + 1 + 20;
        put(&[
            &END_64.to_le_bytes(),
            &[0; 28],
            &1u64.to_le_bytes(),
            &[0; 8],
            &directory.to_le_bytes(),
            &END_64_LOCATOR.to_le_bytes(),
            &[0; 4],
            &end.to_le_bytes(),
            &[0; 4],
            &END.to_le_bytes(),
            &[255; 16],
            &[0; 2],
        ]);
        file
    }

    #[test]
    fn sizes_of_64_bits_are_found() {
        let file = zip64(b"hello", 0);
        let entries = entries(&file).unwrap();
        assert_eq!(&file[entries["a"].clone()], b"hello");
    }

    #[test]
    fn a_compressed_entry_is_refused_by_name() {
        let fault = entries(&zip64(b"hello", 8)).unwrap_err();
        assert!(fault.what.contains("\"a\" is compressed"), "{fault:?}");
    }

    #[test]
    fn an_archive_that_was_cut_off_says_so_at_every_length() {
        let file = zip64(b"hello", 0);
        for n in 0..file.len() {
            assert!(entries(&file[..n]).is_err(), "{n} bytes");
        }
    }
}
