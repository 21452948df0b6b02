//! Which model stands beside the one in use: Compare's second one, chosen here as well.

use crate::theme;
use crate::workbench::parts::compare::{self, Side, Source};
use crate::workbench::{Command as Any, Ctx};
use egui::{ComboBox, RichText, Role, Ui, WidgetInfo};

/// Draws the chooser.
pub(super) fn beside_ui(ctx: &Ctx<'_>, ui: &mut Ui) {
    let compare = &ctx.state.compare;
    let other = ctx.state.audition.other_model();
    let words = match other {
        Some(other) => format!("beside {}", other.name),
        None => "no other model".to_owned(),
    };
    let combo = ComboBox::from_id_salt("audition beside")
        .selected_text(words)
        .width(170.0)
        .height(320.0)
        .truncate()
        .show_ui(ui, |ui| {
            let choose =
                |source| ctx.send(Any::Compare(compare::Command::Choose(Side::Second, source)));
            // The model in use beside itself is no other model.
            if ui
                .selectable_label(other.is_none(), "no other model")
                .clicked()
            {
                choose(Source::InUse);
            }
            for (source, name) in compare.sources(ctx.state) {
                if source == Source::InUse {
                    continue;
                }
                let is_chosen = other.is_some() && compare.source(Side::Second) == Some(&source);
                let label = ui.selectable_label(is_chosen, name);
                if label.on_hover_text(source.hint()).clicked() {
                    choose(source);
                }
            }
        })
        .response;
    combo.widget_info(|| WidgetInfo::labeled(Role::ComboBox, true, "Model beside the one in use"));
    combo.on_hover_text("Another model beside the one in use; it is the second model of Compare");
    if compare.is_loading(Side::Second) {
        ui.spinner();
    }
    if let Some(error) = compare.model_error(Side::Second) {
        let palette = theme::palette(ui.visuals());
        ui.label(RichText::new("cannot be opened").color(palette.error))
            .on_hover_text(error);
    }
}
