//! The folder that a finished run leaves for people: curves, tables of the validations and of the tags, and a page that holds them together.

mod validations;

pub(super) use validations::csv as validations_csv;

use super::{Bottleneck, Error, Event, History, Scalar, Smoothed, SystemLog};
use crate::figure::{Axis, Figure, Layer, Panel, Stroke, Ticks, palette};
use crate::metrics::Scores;
use crate::workspace::write_whole;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Scores of the tags on a split, as a rule the test split.
#[derive(Clone, Debug, PartialEq)]
pub struct TestScores {
    /// Names of the tags.
    pub tags: Vec<String>,
    /// Their scores, in that order.
    pub scores: Scores,
}

/// A figure and the file name (without ending) under which it lies in the report.
#[derive(Clone, Debug)]
pub struct NamedFigure {
    /// File name without ending, such as `attention`.
    pub name: String,
    /// What it shows, in a sentence below it.
    pub caption: String,
    /// The figure.
    pub figure: Figure,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The folder.
    pub folder: PathBuf,
    /// The page: `report.md`.
    pub page: PathBuf,
    /// All files, the page last.
    pub files: Vec<PathBuf>,
}

/// As [`write_on`], with scores on the split `test`.
pub fn write(
    folder: &Path,
    history: &History,
    test: &TestScores,
    figures: &[NamedFigure],
) -> Result<Report, Error> {
    write_on(folder, history, "test", test, figures)
}

/// Writes `report.md`, `loss.{png,svg}`, `auc.{png,svg}`, `scores.{png,svg}` (bars by tag), `tags.{csv,md}` and the given
/// figures into `folder`, and `validations.csv`; the scores are those on `split`. The folder is made if need be. Files of an earlier report are
/// replaced, each whole or not at all.
pub fn write_on(
    folder: &Path,
    history: &History,
    split: &str,
    test: &TestScores,
    figures: &[NamedFigure],
) -> Result<Report, Error> {
    let mut own = vec![
        NamedFigure {
            name: "loss".to_owned(),
            caption: "Loss (binary cross entropy) over the training steps.".to_owned(),
            figure: loss_figure(history),
        },
        NamedFigure {
            name: "auc".to_owned(),
            caption: "Macro ROC-AUC and PR-AUC on the validation split, and running over the newest training clips.".to_owned(),
            figure: auc_figure(history),
        },
    ];
    if !test.tags.is_empty() {
        own.push(NamedFigure {
            name: "scores".to_owned(),
            caption: format!("ROC-AUC and PR-AUC of each tag on the split {split}."),
            figure: scores_figure(split, test),
        });
    }
    let mut files = Vec::new();
    for named in own.iter().chain(figures) {
        let (png, svg) = (
            folder.join(format!("{}.png", named.name)),
            folder.join(format!("{}.svg", named.name)),
        );
        named.figure.write(&png)?;
        named.figure.write(&svg)?;
        files.extend([png, svg]);
    }
    let table = tag_table(test);
    let page = page(history, split, test, own.iter().chain(figures), &table);
    let texts = [
        ("validations.csv", validations_csv(history)),
        ("tags.csv", tag_csv(test)),
        ("tags.md", table),
        ("report.md", page),
    ];
    for (name, text) in texts {
        let path = folder.join(name);
        write_whole(&path, |file| file.write_all(text.as_bytes())).map_err(Error::io(&path))?;
        files.push(path);
    }
    Ok(Report {
        folder: folder.to_owned(),
        page: folder.join("report.md"),
        files,
    })
}

/// Training loss (raw and smoothed) and validation loss over the steps.
pub fn loss_figure(history: &History) -> Figure {
    let raw = history.series(Scalar::Loss);
    // Over a fortieth of the run: a fixed width would lag behind in a short one.
    let mut smoothed = Smoothed::new((1.0 - 40.0 / raw.len().max(1) as f64).clamp(0.0, 0.98));
    smoothed.follow(raw);
    let points = |series: &super::Series| -> Vec<[f64; 2]> {
        let points = series.iter();
        points
            .map(|(step, value)| [step as f64, f64::from(value)])
            .collect()
    };
    let mut panel = Panel::new(Axis::new("Loss", ""));
    if raw.len() > 50 {
        panel = panel
            .layer(Layer::Line {
                label: "training, each step".to_owned(),
                colour: palette(0),
                stroke: Stroke::Faint,
                points: points(raw),
            })
            .line("training, smoothed", palette(0), points(smoothed.series()));
    } else {
        panel = panel.line("training", palette(0), points(raw));
    }
    let validation = history
        .validations()
        .iter()
        .map(|v| [v.step as f64, v.loss]);
    panel = panel.line("validation", palette(1), validation.collect());
    Figure::new(title(history, "loss"), step_axis(history)).with(with_best(panel, history))
}

/// Macro ROC-AUC and PR-AUC of the validations, and of the last training clips, over the steps; ROC-AUC of localisation, if it was measured.
pub fn auc_figure(history: &History) -> Figure {
    let mut panel = Panel::new(Axis::new("Area under the curve", ""));
    let measures = [
        ("ROC-AUC", palette(0), Scalar::RunningRocAuc, true),
        ("PR-AUC", palette(1), Scalar::RunningAveragePrecision, false),
    ];
    for (name, colour, running, is_roc) in measures {
        let running = history.series(running);
        if !running.is_empty() {
            let points = running
                .iter()
                .map(|(step, value)| [step as f64, f64::from(value)]);
            panel = panel.layer(Layer::Line {
                label: format!("{name}, training"),
                colour,
                stroke: Stroke::Faint,
                points: points.collect(),
            });
        }
        let validations = history.validations().iter().filter_map(|v| {
            let value = if is_roc {
                v.scores.roc_auc_macro
            } else {
                v.scores.average_precision_macro
            };
            Some([v.step as f64, value?])
        });
        panel = panel.line(format!("{name}, validation"), colour, validations.collect());
    }
    let localised = history.validations().iter();
    let localised = localised.filter_map(|v| Some([v.step as f64, v.localisation_roc_auc()?]));
    let localised: Vec<_> = localised.collect();
    if !localised.is_empty() {
        panel = panel.line("localisation, validation", palette(2), localised);
    }
    Figure::new(title(history, "macro scores"), step_axis(history)).with(with_best(panel, history))
}

/// Bars by tag, the best ROC-AUC on top.
pub fn scores_figure(split: &str, test: &TestScores) -> Figure {
    let order = by_roc_auc(test);
    let n_tags = order.len();
    let height = |rank: usize| (n_tags - 1 - rank) as f64;
    let names = order
        .iter()
        .enumerate()
        .map(|(rank, &tag_idx)| (height(rank), test.tags[tag_idx].clone()));
    let axis = Axis::new("", "")
        .range(-0.6, n_tags as f64 - 0.4)
        .ticks(Ticks::At(names.collect()));
    let bars = |label: &str, colour, values: &[Option<f64>], offset: f64| Layer::Bars {
        label: label.to_owned(),
        colour,
        thickness: 0.36,
        points: order
            .iter()
            .enumerate()
            .filter_map(|(rank, &tag_idx)| {
                Some([
                    values.get(tag_idx).copied().flatten()?,
                    height(rank) + offset,
                ])
            })
            .collect(),
    };
    let scores = &test.scores;
    let panel = Panel::new(axis)
        .height((n_tags as f64 * 15.0).max(40.0))
        .layer(bars("ROC-AUC", palette(0), &scores.roc_auc_per_tag, 0.19))
        .layer(bars(
            "PR-AUC",
            palette(4),
            &scores.average_precision_per_tag,
            -0.19,
        ));
    Figure::new(
        format!("Scores by tag on the split {split}"),
        Axis::new("Area under the curve", "").range(0.0, 1.0),
    )
    .with(panel)
}

fn step_axis(history: &History) -> Axis {
    let last = history.last_step().max(1) as f64;
    Axis::new("Training step", "")
        .ticks(Ticks::Whole)
        .range(0.0, last)
}

fn title(history: &History, what: &str) -> String {
    match history.started().map(|record| &record.event) {
        Some(Event::Started { name, .. }) if !name.is_empty() => format!("{name}: {what}"),
        _ => format!("{}: {what}", history.id()),
    }
}

fn with_best(panel: Panel, history: &History) -> Panel {
    match history.best() {
        Some(best) => panel.mark(best.step as f64, format!("best: epoch {}", best.epoch + 1)),
        None => panel,
    }
}

/// Indices of the tags by falling ROC-AUC, undefined ones last.
fn by_roc_auc(test: &TestScores) -> Vec<usize> {
    let value = |tag_idx: usize| {
        let values = &test.scores.roc_auc_per_tag;
        values.get(tag_idx).copied().flatten().unwrap_or(-1.0)
    };
    let mut order: Vec<usize> = (0..test.tags.len()).collect();
    order.sort_by(|&a, &b| value(b).total_cmp(&value(a)));
    order
}

/// The tags as a table for other programs, in their order; a field is empty where a score is not defined.
pub(super) fn tag_csv(test: &TestScores) -> String {
    let number = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
    let rows = test.tags.iter().enumerate().map(|(tag_idx, tag)| {
        let quoted = if tag.contains([',', '"', '\n', '\r']) {
            format!("\"{}\"", tag.replace('"', "\"\""))
        } else {
            tag.clone()
        };
        let roc_auc = number(score_at(&test.scores.roc_auc_per_tag, tag_idx));
        let precision = number(score_at(&test.scores.average_precision_per_tag, tag_idx));
        format!("{quoted},{roc_auc},{precision}\n")
    });
    let header = "tag,roc_auc,average_precision\n".to_owned();
    std::iter::once(header).chain(rows).collect()
}

/// The tags as a table, the best ROC-AUC first; a dash where a score is not defined.
pub fn tag_table(test: &TestScores) -> String {
    let scores = &test.scores;
    let tags = by_roc_auc(test).into_iter().map(|tag_idx| {
        (
            test.tags[tag_idx].replace('|', "\\|"),
            score_at(&scores.roc_auc_per_tag, tag_idx),
            score_at(&scores.average_precision_per_tag, tag_idx),
        )
    });
    let mean = (
        "**macro mean**".to_owned(),
        scores.roc_auc_macro,
        scores.average_precision_macro,
    );
    let rows: Vec<_> = tags.chain([mean]).collect();
    let widths = rows.iter().map(|(name, ..)| name.chars().count());
    let width = widths.max().unwrap_or(0);
    let number = |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:.4}"));
    let header = [
        format!("| {:width$} | ROC-AUC | PR-AUC |\n", "Tag"),
        format!("|:{}-|--------:|-------:|\n", "-".repeat(width)),
    ];
    let rows = rows.iter().map(|(name, roc_auc, precision)| {
        let (roc_auc, precision) = (number(*roc_auc), number(*precision));
        format!("| {name:width$} | {roc_auc:>7} | {precision:>6} |\n")
    });
    header.into_iter().chain(rows).collect()
}

fn score_at(values: &[Option<f64>], tag_idx: usize) -> Option<f64> {
    values.get(tag_idx).copied().flatten()
}

fn page<'a>(
    history: &History,
    split: &str,
    test: &TestScores,
    figures: impl Iterator<Item = &'a NamedFigure>,
    table: &str,
) -> String {
    let mut text = String::new();
    let mut put = |line: std::fmt::Arguments<'_>| {
        text += &line.to_string();
        text.push('\n');
    };
    let started = history.started();
    if let Some(Event::Started {
        name,
        model,
        data,
        n_parameters,
        version,
        ..
    }) = started.map(|record| &record.event)
    {
        put(format_args!("# {name}\n"));
        put(format_args!("| | |\n|:--|:--|"));
        put(format_args!("| Run | {} |", history.id()));
        put(format_args!(
            "| Model | {model}, {n_parameters} parameters |"
        ));
        put(format_args!("| Data | {data}, {} tags |", test.tags.len()));
        put(format_args!("| Attune | {version} |"));
    } else {
        put(format_args!("# {}\n\n| | |\n|:--|:--|", history.id()));
    }
    if let Some(extension) = history.extended() {
        put(format_args!("| Extended to | {} |", extension.ends));
    }
    put(format_args!("| Ended as | {} |", history.status().label()));
    put(format_args!("| Trained | {} steps |", history.last_step()));
    if let (Some(first), Some(last)) = (started, history.events().last()) {
        let seconds = last.at_unix_ms.saturating_sub(first.at_unix_ms) / 1000;
        put(format_args!(
            "| Time | {} min {:02} s |",
            seconds / 60,
            seconds % 60
        ));
    }
    // Without what the machine did the words are fewer.
    let system = SystemLog::read(history.folder()).unwrap_or_default();
    if let Some(found) = Bottleneck::of(history, &system) {
        put(format_args!("| Time of a step | {} |", found.words()));
    }
    if let Some(best) = history.best() {
        put(format_args!(
            "| Best epoch | {} (validation loss {:.4}) |",
            best.epoch + 1,
            best.loss
        ));
    }
    let number =
        |value: Option<f64>| value.map_or("not defined".to_owned(), |value| format!("{value:.4}"));
    put(format_args!(
        "| Split {split} | macro ROC-AUC {}, macro PR-AUC {} |\n",
        number(test.scores.roc_auc_macro),
        number(test.scores.average_precision_macro)
    ));
    for figure in figures {
        put(format_args!(
            "![{0}]({1}.png)\n\n*{0}*\n",
            figure.caption, figure.name
        ));
    }
    put(format_args!("## Tags\n\n{table}"));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Address, Purpose};
    use crate::run::{RunLog, StepScalars};

    fn test_scores() -> TestScores {
        TestScores {
            tags: ["guitar", "a, \"quoted\" | tag", "never heard"]
                .map(str::to_owned)
                .to_vec(),
            scores: Scores::from_tags(
                vec![Some(0.75), Some(0.9375), None],
                vec![Some(0.5), Some(0.25), None],
            ),
        }
    }

    /// Twenty epochs that get better and then worse.
    fn write_run(folder: &Path, tags: &[String]) {
        let mut log = RunLog::create(folder, &toml::Table::new()).unwrap();
        let started = Event::Started {
            name: "tiny on demo".into(),
            model: "tiny".into(),
            data: "demo".into(),
            tags: tags.to_vec(),
            n_parameters: 164_452,
            steps_per_epoch: 100,
            epochs: 20,
            patience_epochs: Some(5),
            version: "0.1.0".into(),
            teaching: None,
        };
        log.event(0, 0, started).unwrap();
        let mut draws = Address::new(1, Purpose::Check, 0).stream();
        for step in 1..=2000u64 {
            let learned = 1.0 - (-(step as f64) / 500.0).exp();
            let mut row = StepScalars::new(step, (step / 100) as u32).with(
                Scalar::Loss,
                0.69 - 0.45 * learned + 0.05 * f64::from(draws.normal()),
            );
            if step % 50 == 0 {
                row = row
                    .with(Scalar::RunningRocAuc, 0.5 + 0.42 * learned)
                    .with(Scalar::RunningAveragePrecision, 0.2 + 0.5 * learned);
            }
            log.step(&row).unwrap();
            if step % 100 == 0 {
                let overfit = (step as f64 / 2000.0).powi(3) * 0.1;
                let auc = 0.5 + 0.4 * learned - overfit / 2.0;
                let event = Event::Validated {
                    loss: 0.69 - 0.4 * learned + overfit,
                    scores: Scores::from_tags(vec![Some(auc); 3], vec![Some(auc - 0.3); 3]),
                    seconds: 1.0,
                    localisation: None,
                };
                log.event(step, (step / 100 - 1) as u32, event).unwrap();
            }
        }
        log.event(2000, 19, Event::Finished).unwrap();
    }

    #[test]
    fn a_report_holds_curves_tables_and_a_page_that_names_them() {
        let folder = tempfile::tempdir().unwrap();
        let test = test_scores();
        write_run(&folder.path().join("tiny-1"), &test.tags);
        let history = History::open(&folder.path().join("tiny-1")).unwrap();
        let out = std::env::var_os("ATTUNE_FIGURES")
            .map_or(folder.path().to_owned(), PathBuf::from)
            .join("report");
        let extra = NamedFigure {
            name: "attention".to_owned(),
            caption: "Where it looks.".to_owned(),
            figure: Figure::new("Attention", Axis::time()).with(Panel::lane("guitar")),
        };
        let report = write(&out, &history, &test, &[extra]).unwrap();
        let page = std::fs::read_to_string(&report.page).unwrap();
        for name in ["loss", "auc", "scores", "attention"] {
            assert!(page.contains(&format!("]({name}.png)")), "{page}");
            let png = std::fs::read(out.join(format!("{name}.png"))).unwrap();
            image::load_from_memory(&png).unwrap();
            let svg = std::fs::read_to_string(out.join(format!("{name}.svg"))).unwrap();
            assert!(svg.starts_with("<svg"), "{name}");
        }
        assert!(
            page.contains("| Model | tiny, 164452 parameters |"),
            "{page}"
        );
        assert!(page.contains("| Ended as | finished |"), "{page}");
        assert!(report.files.iter().all(|file| file.exists()));
    }

    #[test]
    fn tables_hold_the_scores_and_nothing_made_up() {
        let test = test_scores();
        assert_eq!(
            tag_csv(&test),
            "tag,roc_auc,average_precision\nguitar,0.75,0.5\n\"a, \"\"quoted\"\" | tag\",0.9375,0.25\nnever heard,,\n"
        );
        let table = tag_table(&test);
        let rows: Vec<_> = table.lines().collect();
        assert_eq!(rows[2], "| a, \"quoted\" \\| tag |  0.9375 | 0.2500 |");
        assert_eq!(rows[4], "| never heard        |       – |      – |");
        assert_eq!(rows[5], "| **macro mean**     |  0.8438 | 0.3750 |");
    }
}
