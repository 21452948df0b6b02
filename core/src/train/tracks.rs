//! Which tracks a run learns from: those of its data set, some without their labels, and unlabelled ones of other data sets.

use super::checkpoint::{DataRecord, RunFile};
use super::data_change::DataChange;
use super::prepare::open_data;
use super::{Error, TrainConfig};
use crate::dataset::{Dataset, Split};
use crate::job::Job;
use crate::workspace::Workspace;

/// The data sets of a run, as `run.toml` notes them.
pub(super) struct Records {
    pub(super) data: DataRecord,
    pub(super) unlabelled: Vec<DataRecord>,
}

/// Opens the data sets of a recipe. The demo set is composed and rendered if it is not there yet.
pub(super) fn open_tracks(
    config: &TrainConfig,
    workspace: &Workspace,
    job: &Job,
) -> Result<(Dataset, Records), Error> {
    let dataset = open_data(&config.data, workspace, job)?;
    let more = config
        .noisy_student
        .iter()
        .flat_map(|student| &student.unlabelled);
    let more = more
        .map(|choice| open_data(choice, workspace, job))
        .collect::<Result<Vec<_>, _>>()?;
    let records = Records {
        data: record(&dataset),
        unlabelled: more.iter().map(record).collect(),
    };
    Ok((together(config, dataset, more)?, records))
}

/// Opens the data sets of a run that goes on. They must still have the same tags; what else has changed is a warning.
pub(super) fn reopen(run_file: &RunFile, warnings: &mut Vec<String>) -> Result<Dataset, Error> {
    let dataset = Dataset::open(&run_file.data.folder)?;
    if run_file.data.tags != dataset.tags {
        return Err(Error::DataChanged {
            then: run_file.data.tags.len(),
            now: dataset.n_tags(),
        });
    }
    let mut compare = |then: &DataRecord, now: &Dataset| {
        let change = DataChange::between(then, now);
        warnings.extend(change.map(|change| change.to_string()));
    };
    compare(&run_file.data, &dataset);
    let mut more = Vec::new();
    for then in &run_file.unlabelled {
        let now = Dataset::open(&then.folder)?;
        compare(then, &now);
        more.push(now);
    }
    together(&run_file.config, dataset, more)
}

/// One set of tracks of all. With a teacher, fails if none of them is without labels.
fn together(
    config: &TrainConfig,
    mut dataset: Dataset,
    more: Vec<Dataset>,
) -> Result<Dataset, Error> {
    if config.label_fraction < 1.0 {
        dataset.withhold_labels(config.label_fraction, config.label_seed);
    }
    for other in more {
        dataset.add_unlabelled(other);
    }
    if config.noisy_student.is_some() && dataset.split(Split::Unlabelled).is_err() {
        return Err(Error::NothingUnlabelled);
    }
    Ok(dataset)
}

pub(super) fn record(dataset: &Dataset) -> DataRecord {
    DataRecord {
        name: dataset.name.clone(),
        folder: dataset.place.clone(),
        fingerprint: dataset.fingerprint(),
        tags: dataset.tags.clone(),
        contents: Some(dataset.contents()),
    }
}
