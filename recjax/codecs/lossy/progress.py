"""Reports the progress of lossy encoding by its stages, with the rate and the quality so far."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from recjax.container.coder import Progress


def tell(report: Progress, shape: tuple[int, ...]) -> Callable[[int, int, Any], None]:
    """Makes a callback for `recjax.compress_lossy` that reports its progress stage by stage.

    Args:
        report: Called with the stage, how much of it is done, and the rate and the quality as a note.
        shape: Shape of the pictures, (picture, height, width, channel).

    Returns:
        A function of the number of a batch, the number of batches, and `Facts` about the batch.
    """

    def report_facts(batch: int, batches: int, facts: Any) -> None:
        stages = list(pairwise((0, *facts.ends)))
        number = next(place for place, (_, end) in enumerate(stages) if facts.done <= end)
        first, end = stages[number]
        name = f"sending level {number} of {len(stages) - 1}" if number else "fitting"
        of_batch = f"part {batch + 1} of {batches}: " if batches > 1 else ""
        rate = facts.bits / (facts.count * shape[1] * shape[2])
        quality = f"{facts.psnr:.2f} dB, {rate:.3f} bits per pixel"
        report(f"{of_batch}{name}", facts.done - first, end - first, quality)
        if facts.done == facts.total and batch + 1 == batches:
            report("decoding to make sure", 0, None)

    return report_facts
