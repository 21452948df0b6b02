//! What can be wrong with a plan before any of its settings is looked at: names, seeds, cells that name each other.

use super::{CELL_PREFIX, Cell, Plan};
use crate::experiment::Error;

impl Plan {
    pub(super) fn check_outline(&self) -> Result<(), Error> {
        if !is_plain(&self.name) {
            return Err(self.wrong_plan(
                "`name` must be made of letters, digits, `-`, `_` and `.`: it names a folder",
            ));
        }
        if self.seeds.is_empty() {
            return Err(self.wrong_plan("`seeds` is empty: give at least one, as in `seeds = [1]`"));
        }
        for (at, seed) in self.seeds.iter().enumerate() {
            if self.seeds[..at].contains(seed) {
                return Err(self.wrong_plan(&format!("`seeds` names {seed} twice")));
            }
        }
        if self.cells.is_empty() {
            return Err(self.wrong_plan("it has no cells: add a `[[cells]]`"));
        }
        if self.report.metrics.is_empty() {
            return Err(self.wrong_plan("`report.metrics` is empty: leave it out for both"));
        }
        if !(self.report.confidence > 0.0 && self.report.confidence < 1.0) {
            return Err(self.wrong_plan("`report.confidence` must lie between 0 and 1"));
        }
        if self.report.resamples == 0 {
            return Err(self.wrong_plan("`report.resamples` must be at least 1"));
        }
        for (at, cell) in self.cells.iter().enumerate() {
            self.check_cell(at, cell)?;
        }
        self.ordered().map(|_| ())
    }

    fn check_cell(&self, at: usize, cell: &Cell) -> Result<(), Error> {
        let wrong = |why: String| Err(self.wrong(&cell.id, &why));
        if !is_plain(&cell.id) {
            return wrong("`id` must be made of letters, digits, `-`, `_` and `.`".to_owned());
        }
        if self.cells[..at].iter().any(|other| other.id == cell.id) {
            return wrong("`id` is there twice: each cell needs its own".to_owned());
        }
        for key in ["seed", "name"] {
            if cell.set.contains_key(key) || self.base.contains_key(key) {
                return wrong(format!(
                    "`{key}` cannot be set: it is made from the plan (the plan's key `seeds` names the seeds)"
                ));
            }
        }
        if let Some(id) = &cell.versus
            && self.cell(id).is_none()
        {
            return wrong(format!(
                "`versus` names the cell {id:?}, which is not there{}",
                self.known_cells()
            ));
        }
        if let Some(id) = &cell.same_runs_as {
            let is_trained = |other: &Cell| other.id != cell.id && other.same_runs_as.is_none();
            if !self.cell(id).is_some_and(is_trained) {
                return wrong(format!(
                    "`same_runs_as` names {id:?}, which is not another cell that is trained{}",
                    self.known_cells()
                ));
            }
            if !cell.set.is_empty() || cell.iterations != 1 {
                return wrong(
                    "`same_runs_as` leaves nothing to set: leave out `set` and `iterations`"
                        .to_owned(),
                );
            }
            return Ok(());
        }
        let settings = self.settings(cell);
        let student = settings.get("noisy_student");
        if cell.iterations == 0 {
            return wrong("`iterations` must be at least 1".to_owned());
        }
        if cell.iterations > 1 && student.is_none() {
            return wrong("`iterations` repeats noisy student training: set `noisy_student` too, or leave it out".to_owned());
        }
        let teacher = student.and_then(|student| student.get("teacher")?.as_str());
        if let Some(id) = teacher.and_then(|teacher| teacher.strip_prefix(CELL_PREFIX))
            && self.cell(id).is_none()
        {
            return wrong(format!(
                "`noisy_student.teacher` names the cell {id:?}, which is not there{}",
                self.known_cells()
            ));
        }
        Ok(())
    }

    fn known_cells(&self) -> String {
        let ids: Vec<&str> = self.cells.iter().map(|cell| cell.id.as_str()).collect();
        format!(" (there are {})", ids.join(", "))
    }
}

/// Whether a name can be a folder's everywhere.
pub(in crate::experiment) fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('.')
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}
