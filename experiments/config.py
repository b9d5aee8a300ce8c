"""Reads TOML configs into frozen dataclasses: every key is known and typed, and `section.key=value` overrides it.

A config file may have a table `[smoke]` whose keys are dotted paths: `--smoke` applies them before any override.
"""

import copy
import dataclasses
import difflib
import hashlib
import json
import math
import tomllib
import types
import typing
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

Schema = TypeVar("Schema")


class ConfigError(ValueError):
    """Says why a config cannot be used: the sentence names the key and the valid ones."""


def read(path: str | Path) -> dict[str, Any]:
    """Reads the raw tables of a TOML file.

    Args:
        path: The file.

    Returns:
        The tables as nested dictionaries.

    Raises:
        ConfigError: The file cannot be read or is not valid TOML.
    """
    path = Path(path)
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ConfigError(f"cannot read the config {path}: {reason}; give the path of a TOML file.") from None
    except ValueError as error:
        raise ConfigError(f"{path} must be valid TOML, and is not: {error}; correct it.") from None


def resolve(table: dict[str, Any], *, smoke: bool = False, overrides: Iterable[str] = ()) -> dict[str, Any]:
    """Applies the `[smoke]` settings, if `smoke` is set, and then the overrides; the input is not changed.

    Args:
        table: The raw tables of a config.
        smoke: Whether to apply the settings of the table `[smoke]`.
        overrides: Texts `section.key=value`; a value that is not TOML is taken as a string.

    Returns:
        The new tables, without `[smoke]`.

    Raises:
        ConfigError: There is no table `[smoke]`, or an override cannot be read or applied.
    """
    table = copy.deepcopy(table)
    small = table.pop("smoke", None)
    if smoke:
        if not isinstance(small, dict):
            raise ConfigError("--smoke needs a table [smoke], got none; state there which keys to make small.")
        for key, value in small.items():
            _set(table, key, value)
    for text in overrides:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise ConfigError(f"an override must read section.key=value, got {text!r}; write it so.")
        _set(table, key.strip(), _parse(value.strip()))
    return table


def build(schema: type[Schema], table: dict[str, Any], where: str = "") -> Schema:
    """Builds an instance of a config dataclass from a table, and checks keys, types and values.

    Args:
        schema: The dataclass; its fields may be dataclasses, tuples, literals, optional, or plain values.
        table: The table.
        where: Dotted path of the table within the config, for error messages.

    Returns:
        The instance.

    Raises:
        ConfigError: A key is unknown or missing, or a value has the wrong type or is refused by the dataclass.
    """
    known = {field.name: field for field in dataclasses.fields(schema)}  # pyright: ignore[reportArgumentType]
    kinds = typing.get_type_hints(schema)
    for key in table:
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1)
            hint = f" (did you mean {close[0]!r}?)" if close else ""
            raise ConfigError(f"unknown key {_join(where, key)!r}{hint}; choose from {', '.join(known)}.")
    for name, field in known.items():
        needed = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if needed and name not in table:
            raise ConfigError(f"the key {_join(where, name)!r} is missing; add it (the keys are {', '.join(known)}).")
    values = {key: _convert(kinds[key], value, _join(where, key)) for key, value in table.items()}
    try:
        return schema(**values)
    except ConfigError:
        raise
    except ValueError as error:
        raise ConfigError(f"{where + ': ' if where else ''}{error}") from None


def digest(config: Any) -> str:
    """Computes the SHA-256 digest of a config dataclass, every default included.

    Args:
        config: The dataclass instance.

    Returns:
        64 hexadecimal digits.
    """
    canonical = json.dumps(dataclasses.asdict(config), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _join(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def _parse(text: str) -> Any:
    """Parses a value from the command line: TOML if it is valid TOML, else the text itself, so names need no quotes."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _set(table: dict[str, Any], key: str, value: Any) -> None:
    """Sets a value at a dotted path; a number in the path selects an entry of a list of tables."""
    *parents, last = key.split(".")
    place: Any = table
    path = ""
    for part in parents:
        path = _join(path, part)
        place = place[_position(place, part, key)] if isinstance(place, list) else place.setdefault(part, {})
        if not isinstance(place, dict | list):
            raise ConfigError(f"cannot set {key!r}: {path!r} is a value, not a table; set {path!r} itself.")
    if isinstance(place, list):
        place[_position(place, last, key)] = value
    else:
        place[last] = value


def _position(entries: list, part: str, key: str) -> int:
    if not part.isdecimal() or int(part) >= len(entries):
        raise ConfigError(f"cannot set {key!r}: {part!r} is not one of the {len(entries)} entries; count them from 0.")
    return int(part)


def _convert(kind: Any, value: Any, where: str) -> Any:
    """Converts a value to the annotated type, or raises an error that names the key."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        if value is None or value == "none":
            return None
        (kind,) = (argument for argument in arguments if argument is not types.NoneType)
        return _convert(kind, value, where)
    if dataclasses.is_dataclass(kind) and isinstance(value, dict):
        return build(typing.cast(type, kind), value, where)
    if origin is tuple and isinstance(value, list):
        return tuple(_convert(arguments[0], entry, f"{where}.{i}") for i, entry in enumerate(value))
    if origin is typing.Literal:
        if value in arguments:
            return value
        raise ConfigError(f"{where!r} must be one of {', '.join(map(repr, arguments))}, got {value!r}; choose one.")
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    if kind in (str, bool, int) and isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
        return value
    raise ConfigError(f"{where!r} must be {_describe(kind)}, got {value!r}; change it.")


def _describe(kind: Any) -> str:
    names = {str: "a string", int: "an integer", float: "a finite number", bool: "true or false"}
    if typing.get_origin(kind) is tuple:
        return "a list"
    return names.get(kind, "a table")
