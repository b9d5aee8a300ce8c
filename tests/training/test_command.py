"""`python -m training.vae`: it writes a model that states its rates, its help teaches, its errors are sentences."""

import re
import shutil
from dataclasses import fields

import pytest

from recjax.models.vae.evaluate import load_model
from training import command as shared
from training.vae import command, convert
from training.vae.config import Network, TrainConfig

SMALL = ["--vae.latents", "3", "--vae.hidden", "8", "--train.epochs", "1", "--train.validate-every", "1"]


def test_it_writes_a_model_file_that_states_its_rates(tmp_path, capsys):
    assert command.main(["--data", "digits", "--out", str(tmp_path / "run"), *SMALL]) == 0
    told = capsys.readouterr()
    assert re.search(r"bits/dim on 400 test images.* active latents; 1 epochs, \d+ s, model \w{16}\n", told.out)
    assert "epoch 1: validation" in told.err
    model = load_model(tmp_path / "run" / "model.safetensors")
    card = model.metadata
    assert model.name == "run" and card["train"]["epochs"] == card["epochs"] == 1 and card["vae"]["latents"] == 3
    assert set(card["test"]) == {*convert.Rates._fields, "samples"} and card["test"]["images"] == 400
    assert 0 < card["test"]["elbo_bits_per_dim"] < 8 and card["test"]["elbo_standard_error"] > 0


def test_the_help_describes_every_option(capsys):
    with pytest.raises(SystemExit):
        command.main(["--help"])
    told = capsys.readouterr().out
    assert "python -m training.vae --data digits" in told
    options = [("", field.name) for field in fields(command.Command) if field.name not in ("vae", "train")]
    options += [("vae.", field.name) for field in fields(Network)]
    options += [("train.", field.name) for field in fields(TrainConfig)]
    plain = " ".join(re.sub(r"[│╭╮╰╯─]", " ", told).split())
    for prefix, name in options:
        option = f"--{prefix}{name.replace('_', '-')}"
        assert re.search(
            rf"{re.escape(option)} (\{{None\}}\|)?(\{{[\w, ]+\}} )?(\[?[A-Z]+( \[INT \.\.\.\]\])? )?[A-Z]\w+", plain
        ), option


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--data", "nothing"], "choose one of digits"),
        (["--out", "{file}"], "--out must name a folder.*name another"),
        (["--out", "{file}/below"], "check the path"),
        ([*SMALL, "--train.batch-size", "5000"], "batch_size.*lower it"),
        ([*SMALL, "--train.learning-rate", "1e30"], "lower the learning rate"),
    ],
    ids=str,
)
def test_errors_are_one_sentence(arguments, words, tmp_path, capsys):
    file = tmp_path / "file"
    file.write_text("mine")
    arguments = [argument.format(file=file) for argument in arguments]
    assert command.main(["--out", str(tmp_path / "run"), *arguments]) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("training: ") and re.search(words, last)
    assert file.read_text() == "mine"


def test_debug_shows_the_traceback(tmp_path, capsys):
    assert command.main(["--out", str(tmp_path), "--data", "nothing", "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_impossible_settings_are_wrong_usage(tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        command.main(["--out", str(tmp_path), "--vae.dropout", "1.5"])
    assert stop.value.code == 2 and "dropout must be in [0, 1)" in capsys.readouterr().err


def test_interruptions_and_bugs(capsys):
    def interrupt():
        raise KeyboardInterrupt

    def bug():
        raise TypeError

    assert shared.guarded("name", interrupt) == 130
    assert capsys.readouterr().err == "name: interrupted.\n"
    with pytest.raises(TypeError):
        shared.guarded("name", bug)


@pytest.mark.parametrize(
    ("schema", "changes"),
    [
        (Network, {"latents": 0}),
        (Network, {"hidden": ()}),
        (Network, {"hidden": (8, 0)}),
        (Network, {"dropout": 1.0}),
        (TrainConfig, {"epochs": 0}),
        (TrainConfig, {"batch_size": 0}),
        (TrainConfig, {"learning_rate": 0.0}),
        (TrainConfig, {"weight_decay": -1.0}),
        (TrainConfig, {"average": 1.0}),
        (TrainConfig, {"seed": 2**32}),
        (TrainConfig, {"seed": -1}),
        (TrainConfig, {"devices": 0}),
        (TrainConfig, {"batch_size": 65, "devices": 2}),
        (TrainConfig, {"weight_bits": 12}),
        (TrainConfig, {"precision": "float16"}),
        (Network, {"posterior": "laplace"}),
        (Network, {"kl_groups": 21}),
        (Network, {"kl_groups": 0}),
    ],
    ids=str,
)
def test_settings_are_checked_when_stated(schema, changes):
    with pytest.raises(ValueError, match=f"{next(iter(changes))} must .*, got .*; "):
        schema(**changes)


def test_a_model_of_another_run_is_not_overwritten(tmp_path, capsys, monkeypatch):
    path = tmp_path / "model.safetensors"
    shutil.copy("recjax/pretrained/digits.safetensors", path)
    before = path.read_bytes()
    monkeypatch.setattr(command, "train", lambda *arguments, **options: pytest.fail("no training is to begin"))
    assert command.main(["--out", str(tmp_path), *SMALL]) == 1
    told = capsys.readouterr().err
    assert told == f"training: {path} is a model of other vae, train; name another folder by --out.\n"
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("card", "other"),
    [
        ({"data": "digits", "train": {"epochs": 3, "seed": 0}, "seconds": 5}, ""),
        ({"data": "digits", "train": {"epochs": 3}}, ""),
        ({"data": "digits", "train": {"epochs": 4}}, "train"),
        ({"data": "mnist", "train": {"epochs": 3}}, "data"),
        ({"data": "digits"}, "train"),
        ({}, "data, train"),
    ],
)
def test_the_run_of_a_model_is_told_by_its_card(card, other, tmp_path):
    stated = {"data": "digits", "train": {"epochs": 3, "seed": 0}}
    shared.require_same_run(tmp_path / "model", stated, lambda path: pytest.fail("there is nothing to read"))
    (tmp_path / "model").touch()
    if other:
        with pytest.raises(ValueError, match=f"is a model of other {other}; name another folder"):
            shared.require_same_run(tmp_path / "model", stated, lambda path: card)
    else:
        shared.require_same_run(tmp_path / "model", stated, lambda path: card)


@pytest.mark.parametrize("there", ["mine.safetensors", "mine.json"])
def test_a_released_model_is_replaced_by_force_alone(there, tmp_path):
    shared.require_no_model(tmp_path / "folder", "mine", force=False)
    (tmp_path / "folder" / there).touch()
    shared.require_no_model(tmp_path / "folder", "mine", force=True)
    shared.require_no_model(tmp_path / "folder", "other", force=False)
    with pytest.raises(ValueError, match=rf"{there} exists; .* --force"):
        shared.require_no_model(tmp_path / "folder", "mine", force=False)
    for name in ("", "../mine", "a/b", "."):
        with pytest.raises(ValueError, match="--name must be"):
            shared.require_no_model(tmp_path, name, force=True)
