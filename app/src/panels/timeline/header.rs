//! The head of the Timeline panel: what song it is, how far explaining is, and how it is explained.

use super::State;
use super::rows::Order;
use crate::explanation_files::Format;
use crate::theme;
use crate::timeline::{TagRow, readout};
use crate::widgets::save_plot_item;
use crate::workbench::parts::compare::{self, Side, Source};
use crate::workbench::parts::plots::{self, Drawing};
use crate::workbench::parts::song::OpenSong;
use crate::workbench::parts::timeline::{Command, Export, Wish};
use crate::workbench::{Command as Any, Ctx, UiCommand};
use attune_core::interpret::{Explainer as _, Method, SongExplanation};
use egui::{Label, Panel, ProgressBar, RichText, Ui};
use std::sync::Arc;

/// Part of the header that the song's name may take.
const NAME_SHARE: f32 = 0.3;
/// The readout is not shown in less room than this, in points.
const READOUT_WIDTH: f32 = 80.0;

/// In the menu: words, hint, formats.
const EXPORTS: [(&str, &str, &[Format]); 4] = [
    (
        "Picture (PNG, SVG)",
        "The visible stretch with all lanes, at print quality",
        &[Format::Png, Format::Svg],
    ),
    (
        "Values (CSV, JSON)",
        "The values of the shown tags over the whole song: by the chosen method as a table, by all as JSON",
        &[Format::Csv, Format::Json],
    ),
    (
        "Annotations (JAMS)",
        "For programs that read the JSON Annotated Music Specification, by the chosen method",
        &[Format::Jams],
    ),
    (
        "Layers for Sonic Visualiser (SVL)",
        "A layer for each shown tag, by the chosen method",
        &[Format::Svl],
    ),
];

impl State {
    /// Name of the song, buttons, progress, and in what room is left what was under the pointer in the last frame.
    pub(super) fn header_ui(
        &mut self,
        ctx: &Ctx<'_>,
        song: &OpenSong,
        explanation: Option<&SongExplanation>,
        wishes: &[Wish],
        ui: &mut Ui,
    ) {
        let palette = theme::palette(ui.visuals());
        let text = explanation
            .zip(self.view.hover_secs())
            .and_then(|(explanation, secs)| readout(explanation, secs));
        Panel::top("song")
            .show_separator_line(false)
            .show(ui, |ui| {
                ui.horizontal(|ui| {
                    // A long name must not push the buttons out.
                    let room = (NAME_SHARE * ui.available_width()).max(60.0);
                    ui.scope(|ui| {
                        ui.set_max_width(room);
                        let name = RichText::new(&song.heard.name).color(palette.strong);
                        ui.add(Label::new(name).truncate())
                            .on_hover_text(&song.heard.name);
                    });
                    let about = ctx.state.song_position_secs();
                    if ui.button("−").on_hover_text("Zoom out (−)").clicked() {
                        self.view.zoom(1.0 / 1.5, about);
                    }
                    if ui.button("+").on_hover_text("Zoom in (+)").clicked() {
                        self.view.zoom(1.5, about);
                    }
                    if ui
                        .button("Fit")
                        .on_hover_text("Show the whole song (0)")
                        .clicked()
                    {
                        self.view.fit();
                    }
                    if let Some(time) = ctx.state.selection.time
                        && ui
                            .button("Zoom to selection")
                            .on_hover_text("Show the selected stretch")
                            .clicked()
                    {
                        self.view.show_range(&(time.start_secs..time.end_secs));
                    }
                    self.progress_ui(ctx, wishes, ui);
                    if let Some(text) = text
                        && ui.available_width() > READOUT_WIDTH
                    {
                        let text = RichText::new(text).color(palette.strong);
                        ui.add(Label::new(text).truncate());
                    }
                });
            });
    }

    /// How the song is explained: method, order, another model beside, cards.
    pub(super) fn choices_ui(
        &mut self,
        ctx: &Ctx<'_>,
        method: Method,
        rows: &[TagRow],
        wishes: &[Wish],
        ui: &mut Ui,
    ) {
        Panel::top("choices")
            .show_separator_line(false)
            .show(ui, |ui| {
                ui.horizontal_wrapped(|ui| {
                    self.method_ui(ctx, method, ui);
                    self.order_ui(ui);
                    // Before the choice whose length changes with it, so that the slider stays under the pointer.
                    self.snapshots_ui(ctx, ui);
                    self.beside_ui(ctx, ui);
                    ui.toggle_value(&mut self.shows_heads, "Heads")
                        .on_hover_text("The attention of each layer and head around the play head");
                    self.export_ui(ctx, rows, wishes, ui);
                });
            });
    }

    /// What is on screen, for print and for other programs.
    fn export_ui(&self, ctx: &Ctx<'_>, rows: &[TagRow], wishes: &[Wish], ui: &mut Ui) {
        let (Some(song), Some(model)) = (ctx.state.song.current(), ctx.state.model.current())
        else {
            return;
        };
        let explanation = ctx.state.timeline.explanation(song, model);
        let Some(explanation) = explanation.filter(|_| !rows.is_empty()) else {
            return;
        };
        // What is not known yet must not go out as if it were.
        if !ctx.state.timeline.are_whole(wishes) {
            ui.add_enabled(false, egui::Button::new("Export"))
                .on_disabled_hover_text("Not before all that is shown is computed");
            return;
        }
        let export = |formats: &'static [Format]| {
            let whole = 0.0..explanation.duration_secs;
            let visible = self.view.map().map_or(whole, |map| {
                map.start_secs()..map.start_secs() + map.span_secs()
            });
            Export {
                song: Arc::clone(song),
                model: Arc::clone(model),
                explanation: Arc::clone(explanation),
                rows: rows.to_vec(),
                secs: visible,
                formats,
            }
        };
        let menu = ui.menu_button("Export", |ui| {
            if save_plot_item(ui) {
                let shown = export(&[]);
                let name = song.heard.name.clone();
                let ask = plots::Command::Ask(Drawing::new(name, move || shown.figure()));
                ctx.send(Any::Plots(ask));
            }
            for (words, hint, formats) in EXPORTS {
                if ui.button(words).on_hover_text(hint).clicked() {
                    let export = Box::new(export(formats));
                    ctx.send(Any::Timeline(Command::Export(export)));
                    ui.close();
                }
            }
        });
        let folder = ctx.state.workspace.exports();
        menu.response
            .on_hover_text(format!("Write what is shown into {}", folder.display()));
    }

    fn order_ui(&mut self, ui: &mut Ui) {
        let combo = egui::ComboBox::from_id_salt("order")
            .selected_text(self.order.name())
            .show_ui(ui, |ui| {
                for order in Order::ALL {
                    ui.selectable_value(&mut self.order, order, order.name())
                        .on_hover_text(order.hint());
                }
            })
            .response;
        combo.widget_info(|| {
            egui::WidgetInfo::labeled(egui::Role::ComboBox, true, "Order of the tags")
        });
        combo.on_hover_text(format!("Order of the tags. {}", self.order.hint()));
    }

    /// Another model beside the one in use: the second one of Compare.
    fn beside_ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) {
        let compare = &ctx.state.compare;
        let chosen = compare.source(Side::Second).filter(|_| self.is_beside);
        let chosen = chosen.map(|source| source.name(&ctx.state.model));
        let words = chosen.map_or("no other model".to_owned(), |name| format!("beside {name}"));
        let combo = egui::ComboBox::from_id_salt("beside")
            .selected_text(words)
            .width(150.0)
            .height(400.0)
            .truncate()
            .show_ui(ui, |ui| {
                if ui
                    .selectable_label(!self.is_beside, "no other model")
                    .clicked()
                {
                    self.is_beside = false;
                }
                for (source, name) in compare.sources(ctx.state) {
                    let is_chosen = self.is_beside && compare.source(Side::Second) == Some(&source);
                    let label = ui.selectable_label(is_chosen, name);
                    if label.on_hover_text(source.hint()).clicked() {
                        self.is_beside = true;
                        ctx.send(Any::Compare(compare::Command::Choose(Side::Second, source)));
                    }
                }
            })
            .response;
        combo.widget_info(|| {
            egui::WidgetInfo::labeled(egui::Role::ComboBox, true, "Model beside the one in use")
        });
        combo.on_hover_text(
            "Another model's lanes below those of the model in use, and the difference; it is the second model of Compare",
        );
        if let Some(error) = compare.model_error(Side::Second).filter(|_| self.is_beside) {
            let palette = theme::palette(ui.visuals());
            ui.label(RichText::new(error).color(palette.error));
        }
    }

    /// The epochs of the chosen run, if it kept its weights: the one at the slider stands beside the model in use.
    fn snapshots_ui(&mut self, ctx: &Ctx<'_>, ui: &mut Ui) {
        let Some(run) = &ctx.state.selection.run else {
            return;
        };
        let snapshots = ctx.state.timeline.snapshots(run);
        let Some(last) = snapshots.len().checked_sub(1) else {
            return;
        };
        let chosen = match ctx.state.compare.source(Side::Second) {
            Some(Source::File(file)) if self.is_beside => {
                snapshots.iter().position(|one| one.path == *file)
            }
            _ => None,
        };
        let mut at = chosen.unwrap_or(last);
        let slider = egui::Slider::new(&mut at, 0..=last)
            .show_value(false)
            .trailing_fill(true);
        let slider = ui.add(slider).accessible_name("Epoch beside");
        // With nothing beside it stands at the last one, which a click chooses.
        if slider.changed() || (chosen.is_none() && slider.drag_stopped()) {
            self.is_beside = true;
            let source = Source::File(snapshots[at].path.clone());
            ctx.send(Any::Compare(compare::Command::Choose(Side::Second, source)));
        }
        let score = snapshots[at].roc_auc_macro;
        let score = score.map_or_else(String::new, |score| format!(", ROC-AUC {score:.3}"));
        let words = match chosen {
            Some(at) => match (snapshots[at].epoch, snapshots[last].epoch) {
                (Some(epoch), Some(last)) => {
                    format!("epoch {} of {}{score}", epoch + 1, last + 1)
                }
                _ => format!(
                    "step {} of {}{score}",
                    snapshots[at].step, snapshots[last].step
                ),
            },
            None => format!("{} validations kept", snapshots.len()),
        };
        slider.on_hover_text(format!(
            "Weights that {} kept of each validation: drag to see what it had learned by then, below the model in use",
            run.file_name().unwrap_or_default().to_string_lossy()
        ));
        ui.label(words);
    }

    /// The chosen method, or the usual one where the model has not the chosen one.
    pub(super) fn method(&self, ctx: &Ctx<'_>) -> Method {
        let chosen = Method::of_name(&self.method);
        let Some(model) = ctx.state.model.current() else {
            return chosen.unwrap_or(Method::Contribution);
        };
        let usual = model.usual_methods();
        chosen
            .filter(|chosen| model.methods().contains(chosen))
            .unwrap_or(usual[0])
    }

    /// What the lanes below the probabilities show.
    fn method_ui(&mut self, ctx: &Ctx<'_>, shown: Method, ui: &mut Ui) {
        let model = ctx.state.model.current();
        let methods = model.map_or_else(Vec::new, |model| model.methods());
        let combo = egui::ComboBox::from_id_salt("method")
            .selected_text(shown.name())
            .height(400.0)
            .show_ui(ui, |ui| {
                for method in methods {
                    let label = ui.selectable_label(method == shown, method.name());
                    if label.on_hover_text(method.meaning()).clicked() {
                        method.name().clone_into(&mut self.method);
                    }
                }
            })
            .response;
        combo.widget_info(|| {
            egui::WidgetInfo::labeled(egui::Role::ComboBox, true, "Method of explanation")
        });
        combo.on_hover_text(format!(
            "What the lanes below the probabilities show.\n{}",
            shown.meaning()
        ));
    }

    #[expect(
        clippy::unused_self,
        reason = "drawing functions of a panel are methods"
    )]
    fn progress_ui(&self, ctx: &Ctx<'_>, wishes: &[Wish], ui: &mut Ui) {
        let palette = theme::palette(ui.visuals());
        if ctx.state.model.current().is_none() {
            ui.label(RichText::new("No model in use.").color(palette.weak));
            if ui.button("Open model…").clicked() {
                ctx.send(UiCommand::OpenModel);
            }
        } else if let Some(activity) = ctx.state.timeline.explaining() {
            let bar = ProgressBar::new(activity.fraction().unwrap_or(0.0))
                .desired_width(120.0)
                .text("explaining");
            ui.add(bar);
            if ui
                .button("Stop")
                .on_hover_text("Stop explaining the song")
                .clicked()
            {
                ctx.send(Any::Timeline(Command::Stop));
            }
        } else if let Some(why) = ctx.state.timeline.refused(wishes) {
            let words = if why.is_some() {
                "not explained"
            } else {
                "stopped"
            };
            let label = ui.label(RichText::new(words).color(palette.error));
            if let Some(error) = why {
                label.on_hover_text(error);
            }
            let hint = "Explain what was stopped or has failed";
            if ui.button("Explain").on_hover_text(hint).clicked() {
                ctx.send(Any::Timeline(Command::Explain));
            }
        }
    }
}
