//! A run as TensorBoard's event file: every step's scalars, every validation's scores, those of the test split, the settings.
//!
//! Written for a run that is over ([`write_tensorboard`]), or beside a run while it trains ([`EventFile`]). TensorBoard keeps 32-bit
//! numbers; its file is a copy for other eyes, and never read back.

mod proto;
mod record;

use self::proto::{
    Any, AnyValue, Content, Dim, FAILURE, FLOAT, HparamsData, HparamsPluginData, Metadata,
    PluginData, SESSION_START, SUCCESS, SessionEndInfo, SessionLog, SessionStartInfo, Shape,
    Summary, Tensor, Value, What,
};
use super::rows::{Row, rows};
use super::{measures, settings};
use crate::run::{Error, Event, History, Record, StepScalars};
use crate::workspace::write_whole;
use prost::Message;
use std::fs::{File, OpenOptions};
use std::io::{BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// The folder of a run in which its event file lies: TensorBoard takes a folder for a run.
const FOLDER: &str = "tensorboard";

/// By this TensorBoard knows that a `START` makes what came after its step void.
const FILE_VERSION: &str = "brain.Event:2";

/// Writes a run as an event file into `folder` (made if need be), and says which. An earlier export of the run is replaced.
pub fn write_tensorboard(history: &History, folder: &Path) -> Result<PathBuf, Error> {
    let path = folder.join(file_name(history));
    let bytes = whole_run(history)?;
    write_whole(&path, |file| file.write_all(&bytes)).map_err(Error::io(&path))?;
    Ok(path)
}

/// The event file beside a run in training.
#[derive(Debug)]
pub(in crate::run) struct EventFile {
    path: PathBuf,
    file: File,
    bytes_on_disk: u64,
    pending: Vec<u8>,
    tags: Vec<String>,
}

impl EventFile {
    /// Opens the file of the run in `run_folder`, which stands at `step`.
    ///
    /// What a killed writer left unfinished is cut off, and what came after `step` is declared void. Where there is no file yet, all
    /// that the run has told so far is written first.
    pub(in crate::run) fn open(
        run_folder: &Path,
        step: u64,
        at_unix_ms: u64,
    ) -> Result<Self, Error> {
        let history = History::open(run_folder)?;
        let folder = run_folder.join(FOLDER);
        let path = folder.join(file_name(&history));
        let open = || {
            std::fs::create_dir_all(&folder)?;
            let file = OpenOptions::new()
                .create(true)
                .truncate(false)
                .read(true)
                .write(true)
                .open(&path)?;
            let bytes_on_disk = record::whole_records(BufReader::new(&file))?;
            file.set_len(bytes_on_disk)?;
            Ok((file, bytes_on_disk))
        };
        let (file, bytes_on_disk) = open().map_err(Error::io(&path))?;
        let mut opened = Self {
            path,
            file,
            bytes_on_disk,
            pending: Vec::new(),
            tags: history.tags().to_vec(),
        };
        if bytes_on_disk == 0 {
            opened.pending = whole_run(&history)?;
        } else {
            let start = SessionLog {
                status: SESSION_START,
            };
            // TensorBoard voids the step of a `START` itself as well.
            let is_validated_anew = measures::is_voided_at(&history, step);
            let first_void = if is_validated_anew { step } else { step + 1 };
            let event = event(at_unix_ms, first_void, What::SessionLog(start));
            push(&event, &mut opened.pending);
            if is_validated_anew {
                let rows = rows(&history)?;
                for row in rows.iter().filter(|row| row.scalars.step == step) {
                    push_row(row, &mut opened.pending);
                }
            }
        }
        opened.flush()?;
        Ok(opened)
    }

    /// Takes in what a step measured; written with the next flush.
    pub(in crate::run) fn step(&mut self, scalars: &StepScalars, at_unix_ms: u64) {
        push_row(
            &Row {
                scalars: *scalars,
                at_unix_ms,
            },
            &mut self.pending,
        );
    }

    /// Takes in what an event tells; written with the next flush.
    pub(in crate::run) fn record(&mut self, record: &Record) {
        push_record(record, &self.tags, &mut self.pending);
    }

    /// Hands all to the system. After an error (a full disk) it still waits, and the next flush writes it at the same place.
    pub(in crate::run) fn flush(&mut self) -> Result<(), Error> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let written = self
            .file
            .seek(SeekFrom::Start(self.bytes_on_disk))
            .and_then(|_| self.file.write_all(&self.pending));
        written.map_err(Error::io(&self.path))?;
        self.bytes_on_disk += self.pending.len() as u64;
        self.pending.clear();
        Ok(())
    }
}

/// The same for the same run: by the time at which it began, as is the custom.
fn file_name(history: &History) -> String {
    let secs = history.started().map_or(0, |started| started.at_unix_ms) / 1000;
    format!("events.out.tfevents.{secs:010}.attune")
}

/// All that counts of a run, by step.
fn whole_run(history: &History) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let began = history.started().map_or(0, |started| started.at_unix_ms);
    let version = What::FileVersion(FILE_VERSION.to_owned());
    push(&event(began, 0, version), &mut bytes);
    push(&hparams_start(history, began), &mut bytes);
    let rows = rows(history)?;
    let mut rows = rows.iter().peekable();
    for record in measures::counting(history) {
        while let Some(row) = rows.next_if(|row| row.scalars.step <= record.step) {
            push_row(row, &mut bytes);
        }
        push_record(record, history.tags(), &mut bytes);
    }
    for row in rows {
        push_row(row, &mut bytes);
    }
    if let Some((record, end)) = history
        .events()
        .last()
        .and_then(|last| Some((last, session_end(last)?)))
    {
        let what = What::Summary(Summary { value: vec![end] });
        push(&event(record.at_unix_ms, record.step, what), &mut bytes);
    }
    Ok(bytes)
}

fn push(event: &proto::Event, to: &mut Vec<u8>) {
    record::append(&event.encode_to_vec(), to);
}

fn push_row(row: &Row, to: &mut Vec<u8>) {
    let scalars = measures::of_step(&row.scalars);
    let summary = Summary {
        value: scalars.map(|(tag, value)| scalar(tag, value)).collect(),
    };
    if !summary.value.is_empty() {
        let what = What::Summary(summary);
        push(&event(row.at_unix_ms, row.scalars.step, what), to);
    }
}

fn push_record(record: &Record, tags: &[String], to: &mut Vec<u8>) {
    let measured = measures::of_event(&record.event, tags).into_iter();
    let mut value: Vec<Value> = measured
        .map(|(tag, value)| scalar(tag, value as f32))
        .collect();
    value.extend(session_end(record));
    if !value.is_empty() {
        let what = What::Summary(Summary { value });
        push(&event(record.at_unix_ms, record.step, what), to);
    }
}

/// How the run ended, for the table of hyperparameters; `None` for all other events.
fn session_end(record: &Record) -> Option<Value> {
    let status = match &record.event {
        Event::Finished | Event::EarlyStopped { .. } | Event::Stopped => SUCCESS,
        Event::Failed { .. } => FAILURE,
        _ => return None,
    };
    let end = SessionEndInfo {
        status,
        end_time_secs: secs(record.at_unix_ms),
    };
    Some(hparams("_hparams_/session_end_info", HparamsData::End(end)))
}

fn event(at_unix_ms: u64, step: u64, what: What) -> proto::Event {
    proto::Event {
        wall_time: secs(at_unix_ms),
        step: step as i64,
        what: Some(what),
    }
}

fn secs(unix_ms: u64) -> f64 {
    unix_ms as f64 / 1000.0
}

fn scalar(tag: String, value: f32) -> Value {
    Value {
        tag,
        metadata: None,
        content: Some(Content::Scalar(value)),
    }
}

/// The settings, for TensorBoard's table of hyperparameters.
fn hparams_start(history: &History, began: u64) -> proto::Event {
    let settings = settings::settings(history).into_iter();
    let hparams_of = settings.map(|(name, value)| {
        let kind = match value {
            toml::Value::Integer(number) => Any::Number(number as f64),
            toml::Value::Float(number) => Any::Number(number),
            toml::Value::Boolean(is_so) => Any::Bool(is_so),
            other => Any::Text(settings::text(&other)),
        };
        (name, AnyValue { kind: Some(kind) })
    });
    let start = SessionStartInfo {
        hparams: hparams_of.collect(),
        start_time_secs: secs(began),
    };
    let value = hparams("_hparams_/session_start_info", HparamsData::Start(start));
    event(began, 0, What::Summary(Summary { value: vec![value] }))
}

/// A message of the hparams plugin: it stands in the metadata of a tensor without numbers.
fn hparams(tag: &str, data: HparamsData) -> Value {
    let content = HparamsPluginData { data: Some(data) }.encode_to_vec();
    let plugin_data = PluginData {
        plugin_name: "hparams".to_owned(),
        content,
    };
    Value {
        tag: tag.to_owned(),
        metadata: Some(Metadata {
            plugin_data: Some(plugin_data),
        }),
        content: Some(Content::Tensor(Tensor {
            dtype: FLOAT,
            shape: Some(Shape {
                dim: vec![Dim { size: 0 }],
            }),
        })),
    }
}
