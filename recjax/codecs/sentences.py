"""Sentences about files: numbers of images, sizes and rates. Imports no JAX."""


def size_of(count: int, file_bytes: int, raw_bytes: int) -> str:
    """Says how large a file of images is.

    Args:
        count: The number of images.
        file_bytes: The size of the file, in bytes.
        raw_bytes: The size of the images before compression, in bytes.

    Returns:
        A sentence with the number of images, the size, and the rate in bits per dimension.
    """
    per_dimension = f", {8 * file_bytes / raw_bytes:.3f} bits per dimension" if raw_bytes else ""
    return f"{count} image{'s' * (count != 1)}, {file_bytes:,} bytes{per_dimension}."
