"""Tenants: who they are, who may work with them, how they are kept apart."""
