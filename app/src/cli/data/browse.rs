//! What `attune data find`, `tags` and `compare` share: a data set of the catalogue, named by its name or its folder.

use crate::cli::{Console, Failure, ResultExt};
use anyhow::anyhow;
use attune_core::dataset::catalogue::Index;
use attune_core::dataset::{Catalogue, CatalogueEntry, Place};
use std::path::Path;

/// A data set that is looked at.
pub(super) struct Browsed {
    pub(super) index: Index,
    pub(super) split: Option<String>,
}

/// Opens a data set by its name in the catalogue or its folder, with `#SPLIT` behind if a split is meant. A folder that was not imported yet,
/// or has changed since, is imported first.
pub(super) fn open(
    catalogue: &mut Catalogue,
    written: &Path,
    console: &Console,
) -> Result<Browsed, Failure> {
    let known = catalogue.datasets().failed()?;
    let (name, split) = match written.to_str().and_then(|text| text.rsplit_once('#')) {
        Some((name, split)) if !written.exists() => (name, Some(split)),
        _ => (written.to_str().unwrap_or_default(), None),
    };
    let named: Vec<&CatalogueEntry> = known.iter().filter(|entry| entry.name == name).collect();
    let place = Place::parse(written);
    let (folder, split) = match named[..] {
        [] => (place.folder, place.split),
        _ if place.folder.is_dir() && name.contains(std::path::MAIN_SEPARATOR) => {
            (place.folder, place.split)
        }
        [entry] => (entry.root.clone(), split.map(str::to_owned)),
        _ => {
            let roots: Vec<String> = named
                .iter()
                .map(|entry| entry.root.display().to_string())
                .collect();
            let error = anyhow!(
                "several data sets are called {name}; name the folder: {}",
                roots.join(", ")
            );
            return Err(error).bad_input();
        }
    };
    let index = open_folder(catalogue, &folder, console)?;
    if let Some(split) = &split
        && index.split(Some(split)).is_none()
    {
        let names: Vec<&str> = index.splits().iter().map(|it| it.name.as_str()).collect();
        let error = anyhow!(
            "there is no split `{split}` in {}; there are: {}",
            index.name,
            names.join(", ")
        );
        return Err(error).bad_input();
    }
    Ok(Browsed { index, split })
}

/// Opens a data set by its folder; imports it first if that is needed.
pub(super) fn open_folder(
    catalogue: &mut Catalogue,
    folder: &Path,
    console: &Console,
) -> Result<Index, Failure> {
    let known = catalogue.dataset(folder).failed()?;
    if let Some(entry) = known {
        // A folder that is out of reach, on a disk that is not mounted, is shown as it was.
        if !entry.root.exists() {
            console.say(&format!(
                "{} is not there; shown as it was imported",
                entry.root.display()
            ));
            return catalogue.index(entry.dataset).failed();
        }
        if Catalogue::is_current(&entry, &console.job()).failed()? {
            return catalogue.index(entry.dataset).failed();
        }
    }
    console.say(&format!("importing {}", folder.display()));
    let (dataset, _) = catalogue
        .import_folder(folder, &console.job())
        .bad_input()?;
    catalogue.index(dataset).failed()
}
