//! Schedules against their definitions and against PyTorch's.

use super::*;

const COURSE: Course = Course {
    steps_per_epoch: 10,
    epochs: 20,
};

fn share(schedule: Schedule, step: u64) -> f64 {
    schedule.share(step, COURSE, &Waiting::default())
}

fn read(text: &str) -> Schedule {
    text.parse().unwrap()
}

#[track_caller]
fn assert_near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-12, "{found} for {expected}");
}

#[test]
fn a_constant_rate_is_the_base_rate_to_the_last_bit() {
    for step in [0, 1, 199, 100_000] {
        assert_eq!(
            (1e-4 * share(Schedule::default(), step)).to_bits(),
            1e-4f64.to_bits()
        );
    }
}

#[test]
fn a_cosine_rises_along_a_line_and_falls_to_its_floor() {
    let cosine = read("cosine:warmup=2,floor=0.2");
    for (step, expected) in [(0, 0.05), (9, 0.5), (19, 1.0), (20, 1.0)] {
        assert_near(share(cosine, step), expected);
    }
    // Half way through the 180 steps that are left, a third, and at the end.
    assert_near(share(cosine, 110), 0.6);
    assert_near(share(cosine, 80), 0.8);
    assert_near(share(cosine, 200), 0.2);
    assert_near(share(cosine, 1000), 0.2);
    let in_steps = read("cosine:warmup=20steps,floor=0.2");
    assert_eq!(share(in_steps, 57), share(cosine, 57));
    assert_near(share(read("cosine"), 0), 1.0);
    assert_near(share(read("cosine:warmup=500steps"), 199), 0.4);
}

/// The recursion by which PyTorch defines `CosineAnnealingLR`, from each rate to the next.
#[test]
fn a_cosine_follows_pytorchs_recursion() {
    let (floor, n) = (0.1, 200.0);
    let schedule = read("cosine:floor=0.1");
    let mut rate = 1.0;
    for step in 1..200 {
        let angle = |t: f64| 1.0 + (std::f64::consts::PI * t / n).cos();
        let t = f64::from(step);
        rate = angle(t) / angle(t - 1.0) * (rate - floor) + floor;
        assert_near(share(schedule, step as u64), rate);
    }
}

#[test]
fn stairs_fall_by_their_factor() {
    let stairs = read("step:every=5,factor=0.5");
    for (step, expected) in [(0, 1.0), (49, 1.0), (50, 0.5), (149, 0.25), (150, 0.125)] {
        assert_eq!(share(stairs, step), expected);
    }
    assert_eq!(share(read("step:every=50steps,factor=0.5"), 149), 0.25);
    assert_eq!(share(read("step:every=1step,factor=0.5"), u64::MAX), 0.0);
}

/// Shares after validations of these losses, one an epoch.
fn shares(schedule: Schedule, losses: &[f64]) -> Vec<f64> {
    let mut waiting = Waiting::default();
    let judged = losses.iter().enumerate().map(|(epoch, &loss)| {
        let before = schedule.share(0, COURSE, &waiting);
        let lowered = schedule.judge(loss, epoch as u32, &mut waiting);
        let after = schedule.share(0, COURSE, &waiting);
        assert_eq!(lowered, after < before);
        after
    });
    judged.collect()
}

/// By the rules of `torch.optim.lr_scheduler.ReduceLROnPlateau`: improved by a tenth or one epoch more without, lowered after two of them.
#[test]
fn a_plateau_lowers_after_its_patience_and_waits_anew() {
    let plateau = read("plateau:patience=1,factor=0.5,threshold=0.1,floor=0.2");
    let losses = [
        1.0,
        0.95,
        0.89,
        0.88,
        0.87,
        0.86,
        0.85,
        f64::NAN,
        0.84,
        0.83,
    ];
    let expected = [1.0, 1.0, 1.0, 1.0, 0.5, 0.5, 0.25, 0.25, 0.2, 0.2];
    assert_eq!(shares(plateau, &losses), expected);
    assert_eq!(
        shares(read("plateau:patience=0,factor=0.5"), &[1.0, 1.0, 0.5, 0.5]),
        [1.0, 0.5, 0.5, 0.25]
    );
}

#[test]
fn validating_more_often_lowers_nothing_earlier() {
    let schedule = read("plateau:patience=1,factor=0.5");
    let mut waiting = Waiting::default();
    for (epoch, lowers) in [
        (0, false),
        (0, false),
        (1, false),
        (1, false),
        (2, true),
        (2, false),
    ] {
        assert_eq!(schedule.judge(1.0, epoch, &mut waiting), lowers, "{epoch}");
    }
}

#[test]
fn text_and_file_say_the_same() {
    let of_file = |text: &str| toml::from_str::<Schedule>(text).unwrap();
    assert_eq!(
        read("cosine: warmup = 2 epochs, floor = 0.01"),
        of_file("name = 'cosine'\nwarmup = { epochs = 2 }\nfloor = 0.01")
    );
    assert_eq!(
        read("step:every=500steps"),
        of_file("name = 'step'\nevery = { steps = 500 }")
    );
    assert_eq!(
        read("plateau:patience=5"),
        of_file("name = 'plateau'\npatience = 5")
    );
    for usual in Schedule::usual() {
        assert_eq!(read(usual.name()), usual);
        let text = toml::to_string(&usual).unwrap();
        assert_eq!(of_file(&text), usual, "{text}");
    }
    assert!(toml::from_str::<Schedule>("name = 'constant'\nfloor = 0.1").is_err());
    for (text, named) in [
        ("cosinus", "cosinus"),
        ("cosine:warmpu=2", "warmpu"),
        ("cosine:warmup=soon", "warmup=soon"),
        ("step:every=1.5steps", "1.5steps"),
        ("constant:floor=0.1", "floor"),
    ] {
        let error = text.parse::<Schedule>().unwrap_err().to_string();
        assert!(error.contains(named), "{text}: {error}");
    }
}

#[test]
fn settings_out_of_range_are_named() {
    let wrong = |text: &str| read(text).out_of_range(20).map(|(what, _)| what);
    for usual in Schedule::usual() {
        assert_eq!(usual.out_of_range(1), None, "{usual:?}");
    }
    for (text, what) in [
        ("cosine:warmup=20", "warmup"),
        ("cosine:warmup=-1", "warmup"),
        ("cosine:floor=1", "floor"),
        ("step:every=0", "every"),
        ("step:every=0steps", "every"),
        ("step:factor=1", "factor"),
        ("plateau:factor=0", "factor"),
        ("plateau:threshold=1", "threshold"),
        ("plateau:floor=-0.1", "floor"),
    ] {
        assert_eq!(wrong(text), Some(what), "{text}");
    }
}

/// Rates of `torch.optim.lr_scheduler`, made by `tests/golden/make_schedules.py`.
#[test]
fn schedules_are_pytorchs() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../tests/golden/schedules.json"
    );
    let golden: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let cases = golden["cases"].as_object().unwrap();
    assert_eq!(cases.len(), 4);
    for (name, case) in cases {
        let schedule = read(case["schedule"].as_str().unwrap());
        let numbers = |key: &str| -> Vec<f64> {
            let values = case[key].as_array().unwrap().iter();
            values.map(|value| value.as_f64().unwrap()).collect()
        };
        let expected = numbers("shares");
        let found: Vec<f64> = if case["losses"].is_null() {
            let course = Course {
                steps_per_epoch: case["steps_per_epoch"].as_u64().unwrap(),
                epochs: case["epochs"].as_u64().unwrap() as u32,
            };
            (0..expected.len() as u64)
                .map(|step| schedule.share(step, course, &Waiting::default()))
                .collect()
        } else {
            shares(schedule, &numbers("losses"))
        };
        for (at, (found, expected)) in found.iter().zip(&expected).enumerate() {
            assert!(
                (found - expected).abs() < 1e-9,
                "{name}, {at}: {found} and not {expected}"
            );
        }
    }
}
