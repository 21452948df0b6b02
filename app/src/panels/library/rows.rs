//! Which tracks are listed, and in which order. Worked out anew only when something about it changes.

use crate::workbench::parts::labels::Listed;
use crate::workbench::parts::library::Shelf;
use attune_core::dataset::{Split, TagIdx};
use std::cmp::Ordering;
use std::sync::Arc;

/// What the tracks must have to be listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Filter {
    /// Words that must all occur in id, artist, tags or source; case does not matter.
    pub(super) text: String,
    pub(super) split: Option<Split>,
    pub(super) tag: Option<TagIdx>,
}

/// What the list is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) enum Sort {
    #[default]
    Place,
    Id,
    Artist,
    Split,
    Length,
    Tags,
    Source,
    Probability,
    Disagreement,
}

impl Sort {
    /// The columns; [`Sort::Place`] is the order of the file.
    pub(super) const COLUMNS: [Self; 6] = [
        Self::Id,
        Self::Artist,
        Self::Split,
        Self::Length,
        Self::Tags,
        Self::Source,
    ];

    /// Further columns where there are predictions.
    pub(super) const OF_MODEL: [Self; 2] = [Self::Probability, Self::Disagreement];

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Place => "",
            Self::Id => "Track",
            Self::Artist => "Artist",
            Self::Split => "Split",
            Self::Length => "Length",
            Self::Tags => "Tags",
            Self::Source => "Source",
            Self::Probability => "Model",
            Self::Disagreement => "Disagreement",
        }
    }

    pub(super) fn hint(self) -> &'static str {
        match self {
            Self::Place => "",
            Self::Id => "Id of the track. Click a row to open it, Enter plays it.",
            Self::Artist => "Artist, score or family: never on both sides of a split",
            Self::Split => "Part of the data set",
            Self::Length => "Length as tracks.csv states it",
            Self::Tags => "Its tags. Sorted by how many there are.",
            Self::Source => "Where it comes from",
            Self::Probability => "What the model says about the chosen tag, 0 to 1",
            Self::Disagreement => {
                "How far the model lies from the labels, 0 to 1: of the chosen tag, else of the one where it is most"
            }
        }
    }

    fn compare(self, shelf: &Shelf, said: &[Listed], one: usize, other: usize) -> Ordering {
        let value = |of: fn(&Listed) -> Option<f32>| {
            let of_track = |track: usize| said.get(track).and_then(of).unwrap_or(-1.0);
            of_track(one).total_cmp(&of_track(other))
        };
        match self {
            Self::Probability => return value(|listed| listed.probability),
            Self::Disagreement => return value(|listed| listed.disagreement),
            _ => {}
        }
        let tracks = &shelf.dataset.tracks;
        let (one, other) = (&tracks[one], &tracks[other]);
        match self {
            Self::Place | Self::Probability | Self::Disagreement => Ordering::Equal,
            Self::Id => one.id.cmp(&other.id),
            Self::Artist => one.artist.cmp(&other.artist),
            Self::Split => one.split.cmp(&other.split),
            Self::Length => one
                .duration_secs
                .unwrap_or(-1.0)
                .total_cmp(&other.duration_secs.unwrap_or(-1.0)),
            Self::Tags => one.tags.len().cmp(&other.tags.len()),
            Self::Source => one.source.cmp(&other.source),
        }
    }
}

/// Numbers of the listed tracks, and what they were worked out for.
#[derive(Debug, Default)]
pub(super) struct Listing {
    made_for: Option<(Arc<Shelf>, Filter, Sort, bool)>,
    said: Option<Arc<Vec<Listed>>>,
    rows: Vec<usize>,
}

impl Listing {
    /// The listed tracks' numbers, in order.
    pub(super) fn rows(&self) -> &[usize] {
        &self.rows
    }

    /// Brings the list up to date.
    pub(super) fn update(
        &mut self,
        shelf: &Arc<Shelf>,
        filter: &Filter,
        sort: Sort,
        descending: bool,
        said: Option<&Arc<Vec<Listed>>>,
    ) {
        let fresh = self.made_for.as_ref().is_some_and(|made_for| {
            Arc::ptr_eq(&made_for.0, shelf)
                && made_for.1 == *filter
                && (made_for.2, made_for.3) == (sort, descending)
        }) && self.said.as_ref().map(Arc::as_ptr) == said.map(Arc::as_ptr);
        if fresh {
            return;
        }
        let values = said.map_or(&[][..], |said| said.as_slice());
        self.rows = listed(shelf, filter, sort, descending, values);
        self.said = said.cloned();
        self.made_for = Some((Arc::clone(shelf), filter.clone(), sort, descending));
    }
}

fn listed(
    shelf: &Shelf,
    filter: &Filter,
    sort: Sort,
    descending: bool,
    said: &[Listed],
) -> Vec<usize> {
    let text = filter.text.to_lowercase();
    let words: Vec<&str> = text.split_whitespace().collect();
    let fits = |idx: &usize| {
        let track = &shelf.dataset.tracks[*idx];
        filter.split.is_none_or(|split| track.split == split)
            && filter.tag.is_none_or(|tag| track.tags.contains(&tag))
            && words.iter().all(|word| {
                [
                    &track.id,
                    &track.artist,
                    &shelf.tag_texts[*idx],
                    &track.source,
                ]
                .iter()
                .any(|text| text.to_lowercase().contains(word))
            })
    };
    let mut rows: Vec<usize> = (0..shelf.dataset.tracks.len()).filter(fits).collect();
    rows.sort_by(|&one, &other| {
        let order = sort.compare(shelf, said, one, other);
        if descending { order.reverse() } else { order }
    });
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use attune_core::dataset::{Dataset, Track};

    fn shelf() -> Shelf {
        let track = |id: &str, artist: &str, split, secs: f64, tags: &[u32]| Track {
            id: id.into(),
            path: format!("/x/{id}.wav").into(),
            artist: artist.into(),
            album: String::new(),
            title: String::new(),
            split,
            duration_secs: Some(secs),
            source: "archive".into(),
            license: String::new(),
            tags: tags.iter().map(|&tag| TagIdx(tag)).collect(),
            timeline: Vec::new(),
        };
        Shelf::new(Dataset {
            name: "x".into(),
            root: "/x".into(),
            place: "/x".into(),
            tags: vec!["piano".into(), "slow".into()],
            tracks: vec![
                track("b", "Ada", Split::Train, 3.0, &[0, 1]),
                track("a", "Bo", Split::Test, 1.0, &[0]),
                track("c", "Ada", Split::Train, 2.0, &[]),
            ],
            problems: Vec::new(),
            findings: Vec::new(),
        })
    }

    fn check(filter: &Filter, sort: Sort, descending: bool, expected: &str) {
        let shelf = shelf();
        let found: String = listed(&shelf, filter, sort, descending, &[])
            .into_iter()
            .map(|idx| shelf.dataset.tracks[idx].id.as_str())
            .collect();
        assert_eq!(found, expected, "{filter:?} {sort:?}");
    }

    #[test]
    fn tracks_are_found_by_words_split_and_tag() {
        let all = Filter::default();
        let text = |text: &str| Filter {
            text: text.into(),
            ..Filter::default()
        };
        check(&all, Sort::Place, false, "bac");
        check(&text("ADA"), Sort::Place, false, "bc");
        check(&text("ada slow"), Sort::Place, false, "b");
        check(&text("piano archive"), Sort::Place, false, "ba");
        check(&text("nothing"), Sort::Place, false, "");
        let split = Filter {
            split: Some(Split::Train),
            ..Filter::default()
        };
        check(&split, Sort::Place, false, "bc");
        let tag = Filter {
            tag: Some(TagIdx(0)),
            ..Filter::default()
        };
        check(&tag, Sort::Place, false, "ba");
    }

    #[test]
    fn every_column_sorts_both_ways() {
        let all = Filter::default();
        check(&all, Sort::Id, false, "abc");
        check(&all, Sort::Id, true, "cba");
        check(&all, Sort::Length, false, "acb");
        check(&all, Sort::Artist, false, "bca");
        check(&all, Sort::Tags, true, "bac");
    }

    #[test]
    fn counts_per_split_and_tag_are_those_of_the_tracks() {
        let shelf = shelf();
        assert_eq!(shelf.split_counts, [2, 0, 1, 0]);
        assert_eq!(shelf.tag_counts, [[1, 0, 1, 0], [1, 0, 0, 0]]);
        assert_eq!(shelf.n_artists, 2);
        assert_eq!(shelf.split_artists, [1, 0, 1, 0]);
    }
}
