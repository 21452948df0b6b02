//! Splits of one's own, and what is wrong with others': divided by artist with balanced tags, and searched for leaks.
//!
//! The CALS split of the paper (section 3) is made this way: no artist on both sides, the tags alike in every part, and an unlabelled
//! pool of which no artist is in an evaluation part.
//!
//! ```text
//! Dataset ──clean::Rules──► fewer tracks, fewer tags ──divide──► Division ──SplitFolder::write──► a folder that opens like a data set
//! ```

mod balance;
mod folder;
mod groups;
mod leaks;
mod shares;
mod stratify;

pub use balance::{Balance, PartBalance, TagBalance};
pub use folder::{KeptTag, Made, OwnSplit, SplitFolder};
pub use groups::{By, known_name};
pub use leaks::{Leak, LeakExample, LeakKind, Unnamed, find_leaks};
pub use shares::Shares;

use super::{Dataset, Error, Split, Track};
use crate::job::Job;
use groups::Groups;
use std::collections::HashSet;
use stratify::{Units, stratify};

/// How a data set is to be divided.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The parts of the labelled tracks with their shares.
    pub shares: Shares,
    /// What must not be on both sides.
    pub by: By,
    /// Decides between divisions that are equally good.
    pub seed: u64,
    /// Tracks (by number) that must stay on one side whatever their artist: copies of one recording. Each list is one such group.
    pub together: Vec<Vec<usize>>,
}

/// A data set that was divided.
#[derive(Clone, Debug, PartialEq)]
pub struct Division {
    /// The part of each track; `None`: left out, so that nothing leaks. `[tracks]`
    pub parts: Vec<Option<Split>>,
    /// How well sizes and tags came out.
    pub balance: Balance,
    /// Tracks of the pool that were left out because their artist, or what else must stay together, is in an evaluation part.
    pub n_left_out: usize,
    /// Tracks of which nobody says the artist (the album); each was taken for one of its own.
    pub n_unknown: usize,
}

/// Divides the labelled tracks by `plan`, balances the tags, and makes the others the unlabelled pool.
///
/// Labelled is what has a tag and is not in the part `unlabelled`; in a data set without a vocabulary, every track. The pool holds the
/// other tracks and those that the plan gives it, less those that share an artist with validation or test, whatever the tracks are divided
/// by. The same data set, plan and seed give the same division.
/// 100,000 artists take seconds.
pub fn divide(dataset: &Dataset, plan: &Plan, job: &Job) -> Result<Division, Error> {
    let groups = Groups::of(dataset, plan.by, &plan.together);
    let is_labelled: Vec<bool> = dataset
        .tracks
        .iter()
        .map(|track| {
            dataset.n_tags() == 0 || !track.tags.is_empty() && track.split != Split::Unlabelled
        })
        .collect();
    let units = Units::of(dataset, &groups, &is_labelled);
    if units.len() < plan.shares.parts().len() {
        return Err(Error::BadConfig(format!(
            "{} has {} groups of labelled tracks that must stay together; {} parts need as many at least",
            dataset.name,
            units.len(),
            plan.shares.parts().len()
        )));
    }
    let fractions: Vec<f64> = plan
        .shares
        .parts()
        .iter()
        .map(|(_, share)| *share)
        .collect();
    let chosen = stratify(&units, &fractions, plan.seed, job)?;
    let mut part_of_group: Vec<Option<Split>> = vec![None; groups.n];
    for (&group, &place) in units.groups().iter().zip(&chosen) {
        part_of_group[group as usize] = Some(plan.shares.parts()[usize::from(place)].0);
    }
    let mut parts: Vec<Option<Split>> = is_labelled
        .iter()
        .zip(&groups.of_track)
        .map(
            |(&is_labelled, &group)| match part_of_group[group as usize] {
                Some(part) if is_labelled => Some(part),
                Some(Split::Valid | Split::Test) => None,
                _ => Some(Split::Unlabelled),
            },
        )
        .collect();
    clear_pool(dataset, &mut parts);
    let n_left_out = parts.iter().filter(|part| part.is_none()).count();
    Ok(Division {
        balance: Balance::of(dataset, &parts, &is_labelled, &groups, &plan.shares),
        parts,
        n_left_out,
        n_unknown: groups.n_unknown,
    })
}

/// Takes the tracks by artists of validation and test out of the pool: groups may be smaller than an artist.
fn clear_pool(dataset: &Dataset, parts: &mut [Option<Split>]) {
    let artist = |track: &Track| known_name(&track.artist);
    let evaluated: HashSet<String> = dataset
        .tracks
        .iter()
        .zip(&*parts)
        .filter(|(_, part)| matches!(part, Some(Split::Valid | Split::Test)))
        .filter_map(|(track, _)| artist(track))
        .collect();
    for (track, part) in dataset.tracks.iter().zip(parts) {
        if *part == Some(Split::Unlabelled)
            && artist(track).is_some_and(|artist| evaluated.contains(&artist))
        {
            *part = None;
        }
    }
}

#[cfg(test)]
mod tests;
