//! A figure as pixels. resvg paints lines and text; heat maps are laid below them, pixel for pixel.

use super::heat::Pixels;
use super::layout::Layout;
use super::svg::{Pictures, pictures, write};
use super::{Error, Figure, text};
use resvg::tiny_skia::{
    BYTES_PER_PIXEL, Color, FilterQuality, Mask, PathBuilder, Pixmap, PixmapPaint, Transform,
};
use resvg::{tiny_skia, usvg};

/// The figure as a PNG file in memory, with `scale` pixels per point.
pub(super) fn png(figure: &Figure, scale: f32) -> Result<Vec<u8>, Error> {
    let layout = Layout::new(figure);
    let scale = scale * figure.zoom as f32;
    let failed = |what: &dyn std::fmt::Display| Error::Render(what.to_string());
    let size = [figure.width_pt, layout.height].map(|pt| (pt * f64::from(scale)).round() as u32);
    let mut pixmap = Pixmap::new(size[0], size[1])
        .ok_or_else(|| failed(&format!("{} by {} pixels", size[0], size[1])))?;
    pixmap.fill(Color::WHITE);
    for (panel, place) in figure.panels.iter().zip(&layout.panels) {
        let plot = place.plot;
        let plot = [plot.left, plot.top, plot.right, plot.bottom].map(|pt| pt as f32 * scale);
        for (rect, map) in pictures(panel, place) {
            let rect = [rect.left, rect.top, rect.right, rect.bottom].map(|pt| pt as f32 * scale);
            paint(&mut pixmap, &map.pixels(), rect, plot)
                .ok_or_else(|| failed(&"a heat map without size"))?;
        }
    }
    let svg = write(figure, &layout, Pictures::Below);
    let tree = usvg::Tree::from_str(&svg, &text::options()).map_err(|error| failed(&error))?;
    let fit = Transform::from_scale(
        size[0] as f32 / tree.size().width(),
        size[1] as f32 / tree.size().height(),
    );
    resvg::render(&tree, fit, &mut pixmap.as_mut());
    pixmap.encode_png().map_err(|error| failed(&error))
}

/// Stretches a picture over `rect` (left, top, right, bottom in pixels), within `plot`. Cells keep their edges.
fn paint(pixmap: &mut Pixmap, pixels: &Pixels, rect: [f32; 4], plot: [f32; 4]) -> Option<()> {
    let mut picture = Pixmap::new(pixels.width as u32, pixels.height as u32)?;
    let into = picture.data_mut().chunks_exact_mut(BYTES_PER_PIXEL);
    for (into, from) in into.zip(pixels.rgb.chunks_exact(3)) {
        into.copy_from_slice(&[from[0], from[1], from[2], 0xFF]);
    }
    let [left, top, right, bottom] = rect;
    let stretch = [
        (right - left) / pixels.width as f32,
        (bottom - top) / pixels.height as f32,
    ];
    // Pictures finer than the paper are averaged, coarser ones keep sharp cells.
    let quality = if stretch[0] < 1.0 || stretch[1] < 1.0 {
        FilterQuality::Bilinear
    } else {
        FilterQuality::Nearest
    };
    let mut mask = Mask::new(pixmap.width(), pixmap.height())?;
    let plot = tiny_skia::Rect::from_ltrb(plot[0], plot[1], plot[2], plot[3])?;
    mask.fill_path(
        &PathBuilder::from_rect(plot),
        tiny_skia::FillRule::Winding,
        true,
        Transform::identity(),
    );
    pixmap.draw_pixmap(
        0,
        0,
        picture.as_ref(),
        &PixmapPaint {
            quality,
            ..PixmapPaint::default()
        },
        Transform::from_row(stretch[0], 0.0, 0.0, stretch[1], left, top),
        Some(&mask),
    );
    Some(())
}
