"""The product's own settings under the keys of a test run. A database or broker address is given by `tests.services`."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_DEBUG", "1")

from avni_integration.settings import *  # noqa: E402, F403

# A test that counts queries or stores a password should not pay for a slow hash.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
