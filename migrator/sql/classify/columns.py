"""What adding a column, changing its type and SET NOT NULL cost."""

from __future__ import annotations

from migrator.sql.checks import is_proven_not_null
from migrator.sql.classify.constraints import lock_reference
from migrator.sql.classify.draft import Draft
from migrator.sql.column_type import Type, TypeChange, change, read_type, type_of
from migrator.sql.commands import definition
from migrator.sql.context import Index, Table
from migrator.sql.effects import Object, WorkKind
from migrator.sql.locks import LockMode
from migrator.sql.names import Name
from migrator.sql.parser import Tree, constant_text, field_enum, find, kind_of, parse_tree, strings
from migrator.sql.volatility import restless_functions


def add_column(command: Tree, table: Name, draft: Draft) -> None:
    """Record what ADD COLUMN costs: most columns are added to the catalog only, some write every row."""
    column = definition(command)
    known = draft.context.table(table)
    if command.missing_ok and known is not None and known.column(column.colname):
        return
    draft.creates.append(Object("column", table, column.colname))
    _new_type(column, table, draft)
    constraints = [node.constraint for node in column.constraints]
    filled = any(
        field_enum(one, "contype") == "CONSTR_DEFAULT" and constant_text(one.raw_expr) != "NULL" for one in constraints
    )
    if not any(field_enum(one, "contype") == "CONSTR_DEFAULT" for one in constraints):
        _domain_default(column, table, draft)
    if _is_virtual(constraints) and any(field_enum(one, "contype") == "CONSTR_NOTNULL" for one in constraints):
        why = f"{column.colname} is computed for every row to see that it is not null"
        draft.add_work(WorkKind.SCAN, table, "set-not-null", why)
    unenforced = any(field_enum(one, "contype") == "CONSTR_ATTR_NOT_ENFORCED" for one in constraints)
    for constraint in constraints:
        _inline(constraint, column.colname, table, draft, filled=filled, unenforced=unenforced)


def _is_virtual(constraints: list[Tree]) -> bool:
    return any(field_enum(one, "contype") == "CONSTR_GENERATED" and one.generated_kind == "v" for one in constraints)


def _domain_default(column: Tree, table: Name, draft: Draft) -> None:
    new = type_of(column.type_name)
    text = None if new.built_in or new.array else draft.context.default_of(Name(new.name, new.schema))
    if text:
        _default(parse_tree(f"SELECT {text}").stmts[0].stmt, column.colname, table, draft)


def _new_type(column: Tree, table: Name, draft: Draft) -> None:
    new = type_of(column.type_name)
    if new.serial:
        why = f"every row gets a number from the sequence of {column.colname}"
        draft.add_work(WorkKind.REWRITE, table, "add-serial-column", why)
    elif not (new.built_in or new.array):
        constrained = draft.context.constrained(Name(new.name, new.schema))
        if constrained is not False:
            why = f"{new.name} is a domain with a constraint, which is checked for every row"
            certain = constrained is not None
            why = why if certain else f"{new.name} may be a domain with a constraint"
            draft.add_work(WorkKind.REWRITE, table, "add-column-constrained-domain", why, certain=certain)


def _inline(constraint: Tree, column: str, table: Name, draft: Draft, *, filled: bool, unenforced: bool) -> None:
    kind = field_enum(constraint, "contype")
    if kind == "CONSTR_DEFAULT":
        _default(constraint, column, table, draft)
    elif kind == "CONSTR_IDENTITY":
        why = f"every row gets a number from the sequence of {column}"
        draft.add_work(WorkKind.REWRITE, table, "add-identity-column", why)
    elif kind == "CONSTR_GENERATED" and constraint.generated_kind != "v":
        why = f"{column} is computed and stored for every row"
        draft.add_work(WorkKind.REWRITE, table, "add-generated-stored", why)
    elif kind == "CONSTR_CHECK" and not (constraint.skip_validation or unenforced):
        why = f"the check on {column} is verified for every row"
        draft.add_work(WorkKind.SCAN, table, "add-column-check", why)
    elif kind in ("CONSTR_UNIQUE", "CONSTR_PRIMARY"):
        rule = "add-column-unique" if kind == "CONSTR_UNIQUE" else "add-column-primary-key"
        draft.add_work(WorkKind.BUILD, table, rule, f"a unique index on {column} is built")
    elif kind == "CONSTR_FOREIGN":
        lock_reference(constraint, table, draft)
        if filled and not (constraint.skip_validation or unenforced):
            why = f"the default of {column} is looked up for every row"
            draft.add_work(WorkKind.SCAN, table, "add-column-references", why)


def _default(constraint: Tree, column: str, table: Name, draft: Draft) -> None:
    restless = restless_functions(find(constraint, "FuncCall"), draft.context)
    if restless:
        names = " and ".join(f"{name}()" for name, _ in restless)
        certain = any(sure for _, sure in restless)
        what = "is volatile" if certain else "may be volatile: what it does is not known"
        why = f"the default of {column} calls {names}, which {what}"
        draft.add_work(WorkKind.REWRITE, table, "add-column-volatile-default", why, certain=certain)
        draft.functions += [name for name, _ in restless]


def change_type(command: Tree, table: Name, draft: Draft) -> None:
    """Record what ALTER COLUMN TYPE costs, which depends on the type the column has now."""
    column = definition(command)
    known = draft.context.table(table)
    old = _present_type(known, command.name)
    cost = _cost(old, type_of(column.type_name), column, command.name, draft)
    if cost.rewrites is not False:
        certain = old is not None and cost.rewrites is True
        why = f"every value of {command.name} is converted" if certain else f"{command.name} may have to be converted"
        draft.add_work(WorkKind.REWRITE, table, "change-column-type", why, certain=certain)
    elif known is not None:
        _kept_bytes(known, command.name, draft, rebuilds=cost.rebuilds or column.HasField("coll_clause"))
    if known is not None:
        _foreign_keys(known, command.name, draft)


def _present_type(table: Table | None, name: str) -> Type | None:
    column = table.column(name) if table else None
    return read_type(column.type) if column else None


def _cost(old: Type | None, new: Type, column: Tree, name: str, draft: Draft) -> TypeChange:
    if old is None:
        return TypeChange(rewrites=None)
    before, after = _underlying(old, draft), _underlying(new, draft)
    cost = change(before or old, after or new, draft.context.timezone)
    checked = old != new and not new.built_in and draft.context.constrained(Name(new.name, new.schema))
    if checked or (cost.rewrites is None and before and after):
        cost = TypeChange(rewrites=True)
    if not column.HasField("raw_default"):
        return cost
    plain = _is_plain_cast(column.raw_default, name, new) and "timestamp" not in (old.name, new.name)
    return cost if plain else TypeChange(rewrites=True)


def _underlying(one: Type, draft: Draft) -> Type | None:
    """Return the type whose values are stored: for a domain the one under it. None where it is not known."""
    if one.built_in or one.array:
        return one
    name = draft.context.underlying(Name(one.name, one.schema))
    return read_type(name) if name else None


def _is_plain_cast(using: Tree, name: str, new: Type) -> bool:
    if kind_of(using) == "type_cast" and type_of(using.type_cast.type_name) == new:
        using = using.type_cast.arg
    return kind_of(using) == "column_ref" and strings(using.column_ref.fields)[-1:] == (name,)


def _kept_bytes(table: Table, column: str, draft: Draft, *, rebuilds: bool) -> None:
    if any(_is_built_anew(index, column, rebuilds=rebuilds) for index in table.indexes):
        why = f"indexes on {column} are built anew"
        draft.add_work(WorkKind.BUILD, table.name, "change-column-type", why)
    for constraint in table.constraints:
        if constraint.kind == "check" and constraint.validated and column in constraint.columns:
            why = f"check {constraint.name} is verified again for every row"
            draft.add_work(WorkKind.SCAN, table.name, "change-type-with-check", why)


def _is_built_anew(index: Index, column: str, *, rebuilds: bool) -> bool:
    """Say whether the index does not outlive the change: PostgreSQL compares no expressions, and no WHERE."""
    computes = (index.expressions or index.partial) and column in (*index.columns, *index.computed)
    return computes or (rebuilds and (column in index.columns or index.expressions))


def _foreign_keys(table: Table, column: str, draft: Draft) -> None:
    """Record that foreign keys over the column are made anew, from either side."""
    for constraint in table.constraints:
        if column in constraint.columns and constraint.references is not None:
            draft.lock(constraint.references, LockMode.ACCESS_EXCLUSIVE, f"foreign key {constraint.name} is made anew")
    keyed = any(constraint.kind in ("primary key", "unique") and column in constraint.columns
                for constraint in table.constraints)  # fmt: skip
    for other in table.referenced_by if keyed else ():
        draft.lock(other, LockMode.ACCESS_EXCLUSIVE, f"its foreign key to {table.name} is made anew")


def set_not_null(command: Tree, table: Name, draft: Draft) -> None:
    """Record the scan for NULLs, unless the column has none by a constraint that the statement does not drop."""
    known = draft.context.table(table)
    if not is_proven_not_null(known, command.name, without=draft.gone):
        why = f"every row is read to see that {command.name} is not null"
        draft.add_work(WorkKind.SCAN, table, "set-not-null", why, certain=known is not None)


def set_expression(command: Tree, table: Name, draft: Draft) -> None:
    """Record that a stored generated column is computed anew; a virtual one (18) is not stored."""
    known = draft.context.table(table)
    column = known.column(command.name) if known else None
    if column is not None and column.generated == "virtual":
        return
    certain = draft.context.pg_version < 18
    why = f"{command.name} is computed anew for every row, if it is stored"
    draft.add_work(WorkKind.REWRITE, table, "set-expression", why, certain=certain)
