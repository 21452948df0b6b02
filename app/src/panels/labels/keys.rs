//! What the keys do while the Labels panel has the keyboard.

use super::tags::best;
use crate::widgets::{Walk, rows_in_page, walked_list};
use crate::workbench::parts::labels::{Command, Stroke, Way};
use crate::workbench::{Ctx, DIGITS, Play, labels_focus_id};
use attune_core::dataset::corrections::Verdict;
use egui::{Event, Key, Modifiers, Response, Ui};

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

/// What holds the keyboard while tracks are walked through.
pub(super) fn focus(ui: &Ui) -> Response {
    walked_list(ui, labels_focus_id(), "Labels")
}

/// The key of the tag in row `place`, in words.
pub(super) fn digit(place: usize) -> Option<&'static str> {
    DIGITS.get(place).map(|key| key.name())
}

/// What a key does.
enum Means {
    Stroke(Stroke),
    Find,
    Replay,
}

/// What a key does in a list of which so many rows are in sight. One that is held down walks, skips, undoes, but decides once only.
fn means(key: Key, repeat: bool, n_visible: usize) -> Option<Means> {
    if let Some(walk) = Walk::by(key, n_visible) {
        return Some(Means::Stroke(Stroke::Walk(walk)));
    }
    let decides = |stroke| (!repeat).then_some(Means::Stroke(stroke));
    match key {
        Key::S => Some(Means::Stroke(Stroke::Skip)),
        Key::Z => Some(Means::Stroke(Stroke::Undo)),
        Key::Y => Some(Means::Stroke(Stroke::Redo)),
        Key::Enter => decides(Stroke::Conclude(Verdict::Accepted)),
        Key::X => decides(Stroke::Conclude(Verdict::Rejected)),
        Key::U => decides(Stroke::Conclude(Verdict::Unsure)),
        Key::Slash => Some(Means::Find),
        Key::P => Some(Means::Replay),
        _ => {
            let place = DIGITS.iter().position(|digit| *digit == key)?;
            decides(Stroke::Digit(place))
        }
    }
}

/// Takes this frame's events, if the list has the keyboard.
pub(super) fn taken(ui: &Ui, focus: &Response) -> Vec<Event> {
    if focus.has_focus() {
        ui.input_mut(|input| std::mem::take(&mut input.events))
    } else {
        Vec::new()
    }
}

/// Carries out what was pressed, one key after the other, and gives back what is for somebody else. `find` is what is typed to find a tag,
/// if one is looked for at the end; `tags` are those that can be found.
pub(super) fn carry_out(
    ctx: &Ctx<'_>,
    ui: &Ui,
    events: Vec<Event>,
    way: Way,
    tags: &[&str],
    find: &mut Option<String>,
) -> Vec<Event> {
    let page = rows_in_page(ui);
    let mut strokes = Vec::new();
    let mut others = Vec::new();
    // What is typed behind the `/` belongs to the name of a tag.
    let mut typed: Option<String> = None;
    for event in events {
        let Event::Key {
            key,
            pressed,
            repeat,
            modifiers,
            ..
        } = event
        else {
            match (&mut typed, &event) {
                (Some(typed), Event::Text(text)) => typed.push_str(text),
                _ => others.push(event),
            }
            continue;
        };
        if !pressed || !modifiers.matches_logically(Modifiers::NONE) {
            others.push(event);
            continue;
        }
        if let Some(part) = &mut typed {
            match key {
                Key::Backspace => drop(part.pop()),
                Key::Escape => typed = None,
                Key::Enter => {
                    let found = best(tags, part.trim_start_matches('/'));
                    strokes.extend(found.map(|tag| Stroke::Toggle(tag.to_owned())));
                    typed = None;
                }
                _ => {}
            }
            continue;
        }
        match means(key, repeat, page) {
            Some(Means::Stroke(stroke)) => strokes.push(stroke),
            Some(Means::Find) => typed = Some(String::new()),
            Some(Means::Replay) => {
                ctx.send(Play::Seek { to_secs: 0.0 });
                ctx.send(Play::Start);
            }
            // One that is held down and has decided already.
            None if repeat => {}
            None => others.push(event),
        }
    }
    if let Some(typed) = typed {
        *find = Some(typed.trim_start_matches('/').to_owned());
    }
    if !strokes.is_empty() {
        ctx.send(crate::workbench::Command::Labels(Command::Strokes(
            strokes, way,
        )));
    }
    others
}
