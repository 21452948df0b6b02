//! The bar under everything that can be listened to: play, position, variant, loop, volume, device.
//!
//! It speaks to the player at once instead of sending commands: a player's calls are wishes that never wait and change nothing but
//! the player. The symbols are painted, because no font has them all.

use crate::playback::{Output, Player, SPEEDS, State};
use crate::theme;
use egui::{
    Button, ComboBox, Pos2, Rect, Response, RichText, Role, Sense, Shape, Slider, Stroke,
    TextStyle, Ui, WidgetInfo, pos2, vec2,
};
use std::time::Duration;

/// While the play head moves the window is painted this often.
const FRAME: Duration = Duration::from_millis(16);
/// Width of the position slider, at least.
const MIN_SLIDER_WIDTH: f32 = 80.0;

/// With less room than this the bar takes two rows, in points.
const ONE_ROW: f32 = 810.0;

/// Draws the bar for `player`, as wide as there is room. Every control has a name for screen readers and an explanation on hover.
pub fn transport_bar(ui: &mut Ui, player: &Player) {
    let state = player.state();
    if state == State::Playing {
        ui.ctx().request_repaint_after(FRAME);
    }
    let to_the_left = egui::Layout::right_to_left(egui::Align::Center);
    let fits = ui.available_width() >= ONE_ROW;
    ui.horizontal(|ui| {
        play_ui(ui, player, state);
        loop_ui(ui, player, state);
        speed_ui(ui, player);
        if fits {
            variants_ui(ui, player);
        }
        ui.with_layout(to_the_left, |ui| {
            if fits {
                device_ui(ui, player);
                volume_ui(ui, player);
            }
            position_ui(ui, player, state);
        });
    });
    if !fits {
        ui.horizontal(|ui| {
            variants_ui(ui, player);
            ui.with_layout(to_the_left, |ui| {
                device_ui(ui, player);
                volume_ui(ui, player);
            });
        });
    }
}

/// A time as in "3:07.4": minutes, seconds, tenths.
pub fn clock_text(secs: f64) -> String {
    let tenths = (secs.max(0.0) * 10.0).floor() as u64;
    format!("{}:{:02}.{}", tenths / 600, tenths / 10 % 60, tenths % 10)
}

fn play_ui(ui: &mut Ui, player: &Player, state: State) {
    let playing = state == State::Playing;
    let (name, help) = if playing {
        ("Pause", "Pause (Space)")
    } else {
        ("Play", "Play (Space)")
    };
    let button = symbol_button(ui, state != State::Empty, name, |ink, rect| {
        play_symbol(rect.center(), ink, playing)
    });
    if button.on_hover_text(help).clicked() {
        player.toggle();
    }
}

/// The sign on a button that plays: a triangle, or two bars while it pauses.
pub fn play_symbol(centre: Pos2, ink: egui::Color32, pauses: bool) -> Shape {
    if pauses {
        let bar = |x: f32| Rect::from_center_size(pos2(centre.x + x, centre.y), vec2(3.0, 11.0));
        let bars = [-3.0, 3.0].map(|x| Shape::rect_filled(bar(x), 1.0, ink));
        return Shape::Vec(bars.into());
    }
    let corners = vec![
        centre + vec2(-4.0, -6.0),
        centre + vec2(6.0, 0.0),
        centre + vec2(-4.0, 6.0),
    ];
    Shape::convex_polygon(corners, ink, Stroke::NONE)
}

/// A square button with a painted symbol.
fn symbol_button(
    ui: &mut Ui,
    enabled: bool,
    name: &str,
    symbol: impl FnOnce(egui::Color32, Rect) -> Shape,
) -> Response {
    let size = vec2(30.0, ui.spacing().interact_size.y);
    let response = ui.add_enabled(enabled, Button::new("").min_size(size));
    let ink = if enabled {
        ui.style().interact(&response).fg_stroke.color
    } else {
        theme::palette(ui.visuals()).weak
    };
    ui.painter().add(symbol(ink, response.rect));
    response.widget_info(|| WidgetInfo::labeled(Role::Button, enabled, name));
    response
}

fn loop_ui(ui: &mut Ui, player: &Player, state: State) {
    let region = player.loop_region();
    let help = match region {
        Some((start, end)) => format!(
            "Repeats from {} to {}: click to play on (L)",
            clock_text(start),
            clock_text(end)
        ),
        None => "Repeat the whole track; drag over a stretch on the timeline to repeat that (L)"
            .to_owned(),
    };
    let button = ui.add_enabled(
        state != State::Empty,
        Button::selectable(region.is_some(), "Loop").frame_when_inactive(true),
    );
    if button.on_hover_text(help).clicked() {
        player.set_loop(match region {
            Some(_) => None,
            None => Some((0.0, player.duration_secs())),
        });
    }
}

/// Chooses the speed, at the same pitch.
pub fn speed_ui(ui: &mut Ui, player: &Player) {
    let speed = player.speed();
    let text = |speed: f64| format!("× {speed}");
    let combo = ComboBox::from_id_salt("speed")
        .selected_text(text(speed))
        .width(56.0)
        .show_ui(ui, |ui| {
            for choice in SPEEDS {
                if ui.selectable_label(choice == speed, text(choice)).clicked() {
                    player.set_speed(choice);
                }
            }
        });
    combo
        .response
        .widget_info(|| WidgetInfo::labeled(Role::ComboBox, true, "Speed"));
    let response = combo.response.on_hover_text(
        "Speed, at the same pitch: [ slower, ] faster, a right click or \\ as recorded",
    );
    if response.secondary_clicked() {
        player.set_speed(1.0);
    }
}

fn variants_ui(ui: &mut Ui, player: &Player) {
    let Some(track) = player.track() else { return };
    let places = track.places();
    if places.len() < 2 {
        return;
    }
    ui.separator();
    let selected = player.variant();
    for i in places {
        let variant = &track.variants[i];
        let clip = &variant.clip;
        let channels = match clip.channels {
            1 => "mono".to_owned(),
            2 => "stereo".to_owned(),
            n => format!("{n} channels"),
        };
        let help = format!(
            "Hear it {} ({channels}, {} Hz), from the same position",
            variant.name, clip.rate_hz
        );
        let button =
            ui.add(Button::selectable(i == selected, &variant.name).frame_when_inactive(true));
        if button.on_hover_text(help).clicked() {
            player.select_variant(i);
        }
    }
}

fn position_ui(ui: &mut Ui, player: &Player, state: State) {
    let (position, duration) = (player.position_secs(), player.duration_secs());
    let palette = theme::palette(ui.visuals());
    let text = format!("{} / {}", clock_text(position), clock_text(duration));
    // As wide for every digit, so that the slider does not tremble.
    let text = RichText::new(text)
        .text_style(theme::figures())
        .color(palette.text);
    ui.label(text)
        .on_hover_text("Play head / length, in minutes and seconds");
    let width = ui.available_width() - ui.spacing().item_spacing.x;
    if width < MIN_SLIDER_WIDTH {
        return;
    }
    ui.scope(|ui| {
        ui.spacing_mut().slider_width = width;
        let mut wanted = position;
        let slider = Slider::new(&mut wanted, 0.0..=duration.max(1e-3)).show_value(false);
        let slider = ui.add_enabled(state != State::Empty, slider);
        slider.widget_info(|| WidgetInfo::slider(state != State::Empty, position, "Position"));
        if slider
            .on_hover_text("Where the play head is: drag or click to move it")
            .changed()
        {
            player.seek(wanted);
        }
    });
}

fn volume_ui(ui: &mut Ui, player: &Player) {
    let mut percent = f64::from(player.volume()) * 100.0;
    ui.scope(|ui| {
        ui.spacing_mut().slider_width = 70.0;
        let slider = Slider::new(&mut percent, 0.0..=100.0).show_value(false);
        let slider = ui.add(slider);
        slider.widget_info(|| WidgetInfo::slider(true, percent, "Volume"));
        let help = format!("Volume: {percent:.0} %");
        if slider.on_hover_text(help).changed() {
            player.set_volume((percent / 100.0) as f32);
        }
    });
    speaker(ui);
}

fn speaker(ui: &mut Ui) {
    let (rect, _) =
        ui.allocate_exact_size(vec2(12.0, ui.spacing().interact_size.y), Sense::hover());
    let ink = theme::palette(ui.visuals()).weak;
    let c = rect.center();
    let cone = [
        (-5.0, -2.0),
        (-2.0, -2.0),
        (2.0, -5.0),
        (2.0, 5.0),
        (-2.0, 2.0),
        (-5.0, 2.0),
    ];
    let points: Vec<Pos2> = cone.iter().map(|(x, y)| c + vec2(*x, *y)).collect();
    ui.painter()
        .add(Shape::closed_line(points, Stroke::new(1.2, ink)));
    ui.painter().line_segment(
        [c + vec2(4.5, -2.5), c + vec2(4.5, 2.5)],
        Stroke::new(1.2, ink),
    );
}

fn device_ui(ui: &mut Ui, player: &Player) {
    let palette = theme::palette(ui.visuals());
    let (text, help, colour) = match player.output() {
        Output::Opening => (
            "Opening…".to_owned(),
            "The sound device is being opened".to_owned(),
            palette.weak,
        ),
        Output::Device(name) => (
            name.clone(),
            format!("Heard on {name}: click to choose another device"),
            palette.text,
        ),
        Output::Silent(why) => (
            "No sound".to_owned(),
            format!("{why}. The play head runs all the same; click to choose a device"),
            palette.warning,
        ),
    };
    let chosen = player.chosen_device();
    let combo = ComboBox::from_id_salt("sound device")
        .selected_text(
            RichText::new(text)
                .text_style(TextStyle::Body)
                .color(colour),
        )
        .width(120.0)
        .truncate()
        .show_ui(ui, |ui| {
            if ui
                .selectable_label(chosen.is_none(), "System default")
                .on_hover_text("The device that the system plays on")
                .clicked()
            {
                player.choose_device(None);
            }
            for device in player.devices().iter() {
                let is_chosen = chosen.as_deref() == Some(&*device.id);
                let entry = ui.selectable_label(is_chosen, &device.name);
                if entry.on_hover_text(&device.id).clicked() {
                    player.choose_device(Some(&device.id));
                }
            }
            ui.separator();
            if ui
                .button("Look again")
                .on_hover_text("Look for devices that were plugged in since")
                .clicked()
            {
                player.refresh_devices();
            }
        });
    combo
        .response
        .widget_info(|| WidgetInfo::labeled(Role::ComboBox, true, "Sound device"));
    combo.response.on_hover_text(help);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_as_minutes_seconds_and_tenths() {
        for (secs, text) in [
            (0.0, "0:00.0"),
            (59.96, "0:59.9"),
            (187.44, "3:07.4"),
            (-1.0, "0:00.0"),
        ] {
            assert_eq!(clock_text(secs), text);
        }
    }
}
