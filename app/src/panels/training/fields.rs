//! The fields of the Training panel's form.

use crate::widgets::number_text;
use attune_core::augment::{self, Entry, Origin};
use attune_core::models::{presets, registry};
use attune_core::nn::OptimizerConfig;
use attune_core::train::{Augmentation, ModelChoice, TrainConfig, ValidateEvery};
use egui::{ComboBox, DragValue, Response, Ui, WidgetInfo};
use std::sync::OnceLock;

/// A network to choose.
struct Network {
    name: String,
    /// A line that says what it is.
    text: String,
    /// Trained numbers, for as many tags as in the paper.
    n_parameters: u64,
}

/// The networks. Made once.
fn networks() -> &'static [Network] {
    static NETWORKS: OnceLock<Vec<Network>> = OnceLock::new();
    NETWORKS.get_or_init(|| presets::names().into_iter().filter_map(described).collect())
}

/// Trained numbers of a preset, for as many tags as in the paper; `None` for another name.
pub(super) fn n_parameters(preset: &str) -> Option<u64> {
    let mut networks = networks().iter();
    let network = networks.find(|network| network.name == preset)?;
    Some(network.n_parameters)
}

fn described(name: String) -> Option<Network> {
    let preset = presets::preset(&name).ok()?;
    let n_parameters = preset.config.n_parameters().ok()? as u64;
    let millions = n_parameters as f64 / 1e6;
    let card = registry().iter().find(|card| card.preset == name);
    let about = match (card, name.as_str()) {
        (Some(card), _) => format!("{}, {}", card.title, card.citation),
        (None, "tiny") => "learns on two CPU cores in minutes".to_owned(),
        (None, "tiny-student") => "a student for tiny".to_owned(),
        (None, "tiny-resnet") => "a ResNet for two CPU cores".to_owned(),
        (None, "musicnn-msd") => "Musicnn as trained on the MSD".to_owned(),
        (None, name) if name.ends_with('s') => "input length of Figure 2".to_owned(),
        (None, _) => "variant of Table 5".to_owned(),
    };
    let text = format!(
        "{name}: {millions:.2} M parameters, {:.2} s, {about}",
        preset.input_secs
    );
    Some(Network {
        name,
        text,
        n_parameters,
    })
}

/// A labelled row of the form.
pub(super) fn row_ui(
    ui: &mut Ui,
    label: &str,
    hint: &str,
    field_ui: impl FnOnce(&mut Ui) -> Response,
) {
    let label = ui.label(label).on_hover_text(hint);
    field_ui(ui).labelled_by(label.id).on_hover_text(hint);
    ui.end_row();
}

/// A field for a learning rate, of any size.
pub(super) fn learning_rate_ui(ui: &mut Ui, rate: &mut f64) -> Response {
    let speed = *rate * 0.01;
    ui.add(
        DragValue::new(rate)
            .range(1e-8..=1.0)
            .speed(speed)
            .custom_formatter(|rate, _| number_text(rate))
            .custom_parser(|text| text.trim().parse().ok()),
    )
}

/// A choice of optimizers; a new one has its usual settings.
pub(super) fn optimizer_ui(ui: &mut Ui, optimizer: &mut OptimizerConfig) -> Response {
    ComboBox::from_id_salt("optimizer")
        .selected_text(optimizer.label())
        .width(ui.available_width().clamp(60.0, 150.0))
        .show_ui(ui, |ui| {
            for usual in OptimizerConfig::usual() {
                let chosen = usual.name() == optimizer.name();
                if ui.selectable_label(chosen, usual.label()).clicked() && !chosen {
                    *optimizer = usual;
                }
            }
        })
        .response
}

/// A field for a weight decay, of any size.
pub(super) fn weight_decay_ui(ui: &mut Ui, decay: &mut f64) -> Response {
    let speed = (*decay * 0.01).max(1e-6);
    ui.add(
        DragValue::new(decay)
            .range(0.0..=1.0)
            .speed(speed)
            .custom_formatter(|decay, _| {
                if decay == 0.0 {
                    "none".to_owned()
                } else {
                    number_text(decay)
                }
            })
            .custom_parser(|text| match text.trim() {
                "none" => Some(0.0),
                number => number.parse().ok(),
            }),
    )
}

/// A choice of model presets; each brings a recipe of its size.
pub(super) fn model_ui(ui: &mut Ui, config: &mut TrainConfig) -> Response {
    let label = config.model.label();
    ComboBox::from_id_salt("model")
        .selected_text(&label)
        .width(ui.available_width().clamp(60.0, 150.0))
        .height(460.0)
        .show_ui(ui, |ui| {
            for Network { name, text, .. } in networks() {
                if ui.selectable_label(label == *name, text).clicked() {
                    let recipe = TrainConfig::for_preset(name);
                    *config = TrainConfig {
                        model: ModelChoice::Preset(name.clone()),
                        input_secs: recipe.input_secs,
                        batch_size: recipe.batch_size,
                        learning_rate: recipe.learning_rate,
                        ..config.clone()
                    };
                }
            }
        })
        .response
}

/// A choice of augmentation chains: the shipped ones, and the workspace's own, which `look` asks for anew when the list is opened.
pub(super) fn augmentation_ui(
    ui: &mut Ui,
    augmentation: &mut Augmentation,
    chains: &[Entry],
    look: impl FnOnce(),
) -> Response {
    let label = augmentation.label().to_owned();
    let combo = ComboBox::from_id_salt("augmentation")
        .selected_text(&label)
        .width(ui.available_width().clamp(60.0, 150.0))
        .show_ui(ui, |ui| {
            let shipped = augment::PRESETS.map(|(name, _)| name);
            let own = chains.iter().filter(|entry| entry.origin == Origin::Own);
            let own: Vec<&Entry> = own.collect();
            for name in shipped {
                if ui.selectable_label(label == name, name).clicked() {
                    *augmentation = Augmentation::Preset(name.to_owned());
                }
            }
            for Entry {
                name,
                about,
                problem,
                ..
            } in own
            {
                let choice = egui::Button::selectable(label == *name, name);
                let choice = ui.add_enabled(problem.is_none(), choice);
                let choice = match problem {
                    Some(problem) => choice.on_disabled_hover_text(problem),
                    None if about.is_empty() => choice.on_hover_text("A chain of your own"),
                    None => choice.on_hover_text(about),
                };
                if choice.clicked() {
                    *augmentation = Augmentation::Preset(name.clone());
                }
            }
        });
    if combo.response.clicked() {
        look();
    }
    combo.response
}

/// How often to validate: a number and its unit.
pub(super) fn validate_ui(ui: &mut Ui, every: &mut ValidateEvery) -> Response {
    ui.horizontal(|ui| {
        let unit = match every {
            ValidateEvery::Epochs(_) => "epochs",
            ValidateEvery::Steps(_) => "steps",
            ValidateEvery::Minutes(_) => "minutes",
        };
        let value = match every {
            ValidateEvery::Epochs(n) => ui.add(DragValue::new(n).range(1..=1000).prefix("every ")),
            ValidateEvery::Steps(n) => {
                ui.add(DragValue::new(n).range(1..=1_000_000).prefix("every "))
            }
            ValidateEvery::Minutes(n) => ui.add(
                DragValue::new(n)
                    .range(0.1..=1000.0)
                    .speed(0.1)
                    .prefix("every "),
            ),
        };
        let combo = ComboBox::from_id_salt("validate unit")
            .selected_text(unit)
            .width(78.0)
            .show_ui(ui, |ui| {
                for choice in [
                    ValidateEvery::Epochs(1),
                    ValidateEvery::Steps(200),
                    ValidateEvery::Minutes(2.0),
                ] {
                    let name = match choice {
                        ValidateEvery::Epochs(_) => "epochs",
                        ValidateEvery::Steps(_) => "steps",
                        ValidateEvery::Minutes(_) => "minutes",
                    };
                    if ui.selectable_label(unit == name, name).clicked() && unit != name {
                        *every = choice;
                    }
                }
            })
            .response;
        combo.widget_info(|| {
            WidgetInfo::labeled(
                egui::Role::ComboBox,
                true,
                "Unit of the validation interval",
            )
        });
        value
    })
    .inner
}
