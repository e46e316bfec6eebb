"""What kept the data from flowing, from when to when: one row for each time, however many records and looks it met."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from tenants.scoping import TenantOwned


class IncidentKind(models.TextChoices):
    """What happened."""

    DOWN = "down", "a server does not answer"
    REFUSED = "refused", "a server does not let us in"
    FAULTS = "faults", "a flow was paused because the service fails at its records"


class Incident(TenantOwned):
    """A time in which a server was down or refused us, or a flow had paused itself. Open until it recovered."""

    kind = models.CharField(max_length=20, choices=IncidentKind.choices)
    about = models.CharField(max_length=50, help_text="Key of the server, or of the flow.")
    message = models.CharField(max_length=100, help_text="Message id of the sentence about it.")
    params = models.JSONField(default=dict, blank=True, help_text="Its parameters, without a value of a patient.")
    opened_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    recovered_at = models.DateTimeField(null=True, blank=True)
    probes = models.PositiveIntegerField(default=0, help_text="How often we asked since whether it is over.")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant", "kind", "about"],
                condition=models.Q(recovered_at=None),
                name="one_open_incident_of_a_kind",
            )
        ]
        ordering: ClassVar = ["-opened_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.about} of {self.tenant} since {self.opened_at:%Y-%m-%d %H:%M}"
