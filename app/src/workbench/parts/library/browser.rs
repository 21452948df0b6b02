//! What the Library panel browses: the data set in use as the catalogue knows it. The panel wishes, jobs answer, and what was shown last stays
//! until the answer is there.

mod reading;

use super::said::Said;
use crate::timeline::TrueSpan;
use crate::workbench::Jobs;
use crate::workbench::jobs::{Activity, Slot};
use attune_core::dataset::catalogue::{
    Balance, CoOccurrence, Comparison, Index, Query, Sort, TextField, TrackRow,
};
use attune_core::dataset::{Finding, Split};
pub(super) use reading::shelf;
use reading::{Known, is_current, open, problems, read_page};
use std::cmp::Reverse;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Rows that are read beyond those in sight, so that a turn of the wheel finds them there.
const AHEAD: usize = 128;

/// Data sets with more tracks are browsed, but not held in memory whole for the panels that need every track at hand.
pub const MAX_IN_MEMORY: usize = 250_000;

/// A data set that is open for browsing.
#[derive(Debug)]
pub struct Opened {
    /// What is searched.
    pub index: Arc<Index>,
    /// How many different artists.
    pub n_artists: usize,
    /// Fields in which any track says anything.
    pub texts: Vec<TextField>,
    /// What reading its annotations found.
    pub findings: Vec<Finding>,
    /// The named split that it was opened by, the first if it was opened without one; `None` if there is only one.
    pub split: Option<String>,
    /// Tracks whose files have problems.
    pub n_problems: usize,
    /// Another number, another import: nothing that was worked out before fits.
    pub serial: u64,
    /// Counts up when what is known of the files is read anew.
    look: u64,
    /// Somebody else imported it again since it was opened.
    is_outdated: AtomicBool,
    /// Number of each row among the tracks of the data set in use, `u32::MAX` for those that are not in its split.
    numbers: Vec<u32>,
    catalogue: PathBuf,
    /// Read from its files just now, and not as the catalogue remembered it.
    is_fresh: bool,
}

/// A track of the list, with all that a row shows.
#[derive(Clone, Debug)]
pub struct Listed {
    /// What the catalogue knows of it.
    pub track: TrackRow,
    /// Its part of the split that is looked at.
    pub part: Option<Split>,
    /// Its tags, in words.
    pub tags: String,
    /// When which tag sounds, where that is known.
    pub truth: Vec<TrueSpan>,
}

/// The tracks that a query found.
#[derive(Debug)]
pub struct List {
    /// What was asked.
    pub query: Query,
    /// The rows, in order.
    pub rows: Vec<u32>,
    number: u64,
    page: Page,
}

/// Some of a list's tracks.
#[derive(Debug, Default)]
struct Page {
    start: usize,
    tracks: Vec<Listed>,
}

/// What the tracks that were found have.
#[derive(Debug)]
pub struct Counts {
    /// How tags and artists are spread over the parts.
    pub balance: Balance,
    /// Which tags occur together.
    pub together: CoOccurrence,
    /// The most frequent tags, in the order of the vocabulary.
    pub most_frequent: Vec<usize>,
}

/// So many tags count as the most frequent: more cannot be told apart in a map.
const MOST_FREQUENT: usize = 60;

/// What the panel would show.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wish {
    /// Which tracks, in which order.
    pub query: Query,
    /// Places of the list that are in sight.
    pub rows: Range<usize>,
    /// Whether the tags of what is found are counted.
    pub counts: bool,
    /// Whether the files with problems are listed.
    pub problems: bool,
    /// Two named splits to be compared.
    pub compared: Option<(String, String)>,
    /// What a model says of the tracks, if that is shown.
    pub said: Option<Said>,
}

/// What the data set is opened for.
#[derive(Clone, Debug, PartialEq)]
struct Opening {
    place: PathBuf,
    /// How often its files were to be read.
    n_reads: u64,
    /// How often it was to be opened as the catalogue knows it.
    n_looks: u64,
}

/// Opening of the data set, and look at its files' state.
type Look = (u64, u64);
type ListKey = (Look, Query);
/// A list, and the model that it is sorted by.
type SortedKey = (ListKey, Option<Said>);
type PageKey = (u64, Range<usize>);

/// What is known, and what is being found out.
#[derive(Debug)]
pub struct Browser {
    opened: Slot<Opening, Arc<Opened>>,
    n_reads: u64,
    n_looks: u64,
    n_opened: u64,
    n_lists: u64,
    checked: Slot<u64, bool>,
    wish: Wish,
    list: Slot<SortedKey, Arc<List>>,
    page: Slot<PageKey, Page>,
    overall: Slot<(u64, Option<String>), Balance>,
    counts: Slot<ListKey, Counts>,
    problems: Slot<Look, Vec<Listed>>,
    compared: Slot<(u64, String, String), Comparison>,
}

impl Default for Browser {
    fn default() -> Self {
        Self {
            opened: Slot::new("open data set for browsing"),
            n_reads: 0,
            n_looks: 0,
            n_opened: 0,
            n_lists: 0,
            checked: Slot::new("look for changed annotations"),
            wish: Wish::default(),
            list: Slot::new("list tracks"),
            page: Slot::new("read tracks"),
            overall: Slot::new("count tracks"),
            counts: Slot::new("count tags"),
            problems: Slot::new("list problems"),
            compared: Slot::new("compare splits"),
        }
    }
}

/// A place as it is written, without what names a split.
fn without_split(place: &Path) -> &Path {
    let text = place.to_str().and_then(|text| text.rsplit_once('#'));
    text.map_or(place, |(folder, _)| Path::new(folder))
}

impl Opened {
    /// Number of a row among the tracks of the data set in use; `None` if it is not in its split.
    pub fn number(&self, row: u32) -> Option<usize> {
        let number = *self.numbers.get(row as usize)?;
        (number != u32::MAX).then_some(number as usize)
    }
}

impl Browser {
    /// The data set in use, once it is open: that of `folder`, never another.
    pub fn opened(&self, folder: &Path) -> Option<&Arc<Opened>> {
        let is_it = self
            .opened
            .done_key()
            .is_some_and(|key| key.place == folder);
        is_it.then(|| self.opened.value()).flatten()
    }

    /// The same, or, while another named split of the same folder is being opened, as it was opened before.
    pub fn shown(&self, folder: &Path) -> Option<&Arc<Opened>> {
        let is_same = |key: &Opening| without_split(&key.place) == without_split(folder);
        let is_coming = self
            .opened
            .busy_with()
            .is_some_and(|key| key.place == folder);
        let before = || {
            let is_it = is_coming && self.opened.done_key().is_some_and(is_same);
            is_it.then(|| self.opened.value()).flatten()
        };
        self.opened(folder).or_else(before)
    }

    /// Why it could not be opened.
    pub fn error(&self, folder: &Path) -> Option<&str> {
        let is_it = self
            .opened
            .done_key()
            .is_some_and(|key| key.place == folder);
        is_it.then(|| self.opened.error()).flatten()
    }

    /// Whether the user cancelled opening it.
    pub fn is_stopped(&self, folder: &Path) -> bool {
        let cancelled = self.opened.cancelled_key();
        cancelled.is_some_and(|key| key.place == folder)
    }

    /// Whether something that is wished was cancelled, and does not begin again before the user asks.
    pub(super) fn is_cancelled(&self) -> bool {
        self.opened.cancelled_key().is_some()
            || self.list.cancelled_key().is_some()
            || self.overall.cancelled_key().is_some()
            || (self.wish.counts && self.counts.cancelled_key().is_some())
            || (self.wish.problems && self.problems.cancelled_key().is_some())
            || (self.wish.compared.is_some() && self.compared.cancelled_key().is_some())
    }

    /// What the panel wished last.
    pub fn wish(&self) -> &Wish {
        &self.wish
    }

    /// The list that was made last, for this data set.
    pub fn list(&self, opened: &Opened) -> Option<&Arc<List>> {
        let is_of = self
            .list
            .done_key()
            .is_some_and(|((look, _), _)| look.0 == opened.serial);
        is_of.then(|| self.list.value()).flatten()
    }

    /// Why there is no list for what was asked last.
    pub fn list_error(&self) -> Option<&str> {
        self.list.error()
    }

    /// The track at a place of a list, if it was read yet.
    pub fn at<'a>(&'a self, list: &'a List, place: usize) -> Option<&'a Listed> {
        let is_of = self.page.done_key().is_some_and(|key| key.0 == list.number);
        let page = is_of.then(|| self.page.value()).flatten();
        let of = |page: &Page| {
            place
                .checked_sub(page.start)
                .filter(|&at| at < page.tracks.len())
        };
        match page.and_then(|page| Some(&page.tracks[of(page)?])) {
            Some(track) => Some(track),
            None => Some(&list.page.tracks[of(&list.page)?]),
        }
    }

    /// All tracks of the split that is looked at, counted.
    pub fn overall(&self, opened: &Opened, split: Option<&String>) -> Option<&Balance> {
        self.overall.value_for(&(opened.serial, split.cloned()))
    }

    /// The counts that were made last, for this data set.
    pub fn counts(&self, opened: &Opened) -> Option<&Counts> {
        let is_of = self
            .counts
            .done_key()
            .is_some_and(|(look, _)| look.0 == opened.serial);
        is_of.then(|| self.counts.value()).flatten()
    }

    /// Tracks whose files have problems.
    pub fn problems(&self, opened: &Opened) -> Option<&[Listed]> {
        let is_of = self
            .problems
            .done_key()
            .is_some_and(|look| look.0 == opened.serial);
        let problems = is_of.then(|| self.problems.value()).flatten();
        problems.map(Vec::as_slice)
    }

    /// The two splits that were compared last.
    pub fn compared(&self, opened: &Opened) -> Option<&Comparison> {
        let is_of = self
            .compared
            .done_key()
            .is_some_and(|key| key.0 == opened.serial);
        is_of.then(|| self.compared.value()).flatten()
    }

    pub(super) fn activities(&self) -> impl Iterator<Item = Activity> {
        // A search is over before one could read its name.
        [self.opened.activity(), self.checked.activity()]
            .into_iter()
            .flatten()
    }

    pub(super) fn cancel_jobs(&mut self) {
        self.opened.cancel();
        self.checked.cancel();
        self.list.cancel();
        self.overall.cancel();
        self.counts.cancel();
        self.problems.cancel();
        self.compared.cancel();
    }

    pub(super) fn forget_cancelled(&mut self) {
        self.opened.forget_cancelled();
        self.list.forget_cancelled();
        self.overall.forget_cancelled();
        self.counts.forget_cancelled();
        self.problems.forget_cancelled();
        self.compared.forget_cancelled();
    }

    /// Reads the files of the data set again.
    pub(super) fn reload(&mut self) {
        self.forget_cancelled();
        self.n_reads += 1;
    }

    /// Reads again what the catalogue knows of the data set.
    pub(super) fn look_again(&mut self) {
        self.n_looks += 1;
    }

    /// Why nobody knows whether the annotations have changed since they were read.
    pub fn check_error(&self, opened: &Opened) -> Option<&str> {
        let is_of = self.checked.done_key() == Some(&opened.serial);
        is_of.then(|| self.checked.error()).flatten()
    }

    pub(super) fn wish_for(&mut self, wish: Wish) {
        self.wish = wish;
    }

    /// Takes in what has come in. Whether a data set was opened just now.
    pub(super) fn poll(&mut self, jobs: &Jobs) -> bool {
        let is_new = self.opened.poll(jobs);
        self.checked.poll(jobs);
        self.list.poll(jobs);
        self.page.poll(jobs);
        self.overall.poll(jobs);
        self.counts.poll(jobs);
        self.problems.poll(jobs);
        self.compared.poll(jobs);
        if self
            .opened
            .value()
            .is_some_and(|opened| opened.is_outdated.swap(false, Ordering::Relaxed))
        {
            self.look_again();
        }
        if self.checked.value() == Some(&false) {
            self.checked.clear();
            self.reload();
        }
        is_new
    }

    /// Asks for what is wished and not there.
    pub(super) fn request(&mut self, folder: &Path, catalogue: PathBuf, jobs: &Jobs) {
        let of_other = |key: &Opening| key.place != folder;
        if self
            .opened
            .busy_with()
            .or(self.opened.done_key())
            .is_some_and(of_other)
        {
            (self.n_reads, self.n_looks) = (0, 0);
            // Another split of the same folder is what the panel has wished for.
            let last = self.opened.busy_with().or(self.opened.done_key());
            if last.is_none_or(|key| without_split(&key.place) != without_split(folder)) {
                self.wish = Wish::default();
            }
        }
        let place = folder.to_path_buf();
        let serial = self.n_opened + 1;
        let key = Opening {
            place: place.clone(),
            n_reads: self.n_reads,
            n_looks: self.n_looks,
        };
        let last = self.opened(folder).cloned();
        let is_read = |done: &Opening| last.is_some() && done.n_reads == key.n_reads;
        let must_read = self.n_reads > 0 && !self.opened.done_key().is_some_and(is_read);
        let is_asked = self.opened.busy_with().or(self.opened.done_key()) == Some(&key);
        if !is_asked && self.opened.cancelled_key() != Some(&key) {
            self.n_opened = serial;
            // What is known of the files is the same, unless somebody asked to look again.
            let is_look = self
                .opened
                .done_key()
                .is_some_and(|done| done.place == place);
            let last = self.opened.value().cloned();
            self.opened.ask_again(jobs, key, move |job| {
                let known = Known {
                    last: last.as_deref(),
                    must_read,
                    must_look: is_look,
                };
                Ok(Arc::new(open(&place, catalogue, serial, &known, job)?))
            });
        }
        let Some(opened) = self.opened(folder).cloned() else {
            return;
        };
        let (serial, look) = (opened.serial, (opened.serial, opened.look));
        if !opened.is_fresh && self.n_reads == 0 {
            let it = Arc::clone(&opened);
            self.checked
                .request_unless_cancelled(jobs, serial, move |job| is_current(&it, job));
        }
        let wish = self.wish.clone();
        self.request_list(&opened, &wish, jobs);
        let split = wish.query.split.clone();
        let (it, of) = (Arc::clone(&opened), split.clone());
        self.overall
            .request_unless_cancelled(jobs, (serial, split), move |_| {
                let all = Query {
                    split: of,
                    ..Query::default()
                };
                let split = it.index.split_of(&all)?;
                Ok(it.index.balance(&it.index.select(&all)?, split))
            });
        if wish.counts {
            let unsorted = Query {
                sort: Sort::default(),
                descending: false,
                ..wish.query
            };
            let (it, query) = (Arc::clone(&opened), unsorted.clone());
            self.counts
                .request_unless_cancelled(jobs, (look, unsorted), move |_| {
                    let rows = it.index.select(&query)?;
                    let split = it.index.split_of(&query)?;
                    let together = it.index.co_occurrence(&rows, split);
                    let mut most_frequent: Vec<usize> = (0..together.n_tags()).collect();
                    most_frequent.sort_by_key(|&tag| Reverse(together.count(tag, tag)));
                    most_frequent.truncate(MOST_FREQUENT);
                    most_frequent.sort_unstable();
                    Ok(Counts {
                        balance: it.index.balance(&rows, split),
                        together,
                        most_frequent,
                    })
                });
        }
        if wish.problems {
            let it = Arc::clone(&opened);
            self.problems
                .request_unless_cancelled(jobs, look, move |_| problems(&it));
        }
        if let Some((first, second)) = wish.compared {
            let it = opened;
            let key = (serial, first.clone(), second.clone());
            self.compared.request_unless_cancelled(jobs, key, move |_| {
                let split = |name: &str| {
                    let found = it.index.split(Some(name));
                    found.ok_or_else(|| anyhow::anyhow!("there is no split {name}"))
                };
                Ok(it.index.compare(split(&first)?, split(&second)?))
            });
        }
    }

    fn request_list(&mut self, opened: &Arc<Opened>, wish: &Wish, jobs: &Jobs) {
        let range = wish.rows.start.saturating_sub(AHEAD)..wish.rows.end + AHEAD;
        let said = wish.said.clone().filter(|said| said.sort.is_some());
        let look = (opened.serial, opened.look);
        let key = ((look, wish.query.clone()), said.clone());
        let is_asked = self.list.busy_with().or(self.list.done_key()) == Some(&key);
        if !is_asked && self.list.cancelled_key() != Some(&key) {
            self.n_lists += 1;
            let (it, number) = (Arc::clone(opened), self.n_lists);
            let (query, range) = (wish.query.clone(), range.clone());
            self.list.ask_again(jobs, key, move |_| {
                let mut rows = it.index.list(&query)?;
                if let Some(said) = said {
                    said.sort(&mut rows, |row| it.number(row));
                }
                // The list comes with the rows in sight, so that it does not appear empty at first.
                let page = read_page(&it, &query, &rows, range)?;
                Ok(Arc::new(List {
                    query,
                    rows,
                    number,
                    page,
                }))
            });
        }
        let Some(list) = self.list(opened).cloned() else {
            return;
        };
        let visible = wish.rows.start..wish.rows.end.min(list.rows.len());
        let is_there = visible.is_empty()
            || [visible.start, visible.end - 1]
                .into_iter()
                .all(|place| self.at(&list, place).is_some());
        if !is_there {
            let it = Arc::clone(opened);
            self.page
                .request(jobs, (list.number, range.clone()), move |_| {
                    read_page(&it, &list.query, &list.rows, range)
                });
        }
    }
}
