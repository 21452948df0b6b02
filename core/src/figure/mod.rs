//! Plots as data: panels of lines, bands, bars, spans and heat maps over a common horizontal axis, written as SVG, PNG, PDF, pgfplots and CSV.
//!
//! ```
//! use attune_core::figure::{Axis, Figure, Panel, palette};
//! let figure = Figure::new("Loss", Axis::new("Step", "")).with(
//!     Panel::new(Axis::new("Loss", ""))
//!         .line("training", palette(0), vec![[0.0, 0.7], [1.0, 0.5], [2.0, 0.4]])
//!         .mark(2.0, "best"),
//! );
//! assert!(figure.to_svg().contains("training"));
//! ```

mod colour;
mod data;
mod extent;
mod file;
mod heat;
mod latex;
mod layout;
mod legend;
mod paths;
mod pdf;
mod pdf_font;
mod pen;
mod pgfplots;
mod png;
mod print;
mod svg;
mod table;
mod tex_points;
mod text;
mod ticks;

pub(crate) use heat::base64;
pub(crate) use text::escaped;

pub use colour::{Colour, ColourMap, palette};
pub use data::{Axis, Figure, HeatMap, LabelSide, Layer, Panel, Scale, Sheet, Stroke, Ticks};
pub use file::Format;
pub use print::{Print, PrintSize};

/// What can go wrong with writing a figure.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The drawing could not be made into pixels.
    #[error("the figure could not be rendered: {0}")]
    Render(String),
    /// The file's name does not say what to write.
    #[error("a plot is written as .svg, .png, .pdf, .tex or .csv, not as {}", path.display())]
    Ending {
        /// The file that was asked for.
        path: std::path::PathBuf,
    },
    /// The operating system refused.
    #[error("{}", path.display())]
    Io {
        /// The file concerned.
        path: std::path::PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

#[cfg(test)]
mod tests;
