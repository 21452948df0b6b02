//! A figure as a file: the ending of its name says what is written.

use super::layout::Layout;
use super::{Error, Figure, pdf, pgfplots, table};
use crate::workspace::write_whole;
use std::io::Write;
use std::path::Path;

/// Pixels per point of PNGs: 288 per inch.
const PNG_SCALE: f32 = 4.0;

/// What a figure can be written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Lines, for web pages and vector editors.
    Svg,
    /// Pixels.
    Png,
    /// Lines with embedded letters, for papers.
    Pdf,
    /// A standalone LaTeX file for pgfplots, with the numbers in it.
    Tex,
    /// The numbers, one row for each point.
    Csv,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Pdf, Self::Svg, Self::Png, Self::Tex, Self::Csv];

    /// The ending of its files, without the dot.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Png => "png",
            Self::Pdf => "pdf",
            Self::Tex => "tex",
            Self::Csv => "csv",
        }
    }

    /// For people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Svg => "SVG",
            Self::Png => "PNG, 288 dpi",
            Self::Pdf => "PDF",
            Self::Tex => "pgfplots (LaTeX)",
            Self::Csv => "CSV (the numbers)",
        }
    }

    /// What a file of this name is, by its ending. Fails with [`Error::Ending`] for any other.
    pub fn of(path: &Path) -> Result<Self, Error> {
        let ending = path.extension();
        let named = |format: &Self| ending.is_some_and(|e| e.eq_ignore_ascii_case(format.ending()));
        Self::ALL
            .into_iter()
            .find(named)
            .ok_or_else(|| Error::Ending {
                path: path.to_owned(),
            })
    }
}

impl Figure {
    /// The figure as the bytes of a file. Fails only where pixels or a PDF cannot be made of it.
    pub fn to_bytes(&self, format: Format) -> Result<Vec<u8>, Error> {
        Ok(match format {
            Format::Svg => self.to_svg().into_bytes(),
            Format::Png => self.to_png(PNG_SCALE)?,
            Format::Pdf => pdf::pdf(self)?,
            Format::Tex => pgfplots::tex(self, &Layout::new(self)).into_bytes(),
            Format::Csv => table::csv(self)?.into_bytes(),
        })
    }

    /// Writes the figure as the file's name says: `.svg`, `.png` (288 dpi), `.pdf`, `.tex` (pgfplots) or `.csv`, whole or not at all.
    /// Fails for other endings before anything is drawn.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let bytes = self.to_bytes(Format::of(path)?)?;
        write_whole(path, |file| file.write_all(&bytes)).map_err(|source| Error::Io {
            path: path.to_owned(),
            source,
        })
    }
}
