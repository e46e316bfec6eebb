"""Mappings, constants, and what is made of them: the snapshot, files in and out."""
