//! The list of effects that the panel edits: all eight, each on or off.

use attune_core::augment::{Effect, Kind};

/// An effect and whether it is applied.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// The effect with its numbers.
    pub effect: Effect,
    /// Whether it is applied.
    pub is_on: bool,
}

/// All effects, off, with their usual numbers.
pub(super) fn all_off() -> Vec<Row> {
    let row = |kind: Kind| Row {
        effect: kind.default_effect(),
        is_on: false,
    };
    Kind::ALL.map(row).to_vec()
}

/// Rows in which exactly `effects` are on, in that order; the others keep their numbers.
pub(super) fn with_on(rows: &[Row], effects: &[Effect]) -> Vec<Row> {
    let on = |&effect: &Effect| Row {
        effect,
        is_on: true,
    };
    let is_drawn = |row: &&Row| {
        effects
            .iter()
            .any(|effect| effect.kind() == row.effect.kind())
    };
    let mut others: Vec<Row> = Vec::new();
    for row in rows.iter().filter(|row| !is_drawn(row)) {
        if others
            .iter()
            .all(|other| other.effect.kind() != row.effect.kind())
        {
            others.push(Row {
                is_on: false,
                ..*row
            });
        }
    }
    let mut merged: Vec<Row> = effects.iter().map(on).chain(others).collect();
    // In the usual order where that is the order in which they apply.
    if effects.is_sorted_by_key(|effect| effect.kind() as u8) {
        merged.sort_by_key(|row| row.effect.kind() as u8);
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(rows: &[Row]) -> Vec<Effect> {
        rows.iter()
            .filter(|row| row.is_on)
            .map(|row| row.effect)
            .collect()
    }

    #[test]
    fn what_was_drawn_is_on_and_nothing_else() {
        let drawn = [
            Effect::Polarity,
            Effect::Gain { db: -9.0 },
            Effect::LowPass { hz: 2500.0 },
        ];
        let rows = with_on(&all_off(), &drawn);
        assert_eq!(on(&rows), drawn);
        assert_eq!(rows.len(), Kind::ALL.len());
        let rows = with_on(&rows, &[]);
        assert_eq!(on(&rows), []);
        assert_eq!(rows[2].effect, Effect::Gain { db: -9.0 }, "numbers stay");
    }

    #[test]
    fn an_unusual_order_is_kept() {
        let drawn = [
            Effect::Pitch { cents: 100.0 },
            Effect::Gain { db: 1.0 },
            Effect::Pitch { cents: -100.0 },
        ];
        let rows = with_on(&all_off(), &drawn);
        assert_eq!(on(&rows), drawn);
        assert_eq!(on(&with_on(&rows, &[])), []);
        assert_eq!(with_on(&rows, &[]).len(), Kind::ALL.len());
    }
}
