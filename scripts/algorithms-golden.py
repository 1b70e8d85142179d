"""Makes src/algorithms/golden/updates.json: what one update of each algorithm comes to, written again in PyTorch.

    python -m venv /tmp/reference
    /tmp/reference/bin/pip install torch==2.13.0
    /tmp/reference/bin/python scripts/algorithms-golden.py

Nothing is drawn: parameters, observations, actions, noise and rewards are waves, which src/algorithms/golden.test.ts makes
too. Losses are written from the papers, gradients are autograd's, in float64. A network's gradient [P] is kept as the
inner products of sixteen parts of it with a wave, and their squared lengths.
"""

import json
import math
import pathlib

import torch

torch.set_default_dtype(torch.float64)

N_AGENTS, T, N, OBS, STATE, HIDDEN, HEADS = 3, 3, 4, 3, 4, 6, 2
ROWS = T * N
LR, EPS, CLIP, ENTROPY, GAMMA, LAMBDA = 1e-2, 1e-5, 0.2, 0.02, 0.9, 0.8
OUT = pathlib.Path(__file__).parent.parent / "src" / "algorithms" / "golden" / "updates.json"


def wave(size, phase, scale=1.0):
    return torch.tensor([scale * math.sin(1.9 * k + phase) for k in range(size)])


# What happened: the same for all algorithms.


class Rollout:
    def __init__(self, kind, recurrent=False):
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
        self.hidden = [wave(N * HIDDEN, 70 + i, 0.5).reshape(N, HIDDEN) for i in range(N_AGENTS)]
        self.starts = torch.tensor([1.0 if row in (9, 10) else 0.0 for row in range(ROWS)])
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


def actor_layout(r, name):
    """Where nobody looks at anybody, and each has a network of its own, there is nothing to condition on."""
    alone = name in ("mappo", "ippo", "happo")
    entries = mlp_layout("trunk", OBS)
    if r.recurrent:
        entries += linear_layout("gru.input", HIDDEN, 3 * HIDDEN) + linear_layout("gru.hidden", HIDDEN, 3 * HIDDEN)
    if not alone:
        entries += mlp_layout("conditioning", N_AGENTS * r.d + N_AGENTS)
    if r.recurrent or not alone:
        entries += norm_layout("norm", HIDDEN)
    entries += linear_layout("head", HIDDEN, r.d)
    return entries + ([] if r.kind == "choices" else [("rho", [r.d])])


def critic_layout(inputs):
    return mlp_layout("trunk", inputs) + linear_layout("head", HIDDEN, 1)


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


def transformer_layout(r, decentralized):
    inputs = OBS + N_AGENTS
    entries = embedding_layout("encoder.embedding", inputs) + norm_layout("encoder.norm", HIDDEN)
    entries += block_layout("encoder.blocks.0") + head_layout("encoder.head", 1)
    if decentralized:
        for i in range(N_AGENTS):
            entries += embedding_layout(f"actors.{i}.layers.0", inputs) + norm_layout(f"actors.{i}.norm", HIDDEN)
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
    """A vector of parameters, of which the first gradient is remembered."""

    def __init__(self, layout, phase):
        self.layout = layout
        self.theta = wave(sum(math.prod(shape) for _, shape in layout), phase, 0.4).requires_grad_()
        self.gradient = None

    def tree(self):
        parameters, offset = {}, 0
        for name, shape in self.layout:
            size = math.prod(shape)
            parameters[name] = self.theta[offset : offset + size].reshape(shape)
            offset += size
        return parameters

    def step(self, loss):
        """One step of Adam, which is its first."""
        optimizer = torch.optim.Adam([self.theta], lr=LR, eps=EPS)
        optimizer.zero_grad()
        loss.backward()
        self.gradient = self.theta.grad.clone()
        optimizer.step()

    def summary(self):
        size = len(self.gradient)
        weights = wave(size, 3)
        bounds = [k * size // 16 for k in range(17)]
        parts = [slice(a, b) for a, b in zip(bounds, bounds[1:])]
        dots = [float(self.gradient[p] @ weights[p]) for p in parts]
        return {"dots": dots, "squares": [float(self.gradient[p] @ self.gradient[p]) for p in parts]}


def norm(p, name, x):
    return torch.nn.functional.layer_norm(x, x.shape[-1:], p[f"{name}.scale"], p[f"{name}.offset"], 1e-5)


def linear(p, name, x):
    y = x @ p[f"{name}.weight"]
    return y + p[f"{name}.bias"] if f"{name}.bias" in p else y


gelu = torch.nn.functional.gelu


def mlp(p, name, x):
    x = norm(p, f"{name}.input", x)
    return norm(p, f"{name}.layers.0.norm", torch.relu(linear(p, f"{name}.layers.0.linear", x)))


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
        state, states = r.hidden[i], []
        gates = linear(p, "gru.input", h)
        for t in range(T):
            rows = slice(t * N, (t + 1) * N)
            state = state * (1 - r.starts[rows, None])
            x, y = gates[rows].chunk(3, -1), linear(p, "gru.hidden", state).chunk(3, -1)
            reset, update = torch.sigmoid(x[0] + y[0]), torch.sigmoid(x[1] + y[1])
            state = (1 - update) * torch.tanh(x[2] + reset * y[2]) + update * state
            states.append(state)
        h = torch.cat(states)
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


def encode(p, observations):
    x = gelu(linear(p, "encoder.embedding.linear", norm(p, "encoder.embedding.norm", tokens(observations))))
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
        name = f"actors.{i}"
        y = gelu(linear(p, f"{name}.layers.0.linear", norm(p, f"{name}.layers.0.norm", x[:, i])))
        result.append(distribution(r, i, linear(p, f"{name}.head", norm(p, f"{name}.norm", y)), p))
    return result


def edge_logits(p, observations):
    x = norm(p, "embedded", gelu(linear(p, "embedding", norm(p, "input", tokens(observations)))))
    h = encoder_block(p, "blocks.0", x)
    pairs = torch.relu(linear(p, "looking", h)[:, :, None] + linear(p, "seen", h)[:, None, :])
    return linear(p, "edge", pairs).squeeze(-1)


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
    mean = (advantages * weights).sum() / weights.sum()
    deviation = (((advantages - mean) ** 2 * weights).sum() / weights.sum()).sqrt()
    return weights * (advantages - mean) / (deviation + 1e-5)


def standardize(returns, weights):
    """Targets of a critic that has seen no others: standardised by their own mean and deviation."""
    mean = (returns * weights).sum() / weights.sum()
    variance = ((returns - mean) ** 2 * weights).sum() / weights.sum()
    return (returns - mean) / variance.clamp(min=1e-2).sqrt()


def huber_mean(values, targets, weights):
    loss = torch.nn.functional.huber_loss(values, targets, reduction="none", delta=10.0)
    return (loss * weights).sum() / weights.sum()


def learn_values(r, view):
    """By agent, advantages; losses and networks of the critics."""
    if view == "observations":
        return learn_values_together(r)
    losses, networks, advantages = [], {}, []
    groups = [(None, "critic")] if view == "state" else [(i, f"critics.agent_{i}") for i in range(N_AGENTS)]
    for agent, name in groups:
        inputs = r.states if agent is None else r.obs[agent]
        final = r.final_state if agent is None else r.final_obs[agent]
        network = Network(critic_layout(inputs.shape[1]), 100 + (0 if agent is None else agent))

        def value(x):
            p = network.tree()
            return linear(p, "head", mlp(p, "trunk", x)).squeeze(-1)

        with torch.no_grad():
            values = value(inputs)
            raw = gae(r, values, value(final[None])[0])
        active = torch.stack(r.weights).amax(0) if agent is None else r.weights[agent]
        targets = standardize(raw + values[:ROWS], active)
        loss = huber_mean(value(inputs[:ROWS]), targets, active)
        losses.append(float(loss.detach()))
        network.step(loss)
        networks[name] = network
        advantages += [raw] * (N_AGENTS if agent is None else 1)
    return advantages, sum(losses) / len(losses), networks


def learn_values_together(r):
    """The same with one critic, which looks at every agent's observations."""
    network = Network(critic_layout(OBS), 100)

    def value(x):
        p = network.tree()
        return linear(p, "head", mlp(p, "trunk", x)).squeeze(-1)

    with torch.no_grad():
        values = [value(own) for own in r.obs]
        raw = [gae(r, own, value(final[None])[0]) for own, final in zip(values, r.final_obs)]
    weights = torch.cat(r.weights)
    targets = standardize(torch.cat([a + v[:ROWS] for a, v in zip(raw, values)]), weights)
    loss = huber_mean(value(torch.cat([own[:ROWS] for own in r.obs])), targets, weights)
    network.step(loss)
    return raw, float(loss.detach()), {"critic": network}


# Policies.


def ppo(ratio, advantage):
    return torch.minimum(ratio * advantage, ratio.clamp(1 - CLIP, 1 + CLIP) * advantage)


def mean(x, weights):
    return (x * weights).sum() / weights.sum()


def seen_by(r, i, graph, actions):
    """All actions side by side, zero outside F(i); graph [B, n, n]."""
    return torch.cat([graph[:, i, j, None] * actions[j] for j in range(N_AGENTS)], -1)


def policies(r, name):
    """The order in which agents are updated, whom they look at in each row, and whether there is feedback."""
    before = torch.tril(torch.ones(3, 3), -1).expand(ROWS, -1, -1)
    nobody = torch.zeros(ROWS, 3, 3)
    looks = r.predecessors.sum(0).sum(-1)
    last_first = sorted(range(N_AGENTS), key=lambda i: (looks[i], i))[::-1]
    return {
        "bppo": ([2, 1, 0], before, True),
        "bpta": ([0, 1, 2], before, True),
        "ar-mappo": ([2, 1, 0], before, False),
        "mappo": ([0, 1, 2], nobody, False),
        "ippo": ([0, 1, 2], nobody, False),
        "happo": ([2, 0, 1], nobody, False),
        "gcs": ([0, 1, 2], r.predecessors, False),
        "bppo-learned": (last_first, r.predecessors, True),
    }[name.removesuffix("-shared")]


def clip_rows(x, longest):
    lengths = x.norm(dim=-1, keepdim=True)
    return x * torch.where(lengths > longest, longest / lengths, torch.ones_like(lengths))


def update_policies(r, name, advantages, old):
    order, graph, has_feedback = policies(r, name)
    networks = [Network(actor_layout(r, name), 80 + i) for i in range(N_AGENTS)]
    stored = [a.clone() for a in r.actions]

    def log_ratio(j, actions):
        d = act(r, j, networks[j].tree(), seen_by(r, j, graph, actions))
        return (d.log_prob(stored[j]) - old[j])

    def product(agents):
        with torch.no_grad():
            return torch.stack([log_ratio(j, stored) * r.weights[j] for j in agents]).sum(0).exp() if agents else torch.ones(ROWS)

    updated, losses, entropies = [], [], []
    for i in order:
        d = act(r, i, networks[i].tree(), seen_by(r, i, graph, stored))
        ratio = (d.log_prob(stored[i]) - old[i]).exp()
        if name in ("mappo", "ippo", "gcs"):
            gain = ppo(ratio, advantages[i])
        elif name == "happo":
            gain = product(updated) * ppo(ratio, advantages[i])
        else:
            correction = product(updated).clamp(1 - CLIP / 2, 1 + CLIP / 2)
            peer = torch.zeros(ROWS)
            if has_feedback:
                # Those who look at i: in a fixed order they are updated; in a graph of each row, whoever there is.
                heard = updated if name == "bppo" else [j for j in range(N_AGENTS) if j != i]
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
        networks[i].step(-mean(gain, r.weights[i]) - ENTROPY * mean(d.entropy(), r.weights[i]))
        updated.append(i)
    named = {f"actors.agent_{i}": network for i, network in enumerate(networks)}
    return named, sum(losses) / N_AGENTS, sum(entropies) / N_AGENTS


def update_policies_at_once(r, name, advantages, _):
    """Theorem 1 on the plain policy gradient: all feedback first, then one step each."""
    _, graph, _ = policies(r, name)
    networks = [Network(actor_layout(r, name), 80 + i) for i in range(N_AGENTS)]

    def policy(i, actions):
        return act(r, i, networks[i].tree(), seen_by(r, i, graph, actions))

    feedback = []
    for i in range(N_AGENTS):
        own = r.actions[i].clone().requires_grad_()
        actions = [own if k == i else r.actions[k] for k in range(N_AGENTS)]
        reactions = sum((policy(j, actions).log_prob(r.actions[j]) * advantages[j]).sum() for j in range(N_AGENTS) if j != i)
        feedback.append(clip_rows(torch.autograd.grad(reactions, own)[0], 10.0))
    losses, entropies = [], []
    for i, network in enumerate(networks):
        d = policy(i, r.actions)
        gain = mean(d.log_prob(r.actions[i]) * advantages[i] + (feedback[i] * d.sample(r.noise[i])).sum(-1), r.weights[i])
        entropy = mean(d.entropy().expand(ROWS), r.weights[i])
        losses.append(float(-gain.detach()))
        entropies.append(float(entropy.detach()))
        network.step(-gain - ENTROPY * entropy)
    named = {f"actors.agent_{i}": network for i, network in enumerate(networks)}
    return named, sum(losses) / N_AGENTS, sum(entropies) / N_AGENTS


def update_shared_policy(r, name, advantages, old):
    """One network for all agents, which learns from the samples of all of them at once."""
    _, graph, _ = policies(r, name)
    network = Network(actor_layout(r, name), 80)
    p = network.tree()
    acts = [act(r, i, p, seen_by(r, i, graph, r.actions)) for i in range(N_AGENTS)]
    gain = torch.cat([ppo((d.log_prob(r.actions[i]) - old[i]).exp(), advantages[i]) for i, d in enumerate(acts)])
    weights = torch.cat(r.weights)
    entropy = mean(torch.cat([d.entropy().expand(ROWS) for d in acts]), weights)
    network.step(-mean(gain, weights) - ENTROPY * entropy)
    return {"actor": network}, float(-mean(gain, weights).detach()), float(entropy.detach())


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
    network.step(cycles - surrogate)
    return network, {"graphLoss": float(-surrogate.detach()), "cyclicity": float(cycles.detach())}


def old_log_probs(r, current):
    """What the policy that acted is taken to have said: near to what the present one says."""
    return [(own.detach() + wave(ROWS, 90 + i, 0.3)) for i, own in enumerate(current)]


def actor_case(name, kind, recurrent=False):
    r = Rollout(kind, recurrent)
    shared = name.endswith("-shared")
    view = {"ippo": "observation", "ippo-shared": "observations"}.get(name, "state")
    raw, value_loss, networks = learn_values(r, view)
    # Over the samples that a network learns from.
    if shared:
        advantages = normalize(torch.cat(raw), torch.cat(r.weights)).chunk(N_AGENTS)
    else:
        advantages = [normalize(own, weights) for own, weights in zip(raw, r.weights)]
    _, graph, _ = policies(r, name)
    fresh = [Network(actor_layout(r, name), 80 + (0 if shared else i)).tree() for i in range(N_AGENTS)]
    now = [act(r, i, fresh[i], seen_by(r, i, graph, r.actions)).log_prob(r.actions[i]) for i in range(N_AGENTS)]
    old = old_log_probs(r, now)
    update = update_shared_policy if shared else update_policies_at_once if name == "bpta" else update_policies
    actors, policy_loss, entropy = update(r, name, advantages, old)
    networks.update(actors)
    metrics = {"policyLoss": policy_loss, "valueLoss": value_loss, "entropy": entropy}
    case = {"algorithm": name, "kind": kind, "recurrent": recurrent, "oldLogProbs": [own.tolist() for own in old]}
    if name in ("gcs", "gcs-shared", "bppo-learned"):
        logits = edge_logits(Network(generator_layout(), 120).tree(), [own[:ROWS] for own in r.obs])
        off = 1 - torch.eye(N_AGENTS)
        log_prob = (torch.distributions.Bernoulli(logits=logits).log_prob(r.edges) * off).sum((1, 2))
        graph_old = log_prob.detach() + wave(ROWS, 95, 0.3)
        networks["graph"], graph_metrics = update_generator(r, advantages, graph_old)
        metrics |= graph_metrics
        case["oldGraphLogProbs"] = graph_old.tolist()
    return finish(case, metrics, networks)


def transformer_case(name, kind):
    r = Rollout(kind)
    network = Network(transformer_layout(r, name == "mat-dec"), 110)
    p = network.tree()
    encoded, values = encode(p, [own[:ROWS] for own in r.obs])
    distributions = decentralized(r, p) if name == "mat-dec" else decode(r, p, encoded)
    log_probs = [d.log_prob(r.actions[i]) for i, d in enumerate(distributions)]
    old = old_log_probs(r, log_probs)
    with torch.no_grad():
        _, all_values = encode(p, r.obs)
        _, final = encode(p, [own[None] for own in r.final_obs])
        raw = [gae(r, all_values[:, i], final[0, i]) for i in range(N_AGENTS)]
    weights = torch.cat(r.weights)
    returns = torch.cat([raw[i] + all_values[:ROWS, i] for i in range(N_AGENTS)])
    advantages = normalize(torch.cat(raw), weights).chunk(N_AGENTS)
    gain = torch.cat([ppo((log_probs[i] - old[i]).exp(), advantages[i]) for i in range(N_AGENTS)])
    policy_loss = -mean(gain, weights)
    entropy = mean(torch.cat([d.entropy() for d in distributions]), weights)
    value_loss = huber_mean(torch.cat([values[:, i] for i in range(N_AGENTS)]), standardize(returns, weights), weights)
    network.step(policy_loss - ENTROPY * entropy + value_loss)
    metrics = {"policyLoss": float(policy_loss.detach()), "valueLoss": float(value_loss.detach()), "entropy": float(entropy.detach())}
    case = {"algorithm": name, "kind": kind, "recurrent": False, "oldLogProbs": [own.tolist() for own in old]}
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
        for name in ("bppo", "bpta", "ar-mappo", "mappo", "ippo", "happo", "gcs", "bppo-learned"):
            cases.append(actor_case(name, kind))
        cases += [actor_case(f"{name}-shared", kind) for name in ("mappo", "ippo", "gcs")]
        cases += [actor_case(name, kind, True) for name in ("bppo", "bpta", "ar-mappo", "ippo", "happo", "gcs", "mappo-shared")]
        cases += [transformer_case("mat", kind), transformer_case("mat-dec", kind)]
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text("[\n" + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]\n")
    print(f"{len(cases)} cases, {OUT.stat().st_size} bytes")


main()
