//! The Free Music Archive's data set: one table with three lines of header, whose cells hold line breaks and lists of Python.
//!
//! Its subsets are ordered: a track of `small` belongs to `medium`, `large` and `full`, too. Each can be taken with one genre a track, as
//! `small` and `medium` are meant, or with all genres (`large/genres`).

use super::audio::settle;
use super::gathering::{Parts, Recordings, collection, vocabulary};
use super::report::{Report, bad_file};
use super::sheet::{Form, Sheet, find, lines};
use super::{Folders, Layout, Wanted};
use crate::dataset::literal::{self, Literal};
use crate::dataset::{
    Check, Checksum, Collection, Error, Finding, Labelling, NamedSplit, Severity, Split, TagIdx,
};
use crate::job::Job;
use std::collections::{BTreeMap, HashSet};
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// The subsets, each within the next, and how many tracks each has.
const SUBSETS: [(&str, usize); 4] = [
    ("small", 8_000),
    ("medium", 25_000),
    ("large", 106_574),
    ("full", 106_574),
];
const N_TRACKS: usize = 106_574;

const METADATA_BELOW: [&str; 2] = ["fma_metadata", ""];
const AUDIO_BELOW: [&str; 5] = ["", "fma_full", "fma_large", "fma_medium", "fma_small"];

/// `fma_small`, `fma_medium` and `fma_large` hold clips of so many seconds, while the table states the lengths of the whole tracks.
const CLIP_SECS: f64 = 30.0;
/// The folder of the only archive with whole tracks.
const WHOLE_TRACKS: &str = "fma_full";

/// Tracks whose published files are empty, cut off or shorter than 30 s, in `small` and in `medium`.
const SHORT: [u32; 26] = [
    1486, 5574, 65753, 80391, 98558, 98559, 98560, 98561, 98562, 98563, 98564, 98565, 98566, 98567,
    98568, 98569, 98570, 98571, 99134, 105247, 108924, 108925, 126981, 127336, 133297, 143992,
];

pub(super) struct Fma;

/// The table, told from Attune's own of the same name by its first line.
fn table_of(folder: &Path) -> Option<PathBuf> {
    let below = METADATA_BELOW
        .iter()
        .map(|below| folder.join(below).join("tracks.csv"));
    below.into_iter().find(|file| {
        let mut start = [0u8; 4096];
        let n = std::fs::File::open(file).and_then(|mut file| file.read(&mut start));
        let start = String::from_utf8_lossy(&start[..n.unwrap_or_default()]);
        let mut lines = start.trim_start_matches('\u{feff}').lines();
        let first = lines.next().unwrap_or_default();
        first.starts_with(',') && first.contains("album,") && first.contains("set,")
    })
}

/// Whether the folder of the metadata was opened, beside which the audio lies.
fn is_metadata(at: &Folders) -> bool {
    let name = at.annotations.file_name();
    at.audio.is_none() && name.is_some_and(|name| name == METADATA_BELOW[0])
}

impl Layout for Fma {
    fn id(&self) -> &'static str {
        "fma"
    }

    fn title(&self) -> &'static str {
        "FMA (Free Music Archive)"
    }

    fn origin(&self) -> &'static str {
        "fma_metadata.zip (tracks.csv, genres.csv) and fma_small.zip, fma_medium.zip, fma_large.zip or fma_full.zip, unpacked beside it, from github.com/mdeff/fma"
    }

    fn recognises(&self, folder: &Path) -> bool {
        table_of(folder).is_some()
    }

    fn files(&self, folder: &Path) -> Vec<PathBuf> {
        let genres = find(folder, &METADATA_BELOW, "genres.csv");
        table_of(folder).into_iter().chain(genres).collect()
    }

    fn checksums(&self, at: &Folders) -> Vec<Checksum> {
        let root = at.audio.as_ref().unwrap_or(&at.annotations);
        // Of an opened fma_metadata, the audio lies beside it.
        let beside = root.parent().filter(|_| is_metadata(at));
        let roots = [Some(root.as_path()), beside].into_iter().flatten();
        let mut all = Vec::new();
        for folder in roots.flat_map(|root| AUDIO_BELOW.map(|below| root.join(below))) {
            all.extend(Checksum::listed_in(&folder.join("checksums"), &[folder]));
        }
        all
    }

    fn read(&self, at: &Folders, _wanted: Wanted<'_>, job: &Job) -> Result<Collection, Error> {
        let folder = &at.annotations;
        let file = table_of(folder).ok_or_else(|| {
            bad_file(
                &folder.join("tracks.csv"),
                "this is not the table of FMA",
                "unpack fma_metadata.zip here",
            )
        })?;
        let mut report = Report::new(job);
        let genres = read_genres(folder, &mut report);
        let tracks = Tracks::read(&file, &mut report)?;
        report.count("tracks", tracks.recordings.list.len(), &[N_TRACKS], &file);
        let known: Vec<&str> = tracks
            .recordings
            .list
            .iter()
            .map(|track| track.id.as_str())
            .filter(|id| id.parse().is_ok_and(|id: u32| SHORT.contains(&id)))
            .collect();
        if !known.is_empty() {
            let message = format!(
                "the published files of {} tracks are empty or shorter than 30 s",
                known.len()
            );
            let finding = Finding::new(Check::KnownFault, Severity::Note, message).about(known);
            report.tell(finding.mend("nothing is to be done: what cannot be decoded is left out"));
        }
        let (mut labellings, mut splits) = (Vec::new(), Vec::new());
        for level in 0..SUBSETS.len() {
            splits.push(tracks.one_genre(level, &mut labellings, &file, &mut report));
        }
        let all = tracks.all_genres(&genres, &mut report, &file);
        labellings.push(all);
        for (level, (name, _)) in SUBSETS.iter().enumerate() {
            let name = format!("{name}/genres");
            splits.push(tracks.split(&name, level, labellings.len() - 1, &mut report, |_| true));
        }
        let mut recordings = tracks.recordings;
        hold_against_checksums(at, &recordings, &tracks.facts, &mut report);
        let around = [
            AUDIO_BELOW.map(str::to_owned).to_vec(),
            AUDIO_BELOW[1..]
                .iter()
                .map(|below| format!("../{below}"))
                .collect(),
        ]
        .concat();
        let is_inner = is_metadata(at);
        let below: Vec<&str> = around
            .iter()
            .map(String::as_str)
            .filter(|below| is_inner || !below.starts_with(".."))
            .collect();
        let problems = settle(
            &mut recordings.list,
            at,
            &below,
            &|_, track, wanted| {
                let name = format!("{:0>6}", track.id);
                wanted.push(format!("{}/{name}.mp3", &name[..3]));
            },
            &mut report,
        );
        for recording in &mut recordings.list {
            let is_whole = recording
                .path
                .components()
                .any(|part| part.as_os_str() == WHOLE_TRACKS);
            if !is_whole {
                recording.duration_secs = recording.duration_secs.map(|secs| secs.min(CLIP_SECS));
            }
        }
        Ok(collection(
            self.id(),
            "FMA",
            at,
            recordings.list,
            (labellings, splits),
            problems,
            report,
        ))
    }
}

/// What splits and labels are made of, for each track.
struct Facts {
    part: Split,
    /// Place in [`SUBSETS`] of the smallest subset it belongs to.
    level: usize,
    /// Its one genre; empty for none.
    top: String,
    genres: Vec<i64>,
}

struct Tracks {
    recordings: Recordings,
    facts: Vec<Facts>,
}

impl Tracks {
    fn read(file: &Path, report: &mut Report) -> Result<Self, Error> {
        let sheet = Sheet::read(file, Form::Csv, 3)?;
        let place = |group: &str, name: &str| {
            (0..sheet.header(0).len()).find(|&at| {
                let is = |line: usize, text: &str| {
                    sheet.header(line).get(at).is_some_and(|cell| cell == text)
                };
                is(0, group) && is(1, name)
            })
        };
        let need = |group: &str, name: &str| {
            place(group, name).ok_or_else(|| {
                bad_file(
                    file,
                    format!("the header has no column {name} in the group {group}"),
                    "use the file as it was published",
                )
            })
        };
        let (split, subset) = (need("set", "split")?, need("set", "subset")?);
        let (top, all) = (need("track", "genre_top")?, need("track", "genres_all")?);
        let names = [
            ("artist", "name"),
            ("album", "title"),
            ("track", "title"),
            ("track", "license"),
        ]
        .map(|(group, name)| place(group, name));
        let duration = place("track", "duration");
        let mut tracks = Self {
            recordings: Recordings::default(),
            facts: Vec::new(),
        };
        let n_fields = sheet.header(0).len();
        for line in sheet.rows(report.job()) {
            let (fields, line) = match line {
                Ok(line) => line,
                Err((problem, line)) => {
                    report.bad_line(
                        sheet.path(),
                        line,
                        &problem,
                        "download fma_metadata.zip again",
                    );
                    continue;
                }
            };
            match Facts::of(&fields, n_fields, [split, subset, top, all]) {
                Ok(facts) => {
                    let (number, is_new) = tracks.recordings.number(&fields[0]);
                    if !is_new {
                        report.bad_line(
                            file,
                            line,
                            &format!("track {} is there twice", &fields[0]),
                            "download fma_metadata.zip again",
                        );
                        continue;
                    }
                    let recording = tracks.recordings.get_mut(number);
                    let targets = [
                        &mut recording.artist,
                        &mut recording.album,
                        &mut recording.title,
                        &mut recording.license,
                    ];
                    for (target, at) in targets.into_iter().zip(names) {
                        at.map_or("", |at| fields[at].trim()).clone_into(target);
                    }
                    recording.source = "Free Music Archive".into();
                    let secs = duration.and_then(|at| fields[at].trim().parse().ok());
                    recording.duration_secs =
                        secs.filter(|secs: &f64| secs.is_finite() && *secs > 0.0);
                    tracks.facts.push(facts);
                }
                Err(problem) => {
                    report.bad_line(file, line, &problem, "download fma_metadata.zip again")
                }
            }
        }
        Ok(tracks)
    }

    /// The tracks of a subset, as far as `takes` has them.
    fn split(
        &self,
        name: &str,
        level: usize,
        labelling: usize,
        report: &mut Report,
        takes: impl Fn(&Facts) -> bool,
    ) -> NamedSplit {
        let mut parts = Parts::default();
        for (number, facts) in (0..).zip(&self.facts) {
            if facts.level <= level && takes(facts) {
                parts.put(number, facts.part);
            }
        }
        parts.finish(name, labelling, &self.recordings.list, report)
    }

    /// A subset with one genre a track. Tracks without one are left out: they would count as belonging to none.
    fn one_genre(
        &self,
        level: usize,
        labellings: &mut Vec<Labelling>,
        file: &Path,
        report: &mut Report,
    ) -> NamedSplit {
        let (name, published) = SUBSETS[level];
        let within = self.facts.iter().filter(|facts| facts.level <= level);
        report.count(
            &format!("tracks in {name}"),
            within.clone().count(),
            &[published],
            file,
        );
        let without = within.clone().filter(|facts| facts.top.is_empty()).count();
        if without > 0 {
            let message = format!(
                "{without} tracks of {name} have no single genre; the split {name} leaves them out, {name}/genres has them"
            );
            report.tell(Finding::new(Check::Counts, Severity::Note, message).of_file(file));
        }
        let (tags, number_of) = vocabulary(
            within
                .map(|facts| facts.top.as_str())
                .filter(|top| !top.is_empty()),
        );
        let labelled = (0..)
            .zip(&self.facts)
            .filter(|(_, facts)| facts.level <= level);
        let labels = labelled
            .filter_map(|(number, facts)| Some((number, TagIdx(*number_of.get(&facts.top)?))))
            .collect();
        labellings.push(Labelling {
            name: name.to_owned(),
            tags,
            labels,
            spans: Vec::new(),
        });
        self.split(name, level, labellings.len() - 1, report, |facts| {
            !facts.top.is_empty()
        })
    }

    /// All genres of all tracks, in the order of their numbers.
    fn all_genres(
        &self,
        titles: &BTreeMap<i64, String>,
        report: &mut Report,
        file: &Path,
    ) -> Labelling {
        let mut ids: Vec<i64> = self
            .facts
            .iter()
            .flat_map(|facts| facts.genres.iter().copied())
            .collect();
        ids.sort_unstable();
        ids.dedup();
        let unnamed = ids.iter().filter(|id| !titles.contains_key(id)).count();
        if unnamed > 0 && !titles.is_empty() {
            let message = format!("{unnamed} genres are not in genres.csv and go by their numbers");
            report.tell(Finding::new(Check::TagOrder, Severity::Warning, message).of_file(file));
        }
        let mut seen = HashSet::new();
        let tags = ids.iter().map(|id| match titles.get(id) {
            Some(title) if seen.insert(title.clone()) => title.clone(),
            Some(title) => format!("{title} ({id})"),
            None => format!("genre {id}"),
        });
        let tags = tags.collect();
        let place = |genre: &i64| ids.binary_search(genre).ok().map(|at| TagIdx(at as u32));
        let labels = (0..).zip(&self.facts).flat_map(|(number, facts)| {
            facts
                .genres
                .iter()
                .filter_map(move |genre| Some((number, place(genre)?)))
        });
        Labelling {
            name: "genres".into(),
            labels: labels.collect(),
            tags,
            spans: Vec::new(),
        }
    }
}

impl Facts {
    fn of(
        fields: &csv::StringRecord,
        n_fields: usize,
        [split, subset, top, all]: [usize; 4],
    ) -> Result<Self, String> {
        if fields.len() != n_fields {
            return Err(format!(
                "the line has {} fields, the header {n_fields}: cut off?",
                fields.len()
            ));
        }
        let id = &fields[0];
        if id.is_empty() || id.len() > 6 || !id.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(format!("`{id}` is no number of a track"));
        }
        let part = match &fields[split] {
            "training" => Split::Train,
            "validation" => Split::Valid,
            "test" => Split::Test,
            other => return Err(format!("`{other}` is no part of the split")),
        };
        let level = SUBSETS
            .iter()
            .position(|(name, _)| *name == &fields[subset]);
        let level = level.ok_or_else(|| format!("`{}` is no subset", &fields[subset]))?;
        let Some(Literal::List(items)) = literal::parse(&fields[all]) else {
            return Err(format!("`{}` is no list of genres", &fields[all]));
        };
        let genres = items.iter().map(|item| match item {
            Literal::Int(genre) => Ok(*genre),
            _ => Err(format!("`{}` is no list of genres", &fields[all])),
        });
        Ok(Self {
            part,
            level,
            top: fields[top].trim().to_owned(),
            genres: genres.collect::<Result<_, _>>()?,
        })
    }
}

fn read_genres(folder: &Path, report: &mut Report) -> BTreeMap<i64, String> {
    let mut titles = BTreeMap::new();
    let Some(file) = find(folder, &METADATA_BELOW, "genres.csv") else {
        report.missing(
            &folder.join("genres.csv"),
            "genres go by their numbers",
            "unpack it from fma_metadata.zip",
        );
        return titles;
    };
    let sheet = Sheet::read(&file, Form::Csv, 1);
    let read = sheet.and_then(|sheet| Ok((sheet.need("genre_id")?, sheet.need("title")?, sheet)));
    let (id, title, sheet) = match read {
        Ok(read) => read,
        Err(error) => {
            report.unusable(&error, &file, "genres go by their numbers");
            return titles;
        }
    };
    for line in sheet.rows(report.job()) {
        let (problem, line) = match line {
            Ok((fields, line)) => match (
                fields.get(id).and_then(|id| id.parse().ok()),
                fields.get(title),
            ) {
                (Some(id), Some(title)) if fields.len() == sheet.header(0).len() => {
                    titles.insert(id, title.trim().to_owned());
                    continue;
                }
                _ => ("this is no genre".to_owned(), line),
            },
            Err(wrong) => wrong,
        };
        report.bad_line(&file, line, &problem, "download fma_metadata.zip again");
    }
    titles
}

/// The archives list what they hold: tracks of the subset that are not listed were never in it. The sums themselves are the doctor's.
fn hold_against_checksums(
    at: &Folders,
    recordings: &Recordings,
    facts: &[Facts],
    report: &mut Report,
) {
    let root = at.audio.as_ref().unwrap_or(&at.annotations);
    for (level, (name, _)) in SUBSETS.iter().enumerate() {
        let Some(file) = find(root, &[&format!("fma_{name}")], "checksums") else {
            continue;
        };
        let lines = match lines(&file, report) {
            Ok(lines) => lines,
            Err(error) => {
                report.unusable(&error, &file, "the tracks are not compared with it");
                continue;
            }
        };
        let listed: HashSet<String> = lines
            .into_iter()
            .filter_map(|(_, line)| {
                let stem = Path::new(line.split_whitespace().nth(1)?)
                    .file_stem()?
                    .to_str()?
                    .to_owned();
                Some(stem)
            })
            .collect();
        let within = recordings
            .list
            .iter()
            .zip(facts)
            .filter(|(_, facts)| facts.level <= level);
        let unlisted = within.filter(|(track, _)| !listed.contains(&format!("{:0>6}", track.id)));
        let unlisted: Vec<&str> = unlisted.map(|(track, _)| track.id.as_str()).collect();
        if !unlisted.is_empty() {
            let message = format!(
                "{} tracks of {name} are not in the list of the archive's files",
                unlisted.len()
            );
            let finding =
                Finding::new(Check::MissingFile, Severity::Warning, message).about(unlisted);
            report.tell(
                finding
                    .mend(format!("download fma_{name}.zip again"))
                    .of_file(&file),
            );
        }
    }
}
