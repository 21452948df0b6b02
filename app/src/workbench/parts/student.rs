//! What a noisy student hears: the unlabelled clips of one step of its run, made again, and listening to one of them.

use super::audition::{loudest_db, picture};
use crate::playback::{Player, State as Playing, Track, Variant};

use crate::workbench::jobs::{Activity, Slot};
use crate::workbench::{CommandSender, Jobs, Level, Notice, State as Whole};
use attune_core::audio::Clip;
use attune_core::features::{FrontEnd, LogMelExtractor};
use attune_core::train::{self, HeardClip};
use egui::ColorImage;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The unlabelled clips of a step, ready to be heard and drawn.
#[derive(Debug)]
pub struct Lesson {
    /// The run.
    pub run: PathBuf,
    /// Steps that were done before it.
    pub step: u64,
    /// The tags, in the order of the probabilities.
    pub tags: Vec<String>,
    /// The clips, in the order of the batch.
    pub clips: Vec<LessonClip>,
}

/// One of them.
#[derive(Debug)]
pub struct LessonClip {
    /// What is known of it; its waves are in `sounds`.
    pub heard: HeardClip,
    /// As the teacher hears it, then as the student does.
    pub sounds: [Clip; 2],
    /// Log-mel pictures of both, on one scale.
    pub pictures: [Arc<ColorImage>; 2],
}

/// What the panel shows. Changed only by [`run`] and [`logic`].
#[derive(Debug)]
pub struct State {
    lesson: Slot<(PathBuf, u64), Arc<Lesson>>,
    chosen: usize,
}

/// What can be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Make the unlabelled clips of the run's step again (counted from 0).
    Hear {
        /// The run's folder.
        run: PathBuf,
        /// The step.
        step: u64,
    },
    /// Show this clip of the batch.
    Choose(usize),
    /// Play the chosen clip in a loop; if it plays already, switch at the same position.
    Listen {
        /// As the student hears it, or as the teacher does.
        augmented: bool,
    },
}

impl Default for State {
    fn default() -> Self {
        Self {
            lesson: Slot::new("make the student's clips"),
            chosen: 0,
        }
    }
}

impl State {
    /// The clips that were made last for this run.
    pub fn lesson(&self, run: &Path) -> Option<&Arc<Lesson>> {
        self.lesson.value().filter(|lesson| lesson.run == run)
    }

    /// Number of the chosen clip.
    pub fn chosen(&self) -> usize {
        self.chosen
    }

    /// Why there are none.
    pub fn error(&self) -> Option<&str> {
        self.lesson.error()
    }

    /// Whether they are being made.
    pub fn is_busy(&self) -> bool {
        self.lesson.is_busy()
    }

    /// Which variant of the clip the player has: 0 the teacher's, 1 the student's.
    pub fn listening(&self, clip: &LessonClip, player: &Player) -> Option<usize> {
        let track = player.track()?;
        let first = track.variants.first()?;
        Arc::ptr_eq(&first.clip.samples, &clip.sounds[0].samples).then(|| player.variant())
    }

    pub(in crate::workbench) fn activities(&self) -> impl Iterator<Item = Activity> {
        self.lesson.activity().into_iter()
    }

    pub(in crate::workbench) fn cancel_jobs(&mut self) {
        self.lesson.cancel();
    }
}

/// Carries out a command, between frames.
pub fn run(command: Command, state: &mut Whole, jobs: &Jobs, sender: &CommandSender) {
    match command {
        Command::Hear { run, step } => {
            let is_training = state.training.run_folder() == Some(&run);
            let published = state.training.model().filter(|_| is_training);
            let workspace = state.workspace.clone();
            let key = (run.clone(), step);
            state.student.lesson.ask_again(jobs, key, move |job| {
                let student = match published {
                    Some(model) => model,
                    None => Arc::new(train::open_model(&run, &workspace)?),
                };
                let heard = train::heard(&run, step, &student, &workspace, job)?;
                job.report(0, 0, "drawing the clips");
                let front_end = FrontEnd {
                    sample_rate_hz: heard.rate_hz,
                    ..FrontEnd::mtt()
                };
                let extractor = LogMelExtractor::new(&front_end)?;
                let clips = heard.clips.into_iter().map(|mut clip| {
                    let waves = [
                        std::mem::take(&mut clip.clean),
                        std::mem::take(&mut clip.augmented),
                    ];
                    let clean = extractor.log_mel(&waves[0])?;
                    let noisy = extractor.log_mel(&waves[1])?;
                    // On one scale, so that a softer clip looks softer.
                    let scale_db = loudest_db(&clean);
                    let pictures = [&clean, &noisy].map(|found| Arc::new(picture(found, scale_db)));
                    Ok(LessonClip {
                        heard: clip,
                        sounds: waves.map(|wave| Clip::mono(wave, heard.rate_hz)),
                        pictures,
                    })
                });
                Ok(Arc::new(Lesson {
                    run,
                    step: heard.step,
                    tags: heard.tags,
                    clips: clips.collect::<anyhow::Result<_>>()?,
                }))
            });
        }
        Command::Choose(clip) => {
            let was_listening = chosen(state).and_then(|(lesson, chosen)| {
                let clip = lesson.clips.get(chosen)?;
                state.student.listening(clip, &state.player)
            });
            state.student.chosen = clip;
            if let Some(variant) = was_listening {
                listen(state, variant == 1, sender);
            }
        }
        Command::Listen { augmented } => listen(state, augmented, sender),
    }
}

fn chosen(state: &Whole) -> Option<(Arc<Lesson>, usize)> {
    let lesson = state.student.lesson.value()?;
    Some((Arc::clone(lesson), state.student.chosen))
}

fn listen(state: &mut Whole, augmented: bool, sender: &CommandSender) {
    let found = chosen(state);
    let Some(clip) = found
        .as_ref()
        .and_then(|(lesson, at)| lesson.clips.get(*at))
    else {
        sender.send(Notice::new(Level::Info, "Make the clips of a step first."));
        return;
    };
    let player = &state.player;
    if state.student.listening(clip, player).is_none() {
        let [clean, noisy] = clip.sounds.clone();
        let track = Track::new(
            format!("{} from {:.1} s", clip.heard.track, clip.heard.start_secs),
            vec![
                Variant::new("as the teacher hears it", clean),
                Variant::new("as the student hears it", noisy),
            ],
        );
        let duration_secs = track.duration_secs();
        player.load(Arc::new(track));
        player.set_loop(Some((0.0, duration_secs)));
    }
    player.select_variant(usize::from(augmented));
    if player.state() != Playing::Playing {
        player.play();
    }
}

/// Called once before each frame: takes in clips that are ready.
pub fn logic(state: &mut Whole, jobs: &Jobs, _sender: &CommandSender) {
    if state.student.lesson.poll(jobs) {
        let n_clips = state
            .student
            .lesson
            .value()
            .map_or(0, |lesson| lesson.clips.len());
        state.student.chosen = state.student.chosen.min(n_clips.saturating_sub(1));
    }
}
