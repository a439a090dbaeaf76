"""What surrounds the packages: servers for the catalog service, to try it, to test it and to measure it."""
