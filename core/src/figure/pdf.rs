//! A figure as PDF: lines stay lines, and text stays text in the embedded font.
//!
//! The SVG of the figure is read by usvg, as for pixels, and its tree is written down; so all formats show the same. Only what the tree of a
//! figure can hold is written (paths, clips, text, one gradient); heat maps lie below it, as in the pixels. svg2pdf does this for any SVG, but
//! stands on an older usvg, and two of them are not wanted.

use super::layout::Layout;
use super::pdf_font::Font;
use super::svg::{Pictures, pictures, write};
use super::{Error, Figure, text};
use miniz_oxide::deflate::compress_to_vec_zlib;
use pdf_writer::types::{LineCapStyle, LineJoinStyle, TextRenderingMode};
use pdf_writer::{Content, Filter, Finish, Name, Pdf, Rect, Ref, Str, TextStr};
use resvg::tiny_skia::{PathSegment, Transform};
use resvg::usvg;
use std::collections::BTreeMap;

const CATALOG: Ref = Ref::new(1);
const PAGES: Ref = Ref::new(2);
const PAGE: Ref = Ref::new(3);
const CONTENT: Ref = Ref::new(4);
const INFO: Ref = Ref::new(5);
/// The font takes five numbers.
const FONT: Ref = Ref::new(6);
/// What figures have many of: pictures, opacities, gradients.
const FIRST_FREE: i32 = 11;
/// How hard to compress: most of what can be gained, quickly.
const LEVEL: u8 = 6;

/// The figure as a PDF file of one page.
pub(super) fn pdf(figure: &Figure) -> Result<Vec<u8>, Error> {
    let layout = Layout::new(figure);
    let svg = write(figure, &layout, Pictures::Below);
    let failed = |what: &dyn std::fmt::Display| Error::Render(what.to_string());
    let tree = usvg::Tree::from_str(&svg, &text::options()).map_err(|error| failed(&error))?;
    let [width, height] = [figure.width_pt, layout.height].map(|pt| (pt * figure.zoom) as f32);
    let mut page = Page {
        content: Content::new(),
        pdf: Pdf::new(),
        next: FIRST_FREE,
        pictures: Vec::new(),
        opacities: BTreeMap::new(),
        gradients: Vec::new(),
        font: Font::new().ok_or_else(|| failed(&"the font inside the program cannot be read"))?,
    };
    // PDF counts from below.
    let zoom = figure.zoom as f32;
    page.content
        .save_state()
        .transform([zoom, 0.0, 0.0, -zoom, 0.0, height]);
    page.heat_maps(figure, &layout);
    page.content.restore_state();
    let fit = Transform::from_row(
        width / tree.size().width(),
        0.0,
        0.0,
        -height / tree.size().height(),
        0.0,
        height,
    );
    page.content.save_state().transform(matrix(fit));
    page.group(tree.root(), fit);
    page.content.restore_state();
    page.finish(&figure.title, width, height)
        .ok_or_else(|| failed(&"the letters of the figure cannot be embedded"))
}

struct Page {
    content: Content,
    pdf: Pdf,
    next: i32,
    pictures: Vec<Ref>,
    /// By thousandths of filling and stroking.
    opacities: BTreeMap<(u16, u16), Ref>,
    gradients: Vec<Ref>,
    font: Font,
}

impl Page {
    fn new_ref(&mut self) -> Ref {
        self.next += 1;
        Ref::new(self.next - 1)
    }

    fn heat_maps(&mut self, figure: &Figure, layout: &Layout) {
        for (panel, place) in figure.panels.iter().zip(&layout.panels) {
            let plot = place.plot;
            for (rect, map) in pictures(panel, place) {
                let pixels = map.pixels();
                let id = self.new_ref();
                let bytes = compress_to_vec_zlib(&pixels.rgb, LEVEL);
                let mut image = self.pdf.image_xobject(id, &bytes);
                image.filter(Filter::FlateDecode);
                image.width(pixels.width as i32);
                image.height(pixels.height as i32);
                image.color_space().device_rgb();
                image.bits_per_component(8);
                image.interpolate(false);
                image.finish();
                self.pictures.push(id);
                let name = format!("P{}", self.pictures.len() - 1);
                let [left, top, wide, high] =
                    [rect.left, rect.top, rect.width(), rect.height()].map(|pt| pt as f32);
                self.content
                    .save_state()
                    .rect(
                        plot.left as f32,
                        plot.top as f32,
                        plot.width() as f32,
                        plot.height() as f32,
                    )
                    .clip_nonzero()
                    .end_path()
                    // The unit square of a picture has its first row on top, which is where larger numbers are: turned over.
                    .transform([wide, 0.0, 0.0, -high, left, top + high])
                    .x_object(Name(name.as_bytes()))
                    .restore_state();
            }
        }
    }

    /// `to_page`: from the group's coordinates to the page, which patterns need.
    fn group(&mut self, group: &usvg::Group, to_page: Transform) {
        let to_page = to_page.pre_concat(group.transform());
        self.content.save_state();
        if !group.transform().is_identity() {
            self.content.transform(matrix(group.transform()));
        }
        if let Some(clip) = group.clip_path() {
            self.clip(clip);
        }
        for node in group.children() {
            match node {
                usvg::Node::Group(inner) => self.group(inner, to_page),
                usvg::Node::Path(path) => self.path(path, to_page),
                usvg::Node::Text(text) => self.text(text),
                // Figures have their pictures below.
                usvg::Node::Image(_) => {}
            }
        }
        self.content.restore_state();
    }

    /// Figures clip by rectangles.
    fn clip(&mut self, clip: &usvg::ClipPath) {
        for node in clip.root().children() {
            if let usvg::Node::Path(path) = node {
                self.outline(path.data());
            }
        }
        self.content.clip_nonzero().end_path();
    }

    fn outline(&mut self, path: &resvg::tiny_skia::Path) {
        let mut at = (0.0, 0.0);
        for segment in path.segments() {
            match segment {
                PathSegment::MoveTo(to) => {
                    self.content.move_to(to.x, to.y);
                    at = (to.x, to.y);
                }
                PathSegment::LineTo(to) => {
                    self.content.line_to(to.x, to.y);
                    at = (to.x, to.y);
                }
                PathSegment::QuadTo(by, to) => {
                    let toward = |from: f32, by: f32| from + (by - from) * 2.0 / 3.0;
                    self.content.cubic_to(
                        toward(at.0, by.x),
                        toward(at.1, by.y),
                        toward(to.x, by.x),
                        toward(to.y, by.y),
                        to.x,
                        to.y,
                    );
                    at = (to.x, to.y);
                }
                PathSegment::CubicTo(one, two, to) => {
                    self.content
                        .cubic_to(one.x, one.y, two.x, two.y, to.x, to.y);
                    at = (to.x, to.y);
                }
                PathSegment::Close => {
                    self.content.close_path();
                }
            }
        }
    }

    fn path(&mut self, path: &usvg::Path, to_page: Transform) {
        self.content.save_state();
        let fill = path.fill();
        let stroke = path.stroke();
        let opacity = |opacity: Option<usvg::Opacity>| opacity.map_or(1.0, |one| one.get());
        self.opacity(
            opacity(fill.map(usvg::Fill::opacity)),
            opacity(stroke.map(usvg::Stroke::opacity)),
        );
        let is_filled = fill.is_some_and(|fill| self.fill(fill.paint(), to_page));
        let is_stroked = stroke.is_some_and(|stroke| self.stroke(stroke));
        if is_filled || is_stroked {
            self.outline(path.data());
        }
        match (is_filled, is_stroked) {
            (true, true) => drop(self.content.fill_nonzero_and_stroke()),
            (true, false) => drop(self.content.fill_nonzero()),
            (false, true) => drop(self.content.stroke()),
            (false, false) => {}
        }
        self.content.restore_state();
    }

    fn opacity(&mut self, filling: f32, stroking: f32) {
        let [filling, stroking] = [filling, stroking].map(|share| (share * 1000.0).round() as u16);
        if (filling, stroking) == (1000, 1000) {
            return;
        }
        if !self.opacities.contains_key(&(filling, stroking)) {
            let id = self.new_ref();
            self.opacities.insert((filling, stroking), id);
        }
        let name = opacity_name(filling, stroking);
        self.content.set_parameters(Name(name.as_bytes()));
    }

    /// Sets the colour to fill with; whether there is one.
    fn fill(&mut self, paint: &usvg::Paint, to_page: Transform) -> bool {
        match paint {
            usvg::Paint::Color(colour) => {
                let [r, g, b] = share(*colour);
                self.content.set_fill_rgb(r, g, b);
                true
            }
            usvg::Paint::LinearGradient(gradient) => {
                let id = self.gradient(gradient, to_page);
                self.gradients.push(id);
                let name = format!("G{}", self.gradients.len() - 1);
                self.content
                    .set_fill_color_space(pdf_writer::types::ColorSpaceOperand::Pattern);
                self.content.set_fill_pattern(None, Name(name.as_bytes()));
                true
            }
            // No figure has others.
            usvg::Paint::RadialGradient(_) | usvg::Paint::Pattern(_) => false,
        }
    }

    /// The colours of a colour bar, as a table of evenly spaced ones.
    fn gradient(&mut self, gradient: &usvg::LinearGradient, to_page: Transform) -> Ref {
        const N: usize = 256;
        let stops = gradient.stops();
        let colour_at = |at: f32| -> [u8; 3] {
            let above = stops.iter().position(|stop| stop.offset().get() >= at);
            let above = above.unwrap_or(stops.len().saturating_sub(1));
            let below = above.saturating_sub(1);
            let (Some(low), Some(high)) = (stops.get(below), stops.get(above)) else {
                return [0xBB; 3];
            };
            let span = high.offset().get() - low.offset().get();
            let part = if span > 0.0 {
                (at - low.offset().get()) / span
            } else {
                0.0
            };
            let mix = |low: u8, high: u8| {
                let [low, high] = [low, high].map(f32::from);
                (low + (high - low) * part.clamp(0.0, 1.0)).round() as u8
            };
            let (low, high) = (low.color(), high.color());
            [
                mix(low.red, high.red),
                mix(low.green, high.green),
                mix(low.blue, high.blue),
            ]
        };
        let samples = (0..N).flat_map(|at| colour_at(at as f32 / (N - 1) as f32));
        let samples = compress_to_vec_zlib(&samples.collect::<Vec<u8>>(), LEVEL);
        let (function, pattern) = (self.new_ref(), self.new_ref());
        let mut table = self.pdf.sampled_function(function, &samples);
        table.filter(Filter::FlateDecode);
        table.domain([0.0, 1.0]);
        table.range([0.0, 1.0, 0.0, 1.0, 0.0, 1.0]);
        table.size([N as i32]);
        table.bits_per_sample(8);
        table.finish();
        let mut shading = self.pdf.shading_pattern(pattern);
        shading.matrix(matrix(to_page.pre_concat(gradient.transform())));
        let mut axial = shading.function_shading();
        axial.shading_type(pdf_writer::types::FunctionShadingType::Axial);
        axial.color_space().device_rgb();
        axial.coords([gradient.x1(), gradient.y1(), gradient.x2(), gradient.y2()]);
        axial.function(function);
        axial.extend([true, true]);
        axial.finish();
        shading.finish();
        pattern
    }

    /// Sets how to stroke; whether there is a colour to do it with.
    fn stroke(&mut self, stroke: &usvg::Stroke) -> bool {
        let usvg::Paint::Color(colour) = stroke.paint() else {
            return false;
        };
        let [r, g, b] = share(*colour);
        self.content
            .set_stroke_rgb(r, g, b)
            .set_line_width(stroke.width().get())
            .set_line_cap(match stroke.linecap() {
                usvg::LineCap::Butt => LineCapStyle::ButtCap,
                usvg::LineCap::Round => LineCapStyle::RoundCap,
                usvg::LineCap::Square => LineCapStyle::ProjectingSquareCap,
            })
            .set_line_join(match stroke.linejoin() {
                usvg::LineJoin::Round => LineJoinStyle::RoundJoin,
                usvg::LineJoin::Bevel => LineJoinStyle::BevelJoin,
                usvg::LineJoin::Miter | usvg::LineJoin::MiterClip => LineJoinStyle::MiterJoin,
            });
        if let Some(dashes) = stroke.dasharray() {
            self.content
                .set_dash_pattern(dashes.iter().copied(), stroke.dashoffset());
        }
        true
    }

    /// Glyph by glyph, as usvg has placed them. A halo is stroked below.
    fn text(&mut self, text: &usvg::Text) {
        for span in text.layouted() {
            self.content.save_state();
            if let Some(stroke) = &span.stroke
                && self.stroke(stroke)
            {
                self.glyphs(&span.positioned_glyphs, TextRenderingMode::Stroke);
            }
            if let Some(fill) = &span.fill
                && self.fill(fill.paint(), Transform::identity())
            {
                self.glyphs(&span.positioned_glyphs, TextRenderingMode::Fill);
            }
            self.content.restore_state();
        }
    }

    fn glyphs(&mut self, glyphs: &[usvg::layout::PositionedGlyph], mode: TextRenderingMode) {
        self.content
            .begin_text()
            .set_text_rendering_mode(mode)
            .set_font(Name(b"F"), 1.0);
        for glyph in glyphs {
            let code = self.font.code_of(glyph.id.0 as u16, &glyph.text);
            // Outlines are given in units of the font, a PDF's font in ems.
            let em = self.font.units_per_em();
            let at = glyph.outline_transform().pre_scale(em, em);
            self.content
                .set_text_matrix(matrix(at))
                .show(Str(&code.to_be_bytes()));
        }
        self.content.end_text();
    }

    fn finish(mut self, title: &str, width: f32, height: f32) -> Option<Vec<u8>> {
        self.pdf.catalog(CATALOG).pages(PAGES);
        self.pdf.pages(PAGES).kids([PAGE]).count(1);
        let mut page = self.pdf.page(PAGE);
        page.media_box(Rect::new(0.0, 0.0, width, height));
        page.parent(PAGES);
        page.contents(CONTENT);
        // Transparent bands mix their colours as on a screen.
        page.group()
            .transparency()
            .isolated(true)
            .knockout(false)
            .color_space()
            .device_rgb();
        let mut resources = page.resources();
        resources.fonts().pair(Name(b"F"), FONT);
        let named = |letter: char, refs: &[Ref]| -> Vec<(String, Ref)> {
            let named = refs.iter().enumerate();
            named
                .map(|(at, id)| (format!("{letter}{at}"), *id))
                .collect()
        };
        let mut pictures = resources.x_objects();
        for (name, id) in named('P', &self.pictures) {
            pictures.pair(Name(name.as_bytes()), id);
        }
        pictures.finish();
        let mut patterns = resources.patterns();
        for (name, id) in named('G', &self.gradients) {
            patterns.pair(Name(name.as_bytes()), id);
        }
        patterns.finish();
        let mut opacities = resources.ext_g_states();
        for (&(filling, stroking), id) in &self.opacities {
            opacities.pair(Name(opacity_name(filling, stroking).as_bytes()), *id);
        }
        opacities.finish();
        resources.finish();
        page.finish();
        for (&(filling, stroking), id) in &self.opacities {
            let [filling, stroking] = [filling, stroking].map(|share| f32::from(share) / 1000.0);
            self.pdf
                .ext_graphics(*id)
                .non_stroking_alpha(filling)
                .stroking_alpha(stroking);
        }
        self.font.embed(&mut self.pdf, FONT)?;
        let content = compress_to_vec_zlib(&self.content.finish(), LEVEL);
        self.pdf
            .stream(CONTENT, &content)
            .filter(Filter::FlateDecode);
        let mut info = self.pdf.document_info(INFO);
        if !title.is_empty() {
            info.title(TextStr(title));
        }
        info.creator(TextStr("Attune"));
        info.finish();
        Some(self.pdf.finish())
    }
}

fn opacity_name(filling: u16, stroking: u16) -> String {
    format!("O{filling}-{stroking}")
}

fn share(colour: usvg::Color) -> [f32; 3] {
    [colour.red, colour.green, colour.blue].map(|channel| f32::from(channel) / 255.0)
}

fn matrix(t: Transform) -> [f32; 6] {
    [t.sx, t.ky, t.kx, t.sy, t.tx, t.ty]
}
