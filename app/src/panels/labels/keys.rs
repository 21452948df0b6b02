//! What the keys do while the Labels panel has the keyboard.

use super::tags::TagRow;
use super::{State, open};
use crate::widgets::{walked, walked_list};
use crate::workbench::parts::labels;
use crate::workbench::parts::library::Shelf;
use crate::workbench::{Command, Ctx, Play, labels_focus_id};
use attune_core::dataset::corrections::{Mark, Verdict};
use egui::{Key, Modifiers, Response, Ui};

/// Keys that count while the Labels panel has the keyboard, for the help.
pub(crate) const KEYS: [(&str, &str, &str); 9] = [
    (
        "1 … 9, 0",
        "Add or remove a tag",
        "The tag with that number in the list",
    ),
    (
        "/",
        "Find a tag",
        "Type a part of its name; Enter adds or removes it",
    ),
    (
        "Enter",
        "Accept",
        "The tags shown are right; on to the next track",
    ),
    (
        "X",
        "Reject",
        "The track is of no use: left out of what is exported; on to the next",
    ),
    (
        "U",
        "Unsure",
        "Cannot be told by ear: its labels stay; on to the next",
    ),
    ("S, ↓", "Skip", "On to the next track without a decision"),
    ("↑", "Back", "To the track before"),
    ("P", "Play from the start", "Hear the track again"),
    (
        "Z, Y",
        "Undo, redo",
        "Any number of steps, also those of earlier days",
    ),
];

const DIGITS: [Key; 10] = [
    Key::Num1,
    Key::Num2,
    Key::Num3,
    Key::Num4,
    Key::Num5,
    Key::Num6,
    Key::Num7,
    Key::Num8,
    Key::Num9,
    Key::Num0,
];

/// What holds the keyboard while tracks are walked through.
pub(super) fn focus(ui: &Ui) -> Response {
    walked_list(ui, labels_focus_id(), "Labels")
}

/// The key of the tag in row `place`, in words.
pub(super) fn digit(place: usize) -> Option<&'static str> {
    DIGITS.get(place).map(|key| key.name())
}

/// Whether a key was pressed, which then counts for nobody else.
fn pressed(ui: &Ui, key: Key) -> bool {
    ui.input_mut(|input| input.consume_key(Modifiers::NONE, key))
}

/// Arrows: to another track of the list.
pub(super) fn walk(
    ctx: &Ctx<'_>,
    ui: &Ui,
    shelf: &Shelf,
    track: Option<usize>,
    plays: bool,
    focus: &Response,
) {
    if focus.has_focus() {
        let list = ctx.state.labels.list();
        let place = list.iter().position(|listed| Some(listed.track) == track);
        if let Some(to) = walked(ui, place, list.len()) {
            open(ctx, shelf, list[to].track, plays);
        }
    }
}

impl State {
    /// Carries out what was pressed.
    pub(super) fn keys(
        &mut self,
        ctx: &Ctx<'_>,
        ui: &Ui,
        shelf: &Shelf,
        track: usize,
        rows: &[TagRow],
        focus: &Response,
    ) {
        if !focus.has_focus() {
            return;
        }
        walk(ctx, ui, shelf, Some(track), self.plays, focus);
        for (key, row) in DIGITS.into_iter().zip(rows) {
            if pressed(ui, key) {
                toggle(ctx, shelf, track, &row.tag, rows);
            }
        }
        if pressed(ui, Key::Slash) {
            self.find = Some(String::new());
        }
        if pressed(ui, Key::Z) {
            ctx.send(Command::Labels(labels::Command::Undo));
        }
        if pressed(ui, Key::Y) {
            ctx.send(Command::Labels(labels::Command::Redo));
        }
        if pressed(ui, Key::P) {
            ctx.send(Play::Seek { to_secs: 0.0 });
            ctx.send(Play::Start);
        }
        for (key, verdict) in [
            (Key::Enter, Some(Verdict::Accepted)),
            (Key::X, Some(Verdict::Rejected)),
            (Key::U, Some(Verdict::Unsure)),
            (Key::S, None),
        ] {
            if pressed(ui, key) {
                if let Some(verdict) = verdict {
                    decide(ctx, shelf, track, current_tags(rows), Some(verdict));
                }
                self.next(ctx, shelf, track);
            }
        }
    }

    /// On to the next track of the list; at its end it stays.
    fn next(&self, ctx: &Ctx<'_>, shelf: &Shelf, track: usize) {
        let list = ctx.state.labels.list();
        let place = list.iter().position(|listed| listed.track == track);
        if let Some(next) = list.get(place.map_or(0, |place| place + 1)) {
            open(ctx, shelf, next.track, self.plays);
        }
    }
}

fn current_tags(rows: &[TagRow]) -> Vec<String> {
    let chosen = rows.iter().filter(|row| row.is_chosen);
    chosen.map(|row| row.tag.clone()).collect()
}

/// Adds a tag to a track or removes it. What was said of the track as a whole no longer holds.
pub(super) fn toggle(ctx: &Ctx<'_>, shelf: &Shelf, track: usize, tag: &str, rows: &[TagRow]) {
    let mut tags = current_tags(rows);
    match tags.iter().position(|other| other == tag) {
        Some(place) => drop(tags.remove(place)),
        None => tags.push(tag.to_owned()),
    }
    decide(ctx, shelf, track, tags, None);
}

fn decide(ctx: &Ctx<'_>, shelf: &Shelf, track: usize, tags: Vec<String>, verdict: Option<Verdict>) {
    ctx.send(Command::Labels(labels::Command::Decide {
        track: shelf.dataset.tracks[track].id.clone(),
        mark: Mark { tags, verdict },
    }));
}
