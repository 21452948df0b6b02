//! Checksums that were published with a data set: whether a file is the one that everybody else has.

use crate::job::Job;
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// So much of a file is read before the job is asked again.
const PIECE_BYTES: usize = 1 << 20;

/// What a file should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checksum {
    /// The file, where it lies here.
    pub path: PathBuf,
    /// How it is computed.
    pub algorithm: Algorithm,
    /// The published sum: hexadecimal digits in lower case.
    pub sum: String,
}

/// How checksums are published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Algorithm {
    /// 32 digits.
    Md5,
    /// 40 digits.
    Sha1,
    /// 64 digits.
    Sha256,
}

impl Algorithm {
    /// The one whose sums have so many digits.
    fn of(sum: &str) -> Option<Self> {
        if !sum.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        match sum.len() {
            32 => Some(Self::Md5),
            40 => Some(Self::Sha1),
            64 => Some(Self::Sha256),
            _ => None,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha1 => "SHA-1",
            Self::Sha256 => "SHA-256",
        }
    }

    /// The sum of a file, in hexadecimal digits. Fails if it cannot be read, or with [`io::ErrorKind::Interrupted`] after a cancel.
    pub fn of_file(self, path: &Path, job: &Job) -> io::Result<String> {
        match self {
            Self::Md5 => digest::<Md5>(path, job),
            Self::Sha1 => digest::<Sha1>(path, job),
            Self::Sha256 => digest::<Sha256>(path, job),
        }
    }
}

fn digest<D: Digest>(path: &Path, job: &Job) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut piece = vec![0; PIECE_BYTES];
    let mut digest = D::new();
    loop {
        job.check()
            .map_err(|stopped| io::Error::new(io::ErrorKind::Interrupted, stopped))?;
        match file.read(&mut piece)? {
            0 => break,
            n => digest.update(&piece[..n]),
        }
    }
    let bytes = digest.finalize();
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

impl Checksum {
    /// A published sum of a file; `None` if it is none of a known kind.
    pub fn new(path: PathBuf, sum: &str) -> Option<Self> {
        Some(Self {
            path,
            algorithm: Algorithm::of(sum)?,
            sum: sum.to_ascii_lowercase(),
        })
    }

    /// Those of a list as `md5sum` and its kin write it (a sum and a path a line), of the files that lie in one of `folders`. None, if there
    /// is no such list; what is no sum in it is passed over.
    pub fn listed_in(list: &Path, folders: &[PathBuf]) -> Vec<Self> {
        let text = std::fs::read_to_string(list).unwrap_or_default();
        let lines = text.lines().filter_map(|line| {
            let (sum, path) = line.trim().split_once(char::is_whitespace)?;
            // A star says that the file was read as it is, not as text.
            let path = Path::new(path.trim_start().trim_start_matches('*'));
            let mut parts = path.components();
            // One that leads elsewhere is none of the data set's.
            let is_within = parts.all(|part| {
                matches!(
                    part,
                    std::path::Component::Normal(_) | std::path::Component::CurDir
                )
            });
            let mut places = folders.iter().map(|folder| folder.join(path));
            let here = places.find(|place| is_within && place.is_file())?;
            Self::new(here, sum)
        });
        lines.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_the_usual_programs() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("abc");
        std::fs::write(&path, "abc").unwrap();
        // Of RFC 1321 and FIPS 180.
        for sum in [
            "900150983cd24fb0d6963f7d28e17f72",
            "A9993E364706816ABA3E25717850C26C9CD0D89D",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ] {
            let published = Checksum::new(path.clone(), sum).unwrap();
            let found = published.algorithm.of_file(&path, &Job::quiet()).unwrap();
            assert_eq!(found, published.sum);
        }
        assert_eq!(Checksum::new(path, "1f"), None);
    }

    #[test]
    fn lists_are_read_as_they_are_written_and_lead_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        let set = folder.path().join("set");
        std::fs::create_dir(&set).unwrap();
        std::fs::write(set.join("a b.mp3"), "").unwrap();
        std::fs::write(folder.path().join("out.mp3"), "").unwrap();
        let sum = "900150983cd24fb0d6963f7d28e17f72";
        let list = set.join("checksums");
        let text = format!("{sum} *a b.mp3\r\n{sum}  ../out.mp3\nnonsense\n{sum}  absent.mp3\n");
        std::fs::write(&list, text).unwrap();
        let found = Checksum::listed_in(&list, &[set.clone()]);
        assert_eq!(found, [Checksum::new(set.join("a b.mp3"), sum).unwrap()]);
    }
}
