"""The online forms, one file per kind of statement: `STATEMENT` names the kind, `rewrite` returns the form."""
