"""Responsible for how answers, progress and errors look; not for what they say, and never for reaching a server."""
