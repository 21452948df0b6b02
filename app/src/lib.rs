//! The Attune workbench: the window, the player and the command line.
//!
//! ```text
//! cli ──────────┐     panels ──► timeline ──► widgets ──► theme
//!               │        │  read Ctx, push Commands
//!               │     workbench ──► jobs ──┐      playback
//! ══════════════▼══════════════════════════▼═════════▼═══ below: attune-core
//! ```

pub mod cli;
mod explanation_files;
pub mod panels;
pub mod playback;
mod robustness_files;
pub mod theme;
pub mod timeline;
pub mod widgets;
pub mod workbench;
