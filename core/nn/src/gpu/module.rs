//! Kernels made ready for the GPU at hand: compiled by NVRTC when they are first wanted, and kept on disk for the next start.
//!
//! The file in the cache is named by a hash of all that it depends on: source, number type, compute capability, NVRTC's version. A file that cannot be
//! read or written costs time and nothing else.

use super::kernels::Source;
use super::launch::Kind;
use candle_core::{Error, Result};
use cudarc::nvrtc::{CompileError, CompileOptions, Ptx, compile_ptx_with_opts};
use std::path::{Path, PathBuf};

/// What compiled kernels depend on besides their source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// Compute capability, major and minor.
    pub(super) capability: (i32, i32),
    /// Version of NVRTC, major and minor.
    pub(super) nvrtc: (i32, i32),
}

/// The kernels of a source for a target, from the cache or compiled.
pub(super) fn image(source: &'static Source, kind: Kind, target: Target) -> Result<Ptx> {
    image_in(cache_folder().as_deref(), source, kind, target, compile)
}

fn image_in(
    folder: Option<&Path>,
    source: &'static Source,
    kind: Kind,
    target: Target,
    compile: impl FnOnce(&str, &'static str, Target) -> Result<Vec<u8>>,
) -> Result<Ptx> {
    let program = format!("{}{}", kind.definition(), source.program());
    let file = folder.map(|folder| folder.join(file_name(source.name, &program, target)));
    if let Some(kept) = file
        .as_ref()
        .and_then(|file| std::fs::read_to_string(file).ok())
        && kept.contains(".version")
    {
        return Ok(Ptx::from_src(kept));
    }
    let bytes = compile(&program, source.name, target)?;
    // NVRTC ends its text with a zero.
    let text: Vec<u8> = bytes.into_iter().take_while(|&byte| byte != 0).collect();
    let text = String::from_utf8(text).map_err(Error::wrap)?;
    if let Some(file) = file {
        keep(&file, &text);
    }
    Ok(Ptx::from_src(text))
}

/// Beside, then renamed, so that nobody reads half a file. A cache that cannot be written is no error.
fn keep(file: &Path, text: &str) {
    let Some(folder) = file.parent() else { return };
    let beside = file.with_extension(format!("{}.part", std::process::id()));
    let written = std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&beside, text))
        .and_then(|()| std::fs::rename(&beside, file));
    if written.is_err() {
        std::fs::remove_file(&beside).ok();
    }
}

fn file_name(name: &str, program: &str, target: Target) -> String {
    let mut hash = blake3::Hasher::new();
    let Target { capability, nvrtc } = target;
    let depends_on = format!("{capability:?} {nvrtc:?}");
    for part in [depends_on.as_str(), program] {
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    format!("{name}-{}.ptx", &hash.finalize().to_hex()[..24])
}

/// `attune/kernels` in the user's folder for caches; `None` if there is none.
fn cache_folder() -> Option<PathBuf> {
    let absolute = |name: &str| {
        let path = PathBuf::from(std::env::var_os(name)?);
        path.is_absolute().then_some(path)
    };
    let caches = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
    Some(caches.join("attune").join("kernels"))
}

fn compile(program: &str, name: &'static str, target: Target) -> Result<Vec<u8>> {
    let (major, minor) = target.capability;
    let options = CompileOptions {
        name: Some(format!("{name}.cu")),
        options: vec![format!("--gpu-architecture=compute_{major}{minor}")],
        ..CompileOptions::default()
    };
    let compiled = compile_ptx_with_opts(program, options).map_err(|error| {
        let words = match error {
            CompileError::CompileError { nvrtc, log, .. } => {
                format!("{nvrtc:?}: {}", log.to_string_lossy())
            }
            other => format!("{other:?}"),
        };
        Error::Msg(format!("NVRTC cannot compile the kernels {name}: {words}"))
    })?;
    match compiled.as_bytes() {
        Some(bytes) => Ok(bytes.to_vec()),
        None => Err(Error::Msg(format!(
            "NVRTC gave nothing for the kernels {name}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::kernels::ALL;
    use super::*;

    const TARGET: Target = Target {
        capability: (9, 0),
        nvrtc: (13, 0),
    };

    #[test]
    fn kept_kernels_are_found_again_and_only_for_what_they_were_made_for() {
        let folder = std::env::temp_dir().join(format!("attune-kernels-{}", std::process::id()));
        let source = &ALL[0];
        let run = |kind, target| {
            let mut compiled = false;
            let image = image_in(Some(&folder), source, kind, target, |_, _, _| {
                compiled = true;
                Ok(b".version 9.0\0".to_vec())
            });
            assert_eq!(image.unwrap().to_src(), ".version 9.0");
            compiled
        };
        let newer = Target {
            capability: (12, 0),
            ..TARGET
        };
        let other_compiler = Target {
            nvrtc: (13, 1),
            ..TARGET
        };
        assert!(run(Kind::F32, TARGET));
        assert!(!run(Kind::F32, TARGET));
        assert!(run(Kind::Bf16, TARGET));
        assert!(run(Kind::F32, newer));
        assert!(run(Kind::F32, other_compiler));
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_cache_that_cannot_be_written_is_no_error() {
        let nowhere = Path::new("/proc/attune-kernels");
        let image = image_in(Some(nowhere), &ALL[0], Kind::F32, TARGET, |_, _, _| {
            Ok(b".version".to_vec())
        });
        assert!(image.is_ok());
    }
}
