"""Lets an autovacuum make way at once for who waits for its table."""

from __future__ import annotations

# An autovacuum ends for whoever has waited for it as long as deadlock_timeout, one second by default, while everybody
# queues behind us: longer than a first try lasts. The setting is a superuser's; others wait for the later tries.
MAKE_WAY = (
    "SELECT pg_catalog.set_config('deadlock_timeout', '50ms', true)"
    " WHERE pg_catalog.current_setting('is_superuser') = 'on'"
)
"""For the transaction that is open."""
