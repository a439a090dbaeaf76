"""One SQL statement: what it is, what it locks and rewrites, and its online form. Pure: no server, no files.

The only package that uses the SQL parser, which is loaded at the first call.
"""
