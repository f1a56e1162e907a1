"""Records what scipy and statsmodels say about 1,000 random tables, for statistics.test.ts to compare with.

  python3 -m venv venv && venv/bin/pip install scipy==1.17.1 statsmodels==0.15.0
  venv/bin/python reference.py > reference.jsonl
"""
import json
import sys

import numpy as np
import scipy
import statsmodels
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

random = np.random.default_rng(20261201)
whole = random.integers


def say(kind, given, p):
    print(json.dumps([kind, given, p], separators=(',', ':'), allow_nan=False))


def mcnemar_tables():
    for n in range(250):
        size = [12, 60, 400, 3000, 60000][n % 5]
        b, c = (int(x) for x in whole(0, size, 2))
        if n % 3 == 0:
            c = max(0, b + int(whole(-1, 2) * np.sqrt(b + 1) * random.uniform(0, 4)))
        p = float(mcnemar([[int(whole(0, size)), b], [c, 5]], exact=True).pvalue)
        if b + c > 0:
            assert abs(p - stats.binomtest(b, b + c, 0.5).pvalue) < 1e-9
        say('mcnemar', [b, c], p)


def wilcoxon_differences():
    """Without ties, with ties, with zeros; from very few to more than scipy's exact test takes."""
    for n in range(400):
        size = int(whole(1, [8, 14, 51, 60, 300][n % 5]))
        shift = random.choice([0, 0, 0.3, 1])
        if n % 4 == 0:
            d = np.round(random.normal(shift, 1, size), 6)
        elif n % 4 == 1:
            d = np.round(random.normal(3 * shift, 3, size))
        elif n % 4 == 2:
            d = np.round(random.lognormal(5, 1, size) - random.lognormal(5 + shift, 1, size))
        else:
            d = whole(-1, 2, size) + (random.random(size) < shift / 3)
        if not np.any(d):
            d[0] = 1
        say('wilcoxon', [float(x) if x % 1 else int(x) for x in d], float(stats.wilcoxon(d).pvalue))


def flipped_clusters():
    """Net changes by question; scipy's permutation test is exact up to 13 of them."""
    for n in range(150):
        d = whole(-3, 4, int(whole(2, 14))) + (n % 2)
        p = stats.permutation_test((d,), np.sum, permutation_type='samples', n_resamples=10**5).pvalue
        say('net', [int(x) for x in d], float(p))


def holm_families():
    for n in range(100):
        p = np.round(random.beta(0.3, 1.5, int(whole(1, 46))), 8)
        if n % 5 == 0:
            p = np.round(p, 1)
        say('holm', [float(x) for x in p], [float(x) for x in multipletests(p, method='holm')[1]])


def quantiles():
    for n in range(100):
        tail = float(f'{10 ** random.uniform(-7, -0.31):.6g}')
        if n % 10 == 0:
            tail = round(1 - tail, 7)
        df = int([whole(1, 8), whole(8, 400), whole(400, 50000)][n % 3])
        say('quantile', [tail, df], [float(stats.norm.isf(tail)), float(stats.t.isf(tail, df))])


say('versions', 'recorded with', f'scipy {scipy.__version__}, statsmodels {statsmodels.__version__}, numpy {np.__version__}')
for record in (mcnemar_tables, wilcoxon_differences, flipped_clusters, holm_families, quantiles):
    record()
sys.stdout.flush()
