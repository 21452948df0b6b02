//! Reading data sets as they are published. A layout is how one of them lies on disk.

mod generic;

pub(super) use generic::TRACK_COLUMNS;
pub use generic::is_audio;

use super::{Collection, Dataset, Error};
use crate::dataset::place::Place;
use std::path::Path;

/// How a published data set lies on disk, and how it is read. Reading runs no code from files, and goes on where single files or lines
/// are missing or wrong, as far as no result can be falsified by that; what it met is in the collection's findings.
pub trait Layout: Sync {
    /// A short name for files and the command line.
    fn id(&self) -> &'static str;

    /// What the data set is called in words.
    fn title(&self) -> &'static str;

    /// Whether the folder looks like it: cheap, by the names of files.
    fn recognises(&self, folder: &Path) -> bool;

    /// Reads the folder, for one named split or for all.
    fn read(&self, folder: &Path, wanted: Wanted<'_>) -> Result<Collection, Error>;
}

/// What of a collection is asked for. A layout may always read more than that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted<'a> {
    /// All splits.
    All,
    /// The named split, or the first.
    Split(Option<&'a str>),
}

/// The layouts that are known, in the order in which they are tried. The generic one is the last and says what is missing.
pub const LAYOUTS: [&dyn Layout; 1] = [&generic::Generic];

/// The layout of a folder.
pub fn layout_of(folder: &Path) -> &'static dyn Layout {
    let recognised = LAYOUTS.into_iter().find(|layout| layout.recognises(folder));
    recognised.unwrap_or(&generic::Generic)
}

impl Collection {
    /// Reads a folder whole, whatever its layout.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        layout_of(folder).read(folder, Wanted::All)
    }
}

impl Dataset {
    /// Opens `FOLDER` or `FOLDER#SPLIT` (see [`Place`]), whatever its layout.
    pub fn open(written: &Path) -> Result<Self, Error> {
        let place = Place::parse(written);
        let split = place.split.as_deref();
        let collection = layout_of(&place.folder).read(&place.folder, Wanted::Split(split))?;
        collection.into_dataset(split)
    }
}
