//! Guards the house: import direction, a head on each file, file length, names, and what core must not know.

use std::path::{Path, PathBuf};

/// The floors of `core`, lowest first. A module uses modules of lower floors only; the crate `core/nn` lies below all of them.
const FLOORS: &[&[&str]] = &[
    &[
        "device",
        "file_lock",
        "job",
        "machine",
        "message",
        "workspace",
    ],
    &["audio", "metrics", "figure"],
    &["run", "weights", "features", "augment"],
    &["models", "dataset"],
    &["predict"],
    &["interpret", "tagging"],
    &["train"],
    &["experiment", "queue", "report"],
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .unwrap()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn all_files() -> Vec<PathBuf> {
    [
        "core/nn/src",
        "core/src",
        "app/src",
        "tests/src",
        "tests/tests",
    ]
    .iter()
    .flat_map(|folder| rust_files(&root().join(folder)))
    .collect()
}

fn floor_of(module: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&module))
}

/// The modules of core that a line of code names by `crate::module`.
fn uses(line: &str) -> Vec<&str> {
    let code = line.split("//").next().unwrap_or_default();
    code.split("crate::")
        .skip(1)
        .filter_map(|rest| {
            rest.split(|c: char| !c.is_alphanumeric() && c != '_')
                .next()
        })
        .collect()
}

#[test]
fn modules_of_core_use_lower_floors_only() {
    let source = root().join("core/src");
    let mut wrong = Vec::new();
    for file in rust_files(&source) {
        let relative = file.strip_prefix(&source).unwrap();
        let module = relative
            .components()
            .next()
            .unwrap()
            .as_os_str()
            .to_string_lossy()
            .replace(".rs", "");
        if module == "lib" {
            continue;
        }
        let floor = floor_of(&module)
            .unwrap_or_else(|| panic!("{module} has no floor: add it to FLOORS and to lib.rs"));
        let text = std::fs::read_to_string(&file).unwrap();
        for (number, line) in text.lines().enumerate() {
            for used in uses(line) {
                // A neighbour on the same floor is allowed within the lowest floor only.
                let allowed = used == module
                    || floor_of(used)
                        .is_none_or(|other| other < floor || (other == 0 && floor == 0));
                if !allowed {
                    wrong.push(format!(
                        "{}:{}: {module} uses {used}",
                        relative.display(),
                        number + 1
                    ));
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "against the floors:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn every_file_says_what_it_is_for() {
    let without: Vec<_> = all_files()
        .into_iter()
        .filter(|file| {
            !std::fs::read_to_string(file)
                .unwrap()
                .trim_start()
                .starts_with("//!")
        })
        .collect();
    assert!(without.is_empty(), "no //! head: {without:?}");
}

#[test]
fn files_hold_one_idea() {
    let long: Vec<_> = all_files()
        .into_iter()
        .map(|file| {
            (
                std::fs::read_to_string(&file).unwrap().lines().count(),
                file,
            )
        })
        .filter(|(n_lines, _)| *n_lines > 800)
        .collect();
    assert!(long.is_empty(), "split these: {long:?}");
    let vague: Vec<_> = all_files()
        .into_iter()
        .filter(|file| {
            matches!(
                file.file_stem().unwrap().to_str(),
                Some("utils" | "util" | "helpers" | "common" | "misc")
            )
        })
        .collect();
    assert!(
        vague.is_empty(),
        "name these after what is in them: {vague:?}"
    );
}

#[test]
fn core_knows_no_window_and_no_sound_card() {
    let manifest = std::fs::read_to_string(root().join("core/Cargo.toml")).unwrap();
    for window in ["egui", "eframe", "winit", "cpal", "rfd"] {
        assert!(!manifest.contains(window), "core depends on {window}");
    }
}

#[test]
fn only_models_and_what_stands_on_them_know_tensors() {
    let mut wrong = Vec::new();
    for module in [
        "audio",
        "augment",
        "metrics",
        "run",
        "figure",
        "features",
        "dataset",
        "interpret",
    ] {
        for file in rust_files(&root().join("core/src").join(module)) {
            if std::fs::read_to_string(&file)
                .unwrap()
                .contains("candle_core")
            {
                wrong.push(file);
            }
        }
    }
    for file in rust_files(&root().join("app/src")) {
        // The file contract of `attune forward` is about tensors.
        let is_forward = file.ends_with("cli/forward.rs");
        if !is_forward
            && std::fs::read_to_string(&file)
                .unwrap()
                .contains("candle_core")
        {
            wrong.push(file);
        }
    }
    assert!(wrong.is_empty(), "these should not know candle: {wrong:?}");
}

#[test]
fn colours_live_in_the_theme() {
    let wrong: Vec<_> = rust_files(&root().join("app/src"))
        .into_iter()
        .filter(|file| !file.to_string_lossy().contains("/theme/"))
        .filter(|file| {
            let text = std::fs::read_to_string(file).unwrap();
            text.contains("Color32::from_rgb(") || text.contains("Color32::from_rgba")
        })
        .collect();
    assert!(wrong.is_empty(), "colours outside the theme: {wrong:?}");
}
