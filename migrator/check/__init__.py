"""Judges revisions, plans and SQL files before they run; pure: what they send is handed in, no server is reached."""
