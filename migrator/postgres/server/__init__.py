"""Private PostgreSQL servers: finding the binaries, running one in a folder, sharing it. Sends no user's SQL."""
