"""The networks beside the transformer in PyTorch, from their own inputs, for pytorch_step.py: same layers and sizes as Attune's."""
import torch
import torch.nn as nn
import torch.nn.functional as F


class Conv2d(nn.Module):
    def __init__(self, ins, outs, pool):
        super().__init__()
        self.conv, self.bn, self.pool = nn.Conv2d(ins, outs, 3, padding=1), nn.BatchNorm2d(outs), pool

    def forward(self, x):
        return F.max_pool2d(F.relu(self.bn(self.conv(x))), self.pool)


class Conv1d(nn.Module):
    def __init__(self, ins, outs, taps, stride, pool):
        super().__init__()
        self.conv, self.bn, self.pool = nn.Conv1d(ins, outs, taps, stride, taps // 2), nn.BatchNorm1d(outs), pool

    def forward(self, x):
        x = F.relu(self.bn(self.conv(x)))
        return x if self.pool == 1 else F.max_pool1d(x, self.pool)


class Residual(nn.Module):
    def __init__(self, ins, outs, stride, pool=None):
        super().__init__()
        self.conv_1, self.bn_1 = nn.Conv2d(ins, outs, 3, stride, 1), nn.BatchNorm2d(outs)
        self.conv_2, self.bn_2 = nn.Conv2d(outs, outs, 3, 1, 1), nn.BatchNorm2d(outs)
        self.diff, self.pool = stride != 1 or ins != outs, pool
        if self.diff:
            self.conv_3, self.bn_3 = nn.Conv2d(ins, outs, 3, stride, 1), nn.BatchNorm2d(outs)

    def forward(self, x):
        y = self.bn_2(self.conv_2(F.relu(self.bn_1(self.conv_1(x)))))
        y = F.relu((self.bn_3(self.conv_3(x)) if self.diff else x) + y)
        return y if self.pool is None else F.max_pool2d(y, self.pool)


class Squeeze(nn.Module):
    def __init__(self, ins, outs, taps, stride, pool):
        super().__init__()
        self.conv_1, self.bn_1 = nn.Conv1d(ins, outs, taps, stride, taps // 2), nn.BatchNorm1d(outs)
        self.conv_2, self.bn_2 = nn.Conv1d(outs, outs, taps, 1, taps // 2), nn.BatchNorm1d(outs)
        self.dense1, self.dense2 = nn.Linear(outs, outs), nn.Linear(outs, outs)
        self.diff, self.pool = stride != 1 or ins != outs, pool
        if self.diff:
            self.conv_3, self.bn_3 = nn.Conv1d(ins, outs, taps, stride, taps // 2), nn.BatchNorm1d(outs)

    def forward(self, x):
        y = self.bn_2(self.conv_2(F.relu(self.bn_1(self.conv_1(x)))))
        y = y * torch.sigmoid(self.dense2(F.relu(self.dense1(y.mean(2))))).unsqueeze(2)
        y = F.relu((self.bn_3(self.conv_3(x)) if self.diff else x) + y)
        return y if self.pool == 1 else F.max_pool1d(y, self.pool)


class Head(nn.Sequential):
    def __init__(self, ins, hidden, p):
        super().__init__(nn.Linear(ins, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Dropout(p), nn.Linear(hidden, 50))


class Spectrogram(nn.Module):
    """Batch norm of the input, blocks of maps, an end."""

    def __init__(self, blocks, end, ins=1):
        super().__init__()
        self.input_bn, self.blocks, self.end = nn.BatchNorm2d(ins), nn.Sequential(*blocks), end

    def forward(self, x):
        return self.end(self.blocks(self.input_bn(x if x.dim() == 4 else x.unsqueeze(1))))


class Loudest(nn.Module):
    def __init__(self, head):
        super().__init__()
        self.head = head

    def forward(self, x):
        return self.head(x.amax((2, 3)))


class Recurrent(nn.Module):
    def __init__(self, ins, config):
        super().__init__()
        self.gru = nn.GRU(ins, config["gru_width"], config["gru_layers"], batch_first=True)
        self.drop, self.dense = nn.Dropout(config["dropout"]), nn.Linear(config["gru_width"], 50)

    def forward(self, x):
        return self.dense(self.drop(self.gru(x.squeeze(2).transpose(1, 2))[0][:, -1]))


class Attention(nn.Module):
    def __init__(self, width, config):
        super().__init__()
        layer = nn.TransformerEncoderLayer(
            width, config["n_heads"], config["feed_forward_width"], config["hidden_dropout"], "gelu", 1e-12, batch_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, config["n_layers"], enable_nested_tensor=False)
        self.register_buffer("token", torch.rand(width))
        self.pooler, self.drop, self.dense = nn.Linear(width, width), nn.Dropout(config["dropout"]), nn.Linear(width, 50)

    def forward(self, x):
        x = x.squeeze(2).transpose(1, 2)
        x = self.encoder(torch.cat([self.token.expand(x.shape[0], 1, -1), x], 1))[:, 0]
        return self.dense(self.drop(torch.tanh(self.pooler(x))))


class Musicnn(nn.Module):
    def __init__(self, config):
        super().__init__()
        tall, long, width = config["n_tall"], config["n_long"], config["back_end_width"]
        self.input_bn = nn.BatchNorm2d(1)
        self.tall = nn.ModuleList(
            nn.Sequential(nn.Conv2d(1, tall, (h, 7), padding=(0, 3)), nn.BatchNorm2d(tall), nn.ReLU()) for h in (67, 38)
        )
        self.long = nn.ModuleList(Conv1d(1, long, n, 1, 1) for n in (129, 65, 33))
        front = 2 * tall + 3 * long
        self.one, self.two, self.three = (Conv1d(ins, width, 7, 1, 1) for ins in (front, width, width))
        self.head = Head(2 * (front + 3 * width), config["dense_width"], config["dropout"])

    def forward(self, x):
        x = self.input_bn(x.unsqueeze(1))
        out = [layer(x).amax(2) for layer in self.tall]
        out += [layer(x.mean(2)) for layer in self.long]
        out = torch.cat(out, 1)
        one = self.one(out)
        two = self.two(one) + one
        three = self.three(two) + two
        out = torch.cat([out, one, two, three], 1)
        return self.head(torch.cat([out.amax(2), out.mean(2)], 1))


class Samples(nn.Module):
    def __init__(self, layer, config, end):
        super().__init__()
        widths = [config["width"] * n for n in (1, 1, 1, 2, 2, 2, 2, 2, 2, 4, 4)]
        sizes = [(3, 3, 1)] + [(3, 1, 3)] * 9 + [(1, 1, 1)]
        self.layers = nn.Sequential(*[layer(i, o, *size) for i, o, size in zip([1] + widths, widths, sizes)])
        self.end = end

    def forward(self, x):
        return self.end(self.layers(x).squeeze(2))


class Harmonic(nn.Module):
    def __init__(self, config):
        super().__init__()
        w = config["width"]
        centres = 440 * 2 ** ((24 + torch.arange(128) / 2 - 69) / 12)
        self.register_buffer("centres", torch.cat([centres * (i + 1) for i in range(6)]))
        self.register_buffer("bins", torch.linspace(0, 8000, 257).unsqueeze(1))
        self.q = nn.Parameter(torch.ones(1))
        blocks = [Conv2d(6, w, 2)] + [Residual(w, w, 1, 2) for _ in range(3)] + [Conv2d(w, 2 * w, 2)]
        blocks += [Residual(2 * w, 2 * w, 1, (2, 3)) for _ in range(2)]
        self.rest = Spectrogram(blocks, Loudest(Head(2 * w, 2 * w, config["dropout"])), 6)

    def forward(self, x):
        width = (0.1079 * self.centres + 24.7) / self.q
        filters = (1 - 2 * (self.bins - self.centres).abs() / width).clamp(min=0)
        x = (x.transpose(1, 2) @ filters).transpose(1, 2).reshape(x.shape[0], 6, 128, -1)
        return self.rest(10 * torch.log10(x.clamp(min=1e-10)))


def build(config):
    kind, p = config["architecture"], config.get("dropout", 0.0)
    short = [config["width"] * n for n in (1, 1, 2, 2, 2, 2, 4)] if kind.startswith("short-chunk") else []
    if kind == "fcn":
        c = config["channels"]
        pools = [(2, 4), (2, 4), (2, 4), (3, 5), (4, 4)]
        end = nn.Sequential(nn.Flatten(), nn.Dropout(p), nn.Linear(c[-1], 50))
        return Spectrogram([Conv2d(*sizes) for sizes in zip([1] + c, c, pools)], end)
    if kind == "crnn":
        c = config["channels"]
        return Spectrogram([Conv2d(*sizes) for sizes in zip([1] + c, c, (2, 3, 4, 4))], Recurrent(c[-1], config))
    if kind == "musicnn":
        return Musicnn(config)
    if kind == "sample-cnn":
        return Samples(Conv1d, config, nn.Sequential(nn.Dropout(p), nn.Linear(4 * config["width"], 50)))
    if kind == "sample-cnn-se":
        return Samples(Squeeze, config, Head(4 * config["width"], 4 * config["width"], p))
    if kind == "harmonic-cnn":
        return Harmonic(config)
    if kind == "short-chunk-cnn":
        blocks = [Conv2d(i, o, 2) for i, o in zip([1] + short, short)]
        return Spectrogram(blocks, Loudest(Head(short[-1], short[-1], p)))
    if kind == "short-chunk-resnet":
        blocks = [Residual(i, o, 2) for i, o in zip([1] + short, short)]
        return Spectrogram(blocks, Loudest(Head(short[-1], short[-1], p)))
    if kind == "cnnsa":
        widths = [config["width"] * n for n in (1, 1, 2, 2, 2, 2, 2)]
        strides = [2, 2, 2] + [(2, 1)] * 4
        return Spectrogram([Residual(*sizes) for sizes in zip([1] + widths, widths, strides)], Attention(widths[-1], config))
    raise ValueError(kind)
