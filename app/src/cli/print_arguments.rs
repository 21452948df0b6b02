//! How large plots are on paper, as options.

use attune_core::figure::{Print, PrintSize};
use clap::ValueEnum;
use clap::builder::PossibleValue;

/// The size of what is drawn.
#[derive(Debug, clap::Args)]
pub(super) struct PrintArguments {
    /// How wide plots are: single-column (85 mm), double-column (175 mm), slide (254 mm), or as on the screen (165 mm)
    #[arg(
        long,
        value_name = "SIZE",
        default_value = "screen",
        hide_default_value = true
    )]
    size: Size,
    /// Size of the letters along the axes of plots, in points (default: what goes with --size)
    #[arg(long, value_name = "PT", value_parser = font_pt)]
    font_pt: Option<f64>,
}

impl PrintArguments {
    pub(super) fn print(&self) -> Print {
        Print {
            size: self.size.0,
            font_pt: self.font_pt,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Size(PrintSize);

impl ValueEnum for Size {
    fn value_variants<'a>() -> &'a [Self] {
        const {
            &[
                Self(PrintSize::Screen),
                Self(PrintSize::SingleColumn),
                Self(PrintSize::DoubleColumn),
                Self(PrintSize::Slide),
            ]
        }
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.0.name()))
    }
}

fn font_pt(text: &str) -> Result<f64, String> {
    let size: f64 = text.parse().map_err(|error| format!("{error}"))?;
    let range = Print::FONTS_PT;
    if range.contains(&size) {
        Ok(size)
    } else {
        Err(format!(
            "letters have {} to {} pt",
            range.start(),
            range.end()
        ))
    }
}
