"""Whatever a user tells JAX to demand, every public function does what it does by default, and draws the same."""

import jax
import numpy as np
import pytest

import recjax
from tests.compilation.entries import ENTRIES, Entry, expected, leaves, public

SETTINGS = {
    "rank": {"jax_numpy_rank_promotion": "raise"},
    "dtype": {"jax_numpy_dtype_promotion": "strict"},
    "x64": {"jax_enable_x64": True},
    "debug_nans": {"jax_debug_nans": True},
    "disable_jit": {"jax_disable_jit": True},
}
# Searches and files compile for long; a few of them stand for the others.
LONG = (
    "as_star", "dad_star", "gprs", "gprs_global", "grc", "mrc", "orc", "pfr", "bits_back codec",
    "relative_entropy codec", "autoregressive codec", "compress orc", "compress_lossy",
)  # fmt: skip
ALL_BUT_JIT = {name: value for setting in list(SETTINGS)[:-1] for name, value in SETTINGS[setting].items()}
# Each operation is then compiled and run separately, which takes minutes for a search.
QUICK_WITHOUT_JIT = ("grid", "randomness", "Normal", "spread", "integers", "messages", "table codec", "raw_bits codec")


def is_quick(entry: Entry, setting: str) -> bool:
    """Tells whether a row belongs to the default suite."""
    if setting == "disable_jit":
        return entry.name in QUICK_WITHOUT_JIT
    return setting == "all" and entry.name not in LONG


def with_keys() -> list:
    """Rows that take a key."""
    taking = [entry for entry in ENTRIES if entry.takes_key]
    return [pytest.param(one, id=one.name, marks=pytest.mark.slow if one.name in LONG else ()) for one in taking]


def cases() -> list:
    """Every row under all settings together; under each alone, which tells which one it was, where that is quick."""
    return [
        pytest.param(
            entry,
            SETTINGS.get(setting, ALL_BUT_JIT),
            id=f"{entry}-{setting}",
            marks=() if is_quick(entry, setting) else pytest.mark.slow,
        )
        for setting in ("all", *SETTINGS)
        for entry in ENTRIES
    ]


@pytest.fixture
def settle():
    """Makes the settings of a user, which end with the test."""
    before = {name: getattr(jax.config, name) for chosen in SETTINGS.values() for name in chosen}
    yield lambda setting: [jax.config.update(*one) for one in setting.items()]
    for one in before.items():
        jax.config.update(*one)


def test_every_public_function_has_a_row():
    called = {call for entry in ENTRIES for call in entry.calls}
    assert called == set(public())


def assert_same(entry: Entry, found) -> None:
    """Integers, words and bytes bit for bit; floats, which compilers round as they like, about."""
    for one, other in zip(expected(entry), leaves(found), strict=True):
        if np.issubdtype(one.dtype, np.floating):
            np.testing.assert_allclose(other, one, rtol=1e-4, atol=1e-5)
        else:
            np.testing.assert_array_equal(other, one)


@pytest.mark.parametrize(("entry", "setting"), cases())
def test_the_same_under_a_users_settings(entry, setting, settle):
    expected(entry)
    settle(setting)
    assert_same(entry, entry.run(recjax.key(17)))


@pytest.mark.parametrize("make", [jax.random.PRNGKey, jax.random.key], ids=["legacy", "typed"])
@pytest.mark.parametrize("entry", with_keys())
def test_the_same_with_keys_of_jax(entry, make):
    assert_same(entry, entry.run(make(17)))
