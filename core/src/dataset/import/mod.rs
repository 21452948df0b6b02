//! Reading data sets as they are published. A layout is how one of them lies on disk.
//!
//! ```text
//! folder or description ──Source::find──► Layout::read ──► Collection ──into_dataset──► Dataset
//! ```

mod audio;
mod fma;
mod folders;
mod gathering;
mod generic;
mod gtzan;
mod jamendo;
mod magnatagatune;
mod mirdata;
mod msd;
mod msd_cals;
mod msd_published;
mod report;
mod sheet;

pub use audio::is_audio;
pub(super) use generic::{OPTIONAL_COLUMNS, TRACK_COLUMNS};
pub(super) use gtzan::GENRES as GTZAN_GENRES;
pub(super) use magnatagatune::TOP_50 as MAGNATAGATUNE_TOP_50;
pub(super) use msd_published::{
    CALS_TAGS as MSD_CALS_TAGS, CONVENTIONAL_TAGS as MSD_CONVENTIONAL_TAGS,
};

use super::{Checksum, Collection, Dataset, Description, Error};
use crate::dataset::place::Place;
use crate::dataset::split::OwnSplit;
use crate::job::Job;
use std::path::{Path, PathBuf};

/// Where a data set lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folders {
    /// The folder of its annotations.
    pub annotations: PathBuf,
    /// The folder of its audio, if that is another one.
    pub audio: Option<PathBuf>,
}

/// How a published data set lies on disk, and how it is read. Reading runs no code from files, and goes on where single files or lines
/// are missing or wrong, as far as no result can be falsified by that; what it met is in the collection's findings.
pub trait Layout: Sync {
    /// A short name for files and the command line.
    fn id(&self) -> &'static str;

    /// What the data set is called in words.
    fn title(&self) -> &'static str;

    /// Which files it is made of and where they come from, in one line.
    fn origin(&self) -> &'static str;

    /// Whether the folder looks like it: cheap, by the names of files.
    fn recognises(&self, folder: &Path) -> bool;

    /// The files of annotation that are there or could be; when one of them changes, the data set may have changed.
    fn files(&self, folder: &Path) -> Vec<PathBuf>;

    /// The folders that its files lie in, or below.
    fn folders(&self, at: &Folders) -> Vec<PathBuf> {
        std::iter::once(&at.annotations)
            .chain(&at.audio)
            .cloned()
            .collect()
    }

    /// What was published about the content of files that are here; none, if nothing was.
    fn checksums(&self, _at: &Folders) -> Vec<Checksum> {
        Vec::new()
    }

    /// Reads the folder, for one named split or for all. Once the job is asked to stop, it may return early with a part of the folder or with
    /// any error: whoever calls it looks at the job then.
    fn read(&self, at: &Folders, wanted: Wanted<'_>, job: &Job) -> Result<Collection, Error>;
}

/// What of a collection is asked for. A layout may always read more than that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted<'a> {
    /// All splits.
    All,
    /// The named split, or the first.
    Split(Option<&'a str>),
}

/// The layouts that are known, in the order in which they are tried. The generic one stands in where none fits and says what is missing.
pub const LAYOUTS: [&dyn Layout; 10] = [
    &OwnSplit,
    &fma::Fma,
    &generic::Generic,
    &magnatagatune::MagnaTagATune,
    &jamendo::Jamendo,
    &msd_cals::MsdCals,
    &msd::Msd,
    &mirdata::Mirdata,
    &gtzan::Gtzan,
    &folders::GenreFolders,
];

/// The layout of that name.
pub fn layout(id: &str) -> Option<&'static dyn Layout> {
    LAYOUTS.into_iter().find(|layout| layout.id() == id)
}

/// The layout that a folder looks like; `None` if it looks like none.
pub fn recognise(folder: &Path) -> Option<&'static dyn Layout> {
    LAYOUTS.into_iter().find(|layout| layout.recognises(folder))
}

/// Whether a data set can be opened by this path: a folder of a known layout or a description, with or without `#SPLIT`.
pub fn is_data_set(written: &Path) -> bool {
    let folder = Place::parse(written).folder;
    Description::is_one(&folder) || recognise(&folder).is_some()
}

/// The files that say what is in a data set; when one of them changes, the data set may have changed.
pub fn annotation_files(written: &Path) -> Vec<PathBuf> {
    let folder = Place::parse(written).folder;
    match Source::find(&folder) {
        Ok(source) => {
            let mut files = source.layout.files(&source.folders.annotations);
            files.extend(source.description);
            files
        }
        Err(_) => vec![folder],
    }
}

/// The folders that a data set's files lie in, or below: annotations and audio.
pub fn folders(written: &Path) -> Vec<PathBuf> {
    let folder = Place::parse(written).folder;
    match Source::find(&folder) {
        Ok(source) => source.layout.folders(&source.folders),
        Err(_) => vec![folder],
    }
}

/// The checksums that were published with a data set, of the files that are here.
pub fn checksums(written: &Path) -> Result<Vec<Checksum>, Error> {
    let source = Source::find(&Place::parse(written).folder)?;
    Ok(source.layout.checksums(&source.folders))
}

/// A data set that was found and not yet read.
struct Source {
    layout: &'static dyn Layout,
    folders: Folders,
    /// The split that is taken where none is named.
    split: Option<String>,
    /// The file that describes it, absolute.
    description: Option<PathBuf>,
}

impl Source {
    /// Looks at a folder or a description.
    fn find(place: &Path) -> Result<Self, Error> {
        let is_description = place.extension().is_some_and(|ending| ending == "toml");
        if !is_description || !place.is_file() {
            let annotations = std::path::absolute(place).map_err(Error::io("find", place))?;
            // Without a stroke at its end, which would make it another place to whoever compares.
            let annotations: PathBuf = annotations.components().collect();
            return Ok(Self {
                layout: recognise(&annotations).unwrap_or(&generic::Generic),
                folders: Folders {
                    annotations,
                    audio: None,
                },
                split: None,
                description: None,
            });
        }
        Self::described(Description::read(place)?, place)
    }

    /// What a description names; `file` is where it is written, or will be.
    fn described(description: Description, file: &Path) -> Result<Self, Error> {
        let named = description.layout.as_deref().and_then(layout);
        Ok(Self {
            layout: named
                .or_else(|| recognise(&description.annotations))
                .unwrap_or(&generic::Generic),
            folders: Folders {
                annotations: description.annotations,
                audio: description.audio,
            },
            split: description.split,
            description: Some(std::path::absolute(file).map_err(Error::io("find", file))?),
        })
    }

    fn read(&self, wanted: Wanted<'_>, job: &Job) -> Result<Collection, Error> {
        let read = self.layout.read(&self.folders, wanted, job);
        // A stopped layout returns what it has, or misses what it did not get to.
        job.check()?;
        let mut collection = read?;
        if let Some(description) = &self.description {
            let stem = description.file_stem().unwrap_or_default();
            collection.name = stem.to_string_lossy().into_owned();
            collection.root.clone_from(description);
        }
        if let Some(split) = &self.split {
            // The one that is taken where none is named is the first.
            let at = collection
                .splits
                .iter()
                .position(|other| other.name == *split);
            match at {
                Some(at) => collection.splits[..=at].rotate_right(1),
                // Of another split, the layout need not have read this one.
                None if wanted == Wanted::All => return Err(collection.no_split(split)),
                None => {}
            }
        }
        Ok(collection)
    }
}

impl Description {
    /// Fails if it names a layout, a folder or a split that is not there; `file` is where it will be written. Paths must be absolute. For a
    /// split, the annotations are read.
    pub fn check(&self, file: &Path) -> Result<(), Error> {
        self.check_layout(file)?;
        let folders = std::iter::once(&self.annotations).chain(&self.audio);
        if let Some(nowhere) = folders.into_iter().find(|folder| !folder.exists()) {
            return Err(Error::NotAFolder(nowhere.clone()));
        }
        if self.split.is_some() {
            Source::described(self.clone(), file)?.read(Wanted::All, &Job::quiet())?;
        }
        Ok(())
    }
}

impl Collection {
    /// Reads a folder or what a description names, whole, whatever its layout.
    pub fn open(place: &Path) -> Result<Self, Error> {
        Self::open_with(place, &Job::quiet())
    }

    /// The same, told to the job and stopped by it.
    pub fn open_with(place: &Path, job: &Job) -> Result<Self, Error> {
        Source::find(&Place::parse(place).folder)?.read(Wanted::All, job)
    }
}

impl Dataset {
    /// Opens a folder or a description, with or without `#SPLIT` (see [`Place`]), whatever its layout.
    pub fn open(written: &Path) -> Result<Self, Error> {
        Self::open_with(written, &Job::quiet())
    }

    /// The same, told to the job and stopped by it.
    pub fn open_with(written: &Path, job: &Job) -> Result<Self, Error> {
        let place = Place::parse(written);
        let source = Source::find(&place.folder)?;
        let split = place.split.as_deref().or(source.split.as_deref());
        source.read(Wanted::Split(split), job)?.into_dataset(split)
    }
}
