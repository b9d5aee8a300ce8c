"""From a model file to a released model: learned codes, measured files, a card beside it."""

import json

import pytest

from recjax.codecs.lossless import compression as lossless
from recjax.models.vae.evaluate import load_model
from recjax.pretrained.cards import read_cards
from training import data
from training.vae import release


def released(tmp_path, *files):
    """A model released with some files of eight images, its path, and those images."""
    train, test = (data.load("digits", split).images[:8] for split in ("train", "test"))
    plans = [release.parse_options(text) for text in files]
    model = release.release(load_model("digits"), "mine", train, test, plans)
    return model, release.write(model, tmp_path), test


def test_a_released_model_states_the_rates_of_its_files(tmp_path):
    model, path, test = released(tmp_path, "bb-ans")
    (card,) = read_cards(tmp_path)
    loaded = load_model(path)
    assert card.name == loaded.name == "mine"
    assert card.digest == loaded.digest == model.digest == load_model("digits").digest
    assert card.parameters == 64 * 384 + 384 * 384 + 384 * 40 + 808 + 20 * 384 + 384 * 384 + 384 * 128 + 896
    assert card.files == {"bb-ans": 8 * len(lossless.compress(test, loaded)) / test.size}
    with pytest.raises(ValueError, match="--force"):
        release.write(loaded, tmp_path)
    assert release.write(loaded, tmp_path, force=True) == path
    (file,) = json.loads((tmp_path / "mine.json").read_text())["files"]
    assert (file["method"], file["images"], file["seed"]) == ("bb-ans", 8, 0) and file["parameters"]["grid_bits"] == 10


@pytest.mark.slow
def test_codes_of_indices_are_learned_for_methods_that_search(tmp_path):
    model, path, test = released(tmp_path, "orc,candidates=64,block_bits=6")
    assert list(model.index_counts) == ["orc-partition-6-6144"] and model.digest != load_model("digits").digest
    (card,) = read_cards(tmp_path)
    file = lossless.compress(test, load_model(path), method="orc", candidates=64, block_bits=6.0)
    assert card.files == {"orc": 8 * len(file) / test.size} and card.single == ("orc", card.files["orc"])


@pytest.mark.parametrize(
    "text", ["orc,candidates=many", "orc,64", "orc,size=1", "zip", "orc,candidates=65", "bb-ans,candidates=64", ""]
)
def test_a_file_that_cannot_be_is_one_sentence(text, tmp_path, capsys):
    command = ["recjax/pretrained/digits.safetensors", "--name", "mine", "--out", str(tmp_path), "--files", text]
    assert release.main(command) == 1
    message = capsys.readouterr().err
    assert message.startswith("training.vae.release: ") and message.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_the_folder_is_named_and_no_model_in_it_replaced(tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        release.main(["recjax/pretrained/digits.safetensors", "--name", "mine"])
    assert stop.value.code == 2 and "--out" in capsys.readouterr().err
    (tmp_path / "mine.safetensors").write_text("another")
    assert release.main(["recjax/pretrained/digits.safetensors", "--name", "mine", "--out", str(tmp_path)]) == 1
    assert "mine.safetensors exists; name another model or folder, or add --force" in capsys.readouterr().err
    assert [path.read_text() for path in tmp_path.iterdir()] == ["another"]
