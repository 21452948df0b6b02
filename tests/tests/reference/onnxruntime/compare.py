"""Runs ONNX files in onnxruntime: compare.py FOLDER. For each NAME.onnx, NAME.safetensors holds inputs `x.K` and what Attune answers,
`probabilities.K` and `logits.K`. Prints a line of JSON each: the name, the largest absolute differences, and how far the logits of two sounds lie apart."""

import json
import pathlib
import struct
import sys

import numpy
import onnxruntime


def tensors(path):
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    found = {}
    for name, about in header.items():
        start, end = (8 + length + offset for offset in about["data_offsets"])
        found[name] = numpy.frombuffer(data[start:end], "<f4").reshape(about["shape"])
    return found


options = onnxruntime.SessionOptions()
options.log_severity_level = 3
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.onnx")):
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    (source,) = session.get_inputs()
    known = tensors(path.with_suffix(".safetensors"))
    apart = {"probabilities": 0.0, "logits": 0.0}
    spread = 0.0
    for name in (name for name in known if name.startswith("x.")):
        answers = session.run(list(apart), {source.name: known[name]})
        for kind, answer in zip(apart, answers):
            expected = known[f"{kind}.{name[2:]}"]
            assert answer.shape == expected.shape, (answer.shape, expected.shape)
            apart[kind] = max(apart[kind], float(numpy.abs(answer - expected).max()))
        spread = max(spread, float(numpy.ptp(answers[1], axis=0).max()))
    metadata = session.get_modelmeta().custom_metadata_map
    about = json.loads(metadata["attune"])
    least, most = json.loads(metadata["columns"])
    lengths = [value.shape[-1] for name, value in known.items() if name.startswith("x.")]
    assert all(least <= length <= (most or length) for length in lengths), (least, most, lengths)
    print(json.dumps({"name": path.stem, "tags": about["tags"], "input": source.name, "spread": spread, **apart}))
