//! MTG-Jamendo: five sets of tags, each in five splits, as tables with CRLF and as many columns as a track has tags.

use super::audio::{is_audio, is_within, settle};
use super::gathering::{Parts, Recordings, collection, vocabulary};
use super::report::Report;
use super::sheet::{Form, Sheet, find, lines};
use super::{Folders, Layout, Wanted};
use crate::dataset::{
    Check, Checksum, Collection, Error, Finding, Labelling, NamedSplit, Severity, Split, TagIdx,
};
use crate::job::Job;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// A set of tags.
struct Subset {
    /// As splits and labellings are named.
    name: &'static str,
    /// As files are named.
    file: &'static str,
    /// How many tags it has.
    n_tags: usize,
    /// How many tracks split 0 has for train, valid, test, where that is known.
    split_0: Option<[usize; 3]>,
    /// How many tracks there are, where that is known.
    n_tracks: Option<usize>,
}

/// The one that most papers report is the first.
const SUBSETS: [Subset; 5] = [
    Subset {
        name: "top50tags",
        file: "autotagging_top50tags",
        n_tags: 50,
        split_0: Some([32_136, 10_888, 11_356]),
        n_tracks: Some(54_380),
    },
    Subset {
        name: "autotagging",
        file: "autotagging",
        n_tags: 183,
        split_0: None,
        n_tracks: Some(55_525),
    },
    Subset {
        name: "genre",
        file: "autotagging_genre",
        n_tags: 87,
        split_0: None,
        n_tracks: None,
    },
    Subset {
        name: "instrument",
        file: "autotagging_instrument",
        n_tags: 40,
        split_0: None,
        n_tracks: None,
    },
    Subset {
        name: "moodtheme",
        file: "autotagging_moodtheme",
        n_tags: 56,
        split_0: None,
        n_tracks: None,
    },
];

/// Test first: a track that is in two parts is a track to be tested on.
const PARTS: [(&str, Split); 3] = [
    ("test", Split::Test),
    ("validation", Split::Valid),
    ("train", Split::Train),
];
const N_SPLITS: usize = 5;
const CATEGORIES: [&str; 3] = ["genre", "instrument", "mood/theme"];
const FIXED_COLUMNS: [&str; 6] = [
    "TRACK_ID",
    "ARTIST_ID",
    "ALBUM_ID",
    "PATH",
    "DURATION",
    "TAGS",
];

/// The file of a part: in the folder of its split, or, of split 0, as other projects copy it, by itself.
fn part_file(folder: &Path, subset: &Subset, split: usize, part: &str) -> Option<PathBuf> {
    let name = format!("{}-{part}.tsv", subset.file);
    let of_split = format!("split-{split}");
    let below = ["data/splits", "splits", ""].map(|below| format!("{below}/{of_split}"));
    let below = below.each_ref().map(|below| below.trim_start_matches('/'));
    let alone = || find(folder, &["", "split/mtg-jamendo"], &name).filter(|_| split == 0);
    find(folder, &below, &name).or_else(alone)
}

/// Holds the tags that occur against the published list of them, of which there may be two: `moodtheme.txt` has the tags from before the
/// tracks were divided, `moodtheme_split.txt` those that are left. Which of them is meant, its length says.
fn hold_against_list(folder: &Path, subset: &Subset, tags: &[String], report: &mut Report) {
    let stem = subset.name.trim_end_matches("tags");
    for name in [format!("{stem}_split.txt"), format!("{stem}.txt")] {
        let Some(file) = find(folder, &["data/tags", "tags"], &name) else {
            continue;
        };
        let listed: Vec<String> = match lines(&file, report) {
            Ok(lines) => lines.into_iter().map(|(_, tag)| tag).collect(),
            Err(error) => {
                report.unusable(&error, &file, "the tags are not compared with it");
                continue;
            }
        };
        if listed.len() != subset.n_tags {
            continue;
        }
        let tell = |severity, some: Vec<&str>, what: &str| {
            let message = format!("{} {what}: {}", some.len(), some.join(", "));
            let finding = Finding::new(Check::TagOrder, severity, message);
            finding
                .mend("columns of labels and of a model's outputs must be the same tags: use the files of one publication")
                .of_file(&file)
        };
        let unlisted = tags.iter().filter(|tag| !listed.contains(tag));
        let unlisted: Vec<&str> = unlisted.map(String::as_str).collect();
        if !unlisted.is_empty() {
            let what = format!("tags of {} are not in the published list", subset.name);
            report.tell(tell(Severity::Error, unlisted, &what));
        }
        let unused = listed.iter().filter(|tag| !tags.contains(tag));
        let unused: Vec<&str> = unused.map(String::as_str).collect();
        if !unused.is_empty() {
            let what = format!(
                "of the {} listed tags of {} have no track here",
                subset.n_tags, subset.name
            );
            report.tell(tell(Severity::Warning, unused, &what));
        }
        return;
    }
}

fn beside(folder: &Path, name: &str) -> Option<PathBuf> {
    find(folder, &["data", "", ".."], name)
}

/// Where audio lies below the folder.
const AUDIO_BELOW: [&str; 8] = [
    "",
    "raw_30s",
    "raw_30s/audio",
    "raw_30s/audio-low",
    "audio",
    "audio-low",
    "autotagging_moodtheme/audio",
    "mp3",
];

/// The lists of the tracks' checksums, in `data/download` of the repository or beside the audio.
const CHECKSUMS: [&str; 2] = [
    "raw_30s_audio_sha256_tracks.txt",
    "raw_30s_audio-low_sha256_tracks.txt",
];

pub(super) struct Jamendo;

impl Layout for Jamendo {
    fn id(&self) -> &'static str {
        "mtg-jamendo"
    }

    fn title(&self) -> &'static str {
        "MTG-Jamendo"
    }

    fn origin(&self) -> &'static str {
        "a checkout of github.com/MTG/mtg-jamendo-dataset (data/splits/split-0 …) and the unpacked audio, raw_30s or audio-low (folders 00 to 99)"
    }

    fn recognises(&self, folder: &Path) -> bool {
        SUBSETS.iter().any(|subset| {
            (0..N_SPLITS).any(|split| {
                PARTS
                    .iter()
                    .any(|(part, _)| part_file(folder, subset, split, part).is_some())
            })
        })
    }

    fn files(&self, folder: &Path) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for subset in &SUBSETS {
            for split in 0..N_SPLITS {
                files.extend(
                    PARTS
                        .iter()
                        .filter_map(|(part, _)| part_file(folder, subset, split, part)),
                );
            }
        }
        files.extend(beside(folder, "raw.meta.tsv"));
        files
    }

    fn checksums(&self, at: &Folders) -> Vec<Checksum> {
        let root = at.audio.as_ref().unwrap_or(&at.annotations);
        let folders = AUDIO_BELOW.map(|below| root.join(below));
        let list = |name| {
            let beside = find(&at.annotations, &["data/download", "download", ""], name);
            beside.or_else(|| find(root, &[""], name))
        };
        let lists = CHECKSUMS.into_iter().filter_map(list);
        lists
            .flat_map(|list| Checksum::listed_in(&list, &folders))
            .collect()
    }

    fn read(&self, at: &Folders, wanted: Wanted<'_>, job: &Job) -> Result<Collection, Error> {
        let folder = &at.annotations;
        let is_there = |subset: &&Subset| {
            let mut all = (0..N_SPLITS)
                .flat_map(|split| PARTS.map(|(part, _)| part_file(folder, subset, split, part)));
            all.any(|file| file.is_some())
        };
        let mut subsets: Vec<&Subset> = SUBSETS.iter().filter(is_there).collect();
        // A set of tags is read whole, so that its vocabulary does not depend on the split.
        if let Wanted::Split(name) = wanted {
            let subset = name.map(|name| name.split_once('/').map_or(name, |(subset, _)| subset));
            let at = subset.map_or(Some(0), |name| {
                subsets.iter().position(|subset| subset.name == name)
            });
            if let Some(subset) = at.and_then(|at| subsets.get(at)) {
                subsets = vec![subset];
            }
        }
        let mut report = Report::new(job);
        let mut tracks = Tracks::default();
        let (mut labellings, mut splits) = (Vec::new(), Vec::new());
        let mut refused = None;
        for subset in subsets {
            match tracks.read(folder, subset, labellings.len(), &mut report) {
                Ok(read) => {
                    labellings.push(read.0);
                    splits.extend(read.1);
                }
                // Its files are told; the other subsets can be read.
                Err(error) => refused = Some(error),
            }
            job.check()?;
        }
        if let Some(error) = refused.filter(|_| labellings.is_empty()) {
            return Err(error);
        }
        if let Some(file) = beside(folder, "raw.meta.tsv") {
            tracks.read_titles(&file, &mut report);
        }
        let Tracks {
            mut recordings,
            paths,
        } = tracks;
        let problems = settle(
            &mut recordings.list,
            at,
            &AUDIO_BELOW,
            &|number, _, wanted| {
                let path = &paths[number];
                wanted.push(path.clone());
                wanted.push(format!("{}.low.mp3", path.trim_end_matches(".mp3")));
            },
            &mut report,
        );
        Ok(collection(
            self.id(),
            "MTG-Jamendo",
            at,
            recordings.list,
            (labellings, splits),
            problems,
            report,
        ))
    }
}

#[derive(Default)]
struct Tracks {
    recordings: Recordings,
    /// Published path of each recording.
    paths: Vec<String>,
}

impl Tracks {
    fn read(
        &mut self,
        folder: &Path,
        subset: &Subset,
        labelling: usize,
        report: &mut Report,
    ) -> Result<(Labelling, Vec<NamedSplit>), Error> {
        let mut tags_of: HashMap<u32, Vec<String>> = HashMap::new();
        let (mut splits, mut refused) = (Vec::new(), None);
        for split in 0..N_SPLITS {
            let files = PARTS.map(|(part, _)| part_file(folder, subset, split, part));
            let Some(beside) = files.iter().flatten().next().cloned() else {
                continue;
            };
            let name = format!("{}/split-{split}", subset.name);
            let mut parts = Parts::default();
            for ((word, part), file) in PARTS.into_iter().zip(&files) {
                let Some(file) = file else {
                    let file = beside.with_file_name(format!("{}-{word}.tsv", subset.file));
                    report.missing(
                        &file,
                        &format!("the split {name} has no part {part}"),
                        "take it from the repository (git checkout)",
                    );
                    continue;
                };
                if let Err(error) = self.read_part(file, part, &mut parts, &mut tags_of, report) {
                    report.unusable(
                        &error,
                        file,
                        &format!("the split {name} has no part {part}"),
                    );
                    refused = Some(error);
                    continue;
                }
                let at = [Split::Train, Split::Valid, Split::Test]
                    .iter()
                    .position(|other| *other == part);
                if let (0, Some(counts), Some(at)) = (split, subset.split_0, at) {
                    report.count(
                        &format!("tracks in {part} of {name}"),
                        parts.count(part),
                        &[counts[at]],
                        file,
                    );
                }
            }
            splits.push(parts.finish(&name, labelling, &self.recordings.list, report));
        }
        if let Some(error) = refused.filter(|_| tags_of.is_empty()) {
            return Err(error);
        }
        let any = (0..N_SPLITS).find_map(|split| part_file(folder, subset, split, "train"));
        let any = any.unwrap_or_else(|| folder.to_path_buf());
        // The published models have the tags in sorted order, whatever the order of a list.
        let (tags, number_of) = vocabulary(tags_of.values().flatten().map(String::as_str));
        report.count(
            &format!("tags of {}", subset.name),
            tags.len(),
            &[subset.n_tags],
            &any,
        );
        if let Some(n_tracks) = subset.n_tracks {
            report.count(
                &format!("tracks of {}", subset.name),
                tags_of.len(),
                &[n_tracks],
                &any,
            );
        }
        hold_against_list(folder, subset, &tags, report);
        let mut labels: Vec<(u32, TagIdx)> = tags_of
            .iter()
            .flat_map(|(number, tags)| tags.iter().map(|tag| (*number, TagIdx(number_of[tag]))))
            .collect();
        labels.sort_unstable();
        let labelling = Labelling {
            name: subset.name.to_owned(),
            tags,
            labels,
            spans: Vec::new(),
        };
        Ok((labelling, splits))
    }

    fn read_part(
        &mut self,
        file: &Path,
        part: Split,
        parts: &mut Parts,
        tags_of: &mut HashMap<u32, Vec<String>>,
        report: &mut Report,
    ) -> Result<(), Error> {
        let sheet = Sheet::read(file, Form::Tsv, 1)?;
        let places = FIXED_COLUMNS.map(|name| sheet.need(name));
        let [id, artist, album, path, duration, tags] = places;
        let (id, artist, album, path, duration, tags) =
            (id?, artist?, album?, path?, duration?, tags?);
        let again = "take the file from the repository again (git checkout)";
        let mut differing = Vec::new();
        for line in sheet.rows(report.job()) {
            let (fields, line) = match line {
                Ok(line) => line,
                Err((problem, line)) => {
                    report.bad_line(file, line, &problem, again);
                    continue;
                }
            };
            let field = |at: usize| fields.get(at).unwrap_or_default().trim();
            let mut own: Vec<String> = fields
                .iter()
                .skip(tags)
                .map(|tag| tag.trim().to_owned())
                .collect();
            own.retain(|tag| !tag.is_empty());
            own.sort_unstable();
            own.dedup();
            let is_tag = |tag: &String| {
                tag.split_once("---").is_some_and(|(category, name)| {
                    CATEGORIES.contains(&category) && !name.is_empty()
                })
            };
            let problem = if fields.len() <= tags || own.is_empty() {
                Some(format!(
                    "the line has {} fields and no tag: cut off?",
                    fields.len()
                ))
            } else if !field(id).starts_with("track_") || field(artist).is_empty() {
                Some(format!("`{}` is no track", field(id)))
            } else if !is_audio(Path::new(field(path))) || !is_within(Path::new(field(path))) {
                Some(format!("`{}` is no path of a track", field(path)))
            } else {
                own.iter()
                    .find(|tag| !is_tag(tag))
                    .map(|tag| format!("`{tag}` is no tag (CATEGORY---NAME): cut off?"))
            };
            if let Some(problem) = problem {
                report.bad_line(file, line, &problem, again);
                continue;
            }
            let (number, is_new) = self.recordings.number(field(id));
            if is_new {
                let recording = self.recordings.get_mut(number);
                field(artist).clone_into(&mut recording.artist);
                field(album).clone_into(&mut recording.album);
                recording.duration_secs = field(duration)
                    .parse()
                    .ok()
                    .filter(|secs: &f64| secs.is_finite() && *secs > 0.0);
                recording.source = "MTG-Jamendo".into();
                recording.license = "Creative Commons, see audio_licenses.txt".into();
                self.paths.push(field(path).to_owned());
            }
            parts.put_from(number, part, (file, line));
            let known = tags_of.entry(number).or_insert_with(|| own.clone());
            if *known != own {
                differing.push(field(id).to_owned());
            }
        }
        if !differing.is_empty() {
            let message = format!(
                "{} tracks have other tags here than in the files before; those before are taken",
                differing.len()
            );
            let finding = Finding::new(Check::BadLine, Severity::Error, message);
            report.tell(
                finding
                    .mend(again)
                    .about(differing.iter().map(String::as_str))
                    .of_file(file),
            );
        }
        Ok(())
    }

    /// Titles, and the names of albums behind their ids. Artists keep their ids: a split by artists goes by them, two artists may have one
    /// name, and the table need not know all of them.
    fn read_titles(&mut self, file: &Path, report: &mut Report) {
        let sheet = match Sheet::read(file, Form::Tsv, 1) {
            Ok(sheet) => sheet,
            Err(error) => {
                report.unusable(&error, file, "tracks have no titles");
                return;
            }
        };
        let (Some(id), Some(title)) = (sheet.column("TRACK_ID"), sheet.column("TRACK_NAME")) else {
            let message = "the header has no TRACK_ID or no TRACK_NAME: tracks have no titles";
            report.tell(
                Finding::new(Check::BadLine, Severity::Note, message)
                    .of_file(file)
                    .on_line(1),
            );
            return;
        };
        let album = sheet.column("ALBUM_NAME");
        let again = "take the file from the repository again (git checkout)";
        for line in sheet.rows(report.job()) {
            let (fields, line) = match line {
                Ok(line) => line,
                Err((problem, line)) => {
                    report.bad_line(file, line, &problem, again);
                    continue;
                }
            };
            if fields.len() != sheet.header(0).len() {
                let problem = "the line has another number of fields than the header";
                report.bad_line(file, line, problem, again);
                continue;
            }
            let Some(number) = self.recordings.find(fields[id].trim()) else {
                continue;
            };
            let recording = self.recordings.get_mut(number);
            fields[title].trim().clone_into(&mut recording.title);
            let album = album.map_or("", |at| fields[at].trim());
            if !album.is_empty() {
                album.clone_into(&mut recording.album);
            }
        }
    }
}
