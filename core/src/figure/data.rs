//! What a figure consists of. Lengths are in points (1/72 inch), data in the units of the axes.

use super::layout::Layout;
use super::{Colour, ColourMap, Error, png, svg};

/// Panels below each other over one horizontal axis, or small multiples: panels row by row, each over an axis like it.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// Above everything; may be empty.
    pub title: String,
    /// The horizontal axis that all panels share.
    pub x: Axis,
    /// From top to bottom; in several columns row by row, from left to right.
    pub panels: Vec<Panel>,
    /// Panels side by side. In several columns one legend stands above all panels, and a label that several of them have stands in it once.
    pub n_columns: usize,
    /// Width of the whole figure, in points, before it is zoomed.
    pub width_pt: f64,
    /// How many times as large everything is drawn, letters and strokes included.
    pub zoom: f64,
    /// What a CSV file holds in place of the points, where these are places on paper and not the values that they stand for.
    pub sheet: Option<Sheet>,
}

/// The numbers behind a plot, as a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sheet {
    /// What stands in each column, with its unit.
    pub head: Vec<String>,
    /// As many cells each as the head has; empty where there is no value.
    pub rows: Vec<Vec<String>>,
}

/// One axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// What is measured. Beside a lane it may have several lines.
    pub label: String,
    /// In which unit; empty for none.
    pub unit: String,
    /// How values lie along it.
    pub scale: Scale,
    /// What it shows; `None`: all data, with a little air.
    pub range: Option<[f64; 2]>,
    /// Where it has ticks.
    pub ticks: Ticks,
}

/// How values lie along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Evenly.
    Linear,
    /// By their logarithm; values that are not positive are left out.
    Log,
}

/// Where an axis has ticks.
#[derive(Clone, Debug, PartialEq)]
pub enum Ticks {
    /// At round numbers.
    Auto,
    /// At whole numbers only.
    Whole,
    /// At round times, written as minutes and seconds; data in seconds.
    Time,
    /// Nowhere.
    None,
    /// At these values with these labels.
    At(Vec<(f64, String)>),
}

/// One plot: a vertical axis, and layers painted in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    /// Above the panel, small; may be empty.
    pub title: String,
    /// Behind the title, as far as there is room: figures that belong to the panel; may be empty.
    pub note: String,
    /// The vertical axis.
    pub y: Axis,
    /// Where the vertical axis has its label.
    pub label_side: LabelSide,
    /// Height of the plot without title and axis, in points.
    pub height_pt: f64,
    /// Painted in order.
    pub layers: Vec<Layer>,
}

/// How the label of a vertical axis is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelSide {
    /// Turned, along the axis.
    Along,
    /// Upright, left of the panel: for lanes.
    Beside,
}

/// How a line is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stroke {
    /// Unbroken.
    Solid,
    /// Unbroken, thin and pale: raw values behind a smoothed line.
    Faint,
    /// Unbroken, a hair.
    Thin,
    /// Dashes.
    Dashed,
}

/// Something painted in a panel. A label that is not empty stands in the legend.
#[derive(Clone, Debug, PartialEq)]
pub enum Layer {
    /// Points joined by straight lines; broken where a value is not a number.
    Line {
        /// For the legend.
        label: String,
        /// Colour.
        colour: Colour,
        /// Manner.
        stroke: Stroke,
        /// (x, y).
        points: Vec<[f64; 2]>,
    },
    /// Single points.
    Dots {
        /// For the legend.
        label: String,
        /// Colour.
        colour: Colour,
        /// (x, y).
        points: Vec<[f64; 2]>,
    },
    /// The area between two curves.
    Band {
        /// For the legend.
        label: String,
        /// Colour; painted pale.
        colour: Colour,
        /// (x, low, high).
        points: Vec<[f64; 3]>,
    },
    /// Lowest and highest values of something that swings: a waveform.
    Envelope {
        /// Colour.
        colour: Colour,
        /// (x, low, high).
        points: Vec<[f64; 3]>,
    },
    /// The area between a curve and zero.
    Area {
        /// For the legend.
        label: String,
        /// Where the curve is above zero.
        above: Colour,
        /// Where it is below.
        below: Colour,
        /// (x, y).
        points: Vec<[f64; 2]>,
    },
    /// Bars that lie: each at a height `y`, from zero to `x`.
    Bars {
        /// For the legend.
        label: String,
        /// Colour.
        colour: Colour,
        /// Thickness of a bar in units of the vertical axis.
        thickness: f64,
        /// (x, y).
        points: Vec<[f64; 2]>,
    },
    /// Stretches of the horizontal axis, over the whole height.
    Spans {
        /// For the legend.
        label: String,
        /// Colour; painted pale.
        colour: Colour,
        /// (from, to).
        spans: Vec<[f64; 2]>,
    },
    /// A picture of numbers.
    HeatMap(HeatMap),
    /// A vertical line at `x` with a few words.
    Mark {
        /// Words at its top; may be empty.
        label: String,
        /// Where.
        x: f64,
    },
    /// A horizontal line at `y` with a few words.
    Level {
        /// Words at its right end; may be empty.
        label: String,
        /// Where.
        y: f64,
    },
}

/// A picture of numbers, stretched over a rectangle of the panel.
#[derive(Clone, Debug, PartialEq)]
pub struct HeatMap {
    /// Left and right edge.
    pub x: [f64; 2],
    /// Lower and upper edge.
    pub y: [f64; 2],
    /// How many columns.
    pub n_columns: usize,
    /// Row-major `[rows, n_columns]`; the first row lies at the lower edge.
    pub values: Vec<f32>,
    /// The numbers at both ends of the colours; `None`: the smallest and the greatest.
    pub range: Option<[f32; 2]>,
    /// The colours.
    pub map: ColourMap,
    /// What the colours mean, written beside a colour bar; empty: no bar.
    pub label: String,
}

impl Figure {
    /// A figure without panels, as wide as a page's text (468 pt).
    pub fn new(title: impl Into<String>, x: Axis) -> Self {
        Self {
            title: title.into(),
            x,
            panels: Vec::new(),
            n_columns: 1,
            width_pt: 468.0,
            zoom: 1.0,
            sheet: None,
        }
    }

    /// The same with a panel more.
    pub fn with(mut self, panel: Panel) -> Self {
        self.panels.push(panel);
        self
    }

    /// The same with these numbers for a CSV file.
    pub fn with_sheet(mut self, sheet: Sheet) -> Self {
        self.sheet = Some(sheet);
        self
    }

    /// The same with its panels in so many columns.
    pub fn in_columns(mut self, n_columns: usize) -> Self {
        self.n_columns = n_columns;
        self
    }

    /// The figure as SVG, text as text.
    pub fn to_svg(&self) -> String {
        svg::write(self, &Layout::new(self), svg::Pictures::Inside)
    }

    /// The figure as a PNG file in memory, with `scale` pixels per point (2: screens, 4: print).
    pub fn to_png(&self, scale: f32) -> Result<Vec<u8>, Error> {
        png::png(self, scale)
    }
}

impl Axis {
    /// An even axis over all data with ticks at round numbers.
    pub fn new(label: impl Into<String>, unit: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            unit: unit.into(),
            scale: Scale::Linear,
            range: None,
            ticks: Ticks::Auto,
        }
    }

    /// Time in seconds, written as minutes and seconds.
    pub fn time() -> Self {
        Self::new("Time", "min:s").ticks(Ticks::Time)
    }

    /// The same from `low` to `high`.
    pub fn range(mut self, low: f64, high: f64) -> Self {
        self.range = Some([low, high]);
        self
    }

    /// The same with other ticks.
    pub fn ticks(mut self, ticks: Ticks) -> Self {
        self.ticks = ticks;
        self
    }

    /// The same, logarithmic.
    pub fn log(mut self) -> Self {
        self.scale = Scale::Log;
        self
    }
}

impl Panel {
    /// An empty plot, 170 pt high.
    pub fn new(y: Axis) -> Self {
        Self {
            title: String::new(),
            note: String::new(),
            y,
            label_side: LabelSide::Along,
            height_pt: 170.0,
            layers: Vec::new(),
        }
    }

    /// An empty lane, 26 pt high: its name beside it, no ticks.
    pub fn lane(label: impl Into<String>) -> Self {
        Self {
            label_side: LabelSide::Beside,
            height_pt: 26.0,
            ..Self::new(Axis::new(label, "").ticks(Ticks::None))
        }
    }

    /// The same with another height.
    pub fn height(mut self, height_pt: f64) -> Self {
        self.height_pt = height_pt;
        self
    }

    /// The same with a title.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// The same with words behind its title.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    /// The same with a layer more.
    pub fn layer(mut self, layer: Layer) -> Self {
        self.layers.push(layer);
        self
    }

    /// The same with a solid line more.
    pub fn line(self, label: impl Into<String>, colour: Colour, points: Vec<[f64; 2]>) -> Self {
        self.layer(Layer::Line {
            label: label.into(),
            colour,
            stroke: Stroke::Solid,
            points,
        })
    }

    /// The same with a vertical mark more.
    pub fn mark(self, x: f64, label: impl Into<String>) -> Self {
        self.layer(Layer::Mark {
            label: label.into(),
            x,
        })
    }
}
