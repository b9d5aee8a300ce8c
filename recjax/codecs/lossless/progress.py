"""Divides the progress of lossless encoders into stages. Imports no JAX."""

from collections.abc import Callable

from recjax.container.coder import Progress


def by_stage(progress: Progress, *, steady: bool = True) -> Callable[[int, int], None]:
    """Makes a callback for `recjax.compress` that reports encoding and verification as two stages.

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


def counted_twice(
    progress: Callable[[int, int], None] | None, count: int
) -> tuple[Callable[[int, int], None] | None, Callable[[int, int], None] | None]:
    """Divides a callback that counts every image twice between encoding and the verification that follows.

    Args:
        progress: Called with the number of images done and the number of all, each image counted twice; None reports
            nothing.
        count: The number of images.

    Returns:
        A callback for encoding and one for verification, each a function of the number of images done and the number
        of all; None for both if nothing is reported.
    """
    if progress is None:
        return None, None
    return lambda done, _: progress(done, 2 * count), lambda done, _: progress(count + done, 2 * count)
