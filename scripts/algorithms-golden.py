"""Makes src/algorithms/golden/updates.json: what one update of each algorithm comes to, written again in PyTorch.

    python -m venv /tmp/reference
    /tmp/reference/bin/pip install torch==2.13.0
    /tmp/reference/bin/python scripts/algorithms-golden.py

Nothing is drawn: parameters, observations, actions, noise and rewards are waves, which src/algorithms/golden.test.ts makes
too. Losses are written from the papers, gradients are autograd's, in float64. A network's gradient [P] is kept as the
inner products of sixteen parts of it with a wave, and their squared lengths.

A case is called after its algorithm and what that has otherwise than by default: bppo-learned-shared.
"""

import json
import math
import pathlib
import re

import torch

torch.set_default_dtype(torch.float64)

N_AGENTS, T, N, OBS, STATE, HIDDEN, HEADS = 3, 3, 4, 3, 4, 6, 2
ROWS = T * N
LR, EPS, CLIP, ENTROPY, GAMMA, LAMBDA = 1e-2, 1e-5, 0.2, 0.02, 0.9, 0.8
OUT = pathlib.Path(__file__).parent.parent / "src" / "algorithms" / "golden" / "updates.json"


def wave(size, phase, scale=1.0):
    return torch.tensor([scale * math.sin(1.9 * k + phase) for k in range(size)])


def plain(name):
    """The algorithm by itself."""
    return re.sub("(-(learned|simultaneous|full|shared|recurrent-critic))+$", "", name)


# What happened: the same for all algorithms.


class Rollout:
    def __init__(self, kind, recurrent=False, memory=HIDDEN):
        """memory: numbers that an agent remembers, where it remembers anything."""
        self.kind = kind
        self.d = 3 if kind == "choices" else 2
        self.obs = [wave((T + 1) * N * OBS, 1 + i).reshape(-1, OBS) for i in range(N_AGENTS)]
        self.states = wave((T + 1) * N * STATE, 10).reshape(-1, STATE)
        self.noise = [wave(ROWS * self.d, 20 + i).reshape(ROWS, self.d) for i in range(N_AGENTS)]
        if kind == "choices":
            # Choice (row + agent) mod 3 is taken; choice (row + agent + 1) mod 3 is not there in every other row.
            index = [(torch.arange(ROWS) + i) % 3 for i in range(N_AGENTS)]
            self.actions = [torch.nn.functional.one_hot(k, 3).double() for k in index]
            self.masks = []
            for k in index:
                mask = torch.ones(ROWS, 3)
                for row in range(0, ROWS, 2):
                    mask[row, (k[row] + 1) % 3] = 0
                self.masks.append(mask)
        else:
            self.actions = [wave(ROWS * 2, 30 + i, 0.6).reshape(ROWS, 2) for i in range(N_AGENTS)]
            self.masks = [None] * N_AGENTS
        self.weights = [torch.tensor([0.0 if (row + 2 * i) % 7 == 3 else 1.0 for row in range(ROWS)]) for i in range(N_AGENTS)]
        self.rewards = wave(ROWS, 40)
        self.terminations = [row == 5 for row in range(ROWS)]
        self.truncations = [row == 6 for row in range(ROWS)]
        self.final_obs = [wave(OBS, 50 + i) for i in range(N_AGENTS)]
        self.final_state = wave(STATE, 60)
        # As it was stored before each step. Learning takes what was stored first, and goes on from there.
        self.hidden = [wave((T + 1) * N * memory, 70 + i, 0.5).reshape(-1, memory) for i in range(N_AGENTS)]
        self.critic_hidden = [wave(N * HIDDEN, 75 + i, 0.5).reshape(N, HIDDEN) for i in range(N_AGENTS)]
        self.starts = torch.tensor([1.0 if row in (9, 10) else 0.0 for row in range(ROWS + N)])
        self.recurrent = recurrent
        # Row i: whom agent i looks at. Three graphs take turns; one was drawn with a cycle.
        kept = [[0, 0, 0, 1, 0, 0, 1, 1, 0], [0, 1, 1, 0, 0, 1, 0, 0, 0], [0, 0, 1, 0, 0, 0, 0, 1, 0]]
        drawn = [kept[0], kept[1], [0, 0, 1, 1, 0, 0, 0, 1, 0]]
        self.predecessors = torch.tensor([kept[row % 3] for row in range(ROWS)]).double().reshape(ROWS, 3, 3)
        # The third: 0 looks at 2, which looks at 1, which looked at 0.
        self.edges = torch.tensor([drawn[row % 3] for row in range(ROWS)]).double().reshape(ROWS, 3, 3)


# Networks: lists of (name, shape), in the order in which they lie in one vector.


def mlp_layout(prefix, inputs, layers=1):
    entries = [(f"{prefix}.input.scale", [inputs]), (f"{prefix}.input.offset", [inputs])]
    for layer in range(layers):
        size = inputs if layer == 0 else HIDDEN
        entries += linear_layout(f"{prefix}.layers.{layer}.linear", size, HIDDEN)
        entries += norm_layout(f"{prefix}.layers.{layer}.norm", HIDDEN)
    return entries


def linear_layout(prefix, inputs, outputs):
    return [(f"{prefix}.weight", [inputs, outputs]), (f"{prefix}.bias", [outputs])]


def norm_layout(prefix, size):
    return [(f"{prefix}.scale", [size]), (f"{prefix}.offset", [size])]


def gru_layout(prefix):
    return linear_layout(f"{prefix}.input", HIDDEN, 3 * HIDDEN) + linear_layout(f"{prefix}.hidden", HIDDEN, 3 * HIDDEN)


def actor_layout(r, name):
    """Where nobody looks at anybody, and each has a network of its own, there is nothing to condition on."""
    alone = plain(name) in ("mappo", "ippo", "happo") and "shared" not in name
    entries = mlp_layout("trunk", OBS) + (gru_layout("gru") if r.recurrent else [])
    if not alone:
        entries += mlp_layout("conditioning", N_AGENTS * r.d + N_AGENTS)
    if r.recurrent or not alone:
        entries += norm_layout("norm", HIDDEN)
    entries += linear_layout("head", HIDDEN, r.d)
    return entries + ([] if r.kind == "choices" else [("rho", [r.d])])


def critic_layout(inputs, recurrent):
    memory = gru_layout("gru") + norm_layout("norm", HIDDEN) if recurrent else []
    return mlp_layout("trunk", inputs) + memory + linear_layout("head", HIDDEN, 1)


def attention_layout(prefix, size):
    return [e for part in ("query", "key", "value", "output") for e in linear_layout(f"{prefix}.{part}", size, size)]


def block_layout(prefix, decoder=False):
    entries = attention_layout(f"{prefix}.attention", HIDDEN) + norm_layout(f"{prefix}.attended", HIDDEN)
    entries += linear_layout(f"{prefix}.feedForward.inner", HIDDEN, HIDDEN)
    entries += linear_layout(f"{prefix}.feedForward.outer", HIDDEN, HIDDEN) + norm_layout(f"{prefix}.fed", HIDDEN)
    if decoder:
        entries += attention_layout(f"{prefix}.cross", HIDDEN) + norm_layout(f"{prefix}.crossed", HIDDEN)
    return entries


def embedding_layout(prefix, inputs):
    return norm_layout(f"{prefix}.norm", inputs) + linear_layout(f"{prefix}.linear", inputs, HIDDEN)


def head_layout(prefix, outputs):
    return (
        linear_layout(f"{prefix}.inner", HIDDEN, HIDDEN)
        + norm_layout(f"{prefix}.norm", HIDDEN)
        + linear_layout(f"{prefix}.outer", HIDDEN, outputs)
    )


def transformer_layout(r, name):
    def remembering(prefix):
        return (gru_layout(f"{prefix}.gru") if r.recurrent else []) + norm_layout(f"{prefix}.norm", HIDDEN)

    inputs = OBS + N_AGENTS
    entries = embedding_layout("encoder.embedding", inputs) + remembering("encoder")
    entries += block_layout("encoder.blocks.0") + head_layout("encoder.head", 1)
    if plain(name) == "mat-dec":
        for i in range(1 if "shared" in name else N_AGENTS):
            entries += embedding_layout(f"actors.{i}.layers.0", inputs) + remembering(f"actors.{i}")
            entries += linear_layout(f"actors.{i}.head", HIDDEN, r.d)
    else:
        if r.kind == "choices":
            entries += [("decoder.embedding.weight", [r.d + 1, HIDDEN])]
        else:
            entries += linear_layout("decoder.embedding", r.d, HIDDEN)
        entries += norm_layout("decoder.norm", HIDDEN) + block_layout("decoder.blocks.0", True)
        entries += head_layout("decoder.head", r.d)
    return entries + ([] if r.kind == "choices" else [("rho", [r.d])])


def generator_layout():
    entries = norm_layout("input", OBS + N_AGENTS) + linear_layout("embedding", OBS + N_AGENTS, HIDDEN)
    entries += norm_layout("embedded", HIDDEN) + block_layout("blocks.0")
    return entries + linear_layout("looking", HIDDEN, 16) + linear_layout("seen", HIDDEN, 16) + linear_layout("edge", 16, 1)


class Network:
    """A vector of parameters, with its Adam."""

    def __init__(self, layout, phase, scale=0.4):
        self.layout = layout
        self.theta = wave(sum(math.prod(shape) for _, shape in layout), phase, scale).requires_grad_()
        self.optimizer = torch.optim.Adam([self.theta], lr=LR, eps=EPS)

    def tree(self):
        parameters, offset = {}, 0
        for name, shape in self.layout:
            size = math.prod(shape)
            parameters[name] = self.theta[offset : offset + size].reshape(shape)
            offset += size
        return parameters

    def summary(self):
        """Of the gradient: Adam's first moment over 1 − β₁, in which those before the last fade by β₁ at each step."""
        gradient = self.optimizer.state[self.theta]["exp_avg"] / (1 - 0.9)
        size = len(gradient)
        weights = wave(size, 3)
        bounds = [k * size // 16 for k in range(17)]
        parts = [slice(a, b) for a, b in zip(bounds, bounds[1:])]
        dots = [float(gradient[p] @ weights[p]) for p in parts]
        return {"dots": dots, "squares": [float(gradient[p] @ gradient[p]) for p in parts]}


def step(loss, *networks):
    """One step of Adam of each network."""
    for network, gradient in zip(networks, torch.autograd.grad(loss, [network.theta for network in networks])):
        network.theta.grad = gradient
        network.optimizer.step()


def norm(p, name, x):
    return torch.nn.functional.layer_norm(x, x.shape[-1:], p[f"{name}.scale"], p[f"{name}.offset"], 1e-5)


def linear(p, name, x):
    y = x @ p[f"{name}.weight"]
    return y + p[f"{name}.bias"] if f"{name}.bias" in p else y


gelu = torch.nn.functional.gelu


def mlp(p, name, x):
    x = norm(p, f"{name}.input", x)
    return norm(p, f"{name}.layers.0.norm", torch.relu(linear(p, f"{name}.layers.0.linear", x)))


def gru(p, name, x, state, starts):
    """The state after every row; x: those of one moment after those of another, as many as `state` has."""
    gates, states = linear(p, f"{name}.input", x), []
    for rows in torch.arange(len(x)).split(len(state)):
        state = state * (1 - starts[rows, None])
        new, old = gates[rows].chunk(3, -1), linear(p, f"{name}.hidden", state).chunk(3, -1)
        reset, update = torch.sigmoid(new[0] + old[0]), torch.sigmoid(new[1] + old[1])
        state = (1 - update) * torch.tanh(new[2] + reset * old[2]) + update * state
        states.append(state)
    return torch.cat(states)


class Gaussian:
    def __init__(self, mean, rho):
        self.mean, self.std = mean, (torch.sigmoid(rho) * 0.5).expand_as(mean)

    def log_prob(self, action):
        return torch.distributions.Normal(self.mean, self.std).log_prob(action).sum(-1)

    def entropy(self):
        return torch.distributions.Normal(self.mean, self.std).entropy().sum(-1)

    def sample(self, noise):
        return self.mean + self.std * noise


class Choices:
    def __init__(self, logits, mask):
        self.logits = logits + (1 - mask) * -1e9

    def log_prob(self, action):
        return (torch.log_softmax(self.logits, -1) * action).sum(-1)

    def entropy(self):
        logs = torch.log_softmax(self.logits, -1)
        return -(logs.exp() * logs).sum(-1)

    def sample(self, noise):
        soft = torch.softmax(self.logits + noise, -1)
        hard = torch.nn.functional.one_hot(soft.argmax(-1), soft.shape[-1]).double()
        return hard + soft - soft.detach()


def distribution(r, i, output, p):
    return Choices(output, r.masks[i]) if r.kind == "choices" else Gaussian(output, p["rho"])


def act(r, i, p, seen):
    """π_i, given what it sees of all actions side by side, [B, D], zero outside F(i)."""
    h = mlp(p, "trunk", r.obs[i][:ROWS])
    if r.recurrent:
        h = gru(p, "gru", h, r.hidden[i][:N], r.starts)
    if "conditioning.input.scale" in p:
        identity = torch.eye(N_AGENTS)[i].expand(ROWS, -1)
        h = h + mlp(p, "conditioning", torch.cat([seen, identity], -1))
    return distribution(r, i, linear(p, "head", norm(p, "norm", h) if "norm.scale" in p else h), p)


def attend(p, name, query, seen, causal):
    batch, n, size = query.shape

    def split(x):
        return x.reshape(batch, n, HEADS, size // HEADS).transpose(1, 2)

    q, k, v = (split(linear(p, f"{name}.{part}", x)) for part, x in (("query", query), ("key", seen), ("value", seen)))
    y = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=causal)
    return linear(p, f"{name}.output", y.transpose(1, 2).reshape(batch, n, size))


def feed(p, name, x):
    inner = gelu(linear(p, f"{name}.feedForward.inner", x))
    return norm(p, f"{name}.fed", x + linear(p, f"{name}.feedForward.outer", inner))


def encoder_block(p, name, x):
    return feed(p, name, norm(p, f"{name}.attended", x + attend(p, f"{name}.attention", x, x, False)))


def decoder_block(p, name, x, encoded):
    x = norm(p, f"{name}.attended", x + attend(p, f"{name}.attention", x, x, True))
    return feed(p, name, norm(p, f"{name}.crossed", encoded + attend(p, f"{name}.cross", encoded, x, True)))


def tokens(observations):
    n = len(observations)
    ids = [torch.eye(n)[i].expand(len(own), -1) for i, own in enumerate(observations)]
    return torch.stack([torch.cat([own, ids[i]], -1) for i, own in enumerate(observations)], 1)


def head(p, name, x):
    return linear(p, f"{name}.outer", norm(p, f"{name}.norm", gelu(linear(p, f"{name}.inner", x))))


def encode(p, observations, hidden, starts):
    """hidden: by agent, before the first of the observations or, as many as there are of those, before each of them."""
    x = gelu(linear(p, "encoder.embedding.linear", norm(p, "encoder.embedding.norm", tokens(observations))))
    if "encoder.gru.input.weight" in p:
        own = [gru(p, "encoder.gru", x[:, i], hidden[i][:, :HIDDEN], starts) for i in range(N_AGENTS)]
        x = torch.stack(own, 1)
    x = encoder_block(p, "encoder.blocks.0", norm(p, "encoder.norm", x))
    return x, head(p, "encoder.head", x).squeeze(-1)


def decode(r, p, encoded):
    start = torch.zeros(ROWS, 1, r.d)
    actions = torch.cat([start, torch.stack(r.actions[:-1], 1)], 1)
    if r.kind == "choices":
        flag = torch.zeros(ROWS, N_AGENTS, 1)
        flag[:, 0] = 1
        actions = torch.cat([flag, actions], -1)
    x = norm(p, "decoder.norm", gelu(linear(p, "decoder.embedding", actions)))
    out = head(p, "decoder.head", decoder_block(p, "decoder.blocks.0", x, encoded))
    return [distribution(r, i, out[:, i], p) for i in range(N_AGENTS)]


def decentralized(r, p):
    x = tokens([own[:ROWS] for own in r.obs])
    result = []
    for i in range(N_AGENTS):
        name = f"actors.{i if 'actors.1.head.bias' in p else 0}"
        y = gelu(linear(p, f"{name}.layers.0.linear", norm(p, f"{name}.layers.0.norm", x[:, i])))
        if r.recurrent:
            # An agent remembers two things: what the encoder does, and this.
            y = gru(p, f"{name}.gru", y, r.hidden[i][:N, HIDDEN:], r.starts)
        result.append(distribution(r, i, linear(p, f"{name}.head", norm(p, f"{name}.norm", y)), p))
    return result


def edge_logits(p, observations):
    x = norm(p, "embedded", gelu(linear(p, "embedding", norm(p, "input", tokens(observations)))))
    h = encoder_block(p, "blocks.0", x)
    pairs = torch.relu(linear(p, "looking", h)[:, :, None] + linear(p, "seen", h)[:, None, :])
    return linear(p, "edge", pairs).squeeze(-1)


def mean(x, weights):
    return (x * weights).sum() / weights.sum()


# Values.


def gae(r, values, final):
    """values [T · N + N], final: of the moment at which row 6 was cut off; both in units of reward."""
    advantages = torch.zeros(ROWS)
    for row in reversed(range(ROWS)):
        follow = 0.0 if r.terminations[row] else final if r.truncations[row] else values[row + N]
        goes_on = not (r.terminations[row] or r.truncations[row]) and row + N < ROWS
        delta = r.rewards[row] + GAMMA * follow - values[row]
        advantages[row] = delta + (GAMMA * LAMBDA * advantages[row + N] if goes_on else 0)
    return advantages


def normalize(advantages, weights):
    centered = advantages - mean(advantages, weights)
    return weights * centered / (mean(centered**2, weights).sqrt() + 1e-5)


def standardize(returns, weights):
    """Targets of a critic that has seen no others: standardised by their own mean and deviation."""
    centered = returns - mean(returns, weights)
    return centered / mean(centered**2, weights).clamp(min=1e-2).sqrt()


def huber_mean(values, targets, weights):
    """Values are near to the old ones, so that none of them is held back."""
    return mean(torch.nn.functional.huber_loss(values, targets, reduction="none", delta=10.0), weights)


def learn_values(r, name):
    """By agent, advantages; the mean loss and the networks of the critics."""
    team = (r.states, r.final_state, torch.stack(r.weights).amax(0), r.critic_hidden[0])
    own = list(zip(r.obs, r.final_obs, r.weights, r.critic_hidden))
    if plain(name) != "ippo":
        critics = {"critic": [team]}
    elif "shared" in name:
        critics = {"critic": own}
    else:
        critics = {f"critics.agent_{i}": [own[i]] for i in range(N_AGENTS)}
    losses, networks, advantages = [], {}, []
    recurrent = "recurrent-critic" in name
    for k, (critic, views) in enumerate(critics.items()):
        network = networks[critic] = Network(critic_layout(views[0][0].shape[1], recurrent), 100 + k)
        p = network.tree()

        def value(x, state, starts):
            """Values, and what is remembered after each."""
            h = mlp(p, "trunk", x)
            if not recurrent:
                return linear(p, "head", h).squeeze(-1), None
            states = gru(p, "gru", h, state, starts)
            return linear(p, "head", norm(p, "norm", states)).squeeze(-1), states

        values, raw = [], []
        for inputs, final, _, state in views:
            all_values, states = value(inputs, state, r.starts)
            # No new episode has begun for what is remembered where row 6 was cut off.
            final_value, _ = value(final[None], states[6:7] if recurrent else None, torch.zeros(1))
            values.append(all_values[:ROWS])
            raw.append(gae(r, all_values.detach(), final_value.detach()[0]))
        weights = torch.cat([active for _, _, active, _ in views])
        values = torch.cat(values)
        targets = standardize(torch.cat(raw) + values.detach(), weights)
        loss = huber_mean(values, targets, weights)
        losses.append(float(loss.detach()))
        step(loss, network)
        advantages += raw
    return advantages * (N_AGENTS // len(advantages)), sum(losses) / len(losses), networks


# Policies.


def ppo(ratio, advantage):
    return torch.minimum(ratio * advantage, ratio.clamp(1 - CLIP, 1 + CLIP) * advantage)


def seen_by(r, i, graph, actions):
    """All actions side by side, zero outside F(i); graph [B, n, n]."""
    return torch.cat([graph[:, i, j, None] * actions[j] for j in range(N_AGENTS)], -1)


def policies(r, name):
    """The order in which agents are updated, whom they look at in each row, and whether there is feedback."""
    before = torch.tril(torch.ones(3, 3), -1).expand(ROWS, -1, -1)
    nobody = torch.zeros(ROWS, 3, 3)
    looks = r.predecessors.sum(0).sum(-1)
    last_first = sorted(range(N_AGENTS), key=lambda i: (looks[i], i))[::-1]
    if "learned" in name:
        return last_first, r.predecessors, True
    return {
        "bppo": ([2, 1, 0], before, True),
        "bpta": ([0, 1, 2], before, True),
        "ar-mappo": ([2, 1, 0], before, False),
        "mappo": ([0, 1, 2], nobody, False),
        "ippo": ([0, 1, 2], nobody, False),
        "happo": ([2, 0, 1], nobody, False),
        "gcs": ([0, 1, 2], r.predecessors, False),
    }[plain(name)]


def actors(r, name):
    """By agent; one and the same where they share it."""
    # Larger where actions follow from θ by way of other agents, so that it shows.
    scale = 0.7 if "simultaneous" in name else 0.4
    if "shared" in name:
        return [Network(actor_layout(r, name), 80, scale)] * N_AGENTS
    return [Network(actor_layout(r, name), 80 + i, scale) for i in range(N_AGENTS)]


def policy(r, name, i, networks, actions):
    """π_i, given the actions of those that it looks at."""
    _, graph, _ = policies(r, name)
    return act(r, i, networks[i].tree(), seen_by(r, i, graph, actions))


def outcome(networks, losses, entropies):
    together = {"actor": networks[0]}
    alone = {f"actors.agent_{i}": network for i, network in enumerate(networks)}
    return together if networks[0] is networks[1] else alone, sum(losses) / N_AGENTS, sum(entropies) / N_AGENTS


def clip_rows(x, longest):
    lengths = x.norm(dim=-1, keepdim=True)
    return x * torch.where(lengths > longest, longest / lengths, torch.ones_like(lengths))


def update_policies(r, name, advantages, old):
    order, _, has_feedback = policies(r, name)
    networks = actors(r, name)
    stored = [a.clone() for a in r.actions]

    def log_ratio(j, actions):
        return policy(r, name, j, networks, actions).log_prob(stored[j]) - old[j]

    def product(agents):
        with torch.no_grad():
            return torch.stack([log_ratio(j, stored) * r.weights[j] for j in agents]).sum(0).exp() if agents else torch.ones(ROWS)

    updated, losses, entropies = [], [], []
    for i in order:
        d = policy(r, name, i, networks, stored)
        ratio = (d.log_prob(stored[i]) - old[i]).exp()
        if plain(name) in ("mappo", "ippo", "gcs"):
            gain = ppo(ratio, advantages[i])
        elif plain(name) == "happo":
            gain = product(updated) * ppo(ratio, advantages[i])
        else:
            correction = product(updated).clamp(1 - CLIP / 2, 1 + CLIP / 2)
            peer = torch.zeros(ROWS)
            if has_feedback:
                # Those who look at i: in a fixed order they are updated; in a graph of each row, whoever there is.
                heard = [j for j in range(N_AGENTS) if j != i] if "learned" in name else updated
                feedback = torch.zeros(ROWS, r.d)
                for j in heard:
                    own = stored[i].clone().requires_grad_()
                    actions = [own if k == i else stored[k] for k in range(N_AGENTS)]
                    influence = (log_ratio(j, actions).exp() * advantages[j]).sum()
                    (slope,) = torch.autograd.grad(influence, own)
                    others = product([k for k in heard if k != j]).clamp(1 - CLIP / 2, 1 + CLIP / 2)
                    feedback += others[:, None] * slope
                peer = (clip_rows(feedback, 10.0).detach() * d.sample(r.noise[i])).sum(-1)
            fixed = ratio.detach()
            clipped = ratio.clamp(1 - CLIP, 1 + CLIP)
            gain = torch.minimum(
                ratio * advantages[i] * correction + fixed * peer,
                clipped * advantages[i] * correction + clipped.detach() * peer,
            )
        losses.append(float(-mean(gain.detach(), r.weights[i])))
        entropies.append(float(mean(d.entropy().detach().expand(ROWS), r.weights[i])))
        step(-mean(gain, r.weights[i]) - ENTROPY * mean(d.entropy(), r.weights[i]), networks[i])
        updated.append(i)
    return outcome(networks, losses, entropies)


def redrawn(r, name, networks):
    """What agents do by g(θ_i, ε_i); what they did, to those who hear nothing."""
    acted = r.actions
    if plain(name) == "ar-mappo":
        return acted
    # In Theorem 1 each looks at what those before it did; in the full chain, at what they do by g, too: after as many
    # times as there are agents, whoever looks at whom.
    for _ in range(N_AGENTS if "full" in name else 1):
        drawn = [policy(r, name, i, networks, acted).sample(r.noise[i]) for i in range(N_AGENTS)]
        # Who is not active did nothing by θ.
        acted = [torch.where(r.weights[i][:, None] > 0, drawn[i], r.actions[i]) for i in range(N_AGENTS)]
    return acted


def update_simultaneously(r, name, advantages, old):
    """BPPO as one loss: π_j of what j did looks at actions that are functions of θ."""
    networks = actors(r, name)
    acted = redrawn(r, name, networks)
    log_ratios = [policy(r, name, i, networks, acted).log_prob(r.actions[i]) - old[i] for i in range(N_AGENTS)]
    gains, entropies = [], []
    for i, weights in enumerate(r.weights):
        others = sum(log_ratios[j].detach() * r.weights[j] for j in range(N_AGENTS) if j != i).exp()
        correction = others.clamp(1 - CLIP / 2, 1 + CLIP / 2)
        gains.append(mean(correction * ppo(log_ratios[i].exp(), advantages[i]), weights))
        # Feedback is of what agents do, not of their entropy.
        d = policy(r, name, i, networks, [own.detach() for own in acted])
        entropies.append(mean(d.entropy().expand(ROWS), weights))
    step(-sum(gains) - ENTROPY * sum(entropies), *set(networks))
    return outcome(networks, [float(-gain.detach()) for gain in gains], [float(own.detach()) for own in entropies])


def update_policies_at_once(r, name, advantages, _):
    """Theorem 1 on the plain policy gradient: all feedback first, then one step each."""
    networks = actors(r, name)
    feedback = []
    for i in range(N_AGENTS):
        own = r.actions[i].clone().requires_grad_()
        actions = [own if k == i else r.actions[k] for k in range(N_AGENTS)]
        others = [j for j in range(N_AGENTS) if j != i]
        reactions = sum((policy(r, name, j, networks, actions).log_prob(r.actions[j]) * advantages[j]).sum() for j in others)
        feedback.append(clip_rows(torch.autograd.grad(reactions, own)[0], 10.0))
    losses, entropies = [], []
    for i, network in enumerate(networks):
        d = policy(r, name, i, networks, r.actions)
        gain = mean(d.log_prob(r.actions[i]) * advantages[i] + (feedback[i] * d.sample(r.noise[i])).sum(-1), r.weights[i])
        entropy = mean(d.entropy().expand(ROWS), r.weights[i])
        losses.append(float(-gain.detach()))
        entropies.append(float(entropy.detach()))
        step(-gain - ENTROPY * entropy, network)
    return outcome(networks, losses, entropies)


def update_shared_policy(r, name, advantages, old):
    """One network for all agents, which learns from the samples of all of them at once."""
    networks = actors(r, name)
    acts = [policy(r, name, i, networks, r.actions) for i in range(N_AGENTS)]
    gain = torch.cat([ppo((d.log_prob(r.actions[i]) - old[i]).exp(), advantages[i]) for i, d in enumerate(acts)])
    weights = torch.cat(r.weights)
    entropy = mean(torch.cat([d.entropy().expand(ROWS) for d in acts]), weights)
    step(-mean(gain, weights) - ENTROPY * entropy, networks[0])
    return {"actor": networks[0]}, float(-mean(gain, weights).detach()), float(entropy.detach())


def update_generator(r, advantages, old):
    network = Network(generator_layout(), 120)
    logits = edge_logits(network.tree(), [own[:ROWS] for own in r.obs])
    off = 1 - torch.eye(N_AGENTS)
    active = torch.stack(r.weights)
    team = normalize(torch.stack(advantages).sum(0) / active.sum(0).clamp(min=1), active.amax(0))
    log_prob = (torch.distributions.Bernoulli(logits=logits).log_prob(r.edges) * off).sum((1, 2))
    surrogate = mean(ppo((log_prob - old).exp(), team), active.amax(0))
    p = torch.sigmoid(logits) * off
    power = torch.matrix_power(torch.eye(N_AGENTS) + p * p / N_AGENTS, N_AGENTS)
    cycles = mean(power.diagonal(dim1=1, dim2=2).sum(-1) - N_AGENTS, active.amax(0))
    step(cycles - surrogate, network)
    return network, {"graphLoss": float(-surrogate.detach()), "cyclicity": float(cycles.detach())}


def old_log_probs(r, current):
    """What the policy that acted is taken to have said: near to what the present one says."""
    return [(own.detach() + wave(ROWS, 90 + i, 0.3)) for i, own in enumerate(current)]


def actor_case(name, kind, recurrent=False):
    r = Rollout(kind, recurrent)
    raw, value_loss, networks = learn_values(r, name)
    together = "shared" in name and plain(name) in ("mappo", "ippo", "gcs")
    # Over the samples that a step is taken with.
    if together:
        advantages = normalize(torch.cat(raw), torch.cat(r.weights)).chunk(N_AGENTS)
    else:
        advantages = [normalize(own, weights) for own, weights in zip(raw, r.weights)]
    fresh = actors(r, name)
    seen = redrawn(r, name, fresh) if "simultaneous" in name else r.actions
    now = [policy(r, name, i, fresh, seen).log_prob(r.actions[i]) for i in range(N_AGENTS)]
    old = old_log_probs(r, now)
    if together:
        update = update_shared_policy
    elif plain(name) == "bpta":
        update = update_policies_at_once
    else:
        update = update_simultaneously if "simultaneous" in name else update_policies
    learnt, policy_loss, entropy = update(r, name, advantages, old)
    networks.update(learnt)
    metrics = {"policyLoss": policy_loss, "valueLoss": value_loss, "entropy": entropy}
    case = {"algorithm": name, "kind": kind, "recurrent": recurrent, "oldLogProbs": [own.tolist() for own in old]}
    if plain(name) == "gcs" or "learned" in name:
        logits = edge_logits(Network(generator_layout(), 120).tree(), [own[:ROWS] for own in r.obs])
        off = 1 - torch.eye(N_AGENTS)
        log_prob = (torch.distributions.Bernoulli(logits=logits).log_prob(r.edges) * off).sum((1, 2))
        graph_old = log_prob.detach() + wave(ROWS, 95, 0.3)
        networks["graph"], graph_metrics = update_generator(r, advantages, graph_old)
        metrics |= graph_metrics
        case["oldGraphLogProbs"] = graph_old.tolist()
    return finish(case, metrics, networks)


def transformer_case(name, kind, recurrent=False):
    decentralizes = plain(name) == "mat-dec"
    r = Rollout(kind, recurrent, memory=2 * HIDDEN if decentralizes else HIDDEN)
    network = Network(transformer_layout(r, name), 110)
    p = network.tree()
    encoded, values = encode(p, [own[:ROWS] for own in r.obs], [own[:N] for own in r.hidden], r.starts)
    distributions = decentralized(r, p) if decentralizes else decode(r, p, encoded)
    log_probs = [d.log_prob(r.actions[i]) for i, d in enumerate(distributions)]
    old = old_log_probs(r, log_probs)
    with torch.no_grad():
        # By what was remembered as it was stored; after row 6, before row 10.
        _, all_values = encode(p, r.obs, r.hidden, r.starts)
        _, final = encode(p, [own[None] for own in r.final_obs], [own[10:11] for own in r.hidden], torch.zeros(1))
        raw = [gae(r, all_values[:, i], final[0, i]) for i in range(N_AGENTS)]
    weights = torch.cat(r.weights)
    targets = standardize(torch.cat(raw) + all_values[:ROWS].T.flatten(), weights)
    advantages = normalize(torch.cat(raw), weights).chunk(N_AGENTS)
    gain = torch.cat([ppo((log_probs[i] - old[i]).exp(), advantages[i]) for i in range(N_AGENTS)])
    policy_loss = -mean(gain, weights)
    entropy = mean(torch.cat([d.entropy() for d in distributions]), weights)
    value_loss = huber_mean(values.T.flatten(), targets, weights)
    step(policy_loss - ENTROPY * entropy + value_loss, network)
    metrics = {"policyLoss": float(policy_loss.detach()), "valueLoss": float(value_loss.detach()), "entropy": float(entropy.detach())}
    case = {"algorithm": name, "kind": kind, "recurrent": recurrent, "oldLogProbs": [own.tolist() for own in old]}
    return finish(case, metrics, {"transformer": network})


def rounded(x):
    if isinstance(x, float):
        return float(f"{x:.6g}")
    if isinstance(x, dict):
        return {key: rounded(value) for key, value in x.items()}
    return [rounded(value) for value in x] if isinstance(x, list) else x


def finish(case, metrics, networks):
    return rounded(case | {"metrics": metrics, "gradients": {name: own.summary() for name, own in networks.items()}})


def main():
    cases = []
    for kind in ("choices", "numbers"):
        for name in ("bppo", "bpta", "ar-mappo", "mappo", "ippo", "happo", "gcs", "bppo-learned", "bppo-simultaneous"):
            cases.append(actor_case(name, kind))
        cases.append(actor_case("ar-mappo-simultaneous", kind))
        for name in ("mappo", "ippo", "gcs", "bppo", "bppo-learned", "bppo-simultaneous", "bpta", "ar-mappo", "happo"):
            cases.append(actor_case(f"{name}-shared", kind))
        cases.append(actor_case("mappo-recurrent-critic", kind))
        for name in ("bppo", "bpta", "ar-mappo", "ippo", "happo", "gcs", "mappo-shared", "gcs-shared", "bppo-learned"):
            cases.append(actor_case(name, kind, True))
        cases.append(actor_case("ar-mappo-simultaneous-shared", kind, True))
        for name in ("bppo-simultaneous", "bppo-learned-simultaneous"):
            cases += [actor_case(f"{name}{chain}", kind, True) for chain in ("", "-full")]
        cases.append(actor_case("ippo-shared-recurrent-critic", kind, True))
        cases.append(transformer_case("mat-dec-shared", kind))
        for name in ("mat", "mat-dec"):
            cases += [transformer_case(name, kind, recurrent) for recurrent in (True, False)]
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text("[\n" + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]\n")
    print(f"{len(cases)} cases, {OUT.stat().st_size} bytes")


main()
