//! Level meters: peak and loudness of both clips at a moment, and of the whole clip as numbers.

use crate::theme;
use crate::workbench::parts::audition::{Heard, Looked};
use attune_core::audio::{CURVE_STEP_SECS, Loudness};
use egui::{Align2, Rect, Role, Sense, Stroke, Ui, Vec2, WidgetInfo, pos2};

/// What the lower end of a meter stands for, in dB.
const FLOOR_DB: f32 = -60.0;
/// The peak is that of so many seconds around the moment.
const PEAK_SECS: f64 = 0.05;
const TEXT_HEIGHT: f32 = 14.0;

/// Draws two meters for each clip: peak in dBFS and momentary loudness in LUFS.
pub(super) fn meters_ui(ui: &mut Ui, looked: &Looked, at_secs: f64, size: Vec2) {
    let palette = theme::palette(ui.visuals());
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    let colours = [palette.original, palette.augmented];
    let shown: Vec<_> = looked
        .heard
        .iter()
        .map(|heard| (peak_db(heard, at_secs), momentary(&heard.loudness, at_secs)))
        .collect();
    let said: Vec<String> = ["Original", "Augmented"]
        .iter()
        .zip(&looked.heard)
        .zip(&shown)
        .map(|((name, heard), (peak, now))| {
            let loudness = &heard.loudness;
            format!(
                "{name}: peak {} dBFS and {} LUFS at {at_secs:.2} s; the whole clip {} LUFS, true peak {} dBTP",
                number(*peak),
                number(*now),
                number(loudness.integrated),
                number(loudness.true_peak_db),
            )
        })
        .collect();
    let said = said.join("\n");
    response.widget_info(|| WidgetInfo::labeled(Role::Meter, true, &said));
    response.on_hover_text(format!(
        "{said}\nLoudness by ITU-R BS.1770: windows of 400 ms (momentary), and gated over the whole clip (integrated)."
    ));
    let painter = ui.painter_at(rect);
    let font = egui::TextStyle::Small.resolve(ui.style());
    let bars = Rect::from_min_max(
        rect.min + egui::vec2(26.0, TEXT_HEIGHT),
        rect.max - egui::vec2(0.0, 2.0 * TEXT_HEIGHT),
    );
    let y = |db: f32| bars.bottom() - bars.height() * ((db - FLOOR_DB) / -FLOOR_DB).clamp(0.0, 1.0);
    for db in [0.0, -12.0, -24.0, -36.0, -48.0, -60.0] {
        let at = pos2(bars.left() - 4.0, y(db));
        painter.hline(bars.x_range(), y(db), Stroke::new(1.0, palette.grid));
        painter.text(
            at,
            Align2::RIGHT_CENTER,
            format!("{db:.0}"),
            font.clone(),
            palette.weak,
        );
    }
    // Peaks left, loudness right, each original beside augmented.
    let quarter = bars.width() / 4.0;
    for (group, name) in ["peak", "LUFS"].into_iter().enumerate() {
        let left = bars.left() + 2.0 * quarter * group as f32;
        let at = pos2(left + quarter, rect.top());
        painter.text(at, Align2::CENTER_TOP, name, font.clone(), palette.weak);
        for (idx, colour) in colours.into_iter().enumerate() {
            let (peak, now) = shown[idx];
            let db = if group == 0 { peak } else { now };
            let x = left + quarter * (idx as f32 + 0.15)..=left + quarter * (idx as f32 + 0.85);
            painter.rect_filled(
                Rect::from_x_y_ranges(x.clone(), bars.y_range()),
                1.0,
                palette.sunken,
            );
            if let Some(db) = db {
                painter.rect_filled(Rect::from_x_y_ranges(x, y(db)..=bars.bottom()), 1.0, colour);
            }
        }
    }
    for (idx, (heard, colour)) in looked.heard.iter().zip(colours).enumerate() {
        let loudness = &heard.loudness;
        let text = format!(
            "{} LUFS  {} dBTP",
            number(loudness.integrated),
            number(loudness.true_peak_db)
        );
        let at = pos2(rect.right(), rect.bottom() - TEXT_HEIGHT * (1 - idx) as f32);
        painter.text(at, Align2::RIGHT_BOTTOM, text, font.clone(), colour);
    }
}

fn number(db: Option<f32>) -> String {
    db.filter(|db| db.is_finite())
        .map_or("−∞".to_owned(), |db| format!("{db:.1}"))
}

/// The highest sample around a moment; `None` for silence.
fn peak_db(heard: &Heard, at_secs: f64) -> Option<f32> {
    let rate_hz = f64::from(heard.clip.rate_hz);
    let n = heard.clip.n_frames();
    let from = (((at_secs - PEAK_SECS) * rate_hz).max(0.0) as usize).min(n);
    let to = (((at_secs + PEAK_SECS) * rate_hz).max(0.0) as usize).min(n);
    let [low, high] = *heard.overview.min_max(from..to.max(from + 1), 1).first()?;
    let peak = high.max(-low);
    (peak > 0.0).then(|| 20.0 * peak.log10())
}

/// Loudness of the 400 ms that end at a moment.
fn momentary(loudness: &Loudness, at_secs: f64) -> Option<f32> {
    let idx = (at_secs / CURVE_STEP_SECS).max(0.0) as usize;
    let last = loudness.curve.len().checked_sub(1)?;
    Some(loudness.curve[idx.min(last)]).filter(|lufs| lufs.is_finite())
}
