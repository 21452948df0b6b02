//! A strength sweep: one number of one effect runs over a range, and a model says at each step what it still hears in the clip.
//!
//! The clip is augmented by [`Draw::apply`], as in training, with the draw's other effects before and after in their order; then each
//! model tags it at its own rate ([`super::tag_track`]). "Clean" is the same clip with the other effects and without the swept one.

use super::break_point::{Breaks, Threshold, breaks};
use super::{Error, Model, tag_track};
use crate::audio;
use crate::augment::{self, Draw, Effect, Kind, Parameter};
use crate::job::Job;
use rayon::prelude::*;

/// Steps whose sounds are made at once: more would keep the caller waiting for the first.
const AT_ONCE: usize = 4;

/// What is swept.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepPlan {
    draw: Draw,
    effect_idx: usize,
    parameter_idx: usize,
    values: Vec<f32>,
}

impl SweepPlan {
    /// Sweeps a parameter of the `effect_idx`th effect of `draw` over `values`.
    ///
    /// Fails with [`augment::Error`] if the effect takes no such number, or not that large, or if it needs another track: a sweep has none.
    /// `values` are put in order.
    ///
    /// # Panics
    /// If the draw has no such effect, or the effect no such parameter.
    pub fn new(
        draw: Draw,
        effect_idx: usize,
        parameter_idx: usize,
        mut values: Vec<f32>,
    ) -> Result<Self, augment::Error> {
        let kind = draw.effects[effect_idx].kind();
        if kind.needs_company() {
            return Err(augment::Error::NoCompany {
                effect: kind.name(),
            });
        }
        for &value in &values {
            kind.check(parameter_idx, value)?;
        }
        values.sort_by(f32::total_cmp);
        values.dedup();
        Ok(Self {
            draw,
            effect_idx,
            parameter_idx,
            values,
        })
    }

    /// The effect that is swept.
    pub fn kind(&self) -> Kind {
        self.draw.effects[self.effect_idx].kind()
    }

    /// The number that runs.
    pub fn parameter(&self) -> &'static Parameter {
        &self.kind().parameters()[self.parameter_idx]
    }

    /// Its values, rising.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Where the effect does nothing, or least.
    pub fn weakest(&self) -> f32 {
        self.kind().weakest(self.parameter_idx)
    }

    /// The effect with its number at `value` ([`Effect::with_strength`]).
    pub fn effect_at(&self, value: f32) -> Effect {
        self.draw.effects[self.effect_idx].with_strength(self.parameter_idx, value)
    }

    /// The number that runs, in an effect of the swept kind.
    ///
    /// # Panics
    /// If it is another effect, with fewer numbers.
    pub fn value_of(&self, effect: &Effect) -> f32 {
        effect.values()[self.parameter_idx]
    }

    /// The sound at a value; `None`: without the effect, and with all others.
    fn sound_at(&self, wave: &[f32], rate_hz: u32, value: Option<f32>) -> Vec<f32> {
        let mut draw = self.draw.clone();
        match value {
            Some(value) => draw.effects[self.effect_idx] = self.effect_at(value),
            None => drop(draw.effects.remove(self.effect_idx)),
        }
        draw.apply(wave, rate_hz)
    }
}

/// What a model says of the clip at each step, as far as it is known.
#[derive(Clone, Debug, PartialEq)]
pub struct SweptModel {
    /// Its name.
    pub name: String,
    /// Its fingerprint.
    pub fingerprint: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// `[tags]`: probabilities without the effect.
    pub clean: Vec<f32>,
    /// `[steps, tags]`: probabilities at the values of the plan; not a number where the step has not been heard yet.
    pub probabilities: Vec<f32>,
}

/// A sweep, whole or in the making.
#[derive(Clone, Debug, PartialEq)]
pub struct Sweep {
    /// What was swept.
    pub plan: SweepPlan,
    /// Steps that have been heard.
    pub n_done: usize,
    /// What each model says, in the order in which they were given.
    pub models: Vec<SweptModel>,
}

impl Sweep {
    /// Whether all steps have been heard.
    pub fn is_whole(&self) -> bool {
        self.n_done == self.plan.values.len()
    }

    /// (value, probability) of a model's tag at the steps that have been heard.
    pub fn curve(&self, model: usize, tag: usize) -> Vec<(f32, f32)> {
        let swept = &self.models[model];
        let rows = swept.probabilities.chunks_exact(swept.tags.len());
        let points = self.plan.values.iter().zip(rows);
        points
            .map(|(&value, row)| (value, row[tag]))
            .filter(|(_, probability)| !probability.is_nan())
            .collect()
    }

    /// Where a model's tag is lost, and by which threshold (`asked`, if there is one).
    pub fn breaks(&self, model: usize, tag: usize, asked: Option<f32>) -> (Threshold, Breaks) {
        let clean = self.models[model].clean[tag];
        let threshold = Threshold::of(clean, asked);
        let curve = self.curve(model, tag);
        let found = breaks(&curve, self.plan.weakest(), clean, threshold.probability());
        (threshold, found)
    }

    /// A model's tags, the most probable of the clean clip first.
    pub fn by_probability(&self, model: usize) -> Vec<usize> {
        let clean = &self.models[model].clean;
        let mut tags: Vec<usize> = (0..clean.len()).collect();
        tags.sort_by(|&a, &b| clean[b].total_cmp(&clean[a]));
        tags
    }
}

/// Sweeps `plan` over a mono `wave` at `rate_hz`, which models at other rates hear resampled. `on_news` is called with what is known: first
/// with the clean clip, then after every few steps.
///
/// Fails with [`Error::Empty`] if there is no sound, [`Error::Cancelled`] if the caller stopped it.
pub fn sweep(
    models: &[&Model],
    wave: &[f32],
    rate_hz: u32,
    plan: &SweepPlan,
    job: &Job,
    on_news: &dyn Fn(&Sweep),
) -> Result<Sweep, Error> {
    let unheard = Job::new(job.cancel.clone(), |_| ());
    let tag = |model: &Model, sound: &[f32]| -> Result<Vec<f32>, Error> {
        if model.sample_rate_hz() == rate_hz {
            return tag_track(model, sound, &unheard);
        }
        let sound = audio::resample(sound, rate_hz, model.sample_rate_hz())?;
        tag_track(model, &sound, &unheard)
    };
    let n_values = plan.values.len();
    let report = |n_done: usize| job.report(n_done as u64, n_values as u64, "sweeping");
    report(0);
    let sound = plan.sound_at(wave, rate_hz, None);
    let swept = models.iter().map(|model| {
        Ok(SweptModel {
            name: model.name.clone(),
            fingerprint: model.fingerprint.clone(),
            tags: model.tags.clone(),
            clean: tag(model, &sound)?,
            probabilities: vec![f32::NAN; n_values * model.tags.len()],
        })
    });
    let mut sweep = Sweep {
        plan: plan.clone(),
        n_done: 0,
        models: swept.collect::<Result<_, Error>>()?,
    };
    on_news(&sweep);
    for (at, values) in plan.values.chunks(AT_ONCE).enumerate() {
        job.check()?;
        let sounds: Vec<Vec<f32>> = values
            .par_iter()
            .map(|&value| plan.sound_at(wave, rate_hz, Some(value)))
            .collect();
        for (i, sound) in sounds.iter().enumerate() {
            for (model, swept) in models.iter().zip(&mut sweep.models) {
                let n_tags = swept.tags.len();
                let row = (at * AT_ONCE + i) * n_tags;
                swept.probabilities[row..row + n_tags].copy_from_slice(&tag(model, sound)?);
            }
            sweep.n_done += 1;
        }
        report(sweep.n_done);
        on_news(&sweep);
    }
    Ok(sweep)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Cancel;
    use crate::models::presets;
    use crate::nn::Parameters;
    use candle_core::DType;
    use std::cell::RefCell;

    const RATE_HZ: u32 = 22_050;

    fn model() -> Model {
        let config = presets::preset("tiny").unwrap().config.with_n_tags(2);
        let parameters = Parameters::initialise(1, DType::F32);
        config.build(parameters.var_builder()).unwrap();
        let tags = vec!["a".to_owned(), "b".to_owned()];
        Model::from_parameters(config, tags, RATE_HZ as usize, &parameters).unwrap()
    }

    fn wave() -> Vec<f32> {
        (0..RATE_HZ)
            .map(|i| 0.4 * (i as f32 * 0.05).sin())
            .collect()
    }

    /// Gain, then the swept low-pass, then polarity.
    fn plan() -> SweepPlan {
        let effects = vec![
            Effect::Gain { db: -6.0 },
            Effect::LowPass { hz: 1.0e3 },
            Effect::Polarity,
        ];
        let values = vec![4000.0, 500.0, 1000.0, 8000.0, 2000.0, 500.0];
        SweepPlan::new(Draw::of(effects, 3), 1, 0, values).unwrap()
    }

    #[test]
    fn each_step_is_what_the_model_says_of_the_whole_draw() {
        let (model, wave, plan) = (model(), wave(), plan());
        assert_eq!(plan.values(), [500.0, 1000.0, 2000.0, 4000.0, 8000.0]);
        let news = RefCell::new(Vec::new());
        let heard = |sweep: &Sweep| {
            news.borrow_mut()
                .push((sweep.n_done, sweep.curve(0, 1).len()))
        };
        let found = sweep(&[&model], &wave, RATE_HZ, &plan, &Job::quiet(), &heard).unwrap();
        assert!(found.is_whole());
        assert_eq!(news.into_inner(), [(0, 0), (4, 4), (5, 5)]);
        for (at, &hz) in plan.values().iter().enumerate() {
            let effects = vec![
                Effect::Gain { db: -6.0 },
                Effect::LowPass { hz },
                Effect::Polarity,
            ];
            let sound = Draw::of(effects, 3).apply(&wave, RATE_HZ);
            let expected = tag_track(&model, &sound, &Job::quiet()).unwrap();
            assert_eq!(found.models[0].probabilities[2 * at..2 * at + 2], expected);
        }
        let others = vec![Effect::Gain { db: -6.0 }, Effect::Polarity];
        let sound = Draw::of(others, 3).apply(&wave, RATE_HZ);
        let expected = tag_track(&model, &sound, &Job::quiet()).unwrap();
        assert_eq!(found.models[0].clean, expected);
    }

    #[test]
    fn a_model_compared_with_itself_says_the_same_and_a_stopped_sweep_has_no_result() {
        let (model, wave, plan) = (model(), wave(), plan());
        let both = [&model, &model];
        let found = sweep(&both, &wave, RATE_HZ, &plan, &Job::quiet(), &|_| ()).unwrap();
        assert_eq!(found.models[0], found.models[1]);
        let cancel = Cancel::new();
        let job = Job::new(cancel.clone(), |_| ());
        let stop = |sweep: &Sweep| {
            if sweep.n_done > 0 {
                cancel.cancel();
            }
        };
        let stopped = sweep(&[&model], &wave, RATE_HZ, &plan, &job, &stop);
        assert!(matches!(stopped, Err(Error::Cancelled(_))));
    }

    #[test]
    fn values_that_the_effect_does_not_take_are_refused() {
        let draw = Draw::of(vec![Effect::Pitch { cents: 0.0 }], 1);
        let error = SweepPlan::new(draw, 0, 0, vec![-1300.0, 0.0]).unwrap_err();
        assert!(error.to_string().contains("-1300"), "{error}");
        let mixup = Draw::of(vec![Kind::Mixup.default_effect()], 1);
        let error = SweepPlan::new(mixup, 0, 0, vec![0.5]).unwrap_err();
        assert!(error.to_string().contains("another track"), "{error}");
    }
}
