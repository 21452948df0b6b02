//! A plan as data: a base, the cells of a table, seeds, and what to report.
//!
//! What a cell trains is a table of settings (base, then the cell's own, then the seed), and only that table is read as a recipe, so
//! that a plan can set whatever a recipe has. A cell may have the model of another as its teacher; this alone orders the work.

mod outline;
mod recipe;

pub(super) use outline::is_plain;

use super::{Error, Overrides};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use toml::{Table, Value};

/// A table of runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// What an experiment of it is called, if not otherwise: letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// In a few words.
    pub title: String,
    /// What the paper found, where that is not a number, and what else a reader should know.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
    /// How long it takes, in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub effort: String,
    /// The data set that it needs, in words, if it does not say which one by itself.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub needs: String,
    /// Each cell is trained once for each of these seeds.
    pub seeds: Vec<u64>,
    /// What is reported.
    #[serde(default)]
    pub report: Report,
    /// Settings of all cells, with the keys of a recipe ([`TrainConfig`]).
    #[serde(default)]
    pub base: Table,
    /// The rows of the table.
    pub cells: Vec<Cell>,
    /// The file that it was read from, for messages.
    #[serde(skip)]
    origin: Origin,
}

/// Where a plan comes from; all are equal.
#[derive(Clone, Debug, Default)]
struct Origin(String);

impl PartialEq for Origin {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

/// What is reported of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Report {
    /// The measures, on the test split.
    pub metrics: Vec<Metric>,
    /// Resamples of the bootstrap of differences.
    pub resamples: usize,
    /// Confidence of their intervals, between 0 and 1.
    pub confidence: f64,
}

impl Default for Report {
    fn default() -> Self {
        Self {
            metrics: Metric::ALL.to_vec(),
            resamples: 1000,
            confidence: 0.95,
        }
    }
}

/// A measure of a test split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Macro ROC-AUC.
    RocAuc,
    /// Macro average precision.
    AveragePrecision,
}

impl Metric {
    /// Both.
    pub const ALL: [Self; 2] = [Self::RocAuc, Self::AveragePrecision];

    /// As the paper calls it.
    pub fn label(self) -> &'static str {
        match self {
            Self::RocAuc => "ROC-AUC",
            Self::AveragePrecision => "PR-AUC",
        }
    }

    /// As files call it.
    pub fn key(self) -> &'static str {
        match self {
            Self::RocAuc => "roc_auc",
            Self::AveragePrecision => "average_precision",
        }
    }
}

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// Letters, digits, `-`, `_` and `.`; once in a plan.
    pub id: String,
    /// As the table calls it.
    pub label: String,
    /// Rows of one group stand together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The cell with which it is compared; if none is named, the first of its group. A cell that names itself is not compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub versus: Option<String>,
    /// The cell whose network this is under another heading: it is not trained again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_runs_as: Option<String>,
    /// How often noisy student training is repeated: each student is the teacher of the next, the last one counts.
    #[serde(default = "once", skip_serializing_if = "is_once")]
    pub iterations: u32,
    /// The figures that the paper gives.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub paper: BTreeMap<Metric, f64>,
    /// What the reader should know of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What it has otherwise than the base.
    #[serde(default, skip_serializing_if = "Table::is_empty")]
    pub set: Table,
}

fn once() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_once(iterations: &u32) -> bool {
    *iterations == 1
}

/// One run of a plan.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Task {
    /// Id of the cell.
    pub cell: String,
    /// The seed.
    pub seed: u64,
    /// Which student, from 1; the last one counts.
    pub iteration: u32,
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, seed {}", self.cell, self.seed)?;
        if self.iteration > 1 {
            write!(f, ", iteration {}", self.iteration)?;
        }
        Ok(())
    }
}

/// What a cell's teacher begins with if it is the model of another cell.
const CELL_PREFIX: &str = "cell:";

impl Plan {
    /// Reads a plan's file. Folders in it are meant from where it lies.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::Read {
            path: path.to_owned(),
            source,
        })?;
        let mut plan = Self::parse(&text, &path.display().to_string())?;
        let at = path.parent().unwrap_or(Path::new("."));
        plan.for_each_settings(|settings| {
            super::overrides::make_folders_absolute(settings, at);
        });
        Ok(plan)
    }

    /// Reads a plan; `origin` is its file, for messages. Fails if cells are not what they should be; their settings are looked at by
    /// [`Self::check`].
    pub fn parse(text: &str, origin: &str) -> Result<Self, Error> {
        let mut plan: Self = toml::from_str(text).map_err(|source| Error::Syntax {
            plan: origin.to_owned(),
            source: Box::new(source),
        })?;
        plan.origin = Origin(origin.to_owned());
        plan.check_outline()?;
        Ok(plan)
    }

    /// Whether some cell is taught by another model.
    pub fn has_students(&self) -> bool {
        let settings = self.cells.iter().map(|cell| &cell.set);
        let mut settings = settings.chain([&self.base]);
        settings.any(|settings| settings.contains_key("noisy_student"))
    }

    /// The cell of that id.
    pub fn cell(&self, id: &str) -> Option<&Cell> {
        self.cells.iter().find(|cell| cell.id == id)
    }

    /// The cell with which another is compared: the one it names, else the first of its group; none for that one itself.
    pub fn versus(&self, cell: &Cell) -> Option<&Cell> {
        let other = match &cell.versus {
            Some(id) => self.cell(id)?,
            None => self.cells.iter().find(|other| other.group == cell.group)?,
        };
        (self.trained(other).id != self.trained(cell).id).then_some(other)
    }

    /// The cell whose runs these are: as a rule itself.
    pub fn trained<'a>(&'a self, cell: &'a Cell) -> &'a Cell {
        let other = cell.same_runs_as.as_deref();
        other.and_then(|id| self.cell(id)).unwrap_or(cell)
    }

    /// All runs, in the order in which they can be done: all cells of the first seed, then of the next; a teacher before its students.
    pub fn tasks(&self) -> Vec<Task> {
        let order = self.ordered().unwrap_or_default();
        let mut tasks = Vec::new();
        for &seed in &self.seeds {
            for cell in order.iter().filter(|cell| cell.same_runs_as.is_none()) {
                tasks.extend((1..=cell.iterations).map(|iteration| Task {
                    cell: cell.id.clone(),
                    seed,
                    iteration,
                }));
            }
        }
        tasks
    }

    /// The run whose model teaches that of `task`, if it is one of the plan.
    pub fn teacher(&self, task: &Task) -> Option<Task> {
        if task.iteration > 1 {
            return Some(Task {
                iteration: task.iteration - 1,
                ..task.clone()
            });
        }
        let teacher = self.trained(self.cell(self.teacher_of(self.cell(&task.cell)?)?)?);
        Some(Task {
            cell: teacher.id.clone(),
            seed: task.seed,
            iteration: teacher.iterations,
        })
    }

    /// The plan with what the command line wants otherwise.
    pub fn with(&self, overrides: &Overrides) -> Result<Self, Error> {
        let mut plan = self.clone();
        overrides.apply(&mut plan)?;
        plan.check_outline()?;
        Ok(plan)
    }

    /// As a file.
    pub fn to_toml(&self) -> Result<String, Error> {
        Ok(toml::to_string_pretty(self)?)
    }

    pub(super) fn for_each_settings(&mut self, mut change: impl FnMut(&mut Table)) {
        change(&mut self.base);
        self.cells.iter_mut().for_each(|cell| change(&mut cell.set));
    }

    pub(super) fn wrong(&self, cell: &str, why: &str) -> Error {
        Error::Cell {
            plan: self.origin.0.clone(),
            cell: cell.to_owned(),
            why: why.to_owned(),
        }
    }

    pub(super) fn wrong_plan(&self, why: &str) -> Error {
        Error::Plan {
            plan: self.origin.0.clone(),
            why: why.to_owned(),
        }
    }

    /// The id of the cell whose model teaches this one.
    fn teacher_of(&self, cell: &Cell) -> Option<&str> {
        let own = |settings: &'_ Table| -> Option<Value> {
            settings.get("noisy_student")?.get("teacher").cloned()
        };
        let teacher = own(&cell.set).or_else(|| own(&self.base))?;
        let id = teacher.as_str()?.strip_prefix(CELL_PREFIX)?;
        // The plan's own string, which lives as long as the plan.
        let named = self.cells.iter().find(|other| other.id == id);
        named.map(|named| named.id.as_str())
    }

    /// The cells, each after its teacher, otherwise as in the file. Fails if teachers go round in a circle.
    fn ordered(&self) -> Result<Vec<&Cell>, Error> {
        let mut left: Vec<&Cell> = self.cells.iter().collect();
        let mut ordered: Vec<&Cell> = Vec::with_capacity(left.len());
        while !left.is_empty() {
            let is_ready = |cell: &&Cell| {
                // A cell with another's runs has none of its own, and a teacher may be such a cell.
                let teacher = self
                    .teacher_of(cell)
                    .filter(|_| cell.same_runs_as.is_none())
                    .map(|id| self.cell(id).map_or(id, |cell| &self.trained(cell).id));
                teacher.is_none_or(|id| ordered.iter().any(|done| done.id == id))
            };
            let Some(next) = left.iter().position(is_ready) else {
                let circle: Vec<&str> = left.iter().map(|cell| cell.id.as_str()).collect();
                let why = format!(
                    "`noisy_student.teacher` goes round in a circle ({}): one of them needs another teacher",
                    circle.join(", ")
                );
                return Err(self.wrong(&left[0].id, &why));
            };
            ordered.push(left.remove(next));
        }
        Ok(ordered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::ModelChoice;

    const HEAD: &str =
        "name = \"p\"\ntitle = \"P\"\nseeds = [1, 2]\n[base]\ndata = \"demo\"\nepochs = 5\n";

    /// A plan with these cells: id, and what else stands in the cell.
    fn plan(cells: &[(&str, &str)]) -> Result<Plan, String> {
        let mut text = HEAD.to_owned();
        for (id, more) in cells {
            text.push_str(&format!(
                "[[cells]]\nid = \"{id}\"\nlabel = \"{id}\"\n{more}\n"
            ));
        }
        Plan::parse(&text, "p.toml").map_err(|error| shown(&error))
    }

    fn shown(error: &dyn std::error::Error) -> String {
        let source = error.source().map(ToString::to_string);
        format!("{error}: {}", source.unwrap_or_default())
    }

    fn taught_by(id: &str) -> String {
        format!("set = {{ noisy_student = {{ teacher = \"cell:{id}\" }} }}")
    }

    #[test]
    fn a_cell_is_the_base_with_its_own_settings_and_a_seed() {
        let plan = plan(&[
            ("a", "set = { model = { preset = \"tiny\" }, epochs = 7 }"),
            (
                "b",
                "set = { model = { preset = \"musicnn\" }, input_secs = 3.5 }",
            ),
        ])
        .unwrap();
        let config = |cell: &str, seed| {
            let task = Task {
                cell: cell.to_owned(),
                seed,
                iteration: 1,
            };
            plan.config(&task, None).unwrap()
        };
        let a = config("a", 2);
        assert_eq!((a.epochs, a.seed, a.input_secs), (7, 2, 3.69));
        assert_eq!(a.learning_rate, 1e-3, "as `attune train --preset tiny`");
        let b = config("b", 1);
        assert_eq!((b.epochs, b.input_secs, b.learning_rate), (5, 3.5, 1e-4));
        assert_eq!(b.model, ModelChoice::Preset("musicnn".to_owned()));
        plan.check().unwrap();
        assert_eq!(
            Plan::parse(&plan.to_toml().unwrap(), "again").unwrap(),
            plan
        );
    }

    #[test]
    fn teachers_come_first_and_each_student_is_the_next_teacher() {
        let plan = plan(&[
            ("late", &taught_by("student")),
            (
                "student",
                &format!("iterations = 3\n{}", taught_by("teacher")),
            ),
            ("teacher", ""),
        ])
        .unwrap();
        let tasks: Vec<String> = plan.tasks().iter().map(ToString::to_string).collect();
        assert_eq!(
            &tasks[..5],
            [
                "teacher, seed 1",
                "student, seed 1",
                "student, seed 1, iteration 2",
                "student, seed 1, iteration 3",
                "late, seed 1"
            ]
        );
        assert_eq!(tasks.len(), 10);
        let teachers: Vec<Option<String>> = plan.tasks()[..5]
            .iter()
            .map(|task| plan.teacher(task).map(|teacher| teacher.to_string()))
            .collect();
        assert_eq!(teachers[0], None);
        assert_eq!(teachers[1].as_deref(), Some("teacher, seed 1"));
        assert_eq!(teachers[3].as_deref(), Some("student, seed 1, iteration 2"));
        assert_eq!(teachers[4].as_deref(), Some("student, seed 1, iteration 3"));
    }

    #[test]
    fn a_cell_is_compared_with_the_first_of_its_group_or_with_the_one_it_names() {
        let plan = plan(&[
            ("a", "group = \"x\""),
            ("b", "group = \"x\""),
            ("c", "group = \"y\"\nversus = \"b\""),
            ("d", "group = \"y\"\nversus = \"d\""),
            ("e", "versus = \"b\"\nsame_runs_as = \"b\""),
        ])
        .unwrap();
        let versus = plan
            .cells
            .iter()
            .map(|cell| plan.versus(cell).map(|other| other.id.as_str()));
        assert_eq!(
            versus.collect::<Vec<_>>(),
            [None, Some("a"), Some("b"), None, None]
        );
        assert!(plan.tasks().iter().all(|task| task.cell != "e"));
    }

    #[test]
    fn what_is_wrong_with_a_plan_names_file_cell_key_and_mend() {
        for (cells, expected) in [
            (vec![("a", ""), ("a", "")], vec!["\"a\"", "`id`", "twice"]),
            (vec![("a b", "")], vec!["`id`", "letters"]),
            (
                vec![("a", "versus = \"z\"")],
                vec!["`versus`", "\"z\"", "there are a"],
            ),
            (
                vec![("a", &taught_by("z"))],
                vec!["`noisy_student.teacher`", "\"z\""],
            ),
            (
                vec![("a", &taught_by("b")), ("b", &taught_by("a")), ("c", "")],
                vec!["circle", "a, b"],
            ),
            (vec![("a", &taught_by("a"))], vec!["circle"]),
            (
                vec![("a", "iterations = 2")],
                vec!["`iterations`", "noisy_student"],
            ),
            (vec![("a", "iterations = 0")], vec!["`iterations`"]),
            (vec![("a", "set = { seed = 4 }")], vec!["`seed`", "seeds"]),
            (vec![("a", "same_runs_as = \"a\"")], vec!["`same_runs_as`"]),
            (vec![("a", "colour = 1")], vec!["colour"]),
            (vec![("a", "paper = { f1 = 0.5 }")], vec!["f1"]),
        ] {
            let error = plan(&cells).unwrap_err();
            for part in expected.into_iter().chain(["p.toml"]) {
                assert!(error.contains(part), "{part} in {error}");
            }
        }
        for (cell, expected) in [
            ("set = { epoch = 4 }", "epoch"),
            ("set = { epochs = 0 }", "epochs"),
            ("set = { model = { preset = \"huge\" } }", "huge"),
            (
                "set = { model = { preset = \"fcn\" }, input_secs = 10.0 }",
                "20.46",
            ),
        ] {
            let error = shown(&plan(&[("a", cell)]).unwrap().check().unwrap_err());
            assert!(
                error.contains("p.toml") && error.contains("\"a\""),
                "{error}"
            );
            assert!(error.contains(expected), "{expected} in {error}");
        }
        let no_data = HEAD.replace("data = \"demo\"", "") + "[[cells]]\nid = \"a\"\nlabel = \"a\"";
        let error = Plan::parse(&no_data, "p.toml")
            .unwrap()
            .check()
            .unwrap_err();
        assert!(error.to_string().contains("--data"), "{error}");
        let error = Plan::parse(&HEAD.replace("[1, 2]", "[1, 1]"), "p").unwrap_err();
        assert!(shown(&error).contains("cells") || shown(&error).contains("seeds"));
    }

    #[test]
    fn a_teacher_may_be_a_cell_that_has_anothers_runs() {
        let text = r#"
            name = "x"
            title = "X"
            seeds = [1]
            [base]
            data = "demo"
            model = { preset = "tiny" }
            [[cells]]
            id = "student"
            label = "student"
            set = { label_fraction = 0.5, noisy_student = { teacher = "cell:alias" } }
            [[cells]]
            id = "alias"
            label = "alias"
            same_runs_as = "big"
            [[cells]]
            id = "big"
            label = "big"
        "#;
        let tasks = Plan::parse(text, "x").unwrap().tasks();
        let order: Vec<&str> = tasks.iter().map(|task| task.cell.as_str()).collect();
        assert_eq!(order, ["big", "student"]);
    }
}
