"""Small runs of the experiments on Gaussian targets, each done once for all of its tests."""

import csv
import json
from pathlib import Path

import pytest

from experiments import __main__, config, registry, report

CONFIGS = Path(__file__).resolve().parents[2] / "configs"


@pytest.fixture(scope="module")
def small_run(tmp_path_factory):
    """small_run(name, *overrides): result and folder of a run of --smoke."""
    done = {}

    def result(name, *overrides):
        if name not in done:
            folder = tmp_path_factory.mktemp(name)
            arguments = [str(CONFIGS / f"{name}.toml"), "--smoke", "--out", str(folder), *overrides]
            assert __main__.main(arguments) == 0
            done[name] = json.loads((folder / report.RESULT).read_text()), folder
        return done[name]

    return result


@pytest.fixture(scope="session")
def settings():
    """settings(name, *overrides): the config of an experiment, with these settings."""

    def build(name, *overrides):
        table = config.resolve(config.read(CONFIGS / f"{name}.toml"), overrides=overrides)
        return config.build(registry.runner(registry.name_of(table)).Config, table)

    return build


@pytest.fixture(scope="session")
def columns():
    """columns(folder, table): head and rows of a table that a run has written."""

    def read(folder, table):
        rows = list(csv.reader((folder / f"{table}.csv").read_text().splitlines()))
        return tuple(rows[0]), rows[1:]

    return read
