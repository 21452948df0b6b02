//! All tracks of a data set tagged by the model in use.

use super::shelf_in_use;
use crate::workbench::parts::library::place_mark;
use crate::workbench::{CommandSender, Jobs, Level, Notice, State as Whole};
use attune_core::tagging::{Options, Standing, Tagger, ToTag};
use std::sync::{Arc, PoisonError};

/// Asks the model in use about every track of the data set in use, in the background.
pub(super) fn tag_all(state: &mut Whole, jobs: &Jobs, sender: &CommandSender) {
    let Some((_, shelf)) = shelf_in_use(state) else {
        return;
    };
    let Some(model) = state.model.current().cloned() else {
        sender.send(Notice::new(Level::Warning, "No model is in use yet."));
        return;
    };
    // The same model and data set, the same table: what was stopped goes on.
    let name = format!(
        "{} {} {} {}",
        shelf.dataset.name,
        place_mark(&shelf.dataset.place),
        model.name,
        model.fingerprint
    );
    let name = name.replace(['/', '\\', '\0'], "-");
    let out = state
        .workspace
        .predictions()
        .join(format!("{name}.parquet"));
    state.labels.tagged.clone_from(&state.selection.dataset);
    let catalogue = state.workspace.catalogue();
    let (file, standing) = (out.clone(), Arc::clone(&state.labels.standing));
    *standing.lock().unwrap_or_else(PoisonError::into_inner) = Standing::default();
    state.labels.tagging.ask_again(jobs, out, move |job| {
        let list = ToTag::all_of(&shelf.dataset);
        let tagger = Tagger {
            model: &model,
            list: &list,
            options: Options::default(),
            catalogue: Some(&catalogue),
        };
        let summary = tagger.run(&file, job, &mut |now, _| {
            *standing.lock().unwrap_or_else(PoisonError::into_inner) = *now;
        })?;
        Ok(summary)
    });
}
