"""Who may do what: five rights, four roles, one table."""

from __future__ import annotations

from django.db import models


class Right(models.TextChoices):
    """What a person may do in a tenant."""

    SEE_LIST = "see-list", "see lists and states"
    SEE_VALUES = "see-values", "see values of records"
    ACT = "act", "run, pause, retry, ignore"
    CHANGE_MAPPING = "change-mapping", "change mappings and constants"
    CHANGE_CONNECTION = "change-connection", "change connections, schedules and members"


class Role(models.TextChoices):
    """Bundles of rights, given by membership."""

    VIEWER = "viewer", "Viewer"
    OPERATOR = "operator", "Operator"
    MAPPER = "mapper", "Mapper"
    OWNER = "owner", "Owner"


RIGHTS_OF_ROLE: dict[str, frozenset[Right]] = {
    Role.VIEWER: frozenset({Right.SEE_LIST}),
    Role.OPERATOR: frozenset({Right.SEE_LIST, Right.SEE_VALUES, Right.ACT}),
    # Who mends a mapping also releases what waited for it; a mapper who could not retry would need a second person.
    Role.MAPPER: frozenset({Right.SEE_LIST, Right.SEE_VALUES, Right.ACT, Right.CHANGE_MAPPING}),
    Role.OWNER: frozenset(Right),
}
