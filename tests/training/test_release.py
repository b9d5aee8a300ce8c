"""From a model file to a released model: learned codes, measured files, a card beside it."""

import json

import numpy as np
import pytest

from recjax.cards import read_cards
from recjax.codecs import lossless
from recjax.models.model import load_model
from training import data, release


def test_a_released_model_states_the_rates_of_its_files(tmp_path):
    train, test = (data.load("digits", split).images[:8] for split in ("train", "test"))
    plans = [release.FilePlan.parse(text) for text in ("bb-ans", "orc,64,6")]
    model = release.release(load_model("digits"), "mine", train, test, plans)
    path = release.write(model, tmp_path)
    (card,) = read_cards(tmp_path)
    loaded = load_model(path)
    assert card.name == loaded.name == "mine" and card.digest == loaded.digest == model.digest
    assert card.digest != load_model("digits").digest and list(model.index_counts) == ["orc-partition-6-6144"]
    assert card.parameters == 64 * 384 * 3 + 2 * 384 * 384 + 2 * 20 * 384 + 384 * 20 + 384 * 64 - 384 * 64 + sum(
        len(np.asarray(layer.bias)) for net in (model.inference, model.generative) for layer in net.layers
    )
    for plan in plans:
        size = len(lossless.compress(test, loaded, **plan.options))
        assert card.files[plan.method] == 8 * size / test.size
    stated = json.loads((tmp_path / "mine.json").read_text())["files"]
    assert [(file["method"], file["images"]) for file in stated] == [("bb-ans", 8), ("orc", 8)]
    assert stated[1]["parameters"]["candidates_log2"] == 6


@pytest.mark.parametrize("text", ["orc,many", "orc,64,6,1", "zip", "orc,65", "bb-ans,64", ""])
def test_a_file_that_cannot_be_is_one_sentence(text, tmp_path, capsys):
    command = ["recjax/pretrained/digits.safetensors", "--name", "mine", "--out", str(tmp_path), "--files", text]
    assert release.main(command) == 1
    message = capsys.readouterr().err
    assert message.startswith("training.release: ") and message.count("\n") == 1
    assert not list(tmp_path.iterdir())
