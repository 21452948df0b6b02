//! How far a tag's map can be trusted, beside the lanes: what becomes of the answer while stretches of a window go and come in its order,
//! against random orders, and whether it says what other methods say.

use crate::theme;
use crate::timeline::ruler::clock;
use crate::widgets::save_plot_button;
use crate::workbench::parts::plots::{self, Drawing};
use crate::workbench::parts::timeline::Command;
use crate::workbench::{Command as Any, Ctx};
use attune_core::figure::{Axis, Figure, Layer, Panel};
use attune_core::interpret::{Curve, Method, TagLocalisation, WindowTrust};
use egui::{Grid, ProgressBar, RichText, Ui};
use egui_plot::{FilledArea, Line, Plot, PlotPoints};
use std::sync::Arc;

/// The tag whose map is tested, and what was asked for by itself.
#[derive(Debug)]
pub(super) struct Tested {
    tag: String,
    /// Song (address of its sound), model, method: of each the first test begins by itself, and only once.
    asked: Option<(usize, String, Method)>,
}

impl Tested {
    pub(super) fn of(tag: &str) -> Self {
        Self {
            tag: tag.to_owned(),
            asked: None,
        }
    }

    pub(super) fn tag(&self) -> &str {
        &self.tag
    }
}

/// Draws the card of a tag. `at_secs` is where it is tested if the user asks.
pub(super) fn trust_ui(
    ctx: &Ctx<'_>,
    method: Method,
    tag: usize,
    card: &mut Tested,
    at_secs: f64,
    ui: &mut Ui,
) {
    let palette = theme::palette(ui.visuals());
    let (Some(song), Some(model)) = (ctx.state.song.current(), ctx.state.model.current()) else {
        return;
    };
    let title = format!("How far to trust {}", method.name());
    ui.label(RichText::new(title).text_style(theme::section()));
    ui.label(RichText::new(card.tag()).color(palette.strong));
    let timeline = &ctx.state.timeline;
    let tested = timeline.trust(song, model, method, tag);
    let is_ready = timeline.whole_map(song, model, method, tag).is_some();
    let test = || {
        ctx.send(Any::Timeline(Command::Trust {
            method,
            tag,
            at_secs,
        }));
    };
    let of = (
        song.heard.wave.as_ptr() as usize,
        model.fingerprint.clone(),
        method,
    );
    if let Some(activity) = timeline.testing(method, tag) {
        ui.add(ProgressBar::new(activity.fraction().unwrap_or(0.0)).text("testing"));
    } else if !is_ready {
        ui.label(RichText::new("The map is still being made.").color(palette.weak));
    } else if tested.is_none() && card.asked.as_ref() != Some(&of) {
        card.asked = Some(of);
        test();
    } else {
        let hint = "Silence stretches of the window around the play head in the order of the map, and in twenty random orders";
        let button = ui.button("Test around the play head");
        if button.on_hover_text(hint).clicked() {
            test();
        }
    }
    match tested {
        Some(Ok(tested)) => {
            let trust = &tested.window;
            let window = format!(
                "window {}–{}",
                clock(trust.secs.start, 1),
                clock(trust.secs.end, 1)
            );
            ui.horizontal(|ui| {
                ui.label(RichText::new(&window).color(palette.weak));
                if save_plot_button(ui, "trust in the map") {
                    let tested = Arc::clone(tested);
                    let title = format!("{}, {}, {window}", card.tag(), method.name());
                    let name = format!("{} {} trust", card.tag(), method.name());
                    let draw = move || Ok(figure_of(title, &tested.window));
                    let ask = plots::Command::Ask(Drawing::new(name, draw));
                    ctx.send(Any::Plots(ask));
                }
            });
            egui::ScrollArea::vertical()
                .id_salt("trust")
                .show(ui, |ui| {
                    tested_ui(trust, method, ui);
                    if let Some(found) = &tested.localisation {
                        found_ui(found, ui);
                    }
                });
        }
        Some(Err(error)) => {
            ui.label(RichText::new(error).color(palette.error));
        }
        None => {}
    }
}

fn tested_ui(trust: &WindowTrust, method: Method, ui: &mut Ui) {
    let palette = theme::palette(ui.visuals());
    let (own, random) = (&trust.faithfulness, &trust.random);
    curve_ui(
        ui,
        "deletion",
        "Deletion: its strongest stretches go first; a low curve is good",
        &trust.deletion,
    );
    curve_ui(
        ui,
        "insertion",
        "Insertion: its strongest stretches come first; a high curve is good",
        &trust.insertion,
    );
    let rows: [(&str, f64, f64, bool, &str); 4] = [
        (
            "deletion",
            own.deletion,
            random.deletion,
            false,
            "Area under the deletion curve; low is good",
        ),
        (
            "insertion",
            own.insertion,
            random.insertion,
            true,
            "Area under the insertion curve; high is good",
        ),
        (
            "comprehensiveness",
            own.comprehensiveness,
            random.comprehensiveness,
            true,
            "Probability that is lost without the strongest 10, 20, 30 and 50 % of the window, mean; high is good",
        ),
        (
            "sufficiency",
            own.sufficiency,
            random.sufficiency,
            false,
            "Probability that is lost if only these are there, mean; low is good",
        ),
    ];
    Grid::new("faithfulness")
        .num_columns(3)
        .striped(true)
        .show(ui, |ui| {
            ui.label("");
            ui.label(RichText::new("map").color(palette.weak));
            ui.label(RichText::new("chance").color(palette.weak))
                .on_hover_text("Mean of twenty random orders");
            ui.end_row();
            for (name, own, random, is_high_good, hint) in rows {
                ui.label(name).on_hover_text(hint);
                let is_better = (own > random) == is_high_good;
                let colour = if is_better {
                    palette.strong
                } else {
                    palette.error
                };
                ui.label(RichText::new(format!("{own:.3}")).color(colour));
                ui.label(format!("{random:.3}"));
                ui.end_row();
            }
        });
    ui.add_space(theme::GAP);
    Grid::new("agreement").num_columns(2).striped(true).show(ui, |ui| {
        let correlation = |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:+.2}"));
        for (other, value) in &trust.agreement {
            ui.label(format!("agrees with {}", other.name()))
                .on_hover_text("Rank correlation over the stretches of the window: 1 is the same order");
            ui.label(correlation(*value));
            ui.end_row();
        }
        let fresh = [
            ("with another last layer", trust.fresh_head),
            ("with random weights", trust.fresh_weights),
        ];
        for (words, value) in fresh {
            ui.label(words).on_hover_text(format!(
                "Size of the rank correlation with the {} map of the same model {words}: near 0 if the map depends on what was learned",
                method.name()
            ));
            ui.label(value.map_or("–".to_owned(), |value| format!("{value:.2}")));
            ui.end_row();
        }
    });
}

/// A curve with the band of random orders.
fn curve_ui(ui: &mut Ui, id: &str, title: &str, curve: &Curve) {
    let palette = theme::palette(ui.visuals());
    ui.label(RichText::new(title).color(palette.weak));
    let steps = curve.values.len().saturating_sub(1).max(1) as f64;
    let xs: Vec<f64> = (0..curve.values.len())
        .map(|step| 100.0 * step as f64 / steps)
        .collect();
    let edge = |of: usize| -> Vec<f64> {
        curve
            .random
            .iter()
            .map(|band| f64::from(band[of]))
            .collect()
    };
    let values = curve.values.iter().map(|value| f64::from(*value));
    let points: PlotPoints<'_> = xs.iter().zip(values).map(|(x, y)| [*x, y]).collect();
    Plot::new(id)
        .height(96.0)
        .include_y(0.0)
        .include_y(1.0)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .x_axis_formatter(|mark, _| format!("{:.0} %", mark.value))
        .label_formatter(|_| None)
        .show(ui, |plot| {
            let band = FilledArea::new("random orders", &xs, &edge(0), &edge(1));
            plot.add(band.fill_color(palette.weak.gamma_multiply(0.35)));
            plot.line(Line::new("map", points).color(palette.accent).width(2.0));
        });
}

/// Both curves for paper.
fn figure_of(title: String, trust: &WindowTrust) -> Figure {
    let palette = theme::palette_of(egui::Theme::Light);
    let x = Axis::new("Part of the window that went or came", "%").range(0.0, 100.0);
    let curves = [
        ("Deletion", &trust.deletion),
        ("Insertion", &trust.insertion),
    ];
    let panels = curves.into_iter().enumerate().map(|(at, (name, curve))| {
        let steps = curve.values.len().saturating_sub(1).max(1) as f64;
        let place = |step: usize| 100.0 * step as f64 / steps;
        let random = curve.random.iter().enumerate();
        let random = random.map(|(step, band)| {
            let [low, high] = band.map(f64::from);
            [place(step), low, high]
        });
        let values = curve.values.iter().enumerate();
        let values = values.map(|(step, value)| [place(step), f64::from(*value)]);
        // One legend is enough.
        let label = |words: &str| {
            if at == 0 {
                words.to_owned()
            } else {
                String::new()
            }
        };
        Panel::new(Axis::new("Probability", "").range(0.0, 1.0))
            .title(name)
            .height(110.0)
            .layer(Layer::Band {
                label: label("random orders"),
                colour: theme::on_paper(palette.weak),
                points: random.collect(),
            })
            .line(
                label("order of the map"),
                theme::on_paper(palette.accent),
                values.collect(),
            )
    });
    panels.fold(Figure::new(title, x), Figure::with)
}

/// How well the map finds in the whole song what is known to sound.
fn found_ui(found: &TagLocalisation, ui: &mut Ui) {
    ui.add_space(theme::GAP);
    Grid::new("localisation").num_columns(2).striped(true).show(ui, |ui| {
        let rows = [
            ("localisation ROC-AUC", found.roc_auc, "Over the tokens of the song, against when the tag is known to sound; 0.5 is chance"),
            ("localisation AP", found.average_precision, "Average precision over the tokens of the song"),
            ("AP of chance", found.prevalence, "Share of the song in which the tag is known to sound"),
            ("pointing game", found.pointing, "1 if the highest token lies where the tag is known to sound"),
        ];
        for (words, value, hint) in rows {
            ui.label(words).on_hover_text(hint);
            ui.label(value.map_or("–".to_owned(), |value| format!("{value:.3}")));
            ui.end_row();
        }
    });
}
