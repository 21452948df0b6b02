"""Reads a folder with TensorBoard's own reader: scalars.py FOLDER. Prints one JSON object: `scalars`, for each tag its points as [step, value,
wall time in seconds]; `hparams`, the settings; `ended`, how the hparams plugin knows that the run ended (1: well, 2: it failed, null: not yet)."""

import json
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata

accumulator = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0, "tensors": 0})
accumulator.Reload()
scalars = {
    tag: [[event.step, event.value, event.wall_time] for event in accumulator.Scalars(tag)] for tag in accumulator.Tags()["scalars"]
}
found = accumulator.PluginTagToContent("hparams")
hparams = metadata.parse_session_start_info_plugin_data(found[metadata.SESSION_START_INFO_TAG]).hparams
settings = {name: getattr(value, value.WhichOneof("kind")) for name, value in hparams.items()}
ended = None
if metadata.SESSION_END_INFO_TAG in found:
    ended = metadata.parse_session_end_info_plugin_data(found[metadata.SESSION_END_INFO_TAG]).status
print(json.dumps({"scalars": scalars, "hparams": settings, "ended": ended}))
