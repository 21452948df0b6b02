"""Makes augment.safetensors: a stretch of a clip of the demo data set, and what the reference implementations make of it.

usage: make_augment.py CLIP.wav      (needs torch, torchaudio, julius, numpy, safetensors, and sox on the path)

Made with torch 2.15.0, torchaudio, julius 0.2.8 and SoX 14.4.2 from a clip of `attune data demo` (README.md says which).
"""

import pathlib
import subprocess
import sys
import tempfile
import wave

import julius
import numpy as np
import torch
from safetensors.numpy import save_file

START, LENGTH, RATE_HZ = 22050, 40000, 22050


def read(path):
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE_HZ, 1, 2), file.getparams()
        file.setpos(START)
        return np.frombuffer(file.readframes(LENGTH), "<i2").astype(np.float32) / 32768


def sox(x, *effect):
    """Through SoX as 32-bit float, cut or padded to the length of the input."""
    with tempfile.TemporaryDirectory() as folder:
        raw = ["-t", "raw", "-r", str(RATE_HZ), "-e", "floating-point", "-b", "32", "-c", "1"]
        into, out = pathlib.Path(folder, "in.raw"), pathlib.Path(folder, "out.raw")
        into.write_bytes(x.astype("<f4").tobytes())
        subprocess.run(["sox", "-R", *raw, into, *raw, out, *effect], check=True)
        y = np.frombuffer(out.read_bytes(), "<f4")
    return np.pad(y, (0, max(0, len(x) - len(y))))[: len(x)]


def delay(x, samples):
    late = np.concatenate([np.zeros(samples, np.float32), x[:-samples]])
    return (x + np.float32(0.5) * late) / 2


x = read(sys.argv[1])
t = torch.from_numpy(x.copy())
outputs = {
    "polarity": (-x, 1024),
    "gain_-6db": (np.clip(x * np.float32(10 ** (-6 / 20)), -1, 1), 1024),
    "delay_300ms": (delay(x, 6615), 8192),
    "highpass_200hz": (julius.highpass_filter(t, 200 / RATE_HZ).numpy(), 8192),
    "highpass_1200hz": (julius.highpass_filter(t, 1200 / RATE_HZ).numpy(), 4096),
    "lowpass_2200hz": (julius.lowpass_filter(t, 2200 / RATE_HZ).numpy(), 4096),
    "lowpass_4000hz": (julius.lowpass_filter(t, 4000 / RATE_HZ).numpy(), 4096),
}
for size in (0, 50, 100):
    outputs[f"reverb_r50_d50_s{size}"] = (sox(x, "reverb", "50", "50", str(size), "channels", "1"), 8192)
tensors = {name: y[:n].astype(np.float32).copy() for name, (y, n) in outputs.items()}
for cents in (-300, 700):
    y = sox(x, "pitch", str(cents), "rate", str(RATE_HZ))[:32768]
    tensors[f"pitch_{cents}cents"] = np.round(y * 32768).clip(-32768, 32767).astype(np.int16)
tensors["input"] = np.round(x * 32768).astype(np.int16)
save_file(tensors, pathlib.Path(__file__).parent / "augment.safetensors")
