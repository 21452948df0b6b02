//! The tracks that the Labels panel walks through, and what the predictions say of each.

use super::{State, shelf_in_use};
use crate::workbench::jobs::Slot;
use crate::workbench::{Jobs, State as Whole};
use attune_core::dataset::{Dataset, Split};
use attune_core::tagging::{Answers, disagreement};
use std::path::PathBuf;
use std::sync::Arc;

/// In which order tracks are walked through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Order {
    /// As in the data set.
    #[default]
    Place,
    /// Where model and labels disagree most comes first.
    Disagreement,
    /// What the model finds most probable comes first.
    Probability,
}

/// Which tracks are walked through. What is to be worked out anew when it changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// In which order.
    pub order: Order,
    /// The tag that the order is about; `None`: the one with the most disagreement.
    pub tag: Option<String>,
    /// Words that must all occur in id or artist.
    pub text: String,
    /// Only this split.
    pub split: Option<Split>,
}

/// What a list was worked out from.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ListKey {
    wanted: Wanted,
    data: PathBuf,
    /// Which readings of data set and answers: an address would not tell them apart, for it may be given away again.
    readings: [u64; 2],
}

impl ListKey {
    /// Whether the list is about this tag, in these readings of data set and answers.
    pub(super) fn is_about(&self, tag: Option<&String>, readings: [u64; 2]) -> bool {
        self.wanted.tag.as_ref() == tag && self.readings == readings
    }
}

/// A track of the list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Listed {
    /// Its number in the data set.
    pub track: usize,
    /// What the model says about the tag; `None` where it says nothing, or the list is about no tag.
    pub probability: Option<f32>,
    /// How much it disagrees with the labels, 0 to 1.
    pub disagreement: Option<f32>,
}

/// A list of tracks that a job works out.
pub(super) type ListSlot = Slot<ListKey, Arc<Vec<Listed>>>;

/// Has one of the lists worked out, unless it is there.
pub(super) fn request(
    state: &mut Whole,
    jobs: &Jobs,
    wanted: Wanted,
    slot: fn(&mut State) -> &mut ListSlot,
) {
    let Some((data, shelf)) = shelf_in_use(state) else {
        return;
    };
    let answers = state.labels.answers().cloned();
    let key = ListKey {
        data,
        readings: [
            state.library.shelf_reading(),
            answers
                .as_ref()
                .map_or(0, |_| state.labels.answers.n_done()),
        ],
        wanted: wanted.clone(),
    };
    slot(&mut state.labels).request_unless_cancelled(jobs, key, move |_| {
        Ok(Arc::new(listed(
            &shelf.dataset,
            answers.as_deref(),
            &wanted,
        )))
    });
}

fn listed(dataset: &Dataset, answers: Option<&Answers>, wanted: &Wanted) -> Vec<Listed> {
    let text = wanted.text.to_lowercase();
    let words: Vec<&str> = text.split_whitespace().collect();
    let place = |name: &String| answers.and_then(|answers| answers.tag(name));
    // Places among the answers of the tags that both know.
    let places: Vec<(usize, usize)> = (0..)
        .zip(&dataset.tags)
        .filter_map(|(tag, name)| Some((tag, place(name)?)))
        .collect();
    let about = wanted.tag.as_ref().and_then(place);
    let about_tag = wanted.tag.as_ref().and_then(|name| dataset.tag(name));
    let mut list: Vec<Listed> = Vec::new();
    for (track, facts) in dataset.tracks.iter().enumerate() {
        let found = |word: &&str| {
            facts.id.to_lowercase().contains(word) || facts.artist.to_lowercase().contains(word)
        };
        if !words.iter().all(found) || wanted.split.is_some_and(|split| facts.split != split) {
            continue;
        }
        let row = answers.and_then(|answers| answers.of(&facts.id, &facts.path));
        let has = |tag: usize| facts.tags.iter().any(|other| other.index() == tag);
        let of_tag = row.zip(about).map(|(row, place)| row[place]);
        let disagreement = match (row, &wanted.tag) {
            (None, _) => None,
            (Some(_), Some(_)) => of_tag.map(|probability| {
                disagreement(probability, about_tag.is_some_and(|tag| has(tag.index())))
            }),
            (Some(row), None) => places
                .iter()
                .map(|&(tag, place)| disagreement(row[place], has(tag)))
                .max_by(f32::total_cmp),
        };
        list.push(Listed {
            track,
            probability: of_tag,
            disagreement,
        });
    }
    let by = |of: fn(&Listed) -> Option<f32>| {
        // What nothing is known of comes last.
        move |one: &Listed, other: &Listed| {
            let value = |listed| of(listed).unwrap_or(-1.0);
            value(other).total_cmp(&value(one))
        }
    };
    match wanted.order {
        Order::Place => {}
        Order::Disagreement => list.sort_by(by(|listed| listed.disagreement)),
        Order::Probability => list.sort_by(by(|listed| listed.probability)),
    }
    list
}
