"""The exceptions of recjax's own."""


class FormatError(ValueError):
    """Bytes that this recjax cannot decode: damaged, foreign, newer, or made for another model."""


class UsageError(ValueError):
    """A command line that asks for what there is not."""
