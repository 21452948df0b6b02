//! Which dictionary of a pickle is the state dict, and its tensors.
//!
//! `torch.save(model.state_dict(), ...)` writes it alone; Lightning and most training scripts write it as one entry
//! of a dictionary, beside the optimizer's state, the epoch and the like. Only these two levels are looked at.

use super::Storages;
use super::tensor::{is_tensor, tensor};
use crate::weights::cursor::Fault;
use crate::weights::pickle::{Id, Pickle, Value};
use crate::weights::stored::Stored;
use std::collections::{BTreeMap, BTreeSet};

/// Where state dicts usually are, the likeliest first.
const USUAL_NAMES: [&str; 4] = ["state_dict", "model_state_dict", "model", "net"];

/// The most tensors of a state dict.
const MOST_TENSORS: usize = 50_000;

/// What a checkpoint holds.
#[derive(Debug)]
pub(in crate::weights) struct Contents {
    /// The tensors of the state dict, by name.
    pub(in crate::weights) stored: Vec<Stored>,
    /// The name of the state dict; `None` if it is all there is.
    pub(in crate::weights) dictionary: Option<String>,
    /// Other dictionaries of tensors.
    pub(in crate::weights) others: Vec<String>,
}

struct Candidate<'a> {
    name: Option<&'a str>,
    id: Id,
    n_tensors: usize,
}

/// The tensors of the dictionary named `wanted`, else of the likeliest one.
pub(super) fn contents(
    pickle: &Pickle<'_>,
    start: usize,
    storages: &Storages,
    wanted: Option<&str>,
) -> Result<Contents, Fault> {
    let candidates = candidates(pickle);
    let by_name = |name: &str| candidates.iter().find(|found| found.name == Some(name));
    let named: Vec<String> = candidates
        .iter()
        .filter_map(|found| found.name.map(str::to_owned))
        .collect();
    let chosen = match wanted {
        Some(wanted) => Some(by_name(wanted).ok_or_else(|| {
            let there = named.join(", ");
            Fault::new(
                start,
                format!("no dictionary {wanted:?} of tensors; there are: {there}"),
            )
        })?),
        None => USUAL_NAMES
            .iter()
            .find_map(|name| by_name(name))
            .or_else(|| candidates.iter().find(|found| found.name.is_none()))
            .or_else(|| candidates.iter().max_by_key(|found| found.n_tensors)),
    };
    let Some(chosen) = chosen else {
        let kind = pickle.kind(pickle.root());
        let why = format!(
            "it holds no dictionary of tensors (but: {kind}); save the weights with torch.save(model.state_dict(), ...)"
        );
        return Err(Fault::new(start, why));
    };
    if chosen.n_tensors > MOST_TENSORS {
        let why = format!("a state dict of more than {MOST_TENSORS} tensors");
        return Err(Fault::new(start, why));
    }
    let mut tensors = BTreeMap::new();
    for &(key, value) in pickle.dict(chosen.id).unwrap_or_default() {
        if let (Value::Text(range), Some(name)) = (pickle.value(key), pickle.text(key)) {
            // A later entry replaces an earlier one, a tensor or not.
            tensors.remove(name);
            if is_tensor(pickle, value) {
                tensors.insert(name, (value, range.start));
            }
        }
    }
    let stored = tensors
        .into_iter()
        .map(|(name, (value, at))| tensor(pickle, (name, value), at, storages))
        .collect::<Result<_, _>>()?;
    let dictionary = chosen.name.map(str::to_owned);
    Ok(Contents {
        stored,
        others: named
            .into_iter()
            .filter(|name| Some(name) != dictionary.as_ref())
            .collect(),
        dictionary,
    })
}

/// The root and its entries, as far as they are dictionaries that hold tensors; each once.
fn candidates<'a>(pickle: &Pickle<'a>) -> Vec<Candidate<'a>> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    let mut look = |name: Option<&'a str>, id: Id| {
        let Some(items) = pickle.dict(id) else {
            return;
        };
        if !seen.insert(id) {
            return;
        }
        let tensors = items.iter().filter(|(key, value)| {
            matches!(pickle.value(*key), Value::Text(_)) && is_tensor(pickle, *value)
        });
        let n_tensors = tensors.count();
        if n_tensors > 0 {
            found.push(Candidate {
                name,
                id,
                n_tensors,
            });
        }
    };
    look(None, pickle.root());
    for &(key, value) in pickle.dict(pickle.root()).unwrap_or_default() {
        if let Some(name) = pickle.text(key) {
            look(Some(name), value);
        }
    }
    found
}
