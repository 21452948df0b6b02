"""Writes schedules.json: learning rates of torch.optim.lr_scheduler, as shares of the base rate.

python3 make_schedules.py
"""

import json
import pathlib

import torch
from torch.optim import lr_scheduler

BASE = 1.0


def optimizer():
    return torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))], lr=BASE)


def steps(make, n):
    """The rate with which each of n steps is done."""
    adam = optimizer()
    scheduler = make(adam)
    rates = []
    for _ in range(n):
        rates.append(adam.param_groups[0]["lr"])
        adam.step()
        scheduler.step()
    return rates


def plateau(losses, **settings):
    """The rate with which the epoch after each validation is done."""
    adam = optimizer()
    scheduler = lr_scheduler.ReduceLROnPlateau(adam, mode="min", threshold_mode="rel", **settings)
    rates = []
    for loss in losses:
        adam.step()
        scheduler.step(loss)
        rates.append(adam.param_groups[0]["lr"])
    return rates


LOSSES = [
    0.9, 0.7, 0.71, 0.6999, 0.72, 0.69999, 0.8, 0.5, 0.51, 0.52, 0.53, 0.50001,
    0.4999, 0.55, 0.3, 0.31, 0.32, 0.33, 0.34, 0.35, 0.36, 0.37, 0.29998, 0.2,
]

cases = {
    "cosine": {
        "schedule": "cosine:floor=0.05",
        "steps_per_epoch": 10,
        "epochs": 8,
        "shares": steps(lambda a: lr_scheduler.CosineAnnealingLR(a, T_max=80, eta_min=0.05), 80),
    },
    "step": {
        "schedule": "step:every=7steps,factor=0.6",
        "steps_per_epoch": 10,
        "epochs": 8,
        "shares": steps(lambda a: lr_scheduler.StepLR(a, step_size=7, gamma=0.6), 80),
    },
    "plateau": {
        "schedule": "plateau:patience=2,factor=0.5,threshold=0.001,floor=0.1",
        "losses": LOSSES,
        "shares": plateau(LOSSES, patience=2, factor=0.5, threshold=1e-3, min_lr=0.1),
    },
    "plateau without patience": {
        "schedule": "plateau:patience=0,factor=0.3,threshold=0",
        "losses": LOSSES,
        "shares": plateau(LOSSES, patience=0, factor=0.3, threshold=0.0),
    },
}
golden = {"made_with": f"PyTorch {torch.__version__}", "cases": cases}
path = pathlib.Path(__file__).with_name("schedules.json")
path.write_text(json.dumps(golden, indent=1) + "\n")
