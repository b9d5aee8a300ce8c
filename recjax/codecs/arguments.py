"""Checks of the models that Python callers give to the codecs."""

from typing import Any, TypeVar

from recjax.models.document import shown
from recjax.models.inr.model import INRModel
from recjax.models.vae.evaluate import Model

Owner = TypeVar("Owner", Model, INRModel)

_LOADERS = {Model: "recjax.load_model", INRModel: "recjax.load_lossy_model"}
_COMPRESSORS = {Model: "recjax.compress", INRModel: "recjax.compress_lossy"}


def require_model(model: Any, kind: type[Owner]) -> Owner:
    """Checks that a value is a model of the kind that a codec needs.

    Args:
        model: The value given as a model.
        kind: The class that it must be an instance of: that of lossless or of lossy models.

    Returns:
        The same model.

    Raises:
        ValueError: The value is no model, or is a model of the other kind.
    """
    if isinstance(model, kind):
        return model
    requirement = f"the model must be what {_LOADERS[kind]}(...) returns"
    if type(model) in _COMPRESSORS:
        raise ValueError(
            f"{requirement}, got {model.name!r}, which is for {_COMPRESSORS[type(model)]}; load one of this kind, or "
            "call that."
        )
    example = f"; call {_LOADERS[kind]}({shown(model)}) first" if isinstance(model, str) else "; load one by its name"
    raise ValueError(f"{requirement}, got a {type(model).__name__}{example}.")
