"""Secret references: what may be named, what is shown, and that no value gets out."""

import os
from pathlib import Path

import pytest

from flashstream.demo.cameras import Scene, film_of_photographs
from flashstream.demo.rtsp import Mount, RtspServer
from flashstream.errors import MalformedUrlError, SecretReferenceError, UnreachableSourceError
from flashstream.media import locate
from flashstream.video.opening import probe
from flashstream.video.secrets import NO_SECRETS, SecretReference, Secrets
from flashstream.video.source import VideoSource
from flashstream.video.url import parse_source

ENVIRON = {
    "FLASHSTREAM_SECRET_USER": "böb@home",
    "FLASHSTREAM_SECRET_PASSWORD": "p/a:s%s#w?rd&",
    "HOME": "/home/bob",
    "FLASHSTREAM_STORE__REDIS_URL": "redis://:hidden@store",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "secrets"
    made.mkdir()
    return made


@pytest.fixture
def secrets(folder: Path) -> Secrets:
    return Secrets([folder], environ=ENVIRON)


def _file(path: Path) -> SecretReference:
    return SecretReference("file", str(path))


@pytest.mark.parametrize(
    ("url", "display"),
    [
        ("rtsp://${env:A}:${env:B}@camera:554/live", "rtsp://${env:A}:${env:B}@camera:554/live"),
        ("rtsp://${file:/run/secrets/cam7}@camera/", "rtsp://${file:/run/secrets/cam7}@camera/"),
        ("rtsp://bob:${env:B}@camera/", "rtsp://***:${env:B}@camera/"),
        ("rtsp://${env:A}:s3cret@camera/", "rtsp://${env:A}:***@camera/"),
        ("rtsp://${env:A}:s3cret${env:B}@camera/", "rtsp://${env:A}:***@camera/"),
        (
            "http://camera/v?user=bob&pwd=${env:B}&ch=1",
            "http://camera/v?user=***&pwd=${env:B}&ch=1",
        ),
        ("https://[::1]/v?key=${file:/run/a?b#c}", "https://[::1]/v?key=${file:/run/a?b#c}"),
        ("rtsp://camera/${env:A}/live", "rtsp://camera/${env:A}/live"),
    ],
)
def test_references_are_shown_and_all_else_is_not(url: str, display: str) -> None:
    source = parse_source(url)
    assert source.display == display
    assert source.open_as == url
    assert "s3cret" not in repr(source)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("rtsp://${env:A}/live", "where the host or port belongs"),
        ("rtsp://a:b@${env:A}/live", "where the host or port belongs"),
        ("rtsp://camera:${env:A}/live", "port"),
        ("rtsp://${vault:A}@camera/", "accepted: "),
        ("rtsp://bob:s3c${ret@camera/", "accepted: "),
        ("rtsp://${env:}@camera/", "accepted: "),
        ("rtsp://${env:${env:A}}@camera/", "accepted: "),
    ],
)
def test_references_that_cannot_be_read_are_refused(url: str, words: str) -> None:
    with pytest.raises(MalformedUrlError, match=words) as refused:
        parse_source(url)
    assert "s3c" not in str(refused.value.body())


def test_values_are_percent_encoded_where_they_are_opened(secrets: Secrets, folder: Path) -> None:
    (folder / "both").write_text("bob:a:b/c\n")
    both, user, password = (
        f"${{file:{folder}/both}}",
        "${env:FLASHSTREAM_SECRET_USER}",
        "${env:FLASHSTREAM_SECRET_PASSWORD}",
    )
    opened = {
        f"rtsp://{user}:{password}@camera:554/live": (
            "rtsp://b%C3%B6b%40home:p%2Fa%3As%25s%23w%3Frd%26@camera:554/live"
        ),
        f"rtsp://{both}@camera/": "rtsp://bob:a%3Ab%2Fc@camera/",
        f"http://camera/v?u={both}&p={password}": (
            "http://camera/v?u=bob%3Aa%3Ab%2Fc&p=p%2Fa%3As%25s%23w%3Frd%26"
        ),
        "rtsp://bob:plain@camera/": "rtsp://bob:plain@camera/",
    }
    for url, expected in opened.items():
        source = parse_source(url)
        resolved = source.resolved(secrets)
        assert (resolved.open_as, resolved.display) == (expected, source.display)
        assert "bob" not in repr(resolved)


def test_only_what_was_put_there_for_cameras_may_be_named(
    secrets: Secrets, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "other").write_text("hidden")
    (folder / "link").symlink_to(tmp_path / "other")
    (folder / "kubernetes.io" / "serviceaccount").mkdir(parents=True)
    (folder / "kubernetes.io" / "serviceaccount" / "token").write_text("hidden")
    refused = [
        SecretReference("env", "HOME"),
        SecretReference("env", "FLASHSTREAM_STORE__REDIS_URL"),
        _file(tmp_path / "other"),
        _file(folder / ".." / "other"),
        _file(folder / "link"),
        _file(folder / "kubernetes.io" / "serviceaccount" / "token"),
        SecretReference("file", "secrets/cam7"),
        SecretReference("file", "/etc/passwd"),
    ]
    for reference in refused:
        for look in (lambda r: secrets.check([r]), secrets.value):
            with pytest.raises(SecretReferenceError, match="may not be named") as told:
                look(reference)
            assert str(reference) in told.value.message
            assert f"accepted: ${{env:FLASHSTREAM_SECRET_…}} and ${{file:…}} below {folder}" in (
                told.value.message
            )
            assert "hidden" not in str(told.value.body())
    with pytest.raises(SecretReferenceError, match="accepted: no secret here"):
        NO_SECRETS.value(SecretReference("env", "FLASHSTREAM_SECRET_USER"))
    with pytest.raises(ValueError, match="every variable"):
        Secrets([folder], "")


def test_a_secret_mounted_by_kubernetes_is_read_and_read_again(
    secrets: Secrets, folder: Path
) -> None:
    """There a file is a link to a link, exchanged as a whole when the secret changes."""
    for version, value in (("..1", "old"), ("..2", "new")):
        (folder / version).mkdir()
        (folder / version / "cam7").write_text(value)
    (folder / "cam7").symlink_to("..data/cam7")
    for version, value in (("..1", "old"), ("..2", "new")):
        (folder / "data").symlink_to(version)
        os.replace(folder / "data", folder / "..data")
        assert secrets.value(_file(folder / "cam7")) == value


def test_secrets_that_are_missing_or_unfit_are_told_without_their_value(
    secrets: Secrets, folder: Path
) -> None:
    (folder / "empty").write_text("\n")
    (folder / "lines").write_text("hid\nden")
    (folder / "long").write_text("hidden" * 1000)
    (folder / "bytes").write_bytes(b"hidden\xff")
    os.mkfifo(folder / "pipe")
    for name, words in {
        "empty": "is empty or has more than one line",
        "lines": "is empty or has more than one line",
        "long": "has more than 4096 bytes",
        "bytes": "is no text in UTF-8",
        "pipe": "is no regular file",
        "none": "cannot be read",
    }.items():
        with pytest.raises(SecretReferenceError, match=words) as told:
            secrets.value(_file(folder / name))
        assert "hid" not in str(told.value.body()).replace(str(folder), "")
    with pytest.raises(SecretReferenceError, match="is not set where the camera is opened"):
        secrets.value(SecretReference("env", "FLASHSTREAM_SECRET_NONE"))


def test_a_camera_is_opened_with_its_secret_and_none_is_told(
    secrets: Secrets, folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    film = film_of_photographs(
        [Scene(locate("cat"), 1.0)], tmp_path / "a.mp4", size=(96, 64), fps=10
    )
    user, password = ENVIRON["FLASHSTREAM_SECRET_USER"], ENVIRON["FLASHSTREAM_SECRET_PASSWORD"]
    (folder / "cam7").write_text(f"{user}:{password}\n")
    (folder / "stale").write_text("bob:gu3ss")
    with RtspServer({"door": Mount(film.path)}, credentials=(user, password)) as server:
        address = server.url("door").removeprefix("rtsp://")
        named = f"rtsp://${{env:FLASHSTREAM_SECRET_USER}}:${{env:FLASHSTREAM_SECRET_PASSWORD}}@{address}"
        assert probe(named, secrets=secrets).width == 96
        with VideoSource(f"rtsp://${{file:{folder}/cam7}}@{address}", fps=5, secrets=secrets) as ok:
            assert next(ok.frames()).rgb.shape == (64, 96, 3)
            assert user not in repr(ok.url)
        stale = f"rtsp://${{file:{folder}/stale}}@{address}"
        with pytest.raises(UnreachableSourceError, match="401") as refused:
            probe(stale, secrets=secrets)
        assert stale in refused.value.message
        assert "gu3ss" not in str(refused.value.body())
        with pytest.raises(SecretReferenceError, match="no secret here"):
            probe(stale)
    told = "".join(capfd.readouterr())
    assert not any(secret in told for secret in ("gu3ss", user, password, "p%2Fa"))
