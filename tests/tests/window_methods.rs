//! Explaining the open song by other methods and another model, head by head and by ear, from the Timeline panel.

use attune::workbench::parts::timeline::What;
use attune::workbench::{Command, Select, UiCommand};
use attune_core::audio;
use attune_core::interpret::{Explainer, Method};
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
        known.is_some_and(|(song, model)| window.state().timeline.is_explained(song, model))
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
    let mut tags = vec![model.tags[5].clone(), model.tags[2].clone()];
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
    window.picture("timeline_unfolded");
    assert!(window.shows("occlusion") && window.shows("token-answer"));
    window.picture("timeline_unfolded");
    window.click(&format!("{}: only the chosen method", tags[0]));
    window.frames(4);
    assert!(!window.shows("token-answer"));

    let place =
        |window: &Window, tag: &str| window.rect(&format!("{tag}: a lane for each method")).top();
    assert!(place(&window, &tags[0]) < place(&window, &tags[1]));
    window.click("Order of the tags");
    window.click("alphabetical");
    window.frames(4);
    tags.sort();
    assert!(place(&window, &tags[0]) < place(&window, &tags[1]));
    window.click("Order of the tags");
    window.click("most relevant first");
    window.frames(4);
    let known = window
        .state()
        .song
        .current()
        .zip(window.state().model.current())
        .unwrap();
    let explained = window
        .state()
        .timeline
        .explanation(known.0, known.1)
        .unwrap();
    let p = |tag: &String| explained.over_time.whole_song[explained.tag_idx(tag).unwrap()];
    tags.sort_by(|a, b| p(b).total_cmp(&p(a)));
    assert!(place(&window, &tags[0]) < place(&window, &tags[1]));
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
    window.wait("the heads", |window| {
        window.state().timeline.heads().is_some()
    });
    window.frames(4);
    let heads = Arc::clone(window.state().timeline.heads().unwrap());
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
    let (deletion, insertion) = (&tested.window.deletion, &tested.window.insertion);
    assert_eq!(
        deletion.values[0], insertion.values[10],
        "nothing is gone, all has come"
    );
    assert_eq!(
        deletion.values[10], insertion.values[0],
        "all is gone, nothing has come"
    );
    assert!(deletion.random.iter().all(|[low, high]| low <= high));
    assert!(window.shows("comprehensiveness") && window.shows_part("agrees with occlusion"));
    window.picture("timeline_trust");
    window.click("Close");

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
        window.shows_part(&format!("less {}", other.name()))
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
