//! Figures are checked as a reader sees them: every text within the page, none over another.

mod files;

use super::{
    Axis, Colour, ColourMap, Figure, Format, HeatMap, Layer, Panel, Print, PrintSize, Stroke,
    Ticks, palette, text,
};
use resvg::usvg;

/// Boxes (left, top, right, bottom) of all texts, in points.
fn text_boxes(figure: &Figure) -> (Vec<(String, [f32; 4])>, [f32; 2]) {
    fn collect(group: &usvg::Group, boxes: &mut Vec<(String, [f32; 4])>) {
        for node in group.children() {
            match node {
                usvg::Node::Group(group) => collect(group, boxes),
                usvg::Node::Text(text) => {
                    let rect = text.abs_bounding_box();
                    let words = text.chunks().iter().map(|chunk| chunk.text());
                    boxes.push((
                        words.collect(),
                        [rect.left(), rect.top(), rect.right(), rect.bottom()],
                    ));
                }
                _ => {}
            }
        }
    }
    let tree = usvg::Tree::from_str(&figure.to_svg(), &text::options()).unwrap();
    let mut boxes = Vec::new();
    collect(tree.root(), &mut boxes);
    (boxes, [tree.size().width(), tree.size().height()])
}

fn check(figure: &Figure) {
    let (boxes, [width, height]) = text_boxes(figure);
    for (i, (text, [left, top, right, bottom])) in boxes.iter().enumerate() {
        assert!(
            *left >= 0.0 && *top >= 0.0 && *right <= width && *bottom <= height,
            "{text:?} is cut off: {left}..{right} of {width}, {top}..{bottom} of {height}"
        );
        for (other, [l, t, r, b]) in &boxes[..i] {
            // Boxes hold ascenders and descenders that the letters may not have.
            let slack = 2.0 * figure.zoom as f32;
            let apart = *left >= r - slack
                || *l >= right - slack
                || *top >= b - slack
                || *t >= bottom - slack;
            assert!(apart, "{text:?} lies over {other:?}");
        }
    }
    assert!(figure.to_png(1.0).unwrap().starts_with(b"\x89PNG"));
    assert!(
        figure
            .to_bytes(Format::Pdf)
            .unwrap()
            .starts_with(b"%PDF-1.")
    );
    files::check_tex(figure);
    files::check_csv(figure);
}

fn curves() -> Figure {
    let wave = |phase: f64| -> Vec<[f64; 2]> {
        let steps = (0..4000).map(f64::from);
        steps
            .map(|x| {
                [
                    x * 5.0,
                    0.2 + 0.5 * (-x / 900.0).exp() + 0.04 * (x * 1.7 + phase).sin(),
                ]
            })
            .collect()
    };
    let slow = (0..20).map(|i| f64::from(i) * 1000.0 + 1000.0);
    let validation: Vec<_> = slow
        .map(|x| [x, 0.25 + 0.4 * (-x / 5000.0).exp()])
        .collect();
    let band = validation
        .iter()
        .map(|&[x, y]| [x, y - 0.03, y + 0.03])
        .collect();
    let rates = [
        (0.0, 1e-4),
        (9999.0, 1e-4),
        (10_000.0, 1e-5),
        (20_000.0, 3e-6),
    ];
    Figure::new(
        "tiny on demo: loss",
        Axis::new("Training step", "").ticks(Ticks::Whole),
    )
    .with(
        Panel::new(Axis::new("Loss", ""))
            .layer(Layer::Line {
                label: "training, each step".to_owned(),
                colour: palette(0),
                stroke: Stroke::Faint,
                points: wave(0.0),
            })
            .layer(Layer::Band {
                label: "validation, 95 %".to_owned(),
                colour: palette(1),
                points: band,
            })
            .line("validation", palette(1), validation)
            .mark(15_000.0, "best: epoch 15")
            .mark(15_500.0, "learning rate 1e-5")
            .mark(19_900.0, "stopped early")
            .layer(Layer::Level {
                label: "chance".to_owned(),
                y: 0.69,
            }),
    )
    .with(
        Panel::new(Axis::new("Learning rate", "").log())
            .height(80.0)
            .line("", palette(2), rates.map(|(x, y)| [x, y]).to_vec()),
    )
}

fn timeline() -> Figure {
    let n_frames = 600;
    let cells = (0..64).flat_map(|row| (0..n_frames).map(move |column| (row, column)));
    let log_mel =
        cells.map(|(row, column)| -80.0 + 70.0 * ((row * column) as f32 / 900.0).sin().abs());
    let curve = |phase: f64| -> Vec<[f64; 2]> {
        let times = (0..300).map(|i| f64::from(i) * 0.5);
        times.map(|t| [t, (t / 9.0 + phase).sin() * 0.8]).collect()
    };
    let mut figure = Figure::new(
        "chiptune_song.ogg: what makes it \u{201c}guitar\u{201d}",
        Axis::time(),
    )
    .with(
        Panel::new(Axis::new("Band", "").ticks(Ticks::Whole))
            .height(80.0)
            .layer(Layer::HeatMap(HeatMap {
                x: [0.0, 150.0],
                y: [0.0, 64.0],
                n_columns: n_frames as usize,
                values: log_mel.collect(),
                range: None,
                map: ColourMap::Magma,
                label: "Level (dB)".to_owned(),
            })),
    )
    .with(
        Panel::lane("Waveform\nmono").layer(Layer::Envelope {
            colour: palette(0),
            points: (0..1500)
                .map(|i| f64::from(i) * 0.1)
                .map(|t| [t, -(t * 3.7).sin().abs() * (t * 0.1).cos(), (t * 0.1).cos()])
                .collect(),
        }),
    )
    .with(Panel::lane("Attention").layer(Layer::HeatMap(HeatMap {
        x: [0.0, 150.0],
        y: [0.0, 1.0],
        n_columns: 40,
        values: (0..40).map(|i| (i as f32 * 0.7).sin().powi(2)).collect(),
        range: None,
        map: ColourMap::Paper,
        label: String::new(),
    })));
    for (i, tag) in [
        "guitar",
        "female vocalists",
        "a tag with a name that nobody would want to read whole",
    ]
    .iter()
    .enumerate()
    {
        let mut axis = Axis::new(*tag, "").ticks(Ticks::None);
        axis.range = Some([-1.0, 1.0]);
        let mut lane = Panel::lane("");
        lane.y = axis;
        figure = figure.with(
            lane.layer(Layer::Spans {
                label: String::new(),
                colour: Colour::TRUTH,
                spans: vec![[10.0 * i as f64, 40.0], [90.0, 120.0]],
            })
            .layer(Layer::Area {
                label: String::new(),
                above: palette(1),
                below: palette(0),
                points: curve(i as f64),
            }),
        );
    }
    figure
}

fn bars() -> Figure {
    let names: Vec<_> = ["rock", "ambient", "drum and bass", "female vocalists"]
        .iter()
        .enumerate()
        .map(|(i, name)| (i as f64, (*name).to_owned()))
        .collect();
    let axis = Axis::new("", "").range(-0.6, 3.6).ticks(Ticks::At(names));
    Figure::new(
        "Scores by tag",
        Axis::new("Area under the curve", "").range(0.0, 1.0),
    )
    .with(
        Panel::new(axis).height(64.0).layer(Layer::Bars {
            label: "ROC-AUC".to_owned(),
            colour: palette(0),
            thickness: 0.36,
            points: (0..4)
                .map(|i| [0.9 - 0.1 * f64::from(i), f64::from(i)])
                .collect(),
        }),
    )
}

fn small_multiples() -> Figure {
    let tags = [
        "piano",
        "drum and bass of the early nineties",
        "R&B",
        "sad",
        "fast",
    ];
    let panels = tags.iter().enumerate().map(|(at, tag)| {
        let label = if at % 3 == 0 {
            "True positive rate"
        } else {
            ""
        };
        let mut panel = Panel::new(Axis::new(label, "").range(0.0, 1.0))
            .height(80.0)
            .title(*tag)
            .note("0.912, 0.934");
        for (run, name) in ["first-1", "second-1"].iter().enumerate() {
            let bend = 0.2 + 0.1 * (run + at) as f64;
            let points = (0..=50).map(|step| f64::from(step) / 50.0);
            let points: Vec<_> = points.map(|x| [x, x.powf(bend)]).collect();
            let dot = points[10 + at];
            panel = panel.line(*name, palette(run), points).layer(Layer::Dots {
                label: String::new(),
                colour: palette(run),
                points: vec![dot],
            });
        }
        panel
    });
    let x = Axis::new("False positive rate", "").range(0.0, 1.0);
    panels
        .fold(Figure::new("Two runs", x), Figure::with)
        .in_columns(3)
}

/// Rows and columns with names that have no room side by side.
fn table_of(n_rows: usize, n_columns: usize) -> Figure {
    let ticks = |n: usize| -> Ticks {
        let names = (0..n).map(|at| (at as f64 + 0.5, format!("number {at} of many names")));
        Ticks::At(names.collect())
    };
    let [x, y] =
        [n_columns, n_rows].map(|n| Axis::new("", "").range(0.0, n as f64).ticks(ticks(n)));
    let map = HeatMap {
        x: [0.0, n_columns as f64],
        y: [0.0, n_rows as f64],
        n_columns,
        values: (0..n_rows * n_columns).map(|at| at as f32).collect(),
        range: None,
        map: ColourMap::Paper,
        label: "score".to_owned(),
    };
    let panel = Panel::new(y).height(200.0).layer(Layer::HeatMap(map));
    Figure::new("Runs and tags", x).with(panel)
}

#[test]
fn small_multiples_stand_row_by_row_under_one_legend() {
    let figure = small_multiples();
    let (boxes, _) = text_boxes(&figure);
    let places = |words: &str| -> Vec<[f32; 4]> {
        let found = boxes.iter().filter(|(text, _)| text == words);
        found.map(|(_, place)| *place).collect()
    };
    let one = |words: &str| match places(words)[..] {
        [place] => place,
        ref other => panic!("{words}: {other:?}"),
    };
    let (left, top) = (0, 1);
    assert!(
        one("first-1")[top] < one("piano")[top],
        "the legend is above"
    );
    assert_eq!(one("piano")[top], one("R&B")[top]);
    assert!(one("R&B")[left] > one("piano")[left]);
    assert_eq!(one("sad")[left], one("piano")[left]);
    assert!(one("sad")[top] > one("piano")[top]);
    // Each column has its numbers below its last panel; the third ends a row earlier.
    let numbers = places("0.5").into_iter().filter(|place| {
        let beside = places("sad")[0][left];
        place[left] > beside + 20.0 && place[top] > one("R&B")[top] + 70.0
    });
    let mut tops: Vec<i32> = numbers.map(|place| place[top] as i32).collect();
    tops.sort_unstable();
    tops.dedup();
    assert!(tops.len() >= 2, "{tops:?}");
}

#[test]
fn nothing_is_cut_off_or_overlaps() {
    let tables = [table_of(3, 20), table_of(200, 90)];
    let others = [curves(), timeline(), bars(), small_multiples()];
    for figure in others.into_iter().chain(tables) {
        check(&figure);
        for size in PrintSize::ALL {
            let font_pt = None;
            check(&Print { size, font_pt }.apply(&figure));
        }
    }
}

#[test]
fn odd_data_still_make_a_figure() {
    let nan = f64::NAN;
    let line = |points: &[[f64; 2]]| {
        Figure::new("", Axis::new("x", "")).with(Panel::new(Axis::new("y", "")).line(
            "l",
            palette(0),
            points.to_vec(),
        ))
    };
    check(&Figure::new("no panels", Axis::time()));
    check(&line(&[]));
    check(&line(&[[1.0, 2.0]]));
    check(&line(&[[1.0, nan], [nan, 2.0], [3.0, f64::INFINITY]]));
    check(&line(&[[0.0, 1e-30], [1e9, 1e30]]));
    check(&line(&[[-1e-7, -3e-6], [1e-7, 2e-6]]));
    let mut log = line(&[[1.0, 0.0], [2.0, -1.0], [3.0, 10.0]]);
    log.panels[0].y.scale = super::Scale::Log;
    check(&log);
    check(&Figure::new("<&\"'>\u{0} 日本語", Axis::new("]]>", "<")).with(Panel::lane("&amp;")));
}

#[test]
fn texts_are_texts_and_escaped() {
    let svg = Figure::new("R&B <live>", Axis::new("Time", "s"))
        .with(Panel::new(Axis::new("Loss", "")))
        .to_svg();
    assert!(svg.contains(">R&amp;B &lt;live&gt;</text>"), "{svg}");
    assert!(svg.contains(">Time (s)</text>"));
}

#[test]
fn a_heat_map_has_the_same_pixels_in_png_as_its_numbers_say() {
    let map = HeatMap {
        x: [0.0, 2.0],
        y: [0.0, 1.0],
        n_columns: 2,
        values: vec![0.0, 1.0],
        range: None,
        map: ColourMap::Paper,
        label: String::new(),
    };
    let mut panel = Panel::new(Axis::new("", "").ticks(Ticks::None)).layer(Layer::HeatMap(map));
    panel.height_pt = 40.0;
    let figure = Figure::new("", Axis::new("", "").ticks(Ticks::None)).with(panel);
    let png = image::load_from_memory(&figure.to_png(2.0).unwrap())
        .unwrap()
        .to_rgb8();
    let middle = png.height() / 2;
    assert_eq!(png.get_pixel(png.width() / 4, middle).0, [255; 3]);
    assert_eq!(
        png.get_pixel(png.width() * 3 / 4, middle).0,
        [0x08, 0x30, 0x6B]
    );
}

/// Writes the figures of these tests to look at: `ATTUNE_FIGURES=/tmp/figures cargo test figures_to_look_at`.
#[test]
fn figures_to_look_at() {
    let Some(folder) = std::env::var_os("ATTUNE_FIGURES").map(std::path::PathBuf::from) else {
        return;
    };
    for (name, figure) in [
        ("curves", curves()),
        ("timeline", timeline()),
        ("bars", bars()),
        ("small_multiples", small_multiples()),
        ("table", table_of(12, 20)),
    ] {
        for format in Format::ALL {
            let path = folder.join(name).with_extension(format.ending());
            figure.write(&path).unwrap();
        }
        let print = Print {
            size: PrintSize::SingleColumn,
            font_pt: None,
        };
        let path = folder.join(format!("{name}-column.pdf"));
        print.apply(&figure).write(&path).unwrap();
    }
}
