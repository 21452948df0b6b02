//! Draws as text that can be copied, mailed and pasted.

use super::{Draw, Effect, Error};

impl Draw {
    /// One line of JSON: the effects and the place of their random numbers.
    pub fn to_text(&self) -> String {
        // Numbers and names: nothing that JSON cannot hold.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// A draw as [`Draw::to_text`] writes it, or effects as `attune augment --effect` takes them, at the seed `seed`.
    pub fn from_text(text: &str, seed: u64) -> Result<Self, Error> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Error::NothingCopied);
        }
        if text.starts_with('{') {
            return serde_json::from_str(text).map_err(Error::NotADraw);
        }
        let effects: Result<Vec<Effect>, Error> =
            text.split_whitespace().map(Effect::parse).collect();
        Ok(Self::of(effects?, seed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::Chain;

    #[test]
    fn what_is_copied_can_be_pasted_and_nonsense_is_answered() {
        let chain = Chain::preset("reference").unwrap();
        for seed in 0..30 {
            let draw = chain.draw(Draw::of(Vec::new(), seed).address);
            assert_eq!(Draw::from_text(&draw.to_text(), 99).unwrap(), draw);
        }
        let draw = Draw::from_text(" pitch:cents=-300  gain:db=3\n", 7).unwrap();
        let effects = vec![Effect::Pitch { cents: -300.0 }, Effect::Gain { db: 3.0 }];
        assert_eq!(draw, Draw::of(effects, 7));
        let too_loud = Draw::of(vec![Effect::Gain { db: 1e9 }], 0).to_text();
        for (text, part) in [
            ("", "clipboard"),
            ("{\"seed\": 1}", "not a draw"),
            ("revreb", "revreb"),
            (too_loud.as_str(), "outside"),
        ] {
            let told = crate::message::full_message(&Draw::from_text(text, 0).unwrap_err());
            assert!(told.contains(part), "{text}: {told}");
        }
    }
}
