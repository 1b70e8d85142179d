"""The PPO actor step of bench/actor-step.ts in PyTorch, on one thread. Run by actor-step.ts where PyTorch is."""

import math
from collections.abc import Callable

import torch
from torch import nn
from torch_steps import descend, serve


class Actor(nn.Module):
    """26 observations -> hidden -> hidden -> 1 action; LayerNorm on the input and after each activation."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.LayerNorm(26),
            nn.Linear(26, hidden), nn.ReLU(), nn.LayerNorm(hidden),
            nn.Linear(hidden, hidden), nn.ReLU(), nn.LayerNorm(hidden),
        )
        self.head = nn.Linear(hidden, 1)
        self.rho = nn.Parameter(torch.ones(1))

    def forward(self, observations: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.head(self.body(observations)), 0.5 * torch.sigmoid(self.rho)


def step(actor, optimizer, observations, actions, old_log_probs, advantages) -> None:
    mean, std = actor(observations)
    log_probs = (-0.5 * ((actions - mean) / std) ** 2 - torch.log(std) - 0.5 * math.log(2 * math.pi)).sum(-1)
    ratio = torch.exp(log_probs - old_log_probs)
    surrogate = torch.min(ratio * advantages, ratio.clamp(0.8, 1.2) * advantages)
    entropy = (0.5 + 0.5 * math.log(2 * math.pi) + torch.log(std)).sum()
    loss = -surrogate.mean() - 0.01 * entropy
    descend(actor, optimizer, loss, 10.0)


def prepare(batch: int, hidden: int) -> Callable[[], None]:
    actor = Actor(hidden)
    optimizer = torch.optim.Adam(actor.parameters(), lr=5e-4, eps=1e-5)
    data = (torch.randn(batch, 26), torch.randn(batch, 1), torch.full((batch,), -1.0), torch.randn(batch))
    return lambda: step(actor, optimizer, *data)


serve(prepare)
