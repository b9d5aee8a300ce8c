"""Methods of a config: defaults as the library has them, mistakes found early, names that never collide."""

import inspect

import pytest

from experiments.lossless.methods import Method, check, file_name, labels
from recjax.codecs.lossless import compression as lossless


def test_partition_is_the_librarys_default():
    library = inspect.signature(lossless.compress).parameters["partition"].default
    assert Method("pfr").partitioned == Method("orc").partitioned == library
    assert not Method("pfr", partition=False).partitioned and not Method("bb-ans").partitioned


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"name": "orc", "candidates": 1000}, "power of two.*1000"),
        ({"name": "orc", "candidates": 0}, "power of two"),
        ({"name": "pfr", "block_bits": 0.0}, "block_bits"),
        ({"name": "bb-ans", "candidates": 64}, "bb-ans"),
        ({"name": "bb-ans", "block_bits": 8.0}, "bb-ans"),
        ({"name": "bb-ans", "partition": True}, "bb-ans takes no partition.*leave it out"),
        ({"name": "bb-ans", "partition": False}, "bb-ans takes no partition"),
    ],
    ids=str,
)
def test_impossible_settings_are_explained_without_a_model(arguments, words):
    with pytest.raises(ValueError, match=words):
        Method(**arguments)


def test_methods_of_different_kinds_have_short_names():
    methods = [Method("bb-ans"), Method("pfr"), Method("pfr", False, 64), Method("orc", False), Method("orc")]
    assert labels(methods) == ("BB-ANS", "PFR, partitioned", "PFR", "ORC", "ORC, partitioned")
    assert [file_name(label) for label in labels(methods)] == [
        "bb-ans.rjx",
        "pfr-partitioned.rjx",
        "pfr.rjx",
        "orc.rjx",
        "orc-partitioned.rjx",
    ]


def test_methods_of_one_kind_are_told_apart_by_what_differs():
    default = Method("orc").resolved["candidates"]
    methods = [Method("orc", candidates=2 * default), Method("orc"), Method("orc", False)]
    assert labels(methods) == (
        f"ORC, partitioned, {2 * default:,} candidates",
        f"ORC, partitioned, {default:,} candidates",
        "ORC",
    )
    assert file_name(labels(methods)[0]) == f"orc-partitioned-{2 * default}-candidates.rjx"
    budgets = [Method("pfr", False, 64, 1000.0), Method("pfr", False, 64, 1000.0009765625), Method("pfr", False, 128)]
    assert labels(budgets)[:2] == (
        "PFR, 64 candidates, 1000-bit blocks",
        "PFR, 64 candidates, 1000.0009765625-bit blocks",
    )
    assert len({file_name(label) for label in labels(budgets)}) == 3


@pytest.mark.parametrize(
    "again",
    [
        Method("orc"),
        Method("orc", True),
        Method("orc", **{key: value for key, value in Method("orc").resolved.items() if key != "name"}),
    ],
    ids=str,
)
def test_methods_must_differ(again):
    check([Method("orc"), Method("orc", False), Method("pfr"), Method("orc", candidates=64)])
    with pytest.raises(ValueError, match=r"methods\.2 must differ.*methods\.0"):
        check([Method("orc"), Method("pfr"), again])


def test_there_must_be_a_method():
    with pytest.raises(ValueError, match="at least one entry"):
        check([])
