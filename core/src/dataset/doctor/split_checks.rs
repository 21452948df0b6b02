//! What is wrong with one split: tracks in two parts, and what is on both sides.

use super::report::Entry;
use crate::dataset::split::{LeakKind, find_leaks};
use crate::dataset::{Check, Collection, Dataset, Severity, Split};
use std::collections::BTreeMap;

/// Tracks that a split lists in two parts.
pub(super) fn overlaps(
    collection: &Collection,
    name: &str,
    parts: &[(u32, Split)],
    entries: &mut Vec<Entry>,
) {
    let mut first: BTreeMap<u32, Split> = BTreeMap::new();
    let mut twice = Vec::new();
    for &(recording, part) in parts {
        match first.get(&recording) {
            Some(&earlier) if earlier != part => twice.push((recording, earlier, part)),
            Some(_) => {}
            None => drop(first.insert(recording, part)),
        }
    }
    let Some(&(_, earlier, part)) = twice.first() else {
        return;
    };
    let message = format!(
        "{} tracks are in two parts of the split{}, for example in {earlier} and {part}",
        twice.len(),
        if name.is_empty() {
            String::new()
        } else {
            format!(" {name}")
        }
    );
    let ids = twice
        .iter()
        .map(|(recording, ..)| collection.recordings[*recording as usize].id.clone());
    let mend = "remove them from one of the two parts";
    let mut entry =
        Entry::new(Check::SplitOverlap, Severity::Error, name, message, mend).about(ids.clone());
    entry.leave_out = ids.collect();
    entries.push(entry);
}

/// What is on both sides. `copies` lists numbers of tracks that are one recording.
pub(super) fn leaks(
    dataset: &Dataset,
    name: &str,
    copies: &[Vec<usize>],
    entries: &mut Vec<Entry>,
) {
    for leak in find_leaks(dataset, copies) {
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
        let mend = format!(
            "divide anew with `attune data split`, or leave out the {} {} tracks concerned; scores on {} are too high",
            leak.from_tracks.len(),
            leak.from,
            leak.into
        );
        let key = within(name, &format!("{}/{}", leak.from, leak.into));
        let ids = leak
            .from_tracks
            .iter()
            .map(|&idx| dataset.tracks[idx].id.clone());
        let mut entry = Entry::new(check, severity, &key, message, &mend).about(ids.clone());
        entry.finding.n_concerned = leak.n_tracks;
        entry.leave_out = ids.collect();
        entries.push(entry);
    }
}

/// A key's part about something of a split; splits without a name are the only ones.
pub(super) fn within(split: &str, what: &str) -> String {
    if split.is_empty() {
        what.to_owned()
    } else {
        format!("{split}/{what}")
    }
}
