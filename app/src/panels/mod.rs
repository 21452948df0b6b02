//! The panels of the window, one file each.
//!
//! A panel is a struct with its own looks (what is folded, sorted, scrolled to; stored between sessions) and
//! `fn ui(&mut self, ctx: &Ctx<'_>, ui: &mut egui::Ui)`. It reads `ctx.state` and asks for changes with `ctx.send(…)`.

pub mod audition;
pub mod compare;
pub mod curves;
mod data_notes;
pub mod experiments;
mod grouping;
pub mod help;
pub mod labels;
pub mod library;
pub mod log;
mod no_runs;
pub mod parameters;
pub mod per_tag;
mod run_names;
pub mod runs;
pub mod student;
pub mod system;
pub mod tags;
pub mod timeline;
pub mod training;
mod unlabelled;

use crate::workbench::Ctx;

pub(crate) use training::Progress;

/// A panel, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Panel {
    /// Settings and buttons of training.
    Training,
    /// Curves of runs.
    Curves,
    /// Scores tag by tag.
    Tags,
    /// Runs on disk.
    Runs,
    /// Data sets and their tracks.
    Library,
    /// Listening to augmentations.
    Audition,
    /// A song, explained.
    Timeline,
    /// What happened.
    Log,
    /// Two models side by side.
    Compare,
    /// What a noisy student learns from.
    Student,
    /// Plans of many runs.
    Experiments,
    /// Settings of many runs against their results.
    Parameters,
    /// Where time goes, and what the machine does.
    System,
    /// Curves and scores of runs, tag by tag.
    PerTag,
    /// Tags corrected by ear.
    Labels,
}

impl Panel {
    /// All panels, in the order of their numbers.
    pub const ALL: [Self; 15] = [
        Self::Training,
        Self::Curves,
        Self::Tags,
        Self::Runs,
        Self::Library,
        Self::Audition,
        Self::Timeline,
        Self::Log,
        Self::Compare,
        Self::Student,
        Self::Experiments,
        Self::Parameters,
        Self::System,
        Self::PerTag,
        Self::Labels,
    ];

    /// Its number from 1, the digit of its shortcut.
    pub fn number(self) -> usize {
        Self::ALL
            .iter()
            .position(|other| *other == self)
            .map_or(1, |idx| idx + 1)
    }

    /// What stands on its tab.
    pub fn title(self) -> &'static str {
        match self {
            Self::Training => "Training",
            Self::Curves => "Curves",
            Self::Tags => "Tags",
            Self::Runs => "Runs",
            Self::Library => "Library",
            Self::Audition => "Audition",
            Self::Timeline => "Timeline",
            Self::Log => "Log",
            Self::Compare => "Compare",
            Self::Student => "Student",
            Self::Experiments => "Experiments",
            Self::Parameters => "Parameters",
            Self::System => "System",
            Self::PerTag => "Per tag",
            Self::Labels => "Labels",
        }
    }

    /// What it is for, in a sentence.
    pub fn purpose(self) -> &'static str {
        match self {
            Self::Training => "Set up a training run, start it and steer it.",
            Self::Curves => "Loss, scores, learning rate and speed of the chosen runs.",
            Self::Tags => "Scores of the chosen run, tag by tag.",
            Self::Runs => "All runs on disk; choose which to show.",
            Self::Library => "Data sets and their tracks.",
            Self::Audition => {
                "Hear and see what augmentation does to a song, and what the model makes of it."
            }
            Self::Timeline => "See over time where the model looks in a song, tag by tag.",
            Self::Log => "What happened, with times.",
            Self::Student => {
                "What a noisy student learns from: its teacher's pseudo-labels, and the clips that it hears."
            }
            Self::Experiments => {
                "Plans of many runs: a table that fills while it is worked through, with the paper's figures beside."
            }
            Self::Parameters => {
                "Which settings go with which scores: many runs as parallel coordinates or a scatter plot."
            }
            Self::System => {
                "Where the time of a run's steps goes, what processor and memory are doing, and what Attune may take of disk and memory."
            }
            Self::PerTag => {
                "ROC and precision–recall curves of each tag with the tracks behind them, and all runs against all tags."
            }
            Self::Labels => {
                "Correct tags by ear, with the keyboard, and export them as a new label set."
            }
            Self::Compare => {
                "Two models side by side: over a song, tag by tag, and where they disagree."
            }
        }
    }
}

/// All panels with their looks.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Panels {
    training: training::State,
    curves: curves::State,
    tags: tags::State,
    runs: runs::State,
    library: library::State,
    audition: audition::State,
    timeline: timeline::State,
    log: log::State,
    compare: compare::State,
    student: student::State,
    experiments: experiments::State,
    parameters: parameters::State,
    system: system::State,
    per_tag: per_tag::State,
    labels: labels::State,
}

impl Panels {
    /// The Training panel's form.
    pub fn training(&mut self) -> &mut training::State {
        &mut self.training
    }

    /// The Curves panel's view.
    pub fn curves(&mut self) -> &mut curves::State {
        &mut self.curves
    }

    /// The Experiments panel's form.
    pub fn experiments(&mut self) -> &mut experiments::State {
        &mut self.experiments
    }

    /// Draws one panel.
    pub fn ui(&mut self, panel: Panel, ctx: &Ctx<'_>, ui: &mut egui::Ui) {
        match panel {
            Panel::Training => self.training.ui(ctx, ui),
            Panel::Curves => self.curves.ui(ctx, ui),
            Panel::Tags => self.tags.ui(ctx, ui),
            Panel::Runs => self.runs.ui(ctx, ui),
            Panel::Library => self.library.ui(ctx, ui),
            Panel::Audition => self.audition.ui(ctx, ui),
            Panel::Timeline => self.timeline.ui(ctx, ui),
            Panel::Log => self.log.ui(ctx, ui),
            Panel::Compare => self.compare.ui(ctx, ui),
            Panel::Student => self.student.ui(ctx, ui),
            Panel::Experiments => self.experiments.ui(ctx, ui),
            Panel::Parameters => self.parameters.ui(ctx, ui),
            Panel::System => self.system.ui(ctx, ui),
            Panel::Labels => self.labels.ui(ctx, ui),
            Panel::PerTag => {
                let listed = self.runs.listed(ctx);
                self.per_tag.ui(ctx, ui, &listed);
            }
        }
    }
}
