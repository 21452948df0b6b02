//! Listening: the clip in two variants under one play head, in the player that else plays the song.

use super::{Heard, State};
use crate::playback::{Player, State as Playing, Track, Variant};
use crate::workbench::{CommandSender, Level, Notice, State as Whole};
use std::sync::Arc;

/// Whether the player has the clip, and not the song.
pub(super) fn is_loaded(audition: &State, player: &Player) -> bool {
    let (Some(track), Some(original)) = (player.track(), audition.original()) else {
        return false;
    };
    holds(&track, original)
}

fn holds(track: &Track, original: &Heard) -> bool {
    let first = track.variants.first();
    first.is_some_and(|first| Arc::ptr_eq(&first.clip.samples, &original.clip.samples))
}

/// Plays a variant of the clip, in a loop. If the clip plays already, switches at the same position.
pub(super) fn listen(state: &mut Whole, augmented: bool, sender: &CommandSender) {
    let Some(track) = track(state) else {
        sender.send(Notice::new(Level::Info, "Open a song first (Ctrl+O)."));
        return;
    };
    let player = &state.player;
    if !is_loaded(&state.audition, &state.player) {
        let duration_secs = track.duration_secs();
        player.load(Arc::new(track));
        player.set_loop(Some((0.0, duration_secs)));
    }
    player.select_variant(usize::from(augmented));
    if player.state() != Playing::Playing {
        player.play();
    }
}

/// If the player has the clip: gives it the song again, at the same place.
pub(in crate::workbench) fn back_to_song(state: &Whole) {
    let player = &state.player;
    if !is_loaded(&state.audition, player) {
        return;
    }
    if let (Some(song), Some(clip)) = (state.song.current(), state.audition.clip()) {
        let at_secs = clip.start_secs() + player.position_secs();
        player.load(Arc::new(song.track()));
        player.seek(at_secs);
    }
}

/// A new augmented clip has come: if the old one plays, the new one takes its place at the same position.
pub(super) fn follow(state: &mut Whole, was: Option<&Arc<Heard>>) {
    let Some(augmented) = state.audition.augmented() else {
        return;
    };
    let player = &state.player;
    if is_loaded(&state.audition, &state.player) {
        player.replace_variant(1, augmented.clip.clone());
        return;
    }
    // Another clip: it takes over if the one before was loaded.
    let before = player.track().is_some_and(|track| {
        let second = track.variants.get(1);
        second.zip(was).is_some_and(|(second, was)| {
            track.variants.len() == 2 && Arc::ptr_eq(&second.clip.samples, &was.clip.samples)
        })
    });
    if before && let Some(track) = track(state) {
        let (repeats, variant) = (player.loop_region().is_some(), player.variant());
        let duration_secs = track.duration_secs();
        player.load(Arc::new(track));
        player.set_loop(repeats.then_some((0.0, duration_secs)));
        player.select_variant(variant);
    }
}

fn track(state: &Whole) -> Option<Track> {
    let audition = &state.audition;
    let (key, original) = (audition.clip()?, audition.original()?);
    let augmented = audition.augmented().unwrap_or(original);
    Some(Track::new(
        format!("{} from {:.1} s", key.song, key.start_secs()),
        vec![
            Variant::new("original", original.clip.clone()),
            Variant::new("augmented", augmented.clip.clone()),
        ],
    ))
}
