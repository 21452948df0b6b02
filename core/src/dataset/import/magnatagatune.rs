//! MagnaTagATune: one table of 25,863 clips and 188 tags, split by the first letter of the audio's path.
//!
//! Labels come from `annotations_final.csv` alone. What others derived from it (the lists and tables of sota-music-tagging-models and
//! of music_dataset_split) names splits and is held against it: there are two orders of the fifty tags in use, which differ in two
//! columns, and a table taken by number would exchange them silently.

mod names;
mod splits;

use super::audio::{is_audio, is_within, settle};
use super::gathering::{Recordings, collection};
use super::report::Report;
use super::sheet::{Form, Sheet, find, find_all};
use super::{Folders, Layout, Wanted};
use crate::dataset::{Check, Collection, Error, Finding, Labelling, Severity, TagIdx};
use crate::job::Job;
use splits::LISTS;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// The most frequent tags, in the order of `tags.npy`.
pub(in crate::dataset) const TOP_50: [&str; 50] = [
    "guitar",
    "classical",
    "slow",
    "techno",
    "strings",
    "drums",
    "electronic",
    "rock",
    "fast",
    "piano",
    "ambient",
    "beat",
    "violin",
    "vocal",
    "synth",
    "female",
    "indian",
    "opera",
    "male",
    "singing",
    "vocals",
    "no vocals",
    "harpsichord",
    "loud",
    "quiet",
    "flute",
    "woman",
    "male vocal",
    "no vocal",
    "pop",
    "soft",
    "sitar",
    "solo",
    "man",
    "classic",
    "choir",
    "voice",
    "new age",
    "dance",
    "male voice",
    "female vocal",
    "beats",
    "harp",
    "cello",
    "no voice",
    "weird",
    "country",
    "metal",
    "female voice",
    "choral",
];

/// Clips whose published files are empty; everybody leaves them out.
const EMPTY_CLIPS: [&str; 3] = ["35644", "55753", "57881"];

/// Where its files may lie below the folder.
const BELOW: [&str; 5] = ["", "split/mtat", "mtat", "MTAT_split", "annotations"];
const ANNOTATIONS: &str = "annotations_final.csv";

pub(super) struct MagnaTagATune;

impl Layout for MagnaTagATune {
    fn id(&self) -> &'static str {
        "magnatagatune"
    }

    fn title(&self) -> &'static str {
        "MagnaTagATune"
    }

    fn origin(&self) -> &'static str {
        "annotations_final.csv, if you like clip_info_final.csv, and the unpacked mp3.zip (folders 0 to f), from mirg.city.ac.uk; lists of sota-music-tagging-models (split/mtat) are taken too"
    }

    fn recognises(&self, folder: &Path) -> bool {
        find(folder, &BELOW, ANNOTATIONS).is_some()
    }

    fn files(&self, folder: &Path) -> Vec<PathBuf> {
        let lists = LISTS
            .iter()
            .flat_map(|(_, parts)| parts.map(|(name, _)| name));
        let names = [ANNOTATIONS, "clip_info_final.csv", "binary.npy", "tags.npy"];
        let names = names.into_iter().chain(lists);
        find_all(folder, &BELOW, names)
    }

    fn read(&self, at: &Folders, _wanted: Wanted<'_>, job: &Job) -> Result<Collection, Error> {
        let folder = &at.annotations;
        let file = find(folder, &BELOW, ANNOTATIONS).unwrap_or_else(|| folder.join(ANNOTATIONS));
        let mut report = Report::new(job);
        let mut clips = Clips::read(&file, &mut report)?;
        if let Some(file) = find(folder, &BELOW, "clip_info_final.csv") {
            clips.read_info(&file, &mut report);
        }
        report.count("clips", clips.rows.len(), &[25_863], &file);
        report.count("tags", clips.all.tags.len(), &[188], &file);
        let empty: Vec<&str> = EMPTY_CLIPS
            .into_iter()
            .filter(|id| clips.recordings.find(id).is_some())
            .collect();
        if !empty.is_empty() {
            let message = format!(
                "the published files of the clips {} are empty; no split has them",
                empty.join(", ")
            );
            let finding = Finding::new(Check::KnownFault, Severity::Note, message);
            report.tell(finding.about(empty.iter().copied()));
        }
        let mut splits = vec![
            clips.by_folder(
                "top50",
                0,
                true,
                [15_247, 15_244, 1_529, 4_332],
                &file,
                &mut report,
            ),
            clips.by_folder(
                "all188",
                1,
                false,
                [18_706, 18_709, 1_825, 5_329],
                &file,
                &mut report,
            ),
            clips.by_folder(
                "top50-all-clips",
                0,
                false,
                [18_706, 18_709, 1_825, 5_329],
                &file,
                &mut report,
            ),
        ];
        for (name, parts) in LISTS {
            splits.extend(clips.by_list(name, &parts, folder, &mut report));
        }
        clips.hold_against_others(folder, &mut report);
        let Clips {
            mut recordings,
            paths,
            top,
            all,
            ..
        } = clips;
        let problems = settle(
            &mut recordings.list,
            at,
            &["", "mp3", "audio"],
            &|number, _, wanted| wanted.push(paths[number].clone()),
            &mut report,
        );
        let parts = (vec![top, all], splits);
        Ok(collection(
            self.id(),
            "MagnaTagATune",
            at,
            recordings.list,
            parts,
            problems,
            report,
        ))
    }
}

/// The table of annotations.
struct Clips {
    recordings: Recordings,
    /// Published path of each recording.
    paths: Vec<String>,
    by_path: HashMap<String, u32>,
    /// The recording of each row of the table, as far as the row can be used; other files count rows.
    rows: Vec<Option<u32>>,
    top: Labelling,
    all: Labelling,
}

impl Clips {
    fn read(file: &Path, report: &mut Report) -> Result<Self, Error> {
        let sheet = Sheet::read(file, Form::QuotedTsv, 1)?;
        let (id_at, path_at) = (sheet.need("clip_id")?, sheet.need("mp3_path")?);
        let header = sheet.header(0);
        let columns: Vec<usize> = (0..header.len())
            .filter(|at| *at != id_at && *at != path_at)
            .collect();
        let tags: Vec<String> = columns.iter().map(|&at| header[at].clone()).collect();
        let top_of: Vec<Option<u32>> = tags
            .iter()
            .map(|tag| {
                (0..)
                    .zip(TOP_50)
                    .find(|(_, top)| top == tag)
                    .map(|(n, _)| n)
            })
            .collect();
        let absent: Vec<&str> = TOP_50
            .into_iter()
            .filter(|top| !tags.iter().any(|tag| tag == top))
            .collect();
        if !absent.is_empty() {
            let message = format!(
                "the table has no column for {}: these tags have no labels",
                absent.join(", ")
            );
            let finding = Finding::new(Check::TagOrder, Severity::Error, message);
            report.tell(finding.mend("use the published table").of_file(file));
        }
        let mut clips = Self {
            recordings: Recordings::default(),
            paths: Vec::new(),
            by_path: HashMap::new(),
            rows: Vec::new(),
            top: Labelling {
                name: "top50".into(),
                tags: TOP_50.map(str::to_owned).to_vec(),
                ..Labelling::default()
            },
            all: Labelling {
                name: "all188".into(),
                tags,
                ..Labelling::default()
            },
        };
        for line in sheet.rows(report.job()) {
            clips.rows.push(None);
            let (fields, line) = match line {
                Ok(line) => line,
                Err((problem, line)) => {
                    report.bad_line(file, line, &problem, "download the file again");
                    continue;
                }
            };
            let problem = if fields.len() != header.len() {
                Some(format!(
                    "the line has {} fields, the header {}: cut off?",
                    fields.len(),
                    header.len()
                ))
            } else if let Some(&odd) = columns
                .iter()
                .find(|&&at| !matches!(&fields[at], "0" | "1"))
            {
                Some(format!("`{}` is neither 0 nor 1", &fields[odd]))
            } else if !is_within(Path::new(&fields[path_at]))
                || !is_audio(Path::new(&fields[path_at]))
            {
                Some(format!("`{}` is no path of a clip", &fields[path_at]))
            } else if clips.recordings.find(&fields[id_at]).is_some() {
                Some(format!("clip {} is there twice", &fields[id_at]))
            } else {
                None
            };
            if let Some(problem) = problem {
                report.bad_line(file, line, &problem, "download the file again");
                continue;
            }
            let number = clips.add(&fields[id_at], &fields[path_at]);
            if let Some(row) = clips.rows.last_mut() {
                *row = Some(number);
            }
            for (tag, &at) in (0..).zip(&columns) {
                if &fields[at] == "1" {
                    clips.all.labels.push((number, TagIdx(tag)));
                    if let Some(top) = top_of[tag as usize] {
                        clips.top.labels.push((number, TagIdx(top)));
                    }
                }
            }
        }
        Ok(clips)
    }

    /// The path holds more than a name: `f/ARTIST-ALBUM-NN-TITLE-START-END.mp3`.
    fn add(&mut self, id: &str, path: &str) -> u32 {
        let (number, _) = self.recordings.number(id);
        let recording = self.recordings.get_mut(number);
        let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
        let mut parts = name.trim_end_matches(".mp3").split('-');
        parts
            .next()
            .unwrap_or_default()
            .clone_into(&mut recording.artist);
        parts
            .next()
            .unwrap_or_default()
            .clone_into(&mut recording.album);
        recording.source = "MagnaTagATune".into();
        let mut from_end = parts.rev();
        let end: Option<f64> = from_end.next().and_then(|text| text.parse().ok());
        let start: Option<f64> = from_end.next().and_then(|text| text.parse().ok());
        recording.duration_secs = end
            .zip(start)
            .map(|(end, start)| end - start)
            .filter(|secs| *secs > 0.0);
        self.paths.push(path.to_owned());
        self.by_path.insert(path.to_owned(), number);
        number
    }

    fn is_empty_clip(&self, number: u32) -> bool {
        EMPTY_CLIPS.contains(&self.recordings.list[number as usize].id.as_str())
    }
}
