"""The settings, one module per concern. Everything that differs between installations comes from the environment."""

from __future__ import annotations

from avni_integration.settings.avni import *  # noqa: F403 - Django reads one flat module
from avni_integration.settings.base import *  # noqa: F403
from avni_integration.settings.celery import *  # noqa: F403
from avni_integration.settings.database import *  # noqa: F403
from avni_integration.settings.environment import *  # noqa: F403
from avni_integration.settings.logging import *  # noqa: F403
from avni_integration.settings.security import *  # noqa: F403
