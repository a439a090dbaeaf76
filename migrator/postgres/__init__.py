"""The only package that talks to a PostgreSQL server: connections, queries, catalog, locks, lag, private servers."""
