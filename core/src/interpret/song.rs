//! A whole song, of any length, explained window by window and stitched.

use super::asked::Asked;
use super::between::Between;
use super::so_far::Song;
use super::{Error, Explainer, Grid, Method, Needs, TokenMap, Wanted};
use crate::job::Job;
use crate::predict::{SlidingWindows, TagTimeline};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// What is there already is handed on so often.
const BETWEEN_PARTS: Duration = Duration::from_millis(300);

/// How a song is explained.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SongSettings {
    /// Largest distance between the starts of two windows in seconds; `None`: half a window. Never more than leaves two tokens
    /// in common, unless a window is hardly longer than that.
    pub max_hop_secs: Option<f64>,
    /// By which methods; empty: those for every day ([`Explainer::usual_methods`]).
    pub methods: Vec<Method>,
    /// The tags (indices) for which those methods are made that cost passes of their own for each ([`Method::is_per_tag`]); `None`: all.
    pub tags: Option<Vec<usize>>,
}

/// What a model finds in a song, tag by tag, over time.
#[derive(Clone, Debug, PartialEq)]
pub struct SongExplanation {
    /// Names of the tags, in the model's order.
    pub tags: Vec<String>,
    /// Where the values of the first map lie; each has a grid of its own.
    pub grid: Grid,
    /// Length of the song in seconds.
    pub duration_secs: f64,
    /// Probability of every tag over time, and for the whole song.
    pub over_time: TagTimeline,
    /// `[windows of over_time]`: the part of its attention that the class token keeps for itself. Where it is high, its attention to
    /// others is a small rest. Empty if the network has no class token.
    pub self_attention: Vec<f32>,
    /// One map per method, in the order in which they were asked for.
    pub maps: Vec<TokenMap>,
    /// How far integrated gradients fall short of their sum in the worst window, as a share, if they were made.
    pub completeness_error: Option<f32>,
}

impl SongExplanation {
    /// The map of a method; `None` if it was not made.
    pub fn map(&self, method: Method) -> Option<&TokenMap> {
        self.maps.iter().find(|map| map.method == method)
    }

    /// The map of that method, or the one that there is instead.
    pub fn map_or_first(&self, method: Method) -> Option<&TokenMap> {
        self.map(method).or_else(|| self.maps.first())
    }

    /// The class token's attention to each token (last layer, mean over heads), if it was asked for; a window's tokens and
    /// the class token itself share 1.
    pub fn attention(&self) -> Option<&TokenMap> {
        self.map(Method::Attention)
    }

    /// A tag's index by its name.
    pub fn tag_idx(&self, name: &str) -> Option<usize> {
        self.tags.iter().position(|tag| tag == name)
    }
}

/// Explains a song: `wave` is mono at the model's rate.
///
/// Windows of the model's length slide over the song; see [`crate::predict::SlidingWindows`]. A song that is shorter than one window is
/// padded with zeros as in evaluation, and the tokens of the padding are cut away. Fails with [`Error::Cancelled`] soon
/// after the job was cancelled.
pub fn song(
    model: &dyn Explainer,
    wave: &[f32],
    settings: &SongSettings,
    job: &Job,
) -> Result<SongExplanation, Error> {
    song_in_parts(model, wave, settings, 0.0, job, &mut |_| {})
}

/// As [`song()`], beginning at `first_secs`, and with what is there already handed to `on_part` a few times a second: values not yet known are
/// not numbers (NaN), and the answer for the whole song is the mean over the chunks known.
pub fn song_in_parts(
    model: &dyn Explainer,
    wave: &[f32],
    settings: &SongSettings,
    first_secs: f64,
    job: &Job,
    on_part: &mut dyn FnMut(SongExplanation),
) -> Result<SongExplanation, Error> {
    if wave.is_empty() {
        return Err(Error::Empty);
    }
    let rate = f64::from(model.sample_rate_hz());
    let window_samples = model.window_samples();
    let max_hop = settings
        .max_hop_secs
        .map_or(window_samples / 2, |secs| (secs * rate) as usize);
    let methods = match &settings.methods[..] {
        [] => model.usual_methods(),
        methods => methods.to_vec(),
    };
    let all_tags: Vec<usize> = (0..model.tags().len()).collect();
    let wanted = Wanted {
        methods: &methods,
        tags: settings.tags.as_ref().unwrap_or(&all_tags),
    };
    // Neighbours share two tokens at least, so that none falls between two windows.
    let token_samples = methods
        .iter()
        .map(|&method| model.grid(method, wave.len()).samples_per_token);
    let shared = (2.0 * token_samples.fold(0.0, f64::max)).ceil() as usize;
    // Windows of hardly more than two tokens may have gaps rather than one window per sample.
    let shares_two = max_hop.min(window_samples.saturating_sub(shared));
    let max_hop = shares_two.max(window_samples / 8).max(1);
    let mut windows = SlidingWindows::new(wave.len(), window_samples, max_hop);
    let reads = methods
        .iter()
        .any(|method| method.needs() == Needs::ClassToken);
    let between = Between::of(model).filter(|_| reads);
    if let Some(between) = &between {
        between.align(&mut windows);
    }
    let asked = Asked {
        model,
        wave,
        windows: &windows,
        wanted,
        between,
    };
    let mut song = Song::new(model, wave.len(), &windows);
    let n_windows = windows.starts.len() as u64;
    // As many chunks at a time as there are threads: memory does not grow with the song.
    let n_chunks = windows.chunks.len();
    let n_threads = rayon::current_num_threads();
    // Few long chunks still come in parts.
    let n_at_a_time = n_threads.min(n_chunks.div_ceil(4)).max(1);
    let groups = n_chunks.div_ceil(n_at_a_time);
    let first_chunk = windows.chunk_at((first_secs * rate) as usize);
    let mut heard = BTreeMap::new();
    let mut last_part = Instant::now();
    for group in 0..groups {
        job.report(song.n_added as u64, n_windows, "explaining");
        if group > 0 && last_part.elapsed() >= BETWEEN_PARTS {
            on_part(song.so_far());
            last_part = Instant::now();
        }
        let first = (first_chunk / n_at_a_time + group) % groups * n_at_a_time;
        let chunks = first..(first + n_at_a_time).min(n_chunks);
        for (idx, answer) in asked.explain(chunks, &mut heard, job)? {
            song.add(idx, &answer);
        }
    }
    job.report(n_windows, n_windows, "explaining");
    Ok(song.finish())
}

pub(super) fn sigmoid(logit: f32) -> f32 {
    1.0 / (1.0 + (-logit).exp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interpret::WindowExplanation;
    use crate::job::Cancel;
    use crate::predict::{SlidingWindows, Tokens};
    use proptest::prelude::*;

    /// Hears loudness: two tags, "loud" and its opposite; a token's logit is the mean of its 4 samples, the class token's own is 3.
    struct Fake {
        tags: Vec<String>,
        n_window: usize,
    }

    impl Fake {
        fn new(n_window: usize) -> Self {
            Self {
                tags: vec!["loud".into(), "soft".into()],
                n_window,
            }
        }
    }

    impl Explainer for Fake {
        fn name(&self) -> &'static str {
            "fake"
        }
        fn sample_rate_hz(&self) -> u32 {
            10
        }
        fn window_samples(&self) -> usize {
            self.n_window
        }
        fn tags(&self) -> &[String] {
            &self.tags
        }
        fn methods(&self) -> Vec<Method> {
            vec![Method::Contribution, Method::OnlyToken, Method::Attention]
        }
        fn usual_methods(&self) -> Vec<Method> {
            self.methods()
        }
        fn grid(&self, _: Method, n_samples: usize) -> Grid {
            Grid {
                samples_per_token: 4.0,
                first_centre_samples: 1.5,
                receptive_field_samples: 4.0,
                n_tokens: n_samples / 4,
                sample_rate_hz: 10,
            }
        }
        fn explain_heard(
            &self,
            window: &[f32],
            _: Option<&Tokens>,
            wanted: &Wanted<'_>,
        ) -> Result<WindowExplanation, Error> {
            assert_eq!(
                window.len(),
                self.n_window,
                "the network takes whole windows only"
            );
            let tokens: Vec<f32> = window
                .chunks_exact(4)
                .map(|s| s.iter().sum::<f32>() / 4.0)
                .collect();
            let mean = tokens.iter().sum::<f32>() / tokens.len() as f32;
            let share = 0.5 / tokens.len() as f32;
            let both = || tokens.iter().copied().chain(tokens.iter().map(|&t| -t));
            let maps = wanted.methods.iter().map(|&method| {
                let values = match method {
                    Method::Contribution => both().collect(),
                    Method::OnlyToken => both().map(|value| sigmoid(3.0 + value)).collect(),
                    _ => vec![share; tokens.len()],
                };
                let tags = if method.is_shared() {
                    vec![]
                } else {
                    vec![0, 1]
                };
                TokenMap::new(method, self.grid(method, window.len()), tags, values)
            });
            Ok(WindowExplanation {
                probabilities: vec![mean, 1.0 - mean],
                logits: vec![mean, -mean],
                self_attention: Some(0.5),
                maps: maps.collect(),
                completeness_error: None,
            })
        }
    }

    fn explain(model: &Fake, wave: &[f32], hop_secs: f64) -> SongExplanation {
        let settings = SongSettings {
            max_hop_secs: Some(hop_secs),
            ..SongSettings::default()
        };
        song(model, wave, &settings, &Job::quiet()).unwrap()
    }

    fn contribution(explained: &SongExplanation, tag: usize) -> &[f32] {
        explained.map(Method::Contribution).unwrap().tag(tag)
    }

    proptest! {
        #[test]
        fn an_impulse_lands_at_its_second_whatever_the_hop(at in 0usize..100, n_more in 0usize..37, hop in 1usize..20, n_window in 5usize..14) {
            let n_samples = 4 * 100 + n_more;
            let mut wave = vec![0.0; n_samples];
            wave[4 * at..4 * at + 4].fill(1.0);
            let explained = explain(&Fake::new(4 * n_window), &wave, hop as f64 / 10.0);
            let lane = contribution(&explained, 0);
            prop_assert_eq!(lane.len(), explained.grid.n_tokens);
            let mass: f32 = lane.iter().sum();
            let centre: f64 = lane.iter().enumerate().map(|(t, &v)| f64::from(v / mass) * explained.grid.centre_secs(t)).sum();
            let truth = (4.0 * at as f64 + 1.5) / 10.0;
            // Half a token; the fade may lean the two neighbours that share the impulse.
            prop_assert!((centre - truth).abs() < 0.2, "{centre} is not {truth}");
            prop_assert!(lane.iter().enumerate().all(|(t, &v)| v < 1e-5 || t.abs_diff(at) <= 1), "{at}: {lane:?}");
            // The other tag hears the opposite, token by token.
            prop_assert!(contribution(&explained, 1).iter().zip(lane).all(|(soft, loud)| (soft + loud).abs() < 1e-5));
        }

        #[test]
        fn wherever_it_begins_it_ends_with_the_same_and_tells_nothing_else_before(first_secs in 0.0f64..45.0, n_samples in 1usize..400) {
            let wave: Vec<f32> = (0..n_samples).map(|i| (i % 13) as f32).collect();
            let model = Fake::new(40);
            let settings = SongSettings::default();
            let whole = song(&model, &wave, &settings, &Job::quiet()).unwrap();
            let windows = SlidingWindows::new(n_samples, 40, 20);
            let mut gathered = Song::new(&model, n_samples, &windows);
            let wanted = Wanted { methods: &model.usual_methods(), tags: &[0, 1] };
            let first = windows.chunks[windows.chunk_at((first_secs * 10.0) as usize)];
            let mut added = Vec::new();
            for idx in (first..windows.starts.len()).chain(0..first) {
                gathered.add(idx, &model.explain(&windows.cut(&wave, idx), &wanted).unwrap());
                let part = gathered.so_far();
                added.push(idx);
                let start = |idx: &usize| windows.starts[*idx] as f64 / 4.0;
                for (map, whole) in part.maps.iter().zip(&whole.maps) {
                    prop_assert_eq!(map.grid, whole.grid);
                    for (token, (one, other)) in map.tag(0).iter().zip(whole.tag(0)).enumerate() {
                        // Of the windows over a token: none of them, all of them, or some.
                        let covers = |idx: &usize| (start(idx)..=start(idx) + 9.0).contains(&(token as f64));
                        let n_all = (0..windows.starts.len()).filter(covers).count();
                        match added.iter().filter(|idx| covers(idx)).count() {
                            0 => prop_assert!(one.is_nan(), "{token} is made up: {one}"),
                            n if n == n_all => prop_assert!((one - other).abs() < 1e-4, "{token}: {one} for {other}"),
                            _ => prop_assert!(!one.is_nan()),
                        }
                    }
                }
                let chunks: Vec<f32> = added.iter().filter(|idx| windows.chunks.contains(idx))
                    .map(|idx| gathered.probabilities[2 * idx]).collect();
                let mean = chunks.iter().sum::<f32>() / chunks.len() as f32;
                prop_assert!((part.over_time.whole_song[0] - mean).abs() < 1e-3);
            }
            let found = gathered.finish();
            prop_assert_eq!(&found.over_time, &whole.over_time);
            for (map, whole) in found.maps.iter().zip(&whole.maps) {
                for (one, other) in map.values.iter().zip(&whole.values) {
                    prop_assert!((one - other).abs() < 1e-4, "{one} for {other}");
                }
            }
            let parted = song_in_parts(&model, &wave, &settings, first_secs, &Job::quiet(), &mut |_| {}).unwrap();
            prop_assert_eq!(&parted.over_time, &whole.over_time);
        }

        #[test]
        fn any_length_is_explained_whole_and_a_constant_stays_constant(n_samples in 1usize..700, n_window in 1usize..30, hop in 1usize..40) {
            let wave = vec![1.0; n_samples];
            let model = Fake::new(4 * n_window);
            let explained = explain(&model, &wave, hop as f64 / 10.0);
            prop_assert_eq!(explained.grid.n_tokens, (n_samples / 4).max(1));
            let attention = explained.attention().unwrap().tag(1);
            prop_assert_eq!(attention.len(), explained.grid.n_tokens);
            prop_assert!((explained.duration_secs - n_samples as f64 / 10.0).abs() < 1e-9);
            if n_samples >= 4 * n_window {
                for &value in contribution(&explained, 0) {
                    prop_assert!((value - 1.0).abs() < 1e-4, "{value}");
                }
            }
            for &value in attention {
                prop_assert!((value - 0.5 / n_window as f32).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn the_whole_song_answer_is_the_mean_over_the_chunks_of_the_evaluation() {
        let wave: Vec<f32> = (0..1003).map(|i| (i % 17) as f32 / 17.0).collect();
        let model = Fake::new(100);
        let windows = SlidingWindows::new(wave.len(), 100, 100);
        let chunks: Vec<_> = windows
            .chunks
            .iter()
            .map(|&i| {
                let wanted = Wanted {
                    methods: &[],
                    tags: &[],
                };
                let answer = model.explain(&windows.cut(&wave, i), &wanted);
                answer.unwrap().probabilities[0]
            })
            .collect();
        let expected = chunks.iter().sum::<f32>() / chunks.len() as f32;
        for hop_secs in [1.0, 5.0, 10.0] {
            let explained = explain(&model, &wave, hop_secs);
            assert!((explained.over_time.whole_song[0] - expected).abs() < 1e-6);
        }
    }

    #[test]
    fn padding_behind_a_short_song_is_cut_away() {
        let explained = explain(&Fake::new(100), &[1.0; 42], 1.0);
        assert_eq!(explained.grid.n_tokens, 10);
        assert_eq!(contribution(&explained, 0), [1.0; 10]);
        assert_eq!(explained.over_time.n_windows(), 1);
    }

    #[test]
    fn evidence_and_probability_follow_from_the_contribution() {
        let explained = explain(&Fake::new(40), &[1.0; 40], 1.0);
        let only = explained.map(Method::OnlyToken).unwrap();
        assert!((only.tag(0)[3] - sigmoid(4.0)).abs() < 1e-6);
        assert_eq!(
            explained.map(Method::Contribution).unwrap().evidence(1),
            [0.0; 10]
        );
        assert!(explained.map(Method::LeaveOneOut).is_none());
    }

    #[test]
    fn a_cancelled_job_ends_with_nothing() {
        let cancel = Cancel::new();
        let raised = cancel.clone();
        let job = Job::new(cancel, move |progress| {
            if progress.done > 10 {
                raised.cancel();
            }
        });
        let outcome = song(
            &Fake::new(40),
            &vec![0.0; 100_000],
            &SongSettings::default(),
            &job,
        );
        assert!(matches!(outcome, Err(Error::Cancelled(_))));
    }

    #[test]
    fn an_empty_song_is_an_error_and_not_a_made_up_answer() {
        let outcome = song(&Fake::new(40), &[], &SongSettings::default(), &Job::quiet());
        assert!(matches!(outcome, Err(Error::Empty)));
    }
}
