"""Approximate numbers of operations that a candidate takes on a device."""

OPERATIONS_OF_DIMENSION = 65
"""Integer and float operations for one dimension of a candidate: half a Threefry block, the quantile and the ratio."""

PRODUCT_OPERATIONS_OF_DIMENSION = 4
"""Operations for one dimension of a shared candidate and one block: two multiplications and two additions."""
