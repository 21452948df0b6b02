//! Reading `events.jsonl` while it grows: only what was appended, only whole lines.

use super::Record;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

pub(super) const FILE: &str = "events.jsonl";

/// How far the events of a run were read.
#[derive(Clone, Debug, Default)]
pub(super) struct Reader {
    /// Bytes read, up to the end of a line.
    offset: u64,
    /// The beginning of the file, by which another run in the same folder is noticed.
    head: Vec<u8>,
}

/// What was appended.
#[derive(Debug, Default)]
pub(super) struct Appended {
    pub(super) records: Vec<Record>,
    /// Lines that could not be understood.
    pub(super) n_bad_lines: usize,
}

impl Reader {
    /// Starts after `offset` bytes, which must be the end of a line.
    pub(super) fn from_offset(offset: u64) -> Self {
        Self {
            offset,
            head: Vec::new(),
        }
    }

    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Reads the whole lines appended since; `None` if the file is shorter than what was read, or another one.
    pub(super) fn read(&mut self, run_folder: &Path) -> io::Result<Option<Appended>> {
        let mut file = match File::open(run_folder.join(FILE)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok((self.offset == 0).then(Appended::default));
            }
            Err(error) => return Err(error),
        };
        let mut head = vec![0; self.head.len()];
        if file.metadata()?.len() < self.offset
            || file.read_exact(&mut head).is_err()
            || head != self.head
        {
            return Ok(None);
        }
        file.seek(SeekFrom::Start(self.offset))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let end = whole_lines(&bytes);
        if self.offset == 0 {
            self.head = bytes[..end.min(64)].to_vec();
        }
        self.offset += end as u64;
        let mut appended = Appended::default();
        for line in bytes[..end].split(|&byte| byte == b'\n') {
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            match serde_json::from_slice(line) {
                Ok(record) => appended.records.push(record),
                Err(_) => appended.n_bad_lines += 1,
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

    const LINE: &str = "{\"at_unix_ms\":1,\"step\":2,\"epoch\":0,\"event\":\"paused\"}\n";

    #[test]
    fn a_line_counts_once_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        let mut reader = Reader::default();
        let mut read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            let appended = reader.read(folder.path()).unwrap();
            appended.map(|appended| (appended.records.len(), appended.n_bad_lines))
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
        let appended = Reader::default().read(folder.path()).unwrap().unwrap();
        assert!(appended.records.is_empty());
        assert!(
            Reader::from_offset(3)
                .read(folder.path())
                .unwrap()
                .is_none()
        );
    }
}
