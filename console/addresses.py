"""Addresses of lists and of the pages of rows."""

from __future__ import annotations

from django.db import models
from django.urls import reverse


def list_url(model: type[models.Model]) -> str:
    """Address of a model's list."""
    opts = model._meta  # noqa: SLF001 - documented by Django, for all its underscore
    return reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist")


def row_url(row: models.Model) -> str:
    """Address of a row's own page."""
    opts = row._meta  # noqa: SLF001 - as above
    return reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[row.pk])
