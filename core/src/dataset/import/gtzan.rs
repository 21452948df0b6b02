//! GTZAN: a folder of each genre, and the fault-filtered lists, by which papers divide it.

use super::audio::{is_audio_of_any_kind, is_within, settle};
use super::gathering::{Parts, Recordings, collection, made_split};
use super::report::Report;
use super::sheet::{find, lines};
use super::{Folders, Layout, Wanted};
use crate::dataset::{
    Check, Collection, Error, Finding, Labelling, NamedSplit, Severity, Split, TagIdx,
};
use crate::job::Job;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

pub(in crate::dataset) const GENRES: [&str; 10] = [
    "blues",
    "classical",
    "country",
    "disco",
    "hiphop",
    "jazz",
    "metal",
    "pop",
    "reggae",
    "rock",
];

/// Each list: its file, its part, how many clips it has.
const LISTS: [(&str, Split, usize); 3] = [
    ("test_filtered.txt", Split::Test, 290),
    ("valid_filtered.txt", Split::Valid, 197),
    ("train_filtered.txt", Split::Train, 443),
];

const LISTS_BELOW: [&str; 4] = ["", "split/gtzan", "gtzan", "splits"];
const AUDIO_BELOW: [&str; 5] = [
    "",
    "genres",
    "genres_original",
    "gtzan/genres",
    "Data/genres_original",
];

/// Broken in the copy that most people have.
const BROKEN_CLIP: &str = "jazz.00054";

pub(super) struct Gtzan;

/// The genre of a clip's name, `blues.00029`.
fn genre_of(id: &str) -> Option<u32> {
    let (genre, number) = id.split_once('.')?;
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    // One library writes hip-hop.
    let genre = if genre == "hip-hop" { "hiphop" } else { genre };
    let at = (0..).zip(GENRES).find(|(_, name)| *name == genre);
    at.map(|(at, _)| at).filter(|_| is_number)
}

/// Clips that lie in folders of genres: id and path relative to `root`.
fn clips_below(root: &Path) -> Vec<(String, String)> {
    let mut found = BTreeSet::new();
    for below in AUDIO_BELOW {
        for genre in GENRES.into_iter().chain(["hip-hop"]) {
            let folder = root.join(below).join(genre);
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                let stem = path.file_stem().and_then(|stem| stem.to_str());
                let name = entry.file_name();
                if let (Some(stem), Some(name), true) =
                    (stem, name.to_str(), is_audio_of_any_kind(&path))
                    && genre_of(stem).is_some()
                {
                    found.insert((stem.to_owned(), format!("{genre}/{name}")));
                }
            }
        }
    }
    let mut clips: Vec<(String, String)> = found.into_iter().collect();
    clips.dedup_by(|a, b| a.0 == b.0);
    clips
}

impl Layout for Gtzan {
    fn id(&self) -> &'static str {
        "gtzan"
    }

    fn title(&self) -> &'static str {
        "GTZAN"
    }

    fn origin(&self) -> &'static str {
        "genres.tar.gz unpacked (genres/blues/blues.00000.wav …) and the fault-filtered lists train_filtered.txt, valid_filtered.txt, test_filtered.txt"
    }

    fn recognises(&self, folder: &Path) -> bool {
        LISTS
            .iter()
            .any(|(name, _, _)| find(folder, &LISTS_BELOW, name).is_some())
            || AUDIO_BELOW.iter().any(|below| {
                let genres = GENRES.iter().filter(|genre| {
                    let start = format!("{genre}.00");
                    let mut files = std::fs::read_dir(folder.join(below).join(genre))
                        .into_iter()
                        .flatten()
                        .flatten();
                    files.any(|file| file.file_name().to_string_lossy().starts_with(&start))
                });
                genres.count() >= 2
            })
    }

    fn files(&self, folder: &Path) -> Vec<PathBuf> {
        let lists = LISTS
            .iter()
            .filter_map(|(name, _, _)| find(folder, &LISTS_BELOW, name));
        // A folder is written when a file in it comes or goes.
        let folders = AUDIO_BELOW
            .iter()
            .flat_map(|below| GENRES.map(|genre| folder.join(below).join(genre)));
        lists
            .chain(folders.filter(|folder| folder.is_dir()))
            .collect()
    }

    fn read(&self, at: &Folders, _wanted: Wanted<'_>, job: &Job) -> Result<Collection, Error> {
        let folder = &at.annotations;
        let mut report = Report::new(job);
        let mut clips = Clips::default();
        let filtered = clips.read_lists(folder, &mut report);
        let n_listed = clips.paths.len();
        let is_broken_listed = clips.recordings.find(BROKEN_CLIP).is_some();
        for (id, path) in clips_below(at.audio.as_ref().unwrap_or(folder)) {
            clips.add(&id, path);
        }
        let n_all = clips.paths.len();
        if n_all > n_listed || n_listed == 0 {
            report.count("clips", n_all, &[1000], folder);
        }
        if clips.recordings.find(BROKEN_CLIP).is_some() {
            let (severity, which) = if is_broken_listed {
                (Severity::Warning, "the fault-filtered split names it")
            } else {
                (Severity::Note, "no list names it")
            };
            let message =
                format!("{BROKEN_CLIP} cannot be decoded in the copy from Kaggle; {which}");
            let mend = "take it from genres.tar.gz; without it, it is left out like all that cannot be decoded";
            let finding = Finding::new(Check::KnownFault, severity, message).mend(mend);
            report.tell(finding.about([BROKEN_CLIP]));
        }
        let mut splits: Vec<NamedSplit> = filtered.into_iter().collect();
        if n_all > n_listed || splits.is_empty() {
            splits.push(made_split(&clips.recordings.list, &mut report));
        }
        let mut labelling = Labelling {
            tags: GENRES.map(str::to_owned).to_vec(),
            ..Labelling::default()
        };
        let Clips {
            mut recordings,
            paths,
        } = clips;
        for (number, recording) in (0..).zip(&recordings.list) {
            labelling
                .labels
                .extend(genre_of(&recording.id).map(|genre| (number, TagIdx(genre))));
        }
        let problems = settle(
            &mut recordings.list,
            at,
            &AUDIO_BELOW,
            &|number, _, wanted| {
                wanted.push(paths[number].clone());
                if let Some(rest) = paths[number].strip_prefix("hiphop/") {
                    wanted.push(format!("hip-hop/{rest}"));
                }
            },
            &mut report,
        );
        Ok(collection(
            self.id(),
            "GTZAN",
            at,
            recordings.list,
            (vec![labelling], splits),
            problems,
            report,
        ))
    }
}

#[derive(Default)]
struct Clips {
    recordings: Recordings,
    paths: Vec<String>,
}

impl Clips {
    fn add(&mut self, id: &str, path: String) -> u32 {
        let (number, is_new) = self.recordings.number(id);
        if is_new {
            let recording = self.recordings.get_mut(number);
            recording.duration_secs = Some(30.0);
            recording.source = "GTZAN".into();
            self.paths.push(path);
        }
        number
    }

    fn read_lists(&mut self, folder: &Path, report: &mut Report) -> Option<NamedSplit> {
        let files = LISTS.map(|(name, _, _)| find(folder, &LISTS_BELOW, name));
        if files.iter().all(Option::is_none) {
            return None;
        }
        let mut parts = Parts::default();
        for ((name, part, published), file) in LISTS.into_iter().zip(&files) {
            let Some(file) = file else {
                report.missing(
                    &folder.join(name),
                    &format!("the split has no part {part}"),
                    "take it from split/gtzan of sota-music-tagging-models",
                );
                continue;
            };
            let list = match lines(file, report) {
                Ok(list) => list,
                Err(error) => {
                    report.unusable(&error, file, &format!("the split has no part {part}"));
                    continue;
                }
            };
            for (line, path) in list {
                let stem = Path::new(&path).file_stem().and_then(|stem| stem.to_str());
                match stem.filter(|stem| genre_of(stem).is_some() && is_within(Path::new(&path))) {
                    Some(stem) => {
                        let number = self.add(stem, path.clone());
                        parts.put_from(number, part, (file, line));
                    }
                    None => report.bad_line(
                        file,
                        line,
                        &format!("`{path}` is no clip of GTZAN"),
                        "download the list again",
                    ),
                }
            }
            report.count(
                &format!("clips in {part}"),
                parts.count(part),
                &[published],
                file,
            );
        }
        Some(parts.finish("fault-filtered", 0, &self.recordings.list, report))
    }
}
