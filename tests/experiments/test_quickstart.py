"""The quickstart end to end, at its smoke size."""

import csv
import json
import tomllib
from pathlib import Path

import numpy as np
import pytest

from experiments import __main__ as command
from experiments.baselines.codecs import codecs_for
from experiments.quickstart import report as quickstart_report
from experiments.quickstart import run as quickstart
from recjax.codecs.lossless import compression as lossless
from recjax.models.vae.evaluate import load_model
from recjax.rec import diagnostics
from training import data

CONFIG = Path(__file__).resolve().parents[2] / "configs" / "quickstart.toml"


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """The folder of one smoke run, with two seeds for two of the methods' spread."""
    folder = tmp_path_factory.mktemp("quickstart")
    assert command.main([str(CONFIG), "--smoke", "--out", str(folder), "data.images=12", "seeds=[0, 1]"]) == 0
    return folder


def test_every_file_decodes_to_the_test_images_with_the_model_beside_it(smoke):
    images = data.load("digits", "test").images[:12]
    model = load_model(smoke / "model.safetensors")
    result = json.loads((smoke / "result.json").read_text())
    assert [row["label"] for row in result["methods"]] == [
        "BB-ANS",
        "PFR",
        "PFR, partitioned",
        "ORC",
        "ORC, partitioned",
    ]
    for row in result["methods"]:
        file = (smoke / row["file"]).read_bytes()
        np.testing.assert_array_equal(lossless.decompress(file, model=model), images)
        assert row["file_bytes"][-1] == len(file)
        assert row["file_bits_per_dim"] == pytest.approx(8 * np.mean(row["file_bytes"]) / images.size)


def test_figures_are_consistent(smoke):
    result = json.loads((smoke / "result.json").read_text())
    for row in result["methods"]:
        total = row["code_bits_per_dim"] + row["likelihood_bits_per_dim"]
        assert row["ideal_bits_per_dim"] == pytest.approx(total, rel=1e-3)
        assert row["file_bits_per_dim"] > 0.98 * row["ideal_bits_per_dim"]
        assert row["encode_images_per_second"] > 0 and row["decode_images_per_second"] > 0
        chain = row["method"]["name"] == "bb-ans"
        names = [f"bias_{name}" for name in (*diagnostics.Bias._fields, "draws")]
        assert all((row[name] is None) == chain for name in names)
        assert chain or row["bias_draws"] == 2 * 12
        assert 0 <= row["exhausted_searches"] <= row["searches"] and (row["searches"] == 0) == chain
        parts = quickstart_report.parts_of(row, result["data"]["pixels"])
        assert min(parts) > 0 and sum(parts) == pytest.approx(row["file_bits_per_dim"])
    assert result["model"]["kl_bits_per_image"] >= 0
    assert result["model"]["file_bytes"] == (smoke / "model.safetensors").stat().st_size
    assert set(result["seconds"]) == {"training", "coding", "total"}


def test_the_model_states_its_measured_rates(smoke):
    result = json.loads((smoke / "result.json").read_text())
    model = load_model(smoke / "model.safetensors")
    assert model.name == "quickstart" and model.metadata["test"]["images"] == 12
    assert model.metadata["test"]["elbo_bits_per_dim"] == result["model"]["minus_elbo_bits_per_dim"]


def test_the_result_says_how_it_was_made(smoke):
    result = json.loads((smoke / "result.json").read_text())
    assert result["smoke"] and result["config"]["data"]["images"] == 12 and len(result["config_digest"]) == 64
    assert {"commit", "versions", "device"} <= set(result)


def test_the_table_has_a_row_for_every_method_and_codec(smoke):
    rows = csv.DictReader((smoke / "table.csv").read_text().splitlines())
    ours = ["-ELBO of the VAE", "BB-ANS", "PFR", "PFR, partitioned", "ORC", "ORC, partitioned"]
    assert [row["method"] for row in rows] == [*ours, *(codec.name for codec in codecs_for(17))]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["no-such.toml"], ["no-such.toml"]),
        ([str(CONFIG), "train.epoch=3"], ["'train.epoch'", "epochs", "learning_rate"]),
        ([str(CONFIG), "methods.0.partition=true"], ["methods.0", "bb-ans takes no partition"]),
        ([str(CONFIG), "methods.3.candidates=1000"], ["methods.3: ", "power of two", "1000"]),
        ([str(CONFIG), "methods.3.partition=true"], ["methods.4 must differ", "methods.3"]),
        ([str(CONFIG), "seeds=[0, 1, 0]"], ["'seeds.2'", "0 again"]),
        ([str(CONFIG), "seeds=[-1]"], ["'seeds.0'", "[0, 2^64)"]),
        ([str(CONFIG), "data.images=0"], ["data: images", "at least 1"]),
        ([str(CONFIG), "data.images=500"], ["data.images", "400", "lower it"]),
        ([str(CONFIG), "train.epochs=0"], ["train: epochs", "positive"]),
        ([str(CONFIG), "vae.hidden=[0]"], ["vae: hidden", "at least 1"]),
        ([str(CONFIG), "train.learning_rate=nan"], ["'train.learning_rate'", "finite"]),
        ([str(CONFIG), "methods.0.name=pfrr"], ["'methods.0.name'", "'pfr'"]),
        ([str(CONFIG), "experiment=other"], ["'experiment'", "'quickstart'"]),
        ([str(CONFIG), "data.name=digit"], ["digits, mnist"]),
    ],
)
def test_errors_are_one_sentence_on_stderr_before_any_training(arguments, words, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(quickstart, "train", None)
    assert command.main([*arguments, "--out", str(tmp_path)]) == 1
    message = capsys.readouterr().err
    assert message.count("\n") == 1 and "Traceback" not in message
    assert all(word in message for word in words), message


def test_results_go_to_a_folder(tmp_path, capsys):
    file = tmp_path / "file"
    file.write_text("mine")
    assert command.main([str(CONFIG), "--out", str(file)]) == 1
    assert "--out must name a folder" in capsys.readouterr().err and file.read_text() == "mine"


def test_the_config_compares_orc_at_equal_budgets():
    table = tomllib.loads(CONFIG.read_text())
    plain, split = (entry for entry in table["methods"] if entry["name"] == "orc")
    assert plain | {"partition": True} == split
