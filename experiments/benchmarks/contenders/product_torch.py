"""Codes blocks that share candidates by ordered random coding with one matrix product in PyTorch."""

import torch  # pyright: ignore[reportMissingImports]

from experiments.benchmarks.cases import Case
from experiments.benchmarks.task import Task


def prepare(case: Case, blocks: int) -> Task:
    """Prepares the coding of blocks.

    Args:
        case: The blocks, which must share their candidates and have no partition.
        blocks: Number of blocks.

    Returns:
        The code, whose amount is the number of candidates of all blocks.

    Raises:
        ValueError: If the blocks do not share their candidates or have a partition.
    """
    if not case.shared or case.intervals:
        raise ValueError(f"{case.name!r} does not share candidates, which this contender needs; leave it out.")
    torch.set_num_threads(1)
    mean, scale = map(torch.from_numpy, case.targets(blocks))
    precision = 1 / scale**2
    numbers = torch.cat([0.5 * (1 - precision), mean * precision], 1).T.contiguous()
    order = torch.arange(case.candidates, 0, -1, dtype=torch.float32)[:, None]

    def code() -> None:
        z = torch.randn(case.candidates, case.dim)
        log_ratio = torch.cat([z * z, z], 1) @ numbers
        waits = torch.empty(case.candidates, blocks).exponential_() * case.candidates / order
        torch.argmin(torch.log(torch.cumsum(waits, 0)) - log_ratio, 0)

    return Task({"candidates": (code, blocks * case.candidates)})
