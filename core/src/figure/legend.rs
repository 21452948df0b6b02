//! What stands above the panels of a figure: titles, notes and the entries of legends, one behind the other.

use super::layout::{LEGEND_PT, PANEL_TITLE_PT, SWATCH, TICK_PT};
use super::{Layer, Panel, text};

const HEADER_ROW: f64 = 13.0;

/// An entry of the legend and where it stands.
#[derive(Clone, Debug)]
pub(super) struct LegendEntry {
    pub(super) layer_idx: usize,
    pub(super) label: String,
    pub(super) left: f64,
    pub(super) baseline: f64,
}

/// The entries of all panels above all of them, each label once; how much room they take.
pub(super) fn common_legend(
    panels: &[Panel],
    top: f64,
    [left, right]: [f64; 2],
    legends: &mut [Vec<LegendEntry>],
) -> f64 {
    let mut flow = LegendFlow {
        cursor: left,
        baseline: top + LEGEND_PT,
        ends: [left, right],
    };
    let mut known: Vec<&str> = Vec::new();
    for (panel, legend) in panels.iter().zip(legends) {
        for (layer_idx, layer) in panel.layers.iter().enumerate() {
            let label = layer.legend_label();
            if label.is_empty() || known.contains(&label) {
                continue;
            }
            known.push(label);
            legend.push(flow.entry(layer_idx, label));
        }
    }
    if known.is_empty() {
        0.0
    } else {
        flow.baseline - top + 9.0
    }
}

/// Entries of a legend, one behind the other, row by row.
struct LegendFlow {
    cursor: f64,
    baseline: f64,
    ends: [f64; 2],
}

impl LegendFlow {
    fn entry(&mut self, layer_idx: usize, label: &str) -> LegendEntry {
        let [left, right] = self.ends;
        let label = text::fitted(label, LEGEND_PT, right - left - SWATCH - 4.0);
        let width = SWATCH + 4.0 + text::width(&label, LEGEND_PT);
        if self.cursor > left && self.cursor + width > right {
            self.cursor = left;
            self.baseline += HEADER_ROW;
        }
        let entry = LegendEntry {
            layer_idx,
            label,
            left: self.cursor,
            baseline: self.baseline,
        };
        self.cursor += width + 14.0;
        entry
    }
}

/// What stands above a panel, and how much room it takes.
pub(super) struct Header {
    pub(super) title: Option<(f64, String)>,
    pub(super) note: Option<(f64, String)>,
    pub(super) legend: Vec<LegendEntry>,
    pub(super) room: f64,
}

impl Header {
    /// The title first, its note behind it, then the entries of the legend, if it has one of its own, row by row.
    pub(super) fn of(panel: &Panel, top: f64, [left, right]: [f64; 2], with_legend: bool) -> Self {
        let baseline = top + LEGEND_PT;
        let mut cursor = left;
        let title = (!panel.title.is_empty()).then(|| {
            let title = text::fitted(&panel.title, PANEL_TITLE_PT, right - left);
            cursor += text::width(&title, PANEL_TITLE_PT) + 6.0;
            (baseline, title)
        });
        let has_room = title.is_some() && right - cursor >= 2.0 * TICK_PT;
        let note = (has_room && !panel.note.is_empty()).then(|| {
            let note = text::fitted(&panel.note, TICK_PT, right - cursor);
            let at = cursor;
            cursor += text::width(&note, TICK_PT) + 6.0;
            (at, note)
        });
        if title.is_some() {
            cursor += 12.0;
        }
        let mut flow = LegendFlow {
            cursor,
            baseline,
            ends: [left, right],
        };
        let labels = panel.layers.iter().map(Layer::legend_label).enumerate();
        let labels = labels.filter(|(_, label)| with_legend && !label.is_empty());
        let legend: Vec<LegendEntry> = labels
            .map(|(layer_idx, label)| flow.entry(layer_idx, label))
            .collect();
        let is_empty = title.is_none() && legend.is_empty();
        let room = if is_empty {
            0.0
        } else {
            flow.baseline - top + 5.0
        };
        Self {
            title,
            note,
            legend,
            room,
        }
    }
}

impl Layer {
    pub(super) fn legend_label(&self) -> &str {
        match self {
            Self::Line { label, .. }
            | Self::Dots { label, .. }
            | Self::Band { label, .. }
            | Self::Area { label, .. }
            | Self::Bars { label, .. }
            | Self::Spans { label, .. } => label,
            Self::Envelope { .. } | Self::HeatMap(_) | Self::Mark { .. } | Self::Level { .. } => "",
        }
    }
}
