"""Faults of pixel networks: contexts, masses, the wavefront, tiles and streams."""

from tests.mutants.fault import fault

CONTEXT = "tests/models/pixel_network/test_context.py"
MIXTURE = "tests/models/pixel_network/test_mixture.py"
TILES = "tests/codecs/pixel_network/test_tiles.py"
FILES = "tests/codecs/pixel_network/test_compression.py"
_MODELS, _CODECS = "recjax/models/pixel_network", "recjax/codecs/pixel_network"

FAULTS = (
    fault(
        "what lies above a tile is seen from its second row",
        f"{_MODELS}/context.py",
        "(row < -down)[..., None]",
        "(row < 0)[..., None]",
        f"{CONTEXT}::test_what_is_outside_of_a_tile_does_not_matter",
    ),
    fault(
        "what lies left of a tile is seen",
        f"{_MODELS}/context.py",
        "| (column < -right)[..., None]",
        "",
        f"{CONTEXT}::test_what_is_outside_of_a_tile_does_not_matter",
    ),
    fault(
        "the activity of one channel counts once",
        f"{_MODELS}/context.py",
        " * (3 // channels)",
        "",
        f"{CONTEXT}::test_one_channel_and_three_equal_ones_have_the_same_unit",
    ),
    fault(
        "values have no mass of their own",
        f"{_MODELS}/mixture.py",
        "inner = value.astype(jnp.uint32) + ((mass * (TOTAL_MASS - VALUES)) >> 16)",
        "inner = (mass * (TOTAL_MASS - VALUES)) >> 16",
        f"{MIXTURE}::test_every_value_has_a_mass_and_they_add_up",
    ),
    fault(
        "cumulative masses are those at the middle of a value",
        f"{_MODELS}/mixture.py",
        "(_GREY * value - _GREY // 2)",
        "(_GREY * value)",
        f"{MIXTURE}::test_masses_are_those_of_logistic_distributions",
    ),
    fault(
        "the logistic function is not interpolated",
        f"{_MODELS}/mixture.py",
        " + ((slope * within) >> _STEP_BITS)",
        "",
        f"{MIXTURE}::test_masses_are_those_of_logistic_distributions",
    ),
    fault(
        "green is not coded first",
        f"{_MODELS}/picture.py",
        "np.array([1, 0, 2])",
        "np.array([0, 1, 2])",
        f"{FILES}::test_the_size_is_that_of_the_masses",
    ),
    fault(
        "the last pixel of a row is not repeated by decoders",
        f"{_CODECS}/coder.py",
        "jnp.where((column >= width[:, None])[..., None], history[-1], values)",
        "values",
        f"{FILES}::test_pictures_come_back[(31, 29, 3)]",
    ),
    fault(
        "lanes do not take the row above from each other",
        f"{_CODECS}/coder.py",
        "-down, axis=1) for down",
        "0, axis=1) for down",
        f"{FILES}::test_pictures_come_back[(32, 32, 3)]",
    ),
    fault(
        "a lane takes its next row a step early",
        f"{_CODECS}/wavefront.py",
        "turn = since // (ROWS_STEP * lanes)",
        "turn = since // (ROWS_STEP * lanes - 1)",
        f"{TILES}::test_the_wavefront_reaches_every_pixel_once_and_after_its_neighbours",
    ),
    fault(
        "tiles of a row are not equal in size",
        f"{_CODECS}/tiles.py",
        "height, width = (-(-size // count) for size, count in zip(self.image_shape, self.grid, strict=False))",
        "height, width = self.side, self.side",
        f"{TILES}::test_tiles_cover_every_pixel_once",
    ),
    fault(
        "the end of a stream is not checked",
        f"{_CODECS}/streams.py",
        "if turns == work.numbers.shape[1] and (any(left) or np.any(np.asarray(message.head) != rans.HEAD_MIN)):",
        "if False:",
        f"{FILES}::test_streams_of_wrong_lengths_are_told",
    ),
    fault(
        "a stream that ends within its heads is read",
        f"{_CODECS}/streams.py",
        "if len(data) < _HEAD_BYTES * used[stream]:",
        "if False:",
        f"{FILES}::test_streams_of_wrong_lengths_are_told",
    ),
    fault(
        "one picture of many is taken for the next",
        f"{_CODECS}/compression.py",
        "work.numbers[mine, turn] - first, tiles[mine]",
        "work.numbers[mine, turn] - last, tiles[mine]",
        f"{FILES}::test_a_picture_in_many_tiles_or_streams_is_decoded_alone",
    ),
)
