"""Published Alembic histories, each run by Alembic and by migrator: do both lead to the same schema? Not a test suite.

``python -m tests.histories optuna mlflow`` installs each package beside migrator in an environment of its own.
"""
