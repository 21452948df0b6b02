//! The ways of explaining. Names are those of the command line and of tables.

/// A way of explaining.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Method {
    /// Logit with the class token reading only token t, less the logit with it reading only itself (signed).
    Contribution,
    /// Probability with the class token reading only token t (Won et al. 2019, section 4.2: absolute, not a difference).
    OnlyToken,
    /// Logit of the window as it is, less the logit without token t (signed).
    LeaveOneOut,
    /// The class token's attention in the last layer, mean over heads; the same for all tags.
    Attention,
    /// Attention through all layers (Abnar, Zuidema 2020); the same for all tags.
    Rollout,
    /// Length of what the class token takes of a token, weight times value (Kobayashi et al. 2020); the same for all tags.
    ValueWeighted,
    /// Gradient-weighted relevance through all layers (Chefer et al. 2021; signed).
    Relevance,
    /// Logit if token t of the last layer were the class token, less the logit as it is (signed).
    TokenAnswer,
    /// Gradient times input, summed over the rows of the input (signed).
    GradientInput,
    /// Gradients gathered on the way from silence, times the input (Sundararajan et al. 2017; signed, sums to the logit's difference).
    IntegratedGradients,
    /// Logit of the window as it is, less the logit with the sound of stretch t silent (signed).
    Occlusion,
    /// Feature maps, each weighed by the mean slope of the logit on it (Selvaraju et al. 2017; signed).
    GradCam,
}

/// What a network must have for a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: every network will do.
    Nothing,
    /// A class token that reads tokens.
    ClassToken,
    /// Feature maps that the answer is made of.
    FeatureMaps,
}

impl Needs {
    /// What it is called in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::ClassToken => "a class token that reads tokens",
            Self::FeatureMaps => "an answer made of feature maps",
        }
    }
}

impl Method {
    /// All of them, in the order of tables.
    pub const ALL: [Self; 12] = [
        Self::Contribution,
        Self::OnlyToken,
        Self::LeaveOneOut,
        Self::Attention,
        Self::Rollout,
        Self::ValueWeighted,
        Self::Relevance,
        Self::TokenAnswer,
        Self::GradientInput,
        Self::IntegratedGradients,
        Self::Occlusion,
        Self::GradCam,
    ];

    /// Name as in tables and options.
    pub fn name(self) -> &'static str {
        match self {
            Self::Contribution => "contribution",
            Self::OnlyToken => "only-token",
            Self::LeaveOneOut => "leave-one-out",
            Self::Attention => "attention",
            Self::Rollout => "rollout",
            Self::ValueWeighted => "value-weighted",
            Self::Relevance => "relevance",
            Self::TokenAnswer => "token-answer",
            Self::GradientInput => "gradient-input",
            Self::IntegratedGradients => "integrated-gradients",
            Self::Occlusion => "occlusion",
            Self::GradCam => "grad-cam",
        }
    }

    /// The method of that name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
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
            Self::Attention => {
                "Share of the class token's attention in the last layer. It says where the model looks, not why, and is the same for \
                 all tags."
            }
            Self::Rollout => {
                "Share of the class token's attention followed down through all layers (rollout). The same for all tags."
            }
            Self::ValueWeighted => {
                "Length of what the class token takes of a token: its attention times what is there. The same for all tags."
            }
            Self::Relevance => {
                "Attention through all layers as far as it raises the tag's logit, less as far as it lowers it (gradient-weighted \
                 relevance)."
            }
            Self::TokenAnswer => {
                "Logit if this token of the last layer were the class token, less the logit as it is."
            }
            Self::GradientInput => {
                "Slope of the logit times what the model hears there: above zero speaks for the tag, below against it."
            }
            Self::IntegratedGradients => {
                "Part of the logit, against that of silence, that is owed to this moment (integrated gradients): the parts sum to \
                 the whole."
            }
            Self::Occlusion => {
                "Logit of the window as it is, less the logit if this stretch of the sound is silent: above zero speaks for the \
                 tag, below against it."
            }
            Self::GradCam => {
                "What the feature maps hold here, each weighed by how the logit depends on it (Grad-CAM): above zero speaks for the \
                 tag, below against it."
            }
        }
    }

    /// Unit of its values.
    pub fn unit(self) -> &'static str {
        match self {
            Self::OnlyToken => "probability",
            Self::Attention | Self::Rollout => "share",
            Self::ValueWeighted => "length",
            Self::Relevance => "relevance",
            _ => "logit",
        }
    }

    /// Whether values below 0 mean evidence against the tag.
    pub fn is_signed(self) -> bool {
        matches!(self.unit(), "logit" | "relevance")
    }

    /// Whether there is one map for all tags.
    pub fn is_shared(self) -> bool {
        matches!(self, Self::Attention | Self::Rollout | Self::ValueWeighted)
    }

    /// Whether every tag costs passes of the network of its own, so that it is made for chosen tags only.
    pub fn is_per_tag(self) -> bool {
        matches!(
            self,
            Self::Relevance | Self::GradientInput | Self::IntegratedGradients | Self::GradCam
        )
    }

    /// What a network must have for it.
    pub fn needs(self) -> Needs {
        match self {
            Self::GradientInput | Self::IntegratedGradients | Self::Occlusion => Needs::Nothing,
            Self::GradCam => Needs::FeatureMaps,
            _ => Needs::ClassToken,
        }
    }
}
