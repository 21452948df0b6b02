//! Where the panels stand: a tree of tabs and splits that the user rearranges by dragging tabs.

use super::ctx::Ctx;
use crate::panels::{Panel, Panels};
use crate::theme;
use egui::{Color32, Margin, Stroke, Ui, Visuals, WidgetText};
use egui_tiles::{
    Behavior, Container, Linear, LinearDir, SimplificationOptions, TabState, Tile, TileId, Tiles,
    Tree, UiResponse,
};

/// The tree of panels.
pub(super) type Layout = Tree<Panel>;

/// Where the panels stand at first: what one sets on the left, what one looks at on the right, lists below.
pub(super) fn default_layout() -> Layout {
    let mut tiles = Tiles::default();
    let mut tabs = |panels: &[Panel]| {
        let panes = panels
            .iter()
            .map(|panel| tiles.insert_pane(*panel))
            .collect();
        tiles.insert_tab_tile(panes)
    };
    let settings = tabs(&[Panel::Training, Panel::Library]);
    let pictures = tabs(&[
        Panel::Curves,
        Panel::Timeline,
        Panel::Audition,
        Panel::Compare,
        Panel::PerTag,
        Panel::Labels,
        Panel::Student,
        Panel::Experiments,
        Panel::Parameters,
        Panel::System,
    ]);
    let lists = tabs(&[Panel::Runs, Panel::Tags, Panel::Log]);
    let right = tiles.insert_container(Container::Linear(Linear::new_binary(
        LinearDir::Vertical,
        [pictures, lists],
        0.72,
    )));
    let root = tiles.insert_container(Container::Linear(Linear::new_binary(
        LinearDir::Horizontal,
        [settings, right],
        0.28,
    )));
    Tree::new(egui::Id::unique("panels"), root, tiles)
}

/// Whether `layout` (read from disk) has every panel exactly once; an older one may not.
pub(super) fn is_complete(layout: &Layout) -> bool {
    Panel::ALL.iter().all(|panel| {
        layout
            .tiles
            .tiles()
            .filter(|tile| matches!(tile, Tile::Pane(pane) if pane == panel))
            .count()
            == 1
    })
}

/// Brings a panel to the front.
pub(super) fn show(layout: &mut Layout, panel: Panel) {
    layout.make_active(|_, tile| matches!(tile, Tile::Pane(pane) if *pane == panel));
}

/// Whether a panel is in front.
pub(super) fn is_shown(layout: &Layout, panel: Panel) -> bool {
    layout
        .active_tiles()
        .iter()
        .any(|tile| layout.tiles.get_pane(tile) == Some(&panel))
}

/// Draws the panels.
pub(super) fn layout_ui(layout: &mut Layout, panels: &mut Panels, ctx: &Ctx<'_>, ui: &mut Ui) {
    layout.ui(&mut Drawing { panels, ctx }, ui);
}

struct Drawing<'a, 'b> {
    panels: &'a mut Panels,
    ctx: &'a Ctx<'b>,
}

impl Behavior<Panel> for Drawing<'_, '_> {
    fn pane_ui(&mut self, ui: &mut Ui, _tile: TileId, panel: &mut Panel) -> UiResponse {
        let palette = theme::palette(ui.visuals());
        egui::Frame::new()
            .fill(palette.panel)
            .inner_margin(Margin::same(theme::PANEL_MARGIN as i8))
            .show(ui, |ui| {
                ui.push_id(panel.title(), |ui| {
                    ui.set_min_size(ui.available_size());
                    self.panels.ui(*panel, self.ctx, ui);
                });
            });
        UiResponse::None
    }

    fn tab_title_for_pane(&mut self, panel: &Panel) -> WidgetText {
        panel.title().into()
    }

    fn on_tab_button(
        &mut self,
        tiles: &mut Tiles<Panel>,
        tile: TileId,
        button: egui::Response,
    ) -> egui::Response {
        match tiles.get_pane(&tile) {
            Some(panel) => button.on_hover_text(panel.purpose()),
            None => button,
        }
    }

    fn tab_bar_height(&self, _style: &egui::Style) -> f32 {
        28.0
    }

    fn gap_width(&self, _style: &egui::Style) -> f32 {
        3.0
    }

    fn min_size(&self) -> f32 {
        120.0
    }

    fn tab_title_spacing(&self, _visuals: &Visuals) -> f32 {
        12.0
    }

    fn tab_bar_color(&self, visuals: &Visuals) -> Color32 {
        theme::palette(visuals).backdrop
    }

    fn tab_bg_color(
        &self,
        visuals: &Visuals,
        _tiles: &Tiles<Panel>,
        _tile: TileId,
        state: &TabState,
    ) -> Color32 {
        if state.active {
            theme::palette(visuals).panel
        } else {
            Color32::TRANSPARENT
        }
    }

    fn tab_outline_stroke(
        &self,
        _visuals: &Visuals,
        _tiles: &Tiles<Panel>,
        _tile: TileId,
        _state: &TabState,
    ) -> Stroke {
        Stroke::NONE
    }

    fn tab_bar_hline_stroke(&self, _visuals: &Visuals) -> Stroke {
        Stroke::NONE
    }

    fn tab_text_color(
        &self,
        visuals: &Visuals,
        _tiles: &Tiles<Panel>,
        _tile: TileId,
        state: &TabState,
    ) -> Color32 {
        let palette = theme::palette(visuals);
        if state.active {
            palette.strong
        } else {
            palette.weak
        }
    }

    fn resize_stroke(&self, style: &egui::Style, state: egui_tiles::ResizeState) -> Stroke {
        let palette = theme::palette(&style.visuals);
        match state {
            egui_tiles::ResizeState::Idle => Stroke::NONE,
            egui_tiles::ResizeState::Hovering => Stroke::new(3.0, palette.line),
            egui_tiles::ResizeState::Dragging => Stroke::new(3.0, palette.accent),
        }
    }

    fn simplification_options(&self) -> SimplificationOptions {
        SimplificationOptions {
            all_panes_must_have_tabs: true,
            ..SimplificationOptions::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_layout_has_every_panel_once() {
        assert!(is_complete(&default_layout()));
        assert!(!is_complete(&Tree::new_tabs(
            egui::Id::unique("panels"),
            vec![Panel::Log]
        )));
    }
}
