//! Networks of published sizes by name: those of Tables 3 and 4, the widths and depths of Table 5, the input lengths of Figure 2.
//!
//! The sizes are data, `assets/presets/models/*.toml`; a variant is a preset with one number changed.

use super::{Error, ModelConfig};

/// A network that can be had by name.
#[derive(Clone, Debug, PartialEq)]
pub struct Preset {
    /// As it is asked for.
    pub name: String,
    /// Its sizes, for 50 tags.
    pub config: ModelConfig,
    /// The length of clip that it is trained on, in seconds: as published, where it was.
    pub input_secs: f64,
}

macro_rules! shipped {
    ($($name:literal)*) => {
        [$(($name, include_str!(concat!("../../../assets/presets/models/", $name, ".toml")))),*]
    };
}

/// Names and sizes.
const SHIPPED: [(&str, &str); 17] = shipped![
    "paper" "student" "tiny" "tiny-student" "resnet" "resnet-student" "tiny-resnet" "fcn" "musicnn" "musicnn-msd" "sample-cnn" "sample-cnn-se" "crnn" "cnnsa"
    "harmonic-cnn" "short-chunk-cnn" "short-chunk-resnet"
];

/// The tiny transformers are not published; they learn from clips as short as the ResNet's.
const TINY_SECS: f64 = 3.69;

/// Table 5: attention widths at four layers. 256 is the paper's choice.
const WIDTHS: [usize; 6] = [32, 64, 128, 512, 768, 1024];

/// Table 5: layers at width 256. Four is the paper's choice.
const DEPTHS: [usize; 5] = [1, 2, 8, 12, 16];

/// Figure 2: lengths of a clip, in seconds.
const LENGTHS_SECS: [f64; 7] = [3.69, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0];

/// Names of the networks, without the variants of Table 5 and Figure 2.
pub fn networks() -> Vec<&'static str> {
    SHIPPED.iter().map(|(name, _)| *name).collect()
}

/// What a variant changes.
#[derive(Clone, Copy)]
enum Change {
    Nothing,
    Width(usize),
    Depth(usize),
    Secs(f64),
}

/// Every name, whose sizes it has, and what is changed in them.
fn all() -> impl Iterator<Item = (String, &'static str, Change)> {
    let networks = SHIPPED
        .iter()
        .map(|(name, _)| ((*name).to_owned(), *name, Change::Nothing));
    let widths = WIDTHS.into_iter().map(|width| {
        (
            format!("paper-width-{width}"),
            "paper",
            Change::Width(width),
        )
    });
    let depths = DEPTHS.into_iter().map(|depth| {
        (
            format!("paper-depth-{depth}"),
            "paper",
            Change::Depth(depth),
        )
    });
    let lengths = ["paper", "resnet"].into_iter().flat_map(|base| {
        LENGTHS_SECS
            .into_iter()
            .map(move |secs| (format!("{base}-{secs}s"), base, Change::Secs(secs)))
    });
    networks.chain(widths).chain(depths).chain(lengths)
}

/// All names.
pub fn names() -> Vec<String> {
    all().map(|(name, ..)| name).collect()
}

/// The preset of that name. Fails with [`Error::NoPreset`].
pub fn preset(name: &str) -> Result<Preset, Error> {
    let unknown = || Error::NoPreset {
        name: name.to_owned(),
        known: names(),
    };
    let (name, base, change) = all()
        .find(|(known, ..)| known == name)
        .ok_or_else(unknown)?;
    let (_, text) = SHIPPED
        .iter()
        .find(|(known, _)| *known == base)
        .ok_or_else(unknown)?;
    let mut config = ModelConfig::parse(text)?;
    let mut input_secs = if base.starts_with("tiny") {
        TINY_SECS
    } else {
        config.published_secs()
    };
    match (change, &mut config) {
        (Change::Width(width), ModelConfig::MusicTaggingTransformer(config)) => {
            config.attention_width = width;
        }
        (Change::Depth(depth), ModelConfig::MusicTaggingTransformer(config)) => {
            config.n_layers = depth;
        }
        (Change::Secs(secs), _) => input_secs = secs,
        _ => {}
    }
    Ok(Preset {
        name,
        config,
        input_secs,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::Parameters;
    use candle_core::DType;

    fn n_parameters(name: &str) -> usize {
        let parameters = Parameters::initialise(1, DType::F32);
        let config = preset(name).unwrap().config;
        config.build(parameters.var_builder()).unwrap();
        parameters.n_weights()
    }

    #[test]
    fn presets_have_the_published_sizes() {
        for (name, published) in [
            ("paper", 4_567_732),
            ("student", 487_860),
            ("tiny", 164_452),
            ("tiny-student", 50_700),
            ("tiny-resnet", 194_164),
            ("fcn", 447_732),
            ("musicnn", 784_300),
            ("musicnn-msd", 7_972_000),
            ("sample-cnn", 1_869_874),
            ("sample-cnn-se", 6_951_858),
            ("crnn", 394_100),
            ("cnnsa", 10_521_652),
            ("harmonic-cnn", 3_631_551),
            ("short-chunk-cnn", 3_687_348),
            ("short-chunk-resnet", 12_104_244),
            ("resnet", 12_104_244),
        ] {
            assert_eq!(n_parameters(name), published, "{name}");
        }
        let student = n_parameters("resnet-student");
        assert!((3_350_000..3_450_000).contains(&student), "{student}");
    }

    #[test]
    fn each_network_takes_clips_of_the_length_that_its_preset_names() {
        for name in names() {
            let preset = preset(&name).unwrap();
            let parameters = Parameters::initialise(1, DType::F32);
            let network = preset.config.build(parameters.var_builder()).unwrap();
            let input = network.input();
            let n_samples = (preset.input_secs * f64::from(input.sample_rate_hz())).round();
            let n_columns = input.n_columns(n_samples as usize);
            assert!(network.columns().contains(&n_columns), "{name}");
        }
    }

    #[test]
    fn variants_change_one_number_and_unknown_names_are_refused() {
        let paper = preset("paper").unwrap();
        let ModelConfig::MusicTaggingTransformer(base) = &paper.config else {
            panic!("the paper's network");
        };
        let wide = preset("paper-width-768").unwrap();
        let ModelConfig::MusicTaggingTransformer(config) = &wide.config else {
            panic!("the paper's network");
        };
        assert_eq!(config.attention_width, 768);
        assert_eq!((config.n_layers, wide.input_secs), (base.n_layers, 10.0));
        assert_eq!(preset("resnet-30s").unwrap().input_secs, 30.0);
        for unknown in [
            "huge",
            "paper-width-33",
            "tiny-depth-8",
            "fcn-5s",
            "paper-7s",
            "paper-030s",
            "paper-",
        ] {
            let error = preset(unknown).unwrap_err().to_string();
            assert!(
                error.contains(unknown) && error.contains("musicnn"),
                "{error}"
            );
        }
    }
}
