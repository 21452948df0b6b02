#!/usr/bin/env python3
"""The networks in PyTorch (the transformer here, the others in pytorch_networks.py) and torchaudio's log-mel, timed on request, for tests/benches/engine.rs to time beside Attune's.

Reads one JSON object (sizes, threads), prints one with what it chose, then for each line `step`, `forward` or `log-mel` on stdin
prints the milliseconds that one training step (forward, backward, Adam, from its input), one inference, or the spectrograms of all
clips take. Of the default memory layout and channels-last the faster one is used.
"""
import json
import resource
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

config = json.loads(sys.stdin.readline())
torch.set_num_threads(config["threads"])
batch, rows, columns, dropout = config["batch"], config["rows"], config["columns"], config["dropout"]
is_transformer = config["architecture"] == "music-tagging-transformer"
if is_transformer:
    width, dim, heads, layers = config["conv_width"], config["attention_width"], config["n_heads"], config["n_layers"]


class Block(nn.Module):
    def __init__(self, ins, outs, pool):
        super().__init__()
        self.conv_1, self.bn_1 = nn.Conv2d(ins, outs, 3, padding=1), nn.BatchNorm2d(outs)
        self.conv_2, self.bn_2 = nn.Conv2d(outs, outs, 3, padding=1), nn.BatchNorm2d(outs)
        self.diff = ins != outs
        if self.diff:
            self.conv_3, self.bn_3 = nn.Conv2d(ins, outs, 3, padding=1), nn.BatchNorm2d(outs)
        self.pool = pool

    def forward(self, x):
        y = self.bn_2(self.conv_2(F.relu(self.bn_1(self.conv_1(x)))))
        if self.diff:
            x = self.bn_3(self.conv_3(x))
        return F.max_pool2d(F.relu(x + y), self.pool)


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm_1, self.norm_2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.to_qkv, self.to_out = nn.Linear(dim, 3 * dim, bias=False), nn.Linear(dim, dim)
        self.hidden, self.output = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)
        self.drop = nn.Dropout(dropout)

    def forward(self, x):
        n, t, _ = x.shape
        q, k, v = self.to_qkv(self.norm_1(x)).view(n, t, 3, heads, dim // heads).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v)
        x = x + self.drop(self.to_out(y.transpose(1, 2).reshape(n, t, dim)))
        return x + self.drop(self.output(self.drop(F.gelu(self.hidden(self.norm_2(x))))))


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.input_bn = nn.BatchNorm2d(1)
        self.blocks = nn.Sequential(Block(1, width, (2, 2)), Block(width, width, (2, 2)), Block(width, width, (2, 1)))
        self.fc = nn.Linear(16 * width, dim)
        self.cls = nn.Parameter(torch.randn(dim))
        self.positions = nn.Parameter(torch.randn(1, 513, dim))
        self.drop = nn.Dropout(dropout)
        self.layers = nn.Sequential(*[Layer() for _ in range(layers)])
        self.norm, self.head = nn.LayerNorm(dim), nn.Linear(dim, 50)

    def forward(self, x):
        x = self.blocks(self.input_bn(x.unsqueeze(1)))
        x = self.fc(x.permute(0, 3, 1, 2).flatten(2))
        x = torch.cat([self.cls.expand(x.shape[0], 1, -1), x], 1)
        x = self.drop(x + self.positions[:, : x.shape[1]])
        return self.head(self.norm(self.layers(x)[:, 0]))


def make(channels_last):
    torch.manual_seed(1)
    if is_transformer:
        network = Network()
    else:
        import pytorch_networks

        network = pytorch_networks.build(config)
    if channels_last:
        network = network.to(memory_format=torch.channels_last)
    return network, torch.optim.Adam(network.parameters(), lr=1e-4)


def log_mel_of_clips():
    # torchaudio refuses to load beside a PyTorch for another CUDA; the front end does not use any.
    torch.version.cuda = None
    import torchaudio

    front_end = torchaudio.transforms.MelSpectrogram(22050, n_fft=1024, hop_length=512, f_min=0.0, f_max=11025.0, n_mels=128)
    to_db = torchaudio.transforms.AmplitudeToDB()
    waves = torch.randn(batch, config["samples"]) * 0.1

    def log_mel(*_):
        with torch.inference_mode():
            to_db(front_end(waves))

    return log_mel


# Decibels, power or samples.
x = torch.randn(batch, rows, columns) * (0.1 if rows == 1 else 15) - (0 if rows == 1 else 10)
if config["architecture"] == "harmonic-cnn":
    x = x.square()
y = (torch.rand(batch, 50) > 0.9).float()


def step(network, optimizer):
    network.train()
    optimizer.zero_grad()
    F.binary_cross_entropy_with_logits(network(x), y).backward()
    optimizer.step()


def forward(network, _):
    network.eval()
    with torch.inference_mode():
        network(x)


def milliseconds(work, made):
    start = time.perf_counter()
    work(*made)
    return (time.perf_counter() - start) * 1e3


if config["works"] == ["log-mel"]:
    works, candidates = {"log-mel": log_mel_of_clips()}, {"default": ()}
else:
    works = {"step": step, "forward": forward}
    candidates = {"default": make(False), "channels-last": make(True)}
chosen = {}
for name in config["works"]:
    times = {
        layout: min(milliseconds(works[name], made) for _ in range(3)) for layout, made in candidates.items()
    }
    chosen[name] = min(times, key=times.get)
print(json.dumps({"torch": torch.__version__, "layout": chosen}), flush=True)
for line in sys.stdin:
    name = line.strip()
    if name == "memory":
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, flush=True)
    else:
        print(milliseconds(works[name], candidates[chosen[name]]), flush=True)
