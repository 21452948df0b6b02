//! Colour maps of pictures: spectrograms, attention, and what speaks for or against a tag.

use egui::Color32;

/// How numbers become colours in a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum ColourMap {
    /// Loudness: black over purple to pale yellow. For log-mel pictures.
    Magma,
    /// Amounts from nothing upwards: dark blue to yellow. For attention.
    Viridis,
    /// Both signs: blue against, red for, the middle nearly the ground. For contributions.
    Diverging,
    /// Both signs beside a log-mel: blue softer, red louder, the middle black as its silence.
    Change,
    /// Loudness in grey.
    Grey,
}

impl ColourMap {
    /// The 256 colours, from lowest to highest. Cheap enough to be made once per picture, not per pixel.
    pub fn table(self) -> [Color32; 256] {
        std::array::from_fn(|i| map_colour(self, i as f32 / 255.0))
    }
}

/// The colour of `value`, which is cut to 0..=1 (0.5 is the middle of [`ColourMap::Diverging`]).
pub fn map_colour(map: ColourMap, value: f32) -> Color32 {
    let value = if value.is_nan() {
        0.0
    } else {
        value.clamp(0.0, 1.0)
    };
    let colour = match map {
        ColourMap::Magma => colorous::MAGMA.eval_continuous(f64::from(value)),
        ColourMap::Viridis => colorous::VIRIDIS.eval_continuous(f64::from(value)),
        ColourMap::Diverging => colorous::RED_BLUE.eval_continuous(1.0 - f64::from(value)),
        ColourMap::Change => {
            let change = 2.0 * value - 1.0;
            let full: [f32; 3] = if change < 0.0 {
                [70.0, 150.0, 255.0]
            } else {
                [255.0, 95.0, 60.0]
            };
            let [r, g, b] = full.map(|part| (part * change.abs()).round() as u8);
            colorous::Color { r, g, b }
        }
        ColourMap::Grey => colorous::Color {
            r: (value * 255.0) as u8,
            g: (value * 255.0) as u8,
            b: (value * 255.0) as u8,
        },
    };
    Color32::from_rgb(colour.r, colour.g, colour.b)
}
