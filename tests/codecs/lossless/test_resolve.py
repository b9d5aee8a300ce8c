import dataclasses

import numpy as np
import pytest

from recjax.codecs.lossless.plan import make_decoding_plan, make_plan
from recjax.codecs.lossless.resolve import block_budget_for, check_settings, make_settings
from recjax.codecs.lossless.settings import REC_METHODS, BlockSettings, settings_of
from recjax.container.file import Header


@pytest.mark.parametrize("blocks", [1, 2, 4, 7, 1000])
def test_a_budget_is_the_smallest_that_fills_so_few_blocks(blocks, model):
    def filled(budget):
        return len(make_plan(model, BlockSettings("orc", True, 6, budget)).masses)

    budget = block_budget_for(model, blocks)
    assert filled(budget) <= blocks
    # With no budget at all, blocks hold latents without information beside one of the others.
    assert budget == 1 or filled(budget - 1) > blocks
    settings = make_settings(model, "orc", candidates=64, blocks=blocks)
    assert settings is not None and settings.parameters["block_budget_bits_q10"] == budget


def test_more_than_a_header_can_state_is_refused(model):
    huge = dataclasses.replace(model, kl_bits=np.full(model.latents, 1 << 20, np.int32))
    with pytest.raises(ValueError, match="fill more than 3 blocks of 1024 bits; ask for more"):
        block_budget_for(huge, 3)
    assert block_budget_for(huge, model.latents) <= 1 << 20


@pytest.mark.parametrize("method", REC_METHODS)
def test_settings_come_back_from_a_header(method, model):
    for index_code in ("zeta", "delta"):
        settings = make_settings(model, method, index_code=index_code)
        assert settings is not None and settings == check_settings(method, index_code=index_code)
        header = Header(method, bytes(8), 1, model.image_shape, 0, {**settings.parameters, "chunk_images": 1})
        assert settings_of(header, model) == settings


def test_scalar_files_make_a_decoder_compile_two_kinds_of_trees(model):
    kinds = set()
    for method in ("as-star", "ad-star", "dad-star", "gprs"):
        for depth in (0, 7) if method == "dad-star" else (None,):
            for index_code in ("zeta", "delta"):
                plan = make_decoding_plan(model, make_settings(model, method, index_code=index_code, max_depth=depth))
                kinds.add((plan.algorithm, plan.masses.shape, plan.arithmetic))
    assert len({algorithm for algorithm, _, _ in kinds}) == 2 and len({shape for _, shape, _ in kinds}) == 1


def test_flags_of_numpy_are_flags(model):
    assert check_settings("as-star", partition=np.True_) == check_settings("as-star")
    assert check_settings("orc", partition=np.False_) == check_settings("orc", partition=False)
    for wrong in (1, "yes", None):
        with pytest.raises(ValueError, match="partition must be True or False" if wrong else "orc has no|must be True"):
            check_settings("orc", partition=wrong)
