from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from common.http import HttpSession, Request, Timeouts, Unreachable
from simulators.server import Server
from tests.unit.common.scripted import Scripted

READ = Request("GET", "/x", "/x")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that nobody has signed but itself, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hospital")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "hospital.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def secure(certificate: Path) -> Iterator[str]:
    """The base URL of a server behind that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with Server(Scripted()) as server:
        assert server._http is not None
        server._http.socket = context.wrap_socket(server._http.socket, server_side=True)
        yield server.base_url.replace("http:", "https:")


def test_a_certificate_nobody_vouches_for_is_unreachable_even_for_a_write(secure: str) -> None:
    session = HttpSession(secure, side="hospital", timeouts=Timeouts(2, 2))
    for ask in (session.read, session.write):
        with pytest.raises(Unreachable, match="certificate"):
            ask(READ)


def test_a_certificate_the_operator_trusts_is_enough(secure: str, certificate: Path) -> None:
    session = HttpSession(secure, side="hospital", timeouts=Timeouts(2, 2), verify=str(certificate))
    assert session.read(READ).status == 200


def test_a_server_that_does_not_speak_tls_is_not_reached() -> None:
    with Server(Scripted()) as server:
        session = HttpSession(server.base_url.replace("http:", "https:"), side="hospital", timeouts=Timeouts(2, 2))
        with pytest.raises(Unreachable):
            session.read(READ)
