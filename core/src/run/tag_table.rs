//! Runs against tags: one score in each cell, or how far it lies from that of a baseline.

use super::{Error, RunTagScores, ScoredOn};
use crate::figure::{Axis, ColourMap, Figure, HeatMap, Layer, Panel, Ticks};
use crate::metrics::mean_defined;
use crate::workspace::write_whole;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

/// Which score of a tag.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize,
)]
pub enum TagMeasure {
    /// Area under the ROC curve.
    #[default]
    RocAuc,
    /// Average precision.
    AveragePrecision,
}

impl TagMeasure {
    /// Both.
    pub const ALL: [Self; 2] = [Self::RocAuc, Self::AveragePrecision];

    /// For people.
    pub fn label(self) -> &'static str {
        match self {
            Self::RocAuc => "ROC-AUC",
            Self::AveragePrecision => "PR-AUC",
        }
    }

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::RocAuc => "roc-auc",
            Self::AveragePrecision => "pr-auc",
        }
    }
}

/// Why a cell has no score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// The run has not been scored on this.
    NotScored,
    /// The run does not know the tag.
    UnknownTag,
    /// The split has no clip with the tag, or none without it.
    Undefined,
    /// The baseline has no score to compare with.
    NoBaseline,
}

impl Missing {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::NotScored => "the run has not been scored on this",
            Self::UnknownTag => "the run does not know this tag",
            Self::Undefined => "undefined: no clip of the split has this tag, or none lacks it",
            Self::NoBaseline => "the baseline has no score for this tag",
        }
    }
}

/// A run of a [`TagTable`].
#[derive(Clone, Debug, PartialEq)]
pub struct TagRow {
    /// Its id.
    pub id: String,
    /// Score, or difference to the baseline; `[tags]`.
    pub cells: Vec<Result<f64, Missing>>,
    /// Mean over the cells that are defined.
    pub mean: Option<f64>,
}

/// Scores of runs, tag by tag.
#[derive(Clone, Debug, PartialEq)]
pub struct TagTable {
    /// The columns: all tags that any of the runs knows, in the order in which they are first met.
    pub tags: Vec<String>,
    /// The runs, in the order given.
    pub rows: Vec<TagRow>,
    /// Id of the run from which differences are counted, if they are.
    pub baseline: Option<String>,
}

/// What the columns are sorted by.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize,
)]
pub enum ColumnOrder {
    /// As the data set names them.
    #[default]
    AsGiven,
    /// Alphabet.
    Name,
    /// Mean over the runs, the best first.
    Score,
    /// Standard deviation over the runs, the widest first.
    Spread,
    /// Tracks that have the tag, the most first.
    Positives,
}

impl ColumnOrder {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::AsGiven,
        Self::Name,
        Self::Score,
        Self::Spread,
        Self::Positives,
    ];

    /// For people.
    pub fn label(self) -> &'static str {
        match self {
            Self::AsGiven => "as in the data set",
            Self::Name => "by name",
            Self::Score => "by mean score",
            Self::Spread => "by spread over runs",
            Self::Positives => "by positives",
        }
    }

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::AsGiven => "given",
            Self::Name => "name",
            Self::Score => "score",
            Self::Spread => "spread",
            Self::Positives => "positives",
        }
    }
}

/// What the rows are sorted by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum RowOrder {
    /// As they were given.
    #[default]
    AsGiven,
    /// Mean over the tags, the best first.
    Mean,
    /// This tag, the best first.
    Tag(String),
}

impl TagTable {
    /// The scores of runs (with their ids).
    pub fn of<'a>(
        runs: impl IntoIterator<Item = (&'a str, &'a RunTagScores)>,
        on: ScoredOn,
        measure: TagMeasure,
    ) -> Self {
        let runs: Vec<_> = runs.into_iter().collect();
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        let mut tags = Vec::new();
        for tag in runs.iter().flat_map(|(_, scores)| &scores.tags) {
            places.entry(tag).or_insert_with(|| {
                tags.push(tag.clone());
                tags.len() - 1
            });
        }
        let row = |(id, run): &(&str, &RunTagScores)| {
            let scores = run.on(on).map(|scores| match measure {
                TagMeasure::RocAuc => &scores.roc_auc_per_tag,
                TagMeasure::AveragePrecision => &scores.average_precision_per_tag,
            });
            let mut cells = vec![Err(Missing::UnknownTag); tags.len()];
            for (at, tag) in run.tags.iter().enumerate() {
                cells[places[tag.as_str()]] = match scores {
                    None => Err(Missing::NotScored),
                    Some(scores) => scores.get(at).copied().flatten().ok_or(Missing::Undefined),
                };
            }
            TagRow::new((*id).to_owned(), cells)
        };
        let rows = runs.iter().map(row).collect();
        Self {
            rows,
            tags,
            baseline: None,
        }
    }

    /// The same, each cell less that of the run with the id `baseline`. `None` if there is no such row.
    pub fn less(&self, baseline: &str) -> Option<Self> {
        let from = self.rows.iter().find(|row| row.id == baseline)?;
        let row = |row: &TagRow| {
            let pairs = row.cells.iter().zip(&from.cells);
            let cells = pairs.map(|(&cell, base)| match base {
                Ok(base) => cell.map(|score| score - base),
                Err(_) => Err(cell.err().unwrap_or(Missing::NoBaseline)),
            });
            TagRow::new(row.id.clone(), cells.collect())
        };
        Some(Self {
            rows: self.rows.iter().map(row).collect(),
            tags: self.tags.clone(),
            baseline: Some(baseline.to_owned()),
        })
    }

    /// The places of the rows in an order; what has no score comes last.
    pub fn row_order(&self, order: &RowOrder) -> Vec<usize> {
        let mut places: Vec<usize> = (0..self.rows.len()).collect();
        let value = |&place: &usize| match order {
            RowOrder::AsGiven => None,
            RowOrder::Mean => self.rows[place].mean,
            RowOrder::Tag(tag) => {
                let at = self.tags.iter().position(|other| other == tag)?;
                self.rows[place].cells[at].ok()
            }
        };
        places.sort_by(|one, other| largest_first(value(one), value(other)));
        places
    }

    /// The places of the columns in an order. `positives`: how many tracks have a tag, by name.
    pub fn column_order(
        &self,
        order: ColumnOrder,
        positives: &BTreeMap<String, usize>,
    ) -> Vec<usize> {
        let mut places: Vec<usize> = (0..self.tags.len()).collect();
        let key = |place: usize| match order {
            ColumnOrder::AsGiven | ColumnOrder::Name => None,
            ColumnOrder::Score => self.column_mean(place),
            ColumnOrder::Spread => self.column_spread(place),
            ColumnOrder::Positives => positives.get(&self.tags[place]).map(|&n| n as f64),
        };
        let keys: Vec<_> = places.iter().map(|&place| key(place)).collect();
        places.sort_by(|&one, &other| match order {
            ColumnOrder::Name => self.tags[one].cmp(&self.tags[other]),
            _ => largest_first(keys[one], keys[other]),
        });
        places
    }

    /// Mean of a column over the runs that have a score there.
    pub fn column_mean(&self, place: usize) -> Option<f64> {
        mean_defined(self.rows.iter().map(|row| row.cells[place].ok()))
    }

    /// Standard deviation of a column over the runs that have a score there; `None` below two.
    pub fn column_spread(&self, place: usize) -> Option<f64> {
        let values: Vec<f64> = self
            .rows
            .iter()
            .filter_map(|row| row.cells[place].ok())
            .collect();
        let mean = mean_defined(values.iter().copied().map(Some))?;
        let squares = values.iter().map(|value| (value - mean).powi(2));
        (values.len() > 1).then(|| (squares.sum::<f64>() / (values.len() - 1) as f64).sqrt())
    }

    /// The table with its rows and columns at these places.
    pub fn arranged(&self, rows: &[usize], columns: &[usize]) -> Self {
        let row = |&place: &usize| {
            let row = &self.rows[place];
            TagRow {
                id: row.id.clone(),
                cells: columns.iter().map(|&column| row.cells[column]).collect(),
                mean: row.mean,
            }
        };
        Self {
            tags: columns
                .iter()
                .map(|&column| self.tags[column].clone())
                .collect(),
            rows: rows.iter().map(row).collect(),
            baseline: self.baseline.clone(),
        }
    }

    /// Lowest and highest of all cells; for differences as far below zero as above. `None` without a score.
    pub fn range(&self) -> Option<[f64; 2]> {
        let cells = self
            .rows
            .iter()
            .flat_map(|row| &row.cells)
            .filter_map(|cell| cell.ok());
        let [low, high] = cells.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], score| {
            [low.min(score), high.max(score)]
        });
        if low > high {
            return None;
        }
        if self.baseline.is_some() {
            // Where nothing differs there is still a middle.
            let most = low.abs().max(high.abs()).max(1e-6);
            return Some([-most, most]);
        }
        Some([low, high])
    }

    /// Writes the table as CSV, a row a run, whole or not at all; a cell without a score is empty.
    pub fn write_csv(&self, path: &Path) -> Result<(), Error> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let number = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
        let fixed = ["run", "mean"].map(str::to_owned);
        let mut records = vec![fixed.iter().chain(&self.tags).cloned().collect::<Vec<_>>()];
        records.extend(self.rows.iter().map(|row| {
            let head = [row.id.clone(), number(row.mean)];
            let cells = row.cells.iter().map(|cell| number(cell.ok()));
            head.into_iter().chain(cells).collect()
        }));
        let io = |error: csv::Error| Error::io(path)(std::io::Error::other(error));
        for record in &records {
            writer.write_record(record).map_err(io)?;
        }
        let bytes = writer
            .into_inner()
            .map_err(|error| Error::io(path)(error.into_error()))?;
        write_whole(path, |file| file.write_all(&bytes)).map_err(Error::io(path))
    }

    /// The table as a heat map for print, as it stands: runs from top to bottom, tags from left to right; grey where there is no score.
    ///
    /// `measure` names what the colours mean.
    pub fn figure(&self, measure: &str) -> Figure {
        let (n_runs, n_tags) = (self.rows.len(), self.tags.len());
        let values = self.rows.iter().rev().flat_map(|row| &row.cells);
        let values = values.map(|cell| cell.map_or(f32::NAN, |score| score as f32));
        let run_ticks = self.rows.iter().enumerate();
        let run_ticks = run_ticks.map(|(at, row)| ((n_runs - at) as f64 - 0.5, row.id.clone()));
        let tag_ticks = self.tags.iter().enumerate();
        let tag_ticks = tag_ticks.map(|(at, tag)| (at as f64 + 0.5, tag.clone()));
        let x = Axis::new("", "")
            .range(0.0, n_tags as f64)
            .ticks(Ticks::At(tag_ticks.collect()));
        let y = Axis::new("", "")
            .range(0.0, n_runs as f64)
            .ticks(Ticks::At(run_ticks.collect()));
        let colours = match &self.baseline {
            Some(baseline) => format!("{measure}, difference to {baseline}"),
            None => measure.to_owned(),
        };
        let map = HeatMap {
            x: [0.0, n_tags as f64],
            y: [0.0, n_runs as f64],
            n_columns: n_tags,
            values: values.collect(),
            range: self.range().map(|range| range.map(|end| end as f32)),
            map: if self.baseline.is_some() {
                ColourMap::Diverging
            } else {
                ColourMap::Paper
            },
            label: if self.baseline.is_some() {
                "difference".to_owned()
            } else {
                "score".to_owned()
            },
        };
        let panel = Panel::new(y)
            .height((n_runs as f64 * 11.0).clamp(60.0, 640.0))
            .layer(Layer::HeatMap(map));
        Figure::new(colours, x).with(panel)
    }
}

impl TagRow {
    fn new(id: String, cells: Vec<Result<f64, Missing>>) -> Self {
        let mean = mean_defined(cells.iter().map(|cell| cell.ok()));
        Self { id, cells, mean }
    }
}

fn largest_first(one: Option<f64>, other: Option<f64>) -> Ordering {
    match (one, other) {
        (Some(one), Some(other)) => other.total_cmp(&one),
        (one, other) => other.is_some().cmp(&one.is_some()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Scores;
    use crate::run::{Event, RunLog};

    fn run(folder: &Path, tags: &[&str], roc_auc: Option<Vec<Option<f64>>>) -> RunTagScores {
        let mut log = RunLog::create(folder, &toml::Table::new()).unwrap();
        let started = Event::Started {
            name: "one".to_owned(),
            model: "tiny".to_owned(),
            data: "demo".to_owned(),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            n_parameters: 1,
            steps_per_epoch: 10,
            epochs: 3,
            patience_epochs: None,
            version: "test".to_owned(),
            teaching: None,
        };
        log.event(0, 0, started).unwrap();
        if let Some(roc_auc) = roc_auc {
            let validated = Event::Validated {
                loss: 0.5,
                scores: Scores::from_tags(roc_auc, vec![None; tags.len()]),
                seconds: 0.1,
                localisation: None,
            };
            log.event(10, 0, validated).unwrap();
        }
        RunTagScores::read(folder).unwrap()
    }

    fn table() -> TagTable {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let first = run(
            &at("first"),
            &["calm", "loud"],
            Some(vec![Some(0.75), None]),
        );
        let second = run(
            &at("second"),
            &["loud", "dry"],
            Some(vec![Some(0.5), Some(0.9)]),
        );
        let third = run(
            &at("third"),
            &["calm", "loud"],
            Some(vec![Some(0.875), Some(0.9)]),
        );
        let none = run(&at("none"), &["calm"], None);
        let runs = [
            ("first", &first),
            ("none", &none),
            ("second", &second),
            ("third", &third),
        ];
        TagTable::of(runs, ScoredOn::BestValidation, TagMeasure::RocAuc)
    }

    #[test]
    fn runs_with_other_tags_share_a_table_and_gaps_say_why() {
        let table = table();
        assert_eq!(table.tags, ["calm", "loud", "dry"]);
        use Missing::{NotScored, Undefined, UnknownTag};
        let cells: Vec<_> = table.rows.iter().map(|row| row.cells.clone()).collect();
        assert_eq!(cells[0], [Ok(0.75), Err(Undefined), Err(UnknownTag)]);
        assert_eq!(cells[1], [Err(NotScored), Err(UnknownTag), Err(UnknownTag)]);
        assert_eq!(cells[2], [Err(UnknownTag), Ok(0.5), Ok(0.9)]);
        assert_eq!(table.rows[2].mean, Some(0.7));
        assert_eq!(table.rows[1].mean, None);
        assert_eq!(table.range(), Some([0.5, 0.9]));
    }

    #[test]
    fn rows_and_columns_are_sorted_and_gaps_come_last() {
        let table = table();
        assert_eq!(table.row_order(&RowOrder::AsGiven), [0, 1, 2, 3]);
        assert_eq!(table.row_order(&RowOrder::Mean), [3, 0, 2, 1]);
        let loud = RowOrder::Tag("loud".to_owned());
        assert_eq!(table.row_order(&loud), [3, 2, 0, 1]);
        let positives = BTreeMap::from([("dry".to_owned(), 9), ("loud".to_owned(), 3)]);
        let columns = |order| table.column_order(order, &positives);
        assert_eq!(columns(ColumnOrder::AsGiven), [0, 1, 2]);
        assert_eq!(columns(ColumnOrder::Name), [0, 2, 1]);
        assert_eq!(columns(ColumnOrder::Score), [2, 0, 1]);
        assert_eq!(columns(ColumnOrder::Spread), [1, 0, 2]);
        assert_eq!(columns(ColumnOrder::Positives), [2, 1, 0]);
        let arranged = table.arranged(&[3, 0], &columns(ColumnOrder::Name));
        assert_eq!(arranged.tags, ["calm", "dry", "loud"]);
        assert_eq!(arranged.rows[0].id, "third");
        assert_eq!(arranged.rows[1].cells[2], Err(Missing::Undefined));
    }

    #[test]
    fn differences_are_counted_from_the_baseline_around_zero() {
        let table = table().less("first").unwrap();
        assert_eq!(table.rows[0].cells[0], Ok(0.0));
        assert_eq!(table.rows[3].cells[0], Ok(0.125));
        assert_eq!(table.rows[3].cells[1], Err(Missing::NoBaseline));
        assert_eq!(table.rows[1].cells[0], Err(Missing::NotScored));
        assert_eq!(table.range(), Some([-0.125, 0.125]));
        assert_eq!(table.less("nobody"), None);
    }

    #[test]
    fn the_table_is_written_and_drawn() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tags.csv");
        let table = table();
        table.write_csv(&path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(
            text.starts_with("run,mean,calm,loud,dry\nfirst,0.75,0.75,,\n"),
            "{text}"
        );
        let svg = table.figure("ROC-AUC").to_svg();
        for word in ["calm", "dry", "second", "ROC-AUC"] {
            assert!(svg.contains(word), "{word}");
        }
    }
}
