//! What tracks are looked for, typed in one line or put together by a window.
//!
//! ```text
//! bach solo               words in id, title, artist, album, source or a tag; case does not matter
//! tag:rock -tag:slow      has the tag, has it not
//! tag:flute|oboe          has one of them
//! split:test              the part of the named split
//! in:top50tags/split-0    takes part in a named split at all
//! artist:"Ada L" album:x  a field that contains the words; artist=Ada is exactly that
//! dur>30 dur:1:00..5:00   length in seconds or minutes; a range with its ends
//! status:missing          what is known of the file: unchecked, fine, damaged, broken, missing
//! is:untagged is:problem  without any tag; with something wrong with its file
//! ```
//!
//! All terms must hold; a minus turns a term round.

use super::Status;
use super::texts::plain;
use crate::dataset::Split;
use crate::run::filter_words;

/// What is looked for, and in which order it is listed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    /// The named split that is looked at: its members only, its parts, its vocabulary. `None`: all tracks, parts of the first split.
    pub split: Option<String>,
    /// All must hold.
    pub terms: Vec<Term>,
    /// What the list is sorted by.
    pub sort: Sort,
    /// The list from its end.
    pub descending: bool,
}

/// A condition, or its opposite.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// Whether it must not hold.
    pub is_negated: bool,
    /// What must hold.
    pub test: Test,
}

/// What can be asked of a track.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// The word is contained in id, title, artist, album, source or the name of a tag.
    Word(String),
    /// The field contains the text.
    Contains(TextField, String),
    /// The field is the text, apart from case.
    Is(TextField, String),
    /// At least one of these tags.
    AnyTag(Vec<String>),
    /// No tag of the vocabulary.
    Untagged,
    /// The part of the named split.
    Part(Split),
    /// Takes part in the named split.
    In(String),
    /// What is known of the file.
    Status(Status),
    /// Something is wrong with the file.
    Problem,
    /// The stated length, where there is one.
    Length(LengthRange),
}

/// From when to when, in seconds; `None` is without end.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LengthRange {
    /// The shortest.
    pub low: Option<f64>,
    /// The longest.
    pub high: Option<f64>,
    /// Whether the ends themselves are left out.
    pub is_open: bool,
}

impl LengthRange {
    /// Whether a length is in the range; an unknown one (NaN) is not.
    pub fn has(self, secs: f64) -> bool {
        let above = |low: f64| secs > low || (secs == low && !self.is_open);
        let below = |high: f64| secs < high || (secs == high && !self.is_open);
        !secs.is_nan() && self.low.is_none_or(above) && self.high.is_none_or(below)
    }
}

/// A text of a track.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TextField {
    /// The id.
    Id,
    /// The title.
    Title,
    /// The artist.
    Artist,
    /// The album.
    Album,
    /// The source.
    Source,
    /// The licence.
    Licence,
}

impl TextField {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Id,
        Self::Title,
        Self::Artist,
        Self::Album,
        Self::Source,
        Self::Licence,
    ];

    /// The name in queries.
    pub fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Title => "title",
            Self::Artist => "artist",
            Self::Album => "album",
            Self::Source => "source",
            Self::Licence => "licence",
        }
    }

    fn named(name: &str) -> Option<Self> {
        let name = if name == "license" { "licence" } else { name };
        Self::ALL.into_iter().find(|field| field.name() == name)
    }
}

/// What a list of tracks is sorted by.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Sort {
    /// The order of the data set's files.
    #[default]
    Place,
    /// Id, apart from case.
    Id,
    /// Title, apart from case.
    Title,
    /// Artist, apart from case.
    Artist,
    /// Album, apart from case.
    Album,
    /// Part of the split.
    Part,
    /// Stated length; unknown ones first.
    Length,
    /// How many tags of the vocabulary.
    Tags,
    /// Source, apart from case.
    Source,
    /// What is known of the file.
    Status,
}

impl Sort {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Place,
        Self::Id,
        Self::Title,
        Self::Artist,
        Self::Album,
        Self::Part,
        Self::Length,
        Self::Tags,
        Self::Source,
        Self::Status,
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Place => "place",
            Self::Id => "id",
            Self::Title => "title",
            Self::Artist => "artist",
            Self::Album => "album",
            Self::Part => "split",
            Self::Length => "length",
            Self::Tags => "tags",
            Self::Source => "source",
            Self::Status => "status",
        }
    }
}

impl std::str::FromStr for Sort {
    type Err = QueryError;

    fn from_str(name: &str) -> Result<Self, QueryError> {
        let found = Self::ALL.into_iter().find(|sort| sort.name() == name);
        found.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            QueryError::new(format!("tracks are not sorted by `{name}`, but by {names}"))
        })
    }
}

/// Why a query cannot be understood or answered; a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct QueryError(String);

impl QueryError {
    pub(super) fn new(sentence: String) -> Self {
        Self(sentence)
    }
}

/// Longest first, so that `<=` is not taken for `<`.
const SIGNS: [&str; 7] = ["<=", ">=", "!=", "<", ">", "=", ":"];

impl Query {
    /// Understands the terms of a line. Fails with a sentence that names the term.
    pub fn parse(line: &str) -> Result<Vec<Term>, QueryError> {
        let words = filter_words(line).map_err(|error| QueryError::new(error.to_string()))?;
        let mut terms = Vec::new();
        for word in words {
            terms.extend(Term::parse(&word)?);
        }
        Ok(terms)
    }
}

impl Term {
    /// A condition that must hold.
    pub fn must(test: Test) -> Self {
        Self {
            is_negated: false,
            test,
        }
    }

    /// `None` for a term of which only the beginning is typed yet (`tag:`).
    fn parse(word: &str) -> Result<Option<Self>, QueryError> {
        let (mut is_negated, rest) = match word.strip_prefix('-') {
            Some(rest) if !rest.is_empty() => (true, rest),
            _ => (false, word),
        };
        let found = SIGNS
            .iter()
            .filter_map(|sign| Some((rest.find(sign)?, *sign)))
            .min_by_key(|(at, sign)| (*at, std::cmp::Reverse(sign.len())));
        let test = match found {
            Some((at, sign)) => {
                let (name, value) = (&rest[..at], rest[at + sign.len()..].trim());
                is_negated ^= sign == "!=";
                field_test(&name.to_lowercase(), sign, value)?
            }
            None => None,
        };
        // What names no field is looked for as it stands: titles have colons, too.
        let test = match test {
            Some(Typed::Test(test)) => test,
            Some(Typed::Begun) => return Ok(None),
            None if rest.is_empty() => return Ok(None),
            None => Test::Word(plain(rest)),
        };
        Ok(Some(Self { is_negated, test }))
    }
}

enum Typed {
    Test(Test),
    Begun,
}

/// `None` if there is no field of that name.
fn field_test(name: &str, sign: &str, value: &str) -> Result<Option<Typed>, QueryError> {
    let is_exact = matches!(sign, "=" | "!=");
    let text = TextField::named(name);
    let is_length = matches!(name, "dur" | "duration" | "length" | "secs");
    let known = text.is_some()
        || is_length
        || matches!(name, "tag" | "split" | "part" | "in" | "status" | "is");
    if !known {
        return Ok(None);
    }
    if value.is_empty() {
        return Ok(Some(Typed::Begun));
    }
    if matches!(sign, "<" | ">" | "<=" | ">=") && !is_length {
        return Err(QueryError::new(format!(
            "`{name}` is no number: write {name}:{value}"
        )));
    }
    let test = match (text, name) {
        (Some(field), _) if is_exact => Test::Is(field, plain(value)),
        (Some(field), _) => Test::Contains(field, plain(value)),
        // The whole name, whatever is in it.
        (None, "tag") if is_exact => Test::AnyTag(vec![value.to_owned()]),
        (None, "tag") => {
            let tags = value.split('|').map(str::trim);
            let tags: Vec<String> = tags
                .filter(|tag| !tag.is_empty())
                .map(str::to_owned)
                .collect();
            if tags.is_empty() {
                return Ok(Some(Typed::Begun));
            }
            Test::AnyTag(tags)
        }
        (None, "split" | "part") => {
            let part = value.to_lowercase().parse();
            Test::Part(part.map_err(|error: crate::dataset::UnknownSplit| {
                QueryError::new(format!("{error}; a named split is looked for with in:NAME"))
            })?)
        }
        (None, "in") => Test::In(value.to_owned()),
        (None, "status") => Test::Status(
            value
                .to_lowercase()
                .parse()
                .map_err(|error: super::UnknownStatus| QueryError::new(error.to_string()))?,
        ),
        (None, "is") => match value {
            "untagged" => Test::Untagged,
            "problem" => Test::Problem,
            other => {
                return Err(QueryError::new(format!(
                    "`is:{other}` is unknown: there are is:untagged and is:problem"
                )));
            }
        },
        (None, _) => Test::Length(length_range(sign, value)?),
    };
    Ok(Some(Typed::Test(test)))
}

fn length_range(sign: &str, value: &str) -> Result<LengthRange, QueryError> {
    let range = |low, high, is_open| LengthRange { low, high, is_open };
    let end = |text: &str| match text.trim() {
        "" => Ok(None),
        text => seconds(text).map(Some),
    };
    Ok(match (sign, value.split_once("..")) {
        (":" | "=", Some((low, high))) => range(end(low)?, end(high)?, false),
        ("<", _) => range(None, end(value)?, true),
        ("<=", _) => range(None, end(value)?, false),
        (">", _) => range(end(value)?, None, true),
        (">=", _) => range(end(value)?, None, false),
        _ => range(end(value)?, end(value)?, false),
    })
}

/// Seconds, or minutes and seconds.
fn seconds(text: &str) -> Result<f64, QueryError> {
    let number = |text: &str| text.parse::<f64>().ok().filter(|it| it.is_finite());
    let secs = match text.split_once(':') {
        Some((minutes, rest)) => {
            let minutes = minutes.parse::<u32>().ok();
            minutes
                .zip(number(rest))
                .map(|(m, s)| f64::from(m) * 60.0 + s)
        }
        None => number(text.trim_end_matches('s')),
    };
    secs.ok_or_else(|| {
        QueryError::new(format!(
            "`{text}` is no length: write seconds (90) or minutes and seconds (1:30)"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: Test) {
        let terms = Query::parse(line).unwrap();
        assert_eq!(terms, [Term::must(expected)], "{line}");
    }

    #[test]
    fn a_line_is_understood_term_by_term() {
        let range = |low, high, is_open| Test::Length(LengthRange { low, high, is_open });
        check("BACH", Test::Word("bach".into()));
        check("op.27:1", Test::Word("op.27:1".into()));
        check("tag:Rock", Test::AnyTag(vec!["Rock".into()]));
        check("tag:a|b", Test::AnyTag(vec!["a".into(), "b".into()]));
        check("split:test", Test::Part(Split::Test));
        check("in:split-0", Test::In("split-0".into()));
        check(
            "artist:\"Ada L\"",
            Test::Contains(TextField::Artist, "ada l".into()),
        );
        check("license=CC0", Test::Is(TextField::Licence, "cc0".into()));
        check("dur>30", range(Some(30.0), None, true));
        check("dur<=1:30", range(None, Some(90.0), false));
        check("length:10..", range(Some(10.0), None, false));
        check("dur=20s", range(Some(20.0), Some(20.0), false));
        check("status:missing", Test::Status(Status::Missing));
        check("is:untagged", Test::Untagged);
        let terms = Query::parse("-tag:slow id!=x").unwrap();
        assert!(terms.len() == 2 && terms.iter().all(|term| term.is_negated));
        assert_eq!(Query::parse("tag: split: |").unwrap().len(), 1);
    }

    #[test]
    fn what_cannot_be_understood_is_told() {
        for (line, part) in [
            ("split:tst", "in:NAME"),
            ("status:ok", "unchecked"),
            ("dur>long", "no length"),
            ("tag>3", "tag:3"),
            ("is:new", "is:untagged"),
            ("\"open", "quotation"),
        ] {
            let error = Query::parse(line).unwrap_err().to_string();
            assert!(error.contains(part), "{line}: {error}");
        }
    }

    #[test]
    fn an_open_range_leaves_out_its_end_and_unknown_lengths() {
        let more = LengthRange {
            low: Some(30.0),
            high: None,
            is_open: true,
        };
        assert!(more.has(30.1) && !more.has(30.0) && !more.has(f64::NAN));
        assert!(!LengthRange::default().has(f64::NAN));
    }
}
