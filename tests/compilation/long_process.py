"""A process that codes many shapes, and says the most memory maps and kilobytes that it held, and programs compiled.

python -m tests.compilation.long_process lossless|searches|lossy SHAPES
"""

import resource
import sys
from collections.abc import Iterator
from pathlib import Path

import jax
import numpy as np
from sklearn.datasets import load_digits, load_sample_image

import recjax
from recjax import memory, rec
from recjax.codecs.lossy import compression as lossy
from recjax.codecs.lossy.encode import Effort
from recjax.models.inr import model as inr_model

GOLDEN = Path(__file__).parents[1] / "golden"


def lossless(shapes: int) -> Iterator[tuple[int, ...]]:
    """Images of so many counts through every kind of method."""
    digits, model = load_digits().images.astype(np.uint8), recjax.load_model("digits")
    for count in np.random.default_rng(0).permutation(shapes) + 1:
        for method in ("bb-ans", "bb-ans-rec", "orc"):
            options = {} if method == "bb-ans" else {"candidates": 64, "block_bits": 6.0}
            data = recjax.compress(digits[:count], model, method=method, **options)
            assert np.array_equal(recjax.decompress(data), digits[:count])
        yield (count,)


def searches(shapes: int) -> Iterator[tuple[int, ...]]:
    """Batches of so many shapes through a coder with bins, one without, and a scalar one."""
    key, p, rng = recjax.key(0), recjax.Normal(np.float32(0), np.float32(1)), np.random.default_rng(0)
    coders = ((rec.orc(num_candidates=64), [2, 3, 4]), (rec.pfr(max_candidates=64), None), (rec.ad_star(), None))
    for number, count in enumerate(rng.permutation(shapes) + 1):
        shape = [(count, 3), (count // 5 + 1, 5, 3), (2, count, 3)][number % 3]
        q = recjax.Normal(rng.normal(size=shape).astype(np.float32), np.full(shape, 0.5, np.float32))
        for algorithm, bins in coders:
            found = rec.encode(algorithm, key, q, p, bins=bins)
            assert np.array_equal(rec.decode(algorithm, key, p, found.code, bins=bins), found.sample)
        yield shape


def pictures(shapes: int) -> Iterator[tuple[int, ...]]:
    """Pictures of so many sizes through the lossy codec."""
    model = inr_model.load_model(GOLDEN / "tiny-photo.safetensors")
    photo, rng, seen = load_sample_image("china.jpg"), np.random.default_rng(0), set()
    while len(seen) < shapes:
        height, width = map(int, rng.integers(1, 80, 2))
        if (height, width) in seen:
            continue
        seen.add((height, width))
        data = lossy.compress(
            photo[None, :height, :width], model, effort=Effort(10, 0), candidates=64, block_bits=6.0, index_code="zeta"
        )
        assert recjax.decompress(data, model=model).shape == (1, height, width, 3)
        yield height, width


if __name__ == "__main__":
    programs = []
    jax.monitoring.register_event_duration_secs_listener(
        lambda name, *_, **__: programs.append(name) if name.endswith("backend_compile_duration") else None
    )
    most = 0
    for shape in {"lossless": lossless, "searches": searches, "lossy": pictures}[sys.argv[1]](int(sys.argv[2])):
        most = max(most, memory.maps())
        print(shape, memory.maps(), len(programs), file=sys.stderr, flush=True)
    print(most, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, len(programs))
