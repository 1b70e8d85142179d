"""The recurrent PPO actor step of bench/recurrent-step.ts in PyTorch, on one thread. Run by recurrent-step.ts."""

from collections.abc import Callable

import torch
from torch import nn
from torch_steps import descend, serve

OBSERVATIONS, CHOICES, LENGTH = 80, 11, 10


class Actor(nn.Module):
    """80 observations -> hidden -> hidden -> GRU -> 11 choices; LayerNorm on the input, after each ReLU and the GRU."""

    def __init__(self, hidden: int, whole: bool) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.LayerNorm(OBSERVATIONS),
            nn.Linear(OBSERVATIONS, hidden), nn.ReLU(), nn.LayerNorm(hidden),
            nn.Linear(hidden, hidden), nn.ReLU(), nn.LayerNorm(hidden),
        )
        self.gru = nn.GRU(hidden, hidden) if whole else nn.GRUCell(hidden, hidden)
        self.norm = nn.LayerNorm(hidden)
        self.head = nn.Linear(hidden, CHOICES)

    def forward(self, observations: torch.Tensor, state: torch.Tensor, keep: torch.Tensor) -> torch.Tensor:
        features = self.body(observations)
        if isinstance(self.gru, nn.GRU):
            states, _ = self.gru(features, state.unsqueeze(0))
        else:
            steps = []
            for step in range(LENGTH):
                state = self.gru(features[step], state * keep[step])
                steps.append(state)
            states = torch.stack(steps)
        return self.head(self.norm(states))


def step(actor, optimizer, inputs, mask, actions, old_log_probs, advantages) -> None:
    logits = actor(*inputs).masked_fill(~mask, -1e10)
    every = torch.log_softmax(logits, -1)
    log_probs = every.gather(-1, actions).squeeze(-1)
    ratio = torch.exp(log_probs - old_log_probs)
    surrogate = torch.min(ratio * advantages, ratio.clamp(0.8, 1.2) * advantages)
    entropy = -(every.exp() * every).sum(-1)
    descend(actor, optimizer, -surrogate.mean() - 0.01 * entropy.mean(), 10.0)


def prepare(batch: int, hidden: int, whole: int) -> Callable[[], None]:
    actor = Actor(hidden, bool(whole))
    optimizer = torch.optim.Adam(actor.parameters(), lr=5e-4, eps=1e-5)
    rows = (LENGTH, batch // LENGTH)
    actions = torch.randint(CHOICES, (*rows, 1))
    mask = (torch.rand(*rows, CHOICES) < 0.7).scatter(-1, actions, True)
    keep = (torch.rand(*rows, 1) >= 0.02).float()
    inputs = (torch.randn(*rows, OBSERVATIONS), torch.randn(rows[1], hidden), keep)
    data = (mask, actions, torch.full(rows, -2.0), torch.randn(rows))
    return lambda: step(actor, optimizer, inputs, *data)


serve(prepare)
