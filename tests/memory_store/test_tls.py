"""A store over TLS: who is trusted, and who is let in."""

import ipaddress
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from support.servers import MASTER, SLOTS, Server, redis_binary, wait_until

from flashstream.errors import StoreError
from flashstream.loadtests.service import free_port
from flashstream.memory_store.redis import RedisStore
from flashstream.memory_store.store import Commit


class Authority:
    """Signs certificates; files of theirs are in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "authority")])
        certificate = (
            self._unsigned("authority", self._key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.certificate = folder / "ca.pem"
        self.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def sign(self, name: str, *hosts: x509.GeneralName) -> tuple[Path, Path]:
        """A certificate for those hosts, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._unsigned(name, key)
        if hosts:
            builder = builder.add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        files = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        signed = builder.sign(self._key, hashes.SHA256())
        files[0].write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        files[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return files

    def _unsigned(self, name: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(hours=1))
        )


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "ours")


@pytest.fixture(scope="module")
def identity(ours: Authority) -> list[str]:
    """A server's options: TLS alone, and only clients of our authority are let in."""
    certificate, key = ours.sign("server", x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    files = ["--tls-cert-file", str(certificate), "--tls-key-file", str(key)]
    files += ["--tls-ca-cert-file", str(ours.certificate), "--tls-auth-clients", "yes"]
    return ["--port", "0", *files]


@pytest.fixture(scope="module")
def operator(ours: Authority) -> dict[str, Any]:
    """What redis-py is told of TLS."""
    certificate, key = ours.sign("operator")
    return {
        "ssl": True,
        "ssl_ca_certs": str(ours.certificate),
        "ssl_certfile": str(certificate),
        "ssl_keyfile": str(key),
    }


@pytest.fixture(scope="module")
def server(
    identity: list[str], operator: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    with Server(redis_binary(), folder, *identity, tls=operator) as made:
        made.client.acl_setuser(
            "ada", enabled=True, passwords=["+p@ss:/?"], keys=["fs:*"], commands=["+@all"]
        )
        yield made


def options(ours: Authority, authority: Authority | None = None, client: str = "ada") -> str:
    certificate, key = ours.sign(client)
    trusted = (authority or ours).certificate
    return f"ssl_ca_certs={trusted}&ssl_certfile={certificate}&ssl_keyfile={key}"


def test_a_user_with_a_certificate_is_served(server: Server, ours: Authority) -> None:
    url = f"rediss://ada:p%40ss%3A%2F%3F@127.0.0.1:{server.port}/0?{options(ours)}"
    store = RedisStore(url)
    store.ping()
    assert store.commit("yard", store.claim("yard"), 1, {"meta": b"1"}) is Commit.COMMITTED
    store.close()


def test_a_wrong_password_is_told_without_it(server: Server, ours: Authority) -> None:
    store = RedisStore(f"rediss://ada:sesame@127.0.0.1:{server.port}/0?{options(ours)}")
    with pytest.raises(StoreError, match="failed: invalid username-password") as caught:
        store.ping()
    assert "sesame" not in str(caught.value.body())
    store.close()


def test_a_server_of_another_authority_is_not_trusted(
    server: Server, ours: Authority, tmp_path: Path
) -> None:
    other = Authority(tmp_path / "other")
    store = RedisStore(f"rediss://127.0.0.1:{server.port}/0?{options(ours, other)}")
    with pytest.raises(StoreError, match="CERTIFICATE_VERIFY_FAILED"):
        store.ping()
    store.close()


def test_a_server_of_another_name_is_not_trusted_unless_told_so(
    server: Server, ours: Authority
) -> None:
    url = f"rediss://localhost:{server.port}/0?{options(ours)}"
    store = RedisStore(url)
    with pytest.raises(StoreError, match=r"CERTIFICATE_VERIFY_FAILED.*[Hh]ostname"):
        store.ping()
    store.close()
    lenient = RedisStore(f"{url}&ssl_check_hostname=false")
    lenient.ping()
    lenient.close()


def test_a_client_without_a_certificate_is_not_let_in(server: Server, ours: Authority) -> None:
    store = RedisStore(f"rediss://127.0.0.1:{server.port}/0?ssl_ca_certs={ours.certificate}")
    with pytest.raises(StoreError, match="failed"):
        store.ping()
    store.close()


def test_a_plain_client_is_told(server: Server) -> None:
    store = RedisStore(server.url)
    with pytest.raises(StoreError, match="failed"):
        store.ping()
    store.close()


def test_a_cluster_over_tls(
    identity: list[str], operator: dict[str, Any], ours: Authority, tmp_path: Path
) -> None:
    cluster = ["--cluster-enabled", "yes", "--tls-cluster", "yes"]
    cluster += ["--cluster-port", str(free_port())]
    with Server(redis_binary(), tmp_path / "node", *identity, *cluster, tls=operator) as node:
        node.client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, SLOTS - 1)
        wait_until(lambda: node.client.execute_command("CLUSTER INFO")["cluster_state"] == "ok")
        store = RedisStore(f"rediss+cluster://127.0.0.1:{node.port}?{options(ours)}")
        assert store.commit("yard", store.claim("yard"), 1, {"meta": b"1"}) is Commit.COMMITTED
        assert store.remembered() == ["yard"]
        store.close()


def test_sentinels_over_tls(
    server: Server, identity: list[str], operator: dict[str, Any], ours: Authority, tmp_path: Path
) -> None:
    conf = tmp_path / "sentinel.conf"
    conf.write_text(f"tls-replication yes\nsentinel monitor {MASTER} 127.0.0.1 {server.port} 1\n")
    command = [str(conf), *identity, "--sentinel"]
    with Server(redis_binary(), tmp_path / "sentinel", *command, tls=operator) as watcher:
        url = f"rediss+sentinel://ada:p%40ss%3A%2F%3F@127.0.0.1:{watcher.port}/{MASTER}"
        store = RedisStore(f"{url}?{options(ours)}")
        assert store.claim("gate") > 0
        store.close()
