//! The settings of a run as other programs know them: one name and one value each.

use crate::run::History;
use toml::Value;

/// The settings of `run.toml`'s recipe, sorted: `learning_rate`, `optimizer.name`, `augmentation.own.chain.…`. Lists are told as text.
pub(super) fn settings(history: &History) -> Vec<(String, Value)> {
    let mut settings = Vec::new();
    if let Some(Value::Table(config)) = history.run_toml().and_then(|run| run.get("config")) {
        for (name, value) in config {
            lay_flat(name, value, &mut settings);
        }
    }
    settings.sort_by(|a, b| a.0.cmp(&b.0));
    settings
}

fn lay_flat(name: &str, value: &Value, into: &mut Vec<(String, Value)>) {
    match value {
        Value::Table(table) => {
            for (key, value) in table {
                lay_flat(&format!("{name}.{key}"), value, into);
            }
        }
        Value::Array(_) | Value::Datetime(_) => {
            into.push((name.to_owned(), Value::String(value.to_string())));
        }
        _ => into.push((name.to_owned(), value.clone())),
    }
}

/// A setting as text.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
