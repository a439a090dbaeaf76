"""The online forms of ALTER TABLE's subcommands: `COMMANDS` names them in the lock table, `parts` returns the form."""
