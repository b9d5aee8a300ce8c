"""The one exception of recjax's own."""


class FormatError(ValueError):
    """Bytes that this recjax cannot decode: damaged, foreign, newer, or made for another model."""
