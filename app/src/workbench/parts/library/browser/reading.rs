//! What the jobs of the browser read: the catalogue, pages of a list, the data set whole.

use super::{Listed, MAX_IN_MEMORY, Opened, Page};
use crate::timeline::TrueSpan;
use crate::workbench::parts::library::Shelf;
use attune_core::dataset::catalogue::{Query, Status, Term, Test, TextField};
use attune_core::dataset::{Catalogue, Error, Place};
use attune_core::job::Job;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Problems that are listed at most.
const MAX_PROBLEMS: usize = 10_000;

/// What there is to go on with.
pub(super) struct Known<'a> {
    /// What was opened last.
    pub(super) last: Option<&'a Opened>,
    /// Whether the files are to be read anew.
    pub(super) must_read: bool,
    /// Whether the catalogue is to be read anew.
    pub(super) must_look: bool,
}

/// Opens a data set for browsing: as the catalogue remembers it, or read from its files anew.
pub(super) fn open(
    place: &Path,
    catalogue: PathBuf,
    serial: u64,
    known: &Known<'_>,
    job: &Job,
) -> anyhow::Result<Opened> {
    let place = Place::parse(place);
    let mut open = Catalogue::open(&catalogue)?;
    let dataset = open.dataset(&place.folder)?.map(|entry| entry.dataset);
    let dataset = dataset.filter(|_| !known.must_read);
    // Another split of a data set that is open: all of it is at hand.
    let at_hand = known.last.filter(|last| {
        let is_it = Some(last.index.dataset) == dataset && last.catalogue == catalogue;
        is_it && !known.must_look && open.is_latest(&last.index).unwrap_or(false)
    });
    // An entry of an earlier version, or a damaged one, is read anew.
    let remembered = match (at_hand, dataset) {
        (Some(last), _) => Some(Arc::clone(&last.index)),
        (None, Some(dataset)) => open.index(dataset).ok().map(Arc::new),
        (None, None) => None,
    };
    let is_fresh = remembered.is_none();
    let index = match remembered {
        Some(index) => index,
        None => {
            let (dataset, _) = open.import_folder(&place.folder, job)?;
            Arc::new(open.index(dataset)?)
        }
    };
    // Without a name it is the first, as for training.
    let first = || Some(index.splits().first()?.name.clone());
    let split = place
        .split
        .or_else(|| first().filter(|_| index.splits().len() > 1));
    if let Some(name) = &split {
        let all = Query {
            split: Some(name.clone()),
            ..Query::default()
        };
        index.split_of(&all)?;
    }
    let of_split = index.split(split.as_deref()).or(index.splits().first());
    let mut n_members = 0;
    let numbers = (0..index.len()).map(|row| {
        let is_in = of_split.is_none_or(|split| split.part_of(row).is_some());
        n_members += u32::from(is_in);
        if is_in { n_members - 1 } else { u32::MAX }
    });
    let numbers = numbers.collect();
    let statuses = Status::ALL.iter().zip(index.status_counts());
    let problems = statuses.filter(|(status, _)| status.is_problem());
    let texts = TextField::ALL.into_iter();
    let texts = texts.filter(|&field| index.has_text(field));
    // The same import as before: what was worked out by row still fits.
    let last = known
        .last
        .filter(|last| last.index.is_of_same_import(&index));
    Ok(Opened {
        look: last.map_or(0, |last| last.look + u64::from(at_hand.is_none())),
        is_outdated: AtomicBool::new(false),
        n_problems: problems.map(|(_, n)| n).sum(),
        findings: open.findings(index.dataset)?,
        n_artists: index.artists().count(),
        texts: texts.collect(),
        index,
        split,
        numbers,
        serial: last.map_or(serial, |last| last.serial),
        catalogue,
        // Compared with its files once is enough.
        is_fresh: is_fresh || last.is_some_and(|last| last.is_fresh),
    })
}

/// Whether the files of a data set are as the catalogue remembers them.
pub(super) fn is_current(opened: &Opened, job: &Job) -> anyhow::Result<bool> {
    let catalogue = Catalogue::open(&opened.catalogue)?;
    match catalogue.dataset(&opened.index.root)? {
        Some(entry) => Ok(Catalogue::is_current(&entry, job)?),
        None => Ok(false),
    }
}

/// The tracks in a range of the places of a list.
pub(super) fn read_page(
    opened: &Opened,
    query: &Query,
    rows: &[u32],
    range: Range<usize>,
) -> anyhow::Result<Page> {
    let start = range.start.min(rows.len());
    let numbers = &rows[start..range.end.clamp(start, rows.len())];
    let index = &opened.index;
    let catalogue = Catalogue::open(&opened.catalogue)?;
    let told = |error: Error| {
        if matches!(error, Error::Outdated(_)) {
            opened.is_outdated.store(true, Ordering::Relaxed);
        }
        error
    };
    let split = index.split_of(query)?;
    let vocabulary = index.vocabulary_of(split);
    let n_vocabulary = split.map_or(0, |split| split.vocabulary);
    let mut tracks = Vec::with_capacity(numbers.len());
    for track in catalogue.rows(index, numbers).map_err(told)? {
        let row = track.row as usize;
        let tags = index.tags_of(row).iter().map(|&tag| tag as usize);
        let names = tags.filter(|tag| vocabulary.contains(tag));
        let names: Vec<&str> = names.map(|tag| index.tags()[tag].name.as_str()).collect();
        let spans = catalogue
            .spans(index, track.row, n_vocabulary)
            .map_err(told)?;
        let truth = spans.into_iter().filter_map(|span| {
            Some(TrueSpan {
                tag: index
                    .tags()
                    .get(vocabulary.start + span.tag.index())?
                    .name
                    .clone(),
                secs: span.start_secs..span.end_secs,
            })
        });
        tracks.push(Listed {
            part: split.and_then(|split| split.part_of(row)),
            tags: names.join(", "),
            truth: truth.collect(),
            track,
        });
    }
    Ok(Page { start, tracks })
}

/// The tracks whose files have problems, as many as are listed.
pub(super) fn problems(opened: &Opened) -> anyhow::Result<Vec<Listed>> {
    let query = Query {
        terms: vec![Term::must(Test::Problem)],
        ..Query::default()
    };
    let rows = opened.index.list(&query)?;
    Ok(read_page(opened, &query, &rows, 0..MAX_PROBLEMS)?.tracks)
}

/// The data set of a folder in memory whole, for the panels that need every track at hand.
pub(in crate::workbench::parts::library) fn shelf(
    place: &Path,
    n_tracks: usize,
) -> anyhow::Result<Arc<Shelf>> {
    anyhow::ensure!(
        n_tracks <= MAX_IN_MEMORY,
        "the data set is too large for this panel: {n_tracks} tracks, at most {MAX_IN_MEMORY}. The Library browses it, and the command line trains, \
         scores and tags it"
    );
    Ok(Arc::new(Shelf::open(place)?))
}
