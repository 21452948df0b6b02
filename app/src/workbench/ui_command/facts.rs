//! What there is to say of each command: its words, its menu, its keys.

use super::{DIGITS, Menu, UiCommand};
use attune_core::predict::Shipped;
use egui::{Key, KeyboardShortcut, Modifiers};

const fn key(key: Key) -> Option<KeyboardShortcut> {
    Some(KeyboardShortcut::new(Modifiers::NONE, key))
}

const fn ctrl(key: Key) -> Option<KeyboardShortcut> {
    Some(KeyboardShortcut::new(Modifiers::COMMAND, key))
}

const fn ctrl_shift(key: Key) -> Option<KeyboardShortcut> {
    Some(KeyboardShortcut::new(
        Modifiers::COMMAND.plus(Modifiers::SHIFT),
        key,
    ))
}

impl UiCommand {
    /// Label, what it does in a sentence, its menu, and its shortcut.
    pub(super) fn facts(self) -> (&'static str, &'static str, Menu, Option<KeyboardShortcut>) {
        use Menu as M;
        use UiCommand as C;
        match self {
            C::OpenSong => (
                "Open song…",
                "Open an audio file: MP3, OGG, Opus, FLAC, WAV, AAC or M4A.",
                M::File,
                ctrl(Key::O),
            ),
            C::OpenDataset => (
                "Open data set…",
                "Open a folder that has a tracks.csv.",
                M::File,
                ctrl(Key::D),
            ),
            C::OpenModel => (
                "Open model…",
                "Open trained weights (.safetensors, .pth, .pt, .ckpt).",
                M::File,
                ctrl(Key::M),
            ),
            C::OpenRun => (
                "Open run…",
                "Open the folder of a training run and show its curves.",
                M::File,
                ctrl(Key::R),
            ),
            C::OpenPath => (
                "Open path…",
                "Type or paste the path of anything that can be opened.",
                M::File,
                ctrl(Key::L),
            ),
            C::ExportModel => (
                "Export model…",
                "Write the model in use for other programs: ONNX (.onnx) or safetensors, with its tags.",
                M::File,
                ctrl_shift(Key::E),
            ),
            C::Quit => (
                "Quit",
                "Close the window. Asks first while a training runs.",
                M::File,
                ctrl(Key::Q),
            ),
            C::Palette => (
                "Command palette…",
                "Find and run any command by typing a few letters.",
                M::Help,
                ctrl(Key::K),
            ),
            C::Help => (
                "Keyboard shortcuts",
                "Show all shortcuts.",
                M::Help,
                key(Key::F1),
            ),
            C::ToggleTheme => (
                "Dark or light",
                "Switch between the dark and the light look.",
                M::View,
                ctrl(Key::T),
            ),
            C::ZoomIn => (
                "Larger",
                "Make everything larger.",
                M::View,
                ctrl(Key::Plus),
            ),
            C::ZoomOut => (
                "Smaller",
                "Make everything smaller.",
                M::View,
                ctrl(Key::Minus),
            ),
            C::ZoomReset => (
                "Normal size",
                "Back to the normal size.",
                M::View,
                ctrl(Key::Num0),
            ),
            C::ResetLayout => (
                "Reset layout",
                "Put all panels back to where they stood at first.",
                M::View,
                None,
            ),
            C::Show(panel) => (panel.title(), panel.purpose(), M::View, {
                // 0 is the normal size: panels beyond the ninth have no digit left.
                let digits = &DIGITS[..9];
                digits.get(panel.number() - 1).and_then(|key| ctrl(*key))
            }),
            C::StartTraining => (
                "Start training",
                "Start a run with the settings of the Training panel.",
                M::Training,
                ctrl(Key::Enter),
            ),
            C::AddToQueue => (
                "Add to queue",
                "Put a run with the settings of the Training panel at the end of the queue.",
                M::Training,
                None,
            ),
            C::StartQueue => (
                "Start the queue",
                "Train the runs of the queue one after the other; one that was interrupted goes on first.",
                M::Training,
                None,
            ),
            C::PauseTraining => (
                "Pause or continue training",
                "Pause the run after the current step, or let it go on.",
                M::Training,
                ctrl_shift(Key::P),
            ),
            C::StopTraining => (
                "Stop training",
                "Stop the run after the current step; it can be resumed from its last checkpoint.",
                M::Training,
                ctrl_shift(Key::S),
            ),
            C::Snapshot => (
                "Take a snapshot",
                "Save the weights as they are now, and use them in Audition and Timeline.",
                M::Training,
                ctrl_shift(Key::C),
            ),
            C::Validate => (
                "Validate now",
                "Score the model on the validation split now.",
                M::Training,
                ctrl_shift(Key::V),
            ),
            C::RefreshRuns => (
                "Look for runs",
                "Read the list of runs on disk again.",
                M::Training,
                key(Key::F5),
            ),
            C::UseRunModel => (
                "Use the run's best model",
                "Load the best checkpoint of the shown run into Audition and Timeline.",
                M::Training,
                ctrl_shift(Key::B),
            ),
            C::UseShippedModel(Shipped::Tunes) => (
                "Use the model `tunes`",
                "Tag songs with the shipped model of instruments, genres and tempi.",
                M::Training,
                None,
            ),
            C::UseShippedModel(Shipped::Demo) => (
                "Use the model `demo`",
                "Tag songs with the shipped model that was trained on the demo data set.",
                M::Training,
                None,
            ),
            C::FollowModel => (
                "Follow the model in training",
                "Let the weights that the training publishes replace the model in Audition and Timeline, or stop doing so.",
                M::Training,
                ctrl_shift(Key::M),
            ),
            C::FollowCurves => (
                "Follow the newest steps",
                "Keep the newest steps of the curves in view.",
                M::View,
                key(Key::F),
            ),
            C::FitCurves => (
                "Fit curves",
                "Show the curves from the first step to the last.",
                M::View,
                key(Key::G),
            ),
            C::TogglePlay => (
                "Play or pause",
                "Play or pause the open song.",
                M::Song,
                key(Key::Space),
            ),
            C::ToStart => (
                "To the start",
                "Move the play head to the start of the song or the selection.",
                M::Song,
                key(Key::Home),
            ),
            C::Back => (
                "Back 5 s",
                "Move the play head back by 5 seconds.",
                M::Song,
                key(Key::ArrowLeft),
            ),
            C::Forward => (
                "Forward 5 s",
                "Move the play head forward by 5 seconds.",
                M::Song,
                key(Key::ArrowRight),
            ),
            C::ToggleLoop => (
                "Loop",
                "Repeat the selected stretch, or the whole song.",
                M::Song,
                key(Key::L),
            ),
            C::Slower => (
                "Play slower",
                "Play slower at the same pitch, by one step.",
                M::Song,
                key(Key::OpenBracket),
            ),
            C::Faster => (
                "Play faster",
                "Play faster at the same pitch, by one step.",
                M::Song,
                key(Key::CloseBracket),
            ),
            C::NormalSpeed => (
                "Play as fast as recorded",
                "Play at the speed of the recording again.",
                M::Song,
                key(Key::Backslash),
            ),
            C::ToggleListening => (
                "As the network hears it",
                "Switch between the recording and what the network gets: mono at its own rate.",
                M::Song,
                key(Key::N),
            ),
            C::ToggleAugmented => (
                "Original or augmented",
                "Switch between original and augmented at the same position.",
                M::Song,
                key(Key::A),
            ),
            C::HearVariant(0) => (
                "Hear the original",
                "Hear the clip as it is in the song; in a blind test, A.",
                M::Song,
                key(Key::Num1),
            ),
            C::HearVariant(1) => (
                "Hear the augmented clip",
                "Hear the clip with its effects; in a blind test, B.",
                M::Song,
                key(Key::Num2),
            ),
            C::HearVariant(2) => (
                "Hear the first kept draw",
                "Hear the clip with the draw that was kept as 3; in a blind test, X.",
                M::Song,
                key(Key::Num3),
            ),
            C::HearVariant(_) => (
                "Hear the second kept draw",
                "Hear the clip with the draw that was kept as 4.",
                M::Song,
                key(Key::Num4),
            ),
            C::RollAugmentation => (
                "Roll the dice",
                "Draw new augmentations as training does.",
                M::Song,
                key(Key::D),
            ),
            C::VolumeUp => ("Louder", "Raise the volume.", M::Song, key(Key::ArrowUp)),
            C::VolumeDown => ("Softer", "Lower the volume.", M::Song, key(Key::ArrowDown)),
            C::ExplainSong => (
                "Explain the song",
                "Compute attention and contributions over the open song.",
                M::Song,
                key(Key::E),
            ),
            C::CancelJobs => (
                "Cancel background work",
                "Stop what is being computed in the background. A training goes on.",
                M::Song,
                ctrl(Key::Period),
            ),
        }
    }
}
