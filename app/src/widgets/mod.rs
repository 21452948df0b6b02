//! Small pieces of window that several panels use.

mod cancelled;
mod card;
mod dialog;
mod empty_state;
mod figures;
mod path_field;
mod save_plot;
mod transport_bar;
mod walked_list;

pub use attune_core::message::bytes_text;
pub use cancelled::cancelled_ui;
pub use card::{card, section_heading};
pub use dialog::dialog;
pub use empty_state::empty_state;
pub use figures::{about_text, count_text, duration_text, number_text, rate_text, score_text};
pub use path_field::{expanded, path_field};
pub use save_plot::{save_plot_button, save_plot_item, save_plot_menu};
pub use transport_bar::{clock_text, play_symbol, speed_ui, transport_bar};
pub use walked_list::{Walk, rows_in_page, walked, walked_list};
