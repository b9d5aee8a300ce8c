"""Released models: cards that fit their files, a limit on their size, and the choice among them."""

import hashlib
import json
import shutil
from dataclasses import replace

import pytest

from recjax.models.inr import model as inr_model
from recjax.models.pixel_network import model as pixel_model
from recjax.models.vae.evaluate import list_models, load_model
from recjax.pretrained.cards import (
    FORMER,
    LOSSY,
    PIXEL_NETWORKS,
    PRETRAINED,
    Card,
    choose,
    choose_pixel_network,
    name_of,
    read_cards,
    read_lossy_cards,
    read_pixel_cards,
    released_name,
    unknown_model,
)

LARGEST_TOTAL_BYTES = 8 * 2**20
LARGEST_PIXEL_NETWORK = 100_000
CHANNELS = (("colour", 3), ("grey", 1), ("other", 3))

GREY = Card("grey", "d", "s", 1, (28, 28), 256, 50, 1, "mnist", 1.38, {"bb-ans": 1.38, "orc": 1.40})


def test_every_released_file_is_what_its_card_states():
    cards = read_cards()
    assert [card.name for card in cards] == list_models()
    for card in cards:
        path = PRETRAINED / f"{card.name}.safetensors"
        model = load_model(card.name)
        assert (model.name, model.digest) == (card.name, card.digest)
        assert (model.image_shape, model.levels, model.latents) == (card.image_shape, card.levels, card.latents)
        assert path.stat().st_size == card.file_bytes
        assert hashlib.sha256(path.read_bytes()).hexdigest() == card.sha256
        document = json.loads(path.with_suffix(".json").read_text())
        assert {key: document[key] for key in model.metadata} == model.metadata
        assert card.files and card.data and model.metadata["train"]
        assert all(card.elbo_bits_per_dim * 0.99 < rate < 1.25 * card.elbo_bits_per_dim for rate in card.files.values())


def test_every_released_file_of_representations_is_what_its_card_states():
    cards = read_lossy_cards()
    assert [card.name for card in cards] == inr_model.list_models()
    for card in cards:
        path = LOSSY / f"{card.name}.safetensors"
        model = inr_model.load_model(card.name)
        assert (model.name, model.digest) == (card.name, card.digest) and inr_model.find_model(
            card.digest[:16]
        ) is model
        assert card.patch == (model.shape.height, model.shape.width, model.shape.channels)
        assert card.whole_pictures == (len(model.spans) == 1) and card.priors == model.rates
        assert path.stat().st_size == card.file_bytes
        assert hashlib.sha256(path.read_bytes()).hexdigest() == card.sha256
        document = json.loads(path.with_suffix(".json").read_text())
        assert {key: document[key] for key in model.metadata} == model.metadata
        assert card.data and len(card.rates) == len(card.priors)
        assert sorted(psnr for _, psnr in card.rates) == [psnr for _, psnr in card.rates]


def test_every_released_pixel_network_is_what_its_card_states():
    cards = read_pixel_cards()
    assert [card.name for card in cards] == pixel_model.list_models()
    for card in cards:
        path = PIXEL_NETWORKS / f"{card.name}.safetensors"
        model = pixel_model.load_model(card.name)
        assert (model.name, model.digest, len(model.channels)) == (card.name, card.digest, card.channels)
        assert pixel_model.find_model(card.digest[:16]) is model and released_name(card.digest) == card.name
        assert path.stat().st_size == card.file_bytes <= LARGEST_PIXEL_NETWORK
        assert hashlib.sha256(path.read_bytes()).hexdigest() == card.sha256
        document = json.loads(path.with_suffix(".json").read_text())
        assert {key: document[key] for key in model.metadata} == model.metadata
        assert card.data and card.rates and model.metadata["train"] and document["licence"] and document["command"]


def test_a_pixel_network_is_chosen_by_its_channels():
    cards = [
        replace(card, name=name, channels=channels) for card in read_pixel_cards()[:1] for name, channels in CHANNELS
    ]
    assert (
        choose_pixel_network(cards, (9, 5, 3)).name == "colour" and choose_pixel_network(cards, (9, 5)).name == "grey"
    )
    with pytest.raises(ValueError, match="no released pixel network codes pictures of 4 channels"):
        choose_pixel_network(cards, (9, 5, 4))


def test_released_models_of_representations_are_small_together():
    assert sum(path.stat().st_size for path in LOSSY.iterdir()) <= LARGEST_TOTAL_BYTES


def test_released_models_are_small_together():
    assert sum(path.stat().st_size for path in PRETRAINED.iterdir()) <= LARGEST_TOTAL_BYTES


def test_the_model_of_the_lowest_rate_of_the_method_is_taken():
    other = replace(GREY, name="other", files={"bb-ans": 1.15, "orc": 1.45})
    unmeasured = replace(GREY, name="unmeasured", files={}, elbo_bits_per_dim=1.0)
    cards = [GREY, other, unmeasured]
    assert choose(cards, (28, 28), 255, "bb-ans").name == "other"
    assert choose(cards, (28, 28), 255, "orc").name == "grey"
    # None has a rate of this method: -ELBO decides.
    assert choose(cards, (28, 28), 255, "pfr").name == "unmeasured"
    assert choose([replace(GREY, name=name) for name in "ba"], (28, 28), 255, "orc").name == "a"


def test_images_of_few_levels_take_the_model_of_fewest_levels():
    binary = replace(GREY, name="binary", levels=2, files={"bb-ans": 9.0})
    assert choose([GREY, binary], (28, 28), 1, "bb-ans").name == "binary"
    assert choose([GREY, binary], (28, 28), 2, "bb-ans").name == "grey"


def test_images_that_no_model_codes_are_explained():
    with pytest.raises(ValueError, match=r"28x27; name a trained one with --model"):
        choose([GREY], (28, 27), 0, "bb-ans")
    with pytest.raises(ValueError, match=r"values up to 17 \(few: pixel values 0 to 15\)"):
        choose([replace(GREY, name="few", levels=16)], (28, 28), 17, "bb-ans")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"files": 3}'])
def test_a_damaged_card_is_one_sentence(tmp_path, text):
    shutil.copy(PRETRAINED / "digits.json", tmp_path / "a.json")
    assert [card.digest for card in read_cards(tmp_path)] == [load_model("digits").digest]
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(ValueError, match=r"a\.json is not the card"):
        read_cards(tmp_path)


def test_models_are_named_by_the_digests_in_files():
    every = (*read_cards(), *read_lossy_cards(), *read_pixel_cards())
    assert [name_of(card.digest[:16]) for card in every] == [card.name for card in every]
    for digest, name in FORMER.items():
        assert name_of(digest) == name and not any(card.digest.startswith(digest) for card in every)
        assert f"made with the model {name} of digest {digest}, which is not a released model" in unknown_model(digest)
    assert name_of("0" * 16) is None
    assert "made with a model of digest 0000000000000000, which is not a released model" in unknown_model("0" * 16)
    assert "the model 'mine\\n' of digest 0000000000000000" in unknown_model("0" * 16, "mine\n")


def test_a_model_holds_the_values_that_it_is_chosen_for():
    """Values 0 to levels - 1; of those that hold them the one of fewest levels, then of the lowest rate."""
    few = replace(GREY, name="few", levels=17)
    worse = replace(GREY, name="a worse one", levels=17, files={"bb-ans": 2.0})
    cards = [GREY, worse, few]
    found = [choose(cards, (28, 28), largest, "bb-ans").name for largest in (0, 16, 17, 255)]
    assert found == ["few", "few", "grey", "grey"]
    with pytest.raises(ValueError, match="with values up to 256"):
        choose(cards, (28, 28), 256, "bb-ans")
