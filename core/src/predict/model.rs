//! A model that predicts: an immutable snapshot of a network, its front end and its tags.

use super::Error;
use super::checkpoint::{Checkpoint, LoadOptions};
use crate::features::{InputExtractor, LogMel};
use crate::models::{self, ModelConfig, Network, Pass};
use crate::nn::{Parameters, Precision, probabilities};
use crate::weights;
use crate::workspace::write_whole;
use candle_core::{DType, Device, Tensor};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::Write as _;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::OnceLock;

/// Key of the file's metadata under which [`About`] stands, as JSON.
pub(super) const METADATA_KEY: &str = "attune";

/// A trained network and everything needed to ask it about sound. Nothing changes it; share it by `Arc`.
pub struct Model {
    /// What kind of network it is.
    pub config: ModelConfig,
    /// Its tags, in the order of its answers.
    pub tags: Vec<String>,
    /// Length of the chunks that it was trained on, at its rate.
    pub input_samples: usize,
    /// For messages and titles.
    pub name: String,
    /// Hash of configuration, tags and weights: equal for equal answers.
    pub fingerprint: String,
    parameters: Parameters,
    pub(super) network: Box<dyn Network>,
    pub(super) extractor: InputExtractor,
    /// Whether the weights lie where networks compute: they go there when it is first asked.
    settled: OnceLock<()>,
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Model")
            .field("name", &self.name)
            .field("config", &self.config)
            .field("tags", &self.tags.len())
            .field("fingerprint", &self.fingerprint)
            .finish_non_exhaustive()
    }
}

/// How a model is written for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// Opens here again, and in PyTorch.
    Safetensors,
    /// For onnxruntime and others.
    Onnx,
}

impl ExportFormat {
    /// The one that a file's name asks for. Fails with [`Error::Extension`] if it asks for none.
    pub fn of(path: &Path) -> Result<Self, Error> {
        let extension = path.extension().and_then(OsStr::to_str);
        match extension.map(str::to_lowercase).as_deref() {
            Some("safetensors") => Ok(Self::Safetensors),
            Some("onnx") => Ok(Self::Onnx),
            _ => Err(Error::Extension {
                path: path.to_owned(),
            }),
        }
    }
}

/// What stands beside the weights in a file.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub(super) struct About {
    pub(super) model: ModelConfig,
    pub(super) tags: Vec<String>,
    pub(super) input_samples: usize,
}

/// `demo-1` of `demo-1/checkpoints/best.safetensors`, `demo-1 step-00000020` of `demo-1/snapshots/step-00000020.safetensors`, `tagger` of
/// `tagger.safetensors`.
fn name_of(path: &Path) -> Option<String> {
    let file = path.file_stem()?.to_string_lossy();
    let folder = path.parent();
    let run = folder.and_then(|folder| Some(folder.parent()?.file_name()?.to_string_lossy()));
    let kind = folder.and_then(Path::file_name).and_then(OsStr::to_str);
    Some(match (kind, run) {
        (Some("checkpoints"), Some(run)) => run.into_owned(),
        (Some("snapshots"), Some(run)) => format!("{run} {file}"),
        _ => file.into_owned(),
    })
}

impl Model {
    /// A snapshot of `parameters`: later training steps do not change it.
    pub fn from_parameters(
        config: ModelConfig,
        tags: Vec<String>,
        input_samples: usize,
        parameters: &Parameters,
    ) -> Result<Self, Error> {
        Self::new(config, tags, input_samples, parameters.snapshot()?)
    }

    /// Reads what [`Model::save`] wrote, or a checkpoint of a known network without metadata (safetensors or PyTorch's): then 8
    /// heads, tags `tag 0` and on, chunks of the published length. Its name is that of the file.
    ///
    /// [`Checkpoint`] does the same in two steps, with a look at the file in between.
    pub fn load(path: &Path) -> Result<Self, Error> {
        Checkpoint::open(path, &LoadOptions::default())?.load()
    }

    /// A model as its file describes it, named after the file, after the run if it is a run's checkpoint, or after both if it is one of the
    /// snapshots that a run keeps.
    pub(super) fn described(
        about: About,
        parameters: Parameters,
        path: &Path,
    ) -> Result<Self, Error> {
        let mut model = Self::new(about.model, about.tags, about.input_samples, parameters)?;
        if let Some(name) = name_of(path) {
            model.name = name;
        }
        Ok(model)
    }

    fn new(
        config: ModelConfig,
        tags: Vec<String>,
        input_samples: usize,
        parameters: Parameters,
    ) -> Result<Self, Error> {
        config.check()?;
        if tags.len() != config.n_tags() {
            return Err(Error::Tags {
                n_tags: tags.len(),
                n_outputs: config.n_tags(),
            });
        }
        let network = config.build(parameters.var_builder())?;
        let mut tables = BTreeMap::new();
        for key in InputExtractor::TABLES {
            if let Some(table) = parameters.get(key) {
                tables.insert(key, table.flatten_all()?.to_vec1::<f32>()?);
            }
        }
        let extractor =
            InputExtractor::with_tables(&network.input(), |key| tables.get(key).cloned())?;
        check_length(&*network, input_samples)?;
        let mut model = Self {
            name: config.architecture().to_owned(),
            config,
            tags,
            input_samples,
            fingerprint: String::new(),
            parameters,
            network,
            extractor,
            settled: OnceLock::new(),
        };
        model.fingerprint = model.hash()?;
        Ok(model)
    }

    fn hash(&self) -> Result<String, Error> {
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.about()?.as_bytes());
        for parameter in self.parameters.all() {
            hasher.update(parameter.name.as_bytes());
            if parameter.tensor.dtype() == DType::F32 {
                for value in parameter.tensor.flatten_all()?.to_vec1::<f32>()? {
                    hasher.update(&value.to_le_bytes());
                }
            }
        }
        Ok(hasher.finalize().to_hex().as_str()[..16].to_owned())
    }

    fn about(&self) -> Result<String, Error> {
        serde_json::to_string(&About {
            model: self.config.clone(),
            tags: self.tags.clone(),
            input_samples: self.input_samples,
        })
        .map_err(Error::Json)
    }

    /// What makes a file of its weights complete in itself: configuration, tags, length of a chunk.
    pub fn metadata(&self) -> Result<BTreeMap<String, String>, Error> {
        Ok(BTreeMap::from([(METADATA_KEY.to_owned(), self.about()?)]))
    }

    /// Writes the weights as safetensors, with configuration and tags in the metadata; whole or not at all.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        Ok(weights::write(
            path,
            &self.parameters.to_map(),
            &self.metadata()?,
        )?)
    }

    /// Writes it for others, in the format that the name asks for: [`Model::save`], or ONNX by [`models::onnx`] with
    /// [`Model::metadata`].
    pub fn export(&self, path: &Path) -> Result<(), Error> {
        match ExportFormat::of(path)? {
            ExportFormat::Safetensors => self.save(path),
            ExportFormat::Onnx => {
                let bytes = models::onnx(&*self.network, &self.metadata()?)?;
                write_whole(path, |file| file.write_all(&bytes)).map_err(|source| {
                    let path = path.to_owned();
                    weights::Error::Io { path, source }.into()
                })
            }
        }
    }

    /// The rate at which it hears.
    pub fn sample_rate_hz(&self) -> u32 {
        self.extractor.input().sample_rate_hz()
    }

    /// Its weights and buffers. They share memory with the model: do not change them.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// What makes its input of sound.
    pub fn extractor(&self) -> &InputExtractor {
        &self.extractor
    }

    /// The spectrogram of a mono wave at its rate to draw for people: what it sees, or the usual log-mel if it sees none.
    pub fn picture(&self, wave: &[f32]) -> Result<LogMel, Error> {
        Ok(self.extractor.picture(wave)?)
    }

    /// Inputs `[batch, rows, columns]` of mono waves of equal length at its rate.
    pub fn inputs(&self, waves: &[&[f32]]) -> Result<Tensor, Error> {
        let n_samples = waves.first().map_or(0, |wave| wave.len());
        if n_samples == 0 {
            return Err(Error::Empty);
        }
        if waves.iter().any(|wave| wave.len() != n_samples) {
            return Err(Error::UnequalLengths);
        }
        let input = self.extractor.input();
        let (n_rows, n_columns) = (input.n_rows(), input.n_columns(n_samples));
        let mut values = vec![0.0; waves.len() * n_rows * n_columns];
        values
            .par_chunks_mut(n_rows * n_columns)
            .zip(waves)
            .try_for_each(|(out, wave)| self.extractor.extract_into(wave, out))?;
        Ok(Tensor::from_vec(
            values,
            (waves.len(), n_rows, n_columns),
            &Device::Cpu,
        )?)
    }

    /// As [`Model::probabilities`], before the sigmoid.
    pub fn logits(&self, waves: &[&[f32]]) -> Result<Vec<Vec<f32>>, Error> {
        let (logits, _) = self.forward(&self.inputs(waves)?, &Pass::inference())?;
        Ok(logits.to_vec2()?)
    }

    /// Tag probabilities of mono waves of equal length at its rate, each whole (no chunks, no padding).
    pub fn probabilities(&self, waves: &[&[f32]]) -> Result<Vec<Vec<f32>>, Error> {
        if waves.is_empty() {
            return Ok(Vec::new());
        }
        let logits = self.forward(&self.inputs(waves)?, &Pass::inference())?.0;
        Ok(probabilities(&logits)?.to_vec2()?)
    }

    /// Logits `[batch, tags]` and, if the pass asks for it, attention weights by layer `[batch, heads, n, n]`.
    pub fn forward(&self, inputs: &Tensor, pass: &Pass) -> Result<(Tensor, Vec<Tensor>), Error> {
        if self.settled.get().is_none() {
            let place = crate::device::place(Precision::default())?;
            self.parameters.move_to(&place)?;
            // Whoever was first, it lies there now.
            self.settled.set(()).ok();
        }
        let pass = pass.clone().beside(&self.parameters);
        let output = self.network.forward(&pass, inputs)?;
        let attention = output.attention.into_iter();
        let weights = attention
            .map(|attended| attended.weights.tensor().cloned())
            .collect::<candle_core::Result<_>>()?;
        Ok((output.logits.tensor()?.clone(), weights))
    }
}

/// The longest chunk: networks without positions would take any, and the memory would not.
const MOST_SECS: usize = 600;

/// The fewest and the most samples that a network hears at once.
fn accepted_samples(network: &dyn Network) -> RangeInclusive<usize> {
    let input = network.input();
    let fits = input.samples_of(network.columns());
    let most = MOST_SECS * input.sample_rate_hz() as usize;
    *fits.start()..=most.min(*fits.end())
}

/// Fails with [`Error::InputLength`] for chunks that the network cannot take.
pub(crate) fn check_length(network: &dyn Network, n_samples: usize) -> Result<(), Error> {
    let accepted = accepted_samples(network);
    if accepted.contains(&n_samples) {
        return Ok(());
    }
    let rate_hz = f64::from(network.input().sample_rate_hz());
    Err(Error::InputLength {
        found_secs: n_samples as f64 / rate_hz,
        shortest_secs: *accepted.start() as f64 / rate_hz,
        longest_secs: *accepted.end() as f64 / rate_hz,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Job;
    use crate::models::presets;
    use crate::predict::tag_track;

    fn model(seed: u64) -> Model {
        let config = presets::preset("tiny").unwrap().config.with_n_tags(3);
        let parameters = Parameters::initialise(seed, DType::F32);
        config.build(parameters.var_builder()).unwrap();
        let tags = ["rock", "jazz", "loud"].map(str::to_owned).to_vec();
        Model::from_parameters(config, tags, 8192, &parameters).unwrap()
    }

    fn wave(n: usize) -> Vec<f32> {
        (0..n).map(|i| (i as f32 * 0.07).sin() * 0.3).collect()
    }

    #[test]
    fn a_saved_model_comes_back_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("good.safetensors");
        let model = model(1);
        model.save(&path).unwrap();
        let back = Model::load(&path).unwrap();
        assert_eq!(back.name, "good");
        assert_eq!(back.tags, model.tags);
        assert_eq!(back.config, model.config);
        assert_eq!(back.fingerprint, model.fingerprint);
        let wave = wave(9000);
        assert_eq!(
            back.probabilities(&[&wave]).unwrap(),
            model.probabilities(&[&wave]).unwrap()
        );
    }

    #[test]
    fn a_song_is_the_mean_over_its_chunks_and_a_short_one_is_padded() {
        let model = model(2);
        let song = wave(12_000);
        let chunks: [&[f32]; 2] = [&song[..8192], &song[3808..]];
        let each = model.probabilities(&chunks).unwrap();
        let whole = tag_track(&model, &song, &Job::quiet()).unwrap();
        for tag in 0..3 {
            assert!((whole[tag] - (each[0][tag] + each[1][tag]) / 2.0).abs() < 1e-6);
        }
        let mut padded = wave(5000);
        padded.resize(8192, 0.0);
        assert_eq!(
            tag_track(&model, &wave(5000), &Job::quiet()).unwrap(),
            model.probabilities(&[&padded]).unwrap()[0]
        );
        assert!(matches!(
            tag_track(&model, &[], &Job::quiet()),
            Err(Error::Empty)
        ));
    }

    #[test]
    fn the_batch_does_not_change_an_answer() {
        let model = model(3);
        let (a, b) = (wave(8192), vec![0.1; 8192]);
        let together = model.probabilities(&[&a, &b]).unwrap();
        let alone = model.probabilities(&[&b]).unwrap();
        // Products of other sizes are summed in other blocks: equal up to rounding.
        for (one, other) in together[1].iter().zip(&alone[0]) {
            assert!((one - other).abs() < 1e-6, "{one} against {other}");
        }
    }

    #[test]
    fn impossible_input_lengths_and_tag_lists_are_refused() {
        let good = model(4);
        let refused = |tags: usize, n_samples: usize| {
            let tags = (0..tags).map(|i| i.to_string()).collect();
            Model::from_parameters(good.config.clone(), tags, n_samples, good.parameters())
                .unwrap_err()
        };
        assert!(matches!(refused(2, 8192), Error::Tags { .. }));
        assert!(matches!(refused(3, 600), Error::InputLength { .. }));
    }
}
