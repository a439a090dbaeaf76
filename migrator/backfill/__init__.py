"""Moves data in small committed chunks: slices, chunk statements, size control, progress, verification."""
