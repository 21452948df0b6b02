//! Whether a data set's annotations were changed since they were read: names, sizes and times, without opening a file.

use crate::dataset::Error;
use crate::dataset::import::{self, Layout, annotation_files};
use crate::dataset::split::OwnSplit;
use crate::job::Job;
use std::path::Path;

/// Extensions of files that annotations may lie in. Of others it is their folder that tells whether they came or went.
const ANNOTATIONS: [&str; 13] = [
    "", "csv", "tsv", "txt", "json", "jsonl", "npy", "pkl", "cp", "jams", "lab", "yaml", "toml",
];

/// How deep below the data set's folder annotations are looked for.
const DEPTH: usize = 4;

/// 32 hexadecimal digits that change when a file of annotations does, or when a file is added or taken away. Of a data set that names
/// others (a description, a split of one's own) those files and folders count that it is made of.
pub(super) fn of(root: &Path, job: &Job) -> Result<String, Error> {
    let mut hash = blake3::Hasher::new();
    if root.is_file() || OwnSplit.recognises(root) {
        for file in annotation_files(root) {
            job.check()?;
            put(&mut hash, &fact(root, &file));
        }
        for folder in import::folders(root) {
            put(&mut hash, folder.as_os_str().as_encoded_bytes());
            match walk(&folder, &mut hash, job) {
                // Audio on a disk that is not mounted: the same as none.
                Err(Error::Io { .. }) => put(&mut hash, b"out of reach"),
                walked => walked?,
            }
        }
    } else {
        walk(root, &mut hash, job)?;
    }
    Ok(hash.finalize().to_hex()[..32].to_owned())
}

/// Adds names, sizes and times of all below a folder.
fn walk(root: &Path, hash: &mut blake3::Hasher, job: &Job) -> Result<(), Error> {
    let mut waiting = vec![(root.to_path_buf(), 0)];
    while let Some((folder, depth)) = waiting.pop() {
        job.check()?;
        let mut facts = vec![fact(root, &folder)];
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => Some(entries),
            // Others' folders on the same disk need not be readable.
            Err(_) if depth > 0 => None,
            Err(error) => return Err(Error::io("list", &folder)(error)),
        };
        for entry in entries.into_iter().flatten().flatten() {
            let path = entry.path();
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let extension = path.extension().map_or_else(String::new, |extension| {
                extension.to_string_lossy().to_lowercase()
            });
            if is_folder {
                facts.push(path.as_os_str().as_encoded_bytes().to_vec());
                if depth < DEPTH {
                    waiting.push((path, depth + 1));
                }
            } else if ANNOTATIONS.contains(&extension.as_str()) {
                facts.push(fact(root, &path));
            }
        }
        // Folders list their files in any order.
        facts.sort_unstable();
        for fact in facts {
            put(hash, &fact);
        }
        // So that the order of the walk is that of the names.
        waiting.sort_unstable_by(|(one, _), (other, _)| other.cmp(one));
    }
    Ok(())
}

fn put(hash: &mut blake3::Hasher, fact: &[u8]) {
    hash.update(&(fact.len() as u64).to_le_bytes());
    hash.update(fact);
}

fn fact(root: &Path, path: &Path) -> Vec<u8> {
    let name = path.strip_prefix(root).unwrap_or(path);
    let mut fact = name.as_os_str().as_encoded_bytes().to_vec();
    fact.push(0);
    if let Ok(facts) = std::fs::metadata(path) {
        // The size of a folder means nothing, and differs by file system.
        let bytes = if facts.is_dir() { 0 } else { facts.len() };
        fact.extend(bytes.to_le_bytes());
        if let Ok(since) = facts
            .modified()
            .map(|at| at.duration_since(std::time::UNIX_EPOCH))
        {
            fact.extend(since.map_or(0, |since| since.as_nanos()).to_le_bytes());
        }
    }
    fact
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_or_added_file_changes_the_stamp_and_nothing_else_does() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("data/splits");
        std::fs::create_dir_all(&deep).unwrap();
        std::fs::write(deep.join("train.tsv"), "a").unwrap();
        let stamp = || of(folder.path(), &Job::quiet()).unwrap();
        let first = stamp();
        assert_eq!(stamp(), first);
        std::fs::write(deep.join("train.tsv"), "ab").unwrap();
        let second = stamp();
        assert_ne!(second, first);
        std::fs::create_dir(folder.path().join("audio")).unwrap();
        assert_ne!(stamp(), second);
    }

    #[test]
    fn audio_that_comes_into_the_folder_of_a_description_changes_its_stamp() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let stamp = || of(&at("set.toml"), &Job::quiet()).unwrap();
        std::fs::create_dir_all(at("tables")).unwrap();
        let head = "track_id,path,artist,split,duration_s,source,license\n";
        std::fs::write(at("tables/tracks.csv"), head).unwrap();
        std::fs::write(at("set.toml"), "annotations = 'tables'\naudio = 'audio'\n").unwrap();
        let unmounted = stamp();
        std::fs::create_dir_all(at("audio/00")).unwrap();
        let empty = stamp();
        assert_ne!(empty, unmounted);
        assert_eq!(stamp(), empty);
        std::fs::create_dir(at("audio/00/more")).unwrap();
        assert_ne!(stamp(), empty);
    }
}
