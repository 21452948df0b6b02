//! Tracks, tags, splits, the demo set, the PCM cache and the loader.
//!
//! ```text
//! folder ──import──► Dataset ──PcmCache::prepare──► decoded PCM, memory-mapped
//!                        │                                │
//!                        └────────────► Loader ◄──────────┘
//!                                          │ crop, augment, log-mel, collate; order fixed by the seed
//!                                          ▼
//!                                        Batch
//! ```

mod array;
pub mod catalogue;
mod checksum;
pub mod clean;
mod clip;
mod collection;
mod contents;
pub mod corrections;
pub mod demo;
mod description;
pub mod doctor;
mod error;
mod finding;
pub mod import;
mod limit;
mod literal;
mod loader;
mod npy;
mod patient;
pub mod pcm_cache;
mod pickled;
mod place;
mod playlist;
mod rates;
mod spent;
pub mod split;
mod table;
#[cfg(test)]
mod test_set;
mod track;
mod unlabelled;

pub use catalogue::{Catalogue, CatalogueEntry};
pub use checksum::{Algorithm, Checksum};
pub use clip::{ReplayedClip, clip_of};
pub use collection::{Collection, Labelling, NamedSplit, Recording};
pub use contents::Contents;
pub use description::Description;
pub use error::Error;
pub use finding::{Check, Finding, Severity};
pub use import::is_audio;
pub use limit::{Limit, bytes_from_gb};
pub use loader::{Batch, ClipRef, Inputs, Loader, LoaderConfig, Memory, Position};
pub use pcm_cache::{Pcm, PcmCache, Report};
pub use place::Place;
pub use playlist::{PlaylistEntry, write_playlist};
pub use rates::SourceRates;
pub use spent::Spent;
pub use track::{Dataset, Problem, ProblemKind, Span, Split, TagIdx, Track, UnknownSplit};
