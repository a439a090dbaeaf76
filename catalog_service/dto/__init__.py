"""What the service says and hears: frozen, strict about names, the same whatever shape the columns have."""
