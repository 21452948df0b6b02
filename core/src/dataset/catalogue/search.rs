//! Answering a query: sets of rows are intersected, then listed along an order that is known beforehand.

use super::index::{Names, number_of};
use super::texts::{Texts, plain};
use super::{Bits, Index, Query, QueryError, Sort, SplitColumn, Term, Test, TextField};

impl Index {
    /// The rows that a query finds. Fails if it names a tag or split that the data set does not have.
    pub fn select(&self, query: &Query) -> Result<Bits, QueryError> {
        let split = self.split_of(query)?;
        let mut found = match (&query.split, split) {
            (Some(_), Some(split)) => split.members(),
            _ => Bits::all(self.len()),
        };
        for term in &query.terms {
            let mut rows = self.fitting(&term.test, split)?;
            if term.is_negated {
                rows.invert();
            }
            found.keep(&rows);
        }
        Ok(found)
    }

    /// Whether the data set has the tags and splits that a query names: what [`Index::select`] fails for, without looking at any row.
    pub fn check(&self, query: &Query) -> Result<(), QueryError> {
        let split = self.split_of(query)?;
        for term in &query.terms {
            match &term.test {
                Test::AnyTag(names) => {
                    for name in names {
                        self.tag_named(name, split)?;
                    }
                }
                Test::In(name) => drop(self.named_split(name)?),
                _ => {}
            }
        }
        Ok(())
    }

    /// The same in the order that is asked for: numbers of rows.
    pub fn list(&self, query: &Query) -> Result<Vec<u32>, QueryError> {
        let found = self.select(query)?;
        let split = self.split_of(query)?;
        Ok(self.sorted(&found, query, split))
    }

    /// The split whose parts and vocabulary a query looks at.
    pub fn split_of(&self, query: &Query) -> Result<Option<&SplitColumn>, QueryError> {
        match &query.split {
            None => Ok(self.splits.first()),
            Some(name) => self.named_split(name).map(Some),
        }
    }

    fn named_split(&self, name: &str) -> Result<&SplitColumn, QueryError> {
        self.split(Some(name)).ok_or_else(|| {
            let names: Vec<&str> = self.splits.iter().map(|it| it.name.as_str()).collect();
            QueryError::new(format!(
                "there is no split `{name}`; there are: {}",
                names.join(", ")
            ))
        })
    }

    fn fitting(&self, test: &Test, split: Option<&SplitColumn>) -> Result<Bits, QueryError> {
        let n = self.len();
        Ok(match test {
            Test::Word(word) => self.with_word(&plain(word)),
            Test::Contains(field, text) => {
                self.with_text(*field, |texts| texts.holding(&plain(text)))
            }
            Test::Is(field, text) => self.with_text(*field, |texts| texts.being(&plain(text))),
            Test::AnyTag(names) => {
                let mut rows = Bits::none(n);
                for name in names {
                    self.mark_carriers(&mut rows, self.tag_named(name, split)?);
                }
                rows
            }
            Test::Untagged => {
                let tags = self.vocabulary_of(split);
                Bits::of(n, |row| {
                    let mut carried = self.tags_of(row).iter();
                    !carried.any(|&tag| tags.contains(&(tag as usize)))
                })
            }
            Test::Part(part) => match split {
                None => Bits::none(n),
                Some(split) => {
                    let part = number_of(*part);
                    Bits::of(n, |row| split.parts[row] == part)
                }
            },
            Test::In(name) => self.named_split(name)?.members(),
            Test::Status(status) => {
                let status = status.number();
                Bits::of(n, |row| self.statuses[row] == status)
            }
            Test::Problem => Bits::of(n, |row| self.status_of(row).is_problem()),
            Test::Length(range) => Bits::of(n, |row| range.has(self.secs[row])),
        })
    }

    fn with_word(&self, word: &str) -> Bits {
        let mut rows = Bits::none(self.len());
        for names in [&self.artists, &self.albums, &self.sources] {
            names.mark(&mut rows, &names.plain.holding(word));
        }
        for (number, tag) in self.tags.iter().enumerate() {
            if plain(&tag.name).contains(word) {
                self.mark_carriers(&mut rows, number);
            }
        }
        if rows.count() < self.len() / 2 {
            rows.add(&self.ids.holding(word));
            rows.add(&self.titles.holding(word));
        } else {
            // A letter or two: most rows have it, and only the rest is still looked at.
            for row in 0..self.len() {
                let is_new = !rows.has(row);
                if is_new
                    && [&self.ids, &self.titles]
                        .iter()
                        .any(|texts| texts.get(row).contains(word))
                {
                    rows.set(row);
                }
            }
        }
        rows
    }

    fn with_text(&self, field: TextField, find: impl Fn(&Texts) -> Bits) -> Bits {
        let names = match field {
            TextField::Id => return find(&self.ids),
            TextField::Title => return find(&self.titles),
            TextField::Artist => &self.artists,
            TextField::Album => &self.albums,
            TextField::Source => &self.sources,
            TextField::Licence => &self.licences,
        };
        let mut rows = Bits::none(self.len());
        names.mark(&mut rows, &find(&names.plain));
        rows
    }

    fn mark_carriers(&self, rows: &mut Bits, tag: usize) {
        for &row in &self.carriers[tag] {
            rows.set(row as usize);
        }
    }

    /// The tags that go with a split.
    pub fn vocabulary_of(&self, split: Option<&SplitColumn>) -> std::ops::Range<usize> {
        let number = split.map_or(0, |split| split.vocabulary);
        let vocabulary = self.vocabularies().get(number);
        vocabulary.map_or(0..0, |vocabulary| vocabulary.tags.clone())
    }

    /// Number of a tag by its name, apart from case unless two differ in that alone; of the split's vocabulary if that has it.
    pub fn tag_named(&self, name: &str, split: Option<&SplitColumn>) -> Result<usize, QueryError> {
        let own = self.vocabulary_of(split);
        let all = || own.clone().chain(0..self.tags.len());
        let exact = all().find(|&tag| self.tags[tag].name == name);
        let wanted = plain(name);
        let found = exact.or_else(|| all().find(|&tag| plain(&self.tags[tag].name) == wanted));
        found.ok_or_else(|| {
            let tags = own.clone().map(|tag| self.tags[tag].name.as_str());
            let near: Vec<&str> = tags
                .clone()
                .filter(|tag| plain(tag).contains(&wanted))
                .collect();
            let shown: Vec<&str> = if near.is_empty() {
                tags.take(12).collect()
            } else {
                near.into_iter().take(12).collect()
            };
            QueryError::new(if self.tags.is_empty() {
                format!("there is no tag `{name}`: the data set has no tags")
            } else {
                format!("there is no tag `{name}`; there are: {}", shown.join(", "))
            })
        })
    }

    fn sorted(&self, found: &Bits, query: &Query, split: Option<&SplitColumn>) -> Vec<u32> {
        let n_tags = |tags: std::ops::Range<usize>| {
            let carried = (0..self.len()).map(move |row| {
                let tags = tags.clone();
                let mut of_vocabulary = self.tags_of(row).iter();
                of_vocabulary
                    .by_ref()
                    .filter(|&&tag| tags.contains(&(tag as usize)))
                    .count() as u32
            });
            carried.collect::<Vec<u32>>()
        };
        let mut rows = match query.sort {
            Sort::Place => found.rows().collect(),
            Sort::Id => along(&self.by_id, found),
            Sort::Title => along(&self.by_title, found),
            Sort::Length => along(&self.by_secs, found),
            Sort::Artist => by_key(&self.artists.of, found),
            Sort::Album => by_key(&self.albums.of, found),
            Sort::Source => by_key(&self.sources.of, found),
            Sort::Status => by_key(&self.statuses, found),
            Sort::Part => match split {
                Some(split) => by_key(&split.parts, found),
                None => found.rows().collect(),
            },
            Sort::Tags => by_key(&n_tags(self.vocabulary_of(split)), found),
        };
        if query.descending {
            rows.reverse();
        }
        rows
    }
}

impl Names {
    /// Adds the rows that have one of the names.
    fn mark(&self, rows: &mut Bits, names: &Bits) {
        if names.count() > 0 {
            for (row, &name) in self.of.iter().enumerate() {
                if names.has(name as usize) {
                    rows.set(row);
                }
            }
        }
    }
}

/// The rows of a set in an order of all rows.
fn along(order: &[u32], found: &Bits) -> Vec<u32> {
    let rows = order.iter().copied();
    rows.filter(|&row| found.has(row as usize)).collect()
}

/// The rows of a set by a small number that each has, the first of equal ones first.
fn by_key(keys: &[u32], found: &Bits) -> Vec<u32> {
    let n_found = found.count();
    let n_keys = keys.iter().max().map_or(0, |&most| most as usize + 1);
    if n_found < n_keys {
        let mut rows: Vec<u32> = found.rows().collect();
        rows.sort_by_key(|&row| keys[row as usize]);
        return rows;
    }
    let mut next = vec![0usize; n_keys + 1];
    for row in found.rows() {
        next[keys[row as usize] as usize + 1] += 1;
    }
    for key in 0..n_keys {
        next[key + 1] += next[key];
    }
    let mut rows = vec![0; n_found];
    for row in found.rows() {
        let place = &mut next[keys[row as usize] as usize];
        rows[*place] = row;
        *place += 1;
    }
    rows
}

impl Query {
    /// Whether it asks for anything but all rows.
    pub fn is_all(&self) -> bool {
        self.terms.is_empty() && self.split.is_none()
    }

    /// Adds a condition that must hold.
    pub fn with(mut self, test: Test) -> Self {
        self.terms.push(Term::must(test));
        self
    }
}
