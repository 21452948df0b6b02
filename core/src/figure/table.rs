//! The numbers of a figure in long form: a row for each point of each layer that lies within the shown range of the horizontal axis. A figure
//! that brings a sheet of its own has that written instead.

use super::{Axis, Error, Figure, HeatMap, Layer, Panel, Stroke, Ticks, layout};
use std::borrow::Cow;

/// `panel,layer,kind,name,x,y,low,high,value`; what a kind of layer does not have is empty. `name` is what stands beside a bar,
/// or beside and below a cell (`row · column`).
pub(super) fn csv(figure: &Figure) -> Result<String, Error> {
    let failed = |error: &dyn std::fmt::Display| Error::Render(error.to_string());
    let mut writer = csv::Writer::from_writer(Vec::new());
    write(figure, &mut writer).map_err(|error| failed(&error))?;
    let bytes = writer.into_inner().map_err(|error| failed(&error))?;
    String::from_utf8(bytes).map_err(|error| failed(&error))
}

fn write(figure: &Figure, writer: &mut csv::Writer<Vec<u8>>) -> Result<(), csv::Error> {
    if let Some(sheet) = &figure.sheet {
        writer.write_record(&sheet.head)?;
        return sheet
            .rows
            .iter()
            .try_for_each(|row| writer.write_record(row));
    }
    writer.write_record([
        "panel", "layer", "kind", "name", "x", "y", "low", "high", "value",
    ])?;
    for panel in &figure.panels {
        let title = match panel.title.as_str() {
            "" => layout::with_unit(&panel.y).replace('\n', ", "),
            title => title.to_owned(),
        };
        for layer in &panel.layers {
            for row in rows(&figure.x, panel, layer) {
                if !is_shown(figure, layer, &row) {
                    continue;
                }
                let numbers = [row.x, row.y, row.low, row.high, row.value].map(|number| {
                    number
                        .filter(|number| number.is_finite())
                        .map_or_else(String::new, |number| number.to_string())
                });
                let words = [title.as_str(), label(layer), kind(layer), &row.name];
                let numbers = numbers.iter().map(String::as_str);
                writer.write_record(words.into_iter().chain(numbers))?;
            }
        }
    }
    Ok(())
}

/// The length of a bar is shown whole or cut, but it is shown.
fn is_shown(figure: &Figure, layer: &Layer, row: &Row<'_>) -> bool {
    match (figure.x.range, layer) {
        (Some([from, to]), Layer::Spans { .. }) => {
            row.low.is_none_or(|low| low <= to) && row.high.is_none_or(|high| high >= from)
        }
        (Some([from, to]), _) if !matches!(layer, Layer::Bars { .. }) => {
            row.x.is_none_or(|x| (from..=to).contains(&x))
        }
        _ => true,
    }
}

#[derive(Default)]
struct Row<'a> {
    name: Cow<'a, str>,
    x: Option<f64>,
    y: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
    value: Option<f64>,
}

fn rows<'a>(x: &'a Axis, panel: &'a Panel, layer: &'a Layer) -> Vec<Row<'a>> {
    let point = |&[x, y]: &[f64; 2]| Row {
        x: Some(x),
        y: Some(y),
        ..Row::default()
    };
    match layer {
        Layer::Line { points, .. } | Layer::Dots { points, .. } | Layer::Area { points, .. } => {
            points.iter().map(point).collect()
        }
        Layer::Bars { points, .. } => {
            let named = points.iter().map(|at| Row {
                name: tick_near(&panel.y, at[1]).into(),
                ..point(at)
            });
            named.collect()
        }
        Layer::Band { points, .. } | Layer::Envelope { points, .. } => {
            let rows = points.iter().map(|&[x, low, high]| Row {
                x: Some(x),
                low: Some(low),
                high: Some(high),
                ..Row::default()
            });
            rows.collect()
        }
        Layer::Spans { spans, .. } => {
            let rows = spans.iter().map(|&[from, to]| Row {
                low: Some(from),
                high: Some(to),
                ..Row::default()
            });
            rows.collect()
        }
        Layer::HeatMap(map) => {
            let cells = map.values.iter().enumerate().map(|(at, value)| {
                let place = centre(map, at);
                let names = [tick_near(&panel.y, place[1]), tick_near(x, place[0])];
                let names = names.into_iter().filter(|name| !name.is_empty());
                Row {
                    name: names.collect::<Vec<_>>().join(" · ").into(),
                    value: Some(f64::from(*value)),
                    ..point(&place)
                }
            });
            cells.collect()
        }
        Layer::Mark { label, x } => vec![Row {
            name: label.into(),
            x: Some(*x),
            ..Row::default()
        }],
        Layer::Level { label, y } => vec![Row {
            name: label.into(),
            y: Some(*y),
            ..Row::default()
        }],
    }
}

/// What stands beside a row of bars or of cells, or below a column: they lie around their tick.
fn tick_near(axis: &Axis, at: f64) -> &str {
    let Ticks::At(ticks) = &axis.ticks else {
        return "";
    };
    let nearest = ticks
        .iter()
        .min_by(|a, b| (a.0 - at).abs().total_cmp(&(b.0 - at).abs()));
    nearest.map_or("", |(_, label)| label)
}

fn centre(map: &HeatMap, at: usize) -> [f64; 2] {
    let cells = [map.n_columns.max(1), map.n_rows().max(1)];
    let place = [at % cells[0], at / cells[0]];
    let along = |axis: usize, ends: [f64; 2]| {
        ends[0] + (ends[1] - ends[0]) * (place[axis] as f64 + 0.5) / cells[axis] as f64
    };
    [along(0, map.x), along(1, map.y)]
}

fn label(layer: &Layer) -> &str {
    match layer {
        Layer::HeatMap(map) => &map.label,
        layer => layer.legend_label(),
    }
}

fn kind(layer: &Layer) -> &'static str {
    match layer {
        Layer::Line {
            stroke: Stroke::Faint,
            ..
        } => "raw line",
        Layer::Line { .. } => "line",
        Layer::Dots { .. } => "dots",
        Layer::Band { .. } => "band",
        Layer::Envelope { .. } => "envelope",
        Layer::Area { .. } => "area",
        Layer::Bars { .. } => "bars",
        Layer::Spans { .. } => "span",
        Layer::HeatMap(_) => "cell",
        Layer::Mark { .. } => "mark",
        Layer::Level { .. } => "level",
    }
}
