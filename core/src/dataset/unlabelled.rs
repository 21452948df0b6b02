//! Tracks without labels for a student to learn from: labels that are withheld, and tracks of other data sets.

use super::{Dataset, Problem, Split};
use crate::rng::{Address, Purpose, hash_name};
use std::collections::HashSet;
use std::path::PathBuf;

impl Dataset {
    /// Leaves the labels to a `fraction` (0 to 1) of the training tracks, at least one; the others count as unlabelled from now on. They
    /// keep their tags in memory, so that pseudo-labels can be compared with them; nothing trains on these. Gives the number of
    /// tracks withheld.
    ///
    /// Which tracks keep their labels depends on `seed` and the tracks' ids alone, and those of a smaller fraction are among those of
    /// a larger one.
    pub fn withhold_labels(&mut self, fraction: f64, seed: u64) -> usize {
        let mut training: Vec<(u64, usize)> = (0..self.tracks.len())
            .filter(|&idx| self.tracks[idx].split == Split::Train)
            .map(|idx| {
                let id = hash_name(&self.tracks[idx].id);
                let mut draws = Address::new(seed, Purpose::Labels, id).stream();
                (u64::from(draws.bits()) << 32 | u64::from(draws.bits()), idx)
            })
            .collect();
        training.sort_unstable();
        let n_kept = (training.len() as f64 * fraction).round().max(1.0) as usize;
        let withheld = training.get(n_kept..).unwrap_or_default();
        for &(_, idx) in withheld {
            self.tracks[idx].split = Split::Unlabelled;
        }
        withheld.len()
    }

    /// Adds the tracks of another data set without their labels: those of its splits `train` and `unlabelled` whose files are not
    /// here yet. Their ids begin with the other's name. Gives how many came.
    ///
    /// What is for validation or test there stays out, so that a set may be scored on later.
    pub fn add_unlabelled(&mut self, other: Self) -> usize {
        let here: HashSet<PathBuf> = self.tracks.iter().map(|track| track.path.clone()).collect();
        let n_before = self.tracks.len();
        let mut came = HashSet::new();
        for mut track in other.tracks {
            if !matches!(track.split, Split::Train | Split::Unlabelled)
                || here.contains(&track.path)
            {
                continue;
            }
            came.insert(track.id.clone());
            track.id = format!("{}/{}", other.name, track.id);
            track.split = Split::Unlabelled;
            // Another vocabulary.
            track.tags.clear();
            track.timeline.clear();
            self.tracks.push(track);
        }
        let problems = other.problems.into_iter();
        let problems = problems.filter(|problem| came.contains(&problem.track));
        self.problems.extend(problems.map(|problem| Problem {
            track: format!("{}/{}", other.name, problem.track),
            ..problem
        }));
        self.tracks.len() - n_before
    }
}

#[cfg(test)]
mod tests {
    use super::super::ProblemKind;
    use super::super::test_set::make;
    use super::*;

    fn kept(dataset: &Dataset) -> Vec<String> {
        let labelled = dataset.tracks.iter();
        labelled
            .filter(|track| track.split == Split::Train)
            .map(|track| track.id.clone())
            .collect()
    }

    #[test]
    fn a_smaller_fraction_is_part_of_a_larger_one_and_the_seed_decides() {
        let folder = tempfile::tempdir().unwrap();
        let whole = make(folder.path(), &[10; 40]);
        let of = |fraction, seed| {
            let mut dataset = whole.clone();
            let withheld = dataset.withhold_labels(fraction, seed);
            assert_eq!(withheld + kept(&dataset).len(), 40);
            kept(&dataset)
        };
        let (fifth, half) = (of(0.2, 1), of(0.5, 1));
        assert_eq!((fifth.len(), half.len()), (8, 20));
        assert!(fifth.iter().all(|id| half.contains(id)));
        assert_ne!(of(0.2, 2), fifth);
        assert_eq!(of(0.2, 1), fifth);
        assert_eq!((of(0.0, 1).len(), of(1.0, 1).len()), (1, 40));
    }

    #[test]
    fn other_sets_bring_tracks_without_labels_and_nothing_that_is_for_scoring_or_here_already() {
        let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut dataset = make(here.path(), &[10; 3]);
        let mut other = make(there.path(), &[10; 4]);
        other.name = "more".to_owned();
        other.tracks[1].split = Split::Test;
        other.tracks[2].split = Split::Valid;
        other.problems = [0, 1]
            .map(|idx| Problem {
                track: other.tracks[idx].id.clone(),
                path: other.tracks[idx].path.clone(),
                kind: ProblemKind::Missing,
                message: "missing".to_owned(),
            })
            .to_vec();
        assert_eq!(dataset.add_unlabelled(other), 2);
        let added = &dataset.tracks[3..];
        assert_eq!(added[0].id, "more/t0");
        assert!(added.iter().all(|track| track.tags.is_empty()));
        let at_fault: Vec<&str> = dataset
            .problems
            .iter()
            .map(|it| it.track.as_str())
            .collect();
        assert_eq!(at_fault, ["more/t0"], "by the id that it has here");
        assert_eq!(dataset.split(Split::Unlabelled).unwrap(), [3, 4]);
        let again = make(here.path(), &[10; 3]);
        assert_eq!(dataset.add_unlabelled(again), 0);
    }
}
