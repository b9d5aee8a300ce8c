"""Codes blocks by ordered random coding as one would with PyTorch: block by block, with tensors of all candidates."""

import torch  # pyright: ignore[reportMissingImports]

from experiments.benchmarks.cases import Case
from experiments.benchmarks.task import Task


def prepare(case: Case, blocks: int) -> Task:
    """Prepares the coding of blocks.

    Args:
        case: The blocks.
        blocks: Number of blocks.

    Returns:
        The code, whose amount is the number of candidates of all blocks.
    """
    torch.set_num_threads(1)
    mean, scale = map(torch.from_numpy, case.targets(blocks))
    order = torch.arange(case.candidates, 0, -1, dtype=torch.float32)

    def arrivals():
        return torch.cumsum(torch.empty(case.candidates).exponential_() * case.candidates / order, 0)

    def log_ratio(z, m, s):
        return (0.5 * (z**2 - ((z - m) / s) ** 2)).sum(1)

    def plain(m, s):
        z = torch.randn(case.candidates, case.dim)
        return int(torch.argmin(torch.log(arrivals()) - log_ratio(z, m, s)))

    def partitioned(m, s):
        intervals, gain = [], torch.zeros(case.candidates)
        for d, count in enumerate(case.intervals):
            edges = torch.special.ndtri(torch.linspace(0, 1, count + 1))
            weight = torch.diff(torch.special.ndtr((edges - m[d]) / s[d])) + 1e-5
            weight = weight / weight.sum()
            intervals.append(torch.bucketize(torch.rand(case.candidates), torch.cumsum(weight, 0)[:-1]))
            gain += torch.log(count * weight)[intervals[-1]]
        k = torch.stack(intervals, 1)
        uniform = (k + torch.rand(case.candidates, case.dim)) / torch.tensor(case.intervals)
        z = torch.special.ndtri(uniform.clamp(6e-8, 1 - 6e-8))
        winner = int(torch.argmin(torch.log(arrivals()) - log_ratio(z, m, s) + gain))
        return k[winner], int((k[: winner + 1] == k[winner]).all(1).sum())

    def code() -> None:
        for m, s in zip(mean, scale, strict=True):
            partitioned(m, s) if case.intervals else plain(m, s)

    return Task({"candidates": (code, blocks * case.candidates)})
