"""Makes frontend.safetensors: log-mel spectrograms by torchaudio.

usage: make_frontend.py CLIP.wav      (needs torch, torchaudio, numpy and safetensors)

Made with torch 2.15.0 and torchaudio from a clip of `attune data demo` (README.md says which), on a CPU in float32.
"""

import pathlib
import sys
import wave

import numpy as np
import torch

# torchaudio refuses to load beside a PyTorch for another CUDA; the front end does not use any.
torch.version.cuda = None
import torchaudio  # noqa: E402
from safetensors.numpy import save_file

SAMPLES, FRAMES = 20480, 38  # frames 0..38 do not reach beyond

front_end = torchaudio.transforms.MelSpectrogram(
    sample_rate=22050, n_fft=1024, hop_length=512, f_min=0.0, f_max=11025.0, n_mels=128
)
with wave.open(sys.argv[1]) as file:
    assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (22050, 1, 2), file.getparams()
    file.setpos(22050)
    music = np.frombuffer(file.readframes(4 * SAMPLES), "<i2")
short = (np.random.default_rng(1).standard_normal(600) * 0.1).astype(np.float32)


def mel_power(x):
    return front_end(torch.from_numpy(x)[None])[0].numpy()


def log_mel(power):
    return (10 * np.log10(np.maximum(power, 1e-10))).astype(np.float32)


power = mel_power(music.astype(np.float32) / 32768)[:, :FRAMES].copy()
save_file(
    {
        "wave.music": music[:SAMPLES].copy(),
        "mel_power.music": power,
        "logmel.music": log_mel(power),
        "wave.short": short,
        "logmel.short": np.ascontiguousarray(log_mel(mel_power(short))),
    },
    pathlib.Path(__file__).parent / "frontend.safetensors",
)
