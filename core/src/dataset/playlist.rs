//! A list of recordings that any player opens: extended M3U in UTF-8 (`.m3u8`).

use super::Error;
use crate::workspace::write_whole;
use std::io::Write;
use std::path::{Path, PathBuf};

/// A recording in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct PlaylistEntry {
    /// The audio file.
    pub path: PathBuf,
    /// Its length in seconds, if known.
    pub secs: Option<f64>,
    /// What the player shows.
    pub words: String,
}

/// Writes a list called `title`, whole or not at all. Fails if it cannot be written.
///
/// Gives how many entries could be written: a file whose name has a line break or is not UTF-8 cannot be named in such a list.
pub fn write_playlist(path: &Path, title: &str, entries: &[PlaylistEntry]) -> Result<usize, Error> {
    let mut text = format!("#EXTM3U\n#EXTENC:UTF-8\n#PLAYLIST:{}\n", one_line(title));
    let mut n_written = 0;
    for entry in entries {
        let named = entry.path.to_str();
        let Some(file) = named.filter(|file| !file.contains(['\n', '\r'])) else {
            continue;
        };
        // -1 is the form's own word for an unknown length.
        let secs = entry.secs.map_or(-1, |secs| secs.round() as i64);
        text += &format!("#EXTINF:{secs},{}\n{file}\n", one_line(&entry.words));
        n_written += 1;
    }
    write_whole(path, |file| file.write_all(text.as_bytes())).map_err(Error::io("write", path))?;
    Ok(n_written)
}

fn one_line(words: &str) -> String {
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_names_each_file_on_a_line_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/list.m3u8");
        let entry = |path: &str, secs, words: &str| PlaylistEntry {
            path: path.into(),
            secs,
            words: words.to_owned(),
        };
        let entries = [
            entry("/music/a b.mp3", Some(29.6), "Ann\n- a"),
            entry("/music/bad\nname.mp3", None, "x"),
            entry("/music/ü.ogg", None, "0.93"),
        ];
        assert_eq!(write_playlist(&path, "loud", &entries).unwrap(), 2);
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "#EXTM3U\n#EXTENC:UTF-8\n#PLAYLIST:loud\n#EXTINF:30,Ann - a\n/music/a b.mp3\n#EXTINF:-1,0.93\n/music/ü.ogg\n"
        );
    }
}
