"""Carries statements about types and functions over to the schema that is known."""

from __future__ import annotations

from collections.abc import Callable

from migrator.check.schema.columns import expression_sql, type_sql
from migrator.check.schema.schema import Body, Schema, Signature
from migrator.sql.column_type import type_of
from migrator.sql.context import Volatility
from migrator.sql.names import Name, name_of, named
from migrator.sql.parser import Tree, field_enum, option_text, strings

_RULES = {"CONSTR_CHECK", "CONSTR_NOTNULL"}
_EXTENSION_TYPES = {
    "citext": ("citext",),
    "hstore": ("hstore",),
    "ltree": ("ltree", "lquery", "ltxtquery"),
    "postgis": ("geometry", "geography"),
    "vector": ("vector", "halfvec", "sparsevec"),
}
"""What the common extensions bring along: base types, none of them a domain."""


def _create_function(schema: Schema, tree: Tree) -> None:
    _function(schema, tree.funcname, tree.options, "volatile")
    name = named(strings(tree.funcname))
    options = {one.def_elem.defname: one.def_elem for one in tree.options}
    schema.new_objects.add(name)
    if (made := signature_of(tree)) is not None:
        others = (one for one in schema.functions(name) if one.types != made.types)
        schema.signatures = {one: known for one, known in schema.signatures.items() if not one.same(name)}
        schema.signatures[name] = (*others, made)
    if "as" in options and (text := strings(options["as"].arg.list.items)[:1]):
        language = option_text(options["language"]) if "language" in options else "sql"
        parameters = (one.function_parameter.name for one in tree.parameters)
        schema.bodies[name] = Body(text[0], language, tuple(filter(None, parameters)))


def signature_of(tree: Tree) -> Signature | None:
    """Return the signature in a CREATE FUNCTION; None for a procedure, and where parameters give something back."""
    parameters = [one.function_parameter for one in tree.parameters]
    plain = all(field_enum(one, "mode") in ("FUNC_PARAM_DEFAULT", "FUNC_PARAM_IN") for one in parameters)
    if not plain or not tree.HasField("return_type"):
        return None
    result = f"{'SETOF ' if tree.return_type.setof else ''}{type_sql(tree.return_type)}"
    return Signature(tuple(type_sql(one.arg_type) for one in parameters), tuple(one.name for one in parameters), result)


def _alter_function(schema: Schema, tree: Tree) -> None:
    _function(schema, tree.func.objname, tree.actions, "")


def _function(schema: Schema, name: Tree, options: Tree, otherwise: str) -> None:
    found = {one.def_elem.defname: option_text(one.def_elem) for one in options}.get("volatility", otherwise)
    if found:
        function = named(strings(name))
        known = next((one for one in schema.volatilities if one.same(function)), function)
        schema.volatilities[known] = Volatility(found)


def _domain(schema: Schema, tree: Tree) -> None:
    name, base = named(strings(tree.domainname)), type_of(tree.type_name)
    kinds = {field_enum(one.constraint, "contype") for one in tree.constraints}
    schema.new_objects.add(name)
    under: bool | None = False
    if not base.built_in:
        under = schema.constrained(Name(base.name, base.schema))
    stored = type_sql(tree.type_name) if base.built_in else schema.underlying(Name(base.name, base.schema))
    if stored:
        schema.bases[name] = stored
    schema.domain_defaults.pop(name, None)
    if not base.built_in and (inherited := schema.default_of(Name(base.name, base.schema))):
        schema.domain_defaults[name] = inherited
    for one in tree.constraints:
        if field_enum(one.constraint, "contype") == "CONSTR_DEFAULT":
            schema.domain_defaults[name] = expression_sql(one.constraint.raw_expr)
    own = [one.constraint.conname for one in tree.constraints if field_enum(one.constraint, "contype") in _RULES]
    schema.domain_rules[name] = frozenset(own if under is False else [*own, ""])
    if kinds & _RULES or under is not None:
        schema.types[name] = bool(kinds & _RULES or under)


def _alter_domain(schema: Schema, tree: Tree) -> None:
    name = named(strings(tree.type_name))
    if tree.subtype == "T":
        known = next((one for one in schema.domain_defaults if one.same(name)), name)
        schema.domain_defaults.pop(known, None)
        if tree.HasField("def"):
            schema.domain_defaults[known] = expression_sql(getattr(tree, "def"))
    known = next((one for one in schema.types if one.same(name)), name)
    if tree.subtype in ("C", "O"):
        schema.types[known] = True
        if known in schema.domain_rules:
            added = getattr(tree, "def").constraint.conname if tree.subtype == "C" else ""
            schema.domain_rules[known] |= {added}
    elif tree.subtype == "X" and tree.name in schema.domain_rules.get(known, ()):
        schema.domain_rules[known] -= {tree.name}
        schema.types[known] = bool(schema.domain_rules[known])


def _plain(schema: Schema, name: Name) -> None:
    """Remember a type that is no domain."""
    schema.types[name] = False
    schema.bases[name] = name.quoted()
    schema.new_objects.add(name)


def _enum(schema: Schema, tree: Tree) -> None:
    _plain(schema, named(strings(tree.type_name)))
    if tree.DESCRIPTOR.name == "CreateEnumStmt":
        schema.enums[named(strings(tree.type_name))] = strings(tree.vals)


def _alter_enum(schema: Schema, tree: Tree) -> None:
    name = named(strings(tree.type_name))
    known = next((one for one in schema.enums if one.same(name)), None)
    if known is None:
        return
    labels = schema.enums[known]
    if tree.old_val:
        schema.enums[known] = tuple(tree.new_val if one == tree.old_val else one for one in labels)
    elif tree.new_val not in labels:
        schema.enums[known] = (*labels, tree.new_val)


def _composite(schema: Schema, tree: Tree) -> None:
    _plain(schema, name_of(tree.typevar))


def _extension(schema: Schema, tree: Tree) -> None:
    schema.extensions.add(tree.extname)
    for name in _EXTENSION_TYPES.get(tree.extname, ()):
        _plain(schema, Name(name))


TYPES_AND_FUNCTIONS: dict[str, Callable[[Schema, Tree], None]] = {
    "create_function_stmt": _create_function,
    "alter_function_stmt": _alter_function,
    "create_domain_stmt": _domain,
    "alter_domain_stmt": _alter_domain,
    "create_enum_stmt": _enum,
    "alter_enum_stmt": _alter_enum,
    "create_range_stmt": _enum,
    "composite_type_stmt": _composite,
    "create_extension_stmt": _extension,
}
