//! Why a model gives a tag: explanations over the time of a song.
//!
//! [`Explainer`] is what a model must tell about one window; [`song()`] asks it window by window and stitches the answers onto
//! one time axis. A [`TokenMap`] is the answer of one method for every tag and token, whatever the method.

mod asked;
mod attention;
mod between;
mod cache;
mod draw;
mod evaluation;
mod explainer;
mod faithfulness;
mod grad_cam;
mod gradients;
mod heads;
mod jams;
mod json;
mod listening;
mod localisation;
mod localiser;
mod map;
mod method;
mod model;
mod occlusion;
mod rollout;
mod segments;
mod silence;
mod similarity;
mod so_far;
mod song;
mod sounds;
mod source;
mod splice;
mod stitch;
mod svl;
mod table;
mod window_trust;

pub use cache::ExplanationCache;
pub use draw::{Backdrop, Drawing, DrawnTag, draw};
pub use evaluation::{Evaluation, EvaluationSettings, MethodRow, evaluate};
pub use explainer::{Explainer, Wanted, WindowExplanation};
pub use faithfulness::Faithfulness;
pub use heads::{Heads, heads, window_at};
pub use jams::write_jams;
pub use json::write_json;
pub use listening::{FADED_DB, Moment, PAUSE_SECS, heard_by};
pub use localisation::{Localisation, TagLocalisation};
pub use localiser::{Localiser, draw_tracks, has_timeline};
pub use map::{Grid, TokenMap};
pub use method::{Method, Needs};
pub use rollout::rollout;
pub use similarity::order_by_similarity;
pub use song::{SongExplanation, SongSettings, song, song_in_parts};
pub use sounds::{Listening, Sounds, sounds};
pub use source::Source;
pub use splice::{SpliceRow, SpliceSettings, SpliceTest, splice};
pub use svl::write_svl;
pub use table::write_csv;
pub use window_trust::{Curve, WindowTrust, window_trust};

use crate::job::Cancelled;

/// Why there is no explanation.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller stopped the work.
    #[error("stopped")]
    Cancelled(#[from] Cancelled),
    /// The data set has nothing to be evaluated on.
    #[error("nothing can be evaluated: {0}")]
    Nothing(String),
    /// The network has not what the method needs.
    #[error("{} needs {}, which {model} has not", method.name(), method.needs().name())]
    Unsuited {
        /// The method.
        method: Method,
        /// The model.
        model: String,
    },
    /// The data set has no such split.
    #[error(transparent)]
    Dataset(#[from] crate::dataset::Error),
    /// There is nothing to listen to.
    #[error("nothing in the song speaks for {tag} by {}", method.name())]
    NoEvidence {
        /// The tag.
        tag: String,
        /// The method.
        method: Method,
    },
    /// The song has no samples.
    #[error("there is nothing to explain: the song is empty")]
    Empty,
    /// The model failed on a window.
    #[error("the model failed on the window at {start_secs:.2} s")]
    Model {
        /// Where the window starts.
        start_secs: f64,
        /// What the model said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
