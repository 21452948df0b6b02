//! What Attune may take of this machine: fields for the cache's budget on disk and the loader's memory.

use crate::theme;
use crate::widgets::bytes_text;
use crate::workbench::parts::limits::{self, Limits};
use crate::workbench::{Command, Ctx};
use attune_core::dataset::bytes_from_gb;
use attune_core::device::USUAL_LOADER_MEMORY;
use egui::{DragValue, Response, RichText, Ui};

const CACHE_HINT: &str = "What decoded sound may take on disk, in gigabytes (10⁹ bytes). When more is needed, what was unused for longest is thrown \
    away; it is decoded again when it is needed. 0: as much as there is. Holds for the command line as well: attune data cache budget";
const LOADER_HINT: &str = "What batches of training clips that lie ready may take in memory, in gigabytes (10⁹ bytes), from the next run on. Less means \
    fewer batches, then fewer threads; the numbers of a run do not depend on it. 0: as usual. Holds for the command line as well: \
    attune data loader-memory";

/// What is being typed or dragged.
#[derive(Debug, Default)]
pub(super) struct State {
    cache_gb: Option<f64>,
    loader_gb: Option<f64>,
}

impl State {
    /// Draws the fields.
    pub(super) fn ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) {
        let palette = theme::palette(ui.visuals());
        let send = |command| ctx.send(Command::Limits(command));
        if !ctx.state.limits.is_asked() {
            send(limits::Command::Look);
        }
        let found = match ctx.state.limits.limits() {
            None => {
                // The row has its height before its numbers are there: nothing below moves from under the pointer.
                ui.horizontal(|ui| {
                    let text = "Looking how large the cache of decoded sound is…";
                    ui.label(RichText::new(text).color(palette.weak));
                });
                return;
            }
            Some(Ok(limits)) => *limits,
            Some(Err(error)) => {
                ui.horizontal_wrapped(|ui| {
                    ui.label(RichText::new(error).color(palette.error));
                    if ui.button("Look again").clicked() {
                        send(limits::Command::Look);
                    }
                });
                return;
            }
        };
        let Limits {
            cache_gb,
            variable,
            cache_bytes,
            loader_gb,
        } = found;
        ui.horizontal_wrapped(|ui| {
            let label = ui.label("Cache of decoded sound").on_hover_text(CACHE_HINT);
            let field = ui.add_enabled_ui(variable.is_none(), |ui| {
                let none = "no limit".to_owned();
                field_ui(ui, &mut self.cache_gb, cache_gb, 1.0, none)
            });
            let (field, set) = field.inner;
            let because = format!("{} says so", variable.unwrap_or_default());
            let field = field.labelled_by(label.id).on_hover_text(CACHE_HINT);
            field.on_disabled_hover_text(because);
            if let Some(gigabytes) = set {
                send(limits::Command::SetCache(limit(gigabytes)));
            }
            let taken = RichText::new(format!("{} taken", bytes_text(cache_bytes)));
            let taken = egui::Label::new(taken.small().color(palette.weak));
            let hint = "What it takes on disk; a click looks again";
            let taken = ui.add(taken.sense(egui::Sense::click()));
            if taken.on_hover_text(hint).clicked() {
                send(limits::Command::Look);
            }
            if cache_gb.is_some_and(|gb| cache_bytes > bytes_from_gb(gb)) {
                let trim = egui::Button::new("Trim");
                let hint = "Throw away what was unused for longest, until it keeps to its budget";
                let trim = ui.add_enabled(!ctx.state.limits.is_trimming(), trim);
                if trim.on_hover_text(hint).clicked() {
                    send(limits::Command::Trim);
                }
            }
            ui.add_space(theme::GROUP_GAP);
            let label = ui.label("Loader's memory").on_hover_text(LOADER_HINT);
            let usual = format!("{:.2} GB, as usual", USUAL_LOADER_MEMORY as f64 / 1e9);
            let (field, set) = field_ui(ui, &mut self.loader_gb, loader_gb, 0.1, usual);
            field.labelled_by(label.id).on_hover_text(LOADER_HINT);
            if let Some(gigabytes) = set {
                send(limits::Command::SetLoader(limit(gigabytes)));
            }
        });
    }
}

/// What was set, 0 being none.
fn limit(gigabytes: f64) -> Option<f64> {
    (gigabytes > 0.0).then_some(gigabytes)
}

/// A field for gigabytes, of which 0 means none; what was set, once it is let go.
fn field_ui(
    ui: &mut Ui,
    edited: &mut Option<f64>,
    holds: Option<f64>,
    speed: f64,
    none: String,
) -> (Response, Option<f64>) {
    let mut gigabytes = edited.unwrap_or_else(|| holds.unwrap_or(0.0));
    let field = ui.add(
        DragValue::new(&mut gigabytes)
            .range(0.0..=1e6)
            .speed(0.1 * speed)
            .max_decimals(3)
            .update_while_editing(false)
            .custom_formatter(move |gb, _| {
                if gb > 0.0 {
                    let text = format!("{gb:.3}");
                    format!("{} GB", text.trim_end_matches('0').trim_end_matches('.'))
                } else {
                    none.clone()
                }
            })
            .custom_parser(|text| match text.trim() {
                "none" | "no limit" => Some(0.0),
                text if text.ends_with("usual") => Some(0.0),
                text => text.trim_end_matches("GB").trim().parse().ok(),
            }),
    );
    if field.changed() {
        *edited = Some(gigabytes);
    }
    if field.dragged() {
        return (field, None);
    }
    let set = edited.take();
    (field, set.filter(|set| *set != holds.unwrap_or(0.0)))
}
