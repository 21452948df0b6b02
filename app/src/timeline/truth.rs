//! Where a tag is known to hold, from the timelines of a data set.

use super::lane::{Bars, CachedMesh, Canvas, Lane, Place};
use std::ops::Range;

/// The lane of a tag's ground truth.
pub(super) struct Truth {
    spans_secs: Vec<Range<f64>>,
    mesh: CachedMesh,
}

impl Truth {
    /// Of a tag's spans in seconds.
    pub(super) fn new(spans_secs: Vec<Range<f64>>) -> Self {
        Self {
            spans_secs,
            mesh: CachedMesh::default(),
        }
    }
}

impl Lane for Truth {
    fn title(&self) -> &'static str {
        ""
    }

    fn subtitle(&self) -> &'static str {
        "truth"
    }

    fn height(&self) -> f32 {
        14.0
    }

    fn place(&self) -> Place {
        Place::Joined
    }

    fn paint(&mut self, canvas: &Canvas<'_>) {
        let spans = &self.spans_secs;
        self.mesh.paint(canvas, |mesh| {
            let mut bars = Bars::new(mesh);
            for span in spans {
                let x = canvas.map.x_from_secs(span.start).max(canvas.rect.left())
                    ..canvas.map.x_from_secs(span.end).min(canvas.rect.right());
                if x.start < x.end {
                    bars.add(
                        x,
                        canvas.rect.top() + 3.0..canvas.rect.bottom() - 3.0,
                        canvas.palette.truth,
                    );
                }
            }
        });
    }

    fn readout(&self, secs: f64) -> Option<String> {
        let sounds = self.spans_secs.iter().any(|span| span.contains(&secs));
        Some(if sounds { "sounds" } else { "silent" }.to_owned())
    }
}
