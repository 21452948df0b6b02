//! Checkpoints of PyTorch: read bit for bit, refused when they are broken or made up, and used through the program.

use crate::attune::{output, printed};
use attune_core::models::presets;
use attune_core::nn::Parameters;
use attune_core::weights::{self, File, Format, KeyMap};
use attune_tests::golden;
use attune_tests::torch_file::{Layout, Saved, checkpoint};
use candle_core::{DType, Device, Tensor};
use proptest::prelude::*;
use safetensors::{Dtype, SafeTensors};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const FILES: [&str; 5] = [
    "flat_zip.ckpt",
    "flat_legacy.pth",
    "lightning_like_zip.ckpt",
    "odd_tensors_zip.pth",
    "odd_tensors_legacy.pth",
];

fn made(name: &str) -> PathBuf {
    golden("checkpoints").join(name)
}

/// The bytes of a tensor as the file had them: what was widened on reading is narrowed again, which loses nothing.
fn bytes(tensor: &Tensor, dtype: Dtype) -> Vec<u8> {
    let flat = tensor.flatten_all().unwrap();
    macro_rules! all {
        ($as:expr, $type:ty) => {
            flat.to_dtype($as)
                .unwrap()
                .to_vec1::<$type>()
                .unwrap()
                .iter()
                .flat_map(|x| x.to_le_bytes())
                .collect()
        };
    }
    match dtype {
        Dtype::F64 => all!(DType::F64, f64),
        Dtype::F32 => all!(DType::F32, f32),
        Dtype::F16 => {
            assert_eq!(tensor.dtype(), DType::F32);
            all!(DType::F16, half::f16)
        }
        Dtype::BF16 => {
            assert_eq!(tensor.dtype(), DType::F32);
            all!(DType::BF16, half::bf16)
        }
        Dtype::I64 => all!(DType::I64, i64),
        Dtype::I32 => all!(DType::I32, i32),
        Dtype::U8 | Dtype::BOOL => flat.to_vec1::<u8>().unwrap(),
        other => panic!("{other:?}"),
    }
}

/// Every tensor has the expected bits, `except` those; none is missing, none too many.
fn check(file: &Path, expected: &Path, except: &[&str]) {
    let opened = File::open(file, None).unwrap();
    let found = opened.load().unwrap().tensors;
    let data = std::fs::read(expected).unwrap();
    let expected = SafeTensors::deserialize(&data).unwrap();
    let shown = file.display();
    let mut n_compared = 0;
    for (name, view) in expected.iter() {
        let tensor = found
            .get(name)
            .unwrap_or_else(|| panic!("{shown}: no {name}"));
        assert_eq!(tensor.dims(), view.shape(), "{shown}: {name}");
        let entry = opened.entries().find(|entry| entry.name == name).unwrap();
        assert_eq!(
            (entry.dtype, &entry.shape[..]),
            (view.dtype(), view.shape())
        );
        if !except.contains(&name) {
            assert!(
                bytes(tensor, view.dtype()) == view.data(),
                "{shown}: {name}"
            );
            n_compared += 1;
        }
    }
    println!("{shown}: {n_compared} tensors agree bit for bit");
    let known = found
        .keys()
        .filter(|name| !name.starts_with("teacher_network."));
    assert_eq!(known.count(), expected.len(), "{shown}");
}

#[test]
fn every_layout_is_read_bit_for_bit() {
    let network = made("expected_network.safetensors");
    check(&made("flat_zip.ckpt"), &network, &[]);
    check(&made("flat_legacy.pth"), &network, &[]);
    // One Adam step apart, says its manifest.
    let stepped = ["network.mlp_head.1.weight"];
    check(&made("lightning_like_zip.ckpt"), &network, &stepped);
    let odd = made("expected_odd_tensors.safetensors");
    check(&made("odd_tensors_zip.pth"), &odd, &[]);
    check(&made("odd_tensors_legacy.pth"), &odd, &[]);
}

#[test]
fn a_published_checkpoint_is_read_bit_for_bit() {
    let Some(folder) = attune_tests::shared("reference/models/pretrained") else {
        return;
    };
    let published = folder.join("mtat_crnn.best_model.pth");
    check(&published, &folder.join("mtat_crnn.safetensors"), &[]);
}

#[test]
fn the_copies_are_those_of_the_reference() {
    let Some(folder) = attune_tests::shared("reference/models/checkpoint_formats") else {
        return;
    };
    for name in FILES {
        let original = std::fs::read(folder.join(name)).unwrap();
        assert!(original == std::fs::read(made(name)).unwrap(), "{name}");
    }
}

#[test]
fn the_student_is_taken_from_a_training_checkpoint_unless_the_teacher_is_asked_for() {
    let file = File::open(&made("lightning_like_zip.ckpt"), None).unwrap();
    assert_eq!(file.format(), Format::TorchZip);
    assert_eq!(file.dictionary(), Some("state_dict"));
    let keys = file.entries().map(|entry| entry.name.as_str());
    let student = KeyMap::choose(keys.clone(), None).unwrap();
    assert_eq!(student.prefix, "network.");
    let n_teacher = student.left_out["teacher_network."];
    let teacher = KeyMap::choose(keys.clone(), Some("teacher_network")).unwrap();
    let tensors = file.load_mapped(&teacher).unwrap().tensors;
    assert_eq!(tensors.len(), n_teacher);
    assert!(tensors.contains_key("mlp_head.1.weight"));
    assert_eq!(keys.count(), n_teacher + teacher.left_out["network."]);
}

/// What came out of a file that may be anything: an error that names it, or tensors that are not much larger than it.
fn check_bounds(bytes: Vec<u8>) {
    let n = bytes.len();
    let loaded = File::from_bytes(bytes, Path::new("hostile.bin"), None).and_then(|f| f.load());
    match loaded {
        Err(error) => assert!(error.to_string().contains("hostile.bin"), "{error}"),
        Ok(weights) => {
            let total: usize = weights
                .tensors
                .values()
                .map(|tensor| tensor.elem_count() * tensor.dtype().size_in_bytes())
                .sum();
            // Twice the file, twice that for half floats.
            assert!(total <= 4 * n, "{total} bytes from a file of {n}");
        }
    }
}

fn all_files() -> Vec<Vec<u8>> {
    FILES
        .iter()
        .chain(&["expected_odd_tensors.safetensors"])
        .map(|name| std::fs::read(made(name)).unwrap())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_file_that_was_cut_off_is_an_error(which in 0..6usize, part in 0.0..1.0f64) {
        let mut bytes = all_files().swap_remove(which);
        bytes.truncate((bytes.len() as f64 * part) as usize);
        let loaded = File::from_bytes(bytes, Path::new("cut.bin"), None);
        prop_assert!(loaded.is_err());
    }

    #[test]
    fn changed_bytes_never_panic(which in 0..6usize, changes in prop::collection::vec((0.0..1.0f64, any::<bool>(), any::<u8>()), 1..8)) {
        let mut bytes = all_files().swap_remove(which);
        for (place, is_early, value) in changes {
            // The first bytes and the last are those that say what the others mean.
            let span = if is_early { bytes.len().min(9000) } else { bytes.len() };
            let at = (span as f64 * place) as usize;
            bytes[at] ^= value;
        }
        check_bounds(bytes);
    }

    #[test]
    fn bytes_that_never_were_a_pickle_are_harmless(tail in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut bytes = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.\x80\x02}.".to_vec();
        bytes.extend(tail);
        check_bounds(bytes);
    }
}

#[test]
fn what_a_file_declares_is_held_against_its_size() {
    let honest = Saved {
        class: "FloatStorage",
        bytes: vec![0; 24],
        n_declared: 6,
        shape: vec![2, 3],
        strides: vec![3, 1],
    };
    let refused = |saved: Saved, why: &str| {
        for layout in [Layout::Zip, Layout::Legacy] {
            let bytes = checkpoint(layout, None, &BTreeMap::from([("a".into(), saved.clone())]));
            let loaded = File::from_bytes(bytes, Path::new("x.pth"), None).and_then(|f| f.load());
            match loaded {
                Ok(_) => assert!(why.is_empty(), "{layout:?}: {why}"),
                Err(error) => {
                    let error = error.to_string();
                    assert!(
                        !why.is_empty() && error.contains(why),
                        "{layout:?}: {error}"
                    );
                }
            }
        }
    };
    refused(honest.clone(), "");
    refused(
        Saved {
            n_declared: i32::MAX,
            ..honest.clone()
        },
        "more than the file has",
    );
    refused(
        Saved {
            n_declared: -1,
            ..honest.clone()
        },
        "storage",
    );
    refused(
        Saved {
            shape: vec![2, 4],
            ..honest.clone()
        },
        "reaches out of its storage",
    );
    refused(
        Saved {
            strides: vec![i32::MAX, i32::MAX],
            ..honest.clone()
        },
        "reaches out of its storage",
    );
    refused(
        Saved {
            shape: vec![-2, 3],
            ..honest.clone()
        },
        "no readable shape",
    );
    // A number seen two thousand million times: 8 GB.
    let expanded = Saved {
        shape: vec![i32::MAX],
        strides: vec![0],
        ..honest.clone()
    };
    refused(expanded, "times as large as their file");
    refused(
        Saved {
            class: "QInt8Storage",
            ..honest
        },
        "QInt8Storage",
    );
}

const COUNTER: &str = "frontend.input_bn.num_batches_tracked";

/// The weights of a tiny network from a seed, but for a counter that old files of PyTorch lack.
fn tiny(seed: u64) -> BTreeMap<String, Tensor> {
    let parameters = Parameters::initialise(seed, DType::F32);
    let config = presets::preset("tiny").unwrap().config;
    config.build(parameters.var_builder()).unwrap();
    let mut tensors = parameters.to_map();
    tensors.remove(COUNTER).unwrap();
    tensors
}

#[test]
fn a_training_checkpoint_is_shown_run_and_converted_by_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (student, teacher) = (tiny(1), tiny(2));
    weights::write(
        &folder.join("plain.safetensors"),
        &student,
        &BTreeMap::new(),
    )
    .unwrap();
    let mut both = BTreeMap::new();
    for (prefix, network) in [("network.", &student), ("teacher_network.", &teacher)] {
        for (name, tensor) in network {
            both.insert(format!("{prefix}{name}"), Saved::of(tensor));
        }
    }
    // The names of the files say nothing about what is in them.
    for (name, layout) in [
        ("zip.bin", Layout::Zip),
        ("legacy.safetensors", Layout::Legacy),
    ] {
        let bytes = checkpoint(layout, Some("state_dict"), &both);
        std::fs::write(folder.join(name), bytes).unwrap();
    }
    let wave: Vec<f32> = (0..16_384).map(|i| (i as f32 * 0.05).sin() * 0.3).collect();
    let wave = Tensor::new(wave, &Device::Cpu).unwrap();
    let waves = BTreeMap::from([("w".to_owned(), wave)]);
    weights::write(&folder.join("waves.safetensors"), &waves, &BTreeMap::new()).unwrap();
    let forward = |file: &str, more: &[&str]| {
        let mut arguments = vec!["forward", "--weights", file, "--heads", "4"];
        arguments.extend([
            "--input",
            "waves.safetensors",
            "--output",
            "out.safetensors",
        ]);
        arguments.extend(more);
        printed(folder, &arguments);
        let out = weights::read(&folder.join("out.safetensors")).unwrap();
        out.tensors["w.logits"].to_vec2::<f32>().unwrap()
    };
    let expected = forward("plain.safetensors", &[]);
    for file in ["zip.bin", "legacy.safetensors"] {
        assert_eq!(forward(file, &[]), expected, "{file}");
        let teacher = forward(file, &["--prefix", "teacher_network"]);
        assert_ne!(teacher, expected, "{file}");

        let shown = printed(folder, &["weights", file, "--heads", "4", "--json"]);
        let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(shown["prefix"], "network.");
        assert_eq!(shown["dictionary"], "state_dict");
        assert_eq!(shown["left_out"]["teacher_network."], teacher_keys(&both));
        assert_eq!(shown["network"]["n_parameters"], 164_452);
        assert_eq!(shown["report"]["missing"], serde_json::json!([]));
        assert_eq!(
            shown["report"]["absent_counters"],
            serde_json::json!([COUNTER])
        );
        assert_eq!(shown["keys"].as_array().unwrap().len(), both.len());

        let tags: String = (0..50).map(|i| format!("tag number {i}\n")).collect();
        std::fs::write(folder.join("tags.txt"), tags).unwrap();
        let convert = [
            "weights",
            file,
            "--heads",
            "4",
            "--tags",
            "tags.txt",
            "--convert",
            "c.safetensors",
        ];
        let shown = printed(folder, &convert);
        assert!(shown.contains("164452 parameters, 50 tags"), "{shown}");
        let converted = attune_core::predict::Model::load(&folder.join("c.safetensors")).unwrap();
        assert_eq!(converted.tags[49], "tag number 49");
        assert_eq!(forward("c.safetensors", &[]), expected);
    }
}

fn teacher_keys(both: &BTreeMap<String, Saved>) -> usize {
    both.keys()
        .filter(|name| name.starts_with("teacher_network."))
        .count()
}

#[test]
fn what_does_not_fit_is_named_and_a_broken_file_ends_with_code_3() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut tensors = tiny(3);
    tensors.remove("mlp_head.0.bias").unwrap();
    let saved = tensors
        .iter()
        .map(|(name, tensor)| (name.clone(), Saved::of(tensor)));
    let bytes = checkpoint(Layout::Zip, None, &saved.collect());
    std::fs::write(folder.join("lacks.pth"), &bytes).unwrap();
    let shown = printed(folder, &["weights", "lacks.pth", "--heads", "4"]);
    assert!(shown.contains("1 missing (mlp_head.0.bias)"), "{shown}");
    std::fs::write(folder.join("cut.pth"), &bytes[..bytes.len() / 2]).unwrap();
    std::fs::write(folder.join("tags.txt"), "one\n").unwrap();
    for (arguments, why) in [
        (&["weights", "cut.pth"][..], "cut off"),
        (
            &["weights", "lacks.pth", "--prefix", "ema"],
            "no key begins with \"ema.\"",
        ),
        (
            &["predict", "lacks.pth", "x.wav"],
            "1 missing (mlp_head.0.bias)",
        ),
        (&["weights", "lacks.pth", "--tags", "none.txt"], "none.txt"),
        (&["weights", "absent.pth"], "absent.pth"),
    ] {
        let output = output(folder, arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{arguments:?}: {said}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        assert!(said.contains(why), "{arguments:?}: {said}");
    }
    // The network of another kind: its keys are listed all the same.
    let shown = printed(
        folder,
        &["weights", made("odd_tensors_zip.pth").to_str().unwrap()],
    );
    assert!(
        shown.contains("same_storage") && shown.contains("no known network"),
        "{shown}"
    );
}
