"""Divides the progress of lossless encoders into stages. Imports no JAX."""

from collections.abc import Callable

from recjax.container.coder import Progress


def halves(progress: Progress, *, steady: bool = True) -> Callable[[int, int], None]:
    """Divides the progress of an encoder that counts every image twice into encoding and verification.

    Args:
        progress: Called with the name of the stage and how much of it is done.
        steady: Whether all images take equal times.

    Returns:
        A function of the number of images done and the number of all, each image counted twice.
    """

    def tell(done: int, total: int) -> None:
        half = total // 2
        if done <= half:
            progress("encoding", done, half, steady=steady)
        else:
            progress("decoding to make sure", done - half, half, steady=steady)

    return tell
