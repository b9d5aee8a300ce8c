import numpy as np
import pytest

from recjax.codecs.lossless import compression as lossless
from recjax.codecs.lossless.chains import bits_back
from recjax.container import file as container
from recjax.errors import FormatError
from training import data as datasets


def test_rate_is_the_elbo_and_the_initial_bits(model):
    images = datasets.load("digits", "test").images
    data, initial_bits = bits_back.encode(images, model, seed=0)
    elbo_bits = model.metadata["test"]["exact_bits_per_dim"] * images.size
    print(f"{8 * len(data)} bits; -ELBO {elbo_bits:.0f}, initial {initial_bits}")
    assert 8 * len(data) <= 1.01 * elbo_bits + initial_bits
    assert np.array_equal(lossless.decompress(data), images)


def test_several_lanes_and_segments(model, digits, monkeypatch):
    monkeypatch.setattr(bits_back, "_choose_lanes", lambda count, model: 4)
    monkeypatch.setattr(bits_back, "_SEGMENT_STEPS", 2)
    calls = []
    data = lossless.compress(digits[:18], model, progress=lambda done, total: calls.append((done, total)))
    assert container.read(data).header.parameters["lanes"] == 4
    # Segments of 8 images: the last, which is not full, is coded first.
    assert calls[:3] == [(2, 36), (10, 36), (18, 36)] and calls[-1] == (36, 36)
    assert np.array_equal(lossless.decompress(data, index=17), digits[17])


def test_a_start_that_is_too_small_is_tried_again_and_changes_nothing(model, digits, golden, monkeypatch):
    sizes = iter([1])
    whole = bits_back.step_bytes
    monkeypatch.setattr(bits_back, "step_bytes", lambda *a: next(sizes, whole(*a)))
    assert lossless.compress(digits[:8], model) == golden["bb-ans"]


def change(golden: bytes, **fields) -> bytes:
    """The golden file with other values in its header."""
    file = container.read(golden)
    values = vars(file.header) | {"parameters": dict(file.header.parameters)}
    for name, value in fields.items():
        (values if name in values else values["parameters"])[name] = value
    return container.write(container.Header(**values), [file.chunk(0)])


@pytest.mark.parametrize(
    "fields, message",
    [
        ({"seed": 1}, "chain"),
        ({"initial_bytes": 3}, "chain's start"),
        ({"initial_bytes": 1 << 20}, "chain's start"),
        ({"count": 7}, "chain's start"),
        ({"count": 9}, "chain"),
        ({"grid_bits": 9}, "chain"),
        ({"lanes": 3}, "no encoder"),
        ({"lanes": 16}, "no encoder"),
        ({"count": 1500}, "ends before the last"),
    ],
    ids=str,
)
def test_another_header_does_not_decode_to_the_chains_start(fields, message, golden):
    with pytest.raises(FormatError, match=message):
        lossless.decompress(change(golden["bb-ans"], **fields))


def test_tampering_with_the_chain_is_noticed(golden, reseal):
    good = golden["bb-ans"]
    start, end = container.read(good).offsets
    rng = np.random.default_rng(0)
    for bit in rng.choice(np.arange(8 * start, 8 * (end - 4)), 100, replace=False):
        bad = bytearray(good)
        bad[bit // 8] ^= 1 << bit % 8
        with pytest.raises(FormatError):
            lossless.decompress(reseal(bytes(bad)))
