"""Which type holds less than another, so that values are cut off, rounded or refused; not what the change costs."""

from __future__ import annotations

from migrator.sql.column_type import Type

_ORDER = (("int2", "int4", "int8", "numeric"), ("float4", "float8"), ("date", "timestamp"), ("json", "jsonb", "text"))
_TEXTS = ("varchar", "bpchar", "text")
_LIMITED = ("varchar", "bpchar", "bit", "varbit", "timestamp", "timestamptz", "time", "timetz", "numeric")
_TIMES = ("timestamp", "timestamptz", "time", "timetz")
_FULL_PRECISION = 6  # digits of a second, that a time has where none is given
_INTEGERS = ("int2", "int4", "int8")
_PARTS_OF_TIME = (("timestamptz", "date"), ("timestamp", "time"), ("timestamptz", "time"))
_EXACT = ("numeric", "int8")
_FLOATS = ("float4", "float8")


def loses(old: Type, new: Type) -> bool:
    """Say whether a value of `old` may not come back whole from `new`."""
    if old.array != new.array or old.name == new.name:
        return old.name == new.name and old.array == new.array and old.name in _LIMITED and _tighter(old, new)
    if old.name in _TEXTS and new.name in _TEXTS:
        return bool(new.modifiers) and (not old.modifiers or new.modifiers[0] < old.modifiers[0])
    if old.name in _EXACT and new.name in _FLOATS:
        return True
    if (old.name in _FLOATS and new.name in _INTEGERS) or (old.name, new.name) in _PARTS_OF_TIME:
        return True
    return any(old.name in order and new.name in order and order.index(new.name) < order.index(old.name)
               for order in _ORDER if "text" not in order)  # fmt: skip


def _tighter(old: Type, new: Type) -> bool:
    if not new.modifiers:
        return False
    if not old.modifiers:
        return not (old.name in _TIMES and new.modifiers[0] >= _FULL_PRECISION)
    digits = [one.modifiers[0] - (one.modifiers[1] if len(one.modifiers) > 1 else 0) for one in (old, new)]
    return any(after < before for before, after in zip(old.modifiers, new.modifiers, strict=False)) or (
        old.name == "numeric" and digits[1] < digits[0]
    )
