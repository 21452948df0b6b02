//! Tracks, tags, splits, the demo set, the PCM cache and the loader.
//!
//! ```text
//! folder ──generic──► Dataset ──PcmCache::prepare──► decoded PCM, memory-mapped
//!                        │                                │
//!                        └────────────► Loader ◄──────────┘
//!                                          │ crop, augment, log-mel, collate; order fixed by the seed
//!                                          ▼
//!                                        Batch
//! ```

mod catalogue;
mod clip;
mod contents;
pub mod demo;
mod error;
mod generic;
mod loader;
pub mod pcm_cache;
mod playlist;
mod rates;
mod spent;
mod table;
#[cfg(test)]
mod test_set;
mod track;
mod unlabelled;

pub use catalogue::{Catalogue, CatalogueEntry};
pub use clip::{ReplayedClip, clip_of};
pub use contents::Contents;
pub use error::Error;
pub use loader::{Batch, ClipRef, Inputs, Loader, LoaderConfig, Position};
pub use pcm_cache::{CacheSettings, Pcm, PcmCache, Report};
pub use playlist::{PlaylistEntry, write_playlist};
pub use rates::SourceRates;
pub use spent::Spent;
pub use track::{Dataset, Problem, ProblemKind, Span, Split, TagIdx, Track, UnknownSplit};
