"""The Celery application. Every setting and its reason: `avni_integration.settings.celery`."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "avni_integration.settings")

app = Celery("avni_integration")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
