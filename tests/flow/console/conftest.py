"""Quokka and Numbat are two hospitals; nobody works for both."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tenants.models import Membership
from tenants.rights import Role
from tenants.scoping import all_tenants
from tests.flow.console.world import Hospital, hospital
from tests.flow.world import World

SignIn = Callable[[User], Client]
Member = Callable[[World, Role], Client]
"""Gives the world's tenant a member of this role, signed in."""


@pytest.fixture(autouse=True)
def quiet_refusals() -> Iterator[None]:
    """These tests are refused a thousand times; drawing a traceback for each takes longer than all the rest."""
    logger = logging.getLogger("django.request")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(before)


@pytest.fixture
def quokka(db: None) -> Hospital:
    return hospital("Quokka")


@pytest.fixture
def numbat(db: None) -> Hospital:
    return hospital("Numbat")


@pytest.fixture
def administrator(db: None) -> User:
    return User.objects.create_superuser("administrator", password="a long enough one")


@pytest.fixture
def signed_in() -> SignIn:
    def sign_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return sign_in


@pytest.fixture
def everywhere() -> Iterator[None]:
    """For tests that look at rows behind the console's back."""
    with all_tenants():
        yield


@pytest.fixture
def owner(numbat: Hospital, signed_in: SignIn) -> Client:
    return signed_in(numbat.people[Role.OWNER])


@pytest.fixture
def mapper(numbat: Hospital, signed_in: SignIn) -> Client:
    return signed_in(numbat.people[Role.MAPPER])


@pytest.fixture
def operator(numbat: Hospital, signed_in: SignIn) -> Client:
    return signed_in(numbat.people[Role.OPERATOR])


@pytest.fixture
def viewer(numbat: Hospital, signed_in: SignIn) -> Client:
    return signed_in(numbat.people[Role.VIEWER])


@pytest.fixture
def member(signed_in: SignIn) -> Member:
    def join(world: World, role: Role) -> Client:
        user = User.objects.create_user(role.value, password="a long enough one")
        Membership.objects.create(user=user, tenant=world.tenant, role=role)
        return signed_in(user)

    return join
