//! From a recipe, or from the folder of an earlier run, to a run that is ready for its next step.

use super::branch::{self, BranchRecord};
use super::checkpoint::{Checkpoints, Position, RunFile, TeacherRecord};
use super::handle::{Shared, Wake, preparing_job};
use super::learner::Learner;
use super::noisy_student::{Lessons, Teacher};
use super::prepare::{decode_split, open_cache_at};
use super::streams::{self, Lengths};
use super::tracks::{Records, open_tracks, reopen};
use super::trainer::{Data, Line, Run};
use super::{Command, Error, More, Predictions, TrainConfig, open_model, timelines};
use crate::dataset::{
    Dataset, Loader, LoaderConfig, PcmCache, Position as LoaderPosition, Severity, Split,
};
use crate::job::Job;
use crate::message::full_message;
use crate::metrics::{PseudoLabels, RunningScores};
use crate::models::ModelConfig;
use crate::predict::Model;
use crate::run::{self, Event, Extension, ResumePoint, RunLog, Teaching};
use crate::workspace::Workspace;
use candle_core::Tensor;
use crossbeam::channel::Receiver;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Where a run comes from.
pub(super) enum Begin {
    /// A recipe.
    New(Box<TrainConfig>),
    /// What an earlier run noted of itself, its recipe as it is in effect; and what more is asked of it.
    Again(Box<RunFile>, More),
}

/// What a run begins with.
struct Origin {
    config: TrainConfig,
    model: ModelConfig,
    tracks: Dataset,
    records: Records,
    teacher: Option<Model>,
}

/// Opens the data, decodes it, builds the network, takes up the last checkpoint if there is one.
pub(super) fn begin(
    from: Begin,
    run_folder: &Path,
    workspace: &Workspace,
    inbox: Receiver<Command>,
    shared: &Arc<Shared>,
    wake: &Wake,
) -> Result<Run, Error> {
    let job = preparing_job(shared, wake);
    let is_resumed = matches!(from, Begin::Again(..));
    // Before minutes are spent, and before a checkpoint is read that the writer is about to replace.
    if is_resumed && run::has_writer(run_folder) {
        return Err(run::Error::Locked(run_folder.to_owned()).into());
    }
    let checkpoints = Checkpoints::of(run_folder);
    let mut warnings = Vec::new();
    let (origin, more) = match from {
        Begin::New(config) => (of_recipe(*config, workspace, &job)?, More::default()),
        Begin::Again(run_file, more) => (of_run(*run_file, &checkpoints, &mut warnings)?, more),
    };
    let Origin {
        config,
        model,
        tracks,
        records,
        teacher,
    } = origin;
    // Said before anything is decoded.
    timelines::choose(&config, &tracks, &tracks.split(Split::Valid)?)?;
    let mut learner = Learner::new(&config, model, tracks.tags.clone())?;
    let branched_from = match &config.branch_from {
        Some(point) if is_resumed => {
            branch::begin_again(point, &config, &checkpoints, &mut learner)?;
            None
        }
        Some(point) => Some(branch::begin(point, &config, &mut learner, workspace)?),
        None => None,
    };
    let grave = tracks.findings.iter();
    let grave = grave.filter(|finding| finding.severity == Severity::Error);
    warnings.extend(grave.map(ToString::to_string));
    let cache = Arc::new(open_cache_at(workspace, config.clip_rate_hz)?);
    let mut decode = |split| -> Result<Vec<usize>, Error> {
        let (idxs, problems) = decode_split(&tracks, split, &cache, &job)?;
        warnings.extend(problems.iter().map(ToString::to_string));
        Ok(idxs)
    };
    let train_idxs = decode(Split::Train)?;
    let valid_idxs = decode(Split::Valid)?;
    let timeline_idxs = timelines::choose(&config, &tracks, &valid_idxs)?;
    let unlabelled_idxs = match &teacher {
        Some(_) => decode(Split::Unlabelled)?,
        None => Vec::new(),
    };
    warnings.extend(cache.take_warnings());
    let lengths = Lengths::of(&config, train_idxs.len(), unlabelled_idxs.len())?;

    let mut running = RunningScores::new(tracks.n_tags(), RunningScores::DEFAULT_CAPACITY);
    let (mut position, state) = if is_resumed && checkpoints.last().exists() {
        let (optimizer, position, state) =
            checkpoints.load_last(&learner.parameters, config.optimizer, &mut running)?;
        learner.optimizer = optimizer;
        (position, state)
    } else {
        (Position::start(&config), BTreeMap::new())
    };
    let steps_per_epoch = lengths.steps_per_epoch();
    let (config, extension) = more.take_up(run_folder, config, &mut position, steps_per_epoch)?;

    let classroom = Classroom {
        config: &config,
        tracks: Arc::new(tracks),
        cache,
        position: &position,
    };
    let stream = streams::labelled(&config, lengths, learner.network().input())?;
    let lessons = match teacher {
        Some(model) => {
            let teacher = classroom.teacher(model, &learner, &state)?;
            let folder = workspace.cache().join("pseudo-labels");
            Some(classroom.lessons(teacher, &stream, &unlabelled_idxs, &folder, &job)?)
        }
        None => None,
    };
    let loader = classroom.start(stream)?;
    let Classroom { tracks, cache, .. } = classroom;

    let mut log = if is_resumed {
        let log = go_on_with_log(run_folder, &position, extension, &mut warnings)?;
        checkpoints.forget_unfinished();
        log
    } else {
        let teacher = lessons.as_ref().map(|lessons| lessons.teacher.model());
        if let Some(model) = teacher {
            // So that a run can be moved, and goes on when its teacher's run is gone.
            model.save(&checkpoints.teacher())?;
        }
        if let Some(branch) = &branched_from {
            checkpoints.save_origin(&learner, branch.optimizer_state)?;
        }
        let came = Came {
            records,
            teacher,
            branched_from,
        };
        create_log(run_folder, &config, came, &learner, lengths)?
    };
    if config.tensorboard {
        // As later in the run: a copy for another program is no reason not to train.
        if let Err(error) = log.write_tensorboard(position.step) {
            let why = full_message(&error);
            warnings.push(format!("TensorBoard's file is not written: {why}"));
        }
    }
    for message in warnings {
        log.event(position.step, position.epoch, Event::Warned { message })?;
    }
    shared.progress.store(None);
    Run::new(
        config,
        Data {
            dataset: tracks,
            cache,
            valid_idxs,
            timeline_idxs,
            loader,
            lessons,
        },
        learner,
        position,
        running,
        log,
        checkpoints,
        Line {
            shared: Arc::clone(shared),
            wake: Arc::clone(wake),
        },
        inbox,
    )
}

fn of_recipe(config: TrainConfig, workspace: &Workspace, job: &Job) -> Result<Origin, Error> {
    let student = config.noisy_student.as_ref();
    let teacher = student
        .map(|student| open_model(&student.teacher, workspace))
        .transpose()?;
    let (tracks, records) = open_tracks(&config, workspace, job)?;
    Ok(Origin {
        model: config.model.resolve(tracks.n_tags())?,
        config,
        tracks,
        records,
        teacher,
    })
}

fn of_run(
    run_file: RunFile,
    checkpoints: &Checkpoints,
    warnings: &mut Vec<String>,
) -> Result<Origin, Error> {
    let tracks = reopen(&run_file, warnings)?;
    let teacher = run_file.teacher.map(|record| -> Result<Model, Error> {
        let mut model = Model::load(&checkpoints.teacher())?;
        model.name = record.name;
        Ok(model)
    });
    Ok(Origin {
        config: run_file.config,
        model: run_file.model,
        tracks,
        records: Records {
            data: run_file.data,
            unlabelled: run_file.unlabelled,
        },
        teacher: teacher.transpose()?,
    })
}

/// Where clips and their teacher come together.
struct Classroom<'a> {
    config: &'a TrainConfig,
    tracks: Arc<Dataset>,
    cache: Arc<PcmCache>,
    position: &'a Position,
}

impl Classroom<'_> {
    fn teacher(
        &self,
        model: Model,
        learner: &Learner,
        state: &BTreeMap<String, Tensor>,
    ) -> Result<Teacher, Error> {
        let decay = self.config.noisy_student.as_ref();
        let decay = decay.and_then(|student| student.moving_average);
        let is_alike = model.config == learner.config && model.tags == self.tracks.tags;
        if decay.is_some() && !is_alike {
            return Err(Error::TeacherSizes {
                teacher: model.name,
            });
        }
        let clip_secs = self.config.input_secs;
        let teacher = Teacher::new(Arc::new(model), decay, &self.tracks, clip_secs)?;
        teacher.restore(state)?;
        Ok(teacher)
    }

    /// The unlabelled clips, made like the labelled ones of `stream`, and the teacher's answers to them.
    fn lessons(
        &self,
        mut teacher: Teacher,
        stream: &LoaderConfig,
        unlabelled_idxs: &[usize],
        cache_folder: &Path,
        job: &Job,
    ) -> Result<Lessons, Error> {
        let Some(recipe) = self.config.noisy_student.clone() else {
            return Err(Error::NothingUnlabelled);
        };
        if recipe.precomputed {
            teacher.label_tracks(
                &self.tracks,
                &self.cache,
                unlabelled_idxs,
                cache_folder,
                job,
            )?;
        }
        let clean = (!recipe.precomputed).then(|| teacher.input());
        let loader = self.start(streams::unlabelled(self.config, stream, clean))?;
        let statistics = self.position.pseudo_labels.clone();
        let statistics = statistics.unwrap_or_else(|| PseudoLabels::new(self.tracks.n_tags()));
        Ok(Lessons::new(recipe, loader, teacher, statistics))
    }

    fn start(&self, stream: LoaderConfig) -> Result<Loader, Error> {
        let from = LoaderPosition {
            epoch: self.position.epoch,
            step_in_epoch: self.position.step_in_epoch,
        };
        let (tracks, cache) = (Arc::clone(&self.tracks), Arc::clone(&self.cache));
        Ok(Loader::start(tracks, cache, stream, from)?)
    }
}

/// The log of a run that goes on from `position`, and may be extended.
fn go_on_with_log(
    run_folder: &Path,
    position: &Position,
    extension: Option<Extension>,
    warnings: &mut Vec<String>,
) -> Result<RunLog, Error> {
    let point = ResumePoint {
        step: position.step,
        epoch: position.epoch,
        validated_step: Some(position.validated_step),
        learning_rate: Some(position.learning_rate),
    };
    let mut log = RunLog::resume_from(run_folder, &point)?;
    // They are of the best model so far. A run that has ended is scored again.
    drop(std::fs::remove_file(Predictions::path(run_folder)));
    if let Some(extension) = extension {
        log.event(position.step, position.epoch, Event::Extended(extension))?;
    }
    if let Err(error) = run::forget_snapshots_after(run_folder, position.step) {
        let why = full_message(&error);
        warnings.push(format!(
            "snapshots of later steps could not be removed: {why}"
        ));
    }
    Ok(log)
}

/// What a new run comes from.
struct Came<'a> {
    records: Records,
    teacher: Option<&'a Arc<Model>>,
    branched_from: Option<BranchRecord>,
}

/// The folder's `run.toml` and the first line of its log.
fn create_log(
    run_folder: &Path,
    config: &TrainConfig,
    came: Came<'_>,
    learner: &Learner,
    lengths: Lengths,
) -> Result<RunLog, Error> {
    let Came {
        records,
        teacher,
        branched_from,
    } = came;
    let n_parameters = learner.parameters.n_weights() as u64;
    let teacher = teacher.map(|model| TeacherRecord {
        name: model.name.clone(),
        fingerprint: model.fingerprint.clone(),
        parameters: model.parameters().n_weights() as u64,
    });
    let run_file = RunFile {
        attune: env!("CARGO_PKG_VERSION").to_owned(),
        created_unix_ms: SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |t| t.as_millis() as u64),
        parameters: n_parameters,
        data: records.data,
        unlabelled: records.unlabelled,
        teacher: teacher.clone(),
        branched_from,
        config: config.clone(),
        model: learner.config.clone(),
    };
    let mut log = RunLog::create(run_folder, &run_file)?;
    let started = Event::Started {
        name: config.label(),
        model: config.model.label(),
        data: run_file.data.name,
        tags: run_file.data.tags,
        n_parameters,
        steps_per_epoch: u64::from(lengths.steps_per_epoch()),
        epochs: config.epochs,
        patience_epochs: Some(config.patience_epochs).filter(|&epochs| epochs > 0),
        version: run_file.attune,
        teaching: teacher.map(|teacher| Teaching {
            teacher: teacher.name,
            teacher_parameters: teacher.parameters,
            labelled_tracks: lengths.labelled_tracks as u64,
            unlabelled_tracks: lengths.unlabelled_tracks as u64,
            labelled_steps: u64::from(lengths.labelled_steps),
            unlabelled_steps: u64::from(lengths.unlabelled_steps),
        }),
    };
    log.event(0, 0, started)?;
    Ok(log)
}
