//! Ten draws side by side, and draws that were kept with a note.

use super::others::{self, Wanted};
use super::sound::Sound;
use super::{ClipKey, Command, Heard};
use crate::workbench::jobs::{Activity, Slot};
use crate::workbench::{Command as Any, CommandSender, Jobs, Level, Notice, State as Whole};
use attune_core::augment::{Chain, Draw, KeptDraw, Notebook, Sidecar};
use attune_core::message::full_message;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// How many draws stand side by side.
const N_ROLLED: usize = 10;
/// Ten of a longer clip would take a lot of memory and time.
const LONGEST_SECS: f64 = 60.0;

/// A draw and what comes of it.
#[derive(Clone, Debug)]
pub struct Rolled {
    /// The draw.
    pub draw: Draw,
    /// The clip with it.
    pub heard: Arc<Heard>,
}

/// Draws side by side and kept draws. Changed only by [`run`] and [`logic`].
#[derive(Debug)]
pub struct Draws {
    /// Which chain was rolled, from which seed on.
    asked: Option<(Arc<Chain>, u64)>,
    rolled: Slot<(ClipKey, Arc<Chain>, u64), Arc<[Rolled]>>,
    read: Slot<(), Notebook>,
    /// As it is shown; on disk soon after. `None` until it has been read: what cannot be read is never written over.
    notebook: Option<Notebook>,
    /// The removed draw and where it stood.
    removed: Option<(usize, KeptDraw)>,
    edition: u64,
    written: Slot<u64, ()>,
    exported: Slot<u64, Vec<PathBuf>>,
}

/// What can be asked.
#[derive(Clone, Debug, PartialEq)]
pub enum DrawCommand {
    /// Roll the chain ten times, at the seeds after the present one.
    RollTen,
    /// Keep the draw that stands, with a note.
    Keep {
        /// In the listener's words.
        note: String,
    },
    /// Write another note to a kept draw.
    Note {
        /// Number of the kept draw.
        idx: usize,
        /// The note.
        note: String,
    },
    /// Forget a kept draw.
    Remove {
        /// Its number.
        idx: usize,
    },
    /// Bring the draw back that was forgotten last.
    Restore,
    /// Take in a draw that was copied: as text of a draw or of effects.
    Paste(String),
    /// Write the augmented clip as WAV, with its draw beside it.
    Export,
}

impl Default for Draws {
    fn default() -> Self {
        Self {
            asked: None,
            rolled: Slot::new("roll ten draws"),
            read: Slot::new("read the kept draws"),
            notebook: None,
            removed: None,
            edition: 0,
            written: Slot::new("write the kept draws"),
            exported: Slot::new("write the clip"),
        }
    }
}

impl Draws {
    /// Draws side by side, of the clip that is shown.
    pub fn rolled(&self) -> &[Rolled] {
        self.rolled.value().map_or(&[], |rolled| rolled)
    }

    /// Whether they are being made.
    pub fn is_rolling(&self) -> bool {
        self.rolled.is_busy()
    }

    /// Draws that were kept, the newest last; `None` while they have not been read.
    pub fn kept(&self) -> Option<&[KeptDraw]> {
        self.notebook.as_ref().map(|notebook| &notebook.draws[..])
    }

    /// Whether there is one to bring back.
    pub fn can_restore(&self) -> bool {
        self.removed.is_some()
    }

    /// What went wrong.
    pub fn error(&self) -> Option<&str> {
        let errors = [
            self.rolled.error(),
            self.read.error(),
            self.written.error(),
            self.exported.error(),
        ];
        errors.into_iter().flatten().next()
    }

    pub(super) fn activities(&self) -> impl Iterator<Item = Activity> {
        let activities = [self.rolled.activity(), self.exported.activity()];
        activities.into_iter().flatten()
    }

    pub(super) fn cancel_jobs(&mut self) {
        self.rolled.cancel();
        self.asked = None;
    }

    fn change(&mut self, path: &Path, jobs: &Jobs, change: impl FnOnce(&mut Vec<KeptDraw>)) {
        let Some(notebook) = &mut self.notebook else {
            return;
        };
        change(&mut notebook.draws);
        self.edition += 1;
        let (notebook, path) = (notebook.clone(), path.to_owned());
        self.written
            .ask_again(jobs, self.edition, move |_| Ok(notebook.write(&path)?));
    }
}

/// Carries out a command, between frames.
pub(super) fn run(command: DrawCommand, state: &mut Whole, jobs: &Jobs, sender: &CommandSender) {
    let path = state.workspace.kept_draws();
    let audition = &mut state.audition;
    match command {
        DrawCommand::RollTen => {
            let first = audition.seed().wrapping_add(1);
            audition.draws.asked = Some((Arc::clone(audition.chains.chain()), first));
        }
        DrawCommand::Keep { note } => {
            let kept_unix_ms = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| since.as_millis() as u64);
            let draw = audition.draw();
            let kept = KeptDraw {
                note,
                kept_unix_ms,
                draw,
            };
            audition.draws.change(&path, jobs, |draws| draws.push(kept));
        }
        DrawCommand::Note { idx, note } => audition.draws.change(&path, jobs, |draws| {
            if let Some(kept) = draws.get_mut(idx) {
                kept.note = note;
            }
        }),
        DrawCommand::Remove { idx } => {
            let mut removed = None;
            audition.draws.change(&path, jobs, |draws| {
                removed = (idx < draws.len()).then(|| (idx, draws.remove(idx)));
            });
            audition.draws.removed = removed.or(audition.draws.removed.take());
        }
        DrawCommand::Restore => {
            if let Some((idx, kept)) = audition.draws.removed.take() {
                audition.draws.change(&path, jobs, |draws| {
                    draws.insert(idx.min(draws.len()), kept)
                });
            }
        }
        DrawCommand::Paste(text) => match Draw::from_text(&text, audition.seed()) {
            Ok(draw) => sender.send(Any::Audition(Command::UseDraw(draw))),
            Err(error) => sender.send(Notice::new(Level::Warning, full_message(&error))),
        },
        DrawCommand::Export => export(state, jobs, sender),
    }
}

fn export(state: &mut Whole, jobs: &Jobs, sender: &CommandSender) {
    let folder = state.workspace.exports();
    let audition = &mut state.audition;
    let draw = audition.draw();
    let clip = audition.clip().cloned();
    let original = clip.and_then(|clip| {
        let original = audition.original.value_for(&clip)?;
        Some((Arc::clone(original), clip))
    });
    let Some((original, clip)) = original else {
        sender.send(Notice::new(Level::Info, "Open a song first (Ctrl+O)."));
        return;
    };
    let start_sample = audition
        .replays
        .shown()
        .map_or(clip.start_sample, |replayed| replayed.replay.start_sample);
    let company = audition.others.paths(&draw);
    // The name of the chain only for what it rolls at this very place.
    let chains = &audition.chains;
    let is_rolled = !chains.is_changed() && chains.chain().draw(draw.address) == draw;
    let chain = is_rolled.then(|| chains.name().to_owned());
    let n_effects = draw.effects.len();
    let name = format!(
        "{}-{:.1}s-seed{}-{n_effects}effects",
        clip.song,
        clip.start_secs(),
        draw.address.seed
    );
    let sidecar = Sidecar {
        attune: env!("CARGO_PKG_VERSION").to_owned(),
        source: clip.path.clone(),
        start_samples: start_sample as u64,
        n_samples: clip.n_samples as u64,
        rate_hz: clip.rate_hz,
        draw: draw.clone(),
        chain,
        company,
        note: String::new(),
    };
    audition.draws.edition += 1;
    let edition = audition.draws.edition;
    audition.draws.exported.ask_again(jobs, edition, move |_| {
        let wav = free_path(&folder, &safe_name(&name), "wav");
        let json = Sidecar::beside(&wav);
        // Made anew: what is on the screen may be a moment older.
        let sound = Sound::of(&original, &clip, &draw);
        attune_core::audio::write_clip(&wav, &sound.clip)?;
        sidecar.write(&json)?;
        Ok(vec![wav, json])
    });
}

/// A name that every file system takes.
pub(super) fn safe_name(name: &str) -> String {
    name.chars()
        .map(|c| {
            if c.is_alphanumeric() || "-_. ".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect()
}

/// `NAME.wav`, or `NAME-2.wav` … if there is one: nothing is written over.
pub(super) fn free_path(folder: &Path, name: &str, ending: &str) -> PathBuf {
    let mut path = folder.join(format!("{name}.{ending}"));
    let mut n = 2;
    while path.exists() {
        path = folder.join(format!("{name}-{n}.{ending}"));
        n += 1;
    }
    path
}

/// Called once before each frame: takes in what is ready, asks for what was asked for.
pub(super) fn logic(state: &mut Whole, jobs: &Jobs, sender: &CommandSender) {
    let path = state.workspace.kept_draws();
    let audition = &mut state.audition;
    let draws = &mut audition.draws;
    if draws.notebook.is_none() {
        draws
            .read
            .request(jobs, (), move |_| Ok(Notebook::read(&path)?));
    }
    if draws.read.poll(jobs) && draws.notebook.is_none() {
        draws.notebook = draws.read.value().cloned();
    }
    draws.written.poll(jobs);
    if draws.exported.poll(jobs) {
        super::tell_written(draws.exported.result(), sender);
    }
    draws.rolled.poll(jobs);
    if !draws.rolled.is_busy()
        && draws.rolled.done_key().is_some_and(|(_, chain, first)| {
            draws.asked.as_ref() == Some(&(Arc::clone(chain), *first))
        })
    {
        // They stay as they are while the clip is moved: new ones come when they are asked for.
        draws.asked = None;
    }
    let (Some((chain, first)), Some(key)) = (draws.asked.clone(), audition.key.clone()) else {
        return;
    };
    let Some(original) = audition.original.value_for(&key).map(Arc::clone) else {
        return;
    };
    let wanted = (key.clone(), Arc::clone(&chain), first);
    if draws.rolled.value_for(&wanted).is_some() {
        return;
    }
    let roll = |nth| chain.draw(Draw::of(Vec::new(), first.wrapping_add(nth)).address);
    let rolls: Vec<(Draw, Wanted)> = (0..N_ROLLED as u64)
        .map(|nth| {
            let draw = roll(nth);
            let others = others::wanted(state, [&draw], key.rate_hz);
            (draw, others)
        })
        .collect();
    let model = state.model.current().map(Arc::clone);
    let rolled = &mut state.audition.draws.rolled;
    rolled.request(jobs, wanted, move |job| {
        anyhow::ensure!(
            key.duration_secs() <= LONGEST_SECS,
            "ten draws need a clip of at most {LONGEST_SECS} s: choose a shorter length"
        );
        let rolled = (0..).zip(rolls).map(|(nth, (draw, others))| {
            job.check()?;
            job.report(nth, N_ROLLED as u64, "rolling");
            let key = key.clone().among(others.decode(job)?);
            let heard = original.with(&draw, &key, model.as_deref())?;
            Ok(Rolled { draw, heard })
        });
        rolled.collect::<anyhow::Result<Arc<[_]>>>()
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exported_files_have_names_that_any_system_takes() {
        assert_eq!(safe_name("AC/DC: \"Thunder\" é"), "AC_DC_ _Thunder_ é");
    }
}
