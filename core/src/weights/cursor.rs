//! Reading the bytes of a file one after the other, without ever passing its end.
//!
//! Every reader of untrusted bytes in this module goes through here, so that a file that was cut off or made up ends in a
//! [`Fault`] that says where, and a length that a file declares is held against what is left before anything is made of it.

use std::ops::Range;

/// What is wrong with a file, and at which byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Offset in the file.
    pub(crate) at: usize,
    /// In words, with the mend where there is one.
    pub(crate) what: String,
}

impl Fault {
    pub(super) fn new(at: usize, what: impl Into<String>) -> Self {
        Self {
            at,
            what: what.into(),
        }
    }
}

/// A position in a file's bytes. Numbers are little-endian.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    /// At byte `at`; a position behind the end reads nothing.
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    /// Where the next byte is.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Where the next `n` bytes lie; steps over them. `what` they are is for the error.
    pub(super) fn range(&mut self, n: usize, what: &str) -> Result<Range<usize>, Fault> {
        let left = self.bytes.len().saturating_sub(self.at);
        if n > left {
            let why = format!("the file ends within {what} ({n} bytes declared, {left} left)");
            return Err(Fault::new(self.at, why));
        }
        let range = self.at..self.at + n;
        self.at = range.end;
        Ok(range)
    }

    /// As [`Cursor::range`], for a length as files declare it.
    pub(super) fn long_range(&mut self, n: u64, what: &str) -> Result<Range<usize>, Fault> {
        // A length that does not fit into memory does not fit into the file either.
        self.range(usize::try_from(n).unwrap_or(usize::MAX), what)
    }

    /// The next `N` bytes.
    pub(super) fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], Fault> {
        let range = self.range(N, what)?;
        let mut array = [0; N];
        array.copy_from_slice(&self.bytes[range]);
        Ok(array)
    }

    pub(super) fn u8(&mut self, what: &str) -> Result<u8, Fault> {
        Ok(self.array::<1>(what)?[0])
    }

    pub(super) fn u16(&mut self, what: &str) -> Result<u16, Fault> {
        Ok(u16::from_le_bytes(self.array(what)?))
    }

    pub(super) fn u32(&mut self, what: &str) -> Result<u32, Fault> {
        Ok(u32::from_le_bytes(self.array(what)?))
    }

    pub(super) fn u64(&mut self, what: &str) -> Result<u64, Fault> {
        Ok(u64::from_le_bytes(self.array(what)?))
    }

    /// Where the text up to the next newline lies; steps over the newline as well.
    pub(super) fn line(&mut self, what: &str) -> Result<Range<usize>, Fault> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let Some(n) = rest.iter().position(|&byte| byte == b'\n') else {
            return Err(Fault::new(self.at, format!("the file ends within {what}")));
        };
        let range = self.at..self.at + n;
        self.at = range.end + 1;
        Ok(range)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_read_behind_the_end() {
        let mut cursor = Cursor::new(&[1, 2, 3, b'\n', 5], 0);
        assert_eq!(cursor.u16("a number").unwrap(), 0x0201);
        assert_eq!(cursor.line("a line").unwrap(), 2..3);
        let fault = cursor.u32("a size").unwrap_err();
        assert_eq!(fault.at, 4);
        assert!(fault.what.contains("a size"), "{fault:?}");
        assert!(cursor.long_range(u64::MAX, "data").is_err());
        assert!(cursor.line("a line").is_err());
        assert!(Cursor::new(&[], 7).u8("a byte").is_err());
    }
}
