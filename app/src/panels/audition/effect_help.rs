//! What an effect is: a sentence, and a picture of this clip without it and with it.

use crate::theme;
use crate::workbench::parts::audition::{Command, Heard};
use crate::workbench::{Command as Any, Ctx};
use attune_core::augment::Effect;
use egui::{Response, RichText, TextureHandle, TextureOptions, Ui, vec2};
use std::sync::Arc;

const PICTURE_WIDTH: f32 = 260.0;
const PICTURE_HEIGHT: f32 = 80.0;
/// What effects that mix in another track say where there is none.
pub(super) const NO_COMPANY: &str = "Open a data set (Ctrl+D): its tracks are mixed in.";

/// The two pictures that were shown last.
#[derive(Default)]
pub(super) struct Pictures {
    shown: [Option<(Arc<Heard>, TextureHandle)>; 2],
}

impl Pictures {
    /// Shows the help while the pointer rests on `response`.
    pub(super) fn on_hover(
        &mut self,
        ctx: &Ctx<'_>,
        response: Response,
        effect: Effect,
    ) -> Response {
        response.on_hover_ui(|ui| {
            ui.set_max_width(PICTURE_WIDTH);
            let kind = effect.kind();
            ui.label(kind.about());
            let audition = &ctx.state.audition;
            if kind.needs_company() && audition.others.n_tracks() == 0 {
                ui.label(NO_COMPANY);
                return;
            }
            let (Some(clip), Some(original)) = (audition.clip(), audition.original()) else {
                return;
            };
            self.picture_ui(ui, 0, original, "This clip, log-mel");
            match audition.sample.of(clip, effect) {
                Some(heard) => self.picture_ui(ui, 1, heard, &format!("With {effect}")),
                None => {
                    // Asked for while the help is open, and only then.
                    match audition.sample.error(clip, effect) {
                        Some(error) => drop(ui.label(error)),
                        None if audition.sample.is_busy() => drop(ui.spinner()),
                        None => ctx.send(Any::Audition(Command::Sample(effect))),
                    }
                }
            }
        })
    }

    fn picture_ui(&mut self, ui: &mut Ui, place: usize, heard: &Arc<Heard>, name: &str) {
        let Some(picture) = &heard.picture else {
            return;
        };
        let palette = theme::palette(ui.visuals());
        let shown = &mut self.shown[place];
        if !shown.as_ref().is_some_and(|(of, _)| Arc::ptr_eq(of, heard)) {
            // Uploaded once; the pixels were made in the job.
            let image = Arc::clone(picture);
            let texture = ui
                .ctx()
                .load_texture("effect help", image, TextureOptions::LINEAR);
            *shown = Some((Arc::clone(heard), texture));
        }
        ui.label(RichText::new(name).small().color(palette.weak));
        if let Some((_, texture)) = shown {
            let size = vec2(PICTURE_WIDTH, PICTURE_HEIGHT);
            ui.add(egui::Image::new((texture.id(), size)));
        }
    }
}
