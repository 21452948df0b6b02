//! What is on both sides of one split. (Tracks in two parts are told by whoever reads the lists: a split has each track once.)

use super::copies::CopiedLeak;
use super::report::Entry;
use crate::dataset::split::{Leak, LeakKind, find_leaks};
use crate::dataset::{Check, Dataset, Severity, Split};
use std::collections::HashMap;

/// What is on both sides of a split.
pub(super) struct Leaks {
    /// About artists and albums, as they are told.
    pub(super) told: Vec<Entry>,
    /// About files and recordings, which wait for the choice of what stays.
    pub(super) copied: Vec<CopiedLeak>,
}

/// Looks for what is on both sides. `lists` are patients that are one recording, `number_of` their numbers by id.
pub(super) fn leaks(
    dataset: &Dataset,
    name: &str,
    lists: &[Vec<usize>],
    number_of: &HashMap<&str, usize>,
) -> Leaks {
    let here: HashMap<usize, usize> = dataset
        .tracks
        .iter()
        .enumerate()
        .filter_map(|(idx, track)| Some((*number_of.get(track.id.as_str())?, idx)))
        .collect();
    let copies: Vec<Vec<usize>> = lists
        .iter()
        .map(|list| {
            let here = list.iter().filter_map(|member| here.get(member).copied());
            here.collect()
        })
        .collect();
    let mut leaks = Leaks {
        told: Vec::new(),
        copied: Vec::new(),
    };
    for leak in find_leaks(dataset, &copies) {
        let entry = entry_of(&leak, name);
        if matches!(leak.kind, LeakKind::File | LeakKind::Recording) {
            let copied = CopiedLeak::new(entry, &leak, dataset, number_of, lists);
            leaks.copied.push(copied);
            continue;
        }
        let from = leak.from_tracks.iter();
        let ids: Vec<String> = from.map(|&idx| dataset.tracks[idx].id.clone()).collect();
        let which = tracks_of(ids.len(), leak.from);
        let mut entry = entry.without(ids);
        entry.finding.mend = leak_mend(&which, leak.into);
        leaks.told.push(entry);
    }
    leaks
}

/// The tracks of a part that a leak is about, in words.
pub(super) fn tracks_of(n: usize, part: Split) -> String {
    match n {
        1 => format!("the one {part} track concerned"),
        n => format!("the {n} {part} tracks concerned"),
    }
}

/// What can be done about a leak; `which` says what would have to go.
pub(super) fn leak_mend(which: &str, into: Split) -> String {
    format!(
        "divide anew with `attune data split`, or leave out {which}; scores on {into} are too high"
    )
}

/// What was found, without what is to be left out.
fn entry_of(leak: &Leak, name: &str) -> Entry {
    let check = match leak.kind {
        LeakKind::Artist => Check::ArtistLeak,
        LeakKind::Album => Check::AlbumLeak,
        LeakKind::File => Check::FileLeak,
        LeakKind::Recording => Check::RecordingLeak,
    };
    // What only a student hears without labels leaks less.
    let severity = if leak.from == Split::Unlabelled {
        Severity::Warning
    } else {
        Severity::Error
    };
    let example = leak.examples.first().map_or_else(String::new, |example| {
        format!(
            "; for example {} ({} and {})",
            example.name, example.tracks[0], example.tracks[1]
        )
    });
    let of_split = if name.is_empty() {
        String::new()
    } else {
        format!("{name}: ")
    };
    let message = format!("{of_split}{}{example}", leak.words());
    let key = within(name, &format!("{}/{}", leak.from, leak.into));
    let mut entry = Entry::new(check, severity, &key, message, "");
    entry.finding.n_concerned = leak.n_tracks;
    entry
}

/// A key's part about something of a split; splits without a name are the only ones.
pub(super) fn within(split: &str, what: &str) -> String {
    if split.is_empty() {
        what.to_owned()
    } else {
        format!("{split}/{what}")
    }
}
