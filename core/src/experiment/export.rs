//! A table of results as Markdown, CSV or LaTeX.
//!
//! Markdown and LaTeX are two ways to write one [`Grid`] of words, which the terminal shows, too. CSV is for programs: a number a
//! column, all digits.

use super::{Measure, Row, State, Table};
use crate::metrics::{Difference, Statistic};

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A table of GitHub's Markdown.
    Markdown,
    /// Comma-separated values, one row a cell.
    Csv,
    /// A `table` for a document that uses `booktabs` and `graphicx`.
    Latex,
}

/// A table in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grid {
    /// The columns' heads; the first column holds names.
    pub head: Vec<String>,
    /// The rows, each with its group.
    pub rows: Vec<(Option<String>, Vec<String>)>,
    /// What has to be said below.
    pub notes: Vec<String>,
}

/// Marks a difference that is not distinguishable from none.
const MARK: &str = "≈";

impl Table {
    /// The table in words; the first column after the names says how many seeds are done.
    pub fn grid(&self) -> Grid {
        let has_paper = self.measures().any(|measure| measure.paper.is_some());
        let has_versus = self.rows.iter().any(|row| row.versus.is_some());
        let mut head = vec![String::new(), "N".to_owned()];
        for metric in &self.metrics {
            head.push(metric.label().to_owned());
            if has_paper {
                head.push("paper".to_owned());
            }
            if has_versus {
                head.push("difference".to_owned());
            }
        }
        let rows = self.rows.iter().map(|row| {
            let mut words = vec![row.label.clone(), row.n_done().to_string()];
            for measure in &row.measures {
                words.push(or_dash(measure.measured.map(statistic)));
                if has_paper {
                    words.push(or_dash(measure.paper.map(|paper| format!("{paper:.4}"))));
                }
                if has_versus {
                    words.push(or_dash(difference(measure)));
                }
            }
            (row.group.clone(), words)
        });
        Grid {
            rows: rows.collect(),
            head,
            notes: self.notes(),
        }
    }

    /// The table as a file.
    pub fn export(&self, format: Format) -> String {
        match format {
            Format::Markdown => self.to_markdown(),
            Format::Csv => self.to_csv(),
            Format::Latex => self.to_latex(),
        }
    }

    fn measures(&self) -> impl Iterator<Item = &Measure> {
        self.rows.iter().flat_map(|row| &row.measures)
    }

    /// What has to be said below the table.
    pub fn notes(&self) -> Vec<String> {
        let has_versus = self.rows.iter().any(|row| row.versus.is_some());
        let mut notes = Vec::new();
        if !self.about.is_empty() {
            notes.push(self.about.split_whitespace().collect::<Vec<_>>().join(" "));
        }
        notes.push(format!(
            "Macro scores on the test split: mean ± standard deviation over N of {} seeds.",
            self.seeds.len()
        ));
        if has_versus {
            notes.push(format!(
                "Differences of the means over the seeds that both have, with {} % intervals of a paired bootstrap over the test tracks ({} \
                 resamples); {MARK}: not distinguishable, the interval holds zero. The intervals are for the models as trained: how far other \
                 seeds would move them, the standard deviations tell.",
                percent(self.confidence),
                self.resamples
            ));
            notes.extend(self.versus_notes());
        }
        for row in &self.rows {
            if let Some(note) = &row.note {
                notes.push(format!("{}: {note}", row.label));
            }
            if let Some(why) = &row.not_compared {
                notes.push(format!("{}: not compared, {why}.", row.label));
            }
            let n_waiting = self.seeds.len() - row.n_done();
            for run in &row.runs {
                if let State::Failed { message } = &run.state {
                    notes.push(format!(
                        "{}, seed {}, failed: {message}",
                        row.label, run.seed
                    ));
                }
            }
            if n_waiting > 0 && row.state == State::Waiting {
                notes.push(format!(
                    "{}: {n_waiting} of {} seeds not done.",
                    row.label,
                    self.seeds.len()
                ));
            }
        }
        notes
    }

    /// Which cells are compared with which, a line for each that others are compared with.
    fn versus_notes(&self) -> Vec<String> {
        let mut others: Vec<&str> = self
            .rows
            .iter()
            .filter_map(|row| row.versus.as_deref())
            .collect();
        others.dedup();
        let lines = others.into_iter().map(|other| {
            let compared: Vec<&str> = self
                .rows
                .iter()
                .filter(|row| row.versus.as_deref() == Some(other))
                .map(|row| row.label.as_str())
                .collect();
            format!("Compared with {other}: {}.", compared.join("; "))
        });
        let mut lines: Vec<String> = lines.collect();
        lines.sort();
        lines.dedup();
        lines
    }

    fn to_markdown(&self) -> String {
        let grid = self.grid();
        let line = |words: &[String]| {
            let words: Vec<String> = words.iter().map(|word| markdown(word)).collect();
            format!("| {} |\n", words.join(" | "))
        };
        let mut text = format!("## {}\n\n", markdown(&self.title));
        text.push_str(&line(&grid.head));
        text.push_str(&format!("|---{}|\n", "|---:".repeat(grid.head.len() - 1)));
        for (_, words) in &grid.rows {
            text.push_str(&line(words));
        }
        for note in &grid.notes {
            text.push_str(&format!("\n{}\n", markdown(note)));
        }
        text
    }

    fn to_latex(&self) -> String {
        let grid = self.grid();
        let line = |words: &[String]| {
            let words: Vec<String> = words.iter().map(|word| latex_field(word)).collect();
            format!("    {} \\\\\n", words.join(" & "))
        };
        let mut text =
            "% Needs \\usepackage{booktabs,graphicx}\n\\begin{table}\n  \\centering\n".to_owned();
        text.push_str(&format!("  \\caption{{{}}}\n", latex(&self.title)));
        // Made narrower only where it would stick out of the column.
        text.push_str(
            "  \\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{%\n",
        );
        text.push_str(&format!(
            "  \\begin{{tabular}}{{l{}}}\n    \\toprule\n",
            "r".repeat(grid.head.len() - 1)
        ));
        text.push_str(&line(&grid.head));
        let mut group = None;
        for (at, (of_row, words)) in grid.rows.iter().enumerate() {
            if at == 0 || group != Some(of_row) {
                text.push_str("    \\midrule\n");
            }
            group = Some(of_row);
            text.push_str(&line(words));
        }
        text.push_str("    \\bottomrule\n  \\end{tabular}}\n");
        text.push_str("  \\par\\smallskip\\footnotesize\n");
        for note in &grid.notes {
            text.push_str(&format!("  {}\\par\n", latex(note)));
        }
        text.push_str("\\end{table}\n");
        text
    }

    fn to_csv(&self) -> String {
        let mut head: Vec<String> = ["cell", "label", "group", "versus", "state", "n"]
            .map(str::to_owned)
            .to_vec();
        for metric in &self.metrics {
            let columns = [
                "mean",
                "sd",
                "paper",
                "difference",
                "low",
                "high",
                "distinguishable",
            ];
            head.extend(columns.map(|column| format!("{}_{column}", metric.key())));
        }
        head.push("runs".to_owned());
        let mut text = csv_line(&head);
        for row in &self.rows {
            text.push_str(&csv_line(&csv_words(row)));
        }
        text
    }
}

fn csv_words(row: &Row) -> Vec<String> {
    let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    let mut words = vec![
        row.cell.clone(),
        row.label.clone(),
        row.group.clone().unwrap_or_default(),
        row.versus.clone().unwrap_or_default(),
        row.state.label(),
        row.n_done().to_string(),
    ];
    for measure in &row.measures {
        let interval = measure
            .difference
            .and_then(|difference| difference.interval);
        words.push(number(measure.measured.map(|measured| measured.mean)));
        words.push(number(measure.measured.and_then(|measured| measured.sd)));
        words.push(number(measure.paper));
        words.push(number(measure.difference.and_then(|d| d.value)));
        words.push(number(interval.map(|interval| interval.low)));
        words.push(number(interval.map(|interval| interval.high)));
        words.push(match interval {
            None => String::new(),
            Some(_) if measure.is_indistinguishable() => "no".to_owned(),
            Some(_) => "yes".to_owned(),
        });
    }
    let runs: Vec<&str> = row
        .runs
        .iter()
        .filter_map(|run| run.run.as_deref())
        .collect();
    words.push(runs.join(" "));
    words
}

fn csv_line(words: &[String]) -> String {
    let words = words.iter().map(|word| {
        if word.contains([',', '"', '\n', '\r']) {
            format!("\"{}\"", word.replace('"', "\"\""))
        } else {
            word.clone()
        }
    });
    words.collect::<Vec<_>>().join(",") + "\n"
}

fn or_dash(text: Option<String>) -> String {
    text.unwrap_or_else(|| "-".to_owned())
}

/// `0.9123 ± 0.0012`
fn statistic(statistic: Statistic) -> String {
    let mean = format!("{:.4}", statistic.mean);
    statistic
        .sd
        .map_or(mean.clone(), |sd| format!("{mean} ± {sd:.4}"))
}

/// `+0.0031 [-0.0012, +0.0070] ≈`
fn difference(measure: &Measure) -> Option<String> {
    let Difference { value, interval } = measure.difference?;
    let mut text = format!("{:+.4}", value?);
    if let Some(interval) = interval {
        text.push_str(&format!(" [{:+.4}, {:+.4}]", interval.low, interval.high));
    }
    if measure.is_indistinguishable() {
        text.push_str(&format!(" {MARK}"));
    }
    Some(text)
}

/// `95` for 0.95, `99.9` for 0.999.
fn percent(share: f64) -> String {
    format!("{}", (share * 1e6).round() / 1e4)
}

fn markdown(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.replace(['\n', '\r'], " ").chars() {
        if "\\|*_`<>[]".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// A field of the table: a dash where there is nothing.
fn latex_field(text: &str) -> String {
    if text == "-" {
        "--".to_owned()
    } else {
        latex(text)
    }
}

fn latex(text: &str) -> String {
    let mut escaped = String::new();
    let mut before = ' ';
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let is_minus = c == '-'
            && matches!(before, ' ' | '[')
            && chars.peek().is_some_and(char::is_ascii_digit);
        before = c;
        match c {
            '-' if is_minus => escaped.push_str("$-$"),
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => {
                escaped.push('\\');
                escaped.push(c);
            }
            '~' => escaped.push_str("\\textasciitilde{}"),
            '^' => escaped.push_str("\\textasciicircum{}"),
            '\\' => escaped.push_str("\\textbackslash{}"),
            '<' => escaped.push_str("\\textless{}"),
            '>' => escaped.push_str("\\textgreater{}"),
            // A row that begins with a bracket would be read as an option of the line break before it.
            '[' => escaped.push_str("{[}"),
            ']' => escaped.push_str("{]}"),
            '±' => escaped.push_str("$\\pm$"),
            '×' => escaped.push_str("$\\times$"),
            '≈' => escaped.push_str("$\\approx$"),
            '\n' | '\r' => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::Metric;
    use crate::metrics::Interval;

    fn measure(metric: Metric, low: f64) -> Measure {
        Measure {
            metric,
            measured: Some(Statistic {
                mean: 0.91234,
                sd: Some(0.00126),
                n: 2,
            }),
            paper: Some(0.9191),
            difference: Some(Difference {
                value: Some(0.01),
                interval: Some(Interval { low, high: 0.02 }),
            }),
        }
    }

    fn table() -> Table {
        let row = |cell: &str, label: &str, versus: Option<&str>, low: f64| Row {
            cell: cell.to_owned(),
            same_runs_as: None,
            label: label.to_owned(),
            group: Some(cell.to_owned()),
            note: None,
            state: State::Done,
            runs: Vec::new(),
            measures: Metric::ALL.map(|metric| measure(metric, low)).to_vec(),
            versus: versus.map(str::to_owned),
            not_compared: None,
        };
        let mut plain = row("a", "A & B_1, 50 %", None, 0.005);
        for measure in &mut plain.measures {
            measure.difference = None;
        }
        Table {
            name: "x".to_owned(),
            title: "Title \\ #1 | {x}".to_owned(),
            about: String::new(),
            metrics: Metric::ALL.to_vec(),
            seeds: vec![1, 2],
            confidence: 0.95,
            resamples: 1000,
            rows: vec![
                plain,
                row("b", "[surely]", Some("A & B_1, 50 %"), 0.005),
                row("c", "\"perhaps\"", Some("A & B_1, 50 %"), -0.005),
            ],
            n_runs: 6,
            n_done: 6,
            n_failed: 0,
            seconds_left: Some(0.0),
            is_worked_on: false,
        }
    }

    #[test]
    fn the_mark_stands_where_the_interval_holds_zero() {
        let grid = table().grid();
        let cell = |row: usize, column: usize| grid.rows[row].1[column].as_str();
        assert_eq!(cell(0, 2), "0.9123 ± 0.0013");
        assert_eq!(cell(0, 3), "0.9191");
        assert_eq!(cell(0, 4), "-");
        assert_eq!(cell(1, 4), "+0.0100 [+0.0050, +0.0200]");
        assert_eq!(cell(2, 4), "+0.0100 [-0.0050, +0.0200] ≈");
        let notes = grid.notes.join("\n");
        assert!(notes.contains("95 %") && notes.contains("1000"), "{notes}");
        assert!(
            notes.contains("Compared with A & B_1, 50 %: [surely]; \"perhaps\"."),
            "{notes}"
        );
    }

    #[test]
    fn markdown_keeps_its_columns() {
        let text = table().export(Format::Markdown);
        assert!(text.contains("Title \\\\ #1 \\| {x}"), "{text}");
        let rows: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
        assert_eq!(rows.len(), 5);
        for row in rows {
            assert_eq!(row.matches('|').count(), 9, "{row}");
        }
    }

    #[test]
    fn latex_escapes_names_and_balances_its_braces() {
        let text = table().export(Format::Latex);
        for expected in [
            "A \\& B\\_1, 50 \\%",
            "\\textbackslash{} \\#1",
            "0.9123 $\\pm$ 0.0013",
            "$\\approx$",
            "\\toprule",
            "{[}surely{]}",
            "{[}$-$0.0050, ",
        ] {
            assert!(text.contains(expected), "{expected} in {text}");
        }
        let plain = text.replace("\\{", "").replace("\\}", "");
        assert_eq!(plain.matches('{').count(), plain.matches('}').count());
        let rows = text.lines().filter(|line| line.ends_with("\\\\"));
        for row in rows {
            assert_eq!(row.replace("\\&", "").matches('&').count(), 7, "{row}");
        }
    }

    #[test]
    fn csv_has_all_digits_and_survives_quotes_and_commas() {
        let text = table().export(Format::Csv);
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let head = reader.headers().unwrap().clone();
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        let value = |row: usize, name: &str| {
            let column = head.iter().position(|head| head == name).unwrap();
            rows[row][column].to_owned()
        };
        assert_eq!(value(0, "label"), "A & B_1, 50 %");
        assert_eq!(value(2, "label"), "\"perhaps\"");
        assert_eq!(value(0, "roc_auc_mean"), "0.91234");
        assert_eq!(value(0, "roc_auc_difference"), "");
        assert_eq!(value(1, "average_precision_distinguishable"), "yes");
        assert_eq!(value(2, "average_precision_distinguishable"), "no");
        assert_eq!(value(2, "roc_auc_low"), "-0.005");
    }
}
