"""Options of methods on the command line: a group of options, made from a method's dataclass of options."""

import ast
import inspect
import textwrap
from collections.abc import Sequence
from dataclasses import Field, fields, make_dataclass
from typing import Annotated, Any, get_type_hints

import tyro

from recjax.container.methods import METHODS, FileMethod, chosen_method, foreign_option
from recjax.errors import UsageError


def method_of(arguments: Sequence[str], default: str) -> FileMethod:
    """Determines the method that a command line names.

    Args:
        arguments: What follows the command's name.
        default: The name of the method to take if none is named.

    Returns:
        The row of the method.

    Raises:
        UsageError: There is no such method, or an argument is an option of other methods only.
    """
    name = default
    for place, argument in enumerate(arguments):
        if argument == "--method":
            name = next(iter(arguments[place + 1 :]), default)
        elif argument.startswith("--method="):
            name = argument.partition("=")[2]
    try:
        method = chosen_method(name)
    except ValueError as error:
        raise UsageError(str(error)) from error
    own = method.load_options().__dataclass_fields__
    others = {one for row in METHODS.values() if row.chosen for one in row.load_options().__dataclass_fields__}
    for argument in arguments:
        option = argument.partition("=")[0].removeprefix("--").removeprefix("no-").replace("-", "_")
        if argument.startswith("--") and option in others - own.keys():
            raise UsageError(foreign_option(method, option))
    return method


def with_options(command: type, method: FileMethod) -> type:
    """Adds the options of a method to a command, as a group of their own.

    Args:
        command: The dataclass of a command.
        method: The row of the method.

    Returns:
        A subclass of the command with one more field, from which `options_in` makes the options.
    """
    kind = method.load_options()
    hints, helps = get_type_hints(kind), _helps(kind)
    rows = [(one.name, _annotated(hints[one.name], one, helps.get(one.name, "")), one.default) for one in fields(kind)]
    group = make_dataclass(kind.__name__, rows, frozen=True)
    # An empty docstring: the oldest tyro that is allowed does not show one here, so the text stands above the groups.
    group.__doc__ = ""
    made = make_dataclass(
        command.__name__,
        [(_field_name(method), tyro.conf.OmitArgPrefixes[group], group())],
        bases=(command,),
        frozen=True,
    )
    alone = "Each image can" if method.decodes_one_alone else "No image can"
    # tyro does not break lines here, so each sentence is a paragraph.
    about = f"{method.name} takes {method.images}.\n\n{alone} be decoded without the others."
    made.__doc__ = f"{inspect.cleandoc(command.__doc__ or '')}\n\n{_methods()}\n\n{about}"
    return made


def options_in(command: Any, method: FileMethod) -> Any:
    """Makes the options of a method from what the command line gave.

    Args:
        command: An instance of a class that `with_options` made.
        method: The row of the same method.

    Returns:
        An instance of the method's dataclass of options.

    Raises:
        UsageError: A value is illegal.
    """
    try:
        return method.load_options()(**vars(getattr(command, _field_name(method))))
    except ValueError as error:
        raise UsageError(str(error)) from error


def _methods() -> str:
    """Lists the methods that a user can choose."""
    rows = [method for method in METHODS.values() if method.chosen]
    width = max(len(method.name) for method in rows)
    listed = "\n".join(f"  {method.name:{width}}  {method.summary}" for method in rows)
    return f"Methods (--method NAME --help shows the options of one):\n{listed}"


def _field_name(method: FileMethod) -> str:
    # tyro makes the title of the group from the name of the field.
    return method.name.replace("-", "_")


def _annotated(hint: Any, one: Field, text: str) -> Any:
    # The help of an option that is None by default says in words what that means.
    in_words = one.default is None
    return Annotated[hint, tyro.conf.arg(help=text, help_behavior_hint="") if in_words else tyro.conf.arg(help=text)]


def _helps(kind: type) -> dict[str, str]:
    """Reads the strings below the fields of a dataclass and of the classes that it inherits from."""
    texts: dict[str, str] = {}
    for cls in reversed(kind.__mro__[:-1]):
        (definition,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
        assert isinstance(definition, ast.ClassDef)
        for field, below in zip(definition.body, definition.body[1:], strict=False):
            if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)):
                continue
            if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
                texts[field.target.id] = " ".join(str(below.value.value).split())
    return texts
