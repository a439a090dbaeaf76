"""The ledger: migrator's own memory, in schema `migrator` of the target database."""
