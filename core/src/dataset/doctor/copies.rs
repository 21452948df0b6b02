//! What is there more than once: which tracks are one recording, which of them stays, and what is told about it.
//!
//! Of a recording one track stays, the same one whatever finding is about it: what leaks, what names one file and what was heard to be a
//! copy agree, so that leaving out what all of them say never takes away every copy.

use super::duplicates::Copies;
use super::examination::Patient;
use super::report::{Entry, Sound};
use super::split_checks::{leak_mend, tracks_of};
use crate::dataset::split::{Leak, LeakKind};
use crate::dataset::{Check, Dataset, Severity, Split};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;

/// Tracks that are one recording: they name one file, or their files are copies. Each list ascending, the lists by their first.
pub(super) fn one_recording(patients: &[Patient<'_>], copies: &[Copies]) -> Vec<Vec<usize>> {
    let mut list_of: HashMap<&Path, usize> = HashMap::new();
    for (list, copies) in copies.iter().enumerate() {
        for &member in &copies.members {
            list_of.insert(patients[member].path, list);
        }
    }
    let mut lists: Vec<Vec<usize>> = vec![Vec::new(); copies.len()];
    for (idx, patient) in patients.iter().enumerate() {
        let list = *list_of.entry(patient.path).or_insert_with(|| {
            lists.push(Vec::new());
            lists.len() - 1
        });
        lists[list].push(idx);
    }
    lists.retain(|list| list.len() > 1);
    lists.sort_unstable();
    lists
}

/// How much a part matters for published results, the most first.
fn rank(part: Option<Split>) -> usize {
    match part {
        Some(Split::Test) => 0,
        Some(Split::Valid) => 1,
        Some(Split::Train) => 2,
        Some(Split::Unlabelled) | None => 3,
    }
}

/// Takes down that a track is in a part; of several splits the part that matters most counts.
pub(super) fn note_part(known: &mut Option<Split>, part: Split) {
    if rank(Some(part)) < rank(*known) {
        *known = Some(part);
    }
}

/// Recordings with several tracks, and the track of each that stays.
pub(super) struct Recordings {
    lists: Vec<Vec<usize>>,
    stays: Vec<usize>,
    list_of: HashMap<usize, usize>,
}

impl Recordings {
    /// Chooses what stays: a track that nothing else speaks against, if there is one, in the part that matters most, then the first.
    pub(super) fn choose(
        lists: Vec<Vec<usize>>,
        patients: &[Patient<'_>],
        part_of: &[Option<Split>],
        entries: &[Entry],
    ) -> Self {
        let told = entries
            .iter()
            .filter(|entry| entry.finding.severity > Severity::Note);
        let faulty: HashSet<&str> = told
            .flat_map(|entry| entry.leave_out.iter().map(String::as_str))
            .collect();
        let choice = |&idx: &usize| (faulty.contains(patients[idx].id), rank(part_of[idx]), idx);
        let stays = lists
            .iter()
            .map(|list| list.iter().copied().min_by_key(choice).unwrap_or_default())
            .collect();
        let list_of = (0..)
            .zip(&lists)
            .flat_map(|(list, members)| members.iter().map(move |&idx| (idx, list)))
            .collect();
        Self {
            lists,
            stays,
            list_of,
        }
    }

    /// The track of the same recording that stays; itself if there is no other.
    fn stays_for(&self, idx: usize) -> usize {
        self.list_of.get(&idx).map_or(idx, |&list| self.stays[list])
    }

    /// All tracks of the same recording.
    fn tracks(&self, idx: usize) -> &[usize] {
        self.list_of
            .get(&idx)
            .map_or(&[], |&list| &self.lists[list])
    }

    /// Several ids for one file.
    pub(super) fn tell_shared(&self, patients: &[Patient<'_>], entries: &mut Vec<Entry>) {
        for list in &self.lists {
            let mut files: Vec<(&Path, Vec<usize>)> = Vec::new();
            for &idx in list {
                let path = patients[idx].path;
                match files.iter_mut().find(|(other, _)| *other == path) {
                    Some((_, ids)) => ids.push(idx),
                    None => files.push((path, vec![idx])),
                }
            }
            for (path, ids) in files.into_iter().filter(|(_, ids)| ids.len() > 1) {
                entries.push(self.shared(path, &ids, patients));
            }
        }
    }

    fn shared(&self, path: &Path, idxs: &[usize], patients: &[Patient<'_>]) -> Entry {
        let ids: Vec<&str> = idxs.iter().map(|&idx| patients[idx].id).collect();
        let message = format!(
            "the tracks {} name one {}",
            ids.join(", "),
            LeakKind::File.words(1)
        );
        let stays = self.stays_for(idxs[0]);
        let mend = if idxs.contains(&stays) {
            mend(stays, ids.len() - 1, patients)
        } else {
            format!(
                "keep {}, whose file is a copy, and leave these out",
                patients[stays].id
            )
        };
        // Copies that were heard are told under the id alone.
        let key = format!("file/{}", ids[0]);
        let mut entry = Entry::new(
            Check::DuplicateAudio,
            Severity::Warning,
            &key,
            message,
            &mend,
        )
        .about(ids.iter().map(|&id| id.to_owned()));
        entry.finding.file = Some(path.to_path_buf());
        entry.sounds.push(Sound {
            track: ids[0].to_owned(),
            path: path.to_path_buf(),
            start_secs: 0.0,
        });
        entry.leave_out = all_but(stays, idxs, patients);
        entry
    }

    /// Files that were heard to be copies.
    pub(super) fn tell_heard(
        &self,
        copies: &[Copies],
        patients: &[Patient<'_>],
        entries: &mut Vec<Entry>,
    ) {
        entries.extend(copies.iter().map(|copies| self.heard(copies, patients)));
    }

    fn heard(&self, copies: &Copies, patients: &[Patient<'_>]) -> Entry {
        let Copies { members, matches } = copies;
        let first = &patients[members[0]];
        let stays = self.stays_for(members[0]);
        let others: Vec<String> = members
            .iter()
            .zip(matches)
            .skip(1)
            .map(|(&member, own)| {
                let how = match own {
                    Some(own) if own.is_exact => "the same samples".to_owned(),
                    Some(own) => format!(
                        "{:.0} % of the fingerprint's bits differ, {:+.1} s, {:.0} s compared",
                        100.0 * own.error,
                        own.offset_secs,
                        own.overlap_secs
                    ),
                    None => "a copy of a copy".to_owned(),
                };
                format!("{} ({how})", patients[member].id)
            })
            .collect();
        let leave_out = all_but(stays, self.tracks(members[0]), patients);
        let mut entry = Entry::new(
            Check::DuplicateAudio,
            Severity::Warning,
            first.id,
            format!("the same recording as {}: {}", first.id, others.join(", ")),
            &mend(stays, leave_out.len(), patients),
        )
        .about(members.iter().map(|&member| patients[member].id.to_owned()));
        // So that both are heard from the same place of the music on.
        let offsets = matches.iter().flatten().map(|own| own.offset_secs);
        let earliest = offsets.fold(0.0, f64::min);
        entry.sounds = members
            .iter()
            .zip(matches)
            .map(|(&member, own)| {
                let offset = own.map_or(0.0, |own| own.offset_secs);
                patients[member].sound((offset - earliest).max(0.0))
            })
            .collect();
        entry.leave_out = leave_out;
        entry.finding.file = Some(first.path.to_path_buf());
        entry
    }
}

/// What can be done about a recording with several tracks.
fn mend(stays: usize, n_others: usize, patients: &[Patient<'_>]) -> String {
    let plural = if n_others == 1 { "" } else { "s" };
    let stays = patients[stays].id;
    format!("keep {stays} and leave out the other{plural}")
}

/// The ids of all tracks but one.
fn all_but(stays: usize, idxs: &[usize], patients: &[Patient<'_>]) -> Vec<String> {
    let others = idxs.iter().filter(|&&idx| idx != stays);
    others.map(|&idx| patients[idx].id.to_owned()).collect()
}

/// A file or a recording on both sides of a split. What is to be left out is known when it is known what stays.
pub(super) struct CopiedLeak {
    entry: Entry,
    from: Split,
    into: Split,
    /// The tracks of `from`, and of the same recordings those of `into`.
    sides: [Vec<usize>; 2],
}

impl CopiedLeak {
    /// Takes down a leak of a split; `number_of` says which patient a track is, `lists` which patients are one recording.
    pub(super) fn new(
        entry: Entry,
        leak: &Leak,
        dataset: &Dataset,
        number_of: &HashMap<&str, usize>,
        lists: &[Vec<usize>],
    ) -> Self {
        let number = |idx: usize| number_of.get(dataset.tracks[idx].id.as_str()).copied();
        let from: Vec<usize> = leak
            .from_tracks
            .iter()
            .filter_map(|&idx| number(idx))
            .collect();
        let is_from: HashSet<usize> = from.iter().copied().collect();
        let leaking: HashSet<usize> = lists
            .iter()
            .filter(|list| list.iter().any(|idx| is_from.contains(idx)))
            .flatten()
            .copied()
            .collect();
        let into = (0..dataset.tracks.len())
            .filter(|&idx| dataset.tracks[idx].split == leak.into)
            .filter_map(number)
            .filter(|idx| leaking.contains(idx))
            .collect();
        Self {
            entry,
            from: leak.from,
            into: leak.into,
            sides: [from, into],
        }
    }

    /// The finding: the side that learns is left out, except where another split of the data set is scored on just that track.
    pub(super) fn settle(self, recordings: &Recordings, patients: &[Patient<'_>]) -> Entry {
        let [from, into] = &self.sides;
        let is_from: BTreeSet<usize> = from.iter().copied().collect();
        let mut gone: Vec<usize> = from.clone();
        gone.retain(|&idx| recordings.stays_for(idx) != idx);
        let n_from = gone.len();
        gone.extend(into.iter().filter(|&&idx| {
            let stays = recordings.stays_for(idx);
            stays != idx && is_from.contains(&stays)
        }));
        let leave_out: Vec<String> = gone
            .iter()
            .map(|&idx| patients[idx].id.to_owned())
            .collect();
        let which = if n_from == gone.len() {
            tracks_of(n_from, self.from)
        } else {
            format!("{} tracks, so that of each recording one stays", gone.len())
        };
        let mut entry = self.entry.without(leave_out);
        entry.finding.mend = leak_mend(&which, self.into);
        entry
    }
}
