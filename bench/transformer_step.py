"""The PPO step of bench/transformer-step.ts in PyTorch. Run by transformer-step.ts where PyTorch is."""

import math
from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional as F
from torch_steps import descend, serve

OBSERVATIONS, SIZE = 8, 64


class Attention(nn.Module):
    def __init__(self, causal: bool) -> None:
        super().__init__()
        self.causal = causal
        self.query, self.key, self.value, self.output = (nn.Linear(SIZE, SIZE) for _ in range(4))

    def forward(self, looking: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
        q, k, v = self.query(looking), self.key(seen), self.value(seen)
        scores = q @ k.transpose(-2, -1) / math.sqrt(SIZE)
        if self.causal:
            agents = scores.shape[-1]
            later = torch.ones(agents, agents, dtype=torch.bool).triu(1)
            scores = scores.masked_fill(later, float("-inf"))
        return self.output(F.softmax(scores, -1) @ v)


def feed_forward() -> nn.Module:
    return nn.Sequential(nn.Linear(SIZE, SIZE), nn.GELU(), nn.Linear(SIZE, SIZE))


def head(outputs: int) -> nn.Module:
    return nn.Sequential(nn.Linear(SIZE, SIZE), nn.GELU(), nn.LayerNorm(SIZE), nn.Linear(SIZE, outputs))


class Team(nn.Module):
    """An encoder of observations, which also says what they are worth, and a decoder of actions; one block each."""

    def __init__(self) -> None:
        super().__init__()
        self.observed = nn.Sequential(
            nn.LayerNorm(OBSERVATIONS), nn.Linear(OBSERVATIONS, SIZE), nn.GELU(), nn.LayerNorm(SIZE)
        )
        self.acted = nn.Sequential(nn.Linear(1, SIZE), nn.GELU(), nn.LayerNorm(SIZE))
        self.among, self.before, self.across = Attention(False), Attention(True), Attention(True)
        self.norms = nn.ModuleList(nn.LayerNorm(SIZE) for _ in range(5))
        self.fed = nn.ModuleList(feed_forward() for _ in range(2))
        self.value, self.policy = head(1), head(1)
        self.rho = nn.Parameter(torch.ones(1))

    def forward(self, observations: torch.Tensor, actions: torch.Tensor):
        x = self.observed(observations)
        x = self.norms[0](x + self.among(x, x))
        encoded = self.norms[1](x + self.fed[0](x))
        y = self.acted(torch.cat([torch.zeros_like(actions[:, :1]), actions[:, :-1]], 1))
        y = self.norms[2](y + self.before(y, y))
        y = self.norms[3](encoded + self.across(encoded, y))
        y = self.norms[4](y + self.fed[1](y))
        return self.value(encoded), self.policy(y), 0.5 * torch.sigmoid(self.rho)


def step(team, optimizer, observations, actions, old_log_probs, advantages, old_values, targets) -> None:
    values, mean, std = team(observations, actions)
    log_probs = -0.5 * ((actions - mean) / std) ** 2 - torch.log(std) - 0.5 * math.log(2 * math.pi)
    ratio = torch.exp(log_probs - old_log_probs)
    surrogate = torch.min(ratio * advantages, ratio.clamp(0.95, 1.05) * advantages)
    entropy = (0.5 + 0.5 * math.log(2 * math.pi) + torch.log(std)).sum()
    clipped = old_values + (values - old_values).clamp(-0.05, 0.05)
    error = torch.max(
        F.huber_loss(values, targets, reduction="none", delta=10.0),
        F.huber_loss(clipped, targets, reduction="none", delta=10.0),
    )
    loss = -surrogate.mean() - 0.001 * entropy + error.mean()
    descend(team, optimizer, loss, 0.5)


def prepare(batch: int, agents: int) -> Callable[[], None]:
    team = Team()
    optimizer = torch.optim.Adam(team.parameters(), lr=5e-5, eps=1e-5)
    actions, advantages, old_values, targets = (torch.randn(batch, agents, 1) for _ in range(4))
    old_log_probs = torch.full((batch, agents, 1), -1.0)
    observations = torch.randn(batch, agents, OBSERVATIONS)
    return lambda: step(team, optimizer, observations, actions, old_log_probs, advantages, old_values, targets)


serve(prepare)
