"""Fixtures every test may use. Servers are provided by `tests.services`."""

from __future__ import annotations
