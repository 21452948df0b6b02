//! The font of figures, and how wide a text is in it.

use resvg::usvg::{self, fontdb};
use std::sync::{Arc, OnceLock};

/// First choice and look-alikes (Verdana has the same widths) for programs that show the SVG.
pub(super) const FAMILY: &str = "DejaVu Sans, Verdana, sans-serif";

/// DejaVu Sans.
pub(super) const FONT: &[u8] = include_bytes!("../../../assets/fonts/DejaVuSans.ttf");

/// How resvg reads a figure: with the font inside the program and no other.
pub(super) fn options() -> usvg::Options<'static> {
    static FONTS: OnceLock<Arc<fontdb::Database>> = OnceLock::new();
    let fonts = FONTS.get_or_init(|| {
        let mut fonts = fontdb::Database::new();
        fonts.load_font_data(FONT.to_vec());
        Arc::new(fonts)
    });
    usvg::Options {
        font_family: "DejaVu Sans".to_owned(),
        fontdb: Arc::clone(fonts),
        ..usvg::Options::default()
    }
}

/// Width of a text in points.
pub(super) fn width(text: &str, size_pt: f64) -> f64 {
    if text.trim().is_empty() {
        return 0.0;
    }
    // Measured large, because boxes have the precision of f32.
    let svg = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' width='10' height='10'><text y='100' font-family='DejaVu Sans' font-size='100'>{}</text></svg>",
        escaped(text)
    );
    match usvg::Tree::from_str(&svg, &options()) {
        Ok(tree) => f64::from(tree.root().abs_bounding_box().width()) * size_pt / 100.0,
        // Wide enough for nearly any text.
        Err(_) => text.chars().count() as f64 * 0.65 * size_pt,
    }
}

/// The text, cut with an ellipsis if it is wider than `max_pt`.
pub(super) fn fitted(text: &str, size_pt: f64, max_pt: f64) -> String {
    if width(text, size_pt) <= max_pt {
        return text.to_owned();
    }
    let mut kept: Vec<char> = text.chars().collect();
    loop {
        // By a share first: long texts would take long, character by character.
        let n_cut = (kept.len() / 8).max(1);
        kept.truncate(kept.len().saturating_sub(n_cut));
        let shorter: String = kept.iter().collect::<String>().trim_end().to_owned() + "…";
        if kept.is_empty() || width(&shorter, size_pt) <= max_pt {
            return shorter;
        }
    }
}

/// Fit for XML: what has a meaning there is escaped, what must not stand there is replaced.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{FFFE}' | '\u{FFFF}' => out.push('\u{FFFD}'),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wider_texts_are_wider() {
        // Advance of "m" in DejaVu Sans: 1995 of 2048 units.
        let m = width("mmmmmmmmmm", 10.0);
        assert!((m - 97.0).abs() < 2.0, "{m}");
        assert!(width("iiiiiiiiii", 10.0) < m / 2.0);
        assert_eq!(width(" ", 10.0), 0.0);
    }

    #[test]
    fn long_texts_are_cut() {
        let cut = fitted(&"guitar ".repeat(50), 8.0, 100.0);
        assert!(cut.ends_with('…') && width(&cut, 8.0) <= 100.0, "{cut}");
        assert_eq!(fitted("guitar", 8.0, 100.0), "guitar");
    }

    #[test]
    fn anything_becomes_fit_for_xml() {
        assert_eq!(
            escaped("a<b> & \u{1}\"c\""),
            "a&lt;b&gt; &amp;  &quot;c&quot;"
        );
    }
}
