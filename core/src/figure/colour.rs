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
    pub const TRUTH: Self = Self([0x9A, 0xA5, 0xB1]);

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
    /// From white to ink: little ink for little.
    Paper,
    /// Magma: dark for little, bright for much; for spectrograms.
    Magma,
    /// Blue for negative, white for nothing, red for positive.
    Diverging,
}
