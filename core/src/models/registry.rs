//! The networks of the paper's tables: where they come from and how they scored there.

/// A network of the paper.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Card {
    /// Its preset, see [`super::presets`].
    pub preset: &'static str,
    /// Its name in the paper.
    pub title: &'static str,
    /// Who published it.
    pub citation: &'static str,
    /// The folder of its golden numbers, and the name under which `attune forward --model` knows it.
    pub reference: &'static str,
    /// What the paper's tables say of it.
    pub published: &'static [Score],
    /// Where the published code and the paper disagree.
    pub note: &'static str,
}

/// A line of one of the paper's tables.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// Data set, split and what was added to training.
    pub setting: &'static str,
    /// Macro ROC-AUC.
    pub roc_auc: f64,
    /// Macro PR-AUC (average precision).
    pub pr_auc: f64,
}

const fn score(setting: &'static str, roc_auc: f64, pr_auc: f64) -> Score {
    Score {
        setting,
        roc_auc,
        pr_auc,
    }
}

/// The setting of Table 3.
const MSD: &str = "MSD";

const CARDS: [Card; 14] = [
    Card {
        preset: "fcn",
        title: "FCN",
        citation: "Choi, Fazekas, Sandler, ISMIR 2016",
        reference: "fcn",
        published: &[score(MSD, 0.8742, 0.2963)],
        note: "",
    },
    Card {
        preset: "musicnn-msd",
        title: "Musicnn",
        citation: "Pons, Serra, ISMIR 2019",
        reference: "musicnn",
        published: &[score(MSD, 0.8788, 0.3036)],
        note: "",
    },
    Card {
        preset: "musicnn",
        title: "Musicnn, narrow",
        citation: "Pons, Serra, ISMIR 2019",
        reference: "musicnn",
        published: &[],
        note: "as published for MagnaTagATune and MTG-Jamendo; the paper's table has the wide one",
    },
    Card {
        preset: "sample-cnn",
        title: "Sample-level",
        citation: "Lee, Park, Kim, Nam, SMC 2017",
        reference: "samplecnn",
        published: &[score(MSD, 0.8789, 0.2959)],
        note: "",
    },
    Card {
        preset: "sample-cnn-se",
        title: "Sample-level + SE",
        citation: "Kim, Lee, Nam, ICASSP 2018",
        reference: "samplecnn_se",
        published: &[score(MSD, 0.8838, 0.3109)],
        note: "",
    },
    Card {
        preset: "crnn",
        title: "CRNN",
        citation: "Choi, Fazekas, Sandler, Cho, ICASSP 2017",
        reference: "crnn",
        published: &[score(MSD, 0.8460, 0.2330)],
        note: "",
    },
    Card {
        preset: "cnnsa",
        title: "CNNSA",
        citation: "Won, Chun, Serra, 2019",
        reference: "cnnsa",
        published: &[score(MSD, 0.8810, 0.3103)],
        note: "",
    },
    Card {
        preset: "harmonic-cnn",
        title: "Harmonic CNN",
        citation: "Won, Chun, Nieto, Serra, ICASSP 2020",
        reference: "harmonic_cnn",
        published: &[score(MSD, 0.8898, 0.3298)],
        note: "",
    },
    Card {
        preset: "short-chunk-cnn",
        title: "Short-chunk CNN",
        citation: "Won, Ferraro, Bogdanov, Serra, SMC 2020",
        reference: "short_chunk_cnn",
        published: &[score(MSD, 0.8883, 0.3251)],
        note: "",
    },
    Card {
        preset: "short-chunk-resnet",
        title: "Short-chunk ResNet",
        citation: "Won, Ferraro, Bogdanov, Serra, SMC 2020",
        reference: "short_chunk_cnn_res",
        published: &[score(MSD, 0.8898, 0.3280)],
        note: "the paper says 13.5 M parameters; the published code builds 12,104,244",
    },
    Card {
        preset: "resnet",
        title: "ResNet of Table 4",
        citation: "Won, Choi, Serra, ISMIR 2021",
        reference: "short_chunk_cnn_res",
        published: &[
            score("CALS", 0.9098, 0.3525),
            score("CALS, augmented", 0.9141, 0.3705),
            score("CALS, augmented, expanded", 0.9165, 0.3728),
        ],
        note: "the Short-chunk ResNet with the transformer's front end; 13.5 M parameters in the paper",
    },
    Card {
        preset: "resnet-student",
        title: "ResNet student",
        citation: "Won, Choi, Serra, ISMIR 2021",
        reference: "short_chunk_cnn_res",
        published: &[score("CALS, augmented, distilled", 0.9171, 0.3742)],
        note: "3.4 M parameters in the paper; width 68 gives that many",
    },
    Card {
        preset: "paper",
        title: "Music Tagging Transformer",
        citation: "Won, Choi, Serra, ISMIR 2021",
        reference: "mtt_teacher",
        published: &[
            score(MSD, 0.8916, 0.3358),
            score("MSD, augmented", 0.8972, 0.3479),
            score("CALS", 0.9188, 0.3775),
            score("CALS, augmented", 0.9191, 0.3845),
            score("CALS, augmented, expanded", 0.9204, 0.3839),
        ],
        note: "",
    },
    Card {
        preset: "student",
        title: "Music Tagging Transformer, student",
        citation: "Won, Choi, Serra, ISMIR 2021",
        reference: "mtt_student",
        published: &[score("CALS, augmented, distilled", 0.9217, 0.3889)],
        note: "0.5 M parameters in the paper; convolution width 64 gives that many, the published code has 128",
    },
];

/// The networks of Tables 3 and 4, in their order.
pub fn registry() -> &'static [Card] {
    &CARDS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::presets;

    #[test]
    fn every_card_is_a_preset_and_every_network_but_the_tiny_ones_has_a_card() {
        for name in presets::networks() {
            let has_card = registry().iter().any(|card| card.preset == name);
            assert_eq!(has_card, !name.starts_with("tiny"), "{name}");
        }
        for card in registry() {
            presets::preset(card.preset).unwrap();
            for score in card.published {
                assert!(score.roc_auc > score.pr_auc && score.roc_auc < 1.0);
            }
        }
    }
}
