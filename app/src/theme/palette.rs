//! The roles that colours play, for the dark and the light look.

use egui::{Color32, Visuals};

/// The colours of one look, by role.
#[derive(Clone, Copy, Debug)]
pub struct Palette {
    /// Behind the panels, and the bar of tabs.
    pub backdrop: Color32,
    /// A panel.
    pub panel: Color32,
    /// A card or a field on a panel, barely lighter or darker.
    pub raised: Color32,
    /// Fields to type in, plots, pictures: the deepest ground.
    pub sunken: Color32,
    /// Lines between things.
    pub line: Color32,
    /// Grid of plots.
    pub grid: Color32,
    /// Text.
    pub text: Color32,
    /// Text that matters most: headings, values.
    pub strong: Color32,
    /// Text that explains.
    pub weak: Color32,
    /// What can be acted on, and what is chosen.
    pub accent: Color32,
    /// Text on the accent colour.
    pub on_accent: Color32,
    /// Behind chosen rows and text.
    pub chosen: Color32,
    /// It went well; it runs.
    pub good: Color32,
    /// Take care.
    pub warning: Color32,
    /// It failed.
    pub error: Color32,
    /// Values of the training pass.
    pub training: Color32,
    /// Values of the validation pass.
    pub validation: Color32,
    /// ROC-AUC.
    pub roc_auc: Color32,
    /// Average precision (PR-AUC).
    pub average_precision: Color32,
    /// The waveform.
    pub waveform: Color32,
    /// The play head over any picture.
    pub play_head: Color32,
    /// A stretch of time that was dragged out.
    pub time_selection: Color32,
    /// What is known to be true (timelines of a data set).
    pub truth: Color32,
    /// The recording as it is, where it stands beside the augmented one.
    pub original: Color32,
    /// The augmented recording.
    pub augmented: Color32,
    /// Eight colours that stay apart: runs, tags, heads.
    pub series: [Color32; 8],
}

impl Palette {
    /// The colour of the `idx`th run or tag. Repeats after eight.
    pub fn of_series(&self, idx: usize) -> Color32 {
        self.series[idx % self.series.len()]
    }
}

const fn rgb(hex: u32) -> Color32 {
    Color32::from_rgb((hex >> 16) as u8, (hex >> 8) as u8, hex as u8)
}

const DARK: Palette = Palette {
    backdrop: rgb(0x0d0f12),
    panel: rgb(0x15181c),
    raised: rgb(0x1d2126),
    sunken: rgb(0x101216),
    line: rgb(0x2a2f36),
    grid: rgb(0x3a414a),
    text: rgb(0xb9c0c9),
    strong: rgb(0xeef1f4),
    weak: rgb(0x7e8792),
    accent: rgb(0x4f9cf9),
    on_accent: rgb(0x08131f),
    chosen: rgb(0x1d3a5f),
    good: rgb(0x4cc38a),
    warning: rgb(0xe8a33d),
    error: rgb(0xf2686a),
    training: rgb(0x4f9cf9),
    validation: rgb(0xf0a04b),
    roc_auc: rgb(0x4cc9b0),
    average_precision: rgb(0xc792ea),
    waveform: rgb(0x6f9ed6),
    play_head: rgb(0xffffff),
    time_selection: rgb(0x2f5f98),
    truth: rgb(0x8bc34a),
    original: rgb(0x6f9ed6),
    augmented: rgb(0xf0a04b),
    series: [
        rgb(0x4f9cf9),
        rgb(0xf0a04b),
        rgb(0x4cc9b0),
        rgb(0xe57ba6),
        rgb(0xd6cf5a),
        rgb(0x9d8cf2),
        rgb(0x7fc6ee),
        rgb(0xe0714f),
    ],
};

const LIGHT: Palette = Palette {
    backdrop: rgb(0xdfe3e8),
    panel: rgb(0xf7f8fa),
    raised: rgb(0xedf0f3),
    sunken: rgb(0xffffff),
    line: rgb(0xd0d6dd),
    grid: rgb(0xb4bcc6),
    text: rgb(0x3c444e),
    strong: rgb(0x14181d),
    weak: rgb(0x6b7480),
    accent: rgb(0x1769c4),
    on_accent: rgb(0xffffff),
    chosen: rgb(0xcfe2f8),
    good: rgb(0x1d8a57),
    warning: rgb(0xa9660a),
    error: rgb(0xc4373b),
    training: rgb(0x1769c4),
    validation: rgb(0xc76a10),
    roc_auc: rgb(0x0f8a74),
    average_precision: rgb(0x8646b8),
    waveform: rgb(0x3f73b3),
    play_head: rgb(0x14181d),
    time_selection: rgb(0xa9cbf1),
    truth: rgb(0x4f8a1c),
    original: rgb(0x3f73b3),
    augmented: rgb(0xc76a10),
    series: [
        rgb(0x1769c4),
        rgb(0xc76a10),
        rgb(0x0f8a74),
        rgb(0xb83b77),
        rgb(0x857a00),
        rgb(0x6a4fd0),
        rgb(0x2787b5),
        rgb(0xad3e1c),
    ],
};

/// The palette that belongs to `visuals`.
pub fn palette(visuals: &Visuals) -> &'static Palette {
    if visuals.dark_mode { &DARK } else { &LIGHT }
}

/// The palette of a look.
pub fn palette_of(theme: egui::Theme) -> &'static Palette {
    match theme {
        egui::Theme::Dark => &DARK,
        egui::Theme::Light => &LIGHT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Contrast ratio of WCAG 2.1.
    fn contrast(one: Color32, other: Color32) -> f32 {
        let luminance = |colour: Color32| {
            let [r, g, b, _] = egui::Rgba::from(colour).to_array();
            0.2126 * r + 0.7152 * g + 0.0722 * b
        };
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn all_text_can_be_read_on_every_ground() {
        for theme in [egui::Theme::Dark, egui::Theme::Light] {
            let p = palette_of(theme);
            for ground in [p.panel, p.raised, p.sunken] {
                for (name, ink, least) in [
                    ("text", p.text, 7.0),
                    ("strong", p.strong, 10.0),
                    ("weak", p.weak, 4.0),
                    ("accent", p.accent, 4.4),
                    ("good", p.good, 3.8),
                    ("warning", p.warning, 3.8),
                    ("error", p.error, 4.4),
                ] {
                    let found = contrast(ink, ground);
                    assert!(found >= least, "{theme:?} {name}: {found:.2} < {least}");
                }
            }
            for curve in p.series {
                assert!(contrast(curve, p.sunken) >= 3.0, "{theme:?} {curve:?}");
            }
        }
    }
}
