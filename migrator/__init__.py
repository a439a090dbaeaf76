"""Change the schema of a live PostgreSQL database without the application noticing."""

__version__ = "0.1.0"
