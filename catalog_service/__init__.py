"""The catalog service: the application that must not notice what is done to its schema.

It imports `catalog_schema`, never `migrator`; what it knows of a migration it reads from the database.
"""
