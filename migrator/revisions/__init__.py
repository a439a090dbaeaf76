"""Runs a team's unmodified Alembic revisions, with every statement intercepted on its way to the server."""
