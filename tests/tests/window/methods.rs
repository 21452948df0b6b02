//! Explaining the open song by other methods and another model, head by head and by ear, from the Timeline panel.

use crate::saving::check_saved;
use attune::workbench::parts::timeline::What;
use attune::workbench::{Command, Select, UiCommand};
use attune_core::audio;
use attune_core::interpret::{self, Explainer, Method};
use attune_core::job::Job;
use attune_core::predict::{Model, Shipped, tag_track};
use attune_tests::window::Window;
use std::path::Path;
use std::sync::Arc;

/// Whether each of `tags` is explained by the method.
fn has(window: &Window, method: Method, tags: &[usize]) -> bool {
    let state = window.state();
    let known = state.song.current().zip(state.model.current());
    known.is_some_and(|(song, model)| {
        let map = |tag| state.timeline.map(song, model, method, tag);
        tags.iter().all(|&tag| map(tag).is_some())
    })
}

/// A window with a tone as the song, explained by the demo's model.
fn open(folder: &Path, n_secs: usize) -> (Window, Arc<Model>) {
    let song = folder.join("tone.wav");
    let wave: Vec<f32> = (0..n_secs * 22_050)
        .map(|i| 0.4 * (i as f32 * 0.06).sin() * (i as f32 * 2e-4).sin())
        .collect();
    audio::write_wav(&song, &wave, 22_050).unwrap();
    let mut window = Window::open(&folder.join("workspace"));
    window.send(UiCommand::UseShippedModel(Shipped::Demo));
    window.send(Command::OpenSong(song));
    window.wait("the usual explanation", |window| {
        let known = window
            .state()
            .song
            .current()
            .zip(window.state().model.current());
        let timeline = &window.state().timeline;
        known.is_some_and(|(song, model)| {
            let usual = model.usual_methods()[0];
            timeline.whole_map(song, model, usual, 0).is_some()
        })
    });
    let model = window.state().model.current().unwrap().clone();
    (window, model)
}

#[test]
fn a_tag_unfolds_into_its_methods_and_the_tags_into_an_order() {
    let folder = tempfile::tempdir().unwrap();
    let (mut window, model) = open(folder.path(), 6);
    // All lanes in view.
    window.resize(1400.0, 2000.0);
    let tags = vec![model.tags[5].clone(), model.tags[2].clone()];
    window.send(Select::Tags(tags.clone()));
    window.click(&format!("{}: a lane for each method", tags[0]));
    window.wait("all methods", |window| {
        model
            .methods()
            .iter()
            .all(|&method| has(window, method, &[5]))
    });
    assert!(
        !has(&window, Method::Relevance, &[2]),
        "only one tag is unfolded"
    );
    window.frames(3);
    assert!(window.shows("occlusion") && window.shows("token-answer"));
    window.picture("timeline_unfolded");
    window.click(&format!("{}: only the chosen method", tags[0]));
    window.frames(4);
    assert!(!window.shows("token-answer"));

    // Chosen against the alphabet and against relevance, so that every order is another one.
    let known = window
        .state()
        .song
        .current()
        .zip(window.state().model.current());
    let (song, model) = known.unwrap();
    let explained = window.state().timeline.explanation(song, model).unwrap();
    let explained = Arc::clone(explained);
    let p = |tag: &String| explained.over_time.whole_song[explained.tag_idx(tag).unwrap()];
    let mut by_relevance = model.tags.clone();
    by_relevance.sort_by(|a, b| p(b).total_cmp(&p(a)));
    by_relevance.truncate(4);
    let mut by_name = by_relevance.clone();
    by_name.sort();
    let mut chosen = by_name.clone();
    chosen.reverse();
    window.send(Select::Tags(chosen.clone()));
    window.frames(4);
    let shown = |window: &Window| {
        let top = |tag: &String| window.rect(&format!("{tag}: a lane for each method")).top();
        let mut shown = chosen.clone();
        shown.sort_by(|a, b| top(a).total_cmp(&top(b)));
        shown
    };
    assert_eq!(shown(&window), chosen);
    let mut order = |name: &str| {
        window.click("Order of the tags");
        window.click(name);
        window.frames(4);
        shown(&window)
    };
    assert_eq!(order("alphabetical"), by_name);
    assert_eq!(order("most relevant first"), by_relevance);
    let similar = order("like maps together");
    assert_eq!(similar[0], by_relevance[0]);
    let contribution = explained.map(Method::Contribution).unwrap();
    let lanes = by_relevance.iter();
    let lanes: Vec<&[f32]> = lanes
        .map(|tag| contribution.tag(explained.tag_idx(tag).unwrap()))
        .collect();
    let expected = interpret::order_by_similarity(&lanes).into_iter();
    assert!(
        similar
            .into_iter()
            .eq(expected.map(|at| by_relevance[at].clone()))
    );
}

#[test]
fn what_the_evidence_sounds_like_can_be_heard_and_written() {
    let folder = tempfile::tempdir().unwrap();
    let (mut window, model) = open(folder.path(), 12);
    // A tag that something speaks for.
    let known = window
        .state()
        .song
        .current()
        .zip(window.state().model.current())
        .unwrap();
    let wave = Arc::clone(&known.0.heard.wave);
    let explained = Arc::clone(
        window
            .state()
            .timeline
            .explanation(known.0, known.1)
            .unwrap(),
    );
    let contribution = explained.map(Method::Contribution).unwrap();
    let sum = |tag: &usize| contribution.evidence(*tag).iter().sum::<f32>();
    let tag = (0..model.tags.len())
        .max_by(|a, b| sum(a).total_cmp(&sum(b)))
        .unwrap();
    let name = model.tags[tag].clone();
    window.send(Select::Tags(vec![name.clone()]));
    let about = format!("What can be done with {name}");
    let hears = |window: &Window| {
        let hearing = window.state().timeline.hearing();
        let current = hearing.current(&window.state().player);
        current.map(|(_, what, sounds)| (what, sounds.clone()))
    };

    window.click(&about);
    window.click("Hear its evidence, the rest faded down");
    window.wait("the evidence", |window| hears(window).is_some());
    let (what, sounds) = hears(&window).unwrap();
    assert_eq!(what, What::Evidence);
    let [whole, _, without] = sounds.answers;
    let tagged = tag_track(&model, &wave, &Job::quiet()).unwrap();
    assert!((whole - tagged[tag]).abs() < 1e-6);
    assert!(without.is_finite() && window.shows_part("with the rest faded"));
    assert_eq!(window.state().player.duration_secs().round(), 12.0);
    window.picture("timeline_hearing");

    // The line switches; the song stays at its place.
    window.click("without it");
    window.wait("without", |window| {
        hears(window).is_some_and(|(what, _)| what == What::Without)
    });
    window.click("moments");
    window.wait("moments", |window| {
        hears(window).is_some_and(|(what, _)| what == What::Moments)
    });
    let first = sounds.moments[0].secs.clone();
    let at_secs = window.state().song_position_secs();
    let is_inside = |secs: &f64| {
        sounds
            .moments
            .iter()
            .any(|m| m.secs.start <= *secs && *secs <= m.secs.end)
    };
    assert!(
        is_inside(&at_secs),
        "{at_secs} is in none of {:?}, {first:?}",
        sounds.moments
    );
    window.click("Back to the song");
    window.wait("the song", |window| hears(window).is_none());
    assert_eq!(window.state().player.duration_secs().round(), 12.0);

    window.click(&about);
    window.click("Write these sounds as WAV");
    let exports = folder.path().join("workspace/exports");
    let file = |what: &str| {
        let safe: String = name
            .chars()
            .map(|c| if c.is_alphanumeric() { c } else { '-' })
            .collect();
        exports.join(format!("tone.{safe}.{what}.wav"))
    };
    window.wait("the files", |_| file("without").is_file());
    let length = |what: &str| {
        audio::decode(&file(what), &Job::quiet())
            .unwrap()
            .clip
            .n_frames()
    };
    assert_eq!(
        (length("evidence"), length("without")),
        (wave.len(), wave.len())
    );
    assert!(length("moments") < wave.len());
}

#[test]
fn heads_trust_and_another_model_stand_beside_the_lanes() {
    let folder = tempfile::tempdir().unwrap();
    let (mut window, model) = open(folder.path(), 9);
    window.send(Select::Tags(vec![model.tags[2].clone()]));
    window.click("Heads");
    let heads = |window: &Window| {
        let known = window
            .state()
            .song
            .current()
            .zip(window.state().model.current());
        let (song, model) = known.unwrap();
        window.state().timeline.heads(song, model).cloned()
    };
    window.wait("the heads", |window| heads(window).is_some());
    window.frames(4);
    let heads = heads(&window).unwrap();
    let last = heads.layers.len();
    assert!(window.shows(&format!(
        "Layer {last}, head {}",
        heads.layers[last - 1].heads
    )));
    let sum: f32 = heads.row(last - 1, 0, 3).iter().sum();
    assert!((sum - 1.0).abs() < 1e-4, "{sum}");
    window.click("token at the play head reads");
    window.frames(4);

    window.click(&format!("What can be done with {}", model.tags[2]));
    window.click("How far to trust its map");
    let trust = |window: &Window| {
        let known = window
            .state()
            .song
            .current()
            .zip(window.state().model.current())
            .unwrap();
        let tested = window
            .state()
            .timeline
            .trust(known.0, known.1, Method::Contribution, 2);
        tested.map(|tested| Arc::clone(tested.unwrap()))
    };
    window.wait("the test", |window| trust(window).is_some());
    let tested = trust(&window).unwrap();
    // All that has come, and nothing that is gone: the answer to the window itself.
    let wave = Arc::clone(&window.state().song.current().unwrap().heard.wave);
    let start = (tested.window.secs.start * 22_050.0).round() as usize;
    let answer = model
        .probabilities(&[&wave[start..start + model.input_samples]])
        .unwrap();
    let (deletion, insertion) = (&tested.window.deletion, &tested.window.insertion);
    for value in [deletion.values[0], insertion.values[10]] {
        assert!((value - answer[0][2]).abs() < 1e-6, "{value}");
    }
    let silence = model
        .probabilities(&[&vec![0.0; model.input_samples]])
        .unwrap();
    assert!((insertion.values[0] - silence[0][2]).abs() < 1e-6);
    let is_wide = |[low, high]: &[f32; 2]| low < high;
    assert!(
        deletion.random[1..10].iter().any(is_wide),
        "random orders are all alike"
    );
    assert!(window.shows("comprehensiveness") && window.shows_part("agrees with occlusion"));
    window.picture("timeline_trust");
    let home = folder.path().join("workspace");
    check_saved(
        &mut window,
        &home,
        "trust in the map",
        &[">Deletion<", ">random orders<"],
        &["Insertion,,band,,", "Deletion,order of the map,line,"],
    );
    check_saved(
        &mut window,
        &home,
        "attention heads",
        &["Attention heads: what the token at ", ">1.1<"],
        &["1.1,,cell,"],
    );
    window.click("Close");
    window.frames(2);
    assert!(!window.shows("comprehensiveness"));

    // The other shipped model knows some of the tags.
    let other = Shipped::ALL
        .into_iter()
        .find(|other| *other != Shipped::Demo)
        .unwrap();
    let others = other.load().unwrap();
    let shared = model
        .tags
        .iter()
        .find(|tag| others.tags.contains(tag))
        .unwrap();
    window.send(Select::Tags(vec![shared.clone()]));
    window.click("Model beside the one in use");
    window.click(&format!("{} (shipped)", other.name()));
    window.wait("the difference", |window| {
        let less = format!("less {}", other.name());
        window.shows_part(&less) && !window.shows_part("not computed yet")
    });
    window.picture("timeline_beside");

    // What is shown goes out as picture and values.
    window.click("Export");
    window.click("Picture (PNG, SVG)");
    let exports = folder.path().join("workspace/exports");
    window.wait("the picture", |_| exports.join("tone.svg").is_file());
    let svg = std::fs::read_to_string(exports.join("tone.svg")).unwrap();
    let less = format!("less {} (shipped)", other.name());
    assert!(svg.contains(shared.as_str()) && svg.contains(&less));
    window.click("Export");
    window.click("Values (CSV, JSON)");
    window.wait("the values", |_| exports.join("tone.json").is_file());
}

#[test]
fn the_lanes_show_any_method_that_the_model_has_tag_by_tag() {
    let folder = tempfile::tempdir().unwrap();
    let (mut window, model) = open(folder.path(), 6);
    let [first, second] = [2, 5].map(|tag| model.tags[tag].clone());
    window.send(Select::Tags(vec![first]));

    // Shared by all tags, and made at once.
    window.click("Method of explanation");
    window.click("rollout");
    window.wait("rollout", |window| has(window, Method::Rollout, &[0, 1, 2]));

    // For each shown tag apart; one that is shown later is made when it is.
    window.click("Method of explanation");
    window.click("relevance");
    window.wait("relevance", |window| has(window, Method::Relevance, &[2]));
    assert!(!has(&window, Method::Relevance, &[5]));
    window.send(Select::Tags(vec![model.tags[2].clone(), second]));
    window.wait("the other tag", |window| {
        has(window, Method::Relevance, &[2, 5])
    });
    window.picture("timeline_relevance");

    // All that the model has can be chosen.
    window.click("Method of explanation");
    for method in model.methods() {
        assert!(window.shows(method.name()), "{}", method.name());
    }
}

/// Stopping holds for what was wanted then, and can be taken back.
#[test]
fn what_is_stopped_can_be_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let (mut window, model) = open(folder.path(), 120);
    window.send(Select::Tags(vec![model.tags[2].clone()]));
    window.click("Method of explanation");
    window.click("integrated-gradients");
    window.wait("the work", |window| window.shows("Stop"));
    window.click("Stop");
    window.wait("the stop", |window| window.shows("stopped"));
    window.frames(20);
    assert!(!has(&window, Method::IntegratedGradients, &[2]) && window.shows("stopped"));
    // Another method is not stopped by it.
    window.click("Method of explanation");
    window.click("rollout");
    window.wait("rollout", |window| has(window, Method::Rollout, &[2]));
    window.click("Method of explanation");
    window.click("integrated-gradients");
    window.wait("the way back", |window| window.shows("Explain"));
    window.click("Explain");
    window.wait("the first part", |window| {
        has(window, Method::IntegratedGradients, &[2])
    });
}

/// A sound that is ready only after another song was opened does not take its place.
#[test]
fn another_song_is_not_replaced_by_what_was_to_be_heard_of_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let (mut window, model) = open(folder.path(), 30);
    let other = folder.path().join("other.wav");
    let wave: Vec<f32> = (0..5 * 22_050)
        .map(|i| 0.3 * (i as f32 * 0.1).sin())
        .collect();
    audio::write_wav(&other, &wave, 22_050).unwrap();
    window.send(Select::Tags(vec![model.tags[2].clone()]));
    window.click("Method of explanation");
    window.click("only-token");
    window.frames(2);
    window.click(&format!("What can be done with {}", model.tags[2]));
    window.click("Hear its strongest moments");
    window.send(Command::OpenSong(other));
    window.wait("the other song", |window| {
        window
            .state()
            .song
            .current()
            .is_some_and(|song| song.heard.name == "other")
    });
    window.wait("an end to all work", |window| {
        window.state().timeline.activities().next().is_none()
    });
    window.frames(4);
    assert_eq!(window.state().player.duration_secs().round(), 5.0);
    assert_eq!(window.state().player.track().unwrap().name, "other");
}
