"""Configs: keys are known and typed, errors name the key and the valid ones."""

import datetime
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

from experiments import config, registry

CONFIGS = sorted((Path(__file__).resolve().parents[2] / "configs").glob("*.toml"))


@dataclass(frozen=True)
class Inner:
    epochs: int = 3
    rate: float = 0.5
    widths: tuple[int, ...] = (1, 2)

    def __post_init__(self):
        if self.epochs < 1:
            raise ValueError(f"'epochs' must be positive, got {self.epochs}.")


@dataclass(frozen=True)
class Outer:
    name: Literal["a", "b"]
    train: Inner = field(default_factory=Inner)
    parts: tuple[Inner, ...] = ()
    limit: int | None = None
    fast: bool = False


def build(table, *overrides, smoke=False):
    return config.build(Outer, config.resolve(table, smoke=smoke, overrides=overrides))


def test_defaults_and_values():
    assert build({"name": "a", "train": {"rate": 1}}) == Outer("a", Inner(rate=1.0))


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("train.epochs=7", Outer("a", Inner(epochs=7))),
        ("name=b", Outer("b")),
        ("fast=true", Outer("a", fast=True)),
        ("limit=4", Outer("a", limit=4)),
        ("limit=none", Outer("a")),
        ("train.widths=[8, 9]", Outer("a", Inner(widths=(8, 9)))),
        ("train.rate=1e-3", Outer("a", Inner(rate=1e-3))),
    ],
)
def test_overrides(override, expected):
    assert build({"name": "a"}, override) == expected


def test_an_override_reaches_into_a_list_of_tables_and_leaves_the_original_alone():
    table = {"name": "a", "parts": [{"epochs": 1}, {"epochs": 2}]}
    assert [part.epochs for part in build(table, "parts.1.epochs=9").parts] == [1, 9]
    assert table["parts"][1] == {"epochs": 2}


def test_values_that_json_does_not_have_are_typed_too():
    with pytest.raises(config.ConfigError, match=r"'limit' must be an integer, got datetime\.date"):
        build({"name": "a", "limit": datetime.date(2024, 1, 1)})


def test_smoke_comes_before_the_command_line():
    table = {"name": "a", "smoke": {"train.epochs": 1, "limit": 2}}
    assert build(table, smoke=True) == Outer("a", Inner(epochs=1), limit=2)
    assert build(table, "limit=5", smoke=True).limit == 5
    assert build(table) == Outer("a")


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("train.epoch=3", ["'train.epoch'", "epochs, rate, widths", "did you mean 'epochs'"]),
        ("nothing=3", ["'nothing'", "name, train, parts, limit, fast"]),
        ("train.rate=inf", ["'train.rate'", "a finite number"]),
        ("train.rate=nan", ["'train.rate'", "a finite number"]),
        ("train.epochs=many", ["'train.epochs'", "an integer", "'many'"]),
        ("train.epochs=true", ["'train.epochs'", "an integer"]),
        ("train.epochs=0", ["train", "positive", "0"]),
        ("train.rate=[1]", ["'train.rate'", "a finite number"]),
        ("train.widths=3", ["'train.widths'", "a list"]),
        ("train.widths=[1, x]", ["'train.widths'"]),
        ("train.widths=[1, 2.5]", ["'train.widths.1'", "an integer", "2.5"]),
        ("train=3", ["'train'", "a table"]),
        ("name=c", ["'name'", "'a', 'b'", "'c'"]),
        ("name.x=c", ["'name.x'", "not a table"]),
        ("parts.0.epochs=1", ["'parts.0.epochs'", "'0'"]),
        ("epochs", ["section.key=value", "'epochs'"]),
    ],
)
def test_errors_name_the_key_and_what_is_valid(override, words):
    with pytest.raises(config.ConfigError) as error:
        build({"name": "a", "parts": []}, override)
    assert all(word in str(error.value) for word in words), str(error.value)


def test_a_missing_key_is_named():
    with pytest.raises(config.ConfigError, match="'name' is missing"):
        build({})


def test_smoke_without_a_smoke_table():
    with pytest.raises(config.ConfigError, match=r"\[smoke\]"):
        build({"name": "a"}, smoke=True)


@pytest.mark.parametrize("text", [None, "= 3", "\udcff"])
def test_unreadable_files(tmp_path, text):
    path = tmp_path / "broken.toml"
    if text is not None:
        path.write_text(text, errors="surrogateescape")
    with pytest.raises(config.ConfigError, match=r"broken\.toml"):
        config.read(path)


def test_digest_depends_on_values_and_not_on_how_they_were_given():
    assert config.digest(build({"name": "a"})) == config.digest(build({"name": "a", "train": {"epochs": 3}}))
    assert config.digest(build({"name": "a"})) != config.digest(build({"name": "b"}))


def test_unknown_experiments_are_told_the_valid_ones():
    with pytest.raises(config.ConfigError, match="'quickstart'"):
        registry.name_of({"experiment": "quickstrat"})


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
@pytest.mark.parametrize("smoke", [False, True])
def test_every_config_fits_its_schema(path, smoke):
    table = config.resolve(config.read(path), smoke=smoke)
    config.build(registry.runner(registry.name_of(table)).Config, table)
