//! A full disk, in words: how much room a run needs to go on, how much there is, and how to go on.

use super::{Checkpoints, Error};
use crate::machine::room_on_disk;
use crate::message::bytes_text;
use crate::workspace::is_disk_full;
use std::path::Path;

/// `error`, with what can be done about it if it is that the disk is full. `needed`: what a checkpoint and the best model take, in bytes, if
/// that is known.
pub(super) fn explained(error: Error, run_folder: &Path, needed: Option<u64>) -> Error {
    if matches!(error, Error::DiskFull { .. }) || !is_disk_full(&error) {
        return error;
    }
    let id = run_folder.file_name().unwrap_or_default();
    let id = id.to_string_lossy();
    let go_on = format!("make room, then go on with `attune train --resume {id}`");
    let advice = if Checkpoints::of(run_folder).last().exists() {
        format!("the last checkpoint is whole: {go_on}")
    } else if run_folder.join("run.toml").exists() {
        format!("there is no checkpoint yet: {go_on}, which begins with the first step")
    } else {
        "the run has not begun: make room and begin it again".to_owned()
    };
    Error::DiskFull {
        room: room_text(needed, room_on_disk(run_folder)),
        advice,
        source: Box::new(error),
    }
}

fn room_text(needed: Option<u64>, free: Option<u64>) -> String {
    let needed =
        needed.map(|bytes| format!("the run needs {} for a checkpoint", bytes_text(bytes)));
    let free = free.map(|bytes| format!("{} are free", bytes_text(bytes)));
    let parts: Vec<String> = [needed, free].into_iter().flatten().collect();
    if parts.is_empty() {
        String::new()
    } else {
        format!(" ({})", parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::full_message;
    use std::io;

    fn failed(kind: io::ErrorKind) -> Error {
        Error::Run(crate::run::Error::Io {
            path: "scalars/loss.f32".into(),
            source: kind.into(),
        })
    }

    #[test]
    fn a_full_disk_is_told_with_the_file_the_room_and_how_to_go_on() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("demo-3");
        std::fs::create_dir(&run).unwrap();
        let told = |error| full_message(&explained(error, &run, Some(2_500_000)));
        let text = told(failed(io::ErrorKind::StorageFull));
        assert!(text.contains("begin it again"), "{text}");
        std::fs::write(run.join("run.toml"), "").unwrap();
        for kind in [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded] {
            let text = told(failed(kind));
            for part in [
                "the disk is full",
                "2.5 MB for a checkpoint",
                "are free",
                "`attune train --resume demo-3`",
                "scalars/loss.f32",
            ] {
                assert!(text.contains(part), "{part} in {text}");
            }
        }
        // Told once, however many floors the error passes.
        let twice = explained(
            explained(failed(io::ErrorKind::StorageFull), &run, None),
            &run,
            None,
        );
        assert_eq!(full_message(&twice).matches("disk is full").count(), 1);
    }

    #[test]
    fn another_error_stays_as_it_is() {
        let error = failed(io::ErrorKind::PermissionDenied);
        let before = full_message(&error);
        assert_eq!(
            full_message(&explained(error, Path::new("."), None)),
            before
        );
    }
}
