"""The BB-ANS experiment end to end, on the released digits and on a tiny model of its own."""

import csv
import gzip
import json
import struct
from pathlib import Path

import numpy as np
import pytest
import rich.console

from experiments import __main__ as command
from experiments.config import ConfigError
from experiments.lossless import model_sources as released
from experiments.lossless.model_sources import ModelSource
from experiments.mnist.bb_ans import run as mnist_bb_ans
from recjax.codecs.lossless import compression as lossless
from recjax.models.vae.evaluate import load_model
from training import data
from training.vae.config import Network, TrainConfig
from training.vae.run import SAMPLES

CONFIG = Path(__file__).resolve().parents[3] / "configs" / "mnist_bb_ans.toml"
SMALL = """
experiment = "mnist_bb_ans"
images = 12
elbo_samples = 2
seeds = [0, 1]
curve = [1, 12, 100]
curve_files = 2
[[models]]
name = "digits"
data = "digits"
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Folder and result of a run on 12 digits."""
    folder = tmp_path_factory.mktemp("bb_ans")
    (folder / "config.toml").write_text(SMALL)
    assert command.main([str(folder / "config.toml"), "--out", str(folder)]) == 0
    return folder, json.loads((folder / "result.json").read_text())


@pytest.fixture
def mnist(tmp_path, monkeypatch):
    """A small MNIST: 130 training images of which 30 validate, and 20 to test."""
    random = np.random.default_rng(0)
    for name, count in (("train", 130), ("t10k", 20)):
        images = random.binomial(255, random.random((count, 28, 28))).astype(np.uint8)
        header = struct.pack(">HBB3I", 0, 8, 3, count, 28, 28)
        (tmp_path / f"{name}-images-idx3-ubyte.gz").write_bytes(gzip.compress(header + images.tobytes(), 1))
    monkeypatch.setenv("RECJAX_DATA", str(tmp_path))
    monkeypatch.setattr(data, "_MNIST_VALIDATION", 30)


def test_the_stream_decodes_and_its_figures_are_those_of_the_file(small):
    folder, result = small
    images = data.load("digits", "test").images[:12]
    (one,) = result["sets"]
    file = (folder / one["chain"]["file"]).read_bytes()
    np.testing.assert_array_equal(lossless.decompress(file, model=load_model("digits")), images)
    chain, model = one["chain"], one["model"]
    assert chain["file_bytes"][-1] == len(file) and len(chain["file_bytes"]) == 2
    initial = chain["initial_bits"] / images.size
    assert chain["net_bits_per_dim"] == pytest.approx(chain["file_bits_per_dim"] - initial)
    # The card's -ELBO is of all test images: files of twelve are compared with the exact one of the same.
    assert model["bound_bits_per_dim"] == model["exact_bits_per_dim"] and model["origin"] == "released"
    assert model["exact_bits_per_dim"] == pytest.approx(model["elbo_bits_per_dim"], rel=0.1)
    bare = chain["net_bits_per_dim"] - chain["container_bits_per_dim"]
    assert bare == pytest.approx(model["bound_bits_per_dim"], rel=0.05)


def test_chains_have_rows_up_to_all_images(small):
    (one,) = small[1]["sets"]
    assert [(row["count"], row["files"]) for row in one["curve"]] == [(1, 2), (12, 1)]
    gross = [row["gross_bits_per_dim"] for row in one["curve"]]
    assert gross == sorted(gross, reverse=True)
    assert all(row["net_bits_per_dim"] < row["gross_bits_per_dim"] for row in one["curve"])
    assert one["curve"][-1]["ideal_bits_per_dim"] == pytest.approx(one["model"]["exact_bits_per_dim"])


def test_tables_and_plot_come_from_the_json(small):
    folder, result = small
    rows = {row[0]: row for row in csv.reader((folder / "rates.csv").read_text().splitlines())}
    (one,) = result["sets"]
    assert rows["BB-ANS without initial bits (net)"][1] == f"{one['chain']['net_bits_per_dim']:.4f}"
    assert {"-ELBO, float", "-ELBO, exact", "bz2, one stream", "PNG, per image", "JPEG XL, per image"} <= set(rows)
    assert all((folder / name).exists() for name in ("chain.md", "codecs.md", "plot.png"))


@pytest.mark.slow
def test_models_are_trained_from_scratch_and_kept(tmp_path):
    # The sizes of a test of the training command, so that what is compiled serves both.
    train = TrainConfig(epochs=1, validate_every=1)
    source = ModelSource("tiny", "digits", None, Network(latents=3, hidden=(8,)), train)
    found = released.obtain([source], tmp_path, rich.console.Console(), from_scratch=True)["tiny"]
    assert found.origin == "trained in this run" and found.bound.images == 400 and found.bound.samples == SAMPLES
    assert (tmp_path / "tiny" / "checkpoint.safetensors").exists()
    # By the path of its folder, it is taken as it is.
    again = released.obtain([ModelSource(str(tmp_path / "tiny"), "digits")], tmp_path, rich.console.Console())
    assert (again["tiny"].model.digest, again["tiny"].origin) == (found.model.digest, "a file")
    assert again["tiny"].bound == found.bound


def test_the_flag_is_a_key_of_the_config(tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr(mnist_bb_ans, "run", lambda config, *_: told.append(config.from_scratch) or 1 / 0)
    for flags in ([], ["--train"], ["from_scratch=true"]):
        with pytest.raises(ZeroDivisionError):
            command.main([str(CONFIG), *flags, "--out", str(tmp_path)])
    assert told == [False, True, True]


@pytest.mark.slow
def test_the_config_itself_at_its_small_size(mnist, tmp_path):
    settings = ["images=6", "curve=[6]", *(f"models.{place}.train.batch_size=50" for place in (0, 1))]
    settings += [f"models.{place}.training_images=100" for place in (0, 1)]
    assert command.main([str(CONFIG), "--smoke", *settings, "--out", str(tmp_path / "run")]) == 0
    binary, grey = json.loads((tmp_path / "run" / "result.json").read_text())["sets"]
    assert (binary["data"]["raw_bits_per_dim"], grey["data"]["raw_bits_per_dim"]) == (1, 8)


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("models=[]", "at least one"),
        ("models.0.name=", "must be that of a model"),
        ("models.1.name=mnist-binary-bb-ans", "must differ"),
        ("models.0.data=letters", "no data set"),
        ("models.0.training_images=0", "at least 1"),
        ("curve=[]", "ascend"),
        ("curve=[5, 5]", "ascend"),
        ("elbo_samples=0", "elbo_samples must be at least 1"),
        ("seeds=[]", "'seeds'"),
    ],
)
def test_configs_that_cannot_be_used_are_explained(settings, override, words):
    with pytest.raises(ConfigError, match=words):
        settings("mnist_bb_ans", override)


def test_what_does_not_fit_is_explained(mnist, tmp_path):
    with pytest.raises(ValueError, match="mnist has images of 28x28 pixels and 256 levels, and model 'digits'"):
        released.obtain([ModelSource("digits", "mnist")], tmp_path, rich.console.Console())
    with pytest.raises(ValueError, match=r"no model 'none'.*let --train make it"):
        released.obtain([ModelSource("none", "mnist")], tmp_path, rich.console.Console())
    found = released.obtain([ModelSource("digits", "digits")], tmp_path, rich.console.Console())["digits"]
    with pytest.raises(ValueError, match="images must be at most the 400"):
        released.limited(found, 401)


def test_train_is_for_experiments_with_released_models(tmp_path, capsys):
    assert command.main(["configs/quickstart.toml", "--train", "--out", str(tmp_path)]) == 1
    assert "--train is for experiments with released models" in capsys.readouterr().err
