"""Commands of this connector, one per module."""
