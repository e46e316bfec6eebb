"""Flows and streams as rows: how far they have come, when they run, how they fare."""
