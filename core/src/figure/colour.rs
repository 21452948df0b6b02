//! Colours of figures on white paper.

/// A colour: red, green, blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour(pub [u8; 3]);

impl Colour {
    /// Text and axes.
    pub const INK: Self = Self([0x22, 0x22, 0x22]);
    /// Marks and secondary text.
    pub const GREY: Self = Self([0x70, 0x70, 0x70]);
    /// Lines of the grid.
    pub const GRID: Self = Self([0xE4, 0xE4, 0xE4]);
    /// Ground truth.
    pub const TRUTH: Self = Self([0x8A, 0x97, 0xA5]);

    /// As `#rrggbb`.
    pub fn hex(self) -> String {
        let [red, green, blue] = self.0;
        format!("#{red:02x}{green:02x}{blue:02x}")
    }
}

/// The `idx`-th colour for lines: Okabe and Ito's, told apart by the colour-blind; repeats after seven.
pub fn palette(idx: usize) -> Colour {
    const COLOURS: [[u8; 3]; 7] = [
        [0x00, 0x72, 0xB2],
        [0xD5, 0x5E, 0x00],
        [0x00, 0x9E, 0x73],
        [0xCC, 0x79, 0xA7],
        [0xE6, 0x9F, 0x00],
        [0x56, 0xB4, 0xE9],
        [0x5B, 0x4B, 0x9A],
    ];
    Colour(COLOURS[idx % COLOURS.len()])
}

/// How a heat map turns numbers into colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColourMap {
    /// From white to dark blue: little ink for little.
    Paper,
    /// Magma: dark for little, bright for much; for spectrograms.
    Magma,
    /// Blue for negative, white for nothing, red for positive.
    Diverging,
}

impl ColourMap {
    /// The colour at `share` of the way, in 0..=1; grey for what is not a number.
    pub fn at(self, share: f32) -> Colour {
        if share.is_nan() {
            return Colour([0xBB; 3]);
        }
        let stops = self.stops();
        let at = share.clamp(0.0, 1.0) * (stops.len() - 1) as f32;
        let below = (at as usize).min(stops.len() - 2);
        let part = at - below as f32;
        let mix = |channel: usize| {
            let shift = 16 - 8 * channel;
            let [low, high] =
                [stops[below], stops[below + 1]].map(|stop| (stop >> shift & 0xFF) as f32);
            (low + (high - low) * part).round() as u8
        };
        Colour([mix(0), mix(1), mix(2)])
    }

    /// Evenly spaced colours between which is interpolated.
    fn stops(self) -> &'static [u32] {
        match self {
            Self::Paper => &[0xFFFFFF, 0xC6DBEF, 0x6BAED6, 0x2171B5, 0x08306B],
            Self::Magma => &[
                0x000004, 0x180F3E, 0x451077, 0x721F81, 0x9F2F7F, 0xCD4071, 0xF1605D, 0xFD9567,
                0xFEC98D, 0xFCFDBF,
            ],
            Self::Diverging => &[0x0571B0, 0x92C5DE, 0xFFFFFF, 0xF4A582, 0xCA0020],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_map_begins_and_ends_where_it_should() {
        assert_eq!(ColourMap::Paper.at(0.0).hex(), "#ffffff");
        assert_eq!(ColourMap::Diverging.at(0.5).hex(), "#ffffff");
        assert_eq!(ColourMap::Magma.at(2.0).hex(), "#fcfdbf");
        assert_eq!(ColourMap::Magma.at(f32::NAN).hex(), "#bbbbbb");
    }
}
