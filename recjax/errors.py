"""The exceptions that recjax defines."""


class FormatError(ValueError):
    """Signals bytes that this version of recjax cannot decode: damaged, foreign, newer, or made for another model."""


class UnknownModelError(FormatError):
    """Signals a file whose model is not a released one, while no model was given to decode it with."""


class FaultError(ValueError):
    """Signals a message that overflowed, underflowed or got a symbol that its codec cannot code: it is not written."""


class UsageError(ValueError):
    """Signals a wrong command line: an unknown command, or options that do not exist, conflict or are out of range."""
