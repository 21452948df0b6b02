//! Reading a file of JSON lines while it grows: only what was appended, only whole lines.

use serde::de::DeserializeOwned;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// The events of a run, a [`super::Record`] a line.
pub(crate) const FILE: &str = "events.jsonl";

/// So much of a line is told when it could not be understood.
const TOLD: usize = 80;

/// How far a file was read.
#[derive(Clone, Debug, Default)]
pub(super) struct Reader {
    /// Bytes read, up to the end of a line.
    offset: u64,
    /// The beginning of the file, by which another file in its place is noticed.
    head: Vec<u8>,
    /// Length of the file when it was last looked at.
    seen: u64,
}

/// What was appended.
#[derive(Debug)]
pub(super) struct Appended<T> {
    pub(super) values: Vec<T>,
    pub(super) bad_lines: Vec<BadLine>,
}

/// A line that could not be understood.
#[derive(Debug)]
pub(super) struct BadLine {
    /// Its beginning.
    pub(super) text: String,
    pub(super) why: String,
}

impl<T> Default for Appended<T> {
    fn default() -> Self {
        Self {
            values: Vec::new(),
            bad_lines: Vec::new(),
        }
    }
}

impl Reader {
    /// Starts after `offset` bytes, which must be the end of a line.
    pub(super) fn from_offset(offset: u64) -> Self {
        Self {
            offset,
            ..Self::default()
        }
    }

    /// Starts at the end of the file as it is now. Half a line before that is never made up for.
    pub(super) fn at_end(path: &Path) -> io::Result<Self> {
        let mut file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            file => file?,
        };
        let offset = file.metadata()?.len();
        let mut head = vec![0; offset.min(64) as usize];
        file.read_exact(&mut head)?;
        Ok(Self {
            offset,
            head,
            seen: offset,
        })
    }

    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Reads the whole lines appended since; `None` if the file is shorter than what was read, or another one.
    ///
    /// The file is opened anew each time: that is when network file systems ask the server how long it is.
    pub(super) fn read<T: DeserializeOwned>(
        &mut self,
        path: &Path,
    ) -> io::Result<Option<Appended<T>>> {
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok((self.offset == 0).then(Appended::default));
            }
            Err(error) => return Err(error),
        };
        let mut head = vec![0; self.head.len()];
        let length = file.metadata()?.len();
        if length < self.offset || file.read_exact(&mut head).is_err() || head != self.head {
            return Ok(None);
        }
        let mut appended = Appended::default();
        // Half a line is not read again until there is more of it.
        if length == self.seen {
            return Ok(Some(appended));
        }
        self.seen = length;
        file.seek(SeekFrom::Start(self.offset))?;
        let mut bytes = Vec::new();
        file.take(length - self.offset).read_to_end(&mut bytes)?;
        let end = whole_lines(&bytes);
        if self.offset == 0 {
            self.head = bytes[..end.min(64)].to_vec();
        }
        self.offset += end as u64;
        for line in bytes[..end].split(|&byte| byte == b'\n') {
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            match serde_json::from_slice(line) {
                Ok(value) => appended.values.push(value),
                Err(error) => appended.bad_lines.push(BadLine {
                    text: String::from_utf8_lossy(&line[..line.len().min(TOLD)]).into_owned(),
                    why: error.to_string(),
                }),
            }
        }
        Ok(Some(appended))
    }
}

/// The length of the whole lines at the beginning of `bytes`.
pub(super) fn whole_lines(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .rposition(|&byte| byte == b'\n')
        .map_or(0, |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Record;

    const LINE: &str = "{\"at_unix_ms\":1,\"step\":2,\"epoch\":0,\"event\":\"paused\"}\n";

    #[test]
    fn a_line_counts_once_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        let mut reader = Reader::default();
        let mut read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            let appended = reader.read::<Record>(&path).unwrap();
            appended.map(|appended| (appended.values.len(), appended.bad_lines.len()))
        };
        assert_eq!(read(&LINE[..20]), Some((0, 0)));
        assert_eq!(read(&format!("{LINE}{}", &LINE[..30])), Some((1, 0)));
        assert_eq!(read(&format!("{LINE}{LINE}rubbish\n")), Some((1, 1)));
        assert_eq!(read(LINE), None, "the file was cut");
        let another = LINE.replace("\"step\":2", "\"step\":3");
        assert_eq!(read(&another.repeat(9)), None, "another run");
    }

    #[test]
    fn a_missing_file_is_an_empty_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        let appended = Reader::default().read::<Record>(&path).unwrap().unwrap();
        assert!(appended.values.is_empty());
        let read = Reader::from_offset(3).read::<Record>(&path);
        assert!(read.unwrap().is_none());
    }

    #[test]
    fn a_reader_at_the_end_sees_what_comes_after_it_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        std::fs::write(&path, format!("{LINE}{LINE}{{\"half")).unwrap();
        let mut reader = Reader::at_end(&path).unwrap();
        assert!(
            reader
                .read::<Record>(&path)
                .unwrap()
                .unwrap()
                .values
                .is_empty()
        );
        std::fs::write(&path, format!("{LINE}{LINE}{{\"half\n{LINE}")).unwrap();
        let appended = reader.read::<Record>(&path).unwrap().unwrap();
        assert_eq!((appended.values.len(), appended.bad_lines.len()), (1, 0));
    }
}
