//! What people say of a run: its title, tags, notes, and whether it is put away. Kept beside the log, which only the trainer writes.

use super::Error;
use crate::workspace::write_whole;
use serde::{Deserialize, Serialize};
use std::io::{self, Write};
use std::path::Path;

const FILE: &str = "about.toml";

/// What is written in `about.toml`; a run without it has nothing to say.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct About {
    /// A name for people; empty: the folder's name does.
    pub title: String,
    /// Words to find it by, each once, in alphabetical order.
    pub tags: Vec<String>,
    /// Whatever there is to say of the whole run.
    pub note: String,
    /// Put away: lists leave it out unless it is asked for.
    pub is_archived: bool,
    /// Notes to single steps, by step.
    pub pins: Vec<Pin>,
}

/// A note to a step of the curves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// Training steps done.
    pub step: u64,
    /// What there is to say.
    pub text: String,
}

impl About {
    /// Reads what is said of the run in `folder`; nothing if nobody has said anything.
    ///
    /// Fails with [`Error::Io`] if the file is there and cannot be read or understood: then it must not be written over.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(FILE);
        match std::fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
                .map_err(Error::io(path)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(Error::io(path)(error)),
        }
    }

    /// Reads, changes and writes it. Takes effect while the run is trained, too.
    pub fn change(folder: &Path, change: impl FnOnce(&mut Self)) -> Result<Self, Error> {
        let mut about = Self::read(folder)?;
        change(&mut about);
        about.write(folder)?;
        Ok(about)
    }

    /// Writes it, tidied.
    pub fn write(&mut self, folder: &Path) -> Result<(), Error> {
        self.tidy();
        let text = toml::to_string(self)?;
        let path = folder.join(FILE);
        write_whole(&path, |file| file.write_all(text.as_bytes())).map_err(Error::io(path))
    }

    /// Adds a tag.
    pub fn tag(&mut self, tag: &str) {
        self.tags.push(tag.to_owned());
        self.tidy();
    }

    /// Takes a tag away.
    pub fn untag(&mut self, tag: &str) {
        self.tags.retain(|other| other != tag.trim());
    }

    /// Pins a note to a step; an empty one takes away what is pinned there.
    pub fn pin(&mut self, step: u64, text: &str) {
        self.pins.retain(|pin| pin.step != step);
        self.pins.push(Pin {
            step,
            text: text.to_owned(),
        });
        self.tidy();
    }

    fn tidy(&mut self) {
        // Commas stand between tags where they are typed.
        let tags = self.tags.iter().flat_map(|tag| tag.split(','));
        self.tags = tags.map(str::to_owned).collect();
        for text in self.tags.iter_mut().chain([&mut self.title]) {
            // A tag is typed behind `tag:` when it is looked for; a line break would be a second one.
            *text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        }
        self.tags.retain(|tag| !tag.is_empty());
        self.tags.sort();
        self.tags.dedup();
        self.pins.retain(|pin| !pin.text.trim().is_empty());
        self.pins.sort_by_key(|pin| pin.step);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_survives_and_is_tidy() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(About::read(folder.path()).unwrap(), About::default());
        let about = About::change(folder.path(), |about| {
            about.title = " with\nmore  reverb ".to_owned();
            for tag in ["paper", "baseline, paper", " paper", ""] {
                about.tag(tag);
            }
            about.note = "Two\nlines.".to_owned();
            about.pin(30, "the loss jumps");
            about.pin(10, "warm-up ends");
            about.pin(20, " ");
        })
        .unwrap();
        assert_eq!(about.title, "with more reverb");
        assert_eq!(about.tags, ["baseline", "paper"]);
        assert_eq!(
            about.pins.iter().map(|pin| pin.step).collect::<Vec<_>>(),
            [10, 30]
        );
        assert_eq!(About::read(folder.path()).unwrap(), about);
        let about = About::change(folder.path(), |about| {
            about.untag("paper");
            about.pin(10, "");
        })
        .unwrap();
        assert_eq!((about.tags.len(), about.pins.len()), (1, 1));
    }

    #[test]
    fn what_cannot_be_understood_is_told_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        std::fs::write(&path, "title = 3\n").unwrap();
        let error = About::change(folder.path(), |about| about.tag("x")).unwrap_err();
        assert!(
            crate::message::full_message(&error).contains("about.toml"),
            "{error}"
        );
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "title = 3\n");
    }
}
