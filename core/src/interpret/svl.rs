//! An explanation as layers of Sonic Visualiser (Cannam, Landone, Sandler, ACM Multimedia 2010): one file per tag, to be opened over the song.
//!
//! Points count in samples of the song's file. Sonic Visualiser (4.5.1 was looked at) does not convert: a layer of 22,050 Hz over a song of
//! 44,100 Hz lies at half its times.

use super::{Method, SongExplanation};
use crate::figure::escaped;
use std::io::{self, Write};

/// Writes the values of `tag` (an index) by `method`, or by the first that there is, as a layer of time values. `rate_hz`: that of the song's
/// file. A method that knows no tags has the same values for all.
pub fn write_svl(
    explanation: &SongExplanation,
    method: Method,
    tag: usize,
    rate_hz: u32,
    out: &mut impl Write,
) -> io::Result<()> {
    let Some(map) = explanation.map_or_first(method) else {
        return Ok(());
    };
    let values = map.tag(tag);
    let frame = |secs: f64| (secs * f64::from(rate_hz)).round() as u64;
    let points = values
        .iter()
        .enumerate()
        .map(|(token, value)| (frame(map.grid.centre_secs(token)), value));
    let (low, high) = values
        .iter()
        .fold((0f32, 0f32), |(low, high), &v| (low.min(v), high.max(v)));
    let tag = if map.method.is_shared() {
        None
    } else {
        explanation.tags.get(tag)
    };
    let (method, unit) = (map.method.name(), map.method.unit());
    let name = match tag {
        Some(tag) => format!("{}: {method}", escaped(tag)),
        None => method.to_owned(),
    };
    let end = frame(explanation.duration_secs);
    let resolution = frame(map.grid.token_secs()).max(1);
    writeln!(
        out,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!DOCTYPE sonic-visualiser>\n\
         <sv>\n  \
           <data>\n    \
             <model id=\"1\" name=\"{name}\" sampleRate=\"{rate_hz}\" start=\"0\" end=\"{end}\" type=\"sparse\" dimensions=\"2\" \
              resolution=\"{resolution}\" notifyOnAdd=\"true\" dataset=\"0\" minimum=\"{low}\" maximum=\"{high}\" units=\"{unit}\" />\n    \
             <dataset id=\"0\" dimensions=\"2\">"
    )?;
    for (frame, value) in points {
        writeln!(
            out,
            "      <point frame=\"{frame}\" value=\"{value}\" label=\"\" />"
        )?;
    }
    // Plot style 3 draws straight lines from point to point.
    writeln!(
        out,
        "    </dataset>\n  \
           </data>\n  \
           <display>\n    \
             <layer id=\"2\" type=\"timevalues\" name=\"{name}\" model=\"1\" plotStyle=\"3\" verticalScale=\"0\" drawDivisions=\"true\" \
              derivative=\"false\" />\n  \
           </display>\n\
         </sv>"
    )
}
