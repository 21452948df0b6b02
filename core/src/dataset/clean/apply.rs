//! The rules at work, one after the other.

use super::super::doctor::Report;
use super::super::split::{KeptTag, known_name};
use super::super::{Dataset, Error, TagIdx, Track};
use super::vocabulary::{merged, replace, spellings};
use super::{Rules, read_ids};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;

/// A data set after cleaning.
#[derive(Clone, Debug)]
pub struct Cleaned {
    /// What is left.
    pub dataset: Dataset,
    /// Its vocabulary, with the tags of the uncleaned data set that each is made of.
    pub vocabulary: Vec<KeptTag>,
    /// What each rule did, in the order in which they worked.
    pub steps: Vec<Step>,
}

/// What one rule did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// The rule's name in the file.
    pub rule: &'static str,
    /// Why, in words.
    pub why: String,
    /// What it took away.
    pub removed: Removed,
    /// How many.
    pub n_removed: usize,
    /// The first few.
    pub examples: Vec<String>,
    /// Tracks that are left.
    pub n_tracks: usize,
    /// Tags that are left.
    pub n_tags: usize,
    /// Ids that the rule lists and no track had before cleaning.
    pub n_unknown: usize,
    /// The first few of them.
    pub unknown: Vec<String>,
}

/// What a rule takes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Removed {
    /// Whole tracks.
    Tracks,
    /// Tags of the vocabulary with their labels.
    Tags,
}

impl Step {
    /// On one line.
    pub fn words(&self) -> String {
        let what = match self.removed {
            Removed::Tracks => "tracks",
            Removed::Tags => "tags",
        };
        let some = |examples: &[String], n: usize| {
            let more = if n > examples.len() { " …" } else { "" };
            match examples {
                [] => String::new(),
                _ => format!(" ({}{more})", examples.join(", ")),
            }
        };
        let examples = some(&self.examples, self.n_removed);
        let unknown = if self.n_unknown > 0 {
            let unknown = some(&self.unknown, self.n_unknown);
            format!(
                "; {} of the listed ids are those of no track here{unknown}",
                self.n_unknown
            )
        } else {
            String::new()
        };
        format!(
            "{}: {} {what} removed, {}{examples}{unknown}",
            self.rule, self.n_removed, self.why
        )
    }
}

impl Rules {
    /// Applies the rules. Fails if a file that they name cannot be read, a tag that they name is not in the vocabulary, the doctor's report
    /// is of another data set, or no tag is left.
    pub fn apply(&self, dataset: Dataset) -> Result<Cleaned, Error> {
        let had_tags = dataset.n_tags() > 0;
        let ids: HashSet<String> = dataset
            .tracks
            .iter()
            .map(|track| track.id.clone())
            .collect();
        let same = |name: &String| KeptTag {
            name: name.clone(),
            of: vec![name.clone()],
        };
        let vocabulary = dataset.tags.iter().map(same).collect();
        let mut work = Work {
            cleaned: Cleaned {
                dataset,
                vocabulary,
                steps: Vec::new(),
            },
            ids,
        };
        work.ids(self)?;
        work.lengths(self);
        work.vocabulary(self)?;
        work.tags_of_tracks(self)?;
        work.counts(self);
        let cleaned = work.cleaned;
        if had_tags && cleaned.dataset.n_tags() == 0 {
            let last = cleaned.steps.iter().find(|step| step.n_tags == 0);
            let rule = last.map_or("", |step| step.rule);
            return Err(Error::BadConfig(format!(
                "no tag of {} is left after the rule {rule}; a split needs one at least, so keep more tags",
                cleaned.dataset.name
            )));
        }
        Ok(cleaned)
    }
}

struct Work {
    cleaned: Cleaned,
    /// The ids of the data set as it was opened.
    ids: HashSet<String>,
}

impl Work {
    fn note(&mut self, rule: &'static str, why: String, removed: Removed, gone: &[String]) {
        let dataset = &self.cleaned.dataset;
        self.cleaned.steps.push(Step {
            rule,
            why,
            removed,
            n_removed: gone.len(),
            examples: gone.iter().take(3).cloned().collect(),
            n_tracks: dataset.tracks.len(),
            n_tags: dataset.n_tags(),
            n_unknown: 0,
            unknown: Vec::new(),
        });
    }

    /// Keeps or leaves out what is listed, and tells which of the ids no track ever had.
    fn keep_by_ids(
        &mut self,
        rule: &'static str,
        why: String,
        listed: &[String],
        fits: impl Fn(bool) -> bool,
    ) {
        let ids: HashSet<&str> = listed.iter().map(String::as_str).collect();
        self.keep(rule, why, |track| fits(ids.contains(track.id.as_str())));
        let unknown: BTreeSet<&str> = ids
            .into_iter()
            .filter(|id| !self.ids.contains(*id))
            .collect();
        if let Some(step) = self.cleaned.steps.last_mut() {
            step.n_unknown = unknown.len();
            step.unknown = unknown.into_iter().take(3).map(str::to_owned).collect();
        }
    }

    /// Keeps the tracks that fit, and notes the others.
    fn keep(&mut self, rule: &'static str, why: String, fits: impl Fn(&Track) -> bool) {
        let mut gone = Vec::new();
        self.cleaned.dataset.tracks.retain(|track| {
            let fits = fits(track);
            if !fits {
                gone.push(track.id.clone());
            }
            fits
        });
        self.note(rule, why, Removed::Tracks, &gone);
    }

    fn ids(&mut self, rules: &Rules) -> Result<(), Error> {
        if !rules.include.is_empty() || rules.include_file.is_some() {
            let mut listed = rules.include.clone();
            if let Some(file) = &rules.include_file {
                listed.extend(read_ids(file, |id| self.ids.contains(id))?);
            }
            let why = "because only listed ids take part".to_owned();
            self.keep_by_ids("include", why, &listed, |is_listed| is_listed);
        }
        for exclusion in &rules.exclude {
            let why = format!("because of: {}", exclusion.why);
            self.keep_by_ids("exclude", why, &exclusion.ids, |is_listed| !is_listed);
        }
        if let Some(file) = &rules.exclude_file {
            let listed = read_ids(file, |id| self.ids.contains(id))?;
            let why = format!("because {} lists them", file.display());
            self.keep_by_ids("exclude_file", why, &listed, |is_listed| !is_listed);
        }
        if let Some(file) = rules
            .report
            .as_ref()
            .filter(|_| !rules.drop_found.is_empty())
        {
            let report = Report::read(file)?;
            let elsewhere = self.held_against(&report, file)?;
            for &check in &rules.drop_found {
                let entries = report.entries.iter();
                let found = entries.filter(|entry| entry.finding.check == check);
                let listed: HashSet<&str> = found
                    .flat_map(|entry| entry.leave_out.iter().map(String::as_str))
                    .collect();
                let why = format!("because the doctor found: {check}{elsewhere}");
                self.keep("drop_found", why, |track| {
                    !listed.contains(track.id.as_str())
                });
            }
        }
        Ok(())
    }

    /// Refuses a report of another data set. One of the same name that lay elsewhere may be a copy of this: that is said, in words to put behind others.
    fn held_against(&self, report: &Report, file: &Path) -> Result<String, Error> {
        let dataset = &self.cleaned.dataset;
        let same_place = |a: &Path, b: &Path| match (a.canonicalize(), b.canonicalize()) {
            (Ok(a), Ok(b)) => a == b,
            _ => a == b,
        };
        if same_place(&report.root, &dataset.root) {
            return Ok(String::new());
        }
        if report.name == dataset.name {
            return Ok(format!(" (in {})", report.root.display()));
        }
        Err(Error::BadConfig(format!(
            "the report is of another data set, {} in {}, not of {} in {}; make one with `attune data check DIR --report FILE` ({})",
            report.name,
            report.root.display(),
            dataset.name,
            dataset.root.display(),
            file.display()
        )))
    }

    fn lengths(&mut self, rules: &Rules) {
        // Where no length is stated, nothing is known against the track.
        if let Some(min_secs) = rules.min_secs {
            let why = format!("because they are shorter than {min_secs} s");
            self.keep("min_secs", why, |track| {
                track.duration_secs.is_none_or(|secs| secs >= min_secs)
            });
        }
        if let Some(max_secs) = rules.max_secs {
            let why = format!("because they are longer than {max_secs} s");
            self.keep("max_secs", why, |track| {
                track.duration_secs.is_none_or(|secs| secs <= max_secs)
            });
        }
        if rules.known_artist {
            let why = "because nobody says who the artist is".to_owned();
            self.keep("known_artist", why, |track| {
                known_name(&track.artist).is_some()
            });
        }
    }

    /// Gives the data set another vocabulary and notes the tags that are in it no more.
    fn replace(&mut self, rule: &'static str, why: String, kept: &[(String, Vec<usize>)]) {
        let cleaned = &mut self.cleaned;
        let names: HashSet<&str> = kept.iter().map(|(name, _)| name.as_str()).collect();
        let before = cleaned.dataset.tags.iter();
        let gone: Vec<String> = before
            .filter(|name| !names.contains(name.as_str()))
            .cloned()
            .collect();
        replace(&mut cleaned.dataset, &mut cleaned.vocabulary, kept);
        self.note(rule, why, Removed::Tags, &gone);
    }

    /// The number of a tag that a rule names.
    fn tag(&self, rule: &str, name: &str) -> Result<usize, Error> {
        let found = self.cleaned.dataset.tag(name).map(TagIdx::index);
        found.ok_or_else(|| {
            let tags = &self.cleaned.dataset.tags;
            let folded = super::vocabulary::fold_spelling(name);
            let alike = tags
                .iter()
                .find(|tag| super::vocabulary::fold_spelling(tag) == folded);
            let hint = alike.map_or_else(
                || format!("there are {} others", tags.len()),
                |tag| format!("there is `{tag}`"),
            );
            Error::BadConfig(format!(
                "the rule {rule} names the tag `{name}`, which is not in the vocabulary ({hint})"
            ))
        })
    }

    fn vocabulary(&mut self, rules: &Rules) -> Result<(), Error> {
        if !rules.merge.is_empty() {
            let mut groups = Vec::new();
            let mut merged_into: HashMap<usize, &str> = HashMap::new();
            for (name, written) in &rules.merge {
                let mut members: Vec<usize> = self
                    .cleaned
                    .dataset
                    .tag(name)
                    .map(TagIdx::index)
                    .into_iter()
                    .collect();
                for tag in written {
                    let tag = self.tag("merge", tag)?;
                    if !members.contains(&tag) {
                        members.push(tag);
                    }
                }
                for &member in &members {
                    if let Some(other) = merged_into.insert(member, name) {
                        return Err(Error::BadConfig(format!(
                            "the rule merge makes `{}` a part of `{other}` and of `{name}`; choose one",
                            self.cleaned.dataset.tags[member]
                        )));
                    }
                }
                groups.push((name.clone(), members));
            }
            let kept = merged(&self.cleaned.dataset, &groups);
            self.replace("merge", "because they count as another".to_owned(), &kept);
        }
        if rules.merge_spellings {
            let kept = merged(&self.cleaned.dataset, &spellings(&self.cleaned.dataset));
            self.replace(
                "merge_spellings",
                "because they are other spellings".to_owned(),
                &kept,
            );
        }
        if !rules.drop_tags.is_empty() {
            let mut dropped = HashSet::new();
            for name in &rules.drop_tags {
                dropped.insert(self.tag("drop_tags", name)?);
            }
            let kept = self.kept_of(|tag| !dropped.contains(&tag));
            self.replace("drop_tags", "because the rule names them".to_owned(), &kept);
        }
        if !rules.keep_tags.is_empty() {
            let mut kept = Vec::new();
            let mut named = HashSet::new();
            for name in &rules.keep_tags {
                if !named.insert(name) {
                    return Err(Error::BadConfig(format!(
                        "the rule keep_tags names the tag `{name}` twice; name every tag once"
                    )));
                }
                kept.push((name.clone(), vec![self.tag("keep_tags", name)?]));
            }
            self.replace(
                "keep_tags",
                "because the rule does not name them".to_owned(),
                &kept,
            );
        }
        Ok(())
    }

    fn kept_of(&self, fits: impl Fn(usize) -> bool) -> Vec<(String, Vec<usize>)> {
        let tags = self.cleaned.dataset.tags.iter().enumerate();
        tags.filter(|(tag, _)| fits(*tag))
            .map(|(tag, name)| (name.clone(), vec![tag]))
            .collect()
    }

    fn tags_of_tracks(&mut self, rules: &Rules) -> Result<(), Error> {
        let numbers = |work: &Self, rule, names: &[String]| -> Result<Vec<TagIdx>, Error> {
            let numbers = names
                .iter()
                .map(|name| Ok(TagIdx(work.tag(rule, name)? as u32)));
            numbers.collect()
        };
        if !rules.require_any.is_empty() {
            let tags = numbers(self, "require_any", &rules.require_any)?;
            let why = "because they have none of the required tags".to_owned();
            self.keep("require_any", why, |track| {
                tags.iter().any(|tag| track.tags.contains(tag))
            });
        }
        if !rules.require_all.is_empty() {
            let tags = numbers(self, "require_all", &rules.require_all)?;
            let why = "because they lack a required tag".to_owned();
            self.keep("require_all", why, |track| {
                tags.iter().all(|tag| track.tags.contains(tag))
            });
        }
        if !rules.without.is_empty() {
            let tags = numbers(self, "without", &rules.without)?;
            let why = "because they have an excluded tag".to_owned();
            self.keep("without", why, |track| {
                !tags.iter().any(|tag| track.tags.contains(tag))
            });
        }
        if let Some(max_tags) = rules.max_tags {
            let why = format!("because they have more than {max_tags} tags");
            self.keep("max_tags", why, |track| track.tags.len() <= max_tags);
        }
        Ok(())
    }

    fn counts(&mut self, rules: &Rules) {
        if let Some(top_tags) = rules.top_tags {
            let counts = self.cleaned.dataset.tag_counts(None);
            let mut order: Vec<usize> = (0..counts.len()).collect();
            order.sort_by_key(|&tag| (std::cmp::Reverse(counts[tag]), tag));
            order.truncate(top_tags);
            let tags = &self.cleaned.dataset.tags;
            let kept: Vec<_> = order
                .iter()
                .map(|&tag| (tags[tag].clone(), vec![tag]))
                .collect();
            let why = format!("because they are not among the {top_tags} commonest");
            self.replace("top_tags", why, &kept);
        }
        if let Some(min_tracks) = rules.min_tracks_per_tag {
            let counts = self.cleaned.dataset.tag_counts(None);
            let kept = self.kept_of(|tag| counts[tag] >= min_tracks);
            let why = format!("because fewer than {min_tracks} tracks have them");
            self.replace("min_tracks_per_tag", why, &kept);
        }
        if let Some(min_tags) = rules.min_tags {
            let why = format!("because they have fewer than {min_tags} tags");
            self.keep("min_tags", why, |track| track.tags.len() >= min_tags);
        }
        let per_artist = |dataset: &Dataset| {
            let mut counts: HashMap<String, usize> = HashMap::new();
            for name in dataset
                .tracks
                .iter()
                .filter_map(|track| known_name(&track.artist))
            {
                *counts.entry(name).or_default() += 1;
            }
            counts
        };
        if let Some(min_tracks) = rules.min_tracks_per_artist {
            let counts = per_artist(&self.cleaned.dataset);
            let why = format!("because their artist has fewer than {min_tracks} tracks");
            self.keep("min_tracks_per_artist", why, |track| {
                let n_tracks =
                    known_name(&track.artist).and_then(|name| counts.get(&name).copied());
                n_tracks.unwrap_or(1) >= min_tracks
            });
        }
        if let Some(max_tracks) = rules.max_tracks_per_artist {
            let mut of_artist: BTreeMap<String, Vec<&str>> = BTreeMap::new();
            for track in &self.cleaned.dataset.tracks {
                if let Some(name) = known_name(&track.artist) {
                    of_artist.entry(name).or_default().push(&track.id);
                }
            }
            let mut gone: HashSet<String> = HashSet::new();
            for mut ids in of_artist.into_values() {
                ids.sort_unstable();
                gone.extend(ids.iter().skip(max_tracks).map(|&id| id.to_owned()));
            }
            let why = format!("because their artist has {max_tracks} others already");
            self.keep("max_tracks_per_artist", why, |track| {
                !gone.contains(&track.id)
            });
        }
    }
}
