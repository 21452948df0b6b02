//! What stands above the charts: which runs, which charts, what the axis counts, what is put together, how much is smoothed.

use super::chart::Chart;
use super::horizontal::{Horizontal, Whole};
use super::lines::Line;
use super::x_view::XView;
use super::{State, run_hint, run_ui};
use crate::panels::grouping::grouping_menu_ui;
use crate::panels::run_names::{self, Name};
use crate::theme;
use crate::widgets::{number_text, save_plot_button};
use crate::workbench::Ctx;
use crate::workbench::parts::runs::RunView;
use attune_core::run::XAxis;
use egui::containers::menu::{MenuButton, MenuConfig};
use egui::{Align, Button, Layout, PopupCloseBehavior, RichText, Slider, Ui};
use std::sync::Arc;

impl State {
    /// Whether all charts are to be saved.
    pub(super) fn toolbar_ui(
        &mut self,
        ctx: &Ctx<'_>,
        ui: &mut Ui,
        shown: &[Arc<RunView>],
        lines: &[Line],
        whole: &Whole,
    ) -> bool {
        let mut is_saved = false;
        ui.horizontal(|ui| match shown {
            [run] => run_ui(ui, run),
            _ => names_ui(ui, shown, lines),
        });
        // A row of its own: beside the names of runs there is no room for it in a narrow panel.
        ui.horizontal(|ui| {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let stays =
                    || MenuConfig::new().close_behavior(PopupCloseBehavior::CloseOnClickOutside);
                let (menu, _) = MenuButton::new("Charts")
                    .config(stays())
                    .ui(ui, |ui| self.charts_menu_ui(ui));
                menu.on_hover_text("Choose the charts, and logarithmic axes");
                if shown.len() > 1 {
                    let (menu, _) = MenuButton::new("Group")
                        .config(stays())
                        .ui(ui, |ui| grouping_menu_ui(ctx, ui));
                    menu.on_hover_text(format!(
                        "Draw the mean of repetitions, and how far they lie apart\nNow: {}",
                        ctx.state.selection.grouping.label()
                    ));
                }
                self.axis_ui(ui);
                let mut log = self.logarithmic.contains(&Chart::Loss);
                if ui
                    .toggle_value(&mut log, "Log y")
                    .on_hover_text("Logarithmic loss")
                    .clicked()
                {
                    self.set_logarithmic(Chart::Loss, log);
                }
                let all = self.view == XView::All && self.values.is_empty();
                let fit = ui.add_enabled(!all, Button::new("Fit"));
                if fit
                    .on_hover_text(
                        "Show everything, from the first step to the last (G, or double-click)",
                    )
                    .on_disabled_hover_text("Everything is in view")
                    .clicked()
                {
                    self.fit();
                }
                let mut follow = self.view.follows();
                let toggle = ui.toggle_value(&mut follow, "Follow");
                if toggle
                    .on_hover_text("Keep the newest steps in view (F)\nDrag: move. Wheel: zoom. Right-drag: zoom into a box.")
                    .clicked()
                {
                    self.view.toggle_follow(whole);
                }
                is_saved = save_plot_button(ui, "all charts");
                smoothing_ui(ui, &mut self.smoothing);
            });
        });
        is_saved
    }

    fn axis_ui(&mut self, ui: &mut Ui) {
        let before = self.x;
        let label = format!("x: {}", self.x.label());
        let menu = ui.menu_button(label, |ui| {
            for axis in XAxis::ALL {
                let choice = Horizontal { axis, ..self.x };
                ui.radio_value(&mut self.x.axis, axis, axis.label())
                    .on_hover_text(axis_help(choice));
            }
            ui.separator();
            ui.checkbox(&mut self.x.logarithmic, "Logarithmic");
        });
        menu.response
            .on_hover_text("What the horizontal axis counts");
        if self.x != before {
            self.fit();
        }
    }

    fn charts_menu_ui(&mut self, ui: &mut Ui) {
        for chart in Chart::ALL {
            self.chart_choice_ui(ui, chart);
        }
        ui.menu_button("One measure", |ui| {
            for chart in Chart::singles() {
                self.chart_choice_ui(ui, chart);
            }
        })
        .response
        .on_hover_text("Any measure, of all shown runs, in a chart of its own");
        ui.separator();
        let can_be: Vec<Chart> = Chart::ALL
            .into_iter()
            .chain(
                self.charts
                    .iter()
                    .copied()
                    .filter(|chart| chart.place() >= Chart::ALL.len()),
            )
            .filter(|chart| chart.can_be_logarithmic())
            .collect();
        for chart in can_be {
            let mut on = self.logarithmic.contains(&chart);
            if ui
                .checkbox(&mut on, format!("{}: logarithmic", chart.title()))
                .changed()
            {
                self.set_logarithmic(chart, on);
            }
        }
    }

    fn chart_choice_ui(&mut self, ui: &mut Ui, chart: Chart) {
        let mut on = self.charts.contains(&chart);
        let choice = ui.checkbox(&mut on, chart.title());
        if choice.on_hover_text(chart.help()).changed() {
            if on {
                self.charts.push(chart);
                self.charts.sort_by_key(|chart| chart.place());
            } else if self.charts.len() > 1 {
                self.charts.retain(|other| *other != chart);
            }
        }
    }

    fn set_logarithmic(&mut self, chart: Chart, on: bool) {
        self.logarithmic.retain(|other| *other != chart);
        if on {
            self.logarithmic.push(chart);
        }
        self.values.clear();
    }
}

fn axis_help(x: Horizontal) -> &'static str {
    match x.axis {
        XAxis::Step => "Training steps",
        XAxis::Epoch => "How often all training tracks were gone through",
        XAxis::WallTime => {
            "How long was worked on it, validations included, without the time in which nobody trained"
        }
        XAxis::Clips => {
            "How many clips the network has learned from: compares runs with different batches"
        }
    }
}

/// Names of runs or groups in the colours of their curves.
fn names_ui(ui: &mut Ui, shown: &[Arc<RunView>], lines: &[Line]) {
    let palette = theme::palette(ui.visuals());
    let names = lines.iter().enumerate().map(|(idx, line)| {
        let (text, hint) = match &line.members[..] {
            [run] => (line.label.clone(), run_hint(&shown[*run])),
            members => {
                let ids = members.iter().map(|run| shown[*run].id.as_str());
                let ids = ids.collect::<Vec<_>>().join("\n");
                (
                    format!("{} (N={})", line.label, members.len()),
                    format!("The mean of\n{ids}"),
                )
            }
        };
        let color = palette.of_series(idx);
        Name { text, hint, color }
    });
    run_names::row_ui(ui, &names.collect::<Vec<_>>());
}

fn smoothing_ui(ui: &mut Ui, smoothing: &mut f64) {
    // The slider is even in the length of the average: 1, 10, 100, 1000 steps.
    let mut steps = 1.0 / (1.0 - *smoothing);
    let slider = ui.add(
        Slider::new(&mut steps, 1.0..=1000.0)
            .logarithmic(true)
            .show_value(false)
            .trailing_fill(false),
    );
    slider.widget_info(|| egui::WidgetInfo::slider(true, steps, "Smoothing"));
    if slider.changed() {
        *smoothing = (1.0 - 1.0 / steps).clamp(0.0, 0.9999);
    }
    slider.on_hover_text(format!(
        "Smoothing of the training loss: a moving average over about {} steps. The raw range stays visible as a band.",
        number_text(steps.round())
    ));
    let palette = theme::palette(ui.visuals());
    ui.label(RichText::new("Smoothing").small().color(palette.weak));
}
