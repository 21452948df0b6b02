//! The text form of an effect: `polarity`, `gain:db=-6`, `reverb:reverberance=50,damping=50,room=50`.

use super::{Effect, Error, Kind};
use std::fmt;
use std::str::FromStr;

impl Effect {
    /// Reads the text form. A parameter that is not named has its default; fails with what exists if a name or a
    /// number is wrong.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let (name, assignments) = text.split_once(':').unwrap_or((text, ""));
        let kind = Kind::from_name(name.trim())?;
        let mut values: Vec<Option<f32>> = vec![None; kind.parameters().len()];
        for assignment in assignments.split(',').map(str::trim) {
            if assignment.is_empty() {
                continue;
            }
            let not_an_assignment = || Error::NotAnAssignment {
                effect: kind.name(),
                text: assignment.to_owned(),
                known: kind.what_it_takes(),
            };
            let (name, number) = assignment.split_once('=').ok_or_else(not_an_assignment)?;
            let idx = kind.parameter_idx(name.trim())?;
            let value: f32 = number.trim().parse().ok().ok_or_else(not_an_assignment)?;
            kind.check(idx, value)?;
            if values[idx].replace(value).is_some() {
                return Err(Error::RepeatedParameter {
                    effect: kind.name(),
                    name: kind.parameters()[idx].name,
                });
            }
        }
        let values: Vec<f32> = values
            .iter()
            .zip(kind.parameters())
            .map(|(value, parameter)| value.unwrap_or(parameter.default))
            .collect();
        Ok(Effect::from_values(kind, &values))
    }
}

impl FromStr for Effect {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind().name())?;
        for (idx, (value, parameter)) in self
            .values()
            .iter()
            .zip(self.kind().parameters())
            .enumerate()
        {
            let separator = if idx == 0 { ':' } else { ',' };
            write!(f, "{separator}{}={value}", parameter.name)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_forms_of_the_manual_are_read() {
        let check = |text: &str, effect: Effect| assert_eq!(Effect::parse(text).unwrap(), effect);
        check("polarity", Effect::Polarity);
        check("noise:ratio=0.4", Effect::Noise { ratio: 0.4 });
        check("gain:db=-6", Effect::Gain { db: -6.0 });
        check("high-pass:hz=700", Effect::HighPass { hz: 700.0 });
        check("low-pass:hz=3000", Effect::LowPass { hz: 3000.0 });
        check("delay:ms=300", Effect::Delay { ms: 300.0 });
        check("pitch:cents=-300", Effect::Pitch { cents: -300.0 });
        let reverb = |room| Effect::Reverb {
            reverberance: 50.0,
            damping: 50.0,
            room,
        };
        check("reverb:reverberance=50,damping=50,room=50", reverb(50.0));
        check("reverb: room = 20 , damping=50", reverb(20.0));
        check(
            "time-stretch:percent=110",
            Effect::TimeStretch { percent: 110.0 },
        );
        check(
            "time-mask:start=40,ms=500",
            Effect::TimeMask {
                start: 40.0,
                ms: 500.0,
            },
        );
        check(
            "frequency-mask:hz=1000",
            Effect::FrequencyMask {
                hz: 1000.0,
                octaves: 1.0,
            },
        );
        check(
            "crop:start=25,keep=50",
            Effect::Crop {
                start: 25.0,
                keep: 50.0,
            },
        );
        check(
            "mixup:share=0.7,other=0.5",
            Effect::Mixup {
                share: 0.7,
                other: 0.5,
            },
        );
        check(
            "background:snr=12",
            Effect::Background {
                snr: 12.0,
                other: 0.5,
            },
        );
    }

    #[test]
    fn a_mistake_is_answered_with_what_exists() {
        let check = |text: &str, parts: &[&str]| {
            let message = Effect::parse(text).unwrap_err().to_string();
            for part in parts {
                assert!(message.contains(part), "{text}: {message}");
            }
        };
        check("revreb", &["`revreb`", "reverb", "high-pass", "polarity"]);
        check("gain:hz=3", &["gain", "`hz`", "db (-120 to 60 dB)"]);
        check("polarity:db=3", &["polarity", "it takes none"]);
        check("pitch:cents", &["name=number", "`cents`"]);
        check("pitch:cents=high", &["name=number", "`cents=high`"]);
        check("pitch:cents=9000", &["9000", "-1200", "1200", "cents"]);
        check("gain:db=nan", &["outside"]);
        check("gain:db=1,db=2", &["twice"]);
        check("", &["the effects are"]);
    }

    proptest! {
        #[test]
        fn what_is_displayed_is_read_back_exactly(
            kind in 0..Kind::ALL.len(),
            places in proptest::array::uniform3(0.0f32..=1.0),
        ) {
            let kind = Kind::ALL[kind];
            let values: Vec<f32> = kind.parameters().iter().zip(places)
                .map(|(p, place)| (p.min + (p.max - p.min) * place).clamp(p.min, p.max))
                .collect();
            let effect = Effect::from_values(kind, &values);
            prop_assert_eq!(Effect::parse(&effect.to_string()).unwrap(), effect);
        }
    }
}
