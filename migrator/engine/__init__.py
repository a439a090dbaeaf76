"""WHEN things happen: walks the steps of a plan, retries, resumes, rolls back. Emits events and never prints."""
