"""Learned codes: what they count, that files made with them decode, and what they win."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.stats

from recjax.codecs.lossless import compression as lossless
from recjax.codecs.lossless import learned_codes, plan, relative_entropy, report
from recjax.codecs.lossless.resolve import make_settings
from recjax.codecs.lossless.settings import LEARNED, settings_of
from recjax.coding import integers
from recjax.container import chunks
from recjax.container import file as container
from recjax.container.file import Header
from recjax.errors import FormatError
from recjax.models.vae import evaluate as models
from recjax.rec import Path

SHORT = {"candidates": 64, "block_bits": 6.0}


@pytest.fixture(scope="module")
def learned(model, digits):
    """The digits model with the codes of a setting, learned on images that no test codes, and paths of nobody's."""
    settings = make_settings(model, "orc", **SHORT)
    counts = {"as-star": np.arange(model.latents)[:, None] + np.arange(integers.num_classes(6))}
    with_paths = models.with_index_counts(model, counts)
    return learned_codes.learn_interval_masses(
        learned_codes.learn_index_counts(with_paths, digits[::2], [settings]), digits
    )


def test_intervals_get_their_mass_under_the_aggregate_posterior(model, digits):
    images = digits[:300]
    masses = learned_codes.learn_interval_masses(model, images).interval_masses
    assert masses is not None
    mean, scale = map(np.asarray, models.posterior_floats(model, images.reshape(300, -1)))
    for latent, intervals in enumerate(model.intervals.tolist()):
        edges = scipy.stats.norm.ppf(np.arange(intervals + 1) / intervals)
        own = np.diff(scipy.stats.norm.cdf((edges - mean[:, latent, None]) / scale[:, latent, None])).sum(axis=0) + 0.5
        np.testing.assert_allclose(masses[latent, :intervals], 65536 * own / own.sum(), atol=2 + intervals)
    assert (masses.sum(axis=1) == 65536).all()


def test_histograms_have_a_row_for_each_block_and_begin_with_the_zeta_law(learned, model):
    settings = make_settings(model, "orc", **SHORT)
    counts, masses = learned.index_counts[settings.histogram], plan.make_plan(model, settings).masses[:, :-1]
    assert counts.shape == masses.shape
    np.testing.assert_allclose(counts.sum(axis=1), 64 * (899 + 32), atol=counts.shape[1])
    seen = counts / 64 - 32 * masses / 65536
    np.testing.assert_allclose(seen, np.rint(seen), atol=1 / 64)


def test_depths_have_a_row_for_each_latent(learned):
    settings = make_settings(learned, "as-star")
    assert settings is not None and settings.index_code == LEARNED
    masses = plan.make_plan(learned, settings).masses
    assert masses[3].tolist() == integers.learned_masses((3 + np.arange(integers.num_classes(6))).tolist()).tolist()
    counted = learned_codes.count_classes(Path(np.array([[0, 2], [1, 2], [7, 3]]), np.zeros((3, 2, 2))), 8)
    assert counted.tolist() == [[1, 1, 0, 0, 0, 0, 0, 1], [0, 0, 2, 1, 0, 0, 0, 0]]


def test_learned_codes_decode_and_win(learned, digits):
    images, bits = digits[1:513:2], []
    for codes in (("zeta", "uniform"), ("learned", "uniform"), ("learned", "learned")):
        settings = make_settings(learned, "orc", **SHORT, index_code=codes[0], bin_code=codes[1])
        assert settings is not None
        encoding = relative_entropy.encode(images, learned, settings, seed=1)
        bits.append(sum(report.ideal_bits_of_searches(images, learned, settings, encoding, seed=1)).sum())
        file = container.read(encoding.data)
        lengths_bits = chunks.unpack_messages(file.chunk(0), len(images)).lengths_bits
        assert lengths_bits.sum() == pytest.approx(bits[-1], rel=0.01)
    print(f"bits per image {[round(total / len(images), 2) for total in bits]}")
    assert bits[2] < bits[1] < bits[0]
    # What it has learned is what an encoder takes unless told otherwise.
    assert settings == make_settings(learned, "orc", **SHORT) == settings_of(file.header, learned)
    assert np.array_equal(lossless.decompress(encoding.data, model=learned), images)


def test_one_histogram_serves_all_blocks(learned, model):
    settings = replace(make_settings(model, "orc", **SHORT), index_code=LEARNED)
    together = learned.index_counts[settings.histogram].sum(axis=0)
    rows = plan.make_plan(models.with_index_counts(model, {settings.histogram: together}), settings).masses
    assert len(rows) > 1 and (rows == rows[0]).all()
    two = models.with_index_counts(model, {settings.histogram: np.stack([together] * 2)})
    with pytest.raises(ValueError, match="has 2 rows for"):
        plan.make_plan(two, settings)


def test_what_a_model_lacks_is_refused(learned, model):
    def header_of(method, **changes):
        parameters = make_settings(learned, method, **(SHORT if method == "orc" else {})).parameters
        return Header(method, bytes(8), 1, (8, 8), 0, {**parameters, "chunk_images": 1, **changes})

    assert settings_of(header_of("orc"), learned).learned_bins
    for lacking in (models.with_index_counts(learned, {}), models.with_interval_masses(learned, None)):
        with pytest.raises(FormatError, match="index code that model"):
            settings_of(header_of("orc"), lacking)
    strange = [header_of("orc", index_code=code) for code in (3, 15, 32, 255)]
    for header in (*strange, header_of("orc", index_code=16, partition=0), header_of("ad-star", index_code=16)):
        with pytest.raises(FormatError, match="index code that model"):
            settings_of(header, learned)


def test_models_with_learned_codes_travel(learned, model, tmp_path):
    assert learned.digest != model.digest
    models.save_model(tmp_path / "learned.safetensors", learned)
    loaded = models.load_model(tmp_path / "learned.safetensors")
    assert loaded.digest == learned.digest
    assert np.array_equal(loaded.interval_masses, learned.interval_masses)


def test_masses_that_are_none_are_refused(learned, model):
    bad = np.array(learned.interval_masses)
    bad[0, 0] += 1
    for masses in (bad, learned.interval_masses[:, :-1], learned.interval_masses[1:], np.zeros((0,)), np.int32(1)):
        with pytest.raises(ValueError, match="need masses above 0"):
            models.with_interval_masses(model, masses)
    for counts in (np.zeros((0,)), np.array([-1, 2]), np.zeros((2, 2, 2))):
        with pytest.raises(ValueError, match="must have counts"):
            models.with_index_counts(model, {"orc": counts})
