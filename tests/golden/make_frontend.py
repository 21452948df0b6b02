#!/usr/bin/env python3
"""Cuts frontend.safetensors out of the reference data (standard library only).

usage: make_frontend.py REFERENCE_FOLDER

The reference was computed with PyTorch 2.11.0 and torchaudio 2.11.0 on a CPU in float32, see its README.
The music is "hr-domina-mountain" by Lincoln Domina, CC BY-SA 3.0.
"""
import json, pathlib, struct, sys

MUSIC_SAMPLES = 20480  # frames 0..38 do not reach beyond
FRAMES = 38


def read(path):
    data = path.read_bytes()
    n = struct.unpack_from("<Q", data)[0]
    header = json.loads(data[8 : 8 + n])
    return {
        name: (t["dtype"], t["shape"], data[8 + n + t["data_offsets"][0] : 8 + n + t["data_offsets"][1]])
        for name, t in header.items()
        if name != "__metadata__"
    }


def first_columns(tensor, n):
    dtype, (rows, columns), data = tensor
    row = 4 * columns
    return dtype, [rows, n], b"".join(data[r * row : r * row + 4 * n] for r in range(rows))


def main():
    reference = pathlib.Path(sys.argv[1])
    mtt = read(reference / "frontend/mtt.safetensors")
    dtype, shape, music = read(reference / "audio/audio.safetensors")["mountain_22k"]
    out = {
        "wave.music": (dtype, [MUSIC_SAMPLES], music[2 * 22050 : 2 * (22050 + MUSIC_SAMPLES)]),
        "mel_power.music": first_columns(mtt["mel_power.music"], FRAMES),
        "logmel.music": first_columns(mtt["logmel.music"], FRAMES),
        "wave.short": mtt["wave.short"],
        "logmel.short": mtt["logmel.short"],
    }
    header, at = {}, 0
    for name, (dtype, shape, data) in out.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + len(data)]}
        at += len(data)
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    target = pathlib.Path(__file__).parent / "frontend.safetensors"
    target.write_bytes(struct.pack("<Q", len(head)) + head + b"".join(t[2] for t in out.values()))


main()
