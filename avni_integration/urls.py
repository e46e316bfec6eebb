"""The addresses of the installation: the admin and the two health probes."""

from __future__ import annotations

from django.urls import path
from django.views.generic import RedirectView

from avni_integration import health
from console.site import site

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
    path("admin/", site.urls),
    path("health/live", health.live, name="health-live"),
    path("health/ready", health.ready, name="health-ready"),
]
