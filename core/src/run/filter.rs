//! Looking for runs by words, fields and ranges, typed in one line.
//!
//! ```text
//! reverb "label fraction"     words in id, title, model, data, teacher, tags or note
//! model:tiny tag:paper        a field that contains a word (a tag: is that word)
//! lr<1e-3 roc>=0.8 seed=3     numbers; dates as started>2026-11-01
//! lr:1e-4..1e-3               a range, its ends included
//! -tag:old -crnn              without
//! is:archived                 what was put away; otherwise it is left out
//! ```
//!
//! All terms must hold. A run that does not have a field does not match it, and matches its negation.

use super::{Field, RunSummary, time};

/// What was typed, understood.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    terms: Vec<Term>,
    shows_archived: bool,
}

/// Why a line cannot be understood; a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FilterError(String);

#[derive(Clone, Debug, PartialEq)]
struct Term {
    is_negated: bool,
    test: Test,
}

#[derive(Clone, Debug, PartialEq)]
enum Test {
    /// A word anywhere.
    Word(String),
    Contains(Field, String),
    Compares(Field, Relation, f64),
    /// Text that is the same, or is not.
    Is(Field, String),
    Within(Field, f64, f64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    Less,
    AtMost,
    AtLeast,
    More,
}

/// Longest first, so that `<=` is not taken for `<`.
const SIGNS: [(&str, Sign); 7] = [
    ("<=", Sign::Relation(Relation::AtMost)),
    (">=", Sign::Relation(Relation::AtLeast)),
    ("!=", Sign::Differs),
    ("<", Sign::Relation(Relation::Less)),
    (">", Sign::Relation(Relation::More)),
    ("=", Sign::Equals),
    (":", Sign::Contains),
];

#[derive(Clone, Copy)]
enum Sign {
    Relation(Relation),
    Equals,
    Differs,
    Contains,
}

impl Filter {
    /// Understands a line. Fails with a sentence that names the term.
    pub fn parse(line: &str) -> Result<Self, FilterError> {
        let mut filter = Self::default();
        for word in words(line)? {
            if word == "is:archived" {
                filter.shows_archived = true;
                continue;
            }
            filter.terms.extend(Term::parse(&word)?);
        }
        Ok(filter)
    }

    /// Whether a run is what was asked for.
    pub fn matches(&self, run: &RunSummary) -> bool {
        run.about.is_archived == self.shows_archived
            && self.terms.iter().all(|term| term.matches(run))
    }

    /// The fields that were asked for and that none of the runs has: misspelt, as a rule.
    pub fn unknown_fields<'a>(&'a self, runs: &[RunSummary]) -> Vec<&'a Field> {
        let fields = self.terms.iter().filter_map(|term| match &term.test {
            Test::Word(_) => None,
            Test::Contains(field, _)
            | Test::Compares(field, ..)
            | Test::Is(field, _)
            | Test::Within(field, ..) => Some(field),
        });
        let is_setting = |field: &&Field| matches!(field, Field::Setting(_));
        let unknown =
            |field: &&Field| !runs.is_empty() && runs.iter().all(|run| field.of(run).is_none());
        fields.filter(is_setting).filter(unknown).collect()
    }
}

/// A word as it stands in a query, so that it is read back whatever is in it.
pub fn quoted(word: &str) -> String {
    let escaped = word.replace('\\', "\\\\").replace('"', "\\\"");
    if escaped != word || word.contains(char::is_whitespace) {
        format!("\"{escaped}\"")
    } else {
        escaped
    }
}

/// Words between blanks; quotes hold a word with blanks together. `\"` is a quote within a word, `\\` a backslash.
pub(crate) fn words(line: &str) -> Result<Vec<String>, FilterError> {
    let mut words = Vec::new();
    let mut word = String::new();
    let (mut is_quoted, mut is_begun) = (false, false);
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' if chars.peek().is_some_and(|next| matches!(next, '"' | '\\')) => {
                word.extend(chars.next());
                is_begun = true;
            }
            '"' => {
                is_quoted = !is_quoted;
                is_begun = true;
            }
            c if c.is_whitespace() && !is_quoted => {
                if is_begun {
                    words.push(std::mem::take(&mut word));
                }
                is_begun = false;
            }
            c => {
                word.push(c);
                is_begun = true;
            }
        }
    }
    if is_quoted {
        return Err(FilterError("a quotation mark is open".to_owned()));
    }
    if is_begun {
        words.push(word);
    }
    Ok(words)
}

impl Term {
    /// `None` for a term of which only the beginning is typed yet (`tag:`).
    fn parse(word: &str) -> Result<Option<Self>, FilterError> {
        let (mut is_negated, rest) = match word.strip_prefix('-') {
            // A lone minus, or a number below zero.
            Some(rest) if !rest.is_empty() && rest.parse::<f64>().is_err() => (true, rest),
            _ => (false, word),
        };
        let found = SIGNS
            .iter()
            .filter_map(|(sign, meaning)| Some((rest.find(sign)?, *sign, *meaning)))
            .min_by_key(|(at, sign, _)| (*at, std::cmp::Reverse(sign.len())));
        let Some((at, sign, meaning)) = found.filter(|(at, ..)| *at > 0) else {
            let test = Test::Word(rest.to_lowercase());
            return Ok((!rest.is_empty()).then_some(Self { is_negated, test }));
        };
        let (field, value) = (Field::named(&rest[..at]), rest[at + sign.len()..].trim());
        if value.is_empty() {
            return Ok(None);
        }
        let test = match meaning {
            Sign::Contains => match range(&field, value)? {
                Some((low, high)) => Test::Within(field, low, high),
                None if field == Field::Tags => Test::Is(field, value.to_lowercase()),
                None => Test::Contains(field, value.to_lowercase()),
            },
            Sign::Differs => {
                is_negated = !is_negated;
                Test::Is(field, value.to_lowercase())
            }
            Sign::Equals => Test::Is(field, value.to_lowercase()),
            Sign::Relation(relation) => match number(&field, value) {
                // Behind a day is behind its end, up to a day is up to its end.
                Some(day) if field == Field::Started => match relation {
                    Relation::More => Test::Compares(field, Relation::AtLeast, day + DAY_MS),
                    Relation::AtMost => Test::Compares(field, Relation::Less, day + DAY_MS),
                    relation => Test::Compares(field, relation, day),
                },
                Some(number) => Test::Compares(field, relation, number),
                None => return Err(not_a_number(&field, value)),
            },
        };
        Ok(Some(Self { is_negated, test }))
    }

    fn matches(&self, run: &RunSummary) -> bool {
        let text = |field: &Field| field.of(run).map(|value| value.to_string().to_lowercase());
        let amount = |field: &Field| field.of(run).and_then(|value| value.number());
        let holds = match &self.test {
            Test::Word(word) => {
                let texts = [&run.id, run.title(), &run.model, &run.data, &run.about.note];
                let tags = run
                    .about
                    .tags
                    .iter()
                    .chain(&run.teacher)
                    .map(String::as_str);
                let mut texts = texts.into_iter().map(AsRef::as_ref).chain(tags);
                texts.any(|text: &str| text.to_lowercase().contains(word))
            }
            Test::Contains(field, word) => text(field).is_some_and(|text| text.contains(word)),
            Test::Is(Field::Tags, word) => {
                run.about.tags.iter().any(|tag| tag.to_lowercase() == *word)
            }
            Test::Is(field, word) => is(run, field, word),
            Test::Compares(field, relation, wanted) => {
                amount(field).is_some_and(|amount| match relation {
                    Relation::Less => amount < *wanted,
                    Relation::AtMost => amount <= *wanted,
                    Relation::AtLeast => amount >= *wanted,
                    Relation::More => amount > *wanted,
                })
            }
            Test::Within(field, low, high) => {
                amount(field).is_some_and(|amount| (*low..=*high).contains(&amount))
            }
        };
        holds != self.is_negated
    }
}

/// Whether a run's value is what was typed: a number by its size, all else by its words.
fn is(run: &RunSummary, field: &Field, typed: &str) -> bool {
    let Some(value) = field.of(run) else {
        return false;
    };
    let typed_number = number(field, typed);
    match (value.number(), typed_number) {
        (Some(ms), Some(day)) if *field == Field::Started => (day..day + DAY_MS).contains(&ms),
        (Some(one), Some(other)) if one.fract() == 0.0 && other.fract() == 0.0 => one == other,
        // Recipes may hold a number in single precision.
        (Some(one), Some(other)) => (one - other).abs() <= 1e-6 * one.abs().max(other.abs()),
        _ => {
            let switch = match typed {
                "true" => "yes",
                "false" => "no",
                typed => typed,
            };
            let value = value.to_string().to_lowercase();
            value == typed || value == switch
        }
    }
}

/// A range, its ends included: `low..high`, where one may be missing. `None` for a text with two dots in it.
fn range(field: &Field, value: &str) -> Result<Option<(f64, f64)>, FilterError> {
    let Some((low, high)) = value.split_once("..") else {
        return Ok(None);
    };
    let end = |text: &str, open: f64| match text {
        "" => Some(open),
        text => number(field, text),
    };
    match (end(low, f64::NEG_INFINITY), end(high, f64::INFINITY)) {
        (Some(low), Some(high)) if *field == Field::Started => Ok(Some((low, high + DAY_MS - 1.0))),
        (Some(low), Some(high)) => Ok(Some((low, high))),
        (None, None) => Ok(None),
        (None, _) if field.is_number() => Err(not_a_number(field, low)),
        (_, None) if field.is_number() => Err(not_a_number(field, high)),
        _ => Ok(None),
    }
}

/// Milliseconds of a day.
const DAY_MS: f64 = 86_400_000.0;

/// A number, for dates and durations in what [`Field::of`] counts in.
fn number(field: &Field, text: &str) -> Option<f64> {
    match field {
        Field::Started => time::day_unix_ms(text).map(|ms| ms as f64),
        Field::Duration => {
            let units = [("h", 3600.0), ("min", 60.0), ("m", 60.0), ("s", 1.0)];
            let with_unit = units.into_iter().find_map(|(unit, secs)| {
                let number: f64 = text.strip_suffix(unit)?.trim().parse().ok()?;
                Some(number * secs)
            });
            with_unit.or_else(|| text.parse().ok())
        }
        _ => text.parse().ok(),
    }
    .filter(|number: &f64| !number.is_nan())
}

fn not_a_number(field: &Field, text: &str) -> FilterError {
    let wanted = match field {
        Field::Started => "a day, as 2026-11-30",
        Field::Duration => "a duration, as 90s, 5min or 2h",
        _ => "a number",
    };
    FilterError(format!("`{text}` is not {wanted} to hold {field} against"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{About, RunLog};
    use std::path::Path;

    fn runs(folder: &Path) -> Vec<RunSummary> {
        let write = |id: &str, recipe: &str, about: About| {
            let table: toml::Table = recipe.parse().unwrap();
            RunLog::create(&folder.join(id), &table).unwrap();
            let mut about = about;
            about.write(&folder.join(id)).unwrap();
        };
        let tagged = |tags: &[&str]| About {
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            ..About::default()
        };
        let recipe = |lr: &str, preset: &str| {
            format!(
                "[config]\nlearning_rate = {lr}\nmax_minutes = 3.0\n[config.model]\npreset = \"{preset}\"\n"
            )
        };
        write(
            "a-1",
            &recipe("1e-4\nsnapshots = true", "tiny"),
            tagged(&["paper", "baseline"]),
        );
        write("b-1", &recipe("1e-3", "crnn"), tagged(&["papers"]));
        write(
            "c-1",
            "",
            About {
                note: "More Reverb than before".to_owned(),
                ..About::default()
            },
        );
        write(
            "d-1",
            &recipe("1e-2", "tiny"),
            About {
                is_archived: true,
                ..About::default()
            },
        );
        let mut runs = crate::run::list(folder);
        runs.sort_by(|one, other| one.id.cmp(&other.id));
        runs
    }

    #[test]
    fn runs_are_found_by_words_fields_and_ranges() {
        let folder = tempfile::tempdir().unwrap();
        let runs = runs(folder.path());
        let found = |line: &str| {
            let filter = Filter::parse(line).unwrap();
            let found = runs.iter().filter(|run| filter.matches(run));
            found.map(|run| &run.id[..1]).collect::<String>()
        };
        for (line, ids) in [
            ("", "abc"),
            ("reverb MORE", "c"),
            ("\"reverb than\"", "c"),
            ("\"than reverb\"", ""),
            ("tag:paper", "a"),
            ("tag:pap", ""),
            ("-tag:paper", "bc"),
            ("lr<1e-3", "a"),
            ("lr<=1e-3", "ab"),
            ("lr:5e-4..", "b"),
            ("lr:1e-4..1e-3", "ab"),
            ("learning_rate=0.001", "b"),
            ("lr!=0.001", "ac"),
            ("learning_rate=1e-3", "b"),
            ("snapshots=true", "a"),
            ("tag=paper", "a"),
            ("note:than..", ""),
            ("model.preset:TIN", "a"),
            ("preset=tiny", "a"),
            ("preset!=tiny", "bc"),
            ("is:archived", "d"),
            ("is:archived lr<1e-3", ""),
            ("epochs=0", "abc"),
            ("roc>0.5", ""),
            ("-roc>0.5", "abc"),
            ("tag:", "abc"),
            ("-", "abc"),
        ] {
            assert_eq!(found(line), ids, "{line}");
        }
    }

    #[test]
    fn what_cannot_be_understood_is_named() {
        let error = |line: &str| Filter::parse(line).unwrap_err().to_string();
        assert!(error("lr<small").contains("`small`"));
        assert!(error("started>yesterday").contains("2026-11-30"));
        assert!(error("\"open").contains("quotation"));
        let folder = tempfile::tempdir().unwrap();
        let runs = runs(folder.path());
        let filter = Filter::parse("learnig_rate<1 lr<1 word").unwrap();
        let unknown: Vec<String> = filter
            .unknown_fields(&runs)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(unknown, ["learnig_rate"]);
    }
}
