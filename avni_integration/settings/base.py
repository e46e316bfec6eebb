"""What the project consists of: applications, middleware, templates, static files, time and language."""

from __future__ import annotations

from pathlib import Path

from avni_integration.settings import env

__all__ = [
    "BASE_DIR",
    "DEFAULT_AUTO_FIELD",
    "INSTALLED_APPS",
    "LANGUAGE_CODE",
    "MIDDLEWARE",
    "ROOT_URLCONF",
    "STATIC_ROOT",
    "STATIC_URL",
    "TEMPLATES",
    "TIME_ZONE",
    "USE_I18N",
    "USE_TZ",
    "WSGI_APPLICATION",
]

BASE_DIR = Path(__file__).resolve().parent.parent.parent

INSTALLED_APPS = [
    "console",  # before the admin: its frame of every page stands in for the stock one
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    # Before staticfiles: `runserver` then serves static files the way production does.
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_celery_beat",
    "rest_framework",
    "avni_integration",
    "tenants",
    "mappings",
    "syncstatus",
    "errors",
    "engine",
    "bahmni",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    # Right behind it: every view then sees only the tenants of its user.
    "console.middleware.TenantScope",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "avni_integration.urls"
WSGI_APPLICATION = "avni_integration.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

STATIC_URL = "static/"
STATIC_ROOT = env.text("STATIC_ROOT") or str(BASE_DIR / "staticfiles")

LANGUAGE_CODE = "en"
USE_I18N = True
# Stored and computed in UTC; each connection and each flow has its own zone for what people read and schedule.
TIME_ZONE = "UTC"
USE_TZ = True

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
