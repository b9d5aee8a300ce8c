"""About what a candidate takes, in operations of a device."""

OPERATIONS_OF_DIMENSION = 65
"""Integer and float operations of a candidate's dimension, about: half a Threefry block, the quantile and the ratio."""

PRODUCT_OPERATIONS_OF_DIMENSION = 4
"""Of a candidate's dimension for one of the blocks that share it: two products and two sums."""
