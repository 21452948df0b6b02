//! Which lanes there are for a song, kept from frame to frame as long as what they show stays the same.

use super::attention::Attention;
use super::evidence::{Evidence, TagRow};
use super::lane::{Canvas, Lane, Place};
use super::probability::Probability;
use super::spectrogram::Spectrogram;
use super::truth::Truth;
use super::waveform::Waveform;
use super::{Picture, Song};
use crate::theme::Palette;
use attune_core::interpret::SongExplanation;
use egui::{Align2, FontId};
use std::sync::Arc;

/// What lanes are made of.
#[derive(Clone, Copy)]
pub struct LanesOf<'a> {
    /// The song.
    pub song: &'a Song,
    /// Its spectrogram, once computed.
    pub picture: Option<&'a Arc<Picture>>,
    /// Centres of the picture's bands in hertz.
    pub mel_centres_hz: &'a [f32],
    /// Its explanation, once computed.
    pub explanation: Option<&'a Arc<SongExplanation>>,
    /// The tags to show, in this order.
    pub tags: &'a [TagRow],
}

/// The lanes of a timeline.
#[derive(Default)]
pub(super) struct Lanes {
    waveform: Kept<Waveform>,
    spectrogram: Kept<Box<dyn Lane>>,
    attention: Kept<Box<dyn Lane>>,
    /// With what they were made of, so that their key stays true.
    tags: Kept<OfTags>,
}

/// The lanes of tags, and what they were made of.
type OfTags = (Vec<Box<dyn Lane>>, Vec<TagRow>);

/// Something, and what it was made of. The key holds addresses of things that the value keeps alive, so that an address never
/// comes to mean something else.
struct Kept<T>(Option<(Vec<usize>, T)>);

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Kept<T> {
    fn keep(&mut self, key: Vec<usize>, make: impl FnOnce() -> T) {
        if self.0.as_ref().is_none_or(|(its, _)| *its != key) {
            self.0 = Some((key, make()));
        }
    }

    fn get(&mut self) -> Option<&mut T> {
        self.0.as_mut().map(|(_, value)| value)
    }
}

fn address<T: ?Sized>(of: &Arc<T>) -> usize {
    Arc::as_ptr(of).cast::<()>() as usize
}

impl Lanes {
    /// Makes what is new, keeps what is as it was.
    pub(super) fn update(&mut self, of: &LanesOf<'_>, palette: &'static Palette) {
        let song = of.song;
        self.waveform.keep(vec![address(&song.overview)], || {
            Waveform::new(Arc::clone(&song.overview), song.rate_hz, song.wave.len())
        });
        self.spectrogram
            .keep(vec![of.picture.map_or(0, address)], || match of.picture {
                Some(picture) => Box::new(Spectrogram::new(
                    Arc::clone(picture),
                    of.mel_centres_hz.to_vec(),
                )),
                None => Box::new(Without(
                    "log-mel".to_owned(),
                    "not computed yet",
                    Place::Apart,
                )),
            });
        self.attention
            .keep(vec![of.explanation.map_or(0, address)], || {
                match of.explanation {
                    Some(explanation) if explanation.attention().is_none() => Box::new(Without(
                        "attention".to_owned(),
                        "this network has none",
                        Place::Apart,
                    )),
                    Some(explanation) => Box::new(Attention::new(Arc::clone(explanation))),
                    None => Box::new(Without(
                        "attention".to_owned(),
                        "not computed yet",
                        Place::Apart,
                    )),
                }
            });
        let Some(explanation) = of.explanation else {
            self.tags = Kept::default();
            return;
        };
        let look = std::ptr::from_ref(palette) as usize;
        let mut key = vec![address(explanation), address(&song.wave), look];
        for row in of.tags {
            key.extend([row.tag_idx, usize::from(row.is_unfolded)]);
            for (method, map) in &row.methods {
                key.extend([*method as usize, map.as_ref().map_or(0, address)]);
            }
            if let Some(other) = &row.other {
                let maps = [&other.usual, &other.map];
                key.extend(maps.map(|map| map.as_ref().map_or(0, address)));
                let name = other.name.bytes();
                let name = name.fold(0usize, |hash, byte| {
                    hash.wrapping_mul(31).wrapping_add(usize::from(byte))
                });
                key.extend([name, other.tag_idx, other.missing.len()]);
            }
        }
        self.tags.keep(key, || {
            let mut lanes: Vec<Box<dyn Lane>> = Vec::new();
            for (place, row) in of.tags.iter().enumerate() {
                lanes.extend(lanes_of(explanation, row, palette.of_series(place)));
                let truth = song.truth_of(&explanation.tags[row.tag_idx]);
                if !truth.is_empty() {
                    lanes.push(Box::new(Truth::new(truth)));
                }
            }
            (lanes, of.tags.to_vec())
        });
    }

    /// Visits the lanes from top to bottom.
    pub(super) fn each(&mut self, mut visit: impl FnMut(&mut dyn Lane)) {
        if let Some(lane) = self.waveform.get() {
            visit(lane);
        }
        for kept in [&mut self.spectrogram, &mut self.attention] {
            if let Some(lane) = kept.get() {
                visit(lane.as_mut());
            }
        }
        for lane in self.tags.get().into_iter().flat_map(|(lanes, _)| lanes) {
            visit(lane.as_mut());
        }
    }
}

/// The lanes of a tag: its probability, then a lane for each method, then another model's and the difference.
fn lanes_of(
    explanation: &Arc<SongExplanation>,
    row: &TagRow,
    colour: egui::Color32,
) -> Vec<Box<dyn Lane>> {
    let probability = Probability::new(Arc::clone(explanation), row, colour);
    let mut lanes: Vec<Box<dyn Lane>> = vec![Box::new(probability)];
    for (method, map) in &row.methods {
        lanes.push(match map {
            Some(map) => Box::new(Evidence::new(map, *method, row.tag_idx, None)),
            None => Box::new(Without(
                method.name().to_owned(),
                "not computed yet",
                Place::Joined,
            )),
        });
    }
    let (Some(other), Some((method, map))) = (&row.other, row.methods.first()) else {
        return lanes;
    };
    match (map, &other.map) {
        (Some(map), Some(theirs)) => {
            let name = other.name.as_str();
            let of_other = Evidence::new(theirs, *method, other.tag_idx, Some(name));
            lanes.push(Box::new(of_other));
            let theirs = (&**theirs, other.tag_idx, name);
            lanes.push(Box::new(Evidence::difference(
                map,
                *method,
                row.tag_idx,
                theirs,
            )));
        }
        _ => {
            // As high as what will stand there, so that nothing jumps.
            for title in [other.name.clone(), format!("less {}", other.name)] {
                lanes.push(Box::new(Without(title, other.missing, Place::Joined)));
            }
        }
    }
    lanes
}

/// A lane with nothing to show, and why.
struct Without(String, &'static str, Place);

impl Lane for Without {
    fn title(&self) -> &str {
        &self.0
    }

    fn subtitle(&self) -> &'static str {
        self.1
    }

    fn height(&self) -> f32 {
        match self.2 {
            Place::Apart => 30.0,
            Place::Joined => Evidence::HEIGHT,
        }
    }

    fn paint(&mut self, canvas: &Canvas<'_>) {
        canvas.painter.text(
            canvas.rect.center(),
            Align2::CENTER_CENTER,
            self.1,
            FontId::proportional(12.0),
            canvas.palette.weak,
        );
    }

    fn readout(&self, _secs: f64) -> Option<String> {
        None
    }

    fn place(&self) -> Place {
        self.2
    }
}
