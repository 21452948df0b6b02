//! What is to be tagged: files, folders of files, data sets, all that the catalogue knows.

use super::Error;
use crate::dataset::catalogue::FileMark;
use crate::dataset::import::Layout as _;
use crate::dataset::split::OwnSplit;
use crate::dataset::{Catalogue, Collection, Dataset, Place, Split, import, is_audio};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A track to tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToTag {
    /// What it is called: its id in a data set, else its path as it was named.
    pub id: String,
    /// The audio file.
    pub path: PathBuf,
    /// The data set it is of, if it was listed as a track of one.
    set: Option<InSet>,
}

/// A track's place in a data set.
#[derive(Clone, Debug, PartialEq, Eq)]
struct InSet {
    /// Folder or description of the data set.
    root: Arc<Path>,
    /// Where the id that it has there begins in [`ToTag::id`].
    id_start: usize,
}

impl ToTag {
    /// An audio file, named by its whole path, so that a table is gone on with from any folder.
    pub fn file(path: PathBuf) -> Self {
        let path = std::path::absolute(&path).unwrap_or(path);
        Self {
            id: path.to_string_lossy().into_owned(),
            path,
            set: None,
        }
    }

    /// All tracks of a data set, by their ids.
    pub fn all_of(dataset: &Dataset) -> Vec<Self> {
        let tracks = dataset.tracks.iter();
        let tracks = tracks.map(|track| (track.id.as_str(), track.path.clone()));
        Self::of_set(&dataset.root, "", tracks).collect()
    }

    /// Tracks of the data set at `root`, with `before` in front of their ids.
    fn of_set<'a>(
        root: &Path,
        before: &'a str,
        tracks: impl Iterator<Item = (&'a str, PathBuf)>,
    ) -> impl Iterator<Item = Self> {
        let root: Arc<Path> = root.into();
        tracks.map(move |(id, path)| Self {
            id: format!("{before}{id}"),
            path,
            set: Some(InSet {
                root: Arc::clone(&root),
                id_start: before.len(),
            }),
        })
    }

    /// The data set that it was listed of, and its id there.
    pub(super) fn in_set(&self) -> Option<(&Path, &str)> {
        let set = self.set.as_ref()?;
        Some((&set.root, &self.id[set.id_start..]))
    }

    /// What tells it from others.
    pub(super) fn key(&self) -> u64 {
        Self::key_of(&self.id, &self.path)
    }

    /// The same, by name and file.
    pub(super) fn key_of(id: &str, path: &Path) -> u64 {
        condensed(&[id.as_bytes(), path.as_os_str().as_encoded_bytes()])
    }

    /// What tells it from others, and its file from one that lies in its place later.
    pub(super) fn key_now(&self) -> u64 {
        let mark = FileMark::of(&self.path);
        condensed(&[
            &self.key().to_le_bytes(),
            &mark.bytes.to_le_bytes(),
            &mark.modified_ns.to_le_bytes(),
        ])
    }
}

/// Eight bytes of a digest.
pub(super) fn condensed(parts: &[&[u8]]) -> u64 {
    let mut hash = blake3::Hasher::new();
    for part in parts {
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let mut first = [0; 8];
    hash.finalize_xof().fill(&mut first);
    u64::from_le_bytes(first)
}

/// Lists the tracks behind what a user named: an audio file, a folder (gone through with all below it, by the extensions of audio files), or
/// a data set (`FOLDER`, `FOLDER#SPLIT`) of a layout that is known. Each once, in the order of the names.
///
/// Of data sets, only the tracks of `split` if one is given; then a folder that is none is an error. Of several data sets, ids begin with
/// the set's name. A folder below a named one that cannot be read is told to `skipped` and left out.
pub fn list_paths(
    named: &[PathBuf],
    split: Option<Split>,
    skipped: &mut dyn FnMut(&Path, &std::io::Error),
) -> Result<Vec<ToTag>, Error> {
    let mut list = Vec::new();
    let n_sets = named.iter().filter(|path| is_data_set(path)).count();
    for path in named {
        if is_data_set(path) || (split.is_some() && path.is_dir()) {
            let dataset = Dataset::open(path)?;
            list_dataset(&dataset, split, n_sets > 1, &mut list)?;
        } else if path.is_dir() {
            let before = list.len();
            walk(path, skipped, &mut list).map_err(Error::io("read", path))?;
            if list.len() == before {
                return Err(Error::Nothing(path.clone()));
            }
        } else if path.exists() || named.len() > 1 {
            // One of several files that is not there is told like one that cannot be decoded.
            list.push(ToTag::file(path.clone()));
        } else {
            return Err(Error::NotThere(path.clone()));
        }
    }
    Ok(each_once(list))
}

/// Lists all recordings of all data sets of the catalogue, whatever named splits they are in; with `split`, those of that part of each data
/// set's first split. Ids begin with the set's name. A file that several data sets share is listed once, for the first of them. A set
/// whose folder can no longer be read is told to `skipped` and left out.
pub fn list_catalogue(
    catalogue: &Path,
    split: Option<Split>,
    skipped: &mut dyn FnMut(&Path, &crate::dataset::Error),
) -> Result<Vec<ToTag>, Error> {
    let mut list = Vec::new();
    if catalogue.exists() {
        let mut entries = Catalogue::open(catalogue)?.datasets()?;
        // Splits of one's own hold other data sets' files, which go by the names that they have there.
        entries.sort_by_key(|entry| entry.layout == OwnSplit.id());
        for entry in entries {
            let read = match split {
                None => Collection::open(&entry.root).map(|set| list_collection(&set, &mut list)),
                // A set without that split has nothing to add.
                Some(_) => Dataset::open(&entry.root)
                    .map(|set| drop(list_dataset(&set, split, true, &mut list))),
            };
            if let Err(error) = read {
                skipped(&entry.root, &error);
            }
        }
    }
    if list.is_empty() {
        return Err(Error::Nothing(catalogue.to_path_buf()));
    }
    let mut seen = std::collections::HashSet::with_capacity(list.len());
    list.retain(|track| {
        let file = std::path::absolute(&track.path);
        let file = file.as_deref().unwrap_or(&track.path);
        seen.insert(condensed(&[file.as_os_str().as_encoded_bytes()]))
    });
    Ok(list)
}

fn list_collection(collection: &Collection, list: &mut Vec<ToTag>) {
    let before = format!("{}/", collection.name);
    let tracks = collection.recordings.iter();
    let tracks = tracks.map(|recording| (recording.id.as_str(), recording.path.clone()));
    list.extend(ToTag::of_set(&collection.root, &before, tracks));
}

/// The same file under the same id says nothing new; the first stays.
fn each_once(mut list: Vec<ToTag>) -> Vec<ToTag> {
    let mut seen = std::collections::HashSet::with_capacity(list.len());
    list.retain(|track| seen.insert(track.key()));
    list
}

/// Whether a path is taken as a data set. A folder tree that could be one named by genres is just a folder here, and all audio in it is
/// tagged, unless a split of it is named.
fn is_data_set(path: &Path) -> bool {
    let place = Place::parse(path);
    let is_tree = import::recognise(&place.folder).is_some_and(|layout| layout.id() == "folders");
    import::is_data_set(path) && (place.split.is_some() || !is_tree)
}

fn list_dataset(
    dataset: &Dataset,
    split: Option<Split>,
    with_name: bool,
    list: &mut Vec<ToTag>,
) -> Result<(), Error> {
    if let Some(split) = split {
        dataset.split(split)?;
    }
    let wanted = dataset.tracks.iter();
    let wanted = wanted.filter(|track| split.is_none_or(|split| track.split == split));
    let before = if with_name {
        format!("{}/", dataset.name)
    } else {
        String::new()
    };
    let tracks = wanted.map(|track| (track.id.as_str(), track.path.clone()));
    list.extend(ToTag::of_set(&dataset.root, &before, tracks));
    Ok(())
}

/// Audio files of a folder and of all folders in it, by name. Links to folders are not followed: they may lead in circles. Fails only if
/// the folder itself cannot be read.
fn walk(
    folder: &Path,
    skipped: &mut dyn FnMut(&Path, &std::io::Error),
    list: &mut Vec<ToTag>,
) -> std::io::Result<()> {
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        match entry {
            Ok(entry) => entries.push(entry),
            Err(error) => skipped(folder, &error),
        }
    }
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            if let Err(error) = walk(&path, skipped, list) {
                skipped(&path, &error);
            }
        } else if is_audio(&path) && !path.is_dir() {
            list.push(ToTag::file(path));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::split::SplitFolder;
    use crate::job::Job;

    fn never(folder: &Path, error: &std::io::Error) {
        panic!("{}: {error}", folder.display());
    }

    fn touch(path: &Path) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "").unwrap();
    }

    #[test]
    fn folders_are_gone_through_by_name_and_only_audio_counts() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b/2.MP3", "b/1.ogg", "b/cover.jpg", "a.flac", "b.txt"] {
            touch(&folder.path().join(name));
        }
        let named = [folder.path().to_path_buf(), folder.path().join("a.flac")];
        let list = list_paths(&named, None, &mut never).unwrap();
        let found: Vec<_> = list
            .iter()
            .map(|track| track.path.strip_prefix(folder.path()).unwrap())
            .collect();
        assert_eq!(found, ["a.flac", "b/1.ogg", "b/2.MP3"].map(Path::new));
    }

    #[test]
    fn a_folder_that_cannot_be_read_is_told_and_the_others_are_listed() {
        let folder = tempfile::tempdir().unwrap();
        touch(&folder.path().join("a/1.ogg"));
        touch(&folder.path().join("c/2.ogg"));
        // Deeper than any system opens: whoever is root may read all others.
        let deep = |name: &str| {
            let names = vec!["x".repeat(200); 15];
            let bottom = names
                .iter()
                .fold(folder.path().join(name), |at, it| at.join(it));
            std::fs::create_dir_all(&bottom).unwrap();
            bottom
        };
        let bottom = deep("b");
        deep("d");
        std::fs::rename(folder.path().join("d"), bottom.join("d")).unwrap();
        let mut told = Vec::new();
        let mut skipped = |folder: &Path, _: &std::io::Error| told.push(folder.to_path_buf());
        let list = list_paths(&[folder.path().to_path_buf()], None, &mut skipped).unwrap();
        assert_eq!(list.len(), 2);
        assert_eq!(told.len(), 1);
        assert!(told[0].starts_with(folder.path().join("b")));
    }

    #[test]
    fn of_a_data_set_the_tracks_count_and_a_split_chooses_among_them() {
        let folder = tempfile::tempdir().unwrap();
        let set = folder.path().join("set");
        touch(&set.join("stray.wav"));
        let tracks = "track_id,path,artist,split,duration_s,source,license\n\
            one,a.wav,x,train,,,\ntwo,b.wav,y,test,,,\n";
        std::fs::write(set.join("tracks.csv"), tracks).unwrap();
        let ids = |split| -> Vec<String> {
            let list = list_paths(&[set.clone()], split, &mut never).unwrap();
            list.into_iter().map(|track| track.id).collect()
        };
        assert_eq!(ids(None), ["one", "two"]);
        assert_eq!(ids(Some(Split::Test)), ["two"]);
        let error = list_paths(&[set.clone()], Some(Split::Valid), &mut never).unwrap_err();
        assert!(error.to_string().contains("valid"), "{error}");
    }

    #[test]
    fn of_the_catalogue_each_recording_is_listed_once_whatever_splits_it_is_in() {
        let folder = tempfile::tempdir().unwrap();
        let set = folder.path().join("set");
        let tracks = "track_id,path,artist,split,duration_s,source,license\n\
            one,a.wav,x,train,,,\ntwo,b.wav,y,test,,,\nthree,c.wav,z,train,,,\n";
        touch(&set.join("a.wav"));
        std::fs::write(set.join("tracks.csv"), tracks).unwrap();
        let mut collection = Collection::open(&set).unwrap();
        assert_eq!(collection.recordings.len(), 3);
        let file = folder.path().join("catalogue.sqlite");
        let mut catalogue = Catalogue::open(&file).unwrap();
        catalogue.import(&collection, &Job::quiet()).unwrap();
        // A split of one's own is another data set with the same files.
        let own = folder.path().join("own");
        let split = SplitFolder {
            source: set,
            tags: Vec::new(),
            made: None,
        };
        split
            .write(&own, [("one", Split::Test)].into_iter())
            .unwrap();
        collection = Collection::open(&own).unwrap();
        catalogue.import(&collection, &Job::quiet()).unwrap();
        drop(catalogue);
        let list = |split| -> Vec<String> {
            let listed = list_catalogue(&file, split, &mut |_, error| panic!("{error}"));
            listed.unwrap().into_iter().map(|track| track.id).collect()
        };
        assert_eq!(list(None), ["set/one", "set/two", "set/three"]);
        assert_eq!(list(Some(Split::Test)), ["set/two", "own/one"]);
    }

    #[test]
    fn what_is_not_there_or_holds_no_audio_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let empty = [folder.path().to_path_buf()];
        assert!(matches!(
            list_paths(&empty, None, &mut never),
            Err(Error::Nothing(_))
        ));
        let absent = [folder.path().join("x.mp3")];
        assert!(matches!(
            list_paths(&absent, None, &mut never),
            Err(Error::NotThere(_))
        ));
    }
}
