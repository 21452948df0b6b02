//! Explaining the open song by another method, from the Timeline panel.

use attune::workbench::{Command, Select, UiCommand};
use attune_core::audio;
use attune_core::interpret::{Explainer, Method};
use attune_core::predict::Shipped;
use attune_tests::window::Window;

/// Whether each of `tags` is explained by the method.
fn has(window: &Window, method: Method, tags: &[usize]) -> bool {
    let state = window.state();
    let known = state.song.current().zip(state.model.current());
    known.is_some_and(|(song, model)| {
        let map = |tag| state.timeline.map(song, model, method, tag);
        tags.iter().all(|&tag| map(tag).is_some())
    })
}

#[test]
fn the_lanes_show_any_method_that_the_model_has_tag_by_tag() {
    let folder = tempfile::tempdir().unwrap();
    let song = folder.path().join("tone.wav");
    let wave: Vec<f32> = (0..6 * 22_050)
        .map(|i| 0.4 * (i as f32 * 0.06).sin() * (i as f32 * 2e-4).sin())
        .collect();
    audio::write_wav(&song, &wave, 22_050).unwrap();
    let mut window = Window::open(&folder.path().join("workspace"));
    window.send(UiCommand::UseShippedModel(Shipped::Demo));
    window.send(Command::OpenSong(song));
    window.wait("the usual explanation", |window| {
        has(window, Method::Contribution, &[0])
    });
    let model = window.state().model.current().unwrap().clone();
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
