//! Equal loudness: by how much each variant is turned up or down, so that the louder one is not taken for the better one.
//!
//! All are heard as loud as the original (ITU-R BS.1770, integrated). A softer variant is turned up, but only as far as its true peak
//! stays within full scale; where that is not enough, all the others come down to it. So nothing is ever made to clip.

use attune_core::audio::Loudness;

/// What is softer than this is left as it is: BS.1770 counts it as silence.
const SILENCE_LUFS: f32 = -70.0;

/// Gains in dB, one for each variant; the first variant is the original. What has no loudness is left as it is.
pub(super) fn gains_db(variants: &[Option<&Loudness>]) -> Vec<f32> {
    let lufs = |loudness: Option<&Loudness>| {
        let lufs = loudness?.to_compare()?;
        (lufs >= SILENCE_LUFS).then_some(lufs)
    };
    let Some(original) = variants.first().copied().and_then(lufs) else {
        return vec![0.0; variants.len()];
    };
    // As loud as each can be at most.
    let reachable = variants.iter().filter_map(|variant| {
        let peak_db = (*variant)?.true_peak_db?;
        Some(lufs(*variant)? - peak_db)
    });
    let target = reachable.fold(original, f32::min);
    variants
        .iter()
        .map(|variant| lufs(*variant).map_or(0.0, |lufs| target - lufs))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loudness(integrated: f32, true_peak_db: f32) -> Loudness {
        Loudness {
            integrated: Some(integrated),
            true_peak_db: Some(true_peak_db),
            ..Loudness::default()
        }
    }

    #[test]
    fn a_softer_variant_is_turned_up_while_its_peak_allows() {
        let (original, soft) = (loudness(-14.0, -1.0), loudness(-34.0, -21.0));
        let gains = gains_db(&[Some(&original), Some(&soft)]);
        assert_eq!(gains, [0.0, 20.0]);
    }

    #[test]
    fn where_the_peak_does_not_allow_it_the_others_come_down() {
        // A filter took the body and left the attacks: -20 LUFS, but peaks at -2 dB.
        let (original, thin) = (loudness(-14.0, -1.0), loudness(-20.0, -2.0));
        let gains = gains_db(&[Some(&original), Some(&thin)]);
        assert_eq!(gains, [-4.0, 2.0]);
    }

    #[test]
    fn a_louder_variant_comes_down_and_nothing_clips() {
        let variants = [
            loudness(-14.0, 0.5),
            loudness(-8.0, 3.0),
            loudness(-30.0, -9.0),
        ];
        let some: Vec<_> = variants.iter().map(Some).collect();
        let gains = gains_db(&some);
        let heard: Vec<f32> = std::iter::zip(&variants, &gains)
            .map(|(variant, gain)| variant.integrated.unwrap_or_default() + gain)
            .collect();
        for (variant, gain) in variants.iter().zip(&gains) {
            assert!(variant.true_peak_db.unwrap_or_default() + gain <= 1e-4);
        }
        assert!(heard.iter().all(|lufs| (lufs - heard[0]).abs() < 1e-4));
    }

    #[test]
    fn silence_moves_nothing() {
        let original = loudness(-14.0, -1.0);
        let silent = Loudness::default();
        let hiss = loudness(-80.0, -70.0);
        let gains = gains_db(&[Some(&original), Some(&silent), None, Some(&hiss)]);
        assert_eq!(gains, [0.0; 4]);
        assert_eq!(gains_db(&[Some(&silent), Some(&original)]), [0.0; 2]);
        assert!(gains_db(&[]).is_empty());
    }
}
