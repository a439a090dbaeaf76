"""Responsible for the commands: each module is one, and a new module is a new command. What they do is elsewhere."""
