//! The part of the form about what a run leaves behind for those who want to see how its network learnt.

use super::fields;
use crate::widgets::bytes_text;
use crate::workbench::Ctx;
use attune_core::train::{DataChoice, ModelChoice, TrainConfig, ValidateEvery};
use egui::{Checkbox, Ui};

/// Bytes of a trained number in a file of weights.
const BYTES: u64 = 4;

/// A line per choice.
pub(super) fn watching_ui(ctx: &Ctx<'_>, ui: &mut Ui, config: &mut TrainConfig) {
    let text = "Keep the weights of every validation";
    ui.checkbox(&mut config.snapshots, text)
        .on_hover_ui(|ui| drop(ui.label(snapshots_hint(ctx, config))));
    // The demo set has timelines. What is ticked can be unticked, whatever the data.
    let may_have_timelines = match &config.data {
        DataChoice::Demo => true,
        DataChoice::Folder(folder) => ctx.state.training.has_timelines(folder) != Some(false),
    };
    let is_enabled = config.localisation || may_have_timelines;
    let hint = "At each validation, hold the usual explanation of up to 20 validation tracks against their timelines: a curve beside ROC-AUC \
                shows how well the network finds when a tag sounds. A validation takes longer: by about half for a network with a class token, \
                several times as long for others.";
    let text = "Measure localisation";
    ui.add_enabled(is_enabled, Checkbox::new(&mut config.localisation, text))
        .on_hover_text(hint)
        .on_disabled_hover_text(
            "No validation track of this data set tells when its tags sound (timelines.csv)",
        );
    ui.checkbox(&mut config.tensorboard, "Write TensorBoard's event file")
        .on_hover_text(
            "Beside the run's own files, in its folder tensorboard: every step, every validation, the scores of each tag and of the test split. \
             See them with: tensorboard --logdir FOLDER",
        );
}

fn snapshots_hint(ctx: &Ctx<'_>, config: &TrainConfig) -> String {
    let mut hint = "To see afterwards how the network came to hear what it hears: each validation leaves its weights in the run's folder, \
                    and each of these files opens like any model."
        .to_owned();
    let estimate = ctx.state.training.estimate(config).and_then(Result::ok);
    let n_parameters = match &config.model {
        _ if estimate.is_some() => estimate.map(|estimate| estimate.parameters),
        ModelChoice::Preset(name) => fields::n_parameters(name),
        ModelChoice::Config(_) => None,
    };
    if let Some(n) = n_parameters {
        hint += &format!("\n\nAbout {} each for this network", bytes_text(n * BYTES));
        if let ValidateEvery::Epochs(every) = config.validate {
            let n_files = u64::from(config.epochs.div_ceil(every.max(1)));
            let all = bytes_text(n_files * n * BYTES);
            hint += &format!(", at most {all} for {n_files} validations");
        }
        hint.push('.');
    }
    hint
}
