//! egui's style, made from a [`Palette`].

use super::palette::{Palette, palette_of};
use super::{CORNER, GAP, fonts};
use egui::{
    Context, CornerRadius, FontFamily, FontId, Margin, Shadow, Stroke, Style, TextStyle, Theme,
    Visuals, vec2,
};

/// Gives `ctx` the fonts and both looks. Call once.
pub fn apply(ctx: &Context) {
    ctx.set_fonts(fonts::definitions());
    for theme in [Theme::Dark, Theme::Light] {
        ctx.set_style_of(theme, style(theme));
    }
}

/// Chooses the look.
pub fn set_theme(ctx: &Context, theme: Theme) {
    ctx.set_theme(theme);
}

fn style(theme: Theme) -> Style {
    let p = palette_of(theme);
    let mut style = Style {
        visuals: visuals(theme, p),
        animation_time: 0.08,
        ..Style::default()
    };
    let regular = |size| FontId::new(size, FontFamily::Proportional);
    let strong = |size| FontId::new(size, fonts::strong());
    style.text_styles = [
        (TextStyle::Small, regular(10.5)),
        (TextStyle::Body, regular(12.5)),
        (TextStyle::Button, regular(12.5)),
        (TextStyle::Heading, strong(16.0)),
        (TextStyle::Monospace, FontId::monospace(12.0)),
        (super::section(), strong(12.5)),
        (super::figures(), regular(12.0)),
        (super::display(), strong(22.0)),
    ]
    .into();
    let spacing = &mut style.spacing;
    spacing.item_spacing = vec2(GAP, GAP);
    spacing.button_padding = vec2(8.0, 3.0);
    spacing.interact_size = vec2(32.0, 22.0);
    spacing.menu_margin = Margin::same(6);
    // A menu as long as the list of the doctor's checks opens whole.
    spacing.default_area_size.y = 640.0;
    spacing.window_margin = Margin::same(12);
    spacing.combo_width = 120.0;
    spacing.slider_width = 120.0;
    spacing.text_edit_width = 200.0;
    spacing.tooltip_width = 360.0;
    spacing.icon_width = 15.0;
    spacing.icon_width_inner = 9.0;
    spacing.indent = 14.0;
    spacing.scroll = egui::style::ScrollStyle::thin();
    style.interaction.tooltip_delay = 0.35;
    style
}

fn visuals(theme: Theme, p: &Palette) -> Visuals {
    let mut v = match theme {
        Theme::Dark => Visuals::dark(),
        Theme::Light => Visuals::light(),
    };
    let corner = CornerRadius::same(CORNER);
    v.panel_fill = p.panel;
    v.window_fill = p.raised;
    v.window_stroke = Stroke::new(1.0, p.line);
    v.window_corner_radius = CornerRadius::same(8);
    v.menu_corner_radius = CornerRadius::same(6);
    v.extreme_bg_color = p.sunken;
    v.faint_bg_color = p.raised;
    v.code_bg_color = p.raised;
    v.hyperlink_color = p.accent;
    v.warn_fg_color = p.warning;
    v.error_fg_color = p.error;
    v.weak_text_color = Some(p.weak);
    v.selection.bg_fill = p.chosen;
    v.selection.stroke = Stroke::new(1.0, p.strong);
    v.window_highlight_topmost = false;
    v.slider_trailing_fill = true;
    v.indent_has_left_vline = false;
    v.popup_shadow = Shadow {
        offset: [0, 4],
        blur: 14,
        spread: 0,
        color: egui::Color32::from_black_alpha(if v.dark_mode { 110 } else { 40 }),
    };
    v.window_shadow = Shadow {
        offset: [0, 8],
        blur: 28,
        ..v.popup_shadow
    };
    let w = &mut v.widgets;
    for state in [
        &mut w.noninteractive,
        &mut w.inactive,
        &mut w.hovered,
        &mut w.active,
        &mut w.open,
    ] {
        state.corner_radius = corner;
        state.expansion = 0.0;
    }
    let mix = |amount: f32| p.raised.lerp_to_gamma(p.text, amount);
    w.noninteractive.weak_bg_fill = p.panel;
    w.noninteractive.bg_fill = p.panel;
    w.noninteractive.bg_stroke = Stroke::new(1.0, p.line);
    w.noninteractive.fg_stroke = Stroke::new(1.0, p.text);
    w.inactive.weak_bg_fill = mix(0.06);
    w.inactive.bg_fill = mix(0.14);
    w.inactive.bg_stroke = Stroke::NONE;
    w.inactive.fg_stroke = Stroke::new(1.0, p.text);
    w.hovered.weak_bg_fill = mix(0.14);
    w.hovered.bg_fill = mix(0.16);
    w.hovered.bg_stroke = Stroke::new(1.0, mix(0.3));
    w.hovered.fg_stroke = Stroke::new(1.2, p.strong);
    w.active.weak_bg_fill = mix(0.2);
    w.active.bg_fill = p.accent;
    w.active.bg_stroke = Stroke::new(1.0, p.accent);
    w.active.fg_stroke = Stroke::new(1.4, p.strong);
    w.open.weak_bg_fill = mix(0.1);
    w.open.bg_fill = mix(0.1);
    w.open.bg_stroke = Stroke::new(1.0, p.line);
    w.open.fg_stroke = Stroke::new(1.0, p.strong);
    v
}
