"""The exceptions of recjax's own."""


class FormatError(ValueError):
    """Bytes that this recjax cannot decode: damaged, foreign, newer, or made for another model."""


class UnknownModelError(FormatError):
    """A file made with a model that is not a released one, where no model is given."""


class FaultError(ValueError):
    """A message that overflowed, underflowed or was given what its codec cannot code: it is not written."""


class UsageError(ValueError):
    """A command line that asks for what there is not."""
