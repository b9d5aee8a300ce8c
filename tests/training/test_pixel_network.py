"""Training of pixel networks: crops are as in tiles, runs learn and resume, and the command makes a model."""

import numpy as np
import pytest
from PIL import Image

import recjax
from recjax.models.pixel_network import model as models
from recjax.models.pixel_network.context import MARGIN_ABOVE, MARGIN_LEFT, MARGIN_RIGHT
from tests.pixel_networks import picture
from training.pixel_network import command, crops, loop


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(3):
        Image.fromarray(picture(50, 60, seed=number)).save(folder / f"{'ab'[number % 2]}_{number}.png")
    (folder / "notes.txt").write_text("not a picture")
    return folder


def test_pictures_are_read_in_groups_of_their_names(folder):
    groups = crops.read_groups(folder, "RGB")
    assert {name: len(own) for name, own in groups.items()} == {"a": 2, "b": 1}
    assert crops.read_groups(folder, "L")["b"][0].shape == (50, 60, 1)
    kept, tests = crops.held_out(groups, 2)
    assert {name: len(own) for name, own in kept.items()} == {"a": 1, "b": 1} and len(tests) == 1
    with pytest.raises(ValueError, match="holds no PNG, JPEG or WebP"):
        crops.read_groups(folder.parent, "RGB")


def test_crops_carry_their_surroundings():
    whole = np.arange(40 * 50, dtype=np.uint16).reshape(40, 50, 1)
    drawn = crops.draw(np.random.default_rng(0), [[whole]], 64, 8)
    assert drawn.padded.shape == (64, 8 + MARGIN_ABOVE, 8 + MARGIN_LEFT + MARGIN_RIGHT, 1)
    borders = [(drawn.row == 0), (drawn.column == 0), (drawn.width == drawn.column + 8)]
    assert all(0 < border.sum() < 32 for border in borders)
    # To the right of a tile, its last pixel is repeated.
    last = drawn.padded[borders[2]]
    np.testing.assert_array_equal(
        last[:, :, -MARGIN_RIGHT:], last[:, :, -MARGIN_RIGHT - 1 : -MARGIN_RIGHT].repeat(2, 2)
    )


def test_training_learns_and_resumes_exactly(folder, tmp_path):
    groups = list(crops.read_groups(folder, "RGB").values())
    told = []
    config = loop.PixelTraining(hidden=(8,), steps=60, batch=2, side=16, rate=1e-2)
    whole = loop.train(groups, groups[0][:1], config, lambda *line: told.append(line), every=20)
    assert [line[0] for line in told] == [20, 40, 60] and told[-1][2] < told[0][2]

    class Stop(Exception):
        pass

    def stop(done, loss, test):
        if done == 40:
            raise Stop

    with pytest.raises(Stop):
        loop.train(groups, groups[0][:1], config, stop, every=20, directory=tmp_path)
    resumed = loop.train(groups, groups[0][:1], config, lambda *line: None, every=20, directory=tmp_path)
    for channel, own in whole.items():
        for name, leaf in own.items():
            np.testing.assert_array_equal(leaf, resumed[channel][name])


def test_the_least_squares_start_predicts_better_than_the_base(folder):
    groups = list(crops.read_groups(folder, "RGB").values())
    config = loop.PixelTraining(hidden=(8,), batch=2, side=16)
    start = loop.initial_parameters(loop.jax.random.key(0), 3, (8,))
    assert loop.measure(loop.least_squares(start, groups, config), groups[0]) < loop.measure(start, groups[0]) - 0.1


def test_the_command_makes_a_model_that_codes(folder, tmp_path, capsys):
    out = tmp_path / "mine"
    arguments = [
        "--data",
        str(folder),
        "--out",
        str(out),
        "--hidden",
        "8",
        "--steps",
        "4",
        "--side",
        "16",
        "--batch",
        "2",
    ]
    assert command.main(arguments) == 0
    assert "model.safetensors" in capsys.readouterr().out
    model = models.load_model(out / "model.safetensors")
    assert model.metadata["pictures"] == 3 and model.name == "mine"
    images = picture(20, 30)[None]
    data = recjax.compress(images, str(out))
    assert np.array_equal(recjax.decompress(data, model=str(out)), images)
    assert command.main(["--data", str(tmp_path / "nothing"), "--out", str(out)]) == 1
    assert "training.pixel_network: " in capsys.readouterr().err
