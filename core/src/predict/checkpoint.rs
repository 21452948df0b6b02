//! A file of weights on its way to a model: opened, its network recognised, both compared, and only then loaded.
//!
//! The comparison needs no tensors: the network is asked which parameters it wants, of which shapes, and the file knows
//! its own. So whoever shows a file before using it (`attune weights`) and whoever loads it ([`super::Model::load`]) go one way.

use super::model::{About, METADATA_KEY};
use super::{Error, Model};
use crate::features::InputExtractor;
use crate::models::{self, ModelConfig};
use crate::nn::{Parameters, Role};
use crate::weights::{self, Entry, File, KeyMap, Report, Shapes, Standing};
use candle_core::{Device, Tensor};
use std::collections::BTreeMap;
use std::path::Path;

/// The largest size in a file's description of its model; what is larger was made up.
const MOST_SIZE: f64 = 1e6;

/// What the caller knows better than the file.
#[derive(Clone, Debug, Default)]
pub struct LoadOptions {
    /// Attention heads, which do not show in the weights; counts only if the file does not say.
    pub n_heads: Option<usize>,
    /// How the network's keys begin, such as `teacher_network.`; else the likeliest prefix.
    pub prefix: Option<String>,
    /// Which dictionary of a PyTorch checkpoint; else the likeliest one.
    pub dictionary: Option<String>,
    /// The tags, in the order of the network's answers; else the file's.
    pub tags: Option<Vec<String>>,
}

impl LoadOptions {
    /// The tags in a text file, one a line.
    pub fn read_tags(path: &Path) -> std::io::Result<Vec<String>> {
        let text = std::fs::read_to_string(path)?;
        let tags = text.lines().map(str::trim).filter(|tag| !tag.is_empty());
        Ok(tags.map(str::to_owned).collect())
    }
}

/// A file of weights that was looked at and not loaded.
#[derive(Debug)]
pub struct Checkpoint {
    file: File,
    key_map: KeyMap,
    recognised: Result<Recognised, Error>,
}

#[derive(Debug)]
struct Recognised {
    about: About,
    report: Report,
    n_parameters: usize,
}

/// A key of a file, and what becomes of it.
#[derive(Clone, Debug)]
pub struct Key<'a> {
    /// Its name, type and shape in the file.
    pub entry: &'a Entry,
    /// What becomes of it; `None` if no network was recognised.
    pub standing: Option<Standing>,
}

impl Checkpoint {
    /// Opens and compares. A file whose network is not known is no error here, see [`Checkpoint::config`].
    pub fn open(path: &Path, options: &LoadOptions) -> Result<Self, Error> {
        Self::of(File::open(path, options.dictionary.as_deref())?, options)
    }

    /// As [`Checkpoint::open`], of an open file.
    pub fn of(file: File, options: &LoadOptions) -> Result<Self, Error> {
        let keys = file.entries().map(|entry| entry.name.as_str());
        // What Attune wrote bears the network's own names.
        let prefix = match &options.prefix {
            None if file.metadata().contains_key(METADATA_KEY) => Some(""),
            prefix => prefix.as_deref(),
        };
        let key_map = KeyMap::choose(keys, prefix).map_err(|why| weights::Error::Prefix {
            why,
            path: file.path().to_owned(),
        })?;
        let found: Shapes = file
            .entries()
            .filter_map(|entry| Some((key_map.short(&entry.name)?.to_owned(), entry.shape.clone())))
            .collect();
        let recognised = about(&file, &found, options).and_then(|about| {
            let expected = about.model.shapes()?;
            let n_parameters = expected
                .iter()
                .filter(|(name, _)| Role::of(name) == Role::Weight)
                .map(|(_, shape)| shape.iter().product::<usize>())
                .sum();
            Ok(Recognised {
                report: Report::compare(&expected, &InputExtractor::TABLES, &found),
                about,
                n_parameters,
            })
        });
        Ok(Self {
            file,
            key_map,
            recognised,
        })
    }

    /// The file.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Which of its keys are the network's.
    pub fn key_map(&self) -> &KeyMap {
        &self.key_map
    }

    /// What kind of network it is, or why none is recognised.
    pub fn config(&self) -> Result<&ModelConfig, &Error> {
        self.recognised.as_ref().map(|found| &found.about.model)
    }

    /// The tags that a model made of it will have.
    pub fn tags(&self) -> &[String] {
        self.recognised
            .as_ref()
            .map_or(&[], |found| &found.about.tags)
    }

    /// How many learned numbers the recognised network has.
    pub fn n_parameters(&self) -> Option<usize> {
        let found = self.recognised.as_ref().ok()?;
        Some(found.n_parameters)
    }

    /// What of the file and of the recognised network goes together.
    pub fn report(&self) -> Option<&Report> {
        Some(&self.recognised.as_ref().ok()?.report)
    }

    /// Whether Attune wrote it: complete in itself, with configuration and tags.
    pub fn is_complete(&self) -> bool {
        self.file.metadata().contains_key(METADATA_KEY)
    }

    /// The keys of the file, in its order.
    pub fn keys(&self) -> impl Iterator<Item = Key<'_>> {
        let report = self.report();
        self.file.entries().map(move |entry| Key {
            entry,
            standing: match (self.key_map.short(&entry.name), report) {
                (None, _) => Some(Standing::LeftOut),
                (Some(_), None) => None,
                (Some(name), Some(report)) => Some(report.standing(name)),
            },
        })
    }

    /// Loads the model. Fails if no network was recognised, or if the weights do not fit it.
    pub fn load(self) -> Result<Model, Error> {
        let Recognised { about, report, .. } = self.recognised?;
        if !report.fits() {
            return Err(Error::Mismatch {
                architecture: about.model.architecture(),
                report: Box::new(report),
                path: self.file.path().to_owned(),
            });
        }
        let mut weights = self.file.load_mapped(&self.key_map)?;
        for counter in report.absent_counters {
            weights
                .tensors
                .insert(counter, Tensor::new(0i64, &Device::Cpu)?);
        }
        let parameters = Parameters::from_map(&weights.tensors)?;
        Model::described(about, parameters, self.file.path())
    }
}

/// What the file says of its model, else what its tensors show.
fn about(file: &File, found: &Shapes, options: &LoadOptions) -> Result<About, Error> {
    let mut about = match file.metadata().get(METADATA_KEY) {
        Some(text) => described(text, file.path())?,
        None => {
            let ghosts = found
                .iter()
                .map(|(name, shape)| Ok((name.clone(), models::ghost(shape)?)))
                .collect::<candle_core::Result<BTreeMap<_, _>>>()?;
            let model = ModelConfig::recognise(&ghosts, options.n_heads).map_err(|why| {
                Error::Unrecognised {
                    why,
                    path: file.path().to_owned(),
                }
            })?;
            About {
                tags: (0..model.n_tags()).map(|i| format!("tag {i}")).collect(),
                input_samples: (model.published_secs() * f64::from(model.input().sample_rate_hz()))
                    .round() as usize,
                model,
            }
        }
    };
    if let Some(tags) = &options.tags {
        let n_outputs = about.model.n_tags();
        if tags.len() != n_outputs {
            return Err(Error::Tags {
                n_tags: tags.len(),
                n_outputs,
            });
        }
        about.tags.clone_from(tags);
    }
    Ok(about)
}

fn described(text: &str, path: &Path) -> Result<About, Error> {
    let broken = |source| Error::Metadata {
        path: path.to_owned(),
        source,
    };
    let value: serde_json::Value = serde_json::from_str(text).map_err(broken)?;
    if !has_possible_sizes(&value["model"]) {
        let why = format!("a size above {MOST_SIZE}");
        return Err(models::Error::Impossible(why).into());
    }
    let about: About = serde_json::from_value(value).map_err(broken)?;
    about.model.check()?;
    Ok(about)
}

fn has_possible_sizes(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::Number(n) => n.as_f64().is_some_and(|n| n <= MOST_SIZE),
        serde_json::Value::Array(items) => items.iter().all(has_possible_sizes),
        serde_json::Value::Object(items) => items.values().all(has_possible_sizes),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::presets;
    use candle_core::DType;

    fn saved(folder: &Path) -> std::path::PathBuf {
        let config = presets::preset("tiny").unwrap().config;
        let parameters = Parameters::initialise(1, DType::F32);
        config.build(parameters.var_builder()).unwrap();
        let tensors = parameters
            .to_map()
            .into_iter()
            .map(|(name, tensor)| (format!("module.network.{name}"), tensor))
            .collect();
        let path = folder.join("tiny.safetensors");
        weights::write(&path, &tensors, &BTreeMap::new()).unwrap();
        path
    }

    #[test]
    fn a_file_is_recognised_and_compared_before_it_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let path = saved(folder.path());
        let options = LoadOptions {
            n_heads: Some(4),
            tags: Some((0..50).map(|i| format!("t{i}")).collect()),
            ..LoadOptions::default()
        };
        let checkpoint = Checkpoint::open(&path, &options).unwrap();
        assert_eq!(checkpoint.key_map().prefix, "module.network.");
        assert_eq!(checkpoint.n_parameters(), Some(164_452));
        let report = checkpoint.report().unwrap();
        assert!(report.fits() && report.unexpected.is_empty(), "{report}");
        let model = checkpoint.load().unwrap();
        assert_eq!(
            (model.tags[7].as_str(), model.name.as_str()),
            ("t7", "tiny")
        );
    }

    #[test]
    fn what_is_missing_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = saved(folder.path());
        let mut tensors = weights::read(&path).unwrap().tensors;
        tensors.remove("module.network.mlp_head.0.bias").unwrap();
        weights::write(&path, &tensors, &BTreeMap::new()).unwrap();
        let error = Model::load(&path).unwrap_err();
        assert!(matches!(error, Error::Mismatch { .. }));
        let error = error.to_string();
        assert!(error.contains("1 missing (mlp_head.0.bias)"), "{error}");
        assert!(error.contains("tiny.safetensors"), "{error}");
    }

    #[test]
    fn an_impossible_description_is_an_error_and_not_a_panic() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("huge.safetensors");
        let model = crate::predict::Shipped::Demo.load().unwrap();
        let described = &model.metadata().unwrap()[METADATA_KEY];
        for (from, to) in [
            (
                "\"conv_width\":",
                "\"conv_width\":9223372036854775807,\"x\":",
            ),
            ("\"n_layers\":", "\"n_layers\":1000000,\"x\":"),
            ("\"n_fft\":", "\"n_fft\":1e300,\"x\":"),
        ] {
            let text = described.replacen(from, to, 1);
            assert_ne!(&text, described);
            let metadata = BTreeMap::from([(METADATA_KEY.to_owned(), text)]);
            weights::write(&path, &model.parameters().to_map(), &metadata).unwrap();
            assert!(Model::load(&path).is_err(), "{to}");
        }
    }
}
