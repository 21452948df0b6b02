"""Cuts tests/golden/augment.safetensors out of the reference data, so that the most important comparisons always run.

Usage: make_augment.py REFERENCE_FOLDER OUT.safetensors   (needs numpy and safetensors)

The reference data are outputs of julius 0.2.8, torchaudio 2.11.0 and SoX 14.4.2 (its manifest has the command lines) on
"hr-domina-mountain" by Lincoln Domina (Debian package hyperrogue-music, CC BY-SA 3.0); this cut has the same licence.
"""

import sys

from safetensors.numpy import load_file, save_file

reference, out = sys.argv[1:]
START, LENGTH = 22050, 40000
SAMPLES = {
    "polarity": 1024,
    "gain_-6db": 1024,
    "delay_300ms": 8192,
    "highpass_200hz": 8192,
    "highpass_1200hz": 4096,
    "lowpass_2200hz": 4096,
    "lowpass_4000hz": 4096,
    "reverb_r50_d50_s0": 8192,
    "reverb_r50_d50_s50": 8192,
    "reverb_r50_d50_s100": 8192,
    "pitch_-300cents": 32768,
    "pitch_700cents": 32768,
}
outputs = load_file(f"{reference}/augment/augment.safetensors")
tensors = {name: outputs[name][:n].copy() for name, n in SAMPLES.items()}
audio = load_file(f"{reference}/audio/audio.safetensors")
tensors["input"] = audio["mountain_22k"][START : START + LENGTH].copy()
save_file(tensors, out)
