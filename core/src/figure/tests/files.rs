//! The files of figures: what a reader of PDF, LaTeX and CSV makes of them.

use super::super::{Error, Scale};
use super::{Axis, Figure, Format, Layer, Panel, Print, PrintSize, curves, palette, timeline};
use miniz_oxide::inflate::decompress_to_vec_zlib;
use std::path::Path;

fn text(figure: &Figure, format: Format) -> String {
    String::from_utf8(figure.to_bytes(format).unwrap()).unwrap()
}

/// Braces and brackets close, each panel has its axis, each label its entry.
pub(super) fn check_tex(figure: &Figure) {
    let tex = text(figure, Format::Tex);
    let mut depth = 0;
    let mut before = ' ';
    for c in tex.chars() {
        depth += match c {
            '{' if before != '\\' => 1,
            '}' if before != '\\' => -1,
            _ => 0,
        };
        assert!(depth >= 0, "{tex}");
        before = c;
    }
    assert_eq!(depth, 0, "{tex}");
    assert_eq!(tex.matches(r"\nextgroupplot[").count(), figure.panels.len());
    let begun = tex.matches(r"\begin{").count();
    assert_eq!(begun, tex.matches(r"\end{").count());
    let labels = figure.panels.iter().flat_map(|panel| &panel.layers);
    let mut labels: Vec<&str> = labels.map(Layer::legend_label).collect();
    labels.retain(|label| !label.is_empty());
    if figure.n_columns > 1 {
        labels.sort_unstable();
        labels.dedup();
    }
    assert_eq!(tex.matches(r"\addlegendentry{").count(), labels.len());
    for number in ["NaN", "inf"] {
        assert!(!tex.contains(&format!("({number},")), "{tex}");
        assert!(!tex.contains(&format!(",{number})")), "{tex}");
    }
}

pub(super) fn check_csv(figure: &Figure) {
    let table = text(figure, Format::Csv);
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    assert_eq!(reader.headers().unwrap().len(), 9);
    for row in reader.records() {
        let row = row.unwrap();
        for number in row.iter().skip(4).filter(|cell| !cell.is_empty()) {
            assert!(number.parse::<f64>().unwrap().is_finite());
        }
    }
}

/// The packed streams of a PDF, unpacked.
fn streams(pdf: &[u8]) -> Vec<Vec<u8>> {
    let find = |from: usize, what: &[u8]| {
        let windows = pdf[from..].windows(what.len());
        windows
            .into_iter()
            .position(|w| w == what)
            .map(|at| from + at)
    };
    let mut streams = Vec::new();
    let mut at = 0;
    while let Some(start) = find(at, b"\nstream\n") {
        let start = start + 8;
        let end = find(start, b"\nendstream").unwrap();
        streams.extend(decompress_to_vec_zlib(&pdf[start..end]));
        at = end;
    }
    streams
}

#[test]
fn a_pdf_has_its_size_its_letters_and_no_whole_font() {
    let print = Print {
        size: PrintSize::SingleColumn,
        font_pt: Some(6.0),
    };
    let figure = print.apply(&curves());
    let pdf = figure.to_bytes(Format::Pdf).unwrap();
    let words = String::from_utf8_lossy(&pdf);
    // 85 mm.
    assert!(words.contains("/MediaBox [0 0 240.94"), "{words}");
    assert!(words.contains("/FontFile2") && words.contains("/ToUnicode"));
    assert!(pdf.len() < 200_000, "{} bytes", pdf.len());
    let content = streams(&pdf).into_iter();
    let content = content.map(|stream| String::from_utf8_lossy(&stream).into_owned());
    let content = content
        .max_by_key(|text| text.matches(" Tm").count())
        .unwrap();
    let n_letters = "tiny on demo: loss".len() + "training, each step".len();
    assert!(content.matches("Tj").count() > n_letters);
    // The mark's dashes, and a line of thousands of points.
    assert!(
        content.contains("] 0 d") || content.contains("] 0.0 d"),
        "{content}"
    );
    assert!(content.matches(" l\n").count() > 2000);
}

#[test]
fn a_pdf_holds_heat_maps_as_pictures_and_their_colours_as_a_gradient() {
    let pdf = timeline().to_bytes(Format::Pdf).unwrap();
    let words = String::from_utf8_lossy(&pdf);
    assert_eq!(words.matches("/Subtype /Image").count(), 2);
    assert!(words.contains("/Width 600") && words.contains("/Height 64"));
    assert!(words.contains("/ShadingType 2"));
    let picture = streams(&pdf).into_iter().find(|s| s.len() == 600 * 64 * 3);
    // The first row of the file is the top one: band 63, silent at time 0.
    assert!(picture.is_some());
}

#[test]
fn pgfplots_has_the_ranges_ticks_and_numbers_of_the_other_formats() {
    let line = vec![[1.0, 0.25], [2.0, f64::NAN], [3.0, 0.5], [4.0, 1e30]];
    let mut y = Axis::new("Loss_1", "%").log();
    y.range = Some([0.1, 1.0]);
    let figure = Figure::new("R&B", Axis::new("Step", "").range(0.0, 5.0))
        .with(Panel::new(y).line("a {run}", palette(0), line));
    let tex = text(&figure, Format::Tex);
    for wanted in [
        "xmin=0, xmax=5,",
        "ymin=0.1, ymax=1, ymode=log,",
        r"R\&B}",
        r"ylabel={Loss\_1 (\%)}",
        r"\addlegendentry{a \{run\}}",
        // One point before the gap, which no line can pass.
        "{(1,0.25) };",
        "(3,0.5) (4,1000",
        "red,0;green,114;blue,178",
    ] {
        assert!(tex.contains(wanted), "no {wanted} in {tex}");
    }
    assert!(!tex.contains("1000000000000"), "too large for TeX: {tex}");
    assert_eq!(figure.panels[0].y.scale, Scale::Log);
}

#[test]
fn a_table_has_what_is_in_view_and_nothing_else() {
    let figure = Figure::new("", Axis::new("Step", "").range(1.0, 2.0)).with(
        Panel::new(Axis::new("Loss", "nat"))
            .line(
                "a, \"b\"",
                palette(0),
                vec![[0.0, 7.0], [1.0, 0.1], [2.0, f64::NAN]],
            )
            .layer(Layer::Band {
                label: "raw".to_owned(),
                colour: palette(0),
                points: vec![[1.5, 0.0, 0.3]],
            })
            .mark(2.0, "best"),
    );
    assert_eq!(
        text(&figure, Format::Csv),
        "panel,layer,kind,name,x,y,low,high,value\n\
         Loss (nat),\"a, \"\"b\"\"\",line,,1,0.1,,,\n\
         Loss (nat),\"a, \"\"b\"\"\",line,,2,,,,\n\
         Loss (nat),raw,band,,1.5,,0,0.3,\n\
         Loss (nat),,mark,best,2,,,,\n"
    );
}

#[test]
fn the_ending_says_what_is_written_and_others_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (name, start) in [
        ("a.svg", "<svg"),
        ("a.PNG", "\u{FFFD}PNG"),
        ("a.pdf", "%PDF"),
        ("a.tex", "% pdflatex"),
        ("a.csv", "panel,"),
    ] {
        let path = folder.path().join(name);
        curves().write(&path).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert!(String::from_utf8_lossy(&bytes).starts_with(start), "{name}");
    }
    for name in ["a.jpg", "a"] {
        let path = folder.path().join(name);
        let error = curves().write(&path).unwrap_err();
        assert!(matches!(error, Error::Ending { .. }));
        assert!(error.to_string().contains(".svg, .png, .pdf, .tex or .csv"));
        assert!(!path.exists());
    }
    assert_eq!(Format::of(Path::new("x/y.Tex")).unwrap(), Format::Tex);
}

#[test]
fn a_print_size_sets_width_and_letters_and_keeps_proportions() {
    let screen = curves();
    let column = Print {
        size: PrintSize::SingleColumn,
        font_pt: None,
    };
    let column = column.apply(&screen);
    assert!((column.width_pt * column.zoom - 85.0 / 25.4 * 72.0).abs() < 1e-9);
    let svg = column.to_svg();
    assert!(svg.contains(r#"width="240.94pt""#), "{svg}");
    // Letters along axes are laid out with 8.5 pt and come out with 7.
    assert!((column.zoom - 7.0 / 8.5).abs() < 1e-12);
    let shape = |figure: &Figure| figure.panels[0].height_pt / figure.width_pt;
    assert!((shape(&column) - shape(&screen)).abs() < 1e-9);
    assert_eq!(Print::default().apply(&screen).to_svg(), screen.to_svg());
}
