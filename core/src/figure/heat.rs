//! A heat map as a picture of pixels.

use super::{ColourMap, HeatMap};
use image::{ImageEncoder, codecs::png::PngEncoder};

/// No heat map is finer than this on paper; what is finer is averaged.
const MAX_COLUMNS: usize = 2400;
const MAX_ROWS: usize = 1200;

/// Pixels, row by row from the top, three bytes each.
#[derive(Clone, Debug)]
pub(super) struct Pixels {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) rgb: Vec<u8>,
}

impl HeatMap {
    pub(super) fn n_rows(&self) -> usize {
        self.values.len().checked_div(self.n_columns).unwrap_or(0)
    }

    /// The numbers at both ends of the colours.
    pub(super) fn shown_range(&self) -> [f32; 2] {
        if let Some(range) = self.range {
            return range;
        }
        let finite = self
            .values
            .iter()
            .copied()
            .filter(|value| value.is_finite());
        let (low, high) = finite.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        if low > high {
            [0.0, 1.0]
        } else if self.map == ColourMap::Diverging {
            let most = low.abs().max(high.abs());
            [-most, most]
        } else {
            [low, high]
        }
    }

    /// The same with at most so many columns and rows: the mean of the cells that become one.
    pub(super) fn averaged(&self, most: [usize; 2]) -> Self {
        let (n_columns, n_rows) = (self.n_columns, self.n_rows());
        let (width, height) = (n_columns.min(most[0]), n_rows.min(most[1]));
        let mut values = Vec::with_capacity(width * height);
        for y in 0..height {
            let rows = y * n_rows / height..(y + 1) * n_rows / height;
            for x in 0..width {
                let columns = x * n_columns / width..(x + 1) * n_columns / width;
                let cells = rows
                    .clone()
                    .flat_map(|row| columns.clone().map(move |column| row * n_columns + column));
                let (sum, n) =
                    cells.fold((0.0, 0.0), |(sum, n), at| (sum + self.values[at], n + 1.0));
                values.push(sum / n);
            }
        }
        Self {
            n_columns: width,
            values,
            range: Some(self.shown_range()),
            label: self.label.clone(),
            ..*self
        }
    }

    pub(super) fn pixels(&self) -> Pixels {
        let map = self.averaged([MAX_COLUMNS, MAX_ROWS]);
        let [low, high] = map.shown_range();
        let span = if high > low { high - low } else { 1.0 };
        let rows = map.values.chunks(map.n_columns.max(1)).rev();
        let rgb = rows
            .flatten()
            .flat_map(|value| map.map.at((value - low) / span).0);
        Pixels {
            rgb: rgb.collect(),
            width: map.n_columns,
            height: map.n_rows(),
        }
    }
}

impl Pixels {
    /// As a PNG in a `data:` address, to stand inside an SVG.
    pub(super) fn to_data_url(&self) -> String {
        let mut png = Vec::new();
        let written = PngEncoder::new(&mut png).write_image(
            &self.rgb,
            self.width as u32,
            self.height as u32,
            image::ExtendedColorType::Rgb8,
        );
        // Into memory and of the right size: it can only fail for an empty picture, which has nothing to show.
        if written.is_err() {
            png.clear();
        }
        format!("data:image/png;base64,{}", base64(&png))
    }
}

/// Bytes as text, as RFC 4648 has it.
pub(crate) fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let byte = |i: usize| u32::from(three.get(i).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for i in 0..4 {
            text.push(if i <= three.len() {
                char::from(ALPHABET[(bits >> (18 - 6 * i) & 63) as usize])
            } else {
                '='
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_gives_the_published_answers() {
        // RFC 4648, section 10.
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn the_first_row_lies_at_the_lower_edge() {
        let map = HeatMap {
            x: [0.0, 1.0],
            y: [0.0, 1.0],
            n_columns: 2,
            values: vec![0.0, 0.0, 1.0, f32::NAN],
            range: None,
            map: ColourMap::Paper,
            label: String::new(),
        };
        let pixels = map.pixels();
        assert_eq!(pixels.rgb[..6], [0x08, 0x30, 0x6B, 0xBB, 0xBB, 0xBB]);
        assert_eq!(pixels.rgb[6..], [255; 6]);
    }

    #[test]
    fn a_huge_heat_map_is_averaged() {
        let map = HeatMap {
            x: [0.0, 1.0],
            y: [0.0, 1.0],
            n_columns: 10_000,
            values: (0..10_000).map(|i| (i % 2) as f32).collect(),
            range: None,
            map: ColourMap::Diverging,
            label: String::new(),
        };
        let pixels = map.pixels();
        assert_eq!((pixels.width, pixels.height), (MAX_COLUMNS, 1));
    }
}
