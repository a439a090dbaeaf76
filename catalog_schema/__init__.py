"""The catalog: the reference project that migrator ships with, tests itself on and demonstrates on."""
