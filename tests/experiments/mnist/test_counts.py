"""The experiment on the number of images, on the released digits, and the files that it cuts from a search."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from experiments import __main__ as command
from experiments.config import ConfigError
from experiments.lossless.single_image_files import alone
from experiments.mnist.counts import count_curve
from experiments.mnist.counts import report as mnist_counts_report
from recjax.codecs.lossless import compression as lossless
from recjax.codecs.lossless import relative_entropy
from recjax.container import file as container
from recjax.models.vae.evaluate import load_model
from training import data

CONFIG = Path(__file__).resolve().parents[3] / "configs" / "mnist_counts.toml"


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """Folder and result of a smoke run, in batches of one image: what is compiled serves other tests too."""
    folder = tmp_path_factory.mktemp("counts")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(relative_entropy, "BATCH", 1)
        assert command.main([str(CONFIG), "--smoke", "--out", str(folder)]) == 0
    return folder, json.loads((folder / "result.json").read_text())


def test_every_method_has_figures_at_every_count(smoke):
    _, result = smoke
    assert [row["count"] for row in result["rows"]] == [1, 17] and result["data"]["count"] == 17
    for row in result["rows"]:
        chain, start, each = (row[method] for method in count_curve.METHODS)
        assert start["file_bits"] < chain["file_bits"] and 1 <= start["rec_images"] <= 3
        assert chain["net_bits"] == pytest.approx(chain["file_bits"] - chain["initial_bits"] / row["count"])
        assert start["net_bits"] == start["file_bits"] and each["initial_bits"] == 0
        for one in (chain, start, each):
            assert 0 < one["message_bits"] < one["file_bits"]
    assert all(speed > 0 for speeds in result["speeds"].values() for speed in speeds.values())


def test_the_tables_hold_every_method(smoke):
    folder, _ = smoke
    rows = list(csv.reader((folder / "counts.csv").read_text().splitlines()))
    assert rows[0][1:3] == ["1 image", "17 images"]
    assert [row[0] for row in rows[1:5]] == [
        "-ELBO of these images",
        "BB-ANS",
        "BB-ANS, without its initial bits",
        "BB-ANS started by REC",
    ]
    assert len((folder / "curve.csv").read_text().splitlines()) == 3
    assert (folder / "plot.png").exists()


def test_the_notes_say_who_is_smaller(smoke):
    _, result = smoke
    notes = "\n".join(mnist_counts_report.tables(result)[0].notes)
    assert "BB-ANS started by REC makes smaller files than BB-ANS at every count." in notes
    assert "initial bits are" in notes and "images sent by REC fill the 1 lanes of its coder" in notes


def test_files_of_some_images_decode_to_them(monkeypatch):
    model, images = load_model("digits"), data.load("digits", "test").images[:8]
    for name, size in (("BATCH", 1), ("CHUNK_IMAGES", 3)):
        monkeypatch.setattr(relative_entropy, name, size)
    settings = lossless.make_settings(model, "orc", True, 64, 6.0)
    assert settings is not None
    whole = relative_entropy.encode(images, model, settings, seed=0).data
    found = alone(whole)
    assert found.file(0, 8) == whole
    part = found.file(2, 5)
    assert container.read(part).header.num_chunks == 2
    np.testing.assert_array_equal(lossless.decompress(part, model=model), images[2:7])


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("counts=[2, 1]", "'counts' must ascend"),
        ("alone.name=pfr", "must be 'orc'"),
        ("runs=0", "runs must be at least 1"),
        ("model.data=cifar", "there is no data set"),
    ],
)
def test_configs_that_cannot_be_used_are_explained(settings, override, words):
    with pytest.raises(ConfigError, match=words):
        settings("mnist_counts", override)
