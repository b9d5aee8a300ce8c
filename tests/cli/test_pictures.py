"""Pictures of any size on the command line, without a method or a model being named."""

import json

import numpy as np
import pytest

import recjax
from recjax.cli import main as cli
from recjax.codecs.default_method import default_method
from recjax.images.files import read_images, write_images
from recjax.models.pixel_network.model import save_model
from recjax.pretrained.cards import read_pixel_cards
from tests import pixel_networks


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def call(*arguments, code=cli.FINE):
        assert cli.main([*arguments]) == code, capsys.readouterr().err
        return capsys.readouterr()

    return call


@pytest.mark.parametrize("channels", [1, 3])
def test_a_picture_goes_to_a_file_and_back(run, tmp_path, channels):
    write_images(tmp_path / "in.png", pixel_networks.picture(21, 30, channels)[None])
    name = next(card.name for card in read_pixel_cards() if card.channels == channels)
    assert f"Coded by pixel-network with the model {name}" in run("compress", "in.png", "a.rjx").out
    facts = json.loads(run("info", "a.rjx", "--json").out)
    assert (facts["method"], facts["model"], facts["tile_side"], facts["tiles"]) == ("pixel-network", name, 32, 1)
    assert "is good" in run("verify", "a.rjx", "--against", "in.png").out
    run("decompress", "a.rjx", "out.png")
    assert np.array_equal(read_images(tmp_path / "in.png"), read_images(tmp_path / "out.png"))


def test_a_folder_goes_to_shards_and_one_picture_comes_back(run, tmp_path):
    images = np.stack([pixel_networks.picture(16, 20, seed=k) for k in range(5)])
    write_images(tmp_path / "in", images)
    save_model(tmp_path / "mine.safetensors", pixel_networks.model())
    run("compress", "in", "shards", "--shard-images", "2", "--model", "mine.safetensors")
    run("decompress", "shards", "four.png", "--index", "3", "--model", "mine.safetensors")
    assert np.array_equal(read_images(tmp_path / "four.png")[0], images[3])
    run("compress", "in", "all.rjx", "--model", "mine.safetensors")
    run("decompress", "all.rjx", "two.png", "--index", "1", "--model", "mine.safetensors")
    assert np.array_equal(read_images(tmp_path / "two.png")[0], images[1])


def test_a_model_decides_the_method(tmp_path):
    save_model(tmp_path / "pixels.safetensors", pixel_networks.model())
    assert default_method((8, 8)) == "bb-ans" and default_method((8, 9)) == default_method((8, 8, 3)) == "pixel-network"
    assert default_method((8, 8), "digits") == default_method((5, 5), recjax.load_model("digits")) == "bb-ans"
    assert default_method((8, 8), str(tmp_path / "pixels.safetensors")) == "pixel-network"
    assert default_method((8, 8), pixel_networks.model(1)) == "pixel-network"
    assert default_method((8, 8), "photos-rgb") == "pixel-network"
    # What is no model is for the loader to refuse.
    assert default_method((8, 8), "nothing") == "bb-ans"


def test_options_of_another_method_are_not_dropped(run, tmp_path):
    write_images(tmp_path / "in.png", pixel_networks.picture(21, 30)[None])
    assert "no released model codes images" in run("compress", "in.png", "a.rjx", "--arithmetic", "float", code=1).err
    assert not (tmp_path / "a.rjx").exists()


def test_models_for_pictures_are_listed(run):
    listed = run("models").out
    assert all(card.name in listed for card in read_pixel_cards()) and "bits/channel" in listed
    assert {card["name"] for card in json.loads(run("models", "--json").out)["pixel_networks"]} == {
        card.name for card in read_pixel_cards()
    }
