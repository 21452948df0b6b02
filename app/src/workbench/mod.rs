//! The window: state, commands, background jobs, and the glue to eframe.
//!
//! ```text
//! panel ── Command ──► CommandSender ──► run (one match) ──► State ──► panel
//!                                          │       ▲
//!                                          ▼       │ poll, once a frame, in App::logic
//!                                        Slot (thread, cancel, progress, keyed result)
//! ```

mod app;
mod command;
mod ctx;
mod dialogs;
mod following;
mod frame_stats;
pub mod jobs;
mod keyboard;
mod layout;
mod menu;
mod native;
mod opening;
mod palette;
pub mod parts;
mod plot_dialog;
mod recipes;
mod run;
pub mod selection;
mod settings_dialog;
mod state;
mod status_bar;
mod toasts;
mod ui_command;
mod weights_dialog;

pub use app::{App, Kept, Looks, Services};
pub use command::{Command, Level, Notice, Pick, Play};
pub use ctx::{CommandSender, Ctx};
pub use frame_stats::FrameStats;
pub use jobs::Jobs;
pub use keyboard::{labels_focus_id, list_focus_id, playlist_focus_id};
pub use native::{Opening, open};
pub use selection::{Select, Selection, TimeRange};
pub use state::State;
pub use ui_command::{DIGITS, Menu, UiCommand};
