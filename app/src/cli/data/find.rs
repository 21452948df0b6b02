//! `attune data find`: tracks of the catalogue.

use super::browse::{self, Browsed};
use crate::cli::{Console, Failure, ResultExt};
use attune_core::dataset::catalogue::{
    Index, Query, QueryError, Sort, Status, Term, Test, TextField, TrackRow,
};
use attune_core::dataset::{Catalogue, Split};
use serde::Serialize;
use std::convert::Infallible;
use std::ffi::OsString;
use std::path::PathBuf;

/// Turns a term round; it may be written so as well.
const MINUS: char = '−';

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  attune data find bach
  attune data find bach tag:flute -tag:choir --data tunes
  attune data find -tag:rock -artist:bach --count
  attune data find --tag rock --tag guitar --split test --sort artist --csv > rock.csv
  attune data find 'dur>5:00' split:train --data ~/music/jamendo#top50tags/split-0 --count

Words are looked for in id, title, artist, album, source and tags. Fields: tag:NAME (tag:A|B for one of them), split:PART, in:SPLIT,
artist:, album:, title:, id:, source:, licence: (with = instead of : for the whole text), dur>SECONDS or dur:1:00..5:00
(a shell wants > and | quoted), status:missing, is:untagged, is:problem. A minus turns a term round:
-tag:rock finds what is not tagged rock.")]
pub(super) struct Args {
    /// Words and fields that must all fit
    #[arg(value_name = "WORDS", value_parser = word)]
    words: Vec<String>,
    /// Only this data set: its name or folder, with #SPLIT for the members of a named split
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Carries this tag (may be repeated: all of them)
    #[arg(long)]
    tag: Vec<String>,
    /// Does not carry this tag (may be repeated)
    #[arg(long, value_name = "TAG")]
    no_tag: Vec<String>,
    /// Part of the split: train, valid, test or unlabelled
    #[arg(long, value_name = "PART")]
    split: Option<Split>,
    /// Artist, in part
    #[arg(long)]
    artist: Option<String>,
    /// State of the file: unchecked, fine, damaged, broken or missing
    #[arg(long)]
    status: Option<Status>,
    /// Order: place, id, title, artist, album, split, length, tags, source or status
    #[arg(long, default_value = "place")]
    sort: Sort,
    /// From the end of that order
    #[arg(long)]
    descending: bool,
    /// Print at most so many tracks
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Print only how many there are
    #[arg(long, conflicts_with_all = ["json", "csv"])]
    count: bool,
    /// Print one JSON object per track
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Print CSV
    #[arg(long)]
    csv: bool,
}

/// The arguments of the program, so that `-tag:rock` behind `data find` is a word and no option: its hyphen becomes the sign that [`word`] takes for
/// one. (What clap offers takes every option behind such a word for a word as well.)
pub(in crate::cli) fn with_minus_signs(arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = arguments.collect();
    let is_find = |pair: &[OsString]| pair[0] == "data" && pair[1] == "find";
    let Some(at) = arguments.windows(2).position(is_find) else {
        return arguments;
    };
    let words = arguments[at + 2..].iter_mut();
    for argument in words.take_while(|argument| *argument != "--") {
        let Some(text) = argument.to_str().and_then(|text| text.strip_prefix('-')) else {
            continue;
        };
        // `--count` is an option, `-h` as well.
        if text.chars().nth(1).is_some() && !text.starts_with('-') {
            *argument = format!("{MINUS}{text}").into();
        }
    }
    arguments
}

fn word(text: &str) -> Result<String, Infallible> {
    Ok(match text.strip_prefix(MINUS) {
        Some(term) => format!("-{term}"),
        None => text.to_owned(),
    })
}

/// What `--json` prints for a track.
#[derive(Debug, Serialize)]
struct Found<'a> {
    data: &'a str,
    #[serde(flatten)]
    track: &'a TrackRow,
    split: Option<Split>,
    tags: Vec<&'a str>,
}

pub(super) fn run(args: Args, console: &Console) -> Result<(), Failure> {
    let mut catalogue = Catalogue::open(&console.workspace.catalogue()).failed()?;
    let sets = match &args.data {
        Some(written) => vec![browse::open(&mut catalogue, written, console)?],
        None => {
            let mut sets = Vec::new();
            for entry in catalogue.datasets().failed()? {
                sets.push(Browsed {
                    index: browse::open_folder(&mut catalogue, &entry.root, console)?,
                    split: None,
                });
            }
            sets
        }
    };
    if sets.is_empty() {
        console.say("no data set has been imported yet; see `attune data import --help`");
    }
    let mut printed = Printed::new(&args, console)?;
    let mut refused: Option<QueryError> = None;
    let mut n_answered = 0;
    for set in &sets {
        let query = query(&args, set.split.clone())?;
        match set.index.list(&query) {
            Ok(rows) => {
                n_answered += 1;
                printed.set(&catalogue, &set.index, &query, &rows)?;
            }
            // Another data set may know the tag.
            Err(error) => refused = Some(error),
        }
    }
    match refused {
        Some(error) if n_answered == 0 => Err(error).bad_input(),
        _ => printed.end(),
    }
}

fn query(args: &Args, split: Option<String>) -> Result<Query, Failure> {
    let quoted = args.words.iter().map(|word| {
        // The shell has taken the quotation marks away: what it hands over as one is one, a phrase or a field with its value.
        if word.contains(char::is_whitespace) && !word.contains('"') {
            format!("\"{word}\"")
        } else {
            word.clone()
        }
    });
    let line = quoted.collect::<Vec<_>>().join(" ");
    let mut terms = Query::parse(&line).bad_input()?;
    let tags = |names: &[String], is_negated: bool| {
        let terms = names.iter().map(move |name| Term {
            is_negated,
            test: Test::AnyTag(vec![name.clone()]),
        });
        terms.collect::<Vec<_>>()
    };
    terms.extend(tags(&args.tag, false));
    terms.extend(tags(&args.no_tag, true));
    terms.extend(args.split.map(|part| Term::must(Test::Part(part))));
    let artist = args.artist.clone();
    terms.extend(artist.map(|name| Term::must(Test::Contains(TextField::Artist, name))));
    terms.extend(args.status.map(|status| Term::must(Test::Status(status))));
    Ok(Query {
        split,
        terms,
        sort: args.sort,
        descending: args.descending,
    })
}

/// Tracks on their way to stdout.
struct Printed<'a> {
    args: &'a Args,
    console: &'a Console,
    n_found: usize,
    n_left: usize,
}

impl<'a> Printed<'a> {
    fn new(args: &'a Args, console: &'a Console) -> Result<Self, Failure> {
        if args.csv {
            console.line(&TrackRow::CSV_COLUMNS.join(","))?;
        }
        Ok(Self {
            args,
            console,
            n_found: 0,
            n_left: args.limit.unwrap_or(usize::MAX),
        })
    }

    fn set(
        &mut self,
        catalogue: &Catalogue,
        index: &Index,
        query: &Query,
        rows: &[u32],
    ) -> Result<(), Failure> {
        self.n_found += rows.len();
        if self.args.count {
            return Ok(());
        }
        let split = index.split_of(query).bad_input()?;
        let vocabulary = index.vocabulary_of(split);
        let shown = &rows[..rows.len().min(self.n_left)];
        self.n_left -= shown.len();
        for numbers in shown.chunks(1024) {
            for track in &catalogue.rows(index, numbers).failed()? {
                let row = track.row as usize;
                let tags = index.tags_of(row).iter().map(|&tag| tag as usize);
                let tags = tags.filter(|tag| vocabulary.contains(tag));
                self.track(&Found {
                    data: &index.name,
                    track,
                    split: split.and_then(|split| split.part_of(row)),
                    tags: tags.map(|tag| index.tags()[tag].name.as_str()).collect(),
                })?;
            }
        }
        Ok(())
    }

    fn track(&self, found: &Found<'_>) -> Result<(), Failure> {
        if self.args.json {
            return self.console.json(found);
        }
        let track = found.track;
        let part = found.split.map_or("", Split::name);
        if self.args.csv {
            let line = track.csv_line(found.data, part, &found.tags.join("|"));
            return self.console.line(&line);
        }
        let length = track
            .duration_secs
            .map_or_else(|| "–".to_owned(), crate::widgets::duration_text);
        let mut name = [track.artist.as_str(), &track.title]
            .map(str::trim)
            .join(" – ");
        name = name.trim_matches([' ', '–']).to_owned();
        let status = match track.status {
            status if status.is_problem() => format!("  [{status}]"),
            _ => String::new(),
        };
        self.console.line(&format!(
            "{:<24} {part:<10} {length:>8}  {name}  {}{status}",
            track.id,
            found.tags.join(", ")
        ))
    }

    fn end(self) -> Result<(), Failure> {
        if self.args.count {
            return self.console.line(&self.n_found.to_string());
        }
        let n_shown = self
            .args
            .limit
            .map_or(self.n_found, |limit| limit.min(self.n_found));
        self.console.say(&if n_shown < self.n_found {
            format!("{n_shown} of {} tracks", self.n_found)
        } else {
            format!("{n_shown} tracks")
        });
        Ok(())
    }
}
