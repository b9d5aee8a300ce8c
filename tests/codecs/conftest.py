from typing import NamedTuple

import numpy as np
import pytest
from sklearn.datasets import load_digits

from recjax.codecs.lossless import compression as lossless
from recjax.codecs.lossless import relative_entropy
from recjax.conformance import check as conformance
from recjax.models.vae import evaluate as models


class Case(NamedTuple):
    """A way to code: what `compress` is asked for. The searches are short, so that tests are."""

    method: str
    options: dict

    def __str__(self) -> str:
        return self.method + ("" if self.options.get("partition", True) else "-plain")


SHORT = {"candidates": 64, "block_bits": 6.0}
REC_CASES = [
    Case(method, {"partition": partition, **SHORT}) for method in ("pfr", "orc") for partition in (True, False)
]
SCALAR_CASES = [
    Case("as-star", {}),
    Case("ad-star", {"index_code": "delta"}),
    Case("dad-star", {"max_depth": 5}),
    Case("gprs", {"branch_code": "raw"}),
]
CHAIN_CASES = [Case("bb-ans", {}), Case("bb-ans-rec", SHORT)]
CASES = [*CHAIN_CASES, *REC_CASES, *SCALAR_CASES]
# Each coder compiles a lot: as-star stands for the scalar ones in quick runs.
SLOW_METHODS = ("ad-star", "dad-star", "gprs")


def _params(cases: list[Case]) -> list:
    """Cases as parameters."""
    return [pytest.param(case, marks=pytest.mark.slow) if case.method in SLOW_METHODS else case for case in cases]


@pytest.fixture(params=_params(CASES), ids=str)
def case(request) -> Case:
    """Every way to code."""
    return request.param


@pytest.fixture(params=_params([*REC_CASES, *SCALAR_CASES]), ids=str)
def rec_case(request) -> Case:
    """Every way that codes each image alone."""
    return request.param


@pytest.fixture(scope="session")
def digits() -> np.ndarray:
    """All of scikit-learn's digits, uint8 [1797, 8, 8], in its order."""
    return load_digits().images.astype(np.uint8)


@pytest.fixture(scope="session")
def model():
    return models.load_model("digits")


@pytest.fixture(scope="session")
def golden():
    """Files of the conformance set by case: the first 8 digits, as a former recjax wrote them."""
    files = {reference.name: reference for reference in conformance.references()}
    return {str(case): files[f"digits-{case}"].data for case in CASES}


@pytest.fixture(scope="session", params=["quick", pytest.param("all", marks=pytest.mark.slow)])
def some_golden(request, golden):
    """The golden files for tests of many at once: all of them, or without those of SLOW_METHODS."""
    return {name: data for name, data in golden.items() if request.param == "all" or name not in SLOW_METHODS}


@pytest.fixture(scope="session")
def hundred(model, digits):
    """Files of the first 100 digits by case, each coded once for all tests, in batches of one image."""
    coded = {}

    def make(case: Case) -> bytes:
        if str(case) not in coded:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(relative_entropy, "BATCH", 1)
                coded[str(case)] = lossless.compress(digits[:100], model, method=case.method, **case.options)
        return coded[str(case)]

    return make


@pytest.fixture
def one_by_one(monkeypatch):
    """Batches of one image: a single shape is compiled for files of any number of images."""
    monkeypatch.setattr(relative_entropy, "BATCH", 1)
