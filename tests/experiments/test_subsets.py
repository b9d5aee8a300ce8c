"""The images that an experiment takes."""

import pytest

from experiments.lossless.subsets import check_counts, disjoint_runs


def test_runs_are_disjoint_and_few_of_many_images():
    assert disjoint_runs(100, 30, 10) == [0, 33, 66] and disjoint_runs(100, 1, 2) == [0, 50]
    assert disjoint_runs(100, 1, 4, 50) == [0, 25, 50, 75]
    assert disjoint_runs(100, 20, 4, 50) == [0, 50]
    assert disjoint_runs(100, 100, 4, 50) == [0]


@pytest.mark.parametrize("counts", [(), (0, 1), (2, 2), (2, 1)])
def test_counts_that_do_not_ascend_are_refused(counts):
    with pytest.raises(ValueError, match="'counts' must ascend from 1 image or more"):
        check_counts("counts", counts)
