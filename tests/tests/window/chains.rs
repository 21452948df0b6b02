//! Own chains in the training form: listed when the list is opened, chosen by name.

use attune::workbench::Command;
use attune_core::augment::{Chain, Chains};
use attune_core::workspace::Workspace;
use attune_tests::small_data;
use attune_tests::window::Window;
use egui::{Key, Modifiers};

#[test]
fn an_own_chain_is_offered_and_chosen_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let workspace = folder.path().join("workspace");
    let data = folder.path().join("data");
    small_data::write(&data, 36, 1.5);
    let config = folder.path().join("quick.toml");
    let recipe = "name = \"quick\"\ninput_secs = 1.0\nbatch_size = 4\nepochs = 1\nmodel = { preset = \"tiny\" }\n";
    std::fs::write(&config, format!("{recipe}data = {{ folder = {data:?} }}\n")).unwrap();
    let mut window = Window::open(&workspace);
    window.send(Command::Open(config));
    window.wait("the form", |window| window.shows("Augmentation"));
    // Made while the window is open.
    let chain = Chain::preset("paper").unwrap();
    let chains = Chains::of(&Workspace::at(&workspace));
    chains.save("half as much", &chain).unwrap();
    open_list(&mut window, "reference");
    window.wait("the own chain", |window| {
        let chains = window.state().training.chains();
        chains.iter().any(|entry| entry.name == "half as much")
    });
    // The list has grown while it was open: opened again, it is long enough to show all.
    window.press(Modifiers::NONE, Key::Escape);
    open_list(&mut window, "half as much");
    window.picture("training_chains");
    window.click("half as much");
    window.wait("the closed list", |window| !window.shows("half as much"));
    window.click("Start training");
    let run_file = workspace.join("runs/quick-1/run.toml");
    window.wait("the run", |_| run_file.exists());
    let written = std::fs::read_to_string(run_file).unwrap();
    assert!(written.contains("half as much"), "{written}");
    assert!(
        written.contains("high-pass"),
        "the run keeps the chain in full: {written}"
    );
}

/// Opens the list of chains, which then has `entry`. The form moves when the recipe comes in, so that a click may miss.
fn open_list(window: &mut Window, entry: &str) {
    for _ in 0..20 {
        window.click("Augmentation");
        if window.shows(entry) {
            return;
        }
        window.press(Modifiers::NONE, Key::Escape);
    }
    panic!("the list does not open with {entry}");
}
