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
pub mod demo;
mod error;
mod generic;
mod table;
mod track;

pub use catalogue::{Catalogue, CatalogueEntry};
pub use error::Error;
pub use track::{Dataset, Problem, ProblemKind, Span, Split, TagIdx, Track, UnknownSplit};
