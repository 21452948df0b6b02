//! An explanation as a table: one line per tag and token.

use super::{Method, SongExplanation};
use std::io::{self, Write};

/// The first line of [`write_csv`].
pub const CSV_HEADER: [&str; 5] = [
    "tag",
    "token",
    "time_s",
    "probability",
    "contribution_logit",
];

/// Writes `tag,token,time_s,probability,contribution_logit`, tag after tag in the order of `tags` (indices).
///
/// `time_s` is the token's centre, `probability` the model's with the class token of the last layer reading only this token
/// (Won et al. 2019), `contribution_logit` the logit of that less the logit with the class token reading only itself.
pub fn write_csv(
    explanation: &SongExplanation,
    tags: &[usize],
    out: &mut impl Write,
) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(CSV_HEADER)?;
    let lane = |method, tag| {
        explanation
            .map(method)
            .map_or(&[][..], |map| map.tag(tag))
            .iter()
    };
    for &tag in tags {
        let Some(name) = explanation.tags.get(tag) else {
            continue;
        };
        let values = lane(Method::OnlyToken, tag).zip(lane(Method::Contribution, tag));
        for (token, (probability, contribution)) in values.enumerate() {
            writer.write_record([
                name.clone(),
                token.to_string(),
                format!("{:.6}", explanation.grid.centre_secs(token)),
                probability.to_string(),
                contribution.to_string(),
            ])?;
        }
    }
    writer.flush()
}
