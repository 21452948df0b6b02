//! A model that predicts: an immutable snapshot of a network, its front end and its tags.

use super::Error;
use super::checkpoint::{Checkpoint, LoadOptions};
use crate::features::LogMelExtractor;
use crate::models::{Insight, ModelConfig, Network, Pass, TokenGrid};
use crate::nn::{Parameters, probabilities};
use crate::weights::{self, File};
use candle_core::{DType, Device, Tensor};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Key of the file's metadata under which [`About`] stands, as JSON.
pub(super) const METADATA_KEY: &str = "attune";

/// The front end's tables, as PyTorch's checkpoints carry them: window and mel filter bank.
pub(super) const FRONT_END_TABLES: [&str; 2] = ["spec.spectrogram.window", "spec.mel_scale.fb"];

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
    network: Box<dyn Network>,
    extractor: LogMelExtractor,
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

/// What stands beside the weights in a file.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub(super) struct About {
    pub(super) model: ModelConfig,
    pub(super) tags: Vec<String>,
    pub(super) input_samples: usize,
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
    /// heads, tags `tag 0` and on, chunks of 10 s. Its name is that of the file.
    ///
    /// [`Checkpoint`] does the same in two steps, with a look at the file in between.
    pub fn load(path: &Path) -> Result<Self, Error> {
        Checkpoint::open(path, &LoadOptions::default())?.load()
    }

    /// The small model that comes with Attune, trained on the demo data set.
    pub fn shipped() -> Result<Self, Error> {
        const BYTES: &[u8] = include_bytes!("../../../assets/models/demo.safetensors");
        let file = File::from_bytes(BYTES.to_vec(), Path::new("demo.safetensors"), None)?;
        Checkpoint::of(file, &LoadOptions::default())?.load()
    }

    /// A model as its file describes it, named after the file.
    pub(super) fn described(
        about: About,
        parameters: Parameters,
        path: &Path,
    ) -> Result<Self, Error> {
        let mut model = Self::new(about.model, about.tags, about.input_samples, parameters)?;
        if let Some(stem) = path.file_stem() {
            model.name = stem.to_string_lossy().into_owned();
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
        let front_end = config.front_end();
        let buffer = |key: &str| match parameters.get(key) {
            Some(tensor) => tensor.flatten_all()?.to_vec1::<f32>().map(Some),
            None => Ok(None),
        };
        let [window, filterbank] = FRONT_END_TABLES;
        let extractor = match (buffer(window)?, buffer(filterbank)?) {
            (Some(window), Some(filterbank)) => {
                LogMelExtractor::with_buffers(front_end, &window, &filterbank)?
            }
            _ => LogMelExtractor::new(front_end)?,
        };
        let n_frames = front_end.n_frames(input_samples);
        if !(network.shortest_frames()..=network.longest_frames()).contains(&n_frames) {
            return Err(Error::InputLength {
                n_samples: input_samples,
                n_frames,
                shortest: network.shortest_frames(),
                longest: network.longest_frames(),
            });
        }
        let mut model = Self {
            name: config.architecture().to_owned(),
            config,
            tags,
            input_samples,
            fingerprint: String::new(),
            parameters,
            network,
            extractor,
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

    /// The rate at which it hears.
    pub fn sample_rate_hz(&self) -> u32 {
        self.config.front_end().sample_rate_hz
    }

    /// Its weights and buffers. They share memory with the model: do not change them.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// Its front end.
    pub fn extractor(&self) -> &LogMelExtractor {
        &self.extractor
    }

    /// Where its tokens lie.
    pub fn token_grid(&self) -> TokenGrid {
        self.network.tokens()
    }

    /// The fewest and the most samples that it hears at once.
    pub fn accepted_samples(&self) -> std::ops::RangeInclusive<usize> {
        let front_end = self.config.front_end();
        let hop = front_end.hop_samples;
        let shortest = ((self.network.shortest_frames() - 1) * hop).max(front_end.min_samples());
        shortest..=self.network.longest_frames() * hop - 1
    }

    /// Log-mel spectrograms `[batch, mels, frames]` of mono waves of equal length at its rate.
    pub fn log_mels(&self, waves: &[&[f32]]) -> Result<Tensor, Error> {
        let n_samples = waves.first().map_or(0, |wave| wave.len());
        if n_samples == 0 {
            return Err(Error::Empty);
        }
        if waves.iter().any(|wave| wave.len() != n_samples) {
            return Err(Error::UnequalLengths);
        }
        let front_end = self.config.front_end();
        let (n_mels, n_frames) = (front_end.n_mels, front_end.n_frames(n_samples));
        let mut values = vec![0.0; waves.len() * n_mels * n_frames];
        values
            .par_chunks_mut(n_mels * n_frames)
            .zip(waves)
            .try_for_each(|(out, wave)| self.extractor.log_mel_into(wave, out))?;
        Ok(Tensor::from_vec(
            values,
            (waves.len(), n_mels, n_frames),
            &Device::Cpu,
        )?)
    }

    /// Tag probabilities of mono waves of equal length at its rate, each whole (no chunks, no padding).
    pub fn probabilities(&self, waves: &[&[f32]]) -> Result<Vec<Vec<f32>>, Error> {
        if waves.is_empty() {
            return Ok(Vec::new());
        }
        let logits = self.forward(&self.log_mels(waves)?, &Pass::inference())?.0;
        Ok(probabilities(&logits)?.to_vec2()?)
    }

    /// As [`Model::probabilities`], of log-mel spectrograms `[batch, mels, frames]` in dB.
    pub fn probabilities_of_log_mels(
        &self,
        log_mels: &[f32],
        batch: usize,
        n_frames: usize,
    ) -> Result<Vec<Vec<f32>>, Error> {
        let n_mels = self.config.front_end().n_mels;
        let log_mels = Tensor::from_slice(log_mels, (batch, n_mels, n_frames), &Device::Cpu)?;
        let logits = self.forward(&log_mels, &Pass::inference())?.0;
        Ok(probabilities(&logits)?.to_vec2()?)
    }

    /// Logits `[batch, tags]` and, if the pass asks for it, attention weights by layer `[batch, heads, n, n]`.
    pub fn forward(&self, log_mels: &Tensor, pass: &Pass) -> Result<(Tensor, Vec<Tensor>), Error> {
        let output = self.network.forward(pass, log_mels)?;
        Ok((output.logits.tensor().clone(), output.attention))
    }

    /// Looks inside, for one mono wave at its rate; `None` if the network has no class token to explain.
    pub fn inspect(&self, wave: &[f32]) -> Result<Option<Insight>, Error> {
        let log_mel = self.log_mels(&[wave])?.squeeze(0)?;
        Ok(self.network.inspect(&log_mel)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Job;
    use crate::predict::tag_track;

    fn model(seed: u64) -> Model {
        let config = ModelConfig::preset("tiny").unwrap().with_n_tags(3);
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
