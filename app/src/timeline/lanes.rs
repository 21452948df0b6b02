//! Which lanes there are for a song, kept from frame to frame as long as what they show stays the same.

use super::attention::Attention;
use super::contribution::Contribution;
use super::lane::{Canvas, Lane};
use super::probability::Probability;
use super::spectrogram::Spectrogram;
use super::truth::Truth;
use super::waveform::Waveform;
use super::{Picture, Song};
use crate::theme::Palette;
use attune_core::interpret::{Method, SongExplanation};
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
    /// The tags to show, by name, in this order.
    pub tags: &'a [String],
    /// The method of the contribution lanes.
    pub method: Method,
    /// For each of `tags`, what is explained by that method, if it is there.
    pub maps: &'a [Option<Arc<SongExplanation>>],
}

/// The lanes of a timeline.
#[derive(Default)]
pub(super) struct Lanes {
    waveform: Kept<Waveform>,
    spectrogram: Kept<Box<dyn Lane>>,
    attention: Kept<Box<dyn Lane>>,
    tags: Kept<Vec<Box<dyn Lane>>>,
}

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
                None => Box::new(Without("log-mel", "not computed yet")),
            });
        self.attention
            .keep(vec![of.explanation.map_or(0, address)], || {
                match of.explanation {
                    Some(explanation) if explanation.attention().is_none() => {
                        Box::new(Without("attention", "this network has none"))
                    }
                    Some(explanation) => Box::new(Attention::new(Arc::clone(explanation))),
                    None => Box::new(Without("attention", "not computed yet")),
                }
            });
        let Some(explanation) = of.explanation else {
            self.tags = Kept::default();
            return;
        };
        let chosen: Vec<usize> = of
            .tags
            .iter()
            .filter_map(|tag| explanation.tag_idx(tag))
            .collect();
        let look = std::ptr::from_ref(palette) as usize;
        let mut key = vec![
            address(explanation),
            address(&song.wave),
            look,
            of.method as usize,
        ];
        key.extend(&chosen);
        let maps = of.maps.iter().map(|map| map.as_ref().map_or(0, address));
        key.extend(maps);
        self.tags.keep(key, || {
            let mut lanes: Vec<Box<dyn Lane>> = Vec::new();
            for (place, &tag_idx) in chosen.iter().enumerate() {
                let colour = palette.of_series(place);
                let explained = Arc::clone(explanation);
                lanes.push(Box::new(Probability::new(explained, tag_idx, colour)));
                match of.maps.get(place).and_then(Option::as_ref) {
                    Some(map) => {
                        let map = Arc::clone(map);
                        lanes.push(Box::new(Contribution::new(map, of.method, tag_idx)));
                    }
                    None => lanes.push(Box::new(Without(of.method.name(), "not computed yet"))),
                }
                let truth = song.truth_of(&explanation.tags[tag_idx]);
                if !truth.is_empty() {
                    lanes.push(Box::new(Truth::new(truth)));
                }
            }
            lanes
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
        for lane in self.tags.get().into_iter().flatten() {
            visit(lane.as_mut());
        }
    }
}

/// A lane with nothing to show, and why.
struct Without(&'static str, &'static str);

impl Lane for Without {
    fn title(&self) -> &str {
        self.0
    }

    fn subtitle(&self) -> &'static str {
        self.1
    }

    fn height(&self) -> f32 {
        30.0
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
}
