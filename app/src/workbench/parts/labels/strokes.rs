//! What the keys of the Labels panel decide.
//!
//! Strokes are carried out one after the other, each on what the one before has left behind: at a low frame rate several come in one frame, and
//! the second may be about another track than the first.

use super::shelf_in_use;
use crate::widgets::Walk;
use crate::workbench::parts::library;
use crate::workbench::{CommandSender, Jobs, Level, Notice, State as Whole};
use attune_core::dataset::corrections::{Corrections, Ledger, Mark, Step, Verdict};
use attune_core::dataset::{Dataset, Error};
use attune_core::predict::by_probability;
use attune_core::tagging::Answers;

/// So many tags are offered, each with a digit.
const WITH_DIGIT: usize = 10;

/// One thing that the user does, about the track in use unless it says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stroke {
    /// Add or remove the offered tag in this place, from 0.
    Digit(usize),
    /// Add or remove this tag.
    Toggle(String),
    /// Its tags are right, it is of no use, or it cannot be told; on to the next track.
    Conclude(Verdict),
    /// On to the next track without a decision.
    Skip,
    /// To another track of the list.
    Walk(Walk),
    /// Take the last step back, and go to the track that it was about.
    Undo,
    /// Do it again, and go there.
    Redo,
}

/// How the panel is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Way {
    /// Labels of the data set are neither shown nor taken over.
    pub blind: bool,
    /// A track is played when one comes to it.
    pub plays: bool,
}

/// Carries one out.
pub(super) fn run(
    stroke: Stroke,
    way: Way,
    state: &mut Whole,
    jobs: &Jobs,
    sender: &CommandSender,
) {
    let Some((_, shelf)) = shelf_in_use(state) else {
        return;
    };
    let chosen = state.selection.track.as_ref();
    let track = chosen.and_then(|id| shelf.by_id.get(id)).copied();
    let dataset = &shelf.dataset;
    match stroke {
        Stroke::Undo => step(state, jobs, sender, Corrections::undo),
        Stroke::Redo => step(state, jobs, sender, Corrections::redo),
        Stroke::Walk(walk) => {
            let list = state.labels.list();
            let place = list.iter().position(|listed| Some(listed.track) == track);
            let to = walk.from(place, list.len());
            if let Some(to) = to.map(|to| list[to].track) {
                open(dataset, to, way, state, jobs, sender);
            }
        }
        Stroke::Skip => next(dataset, track, way, state, jobs, sender),
        Stroke::Conclude(verdict) => {
            conclude(dataset, track, verdict, way, state, sender);
            next(dataset, track, way, state, jobs, sender);
        }
        Stroke::Digit(place) => {
            let answers = state.labels.answers().map(AsRef::as_ref);
            let tag = track.and_then(|track| {
                let offered = offered_tags(dataset, answers, track, way.blind);
                Some((*offered.get(place)?).to_owned())
            });
            if let Some(tag) = tag {
                toggle(dataset, track, &tag, way, state, sender);
            }
        }
        Stroke::Toggle(tag) => toggle(dataset, track, &tag, way, state, sender),
    }
}

/// Says what somebody thinks of the whole track. Only who accepts says something of its tags; of those that nobody decided about, the labels
/// stay, whether they are shown or not.
fn conclude(
    dataset: &Dataset,
    track: Option<usize>,
    verdict: Verdict,
    way: Way,
    state: &mut Whole,
    sender: &CommandSender,
) {
    let blind = way.blind && verdict == Verdict::Accepted;
    let way = Way { blind, ..way };
    decide(dataset, track, way, state, sender, |_| Some(verdict));
}

/// Adds a tag to a track or removes it. What was said of the track as a whole no longer holds.
fn toggle(
    dataset: &Dataset,
    track: Option<usize>,
    tag: &str,
    way: Way,
    state: &mut Whole,
    sender: &CommandSender,
) {
    decide(dataset, track, way, state, sender, |tags| {
        match tags.iter().position(|other| other == tag) {
            Some(place) => drop(tags.remove(place)),
            None => tags.push(tag.to_owned()),
        }
        None
    });
}

/// Keeps what `change` makes of the track's tags, with what it says of the whole track.
fn decide(
    dataset: &Dataset,
    track: Option<usize>,
    way: Way,
    state: &mut Whole,
    sender: &CommandSender,
    change: impl FnOnce(&mut Vec<String>) -> Option<Verdict>,
) {
    let (Some(track), Some(corrections)) = (track, &mut state.labels.open) else {
        return;
    };
    let mut tags = chosen_tags(dataset, corrections.ledger(), track, way.blind);
    let verdict = change(&mut tags);
    let id = &dataset.tracks[track].id;
    state.labels.n_steps += 1;
    if let Err(error) = corrections.mark(id, Mark { tags, verdict }) {
        tell_lost(sender, &error);
    }
}

/// On to the next track of the list; at its end it stays.
fn next(
    dataset: &Dataset,
    track: Option<usize>,
    way: Way,
    state: &mut Whole,
    jobs: &Jobs,
    sender: &CommandSender,
) {
    let list = state.labels.list();
    let place = list.iter().position(|listed| Some(listed.track) == track);
    let next = list.get(place.map_or(0, |place| place + 1));
    if let Some(next) = next.map(|listed| listed.track) {
        open(dataset, next, way, state, jobs, sender);
    }
}

fn open(
    dataset: &Dataset,
    track: usize,
    way: Way,
    state: &mut Whole,
    jobs: &Jobs,
    sender: &CommandSender,
) {
    // The list may be of an earlier reading of the data set.
    if let Some(track) = dataset.tracks.get(track) {
        let id = track.id.clone();
        let play = way.plays;
        // At once: the next stroke is about that track.
        library::run(
            library::Command::OpenTrack { id, play },
            state,
            jobs,
            sender,
        );
    }
}

fn step(
    state: &mut Whole,
    jobs: &Jobs,
    sender: &CommandSender,
    step: fn(&mut Corrections) -> Result<Option<Step>, Error>,
) {
    let Some(corrections) = &mut state.labels.open else {
        return;
    };
    state.labels.n_steps += 1;
    match step(corrections) {
        Ok(Some(step)) => {
            let id = step.track;
            let open = library::Command::OpenTrack { id, play: false };
            library::run(open, state, jobs, sender);
        }
        Ok(None) => {}
        Err(error) => tell_lost(sender, &error),
    }
}

fn tell_lost(sender: &CommandSender, error: &Error) {
    let why = attune_core::message::full_message(error);
    let text = format!("The decision was not kept: {why}");
    sender.send(Notice::new(Level::Error, text));
}

/// The tags of a track as they count now, by name: those of its mark, else the data set's labels.
fn tags_of(dataset: &Dataset, ledger: &Ledger, track: usize) -> Vec<String> {
    match ledger.mark(&dataset.tracks[track].id) {
        Some(mark) => mark.tags.clone(),
        None => dataset.tag_names(track).map(str::to_owned).collect(),
    }
}

/// The same for who decides: blind, one begins with nothing, also where the labels stay because nobody could tell.
pub fn chosen_tags(dataset: &Dataset, ledger: &Ledger, track: usize, blind: bool) -> Vec<String> {
    let tags = tags_of(dataset, ledger, track);
    let are_labels = match ledger.mark(&dataset.tracks[track].id) {
        None => true,
        Some(mark) => {
            let keeps = matches!(mark.verdict, Some(Verdict::Rejected | Verdict::Unsure));
            keeps && dataset.tag_names(track).eq(tags.iter().map(String::as_str))
        }
    };
    if blind && are_labels {
        Vec::new()
    } else {
        tags
    }
}

/// The tags that have a digit, in its order. It depends on nothing that a key changes: the model's favourites, else the labels (unless
/// blind), then the vocabulary.
pub fn offered_tags<'a>(
    dataset: &'a Dataset,
    answers: Option<&'a Answers>,
    track: usize,
    blind: bool,
) -> Vec<&'a str> {
    let facts = &dataset.tracks[track];
    let said = answers.and_then(|answers| Some((answers, answers.of(&facts.id, &facts.path)?)));
    if let Some((answers, row)) = said {
        let favourites = by_probability(row).into_iter().take(WITH_DIGIT);
        return favourites
            .map(|tag| answers.about.tags[tag].as_str())
            .collect();
    }
    let labels: Vec<&str> = dataset.tag_names(track).filter(|_| !blind).collect();
    let rest = dataset.tags.iter().map(String::as_str);
    let rest = rest.filter(|tag| !labels.contains(tag));
    labels
        .iter()
        .copied()
        .chain(rest)
        .take(WITH_DIGIT)
        .collect()
}

/// What was decided about a track, in a word.
pub fn verdict_text(mark: Option<&Mark>) -> &'static str {
    mark.map_or("", |mark| mark.verdict.map_or("changed", Verdict::name))
}
