from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection, connections

from common import clock
from engine.lease import DURATION, LONGEST_WRITE, Grant, LeaseLost, take
from syncstatus.models import Lease
from tenants.models import Tenant
from tenants.scoping import all_tenants
from tests.chaos.desk import expire

pytestmark = pytest.mark.django_db


@pytest.fixture
def tenant(db: None) -> Iterator[Tenant]:
    with all_tenants():
        yield Tenant.objects.create(name="ashwini")


def taken(tenant: Tenant) -> Grant:
    grant = take(tenant.pk)
    assert grant
    return grant


def test_nobody_else_takes_a_lease_that_is_held(tenant: Tenant) -> None:
    taken(tenant)
    assert take(tenant.pk) is None


def test_a_lease_given_back_is_free_at_once(tenant: Tenant) -> None:
    taken(tenant).release()
    assert take(tenant.pk)


def test_an_expired_lease_is_taken_over_under_a_higher_token(tenant: Tenant) -> None:
    taken(tenant)
    first = Lease.objects.get(tenant=tenant).token
    expire(tenant)
    taken(tenant)
    assert Lease.objects.get(tenant=tenant).token == first + 1


def test_the_old_holder_cannot_prove_a_lease_that_was_taken_over(tenant: Tenant) -> None:
    old = taken(tenant)
    expire(tenant)
    taken(tenant)
    with pytest.raises(LeaseLost):
        old.extend()


def test_a_holder_whose_lease_ran_out_cannot_prove_it_even_if_nobody_took_it(tenant: Tenant) -> None:
    grant = taken(tenant)
    expire(tenant)
    with pytest.raises(LeaseLost):
        grant.extend()


def test_the_old_holder_does_not_give_back_what_is_not_his(tenant: Tenant) -> None:
    old = taken(tenant)
    expire(tenant)
    new = taken(tenant)
    old.release()
    new.extend()
    assert take(tenant.pk) is None


def test_extending_counts_from_now(tenant: Tenant) -> None:
    grant = taken(tenant)
    Lease.objects.filter(tenant=tenant).update(expires_at=clock.now() + timedelta(seconds=5))
    grant.extend()
    assert Lease.objects.get(tenant=tenant).expires_at > clock.now() + DURATION - timedelta(seconds=5)  # type: ignore[operator]


def test_no_write_is_begun_that_could_outlast_the_lease(tenant: Tenant) -> None:
    with clock.frozen(clock.now()) as time:
        grant = taken(tenant)
        time.advance((DURATION - LONGEST_WRITE).total_seconds() - 1)
        assert grant.may_write()
        time.advance(2)
        assert not grant.may_write()
        grant.extend()
        assert grant.may_write()


def test_expiry_is_judged_by_the_databases_clock_and_not_by_ours(tenant: Tenant) -> None:
    with clock.frozen(clock.now()) as time:
        taken(tenant)
        time.advance(DURATION.total_seconds() * 10)
        assert take(tenant.pk) is None


def test_one_tenants_lease_is_no_concern_of_anothers(tenant: Tenant) -> None:
    other = Tenant.objects.create(name="bissau")
    taken(tenant)
    assert take(other.pk)


@pytest.mark.django_db(transaction=True)
def test_of_many_who_ask_at_once_exactly_one_gets_the_lease() -> None:
    tenant = Tenant.objects.create(name="ashwini")
    at_once = threading.Barrier(8, timeout=10)
    grants: list[Grant | None] = []

    def ask() -> None:
        with all_tenants():
            connections["default"].ensure_connection()
            at_once.wait()
            grants.append(take(tenant.pk))
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(grants), sum(grant is not None for grant in grants)) == (8, 1)


@pytest.mark.django_db(transaction=True)
def test_of_many_who_take_over_at_once_exactly_one_gets_it_and_the_old_holder_loses() -> None:
    with all_tenants():
        tenant = Tenant.objects.create(name="ashwini")
        old = taken(tenant)
        expire(tenant)
    at_once = threading.Barrier(5, timeout=10)
    won: list[str] = []

    def contend(who: str) -> None:
        with all_tenants():
            connections["default"].ensure_connection()
            at_once.wait()
            try:
                if who == "old":
                    old.extend()
                    won.append(who)
                elif take(tenant.pk):
                    won.append(who)
            except LeaseLost:
                pass
            finally:
                connection.close()

    threads = [threading.Thread(target=contend, args=(who,)) for who in ("old", "a", "b", "c", "d")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert won != ["old"]
