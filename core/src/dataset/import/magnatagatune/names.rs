//! Artists, albums and titles of MagnaTagATune's clips as people write them.
//!
//! Paths have them in small letters with `_` for blanks; `clip_info_final.csv` has them as they are, but not of every clip, and not
//! always in the same spelling. Leaks and splits go by artist, so an artist must have one name.

use super::Clips;
use crate::dataset::import::report::Report;
use crate::dataset::import::sheet::{Form, Sheet};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

impl Clips {
    /// Artists, albums and titles as they are written, not as file names are. Clips that the table leaves out get the names that it gives to
    /// others of the same artist and album: by file name, they would count as another artist's.
    pub(super) fn read_info(&mut self, file: &Path, report: &mut Report) {
        let sheet = Sheet::read(file, Form::QuotedTsv, 1);
        let read = sheet.and_then(|sheet| Ok((sheet.need("clip_id")?, sheet)));
        let (id_at, sheet) = match read {
            Ok(read) => read,
            Err(error) => {
                report.unusable(&error, file, "artists and titles are those of file names");
                return;
            }
        };
        let by_path = self.recordings.list.iter();
        let by_path = by_path.map(|clip| (clip.artist.clone(), clip.album.clone()));
        let by_path: Vec<(String, String)> = by_path.collect();
        let places = ["artist", "album", "title"].map(|name| sheet.column(name));
        for line in sheet.rows(report.job()) {
            match line {
                Ok((fields, line)) if fields.len() != sheet.header(0).len() => {
                    report.bad_line(
                        file,
                        line,
                        "the line has another number of fields than the header",
                        "download the file again",
                    );
                }
                Ok((fields, _)) => {
                    let Some(number) = self.recordings.find(&fields[id_at]) else {
                        continue;
                    };
                    let recording = self.recordings.get_mut(number);
                    let targets = [
                        &mut recording.artist,
                        &mut recording.album,
                        &mut recording.title,
                    ];
                    for (target, place) in targets.into_iter().zip(places) {
                        let text = place.map_or("", |place| fields[place].trim());
                        if !text.is_empty() {
                            text.clone_into(target);
                        }
                    }
                }
                Err((problem, line)) => {
                    report.bad_line(file, line, &problem, "download the file again")
                }
            }
        }
        let (mut artists, mut albums) = (Spellings::default(), Spellings::default());
        for (clip, (artist, album)) in self.recordings.list.iter().zip(&by_path) {
            artists.count(artist, &clip.artist);
            if clip.album != *album {
                albums.count(&format!("{artist}-{album}"), &clip.album);
            }
        }
        for (clip, (artist, album)) in self.recordings.list.iter_mut().zip(&by_path) {
            artists.write(artist, &mut clip.artist);
            if clip.album == *album {
                albums.write(&format!("{artist}-{album}"), &mut clip.album);
            }
        }
    }
}

/// How names in paths (`american_bach_soloists`) are written (`American Bach Soloists`): as they are most often.
#[derive(Default)]
struct Spellings(HashMap<String, BTreeMap<String, usize>>);

impl Spellings {
    fn count(&mut self, in_path: &str, written: &str) {
        // What is written as in the path was left as it was.
        if in_path != written && !written.is_empty() {
            let of = self.0.entry(in_path.to_owned()).or_default();
            *of.entry(written.to_owned()).or_insert(0) += 1;
        }
    }

    fn write(&self, in_path: &str, target: &mut String) {
        let counts = self.0.get(in_path).into_iter().flat_map(BTreeMap::iter);
        // Of equals the first of the alphabet, so that it is always the same.
        if let Some((written, _)) = counts.rev().max_by_key(|(_, n)| **n) {
            target.clone_from(written);
        }
    }
}
