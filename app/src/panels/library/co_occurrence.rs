//! Which tags occur together: a map of the most frequent ones, and what a cell says.

use crate::theme::{self, ColourMap, map_colour};
use crate::widgets::count_text;
use crate::workbench::parts::library::browser::Counts;
use attune_core::dataset::catalogue::CoOccurrence;
use egui::{Align2, Color32, FontId, Mesh, Pos2, Rect, Sense, Ui, pos2, vec2};

/// Room for the names, in points.
const NAMES: f32 = 118.0;

/// What the colour of a cell says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) enum Measure {
    /// Of the tracks with the tag of the row, how many carry that of the column, too.
    #[default]
    Share,
    /// How many times as often as by chance.
    Lift,
}

/// Draws the map. Returns two tags whose common tracks the user wants to see.
pub(super) fn ui(
    ui: &mut Ui,
    tags: &[&str],
    counts: &Counts,
    measure: &mut Measure,
) -> Option<(usize, usize)> {
    let (together, shown) = (&counts.together, counts.most_frequent.as_slice());
    ui.horizontal(|ui| {
        for (value, label, hint) in [
            (
                Measure::Share,
                "Share",
                "Of the tracks with the tag of the row, the share that carries that of the column, too",
            ),
            (
                Measure::Lift,
                "Lift",
                "How many times as often two tags occur together as by chance: red more often, blue more rarely",
            ),
        ] {
            ui.selectable_value(measure, value, label)
                .on_hover_text(hint);
        }
        let palette = theme::palette(ui.visuals());
        let text = if tags.len() > shown.len() {
            format!("the {} most frequent of {} tags; {} tracks", shown.len(), tags.len(), count_text(together.n_tracks as u64))
        } else {
            format!("{} tracks", count_text(together.n_tracks as u64))
        };
        ui.label(egui::RichText::new(text).small().color(palette.weak));
    });
    egui::ScrollArea::both()
        .id_salt("library co-occurrence")
        .show(ui, |ui| map_ui(ui, tags, together, *measure, shown))
        .inner
}

fn map_ui(
    ui: &mut Ui,
    tags: &[&str],
    together: &CoOccurrence,
    measure: Measure,
    shown: &[usize],
) -> Option<(usize, usize)> {
    let palette = theme::palette(ui.visuals());
    let n = shown.len();
    let room = ui.available_size() - vec2(NAMES, NAMES);
    let cell = (room.min_elem() / n as f32).clamp(12.0, 28.0).floor();
    let size = vec2(NAMES, NAMES) + vec2(cell, cell) * n as f32;
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let response = response.on_hover_cursor(egui::CursorIcon::PointingHand);
    response.widget_info(|| {
        egui::WidgetInfo::labeled(egui::Role::Image, true, "Map of tags that occur together")
    });
    let corner = rect.min + vec2(NAMES, NAMES);
    let mut cells = Mesh::default();
    for (row, &one) in shown.iter().enumerate() {
        for (column, &other) in shown.iter().enumerate() {
            let at = corner + vec2(column as f32, row as f32) * cell;
            let rect = Rect::from_min_size(at, vec2(cell - 1.0, cell - 1.0));
            let colour = if one == other {
                palette.raised
            } else {
                colour_of(together, measure, one, other).unwrap_or(palette.sunken)
            };
            cells.add_colored_rect(rect, colour);
        }
    }
    ui.painter().add(cells);
    let pointed = response
        .hover_pos()
        .and_then(|at| cell_at(at, corner, cell, n));
    let font = FontId::proportional((cell - 3.0).clamp(9.0, 12.0));
    for (place, &tag) in shown.iter().enumerate() {
        let ink = |is_pointed: bool| {
            if is_pointed {
                palette.strong
            } else {
                palette.text
            }
        };
        let middle = (place as f32 + 0.5) * cell;
        let name = shortened(tags[tag]);
        let is_pointed = pointed.is_some_and(|(row, _)| row == place);
        let at = corner + vec2(-6.0, middle);
        ui.painter().text(
            at,
            Align2::RIGHT_CENTER,
            &name,
            font.clone(),
            ink(is_pointed),
        );
        let is_pointed = pointed.is_some_and(|(_, column)| column == place);
        let text = ui
            .painter()
            .layout_no_wrap(name, font.clone(), ink(is_pointed));
        let at = pos2(corner.x + middle - text.size().y / 2.0, corner.y - 6.0);
        let upwards = egui::epaint::TextShape::new(at, text, palette.text)
            .with_angle(-std::f32::consts::FRAC_PI_2);
        ui.painter().add(upwards);
    }
    let (row, column) = pointed?;
    let (one, other) = (shown[row], shown[column]);
    let is_clicked = response.clicked();
    response.on_hover_text_at_pointer(words(tags, together, one, other));
    is_clicked.then_some((one, other))
}

fn cell_at(at: Pos2, corner: Pos2, cell: f32, n: usize) -> Option<(usize, usize)> {
    let place = (at - corner) / cell;
    let is_in = |part: f32| part >= 0.0 && part < n as f32;
    (is_in(place.x) && is_in(place.y)).then_some((place.y as usize, place.x as usize))
}

fn colour_of(
    together: &CoOccurrence,
    measure: Measure,
    one: usize,
    other: usize,
) -> Option<Color32> {
    Some(match measure {
        // Most shares are small: the root spreads them.
        Measure::Share => {
            let share = together.share(one, other)? as f32;
            map_colour(ColourMap::Viridis, share.sqrt())
        }
        // From an eighth to eight times.
        Measure::Lift => {
            let lift = together.lift(one, other)? as f32;
            map_colour(ColourMap::Diverging, 0.5 + lift.max(1e-6).log2() / 6.0)
        }
    })
}

fn words(tags: &[&str], together: &CoOccurrence, one: usize, other: usize) -> String {
    let count = |tracks: u32| count_text(tracks.into());
    if one == other {
        return format!("{}: {} tracks", tags[one], count(together.count(one, one)));
    }
    let share = together
        .share(one, other)
        .map_or_else(|| "–".to_owned(), |share| format!("{:.1} %", 100.0 * share));
    let lift = together.lift(one, other).map_or_else(
        || "–".to_owned(),
        |lift| format!("{lift:.2} times as often as by chance"),
    );
    format!(
        "{} and {}: {} tracks\n{share} of the tracks with {}\n{lift}\nClick to list them",
        tags[one],
        tags[other],
        count(together.count(one, other)),
        tags[one]
    )
}

fn shortened(name: &str) -> String {
    const LONGEST: usize = 18;
    match name.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}
