"""What is known of the schema at a point of a script: told by a dump, and by the statements before; no server."""
