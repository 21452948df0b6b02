//! A figure as a standalone LaTeX file for pgfplots: an `axis` for each panel in one `groupplot`, row by row, the numbers in the file.
//!
//! Sizes, ranges, ticks and colours are those of the other formats, so that what pdflatex makes of it looks like them; letters are the
//! document's. Long lines are thinned as in the other formats (every extreme stays), and heat maps are averaged to what TeX's memory holds.

use super::latex::latex;
use super::layout::{LABEL_PT, Layout, PANEL_TITLE_PT, PanelLayout, TICK_PT, TITLE_PT};
use super::legend::LegendEntry;
use super::tex_points::{from_paper, near, one_sided, pieces};
use super::{Colour, ColourMap, Figure, HeatMap, LabelSide, Layer, Panel, Scale, Stroke, paths};

/// Columns and rows of a figure's only heat map. TeX runs out of memory with many more cells, so that several maps share these.
const MAX_CELLS: [f64; 2] = [96.0, 40.0];
/// Height of a row of a legend, in points before zooming.
const LEGEND_ROW: f64 = 13.0;
/// Height of the row of a panel's title, in points before zooming.
const TITLE_ROW: f64 = 17.0;
/// Width of a line, in points before zooming.
const LINE_PT: f64 = 1.3;

/// The whole file.
pub(super) fn tex(figure: &Figure, layout: &Layout) -> String {
    let layers = figure.panels.iter().flat_map(|panel| &panel.layers);
    let n_maps = layers.filter(|layer| matches!(layer, Layer::HeatMap(_)));
    let fewer = (n_maps.count().max(1) as f64).sqrt();
    let mut tex = Tex {
        out: String::new(),
        zoom: figure.zoom,
        most_cells: MAX_CELLS.map(|n| (n / fewer) as usize),
    };
    tex.head(figure, layout);
    tex.line(r"\begin{tikzpicture}");
    tex.line(r"\begin{groupplot}[");
    tex.common_options(figure, layout);
    tex.line("]");
    for (at, (panel, place)) in figure.panels.iter().zip(&layout.panels).enumerate() {
        tex.panel(figure, layout, panel, place, at);
    }
    tex.line(r"\end{groupplot}");
    if columns(figure) > 1 {
        tex.title_of_all(layout);
    }
    tex.line(r"\end{tikzpicture}");
    tex.line(r"\end{document}");
    tex.out
}

struct Tex {
    out: String,
    zoom: f64,
    most_cells: [usize; 2],
}

impl Tex {
    fn line(&mut self, line: &str) {
        self.out.push_str(line);
        self.out.push('\n');
    }

    fn put(&mut self, line: std::fmt::Arguments<'_>) {
        self.line(&line.to_string());
    }

    fn head(&mut self, figure: &Figure, layout: &Layout) {
        self.line("% pdflatex, lualatex or xelatex; or copy the tikzpicture and what stands between the packages and it into a document.");
        // A page of about the figure's size where that class is not installed: it comes with few of the small distributions.
        let [width, height] = [figure.width_pt, layout.height].map(|side| side * self.zoom + 60.0);
        self.line(r"\IfFileExists{standalone.cls}{\documentclass[border=2pt]{standalone}}{%");
        self.put(format_args!(r"  \documentclass{{article}}\usepackage[paperwidth={width:.0}pt,paperheight={height:.0}pt,margin=10pt]{{geometry}}%"));
        self.line(r"  \pagestyle{empty}\setlength{\parindent}{0pt}}");
        for line in [
            r"\usepackage{iftex}",
            r"\ifPDFTeX\usepackage[utf8]{inputenc}\usepackage[T1]{fontenc}\fi",
            r"\usepackage{pgfplots}",
            r"\usepgfplotslibrary{groupplots}",
            r"\pgfplotsset{compat=1.16}",
            // Without its fonts a letter would stop pdflatex.
            r"\newcommand{\foreignletter}[1]{\ifPDFTeX ?\else #1\fi}",
            r"\begin{document}",
            r"\sffamily",
        ] {
            self.line(line);
        }
    }

    /// A font size; lengths are zoomed.
    fn font(&self, pt: f64) -> String {
        let pt = pt * self.zoom;
        format!(r"\fontsize{{{pt:.2}pt}}{{{:.2}pt}}\selectfont", pt * 1.2)
    }

    fn common_options(&mut self, figure: &Figure, layout: &Layout) {
        let n_columns = columns(figure);
        let n_rows = figure.panels.len().div_ceil(n_columns);
        // Titles and legends stand between the panels, labels of their axes beside them.
        let above = layout
            .panels
            .iter()
            .zip(layout.panels.iter().skip(n_columns));
        let down = above.map(|(above, below)| below.plot.top - above.plot.bottom);
        let down = down.fold(0.0, f64::max) * self.zoom;
        let beside = layout.panels.iter().zip(layout.panels.iter().skip(1));
        let across = beside.map(|(left, right)| right.plot.left - left.plot.right);
        let across = across.fold(0.0, f64::max) * self.zoom;
        self.put(format_args!(
            "  group style={{group size={n_columns} by {n_rows}, vertical sep={down:.2}pt, horizontal sep={across:.2}pt}},"
        ));
        let Some(first) = layout.panels.first() else {
            return;
        };
        self.put(format_args!(
            "  scale only axis, width={:.2}pt,",
            first.plot.width() * self.zoom
        ));
        let [low, high] = first.x.range;
        let log = log_mode('x', figure.x.scale);
        self.put(format_args!("  xmin={low}, xmax={high}, {log}"));
        self.line(
            "  unbounded coords=jump, grid=major, axis on top=false, clip marker paths=true,",
        );
        self.line("  grid style={draw=black!11, line width=0.4pt}, axis line style={black!50, line width=0.5pt}, tick style={black!50},");
        let (tick, label) = (self.font(TICK_PT), self.font(LABEL_PT));
        self.put(format_args!("  tick label style={{font={tick}}}, label style={{font={label}}}, tick align=outside, tick pos=left, scaled ticks=false,"));
        if layout.x_is_turned {
            self.line("  x tick label style={rotate=90, anchor=east},");
        }
        self.put(format_args!("  legend style={{font={label}, draw=none, fill=none, at={{(0,1)}}, anchor=south west, inner sep=1pt, /tikz/every even column/.append style={{column sep=6pt}}}}, legend cell align=left,"));
    }

    fn panel(
        &mut self,
        figure: &Figure,
        layout: &Layout,
        panel: &Panel,
        place: &PanelLayout,
        at: usize,
    ) {
        let n_columns = columns(figure);
        self.line(r"\nextgroupplot[");
        self.put(format_args!(
            "  height={:.2}pt, ymin={}, ymax={}, {}",
            place.plot.height() * self.zoom,
            place.y.range[0],
            place.y.range[1],
            log_mode('y', panel.y.scale)
        ));
        self.ticks(
            'x',
            layout
                .x_ticks
                .iter()
                .map(|t| (t.at, if place.is_lowest { &*t.label } else { "" })),
        );
        self.ticks('y', place.y_ticks.iter().map(|t| (t.at, &*t.label)));
        // Of several columns one in the middle bears the label of all.
        let bears_label = place.is_lowest && at % n_columns == (n_columns - 1) / 2;
        if let (true, Some((_, label))) = (bears_label, &layout.x_label) {
            self.put(format_args!("  xlabel={{{}}},", latex(label)));
        }
        let lines: Vec<String> = place.y_label.iter().map(|line| latex(line)).collect();
        if !lines.is_empty() {
            let label = lines.join(r"\\");
            self.put(format_args!("  ylabel={{{label}}},"));
            if panel.label_side == LabelSide::Beside {
                self.line("  ylabel style={rotate=-90, anchor=east, align=right},");
            } else {
                self.line("  ylabel style={align=center},");
            }
        }
        let mut titles = Vec::new();
        if let (0, 1, Some((_, title))) = (at, n_columns, &layout.title) {
            titles.push((TITLE_PT, title));
        }
        if let Some((_, title)) = &place.title {
            titles.push((PANEL_TITLE_PT, title));
        }
        if !titles.is_empty() {
            let titles = titles
                .iter()
                .map(|(pt, title)| format!("{{{} {}}}", self.font(*pt), latex(title)));
            let mut titles = titles.collect::<Vec<_>>().join(r"\\");
            if let Some((_, note)) = &place.note {
                let font = self.font(TICK_PT);
                titles += &format!(r"\quad{{{font} {}}}", latex(note));
            }
            // Above the rows of the legend; that of several columns stands higher than all titles.
            let rows = if n_columns == 1 {
                legend_rows(&place.legend)
            } else {
                0
            };
            let up = rows as f64 * LEGEND_ROW * self.zoom;
            let gap = 3.0 * self.zoom;
            self.put(format_args!("  title={{{titles}}}, title style={{at={{(0,1)}}, anchor=south west, align=left, inner xsep=0pt, inner ysep={gap:.1}pt, yshift={up:.1}pt}},"));
        }
        let legend: Vec<(&LegendEntry, &Layer)> = match (n_columns, at) {
            (1, _) => entries(panel, place).collect(),
            (_, 0) => {
                let all = figure.panels.iter().zip(&layout.panels);
                all.flat_map(|(panel, place)| entries(panel, place))
                    .collect()
            }
            _ => Vec::new(),
        };
        let first_row = legend.first().map(|(entry, _)| entry.baseline);
        let in_first_row = legend
            .iter()
            .filter(|(entry, _)| Some(entry.baseline) == first_row);
        self.put(format_args!(
            "  legend columns={},",
            in_first_row.count().max(1)
        ));
        if n_columns > 1 && place.title.is_some() {
            let up = TITLE_ROW * self.zoom;
            self.put(format_args!("  legend style={{yshift={up:.1}pt}},"));
        }
        if let Some((map, ..)) = &place.colour_bar {
            let heat = panel.layers.iter().find_map(|layer| match layer {
                Layer::HeatMap(heat) if !heat.label.is_empty() => Some(heat),
                _ => None,
            });
            if let Some(heat) = heat {
                let [low, high] = map.range;
                let label = latex(&heat.label);
                self.put(format_args!("  colorbar, point meta min={low}, point meta max={high}, colorbar style={{ylabel={{{label}}}}},"));
            }
        }
        self.line("]");
        for layer in &panel.layers {
            self.layer(layer, place);
        }
        for (entry, layer) in legend {
            self.legend_entry(layer, &entry.label);
        }
    }

    /// Above the common legend of several columns.
    fn title_of_all(&mut self, layout: &Layout) {
        let Some((_, title)) = &layout.title else {
            return;
        };
        let entries = layout.panels.iter().flat_map(|panel| &panel.legend);
        let rows = legend_rows(entries) as f64 * LEGEND_ROW;
        let up = (TITLE_ROW + rows + 3.0) * self.zoom;
        let font = self.font(TITLE_PT);
        self.put(format_args!(
            r"\node[anchor=south west, inner sep=0pt, yshift={up:.1}pt, font={font}] at (group c1r1.north west) {{{}}};",
            latex(title)
        ));
    }

    fn ticks<'a>(&mut self, axis: char, ticks: impl Iterator<Item = (f64, &'a str)>) {
        let (at, labels): (Vec<_>, Vec<_>) = ticks
            .map(|(at, label)| (at.to_string(), format!("{{{}}}", latex(label))))
            .unzip();
        if at.is_empty() {
            self.put(format_args!(r"  {axis}tick=\empty,"));
        } else {
            let (at, labels) = (at.join(","), labels.join(","));
            self.put(format_args!(
                "  {axis}tick={{{at}}}, {axis}ticklabels={{{labels}}}, minor {axis} tick num=0,"
            ));
        }
    }

    fn layer(&mut self, layer: &Layer, place: &PanelLayout) {
        let [bottom, top] = place.y.range;
        match layer {
            Layer::Line {
                colour,
                stroke,
                points,
                ..
            } => {
                for piece in pieces(points, place) {
                    if piece.len() == 1 {
                        self.dots(*colour, &piece, 1.6);
                    } else {
                        let look = self.stroke(*colour, *stroke);
                        self.plot(&look, &piece, "");
                    }
                }
            }
            Layer::Dots { colour, points, .. } => {
                let is_near = |p: &&[f64; 2]| {
                    let at = [place.x.at(p[0]), place.y.at(p[1])];
                    at.iter().all(|at| at.is_finite()) && near(at, place).is_none()
                };
                let points: Vec<_> = points.iter().filter(is_near).copied().collect();
                self.dots(*colour, &points, 2.0);
            }
            Layer::Band { colour, points, .. } => self.band(*colour, 0.2, points, place),
            Layer::Envelope { colour, points } => self.band(*colour, 0.85, points, place),
            Layer::Area {
                above,
                below,
                points,
                ..
            } => {
                for (colour, sign) in [(above, 1.0), (below, -1.0)] {
                    let edge = one_sided(points, sign);
                    let band: Vec<[f64; 3]> = edge.iter().map(|&[x, y]| [x, 0.0, y]).collect();
                    self.band(*colour, 0.75, &band, place);
                }
            }
            Layer::Bars {
                colour,
                thickness,
                points,
                ..
            } => {
                let look = format!("draw=none, fill={}", rgb(*colour));
                for &[x, y] in points {
                    let [low, high] = [y - thickness / 2.0, y + thickness / 2.0];
                    let zero = 0f64.max(place.x.range[0]);
                    let corners = [[zero, low], [x, low], [x, high], [zero, high]];
                    self.plot(&look, &corners, " -- cycle");
                }
            }
            Layer::Spans { colour, spans, .. } => {
                let look = format!("draw=none, fill={}, fill opacity=0.45", rgb(*colour));
                let [left, right] = place.x.range;
                for &[from, to] in spans {
                    let (from, to) = (from.clamp(left, right), to.clamp(left, right));
                    let corners = [[from, bottom], [to, bottom], [to, top], [from, top]];
                    self.plot(&look, &corners, " -- cycle");
                }
            }
            Layer::HeatMap(map) => self.heat_map(map),
            Layer::Mark { x, .. } if !(place.x.range[0]..=place.x.range[1]).contains(x) => {}
            Layer::Mark { label, x } => {
                let node = self.words(label, "south west, rotate=90, pos=0");
                let look = self.dashes();
                self.plot(&look, &[[*x, bottom], [*x, top]], &node);
            }
            Layer::Level { label, y } => {
                let node = self.words(label, "south east, pos=1");
                let look = self.dashes();
                let [left, right] = place.x.range;
                self.plot(&look, &[[left, *y], [right, *y]], &node);
            }
        }
    }

    fn words(&self, label: &str, anchor: &str) -> String {
        if label.is_empty() {
            return String::new();
        }
        let font = self.font(TICK_PT);
        format!(
            " node[anchor={anchor}, inner sep=1.5pt, font={font}] {{{}}}",
            latex(label)
        )
    }

    fn dashes(&self) -> String {
        format!("draw=black!55, dashed, line width={:.2}pt", 0.8 * self.zoom)
    }

    fn stroke(&self, colour: Colour, stroke: Stroke) -> String {
        let (pt, more) = match stroke {
            Stroke::Solid => (LINE_PT, ""),
            Stroke::Faint => (0.7, ", opacity=0.35"),
            Stroke::Thin => (0.4, ""),
            Stroke::Dashed => (LINE_PT, ", dashed"),
        };
        let pt = pt * self.zoom;
        format!(
            "no marks, draw={}, line width={pt:.2}pt, line join=round{more}",
            rgb(colour)
        )
    }

    fn dots(&mut self, colour: Colour, points: &[[f64; 2]], radius: f64) {
        let (colour, size) = (rgb(colour), radius * self.zoom);
        let look = format!(
            "only marks, mark=*, mark size={size:.2}pt, mark options={{draw=none, fill={colour}}}"
        );
        self.plot(&look, points, "");
    }

    fn band(&mut self, colour: Colour, opacity: f64, points: &[[f64; 3]], place: &PanelLayout) {
        let look = format!("draw=none, fill={}, fill opacity={opacity}", rgb(colour));
        let edge = |at: usize| -> Vec<[f64; 2]> {
            let edge = points.iter().map(|p| [place.x.at(p[0]), place.y.at(p[at])]);
            edge.collect()
        };
        for outline in paths::bands(&edge(1), &edge(2)) {
            let outline: Vec<_> = outline.iter().map(|&at| from_paper(at, place)).collect();
            self.plot(&look, &outline, " -- cycle");
        }
    }

    fn heat_map(&mut self, map: &HeatMap) {
        // A table has few cells, of which each is a figure; a picture has many.
        let [most_columns, most_rows] = self.most_cells;
        let cells = if map.values.len() <= most_columns * most_rows {
            map.averaged([usize::MAX; 2])
        } else {
            map.averaged(self.most_cells)
        };
        let (columns, rows) = (cells.n_columns, cells.n_rows());
        if rows == 0 {
            return;
        }
        let name = self.colour_map(map.map);
        let [low, high] = map.shown_range();
        self.put(format_args!(
            r"\addplot[matrix plot*, forget plot, point meta=explicit, point meta min={low}, point meta max={high}, mesh/cols={columns}, mesh/ordering=x varies, colormap name={name}] table[row sep=newline, x=x, y=y, meta=v] {{"
        ));
        self.line("x y v");
        let along = |ends: [f64; 2], at: usize, n: usize| {
            ends[0] + (ends[1] - ends[0]) * (at as f64 + 0.5) / n as f64
        };
        let mut absent = Vec::new();
        for (at, value) in cells.values.iter().enumerate() {
            let (x, y) = (
                along(map.x, at % columns, columns),
                along(map.y, at / columns, rows),
            );
            if value.is_nan() {
                absent.push([x, y]);
            }
            // TeX has no number for it: it is painted over below.
            let value = if value.is_nan() { low } else { *value };
            self.put(format_args!("{x} {y} {value}"));
        }
        self.line("};");
        let look = format!("draw=none, fill={}", rgb(map.map.at(f32::NAN)));
        let half = |ends: [f64; 2], n: usize| (ends[1] - ends[0]) / n as f64 / 2.0;
        let (wide, high) = (half(map.x, columns), half(map.y, rows));
        for [x, y] in absent {
            let (left, right, below, above) = (x - wide, x + wide, y - high, y + high);
            let corners = [[left, below], [right, below], [right, above], [left, above]];
            self.plot(&look, &corners, " -- cycle");
        }
    }

    fn colour_map(&mut self, map: ColourMap) -> &'static str {
        let name = match map {
            ColourMap::Paper => "attunepaper",
            ColourMap::Magma => "attunemagma",
            ColourMap::Diverging => "attunediverging",
        };
        let stops = (0..=10).map(|tenth| {
            let [r, g, b] = map.at(tenth as f32 / 10.0).0;
            format!("rgb255({tenth}cm)=({r},{g},{b})")
        });
        let stops = stops.collect::<Vec<_>>().join("; ");
        self.put(format_args!(
            r"\pgfplotsset{{colormap={{{name}}}{{{stops}}}}}"
        ));
        name
    }

    /// A path through the points.
    fn plot(&mut self, look: &str, points: &[[f64; 2]], behind: &str) {
        if points.is_empty() {
            return;
        }
        self.out += &format!(r"\addplot[{look}, forget plot] coordinates {{");
        for (at, [x, y]) in points.iter().enumerate() {
            let between = if at % 6 == 5 { '\n' } else { ' ' };
            self.out += &format!("({x},{y}){between}");
        }
        self.put(format_args!("}}{behind};"));
    }

    fn legend_entry(&mut self, layer: &Layer, label: &str) {
        let image = match layer {
            Layer::Line { colour, stroke, .. } => self.stroke(*colour, *stroke),
            Layer::Dots { colour, .. } => {
                let colour = rgb(*colour);
                format!(
                    "only marks, mark=*, mark size=2pt, mark options={{draw=none, fill={colour}}}"
                )
            }
            Layer::Band { colour, .. } => area_image(*colour, 0.2),
            Layer::Spans { colour, .. } => area_image(*colour, 0.45),
            Layer::Bars { colour, .. } => area_image(*colour, 1.0),
            Layer::Area { above, .. } => area_image(*above, 0.75),
            Layer::Envelope { .. }
            | Layer::HeatMap(_)
            | Layer::Mark { .. }
            | Layer::Level { .. } => return,
        };
        self.put(format_args!(r"\addlegendimage{{{image}}}"));
        self.put(format_args!(r"\addlegendentry{{{}}}", latex(label)));
    }
}

fn area_image(colour: Colour, opacity: f64) -> String {
    // A broad line: pgfplots draws a frame around its own areas.
    format!(
        "no marks, line width=6pt, draw={}, draw opacity={opacity}",
        rgb(colour)
    )
}

fn columns(figure: &Figure) -> usize {
    figure.n_columns.clamp(1, figure.panels.len().max(1))
}

fn entries<'a>(
    panel: &'a Panel,
    place: &'a PanelLayout,
) -> impl Iterator<Item = (&'a LegendEntry, &'a Layer)> {
    let entries = place.legend.iter();
    entries.map(|entry| (entry, &panel.layers[entry.layer_idx]))
}

fn legend_rows<'a>(entries: impl IntoIterator<Item = &'a LegendEntry>) -> usize {
    let mut baselines: Vec<f64> = entries.into_iter().map(|entry| entry.baseline).collect();
    baselines.dedup();
    baselines.len()
}

fn log_mode(axis: char, scale: Scale) -> String {
    match scale {
        Scale::Linear => String::new(),
        Scale::Log => format!("{axis}mode=log,"),
    }
}

/// As xcolor reads it.
fn rgb(colour: Colour) -> String {
    let [r, g, b] = colour.0;
    format!("{{rgb,255:red,{r};green,{g};blue,{b}}}")
}
