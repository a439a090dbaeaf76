"""One rule per module; the modules are the list. The docstring is what `migrator explain RULE` prints."""
