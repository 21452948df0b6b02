//! Cleaning as data: which tracks and tags take part, by rules in a TOML file, each of which says what it took away and why.
//! README.md shows such a file, and a test reads it there.
//!
//! The rules work in the order of [`Rules`]'s fields, whatever the order in the file: ids, the doctor's findings, lengths, the vocabulary,
//! and what depends on how many there are last. Tracks without tags stay as the unlabelled pool unless a rule says otherwise.

mod apply;
mod vocabulary;

pub use apply::{Cleaned, Removed, Step};
pub(super) use vocabulary::spellings;

use super::{Check, Error};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What takes part. Every rule that is not named does nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// Only tracks with these ids.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<String>,
    /// Only tracks whose ids are in this file, one a line; relative to the rules' file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include_file: Option<PathBuf>,
    /// Not the tracks with these ids, with the reason why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<Exclusion>,
    /// Not the tracks whose ids are in this file, one a line. A `#` at a line's start, or behind a blank, begins a comment, unless it belongs to an id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude_file: Option<PathBuf>,
    /// The doctor's report that [`Self::drop_found`] is about; relative to the rules' file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<PathBuf>,
    /// Not the tracks that the doctor says to leave out because of these checks; of copies of a recording one stays.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub drop_found: Vec<Check>,
    /// Not tracks shorter than this, in seconds, as the data set states their length.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_secs: Option<f64>,
    /// Not tracks longer than this, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_secs: Option<f64>,
    /// Not tracks of which nobody says the artist.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub known_artist: bool,
    /// Tags that count as one: its name, and the tags it is made of. A tag may be named as what it is made of and thereby be renamed.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub merge: BTreeMap<String, Vec<String>>,
    /// Tags count as one, by the name that most tracks have, if they differ only in case, in how many blanks there are, and in a hyphen, an
    /// underscore or a slash in the place of a blank: `Hip-Hop` and `hip hop` do, `hiphop` is another tag.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub merge_spellings: bool,
    /// Not these tags.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub drop_tags: Vec<String>,
    /// Only these tags, in this order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keep_tags: Vec<String>,
    /// Only tracks that have one of these tags at least.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub require_any: Vec<String>,
    /// Only tracks that have all of these tags.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub require_all: Vec<String>,
    /// Not tracks that have one of these tags.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<String>,
    /// Not tracks with more tags than this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tags: Option<usize>,
    /// Only the tags that most tracks have, so many of them, the commonest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_tags: Option<usize>,
    /// Not tags that fewer tracks have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_tracks_per_tag: Option<usize>,
    /// Not tracks with fewer tags than this, once the vocabulary is settled; they do not become unlabelled ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_tags: Option<usize>,
    /// Not tracks of artists with fewer tracks. A track of an unknown artist counts as the only one of its artist.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_tracks_per_artist: Option<usize>,
    /// Of each known artist the first so many tracks only, by id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tracks_per_artist: Option<usize>,
}

/// Tracks that are left out for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exclusion {
    /// The reason, in words.
    pub why: String,
    /// Their ids.
    pub ids: Vec<String>,
}

/// A file of rules: everything stands below `[clean]`, so that the rules can be part of another file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RulesFile {
    clean: Rules,
}

impl Rules {
    /// Reads a file with a table `[clean]`. Paths in it are taken from its folder on.
    pub fn read(file: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(file).map_err(Error::io("read", file))?;
        let mut rules = toml::from_str::<RulesFile>(&text)
            .map_err(|error| {
                let before = error
                    .span()
                    .map_or("", |span| text.get(..span.start).unwrap_or(""));
                Error::BadLine {
                    problem: error.message().to_owned(),
                    mend: "`attune data split --help` lists the rules".into(),
                    line: before.matches('\n').count() as u64 + 1,
                    file: file.to_path_buf(),
                }
            })?
            .clean;
        let folder = file.parent().unwrap_or(Path::new(""));
        let Rules {
            include_file,
            exclude_file,
            report,
            ..
        } = &mut rules;
        for path in [include_file, exclude_file, report].into_iter().flatten() {
            *path = folder.join(&*path);
        }
        if !rules.drop_found.is_empty() && rules.report.is_none() {
            return Err(Error::BadConfig(format!(
                "drop_found needs `report`, a report that `attune data check DIR --report FILE` wrote ({})",
                file.display()
            )));
        }
        Ok(rules)
    }

    /// As a file that [`Self::read`] reads.
    pub fn to_toml(&self) -> Result<String, Error> {
        toml::to_string_pretty(&RulesFile {
            clean: self.clone(),
        })
        .map_err(|error| Error::BadConfig(format!("the rules cannot be written: {error}")))
    }
}

/// The ids of a file, one a line, without comments: what is an id of a track as it stands is one, whatever signs are in it.
fn read_ids(file: &Path, is_id: impl Fn(&str) -> bool) -> Result<Vec<String>, Error> {
    let text = std::fs::read_to_string(file).map_err(Error::io("read", file))?;
    let lines = text.trim_start_matches('\u{feff}').lines();
    let ids = lines.filter_map(|line| id_on(line.trim(), &is_id));
    Ok(ids.map(str::to_owned).collect())
}

/// The id on a line: the longest that is known of those that end before a comment could begin; if none is, the shortest.
fn id_on(line: &str, is_id: impl Fn(&str) -> bool) -> Option<&str> {
    let hashes = line.match_indices('#').map(|(at, _)| at);
    let ends = hashes.filter(|&at| line[..at].is_empty() || line[..at].ends_with([' ', '\t']));
    let mut ids: Vec<&str> = ends.map(|end| line[..end].trim_end()).collect();
    ids.push(line);
    let known = ids.iter().rev().find(|id| is_id(id));
    known.or(ids.first()).copied().filter(|id| !id.is_empty())
}

#[cfg(test)]
mod tests;
