#!/usr/bin/env python3
"""The paper's augmentations in Python, timed on request, for tests/benches/augment.rs to time beside Attune's.

Reads one JSON object (file of the clip, its rate, threads), prints one with the versions, then for each JSON object on stdin (draws, how many
times) prints the milliseconds that applying all draws takes: the median of the times. The operations are those of torchaudio-augmentations,
each with its range narrowed to the number that was drawn; making them is not timed.
"""
import json
import sys
import time
import warnings
from importlib.metadata import version

warnings.simplefilter("ignore")  # torchaudio 2.8 says at each call that it goes.

import numpy
import torch
import torchaudio_augmentations as reference

config = json.loads(sys.stdin.readline())
torch.set_num_threads(config["threads"])
rate = config["rate_hz"]
clip = torch.from_numpy(numpy.fromfile(config["clip"], numpy.float32))[None]


def delay(ms):
    return reference.Delay(rate, min_delay=ms, max_delay=ms + 1, delay_interval=1)


def pitch(cents):
    semitones = cents / 100
    # From cents to semitones and back the package truncates.
    semitones += 1e-6 if cents > 0 else -1e-6
    return reference.PitchShift(clip.shape[1], rate, semitones, semitones)


def reverb(reverberance, damping, room):
    ranges = [end for value in (reverberance, damping, room) for end in (int(value), int(value) + 1)]
    return reference.Reverb(rate, *ranges)


operations = {
    "polarity": reference.PolarityInversion,
    "noise": lambda ratio: reference.Noise(ratio, ratio),
    "gain": lambda db: reference.Gain(db, db),
    "high-pass": lambda hz: reference.HighPassFilter(rate, hz, hz),
    "low-pass": lambda hz: reference.LowPassFilter(rate, hz, hz),
    "delay": lambda ms: delay(int(ms)),
    "pitch": pitch,
    "reverb": reverb,
}


def operation(effect):
    numbers = {name: value for name, value in effect.items() if name != "effect"}
    return operations[effect["effect"]](**numbers)


def milliseconds(draws):
    start = time.perf_counter()
    for draw in draws:
        wave = clip
        for step in draw:
            wave = step(wave)
    return (time.perf_counter() - start) * 1e3


packages = ["torch", "torchaudio", "julius", "wavaugment", "torchaudio-augmentations"]
print(json.dumps({package: version(package) for package in packages}), flush=True)
for line in sys.stdin:
    question = json.loads(line)
    draws = [[operation(effect) for effect in draw["effects"]] for draw in question["draws"]]
    times = sorted(milliseconds(draws) for _ in range(question["times"]))
    print(times[len(times) // 2], flush=True)
