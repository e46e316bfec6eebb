"""Which installation this is, where somebody says so."""

from __future__ import annotations

from typing import Final

from avni_integration.settings import env

__all__ = ["ENVIRONMENT_ID"]

ENVIRONMENT_ID: Final = env.text("ENVIRONMENT_ID")
"""A word of your own ("production", "trial"), the same for every process of the installation.

Without it the installation is known by its database server (`tenants.environment`). Say it where a whole machine may be
cloned. A tenant works only where it was bound to; `manage.py bind` binds it to another installation.
"""
