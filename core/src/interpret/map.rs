//! What an explanation is, whatever the method: a value for every tag and every token, and where the tokens lie in time.

/// Where the tokens of a sound lie.
///
/// Token `t` covers `samples_per_token` samples, its centre lies at `first_centre_samples + t * samples_per_token`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    /// Samples between two tokens (2,048 for the Music Tagging Transformer: 4 frames of 512).
    pub samples_per_token: f64,
    /// Centre of token 0 in samples (768 there: 1.5 frames).
    pub first_centre_samples: f64,
    /// What one token sees of the sound, in samples, around its centre (0.77 s there).
    pub receptive_field_samples: f64,
    /// Tokens.
    pub n_tokens: usize,
    /// Samples per second.
    pub sample_rate_hz: u32,
}

impl Grid {
    /// Seconds between two tokens.
    pub fn token_secs(&self) -> f64 {
        self.samples_per_token / f64::from(self.sample_rate_hz)
    }

    /// Centre of a token in seconds.
    pub fn centre_secs(&self, token: usize) -> f64 {
        (self.first_centre_samples + token as f64 * self.samples_per_token)
            / f64::from(self.sample_rate_hz)
    }

    /// What one token sees, in seconds around its centre: no map is honest to less than this.
    pub fn receptive_field_secs(&self) -> f64 {
        self.receptive_field_samples / f64::from(self.sample_rate_hz)
    }

    /// The token whose centre is nearest to a time; `None` where there is none within one token.
    pub fn token_at_secs(&self, secs: f64) -> Option<usize> {
        let position = (secs * f64::from(self.sample_rate_hz) - self.first_centre_samples)
            / self.samples_per_token;
        let token = position.round();
        if self.n_tokens == 0 || !(-1.0..=self.n_tokens as f64).contains(&token) {
            return None;
        }
        Some((token.max(0.0) as usize).min(self.n_tokens - 1))
    }
}

/// A way of explaining. Names are those of the command line and of tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Method {
    /// Logit with the class token reading only token t, less the logit with it reading only itself (signed).
    Contribution,
    /// Probability with the class token reading only token t (Won et al. 2019, section 4.2: absolute, not a difference).
    OnlyToken,
    /// Logit of the window as it is, less the logit without token t (signed).
    LeaveOneOut,
    /// Logit of the window as it is, less the logit with the sound of stretch t silent (signed).
    Occlusion,
}

impl Method {
    /// Name as in tables and options.
    pub fn name(self) -> &'static str {
        match self {
            Self::Contribution => "contribution",
            Self::OnlyToken => "only-token",
            Self::LeaveOneOut => "leave-one-out",
            Self::Occlusion => "occlusion",
        }
    }

    /// What its values say, in a sentence.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Contribution => {
                "Logit if the model's class token reads one token only, less the logit if it reads only itself: \
                 above zero speaks for the tag, below against it."
            }
            Self::OnlyToken => {
                "Probability if the model's class token reads one token only (Won et al. 2019)."
            }
            Self::LeaveOneOut => {
                "Logit of the window as it is, less the logit if the class token may read all tokens but one."
            }
            Self::Occlusion => {
                "Logit of the window as it is, less the logit if this stretch of the sound is silent: above zero speaks for the \
                 tag, below against it. This network has no class token that reads others."
            }
        }
    }

    /// Unit of its values.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Contribution | Self::LeaveOneOut | Self::Occlusion => "logit",
            Self::OnlyToken => "probability",
        }
    }

    /// Whether values below 0 mean evidence against the tag.
    pub fn is_signed(self) -> bool {
        self.unit() == "logit"
    }
}

/// The values of one method: `[tags, tokens]`, so that a tag's lane is one slice.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenMap {
    /// How the values came about.
    pub method: Method,
    /// Tokens per tag.
    pub n_tokens: usize,
    /// `[tags, tokens]`, row-major, in the method's unit.
    pub values: Vec<f32>,
}

impl TokenMap {
    /// A tag's values, one per token; empty for a tag that does not exist.
    pub fn tag(&self, tag_idx: usize) -> &[f32] {
        self.values
            .get(tag_idx * self.n_tokens..(tag_idx + 1) * self.n_tokens)
            .unwrap_or_default()
    }

    /// A tag's evidence for it: the positive part of its values.
    pub fn evidence(&self, tag_idx: usize) -> Vec<f32> {
        self.tag(tag_idx)
            .iter()
            .map(|value| value.max(0.0))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MTT: Grid = Grid {
        samples_per_token: 2048.0,
        first_centre_samples: 768.0,
        receptive_field_samples: 16_384.0,
        n_tokens: 107,
        sample_rate_hz: 22_050,
    };

    #[test]
    fn the_grid_of_the_music_tagging_transformer_is_where_the_notes_say() {
        assert!((MTT.token_secs() - 0.0929).abs() < 1e-4);
        assert!((MTT.centre_secs(10) - (4.0 * 10.0 + 1.5) * 512.0 / 22_050.0).abs() < 1e-12);
        for token in 0..MTT.n_tokens {
            assert_eq!(MTT.token_at_secs(MTT.centre_secs(token)), Some(token));
        }
        assert_eq!(MTT.token_at_secs(0.0), Some(0));
        assert_eq!(MTT.token_at_secs(11.0), None);
    }
}
