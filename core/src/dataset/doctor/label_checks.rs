//! What is wrong with tags and labels of one split.

use super::report::Entry;
use super::split_checks::within;
use super::tag_orders;
use crate::dataset::clean::spellings;
use crate::dataset::{Check, Dataset, Severity, Split};

/// Looks through a split's vocabulary and labels. `name` is the split's, for the messages.
pub(super) fn check(dataset: &Dataset, name: &str, entries: &mut Vec<Entry>) {
    if dataset.n_tags() == 0 {
        return;
    }
    spelling(dataset, entries);
    tag_orders::check(&dataset.tags, entries);
    let of_split = if name.is_empty() {
        String::new()
    } else {
        format!(" of {name}")
    };
    let total = dataset.tag_counts(None);
    let mut n_labelled = Vec::new();
    for part in [Split::Train, Split::Valid, Split::Test] {
        let members: Vec<&crate::dataset::Track> = dataset
            .tracks
            .iter()
            .filter(|track| track.split == part)
            .collect();
        if members.is_empty() {
            continue;
        }
        let bare: Vec<String> = members
            .iter()
            .filter(|track| track.tags.is_empty())
            .map(|track| track.id.clone())
            .collect();
        if !bare.is_empty() {
            let message = format!(
                "{} of {} {part} tracks{of_split} {} no tag at all",
                bare.len(),
                members.len(),
                if bare.len() == 1 { "has" } else { "have" }
            );
            let mend = "say by `min_tags = 1` that they take no part, or make them unlabelled; else they count as lacking every tag";
            let mut entry = Entry::new(
                Check::NoTag,
                Severity::Warning,
                &within(name, part.name()),
                message,
                mend,
            )
            .about(bare.iter().cloned());
            entry.leave_out = bare;
            entries.push(entry);
        }
        n_labelled.push((part, dataset.tag_counts(Some(part))));
    }
    for (tag, tag_name) in dataset.tags.iter().enumerate() {
        if total[tag] == 0 {
            let message = format!("no track{of_split} has the tag `{tag_name}`");
            let mut entry = Entry::new(
                Check::EmptyTag,
                Severity::Warning,
                &within(name, tag_name),
                message,
                "drop the tag (`min_tracks_per_tag = 1`); its scores are undefined",
            );
            entry.finding.n_concerned = 1;
            entries.push(entry);
            continue;
        }
        for (part, _) in n_labelled.iter().filter(|(_, counts)| counts[tag] == 0) {
            let message = format!(
                "no {part} track{of_split} has the tag `{tag_name}`, {} of the whole split have it",
                total[tag]
            );
            let mend = match part {
                Split::Train => {
                    "drop the tag, or divide anew: what never occurs in training cannot be learnt"
                }
                _ => "divide anew with `attune data split`: scores of the tag are undefined there",
            };
            let mut entry = Entry::new(
                Check::AbsentTag,
                Severity::Warning,
                &within(name, &format!("{part}/{tag_name}")),
                message,
                mend,
            );
            entry.finding.n_concerned = 1;
            entries.push(entry);
        }
    }
}

fn spelling(dataset: &Dataset, entries: &mut Vec<Entry>) {
    for (commonest, members) in spellings(dataset) {
        let names: Vec<String> = members
            .iter()
            .map(|&tag| format!("`{}`", dataset.tags[tag]))
            .collect();
        let message = format!(
            "{} differ only in how they are written",
            names.join(" and ")
        );
        let mend = format!("count them as `{commonest}` by `merge_spellings = true`");
        let mut entry = Entry::new(
            Check::TagSpelling,
            Severity::Warning,
            &commonest,
            message,
            &mend,
        );
        entry.finding.n_concerned = members.len();
        entries.push(entry);
    }
    for tag in &dataset.tags {
        let is_plain =
            tag.trim() == tag && !tag.contains("  ") && !tag.chars().any(char::is_control);
        if !is_plain {
            let message = format!("the tag {tag:?} has blanks or control signs that are not seen");
            let mend = "write the tag without them, in the vocabulary and in the labels";
            let mut entry = Entry::new(Check::TagSpelling, Severity::Warning, tag, message, mend);
            entry.finding.n_concerned = 1;
            entries.push(entry);
        }
    }
}
