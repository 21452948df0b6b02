//! A small file that says where a data set's parts lie, for annotations and audio in different folders: `NAME.toml`.
//!
//! ```toml
//! layout = "mtg-jamendo"            # how the annotations are written; found out if left out
//! annotations = "mtg-jamendo-dataset"
//! audio = "/music/jamendo/raw_30s"  # if it is not with the annotations
//! split = "genre/split-2"           # taken where none is named; else the first
//! ```
//!
//! Paths are relative to the file. It is taken wherever a data set's folder is, with `#SPLIT` behind it, too.

use super::{Error, import};
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Where the parts of a data set lie.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// Id of the [`import::Layout`] of the annotations; `None`: found out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout: Option<String>,
    /// The folder of the annotations.
    pub annotations: PathBuf,
    /// The folder of the audio; `None`: as published, with the annotations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio: Option<PathBuf>,
    /// The named split that is taken where none is named; `None`: the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<String>,
}

impl Description {
    /// Whether a file is one, by its content: nothing else that Attune reads has `annotations`.
    pub fn is_one(path: &Path) -> bool {
        let is_toml = path.extension().is_some_and(|ending| ending == "toml");
        let text = || std::fs::read_to_string(path).unwrap_or_default();
        let table = || text().parse::<toml::Table>();
        is_toml && path.is_file() && table().is_ok_and(|table| table.contains_key("annotations"))
    }

    /// Reads one. Its paths are absolute then. Fails if it holds what is unknown, or names a layout that is.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(Error::io("read", path))?;
        let mut read: Self = toml::from_str(&text).map_err(|error| Error::BadFile {
            problem: format!("the description of the data set cannot be read: {error}"),
            mend: "it has annotations and, if one likes, layout, audio and split".into(),
            file: path.to_path_buf(),
        })?;
        read.check_layout(path)?;
        let here = std::path::absolute(path).map_err(Error::io("find", path))?;
        let here = here.parent().unwrap_or(Path::new("/"));
        for folder in std::iter::once(&mut read.annotations).chain(&mut read.audio) {
            *folder = here.join(&*folder);
        }
        Ok(read)
    }

    /// Fails if it names a layout that there is not.
    pub(super) fn check_layout(&self, path: &Path) -> Result<(), Error> {
        match &self.layout {
            Some(layout) if import::layout(layout).is_none() => {
                let known: Vec<&str> = import::LAYOUTS.iter().map(|layout| layout.id()).collect();
                Err(Error::BadFile {
                    problem: format!("there is no layout `{layout}`"),
                    mend: format!("write one of {}", known.join(", ")),
                    file: path.to_path_buf(),
                })
            }
            _ => Ok(()),
        }
    }

    /// The same with absolute paths, from where the program runs.
    pub fn absolute(mut self) -> Result<Self, Error> {
        for folder in std::iter::once(&mut self.annotations).chain(&mut self.audio) {
            *folder = std::path::absolute(&*folder).map_err(Error::io("find", &*folder))?;
        }
        Ok(self)
    }

    /// Writes it, with absolute paths, so that the file can be moved.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let written = self.clone().absolute()?;
        let text = toml::to_string(&written).map_err(|error| Error::BadFile {
            problem: format!("the description cannot be written: {error}"),
            mend: "use folders whose names are UTF-8".into(),
            file: path.to_path_buf(),
        })?;
        crate::workspace::write_whole(path, |out| out.write_all(text.as_bytes()))
            .map_err(Error::io("write", path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_from_anywhere() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("set.toml");
        let description = Description {
            layout: Some("mtg-jamendo".into()),
            annotations: folder.path().join("repository"),
            audio: Some("/music/jamendo".into()),
            split: Some("genre/split-2".into()),
        };
        description.write(&path).unwrap();
        assert!(Description::is_one(&path));
        assert_eq!(Description::read(&path).unwrap(), description);
        std::fs::write(&path, "annotations = 'repository'\naudio = '../audio'").unwrap();
        let read = Description::read(&path).unwrap();
        assert_eq!(read.annotations, folder.path().join("repository"));
        assert_eq!(read.audio, Some(folder.path().join("../audio")));
    }

    #[test]
    fn what_is_unknown_is_refused_with_what_there_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("set.toml");
        for (text, part) in [
            ("annotations = 'a'\nsound = 'b'", "sound"),
            ("annotations = 'a'\nlayout = 'mtat'", "magnatagatune"),
            ("audio = 'a'", "annotations"),
        ] {
            std::fs::write(&path, text).unwrap();
            let message = Description::read(&path).unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        }
        std::fs::write(&path, "[[cells]]").unwrap();
        assert!(!Description::is_one(&path));
    }
}
