"""A tenant as a file: what it is, its connections, constants, mappings, error types and schedules, in YAML or JSON.

A declaration says how things shall be; importing it twice changes nothing the second time. It is refused whole when
anything in it is wrong. It never says whether a flow runs: a tenant that comes from a file is off.
"""

from __future__ import annotations

from engine.declaration.exporting import export
from engine.declaration.importing import Changes, apply
from engine.declaration.problems import DeclarationRefused, Problem
from engine.declaration.shape import Declaration, read

__all__ = ["Changes", "Declaration", "DeclarationRefused", "Problem", "apply", "export", "read"]
