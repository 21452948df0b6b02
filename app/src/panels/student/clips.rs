//! The unlabelled clips of a batch: heard as teacher and student hear them, with the answers of both.

use crate::theme::{self, Palette};
use crate::widgets::{count_text, number_text, section_heading};
use crate::workbench::parts::runs::RunView;
use crate::workbench::parts::student::{Command, Lesson, LessonClip};
use crate::workbench::{Command as Any, Ctx};
use egui::{
    Align2, Button, Color32, ColorImage, Image, Rect, RichText, Role, Sense, TextStyle,
    TextureHandle, TextureOptions, Ui, WidgetInfo, pos2, vec2,
};
use std::sync::Arc;

const PICTURE_HEIGHT: f32 = 84.0;
const NAME_WIDTH: f32 = 132.0;
const FIGURES_WIDTH: f32 = 120.0;
const BAR_HEIGHT: f32 = 4.0;
/// The tags with the highest probabilities that are listed.
const MOST_TAGS: usize = 24;

/// Pictures on the graphics card.
#[derive(Default)]
pub(super) struct State {
    /// The pictures that the textures are of.
    of: Option<[Arc<ColorImage>; 2]>,
    textures: Vec<TextureHandle>,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("student::clips::State")
    }
}

fn send(ctx: &Ctx<'_>, command: Command) {
    ctx.send(Any::Student(command));
}

impl State {
    /// Draws the column.
    pub(super) fn ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui, run: &RunView) {
        let palette = theme::palette(ui.visuals());
        let student = &ctx.state.student;
        section_heading(ui, "What the student hears");
        ui.horizontal_wrapped(|ui| {
            let hear = ui.add_enabled(!student.is_busy(), Button::new("Hear the present batch"));
            let hint = "Make the unlabelled clips of the run's present step again, with the same crops and draws, and ask teacher and student about them";
            if hear.on_hover_text(hint).clicked() {
                send(
                    ctx,
                    Command::Hear {
                        run: run.folder.clone(),
                        step: run.last_step,
                    },
                );
            }
            if student.is_busy() {
                ui.spinner();
            }
            if let Some(lesson) = student.lesson(&run.folder) {
                let text = format!(
                    "step {}, {} clips",
                    count_text(lesson.step + 1),
                    lesson.clips.len()
                );
                ui.label(RichText::new(text).small().color(palette.weak));
            }
        });
        if let Some(error) = student.error() {
            ui.label(RichText::new(error).color(palette.error));
        }
        let Some(lesson) = student.lesson(&run.folder) else {
            return;
        };
        ui.horizontal_wrapped(|ui| {
            for (at, clip) in lesson.clips.iter().enumerate() {
                let is_chosen = student.chosen() == at;
                let label = ui.selectable_label(is_chosen, &clip.heard.track);
                let hint = format!(
                    "from {:.1} s\n{}",
                    clip.heard.start_secs,
                    effects_text(clip)
                );
                if label.on_hover_text(hint).clicked() {
                    send(ctx, Command::Choose(at));
                }
            }
        });
        if let Some(clip) = lesson.clips.get(student.chosen()) {
            let text = format!(
                "from {:.1} s: {}",
                clip.heard.start_secs,
                effects_text(clip)
            );
            ui.label(RichText::new(text).small().color(palette.weak))
                .on_hover_text("Where the clip starts in its track, and what was drawn for it");
            self.clip_ui(ctx, ui, lesson, clip);
        }
    }

    fn clip_ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui, lesson: &Arc<Lesson>, clip: &LessonClip) {
        let palette = theme::palette(ui.visuals());
        let playing = ctx.state.student.listening(clip, &ctx.state.player);
        let is_same = self.of.as_ref().is_some_and(|of| {
            let mut both = of.iter().zip(&clip.pictures);
            both.all(|(one, other)| Arc::ptr_eq(one, other))
        });
        if !is_same {
            self.of = Some(clip.pictures.clone());
            self.textures = clip
                .pictures
                .iter()
                .map(|picture| {
                    let image = Arc::clone(picture);
                    ui.ctx()
                        .load_texture("student clip", image, TextureOptions::LINEAR)
                })
                .collect();
        }
        let names = ["As the teacher hears it", "As the student hears it"];
        let width = (ui.available_width() - theme::GAP) / 2.0;
        ui.horizontal(|ui| {
            for (variant, name) in names.into_iter().enumerate() {
                ui.vertical(|ui| {
                    ui.set_width(width);
                    let button =
                        Button::selectable(playing == Some(variant), name).frame_when_inactive(true);
                    let hint = "Play it in a loop; the other variant goes on at the same position";
                    if ui.add(button).on_hover_text(hint).clicked() {
                        let augmented = variant == 1;
                        send(ctx, Command::Listen { augmented });
                    }
                    if let Some(texture) = self.textures.get(variant) {
                        let picture =
                            Image::new(texture)
                            .maintain_aspect_ratio(false)
                            .fit_to_exact_size(vec2(width, PICTURE_HEIGHT));
                        let response = ui.add(picture);
                        response.widget_info(|| {
                            WidgetInfo::labeled(Role::Image, true, format!("Log-mel, {name}"))
                        });
                        response.on_hover_text("Log-mel, the lowest band below; black is 80 dB below the loudest of the clean clip");
                    }
                });
            }
        });
        ui.add_space(theme::GAP);
        let names = ["teacher, clean", "student, clean", "student, augmented"];
        ui.horizontal_wrapped(|ui| {
            for (name, colour) in names.into_iter().zip(colours(palette)) {
                let (swatch, _) = ui.allocate_exact_size(vec2(10.0, BAR_HEIGHT), Sense::hover());
                ui.painter().rect_filled(swatch, 1.0, colour);
                ui.label(RichText::new(name).small().color(palette.weak))
                    .on_hover_text("Three bars a tag, from above: the pseudo-label, what the student says of the clean clip, and of the augmented one");
            }
        });
        let heard = &clip.heard;
        let mut order: Vec<usize> = (0..lesson.tags.len()).collect();
        let highest = |tag: usize| heard.teacher[tag].max(heard.student_augmented[tag]);
        order.sort_by(|&one, &other| highest(other).total_cmp(&highest(one)));
        for tag in order.into_iter().take(MOST_TAGS) {
            tag_ui(ui, &lesson.tags[tag], clip, tag);
        }
    }
}

/// Of the teacher's bar, the student's for the clean clip, and for the augmented one.
fn colours(palette: &Palette) -> [Color32; 3] {
    [palette.good, palette.original, palette.augmented]
}

/// What was drawn for a clip, in words and units.
fn effects_text(clip: &LessonClip) -> String {
    let Some(draw) = &clip.heard.draw else {
        return "not augmented".to_owned();
    };
    let effects: Vec<String> = draw
        .effects
        .iter()
        .map(|effect| {
            let values = effect.values();
            let values = effect.kind().parameters().iter().zip(&values);
            let figures: Vec<String> = values
                .map(|(parameter, &value)| {
                    let figure = number_text((f64::from(value) * 100.0).round() / 100.0);
                    format!("{figure} {}", parameter.unit).trim_end().to_owned()
                })
                .collect();
            let name = effect.kind().label().to_lowercase();
            format!("{name} {}", figures.join(", "))
                .trim_end()
                .to_owned()
        })
        .collect();
    if effects.is_empty() {
        "no effect drawn".to_owned()
    } else {
        effects.join("  ·  ")
    }
}

fn tag_ui(ui: &mut Ui, name: &str, clip: &LessonClip, tag: usize) {
    let palette = theme::palette(ui.visuals());
    let heard = &clip.heard;
    let values = [
        heard.teacher[tag],
        heard.student_clean[tag],
        heard.student_augmented[tag],
    ];
    let size = vec2(ui.available_width(), theme::ROW_HEIGHT);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    let withheld = heard.withheld.contains(&tag);
    let note = if withheld {
        "\nThe track has this tag; its labels are withheld."
    } else {
        ""
    };
    let said = format!(
        "{name}: teacher {:.3}, student clean {:.3}, augmented {:.3}",
        values[0], values[1], values[2]
    );
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &said));
    response.on_hover_text(format!("{said}{note}"));
    if !ui.is_rect_visible(rect) {
        return;
    }
    let painter = ui.painter_at(rect);
    let middle = rect.center().y;
    let text = if withheld {
        format!("{name} ✓")
    } else {
        name.to_owned()
    };
    painter.text(
        pos2(rect.left(), middle),
        Align2::LEFT_CENTER,
        text,
        TextStyle::Body.resolve(ui.style()),
        if withheld {
            palette.strong
        } else {
            palette.text
        },
    );
    let figures = values.map(|value| format!("{value:.2}")).join("  ");
    painter.text(
        pos2(rect.right(), middle),
        Align2::RIGHT_CENTER,
        figures,
        theme::figures().resolve(ui.style()),
        palette.strong,
    );
    let left = rect.left() + NAME_WIDTH;
    let width = (rect.right() - FIGURES_WIDTH - left).max(8.0);
    for (nth, (value, colour)) in values.into_iter().zip(colours(palette)).enumerate() {
        let top = middle + (nth as f32 - 1.5) * (BAR_HEIGHT + 1.0);
        let ground = Rect::from_min_size(pos2(left, top), vec2(width, BAR_HEIGHT));
        painter.rect_filled(ground, 1.0, palette.sunken);
        let filled = vec2(width * value.clamp(0.0, 1.0), BAR_HEIGHT);
        painter.rect_filled(Rect::from_min_size(ground.min, filled), 1.0, colour);
    }
}
