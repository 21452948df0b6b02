//! From the settings of a plan to the recipe of a run: what the preset takes, then the base, then the cell's own, then the seed.

use super::{Cell, Plan, Task};
use crate::augment::Chains;
use crate::experiment::Error;
use crate::experiment::merge::merge;
use crate::models::presets;
use crate::train::{Augmentation, TrainConfig};
use toml::{Table, Value};

impl Plan {
    /// The recipe of a run; `teacher` is the id of the run whose model teaches it, if it has one in the plan.
    pub fn config(&self, task: &Task, teacher: Option<&str>) -> Result<TrainConfig, Error> {
        let wrong = |why: &str| self.wrong(&task.cell, why);
        let cell = self
            .cell(&task.cell)
            .ok_or_else(|| wrong("there is no such cell"))?;
        let mut settings = self.defaults(cell)?;
        merge(&mut settings, &self.settings(cell));
        settings.insert("seed".to_owned(), Value::Integer(task.seed as i64));
        if let (Some(teacher), Some(Value::Table(student))) =
            (teacher, settings.get_mut("noisy_student"))
        {
            student.insert("teacher".to_owned(), teacher.into());
        }
        let config: TrainConfig = settings.try_into().map_err(|source| Error::Setting {
            plan: self.origin.0.clone(),
            cell: cell.id.clone(),
            source: Box::new(source),
        })?;
        Ok(config)
    }

    /// Says what is wrong with the settings of a cell, before anything is begun. Takes longer than [`Self::parse`]: builds all networks.
    pub fn check(&self) -> Result<(), Error> {
        for cell in &self.cells {
            if !self.settings(cell).contains_key("data") {
                return Err(Error::NoData {
                    plan: self.origin.0.clone(),
                    needs: if self.needs.is_empty() {
                        "a data set".to_owned()
                    } else {
                        self.needs.clone()
                    },
                });
            }
            let task = Task {
                cell: cell.id.clone(),
                seed: self.seeds[0],
                iteration: 1,
            };
            let config = self.config(&task, None)?;
            let checked = config.check().and_then(|()| config.check_network());
            checked.map_err(|source| Error::Recipe {
                plan: self.origin.0.clone(),
                cell: cell.id.clone(),
                source: Box::new(source),
            })?;
        }
        Ok(())
    }

    /// Takes up chains that are named and not shipped in full, so that all runs of the plan have the same, whatever becomes of the file.
    pub(in crate::experiment) fn take_up_chains(&mut self, chains: &Chains) -> Result<(), Error> {
        let origin = self.origin.0.clone();
        let mut failed = None;
        self.for_each_settings(|settings| {
            let named = settings.get("augmentation");
            let name = named.and_then(|augmentation| augmentation.get("preset")?.as_str());
            let Some(name) = name else { return };
            match Augmentation::named(name, chains).map(Value::try_from) {
                Ok(Ok(value)) => {
                    settings.insert("augmentation".to_owned(), value);
                }
                Ok(Err(error)) => failed = Some(Error::from(error)),
                Err(error) => {
                    failed = Some(Error::Chain {
                        plan: origin.clone(),
                        source: Box::new(error),
                    });
                }
            }
        });
        failed.map_or(Ok(()), Err)
    }

    /// Settings of a cell: the base, with the cell's own laid over it.
    pub(in crate::experiment) fn settings(&self, cell: &Cell) -> Table {
        let mut settings = self.base.clone();
        merge(&mut settings, &cell.set);
        settings
    }

    /// What `attune train --preset` would take where the plan says nothing, above all the length of a clip.
    fn defaults(&self, cell: &Cell) -> Result<Table, Error> {
        let settings = self.settings(cell);
        let preset = settings
            .get("model")
            .and_then(|model| model.get("preset")?.as_str());
        let config = match preset {
            Some(name) => {
                presets::preset(name).map_err(|source| Error::Recipe {
                    plan: self.origin.0.clone(),
                    cell: cell.id.clone(),
                    source: Box::new(source.into()),
                })?;
                TrainConfig::for_preset(name)
            }
            None => TrainConfig::default(),
        };
        Ok(Table::try_from(config)?)
    }
}
