"""What the commands share: finding a tenant or flow by name, and ending with the agreed status."""

from __future__ import annotations

from django.core.management import CommandError

from engine.exits import Exit
from syncstatus.models import Flow
from tenants.models import Tenant
from tenants.scoping import all_tenants


def usage(text: str) -> CommandError:
    """An error of the caller (arguments, files), to be raised; the process then ends with status 2."""
    return CommandError(text, returncode=Exit.USAGE)


def tenant_named(name: str) -> Tenant:
    """The tenant of that name. Raises CommandError (status 2) naming the tenants that exist."""
    with all_tenants():
        found = Tenant.objects.filter(name=name).first()
        if found is not None:
            return found
        names = ", ".join(Tenant.objects.values_list("name", flat=True)) or "none yet; create one with import_tenant"
    raise usage(f"There is no tenant {name!r}. Tenants: {names}.")


def flow_named(tenant: Tenant, key: str) -> Flow:
    """The tenant's flow of that key, inside its scope. Raises CommandError (status 2) naming the flows it has."""
    flows = Flow.objects.filter(tenant=tenant)
    found = flows.filter(key=key).first()
    if found is not None:
        return found
    keys = ", ".join(flows.values_list("key", flat=True)) or "none"
    raise usage(f"{tenant.name} has no flow {key!r}. Flows: {keys}.")
