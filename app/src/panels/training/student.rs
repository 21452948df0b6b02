//! The form's part about noisy student training: who teaches, with which unlabelled tracks, and what goes beyond the paper.

use super::fields::row_ui;
use crate::panels::unlabelled::unlabelled_ui;
use crate::widgets::section_heading;
use crate::workbench::Ctx;
use attune_core::predict::Shipped;
use attune_core::train::{NoisyStudent, Passes, Targets, TrainConfig};
use egui::{Checkbox, ComboBox, DragValue, Grid, Response, TextEdit, Ui, WidgetInfo};
use std::path::PathBuf;

/// Runs that are offered as teachers, the newest first; others can be typed.
const MOST_RUNS: usize = 40;
/// A moving average to begin with.
const USUAL_DECAY: f64 = 0.999;

/// Draws the section.
pub(super) fn student_ui(
    ctx: &Ctx<'_>,
    ui: &mut Ui,
    config: &mut TrainConfig,
    typed_folder: &mut String,
    students: &mut u32,
) {
    section_heading(ui, "Labels and teacher");
    Grid::new("student")
        .num_columns(2)
        .spacing([12.0, 6.0])
        .min_col_width(96.0)
        .show(ui, |ui| {
            row_ui(ui, "Labels", "Share of the training tracks that keep their labels. The others count as unlabelled; which they are depends on the seed of the labels, not of the run.", |ui| {
                percent_ui(ui, &mut config.label_fraction)
            });
            if config.label_fraction < 1.0 {
                row_ui(ui, "Labels' seed", "Runs with the same seed here know the same labels.", |ui| {
                    ui.add(DragValue::new(&mut config.label_seed).range(0..=u64::MAX).speed(0.1))
                });
            }
            row_ui(ui, "Teacher", "A trained model whose answers to unlabelled clips the student learns beside the labels (the paper's noisy student). None: supervised training.", |ui| {
                teacher_ui(ctx, ui, config)
            });
            let batch_size = config.batch_size;
            if let Some(student) = &mut config.noisy_student {
                rows_ui(ui, student, batch_size);
                row_ui(ui, "Students", "How many are trained one after the other, each with the one before as its teacher; all with these settings.", |ui| {
                    ui.add(DragValue::new(students).range(1..=20).suffix(" in a row"))
                });
            }
        });
    let Some(student) = &mut config.noisy_student else {
        return;
    };
    unlabelled_ui(ctx, ui, &mut student.unlabelled, typed_folder);
    ui.collapsing("Beyond the paper", |ui| beyond_ui(ui, student))
        .header_response
        .on_hover_text("Options that the paper does not have; off by default");
}

fn percent_ui(ui: &mut Ui, fraction: &mut f64) -> Response {
    let mut percent = *fraction * 100.0;
    let field = DragValue::new(&mut percent)
        .range(0.1..=100.0)
        .speed(0.5)
        .max_decimals(1)
        .suffix(" %");
    let response = ui.add(field);
    if response.changed() {
        *fraction = percent / 100.0;
    }
    response
}

fn teacher_ui(ctx: &Ctx<'_>, ui: &mut Ui, config: &mut TrainConfig) -> Response {
    let chosen = config
        .noisy_student
        .as_ref()
        .map(|student| student.teacher.display().to_string());
    let mut choice: Option<Option<String>> = None;
    let answer = ui.vertical(|ui| {
        let combo = ComboBox::from_id_salt("teacher")
            .width(150.0)
            .truncate()
            .selected_text(chosen.as_deref().map_or("none: supervised", |teacher| {
                if teacher.is_empty() {
                    "choose…"
                } else {
                    teacher
                }
            }))
            .show_ui(ui, |ui| {
                if ui
                    .selectable_label(chosen.is_none(), "none: supervised")
                    .clicked()
                {
                    choice = Some(None);
                }
                let runs = ctx.state.runs.list().unwrap_or_default().iter();
                let runs = runs.filter(|run| run.best_loss.is_some()).take(MOST_RUNS);
                for run in runs {
                    let label = ui.selectable_label(chosen.as_deref() == Some(&run.id), &run.id);
                    let hint = format!("{} on {}", run.model, run.data);
                    if label.on_hover_text(hint).clicked() {
                        choice = Some(Some(run.id.clone()));
                    }
                }
                for shipped in Shipped::ALL {
                    let label = ui.selectable_label(
                        chosen.as_deref() == Some(shipped.name()),
                        shipped.name(),
                    );
                    if label.on_hover_text("Comes with Attune").clicked() {
                        choice = Some(Some(shipped.name().to_owned()));
                    }
                }
                if ui
                    .selectable_label(false, "a file…")
                    .on_hover_text("Type a path below")
                    .clicked()
                {
                    choice = Some(Some(String::new()));
                }
            })
            .response;
        combo.widget_info(|| WidgetInfo::labeled(egui::Role::ComboBox, true, "Teacher"));
        if let Some(student) = &mut config.noisy_student {
            let mut text = student.teacher.display().to_string();
            let field = TextEdit::singleline(&mut text)
                .hint_text("run, folder or file of weights")
                .desired_width(150.0);
            let field = ui.add(field);
            field.widget_info(|| {
                WidgetInfo::labeled(egui::Role::TextInput, true, "Teacher's run or file")
            });
            if field.changed() {
                student.teacher = PathBuf::from(text.trim());
            }
        }
        combo
    });
    match choice {
        None => {}
        Some(None) => config.noisy_student = None,
        Some(Some(teacher)) => config.teach(teacher),
    }
    answer.inner
}

fn rows_ui(ui: &mut Ui, student: &mut NoisyStudent, batch_size: usize) {
    row_ui(
        ui,
        "Unlabelled",
        "Unlabelled clips of a step; the other clips of the batch are labelled. The paper: half.",
        |ui| {
            let mut clips = student.clips(batch_size).1;
            let most = batch_size.saturating_sub(1).max(1);
            let field = ui.add(
                DragValue::new(&mut clips)
                    .range(1..=most)
                    .suffix(format!(" of {batch_size} clips")),
            );
            if field.changed() {
                student.unlabelled_clips = Some(clips).filter(|&clips| clips != batch_size / 2);
            }
            field
        },
    );
    row_ui(
        ui,
        "Passes",
        "One: the student hears labelled and unlabelled clips together, as in the reference code. Two: batch normalisation sees one kind at a time.",
        |ui| {
            ui.horizontal(|ui| {
                ui.selectable_value(&mut student.passes, Passes::One, "one");
                ui.selectable_value(&mut student.passes, Passes::Two, "two");
            })
            .response
        },
    );
    row_ui(
        ui,
        "Pseudo-labels",
        "Soft: the teacher's probabilities as they are (the paper). Hard: 1 from the threshold on, else 0.",
        |ui| {
            ui.horizontal(|ui| {
                let soft = student.pseudo_labels == Targets::Soft;
                if ui.selectable_label(soft, "soft").clicked() {
                    student.pseudo_labels = Targets::Soft;
                }
                if ui.selectable_label(!soft, "hard").clicked() && soft {
                    student.pseudo_labels = Targets::Hard { threshold: 0.5 };
                }
                if let Targets::Hard { threshold } = &mut student.pseudo_labels {
                    ui.add(
                        DragValue::new(threshold)
                            .range(0.01..=0.99)
                            .speed(0.005)
                            .prefix("from "),
                    );
                }
            })
            .response
        },
    );
    row_ui(
        ui,
        "Weight",
        "Factor of the loss on pseudo-labels. The paper: 1.",
        |ui| {
            ui.add(
                DragValue::new(&mut student.weight)
                    .range(0.001..=1000.0)
                    .speed(0.01),
            )
        },
    );
}

fn beyond_ui(ui: &mut Ui, student: &mut NoisyStudent) {
    ui.add(Checkbox::new(&mut student.confidence_weighting, "Confidence weighting"))
        .on_hover_text("Pseudo-labels of which the teacher is less sure count less: by 1 less their entropy in bits");
    ui.horizontal(|ui| {
        let mut is_on = student.moving_average.is_some();
        let follows = ui
            .add(Checkbox::new(&mut is_on, "Moving-average teacher"))
            .on_hover_text("After each step the teacher's weights move towards the student's. Both must be of the same network and sizes.");
        if follows.changed() {
            student.moving_average = is_on.then_some(USUAL_DECAY);
            student.precomputed &= !is_on;
        }
        if let Some(decay) = &mut student.moving_average {
            ui.add(DragValue::new(decay).range(0.0..=0.99999).speed(0.0005).max_decimals(5).prefix("decay "));
        }
    });
    let before = ui
        .add(Checkbox::new(&mut student.precomputed, "Label all tracks before training"))
        .on_hover_text("Every unlabelled track is labelled once and whole, and kept on disk for this teacher, instead of each clip when it comes");
    if before.changed() && student.precomputed {
        student.moving_average = None;
    }
}
