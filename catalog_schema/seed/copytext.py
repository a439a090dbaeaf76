"""PostgreSQL's COPY text format: how one value is written; knows no table."""

NULL = r"\N"


def field(value: str | None) -> str:
    """Return `value` as a field of a COPY text line; None is NULL, which differs from the empty string."""
    if value is None:
        return NULL
    # The backslash first, or it would escape the escapes.
    return value.replace("\\", r"\\").replace("\t", r"\t").replace("\n", r"\n").replace("\r", r"\r")
