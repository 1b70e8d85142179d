"""Golden numbers of the statistics over seeds, by the authors' library: pip install rliable==1.2.0 "pandas<3".

python scripts/rliable-golden.py > src/evaluation/golden/rliable.json

Scores of three methods on four tasks, of many shapes: spread, skewed, tied, all the same. Point estimates are exact;
an interval's ends come with their standard errors over repetitions of the bootstrap with other random numbers.
"""

import json
import sys

import numpy as np
from rliable import library, metrics

REPETITIONS = 12
RESAMPLES = 4000
THRESHOLDS = [-0.5, 0.0, 0.25, 0.5, 0.75, 1.0, 1.5]

draw = np.random.default_rng(2021)
RUNS = 10
scores = {
    "spread": np.stack([draw.normal(m, s, RUNS) for m, s in [(0.5, 0.3), (0.8, 0.1), (0.2, 0.6), (1.1, 0.2)]], axis=1),
    "skewed": np.stack([draw.exponential(0.5, RUNS) - 0.1 for _ in range(4)], axis=1),
    "tied": np.stack(
        [
            draw.choice([0.0, 0.25, 1.0], RUNS),
            np.ones(RUNS),
            draw.choice([0.0, 1.0], RUNS, p=[0.2, 0.8]),
            np.round(draw.uniform(0, 1, RUNS), 1),
        ],
        axis=1,
    ),
}

statistics = {
    "mean": metrics.aggregate_mean,
    "median": metrics.aggregate_median,
    "interquartileMean": metrics.aggregate_iqm,
    "optimalityGap": metrics.aggregate_optimality_gap,
}


def estimates(score_dict, func):
    """Point estimates, and the mean and standard deviation of the ends of 95 % intervals over repetitions."""
    ends = {key: [] for key in score_dict}
    for repetition in range(REPETITIONS):
        np.random.seed(repetition)  # rliable draws from NumPy's global stream.
        points, intervals = library.get_interval_estimates(score_dict, func, reps=RESAMPLES)
        for key, interval in intervals.items():
            ends[key].append(interval)
    return {
        key: {
            "point": np.atleast_1d(points[key]).tolist(),
            "low": np.mean(ends[key], axis=0)[0].tolist(),
            "high": np.mean(ends[key], axis=0)[1].tolist(),
            "spread": np.std(ends[key], axis=0, ddof=1).tolist(),
        }
        for key in score_dict
    }


golden = {
    "rliable": "1.2.0",
    "resamples": RESAMPLES,
    "thresholds": THRESHOLDS,
    # By task, then by run, as the project's functions take them.
    "scores": {name: values.T.tolist() for name, values in scores.items()},
    "aggregates": estimates(scores, lambda x: np.array([f(x) for f in statistics.values()])),
    "aggregateNames": list(statistics),
    "profiles": estimates(scores, lambda x: np.array([np.mean(x > t) for t in THRESHOLDS])),
    "improvement": estimates(
        {f"{x},{y}": [scores[x], scores[y]] for x in scores for y in scores if x < y},
        lambda x, y: np.array([metrics.probability_of_improvement(x, y)]),
    ),
}
json.dump(golden, sys.stdout, separators=(",", ":"))
