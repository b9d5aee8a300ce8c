"""Lossy files of a tiny model: every way to send, what files hold, bad input, and rates that are asked for."""

import dataclasses
import hashlib
import os
import subprocess
import sys

import jax
import numpy as np
import pytest
from sklearn.datasets import load_sample_image

import recjax
from recjax.codecs.lossy import compression as lossy
from recjax.codecs.lossy import file as inr_file
from recjax.codecs.lossy import plan as inr_plan
from recjax.codecs.lossy.encode import Effort
from recjax.container import file as container
from recjax.errors import FormatError
from recjax.models.inr import model as inr_model
from recjax.pretrained import cards
from tests.representations import GOLDEN

SHORT = Effort(60, 10)
WAYS = {
    "information": {"candidates": 64, "block_bits": 4.0},
    "random": {"partition": "random", "candidates": 64, "block_bits": 4.0},
    "uninformative": {"partition": "uninformative", "candidates": 64, "block_bits": 4.0},
    "none": {"partition": False, "candidates": 256, "block_bits": 6.0, "index_code": "uniform"},
}


@pytest.fixture(scope="module", params=[*WAYS])
def encoding(request, tiny_model):
    model, pictures = tiny_model
    settings = lossy.make_settings(model, **WAYS[request.param])
    return settings, inr_file.encode(pictures[:3], model, settings, SHORT, seed=5)


def test_files_decode_to_what_was_encoded_and_pictures_alone(encoding, tiny_model):
    model, pictures = tiny_model
    settings, made = encoding
    file = container.read(made.data)
    assert file.header.method == "inr" and inr_file.settings_of(file.header, model) == settings
    decoded = recjax.decompress(made.data, model=model)
    np.testing.assert_array_equal(decoded, made.pixels)
    np.testing.assert_array_equal(recjax.decompress(made.data, model=model, index=-1), decoded[2])
    assert lossy.psnr(decoded, pictures[:3]).mean() > lossy.psnr(np.full_like(decoded, 128), pictures[:3]).mean() + 3


def test_indices_are_those_of_candidates_and_files_hold_the_divergences(encoding):
    settings, made = encoding
    sent = made.sent[0]
    index = np.asarray(sent.found[0].index)
    assert index.min() >= 1 and index.max() <= 1 << settings.candidates_log2
    assert 0 < sent.divergence_bits[0].sum() < 8 * len(made.data)


def test_a_second_file_compiles_nothing(tiny_model, count_compilations):
    model, pictures = tiny_model
    settings = lossy.make_settings(model, **WAYS["information"])
    inr_file.encode(pictures[:3], model, settings, SHORT, seed=5)
    assert count_compilations(lambda: inr_file.encode(pictures[3:6], model, settings, SHORT, seed=6) and None) == 0


@pytest.mark.slow
def test_settings_share_a_fit_that_was_made_in_batches(tiny_model, monkeypatch):
    model, pictures = tiny_model
    monkeypatch.setattr(inr_file, "PATCHES_AT_ONCE", 2)
    ways = [lossy.make_settings(model, **WAYS[way]) for way in ("information", "none")]
    fitted = inr_file.fit(pictures[:3], model, ways[0], 30)
    assert fitted.steps == 30 and fitted.posterior.mean[0].shape[0] == 3
    for settings in ways:
        made = inr_file.encode(pictures[:3], model, settings, SHORT, fitted=fitted)
        np.testing.assert_array_equal(recjax.decompress(made.data, model=model), made.pixels)
    # Sent without another step, pictures that were fitted are shown better than fresh ones.
    no_steps = Effort(10, 0)
    fresh = inr_file.encode(pictures[:3], model, ways[0], no_steps)
    started = inr_file.encode(pictures[:3], model, ways[0], no_steps, fitted=fitted)
    assert (lossy.psnr(started.pixels, pictures[:3]) > lossy.psnr(fresh.pixels, pictures[:3])).all()


@pytest.mark.slow
@pytest.mark.parametrize("partition", [True, False])
def test_rates_that_are_asked_for_are_met_and_more_bits_show_more(partition):
    model = inr_model.load_model("cifar10")
    picture = load_sample_image("china.jpg")[None, 150:182, 300:332]
    shown = []
    for rate in (0.8, 1.6, 2.4):
        data = lossy.compress(picture, model, bits_per_pixel=rate, effort="quick", partition=partition)
        assert 8 * len(data) / 1024 == pytest.approx(rate, rel=0.2)
        shown.append(lossy.psnr(recjax.decompress(data), picture)[0])
    assert shown[0] > 20 and shown[0] + 1.5 < shown[1] and shown[1] + 0.7 < shown[2]


@pytest.mark.parametrize(("count", "rates"), [(1, (7.0, 8.0, 9.0)), (50, (2.0, 3.0, 5.0))])
def test_settings_at_a_rate_come_to_it(tiny_model, count, rates):
    model, _ = tiny_model
    settings = lossy.make_settings(model, candidates=64, block_bits=4.0)
    overhead = inr_file.overhead_bits(model, count, 1, 1)
    for rate in rates:
        found = lossy.at_rate(model, settings, rate, count, 8, 8)
        bits = inr_plan.expected(model, found, 1, 1).code_bits
        assert bits <= rate * 64 - overhead < bits * 1.25
    with pytest.raises(ValueError, match=r"0\.01 bits per pixel are too few .*; ask for [\d.]+ at least, or put more"):
        lossy.at_rate(model, settings, 0.01, count, 8, 8)


@pytest.mark.slow
def test_pictures_of_many_patches_and_levels(tiny_photo_model):
    model, pictures = tiny_photo_model
    cut = pictures[:2, :-3, :-5]
    settings = lossy.make_settings(model, candidates=64, block_bits=4.0)
    made = inr_file.encode(cut, model, settings, SHORT, seed=1)
    decoded = recjax.decompress(made.data, model=model)
    assert decoded.shape == cut.shape
    np.testing.assert_array_equal(decoded, made.pixels)
    assert [part.index.shape[1] for part in made.sent[0].found] == [1, 4]
    file = container.read(made.data)
    np.testing.assert_array_equal(inr_file.decode(file, model, index=1)[0], decoded[1])


def test_progress_ends_at_the_end(tiny_model):
    model, pictures = tiny_model
    settings, told = lossy.make_settings(model, **WAYS["information"]), []
    inr_file.encode(pictures[:3], model, settings, SHORT, seed=5, progress=lambda *facts: told.append(facts))
    batch, batches, last = told[-1]
    assert (batch, batches, last.done) == (0, 1, last.total)
    assert last.psnr > 0 and last.bits > 0 and last.count == 3
    assert last.ends == (SHORT.first_steps, last.total) and {facts.ends for _, _, facts in told} == {last.ends}


DIGESTS = {
    "inr": "817f16d32ac0be1dd0a84fcc563747b0e987d3917e0a86b2385c95c632cbf027",
    "inr-photo": "43e50e441074beed05309bf59d79f1537d38d6dc3f1b5149f9d62d40d4bbea12",
}
DECODE = """
import hashlib, pathlib, sys
import recjax
from recjax.models.inr import model as inr_model
for model, file in zip(sys.argv[1::2], sys.argv[2::2]):
    images = recjax.decompress(pathlib.Path(file).read_bytes(), model=inr_model.load_model(model))
    print(hashlib.sha256(images.tobytes()).hexdigest())
"""


@pytest.mark.parametrize(("name", "model"), [("inr", "tiny_model"), ("inr-photo", "tiny_photo_model")])
def test_golden_files_decode_to_their_pixels(name, model, request):
    model, _ = request.getfixturevalue(model)
    decoded = recjax.decompress((GOLDEN / f"{name}.rjx").read_bytes(), model=model)
    assert hashlib.sha256(decoded.tobytes()).hexdigest() == DIGESTS[name]


def test_another_process_and_instruction_set_decode_the_same():
    files = [str(GOLDEN / name) for name in ("tiny.safetensors", "inr.rjx", "tiny-photo.safetensors", "inr-photo.rjx")]
    environment = os.environ | {"XLA_FLAGS": "--xla_cpu_max_isa=SSE4_2"}
    found = subprocess.run(
        [sys.executable, "-c", DECODE, *files], env=environment, capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr
    assert found.stdout.split() == [*DIGESTS.values()]


def test_saved_models_are_the_same(tiny_photo_model, tmp_path):
    model, _ = tiny_photo_model
    path = tmp_path / "model.safetensors"
    inr_model.save_model(path, model)
    again = inr_model.load_model(path)
    assert again.digest == model.digest and again.metadata == model.metadata
    for one, other in zip(jax.tree.leaves(model), jax.tree.leaves(again), strict=True):
        np.testing.assert_array_equal(one, other)


def test_models_that_do_not_fit_are_refused(tiny_model, tmp_path):
    model, _ = tiny_model
    for change in (
        {"kl_bits": -model.kl_bits - 1},
        {"ratios": model.ratios + (1 << 15)},
        {"spans": (2,)},
        {"value_bits": model.value_bits[:-1]},
        {"kl_bits": model.kl_bits[..., :-1]},
    ):
        path = tmp_path / "bad.safetensors"
        inr_model.save_model(path, dataclasses.replace(model, **change))
        with pytest.raises(ValueError, match="does not hold a usable model"):
            inr_model.load_model(path)
    with pytest.raises(ValueError, match="there is no model of representations"):
        inr_model.load_model("nothing")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"candidates": 100}, "power of two"),
        ({"block_bits": 0.0}, "block_bits must lie"),
        ({"partition": "some"}, "partition must be one of"),
        ({"index_code": "none"}, "index_code must be one of"),
        ({"index_code": "learned"}, "has no histogram"),
        ({"effort": "some"}, "effort must be one of"),
        ({"bits_per_pixel": -1.0}, "bits_per_pixel must be 0 or more"),
        ({"bits_per_pixel": 0.1}, "too few for 1 of 8x8 pixels"),
        ({"seed": -1}, "seed"),
        ({"seed": 1 << 64}, "seed"),
    ],
)
def test_bad_requests_get_their_sentence(arguments, told, tiny_model):
    model, pictures = tiny_model
    with pytest.raises(ValueError, match=told):
        lossy.compress(pictures[:1], model, **arguments)


def test_pictures_that_a_model_cannot_code_are_told(tiny_model):
    model, pictures = tiny_model
    for bad in (pictures[..., 0], pictures.astype(np.float32), pictures[:0], pictures[:, :4]):
        with pytest.raises(ValueError, match="codes "):
            lossy.compress(bad, model)


def test_damaged_files_are_refused_or_decode_to_their_shape(tiny_model, tiny_photo_model, reseal):
    model, _ = tiny_model
    data = (GOLDEN / "inr.rjx").read_bytes()
    rng, refused = np.random.default_rng(0), 0
    for _ in range(60):
        mutated = bytearray(data)
        mutated[rng.integers(13, len(data))] ^= 1 << rng.integers(8)
        try:
            decoded = recjax.decompress(reseal(bytes(mutated)), model=model, max_bytes=1 << 14)
            assert decoded.shape[-1] == 3 and decoded.dtype == np.uint8
        except FormatError:
            refused += 1
    assert refused
    with pytest.raises(FormatError, match="not a released model"):
        recjax.decompress(data)
    with pytest.raises(FormatError, match="more than max_bytes"):
        recjax.decompress((GOLDEN / "inr-photo.rjx").read_bytes(), model=tiny_photo_model[0], max_bytes=2 * 13 * 11 * 3)
    with pytest.raises(FormatError, match="which the model"):
        recjax.decompress(data, model=recjax.load_model("digits"))


@pytest.mark.parametrize(
    ("shape", "told"),
    [((8, 16, 3), "codes pictures of 8x8, got 8x16"), ((8, 8), r"codes pictures \[height"), ((8, 8, 1), "codes pict")],
)
def test_files_of_pictures_that_the_model_is_not_for_are_refused(tiny_model, shape, told):
    model, _ = tiny_model
    file = container.read((GOLDEN / "inr.rjx").read_bytes())
    other = container.write(dataclasses.replace(file.header, image_shape=shape), [file.chunk(0)])
    with pytest.raises(FormatError, match=told):
        recjax.decompress(other, model=model)


@pytest.mark.parametrize(("steps", "between"), [(5, 0), (15, 0), (0, 10), (10, -10), (10, 5)])
def test_efforts_are_whole_rounds_of_steps(steps, between):
    with pytest.raises(ValueError, match="must be a multiple of 10"):
        Effort(steps, between)


def test_residuals_grow_slower_than_divergences():
    from recjax.codecs.lossy.plan import residual_bits

    kl = np.arange(0, 12 << 10, 64)
    left = residual_bits(kl)
    assert left[0] == 0 and (np.diff(left) >= 0).all() and (left <= kl).all()
    assert left[kl == 1024] == 530 and left[kl == 10 << 10] == 800 + (2 << 10)


def test_the_model_for_a_rate_is_the_nearest_and_whole_pictures_come_first():
    photo = cards.LossyCard("photo", "d", "s", 1, (32, 32, 3), False, 9, 9, "photos", (0.3,), ())
    small = dataclasses.replace(photo, name="small", whole_pictures=True, priors=(0.2, 0.5))
    large = dataclasses.replace(small, name="large", priors=(1.0, 2.0))
    found = [cards.choose_lossy([photo, small, large], (32, 32, 3), rate).name for rate in (None, 0.1, 0.6, 0.8, 9.0)]
    assert found == ["large", "small", "small", "large", "large"]
    assert cards.choose_lossy([photo, small, large], (480, 640, 3), 0.9) == photo
    with pytest.raises(ValueError, match="no released model codes pictures"):
        cards.choose_lossy([small], (480, 640, 3), None)
    with pytest.raises(ValueError, match="RGB"):
        cards.choose_lossy([small], (28, 28), None)


def test_psnr_of_equal_and_opposite_pictures():
    black, white = np.zeros((1, 4, 4, 3), np.uint8), np.full((1, 4, 4, 3), 255, np.uint8)
    assert lossy.psnr(black, white)[0] == pytest.approx(0) and lossy.psnr(black, black)[0] > 100
