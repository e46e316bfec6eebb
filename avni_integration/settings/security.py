"""Keys, hosts and cookies. Without `DJANGO_DEBUG=1` a missing key stops the start, by its name."""

from __future__ import annotations

import base64
import hashlib

from django.core.exceptions import ImproperlyConfigured

from avni_integration.settings import env

__all__ = [
    "ALLOWED_HOSTS",
    "AUTH_PASSWORD_VALIDATORS",
    "CSRF_COOKIE_SECURE",
    "CSRF_TRUSTED_ORIGINS",
    "DEBUG",
    "FIELD_ENCRYPTION_KEYS",
    "SECRET_KEY",
    "SECURE_PROXY_SSL_HEADER",
    "SECURE_REFERRER_POLICY",
    "SESSION_COOKIE_AGE",
    "SESSION_COOKIE_SECURE",
    "STORAGES",
    "TRUST_FORWARDED_FOR",
]

DEVELOPMENT_KEY = base64.urlsafe_b64encode(hashlib.sha256(b"for development only").digest()).decode()


def key(name: str, *, development: str) -> str:
    """The key `name` from the environment; with debug on, a fixed one that production refuses.

    Raises ImproperlyConfigured naming the variable.
    """
    value = env.secret(name)
    if value:
        return value
    if DEBUG:
        return development
    raise ImproperlyConfigured(f"{name} is missing. Set {name} or {name}_FILE (or DJANGO_DEBUG=1 to try things out).")


DEBUG = env.boolean("DJANGO_DEBUG", default=False)

SECRET_KEY = key("DJANGO_SECRET_KEY", development=f"django-insecure-{DEVELOPMENT_KEY}")
# Fernet keys, comma-separated: the first encrypts, all decrypt. Not derived from SECRET_KEY: rotating the key of the
# web sessions must never cost the stored passwords of the connections.
FIELD_ENCRYPTION_KEYS = [
    word.strip() for word in key("FIELD_ENCRYPTION_KEYS", development=DEVELOPMENT_KEY).split(",") if word.strip()
]

# The loopback names always: the health probes of a container ask from inside.
ALLOWED_HOSTS = [*env.words("ALLOWED_HOSTS"), "localhost", "127.0.0.1", "[::1]"]
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")

# Off only where the installation is reached without TLS (a trial on one's own machine).
SECURE_COOKIES = env.boolean("SECURE_COOKIES", default=not DEBUG)
SESSION_COOKIE_SECURE = SECURE_COOKIES
CSRF_COOKIE_SECURE = SECURE_COOKIES
SESSION_COOKIE_AGE = 12 * 60 * 60
"""Seconds. One working day: a hospital's screen is shared."""
SECURE_REFERRER_POLICY = "same-origin"
# Only behind a proxy that sets (and overwrites) this header.
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if env.boolean("TRUST_FORWARDED_PROTO", default=False) else None
)

TRUST_FORWARDED_FOR = env.boolean("TRUST_FORWARDED_FOR", default=False)
"""Only behind a proxy that appends to X-Forwarded-For: then its last entry is where a person comes from.

Without it everybody behind a proxy has the proxy's address, and shares the wrong passwords counted for it.
"""

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{validator}"}
    for validator in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    # Hashed names, compressed, served by the web process itself; needs `collectstatic`, so not while developing.
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
