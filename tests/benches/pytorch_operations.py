#!/usr/bin/env python3
"""Single operations in PyTorch, timed on request, for tests/benches/operations.rs to time beside Attune's.

Reads one JSON object (operation, shapes of its inputs, threads), prints one with the version and the layout chosen, then for each line on
stdin prints the milliseconds that the forward and the backward pass of the operation take together. For convolutions, norms and
pooling the faster one of the default memory layout and channels-last is used.
"""
import json
import sys
import time

import torch
import torch.nn.functional as F

config = json.loads(sys.stdin.readline())
torch.set_num_threads(config["threads"])
torch.manual_seed(1)
name, shapes = config["operation"], config["inputs"]


def batch_norm(x, weight, bias):
    return F.batch_norm(x, None, None, weight, bias, training=True)


def attention(qkv, heads=8):
    n, t, packed = qkv.shape
    q, k, v = qkv.view(n, t, 3, heads, packed // 3 // heads).permute(2, 0, 3, 1, 4)
    return F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, t, packed // 3)


operations = {
    "conv2d": lambda x, w, b: F.conv2d(x, w, b, padding=[w.shape[2] // 2, w.shape[3] // 2]),
    "conv2d-valid": lambda x, w, b: F.conv2d(x, w, b),
    "conv1d": lambda x, w, b: F.conv1d(x, w, b, padding=w.shape[2] // 2),
    "conv1d-stride-3": lambda x, w, b: F.conv1d(x, w, b, stride=3),
    "batch-norm": batch_norm,
    "max-pool": lambda x: F.max_pool2d(x, 2),
    "avg-pool": lambda x: F.avg_pool2d(x, 2),
    "max-pool1d": lambda x: F.max_pool1d(x, 3),
    "linear": F.linear,
    "layer-norm": lambda x, w, b: F.layer_norm(x, w.shape, w, b),
    "attention": attention,
    "gelu": F.gelu,
    "relu": F.relu,
    "dropout": lambda x: F.dropout(x, 0.1),
    "softmax": lambda x: F.softmax(x, -1),
    "global-max-pool": lambda x: x.amax((2, 3)),
    "global-avg-pool": lambda x: x.mean((2, 3)),
    "bce": lambda x: F.binary_cross_entropy_with_logits(x, torch.zeros_like(x)),
}
if name == "gru":
    rnn = torch.nn.GRU(shapes[0][2], shapes[1][1], batch_first=True)
    shapes = shapes[:1]
    operations["gru"] = lambda x: rnn(x)[0]


def prepare(channels_last):
    inputs = [torch.randn(shape) for shape in shapes]
    if channels_last:
        inputs = [x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x for x in inputs]
    inputs = [x.requires_grad_() for x in inputs]
    gradient = torch.randn_like(operations[name](*inputs))
    return inputs, gradient


def milliseconds(inputs, gradient):
    for x in inputs:
        x.grad = None
    start = time.perf_counter()
    operations[name](*inputs).backward(gradient)
    return (time.perf_counter() - start) * 1e3


layouts = {"default": prepare(False)}
if len(shapes[0]) == 4:
    layouts["channels-last"] = prepare(True)
times = {layout: min(milliseconds(*case) for _ in range(3)) for layout, case in layouts.items()}
layout = min(times, key=times.get)
print(json.dumps({"torch": torch.__version__, "layout": layout}), flush=True)
for _ in sys.stdin:
    print(milliseconds(*layouts[layout]), flush=True)
