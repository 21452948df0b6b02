//! A run in the layout of MLflow's file store, as `mlflow ui --backend-store-uri FOLDER` and `MlflowClient` read it.
//!
//! ```text
//! EXPERIMENT/meta.yaml                      the experiment `attune`
//! EXPERIMENT/RUN/meta.yaml                  name, times and status
//! EXPERIMENT/RUN/params/NAME                a setting each
//! EXPERIMENT/RUN/metrics/train/loss         a line a step: milliseconds since 1970, value, step
//! EXPERIMENT/RUN/tags/NAME
//! EXPERIMENT/RUN/artifacts/                 run.toml and events.jsonl as they are
//! ```
//!
//! MLflow allows letters, digits and `_-. /` in names: all else in the name of a music tag becomes `_`.

use super::measures;
use super::rows::rows;
use super::settings::{settings, text};
use crate::run::{Error, Event, History, Status, lines, log};
use crate::workspace::write_whole;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

const EXPERIMENT: &str = "attune";
/// Any number would do; the same one, so that all exports to a store come together.
const EXPERIMENT_ID: &str = "297885110";
/// MLflow refused longer ones before version 2.9; `run.toml` has them whole.
const MAX_PARAMETER_CHARS: usize = 500;
/// File names may have 255 bytes.
const MAX_NAME_CHARS: usize = 60;

/// Adds a run to the file store in `store` (made if need be), and says which folder is the run's. An earlier export of the same run is
/// replaced.
pub fn write_mlflow(history: &History, store: &Path) -> Result<PathBuf, Error> {
    let store = std::path::absolute(store).map_err(Error::io(store))?;
    let experiment = store.join(EXPERIMENT_ID);
    let run_id = run_id(history);
    let folder = experiment.join(&run_id);
    let began = history.started().map_or(0, |started| started.at_unix_ms);
    let meta = experiment.join("meta.yaml");
    if !meta.exists() {
        let text = yaml(&[
            ("artifact_location", quoted(&file_uri(&experiment))),
            ("creation_time", began.to_string()),
            ("experiment_id", quoted(EXPERIMENT_ID)),
            ("last_update_time", began.to_string()),
            ("lifecycle_stage", "active".to_owned()),
            ("name", quoted(EXPERIMENT)),
        ]);
        write_whole(&meta, |file| file.write_all(text.as_bytes())).map_err(Error::io(&meta))?;
    }
    // Beside, then renamed: a run that MLflow sees is whole.
    let beside = store.join(format!(".{run_id}.{}.part", std::process::id()));
    let written = write_run(history, &run_id, &beside, &folder).and_then(|()| {
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(Error::io(&folder))?;
        }
        fs::rename(&beside, &folder).map_err(Error::io(&folder))
    });
    if written.is_err() && beside.exists() {
        // The first error is the one to tell.
        drop(fs::remove_dir_all(&beside));
    }
    written.map(|()| folder)
}

fn write_run(history: &History, run_id: &str, beside: &Path, folder: &Path) -> Result<(), Error> {
    for (name, text) in files(history, run_id, folder)? {
        let path = beside.join(name);
        let parent = path.parent().unwrap_or(beside);
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&path, text))
            .map_err(Error::io(path))?;
    }
    let artifacts = beside.join("artifacts");
    fs::create_dir_all(&artifacts).map_err(Error::io(&artifacts))?;
    for name in [log::CONFIGURATION, lines::FILE] {
        let from = history.folder().join(name);
        match fs::copy(&from, artifacts.join(name)) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(Error::Io { path: from, source });
            }
            _ => {}
        }
    }
    Ok(())
}

/// The files of a run and what is in them.
fn files(
    history: &History,
    run_id: &str,
    folder: &Path,
) -> Result<BTreeMap<String, String>, Error> {
    let mut files = BTreeMap::new();
    files.insert("meta.yaml".to_owned(), meta(history, run_id, folder));
    for (name, value) in settings(history) {
        let value = text(&value).replace(['\n', '\r'], " ");
        let value = value.chars().take(MAX_PARAMETER_CHARS).collect();
        files.insert(format!("params/{}", plain(&name)), value);
    }
    let mut tags = vec![
        ("mlflow.runName", history.id().to_owned()),
        ("mlflow.source.name", "attune".to_owned()),
        ("mlflow.source.type", "LOCAL".to_owned()),
        ("attune.status", history.status().label().to_owned()),
        ("attune.folder", history.folder().display().to_string()),
    ];
    if let Some(Event::Started {
        model,
        data,
        version,
        n_parameters,
        ..
    }) = history.started().map(|record| &record.event)
    {
        tags.extend([
            ("attune.model", model.clone()),
            ("attune.data", data.clone()),
            ("attune.version", version.clone()),
            ("attune.parameters", n_parameters.to_string()),
        ]);
    }
    let tags = tags.into_iter();
    files.extend(tags.map(|(name, value)| (format!("tags/{name}"), value)));
    files.extend(metrics(history)?);
    Ok(files)
}

fn metrics(history: &History) -> Result<BTreeMap<String, String>, Error> {
    let mut metrics: BTreeMap<String, String> = BTreeMap::new();
    let mut add = |name: String, at_unix_ms: u64, value: f64, step: u64| {
        let lines = metrics.entry(name).or_default();
        *lines += &format!("{at_unix_ms} {value} {step}\n");
    };
    for row in rows(history)? {
        for (name, value) in measures::of_step(&row.scalars) {
            add(name, row.at_unix_ms, f64::from(value), row.scalars.step);
        }
    }
    for record in measures::counting(history) {
        for (name, value) in measures::of_event(&record.event, history.tags()) {
            add(name, record.at_unix_ms, value, record.step);
        }
    }
    let mut taken = BTreeSet::new();
    let named = metrics.into_iter().map(|(name, lines)| {
        let (group, name) = name.split_once('/').unwrap_or(("", &name));
        let name = plain(name);
        // Two music tags may look alike when their signs are replaced, or to a file system that knows no capitals.
        let names = (1..).map(|n| match n {
            1 => format!("metrics/{}/{name}", plain(group)),
            n => format!("metrics/{}/{name}-{n}", plain(group)),
        });
        let mut free = names.filter(|name| !taken.contains(&name.to_lowercase()));
        let path = free.next().unwrap_or_default();
        taken.insert(path.to_lowercase());
        (path, lines)
    });
    Ok(named.collect())
}

fn meta(history: &History, run_id: &str, folder: &Path) -> String {
    let began = history.started().map_or(0, |started| started.at_unix_ms);
    // The numbers of MLflow's RunStatus.
    let (status, has_ended) = match history.status() {
        Status::Running | Status::Paused => (1, false),
        Status::Finished | Status::EarlyStopped => (3, true),
        Status::Failed => (4, true),
        Status::Stopped | Status::Interrupted => (5, true),
    };
    let ended = history.events().last().filter(|_| has_ended);
    let ended = ended.map_or("null".to_owned(), |last| last.at_unix_ms.to_string());
    let user = std::env::var("USER").unwrap_or_default();
    yaml(&[
        ("artifact_uri", quoted(&file_uri(&folder.join("artifacts")))),
        ("end_time", ended),
        ("entry_point_name", quoted("")),
        ("experiment_id", quoted(EXPERIMENT_ID)),
        ("lifecycle_stage", "active".to_owned()),
        ("run_id", quoted(run_id)),
        ("run_name", quoted(history.id())),
        ("run_uuid", quoted(run_id)),
        ("source_name", quoted("")),
        ("source_type", "4".to_owned()),
        ("source_version", quoted("")),
        ("start_time", began.to_string()),
        ("status", status.to_string()),
        ("tags", "[]".to_owned()),
        ("user_id", quoted(&user)),
    ])
}

/// 32 hexadecimal digits, the same each time.
fn run_id(history: &History) -> String {
    let began = history.started().map_or(0, |started| started.at_unix_ms);
    let hash = blake3::hash(format!("{} {began}", history.id()).as_bytes());
    hash.to_hex()[..32].to_owned()
}

fn yaml(entries: &[(&str, String)]) -> String {
    let lines = entries
        .iter()
        .map(|(key, value)| format!("{key}: {value}\n"));
    lines.collect()
}

/// YAML's strings in double quotes are JSON's.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn file_uri(path: &Path) -> String {
    let mut uri = "file://".to_owned();
    for byte in path.to_string_lossy().bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => {
                uri.push(char::from(byte));
            }
            _ => uri += &format!("%{byte:02X}"),
        }
    }
    uri
}

/// A name that MLflow allows, and a file system. What is too long ends with a digest, so that two names with the same beginning stay two.
fn plain(name: &str) -> String {
    if name.chars().count() > MAX_NAME_CHARS {
        let digest = blake3::hash(name.as_bytes()).to_hex();
        let kept: String = name.chars().take(MAX_NAME_CHARS - 9).collect();
        return plain(&format!("{kept}-{}", &digest[..8]));
    }
    let replaced = name.chars().map(|c| {
        let is_allowed = c.is_alphanumeric() || "_-. ".contains(c);
        if is_allowed { c } else { '_' }
    });
    let plain: String = replaced.collect();
    match plain.trim() {
        "" | "." | ".." => "_".to_owned(),
        trimmed => trimmed.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Scores;
    use crate::run::RunLog;

    #[test]
    fn long_names_with_the_same_beginning_stay_apart() {
        let long = |end: &str| plain(&format!("{}{end}", "tag/".repeat(30)));
        assert_ne!(long("a"), long("b"));
        assert_eq!(long("a").chars().count(), MAX_NAME_CHARS);
        assert_eq!(plain("model.preset"), "model.preset");
    }

    #[test]
    fn tags_that_would_lie_in_one_file_or_outside_the_folder_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let tags = ["r&b", "r/b", "R_B", "..", "../../x"].map(str::to_owned);
        let mut log = RunLog::create(&folder.path().join("run"), &toml::Table::new()).unwrap();
        let started = Event::Started {
            name: String::new(),
            model: String::new(),
            data: String::new(),
            tags: tags.to_vec(),
            n_parameters: 0,
            steps_per_epoch: 1,
            epochs: 1,
            patience_epochs: None,
            version: String::new(),
            teaching: None,
        };
        log.event(0, 0, started).unwrap();
        let scores =
            Scores::from_tags(vec![None; 5], (1..=5).map(|i| Some(f64::from(i))).collect());
        let validated = Event::Validated {
            loss: f64::NAN,
            scores,
            seconds: 1.0,
            localisation: None,
        };
        log.event(1, 0, validated).unwrap();
        let history = History::open(&folder.path().join("run")).unwrap();
        let store = folder.path().join("a store");
        let run = write_mlflow(&history, &store).unwrap();
        let by_tag = run.join("metrics/valid_average_precision");
        let mut files: Vec<(String, String)> = fs::read_dir(&by_tag)
            .unwrap()
            .map(|entry| {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                let line = fs::read_to_string(&path).unwrap();
                (name, line.split(' ').nth(1).unwrap().to_owned())
            })
            .collect();
        files.sort_by(|a, b| a.1.cmp(&b.1));
        let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["r_b-2", "r_b-3", "R_B", "_", ".._.._x"]);
        let meta = fs::read_to_string(run.join("meta.yaml")).unwrap();
        assert!(meta.contains("/a%20store/"), "{meta}");
        assert_eq!(write_mlflow(&history, &store).unwrap(), run, "replaced");
        assert_eq!(fs::read_dir(&store).unwrap().count(), 1, "nothing beside");
    }
}
