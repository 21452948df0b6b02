//! Sizes for print: how wide a figure is on paper and how large its letters are.

use super::{Figure, LabelSide, Panel, Ticks};

/// Size of the letters along axes, in points, with which figures are laid out.
const LAID_OUT_PT: f64 = super::layout::LABEL_PT;
/// Plots are not made lower than this, in points before zooming.
const LOWEST: f64 = 80.0;

/// What a figure is made for.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum PrintSize {
    /// As it was laid out, for reading on a screen: 165 mm, letters of 8.5 pt.
    #[default]
    Screen,
    /// One column of a paper: 85 mm, letters of 7 pt.
    SingleColumn,
    /// The width of a page: 175 mm, letters of 8 pt.
    DoubleColumn,
    /// The width of a slide: 254 mm, letters of 16 pt.
    Slide,
}

/// How a figure is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Print {
    /// How wide it is.
    pub size: PrintSize,
    /// Size of the letters along axes, in points; `None`: what goes with the size.
    pub font_pt: Option<f64>,
}

impl PrintSize {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Screen,
        Self::SingleColumn,
        Self::DoubleColumn,
        Self::Slide,
    ];

    /// As on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Screen => "screen",
            Self::SingleColumn => "single-column",
            Self::DoubleColumn => "double-column",
            Self::Slide => "slide",
        }
    }

    /// For people, with its width.
    pub fn label(self) -> &'static str {
        match self {
            Self::Screen => "Screen (165 mm)",
            Self::SingleColumn => "Single column (85 mm)",
            Self::DoubleColumn => "Double column (175 mm)",
            Self::Slide => "Slide (254 mm)",
        }
    }

    /// Width on paper in points; `None`: as laid out.
    fn width_pt(self) -> Option<f64> {
        let mm = match self {
            Self::Screen => return None,
            Self::SingleColumn => 85.0,
            Self::DoubleColumn => 175.0,
            Self::Slide => 254.0,
        };
        Some(mm / 25.4 * 72.0)
    }

    /// Size of the letters along axes, in points, if nothing else is asked for.
    pub fn usual_font_pt(self) -> f64 {
        match self {
            Self::Screen => LAID_OUT_PT,
            Self::SingleColumn => 7.0,
            Self::DoubleColumn => 8.0,
            Self::Slide => 16.0,
        }
    }
}

impl Print {
    /// Letters are no smaller and no larger than this, in points.
    pub const FONTS_PT: std::ops::RangeInclusive<f64> = 4.0..=40.0;

    /// The figure at this size. Plots keep their proportions; lanes and rows of bars, whose height follows from their letters, keep that.
    pub fn apply(&self, figure: &Figure) -> Figure {
        let mut printed = figure.clone();
        let font_pt = self.font_pt.unwrap_or(self.size.usual_font_pt());
        let font_pt = font_pt.clamp(*Self::FONTS_PT.start(), *Self::FONTS_PT.end());
        let on_paper = self
            .size
            .width_pt()
            .unwrap_or(figure.width_pt * figure.zoom);
        printed.zoom = font_pt / LAID_OUT_PT;
        printed.width_pt = on_paper / printed.zoom;
        let narrower = printed.width_pt / figure.width_pt;
        for panel in &mut printed.panels {
            if keeps_proportions(panel) {
                let lowest = LOWEST.min(panel.height_pt);
                panel.height_pt = (panel.height_pt * narrower).max(lowest);
            }
        }
        printed
    }
}

fn keeps_proportions(panel: &Panel) -> bool {
    panel.label_side == LabelSide::Along && !matches!(panel.y.ticks, Ticks::At(_))
}
