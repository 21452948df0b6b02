//! Tags that are merged, renamed, dropped and kept.

use super::super::{Dataset, TagIdx};
use crate::dataset::split::KeptTag;
use std::collections::HashMap;

/// A tag's name as spellings are compared: without case and superfluous blanks; hyphens, underscores and slashes are blanks.
pub(in crate::dataset) fn fold_spelling(name: &str) -> String {
    let spaced = name.replace(['-', '_', '/'], " ").to_lowercase();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Gives a data set another vocabulary. `kept[i]` are the numbers of the old tags that become tag `i`; labels of others go.
///
/// Gives how many labels went.
pub(super) fn replace(
    dataset: &mut Dataset,
    sources: &mut Vec<KeptTag>,
    kept: &[(String, Vec<usize>)],
) -> usize {
    let mut new_of: Vec<Option<TagIdx>> = vec![None; dataset.n_tags()];
    for (number, (_, old)) in (0u32..).zip(kept) {
        for &old in old {
            new_of[old] = Some(TagIdx(number));
        }
    }
    let mut n_gone = 0;
    for track in &mut dataset.tracks {
        n_gone += track
            .tags
            .iter()
            .filter(|tag| new_of[tag.index()].is_none())
            .count();
        track.tags = track
            .tags
            .iter()
            .filter_map(|tag| new_of[tag.index()])
            .collect();
        track.tags.sort_unstable();
        track.tags.dedup();
        track.timeline.retain_mut(|span| {
            let new = new_of[span.tag.index()];
            span.tag = new.unwrap_or(span.tag);
            new.is_some()
        });
    }
    *sources = kept
        .iter()
        .map(|(name, old)| KeptTag {
            name: name.clone(),
            of: old
                .iter()
                .flat_map(|&old| sources[old].of.clone())
                .collect(),
        })
        .collect();
    dataset.tags = kept.iter().map(|(name, _)| name.clone()).collect();
    n_gone
}

/// The vocabulary in which the tags of `groups` (name, members) count as one, at the place of the first of them.
pub(super) fn merged(
    dataset: &Dataset,
    groups: &[(String, Vec<usize>)],
) -> Vec<(String, Vec<usize>)> {
    let mut group_of: Vec<Option<usize>> = vec![None; dataset.n_tags()];
    for (number, (_, members)) in groups.iter().enumerate() {
        for &member in members {
            group_of[member] = Some(number);
        }
    }
    let mut is_placed = vec![false; groups.len()];
    let mut kept = Vec::new();
    for (old, name) in dataset.tags.iter().enumerate() {
        match group_of[old] {
            None => kept.push((name.clone(), vec![old])),
            Some(group) if !std::mem::replace(&mut is_placed[group], true) => {
                kept.push(groups[group].clone());
            }
            Some(_) => {}
        }
    }
    kept
}

/// Tags that are one but for their spelling: the commonest name, and their numbers. Those that stand alone are left out.
pub(in crate::dataset) fn spellings(dataset: &Dataset) -> Vec<(String, Vec<usize>)> {
    let counts = dataset.tag_counts(None);
    let mut place_of: HashMap<String, usize> = HashMap::new();
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (tag, name) in dataset.tags.iter().enumerate() {
        let place = *place_of.entry(fold_spelling(name)).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[place].push(tag);
    }
    groups
        .into_iter()
        .filter(|members| members.len() > 1)
        .map(|members| {
            let commonest = members.iter().rev().max_by_key(|&&tag| counts[tag]);
            let name = commonest.map_or_else(String::new, |&tag| dataset.tags[tag].clone());
            (name, members)
        })
        .collect()
}
