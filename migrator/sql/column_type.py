"""Column types, and which changes of a type PostgreSQL makes without rewriting the table; not who uses the column."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from migrator.sql.errors import SqlError
from migrator.sql.parser import Tree, constant_text, parse_tree, strings

_NO_LIMIT = -1
_TIMES = frozenset({"timestamp", "timestamptz", "time", "timetz"})
_MAX_PRECISION = 6
_UTC = frozenset({"utc", "etc/utc", "gmt", "etc/gmt", "zulu", "etc/zulu", "uct", "etc/uct", "universal", "0"})
_RELABELLED = frozenset({("varchar", "text"), ("text", "varchar"), ("cidr", "inet"), ("xml", "text")})
_RELABELLED_NEW_ORDER = frozenset({
    ("text", "citext"), ("citext", "text"), ("varchar", "citext"), ("citext", "varchar"),
    ("int4", "oid"), ("oid", "int4"),
    ("bit", "varbit"),
})  # fmt: skip
"""Same bytes, but another order or operator class: indexes over the column are built anew."""
_SERIALS = {
    "smallserial": "int2",
    "serial2": "int2",
    "serial": "int4",
    "serial4": "int4",
    "bigserial": "int8",
    "serial8": "int8",
}


@dataclass(frozen=True, slots=True)
class Type:
    """A type by its name in pg_type, with its modifiers: `varchar(20)` is Type("varchar", (20,))."""

    name: str
    modifiers: tuple[int, ...] = ()
    array: bool = False
    schema: str | None = None

    @property
    def built_in(self) -> bool:
        """Whether it is a type of PostgreSQL's own, which cannot be a domain."""
        return self.schema == "pg_catalog" or (self.schema is None and self.name in _BUILT_IN)

    @property
    def serial(self) -> str | None:
        """The integer type behind a serial column."""
        return None if self.schema else _SERIALS.get(self.name)


_BUILT_IN = frozenset(
    """
bit bool box bpchar bytea char cidr circle date datemultirange daterange float4 float8 inet int2 int4 int4multirange
int4range int8 int8multirange int8range interval json jsonb jsonpath line lseg macaddr macaddr8 money name nummultirange
numeric numrange oid path pg_lsn point polygon regclass regconfig regnamespace regproc regrole regtype text time
timestamp timestamptz timetz tsmultirange tsquery tsrange tstzmultirange tstzrange tsvector txid_snapshot uuid varbit
varchar xid xid8 xml
""".split()  # noqa: SIM905 - words wrap, hundreds of literals do not
)


@dataclass(frozen=True, slots=True)
class TypeChange:
    """What changing a type costs: the whole table, its indexes on the column, or neither. None: not known."""

    rewrites: bool | None
    rebuilds: bool = False


def type_of(node: Tree) -> Type:
    """Return the type in a TypeName of the parse tree."""
    parts = strings(node.names)
    schema = parts[-2] if len(parts) > 1 else None
    modifiers = tuple(int(constant_text(value) or _NO_LIMIT) for value in node.typmods if _is_integer(value))
    name = parts[-1]
    if schema == "pg_catalog" and name in _BUILT_IN:
        schema = None
    return Type(name, modifiers, bool(node.array_bounds), schema)


def _is_integer(node: Tree) -> bool:
    return constant_text(node).lstrip("-").isdigit()


@lru_cache(maxsize=1024)
def read_type(text: str) -> Type | None:
    """Return the type that `format_type` wrote as `text`; None where it is not SQL."""
    try:
        found = parse_tree(f"SELECT NULL::{text}").stmts[0].stmt.select_stmt.target_list[0].res_target.val
    except SqlError:
        return None
    return type_of(found.type_cast.type_name)


def change(old: Type, new: Type, timezone: str | None = None) -> TypeChange:
    """Return what `ALTER COLUMN … TYPE` from `old` to `new` costs, without USING.

    Follows `ATColumnChangeRequiresRewrite` and the support functions of the types: a change is free where values keep
    their bytes. Where PostgreSQL has no cast, or none is known here, a rewrite is assumed.
    """
    if (old.name, old.array) == (new.name, new.array):
        return TypeChange(rewrites=not (old == new or not new.modifiers or (not old.array and _widens(old, new))))
    if old.array or new.array:
        return TypeChange(rewrites=True)
    pair = (old.name, new.name)
    if pair in _RELABELLED and not new.modifiers:
        return TypeChange(rewrites=False)
    if pair in _RELABELLED_NEW_ORDER and not new.modifiers:
        return TypeChange(rewrites=False, rebuilds=True)
    if set(pair) == {"timestamp", "timestamptz"}:
        zone_free = timezone is not None and timezone.lower() in _UTC
        return TypeChange(rewrites=not (zone_free and _precise_enough(old, new)), rebuilds=True)
    known = old.built_in and new.built_in
    return TypeChange(rewrites=True if known else None)


def _widens(old: Type, new: Type) -> bool:
    if new.name in _TIMES:
        return _precise_enough(old, new)
    if new.name in ("varchar", "varbit"):
        return bool(old.modifiers) and new.modifiers[0] >= old.modifiers[0]
    if new.name == "numeric" and old.modifiers:
        (old_precision, old_scale), (precision, scale) = (_digits(one.modifiers) for one in (old, new))
        return precision >= old_precision and scale == old_scale
    if new.name == "interval":
        return _interval_widens(old.modifiers, new.modifiers)
    return False


def _precise_enough(old: Type, new: Type) -> bool:
    precision = new.modifiers[0] if new.modifiers else _MAX_PRECISION
    return precision >= (old.modifiers[0] if old.modifiers else _MAX_PRECISION)


def _digits(modifiers: tuple[int, ...]) -> tuple[int, int]:
    return modifiers[0], modifiers[1] if len(modifiers) > 1 else 0


def _interval_widens(old: tuple[int, ...], new: tuple[int, ...]) -> bool:
    """Compare interval modifiers: first the mask of fields, then the precision of seconds."""
    if len(new) < 2:
        return old == new
    fields, precision = (old[0], old[1] if len(old) > 1 else _MAX_PRECISION) if old else (new[0], _MAX_PRECISION)
    return fields == new[0] and new[1] >= precision
