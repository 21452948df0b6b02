//! How a data set is named: its folder or description, and if that has several splits, which: `FOLDER#SPLIT`.

use std::path::{Path, PathBuf};

/// A folder and, if one was named, a split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The folder of the annotations, or the [`super::Description`] that names it.
    pub folder: PathBuf,
    /// The named split; `None`: the data set's first.
    pub split: Option<String>,
}

impl Place {
    /// A folder and a split of it.
    pub fn new(folder: &Path, split: Option<&str>) -> Self {
        Self {
            folder: folder.to_path_buf(),
            split: split.map(str::to_owned),
        }
    }

    /// Reads what a user wrote. What is there under the whole name is a folder whose name has a `#`.
    pub fn parse(written: &Path) -> Self {
        let parts = written.to_str().and_then(|text| text.rsplit_once('#'));
        match parts {
            Some((folder, split)) if !written.exists() => Self::new(Path::new(folder), Some(split)),
            _ => Self::new(written, None),
        }
    }

    /// As [`Self::parse`] reads it.
    pub fn into_path(self) -> PathBuf {
        match self.split {
            None => self.folder,
            Some(split) => {
                let mut written = self.folder.into_os_string();
                written.push("#");
                written.push(split);
                written.into()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_split_is_named_behind_the_last_sign_unless_the_folder_is_called_so() {
        let folder = tempfile::tempdir().unwrap();
        let written = folder.path().join("set#top50/split-0");
        let place = Place::parse(&written);
        assert_eq!(place.folder, folder.path().join("set"));
        assert_eq!(place.split.as_deref(), Some("top50/split-0"));
        assert_eq!(place.into_path(), written);
        let odd = folder.path().join("set#1");
        std::fs::create_dir(&odd).unwrap();
        assert_eq!(Place::parse(&odd), Place::new(&odd, None));
    }
}
