//! Which parts a data set is divided into, and how large each is to be.

use crate::dataset::{Error, Split};

/// Parts with their shares of the labelled tracks; the shares add up to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Shares(Vec<(Split, f64)>);

impl Shares {
    /// Parts with their shares, in the order given. Fails unless each part comes once, with a share above 0, and all add up to 1.
    pub fn new(parts: Vec<(Split, f64)>) -> Result<Self, Error> {
        let refused = |why: String| {
            Error::BadConfig(format!(
                "{why}; write for example train=0.8,valid=0.1,test=0.1"
            ))
        };
        for (place, (part, share)) in parts.iter().enumerate() {
            if !(*share > 0.0 && *share <= 1.0) {
                return Err(refused(format!(
                    "the share of {part} is {share}, it must lie above 0 and not above 1"
                )));
            }
            if parts[..place].iter().any(|(earlier, _)| earlier == part) {
                return Err(refused(format!("{part} is named twice")));
            }
        }
        let sum: f64 = parts.iter().map(|(_, share)| share).sum();
        if (sum - 1.0).abs() > 1e-6 {
            return Err(refused(format!("the shares add up to {sum:.4}, not to 1")));
        }
        Ok(Self(parts))
    }

    /// Reads `train=0.8,valid=0.1,test=0.1`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let refused = |why: String| Error::BadConfig(why);
        let parts = text.split(',').map(|item| {
            let (name, share) = item.split_once('=').ok_or_else(|| {
                refused(format!(
                    "`{item}` is no share; write PART=SHARE, for example train=0.8"
                ))
            })?;
            let part = name
                .trim()
                .parse()
                .map_err(|unknown: crate::dataset::UnknownSplit| refused(unknown.to_string()))?;
            let share = share.trim().parse().map_err(|_no_number| {
                refused(format!(
                    "`{}` is no number; a share is one from 0 to 1",
                    share.trim()
                ))
            })?;
            Ok((part, share))
        });
        Self::new(parts.collect::<Result<_, Error>>()?)
    }

    /// These with a further part, for which the others give up `share` of what they have; as they are if `share` is 0.
    pub fn with(self, part: Split, share: f64) -> Result<Self, Error> {
        if share == 0.0 {
            return Ok(self);
        }
        let mut parts: Vec<(Split, f64)> = self.0;
        for (_, other) in &mut parts {
            *other *= 1.0 - share;
        }
        parts.push((part, share));
        Self::new(parts)
    }

    /// The parts with their shares.
    pub fn parts(&self) -> &[(Split, f64)] {
        &self.0
    }
}

impl std::fmt::Display for Shares {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (place, (part, share)) in self.0.iter().enumerate() {
            let comma = if place > 0 { "," } else { "" };
            write!(f, "{comma}{part}={share}")?;
        }
        Ok(())
    }
}
