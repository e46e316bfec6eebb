"""The product's own settings for a test run; the addresses of its servers come from `tests.services`."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

os.environ.setdefault("DJANGO_DEBUG", "1")
# The driver of the browser runs an event loop in the thread of the tests, which then also use the database.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")

from avni_integration.settings import *  # noqa: F403 - Django reads one flat module
from avni_integration.settings import DATABASES

# Fast on purpose: the tests store many passwords and guard none.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A file, as in production: the threads and processes of a test share no in-memory database.
    DATABASES["default"]["TEST"] = {"NAME": str(Path(tempfile.gettempdir()) / f"avni-tests-{os.getpid()}.sqlite3")}

# Static files straight from the applications: pytest turns DEBUG off, and nobody has collected them.
WHITENOISE_AUTOREFRESH = True
WHITENOISE_USE_FINDERS = True
