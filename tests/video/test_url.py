from pathlib import Path

import pytest

from flashstream.errors import MalformedUrlError, UnsupportedUrlError
from flashstream.video.url import MAX_LENGTH, parse_source


@pytest.mark.parametrize(
    ("url", "scheme", "host", "port"),
    [
        ("rtsp://camera/live", "rtsp", "camera", None),
        ("RTSPS://camera:322/", "rtsps", "camera", 322),
        ("http://10.0.0.7:8080/a.mp4?b=1", "http", "10.0.0.7", 8080),
        ("https://[2001:db8::1]:8443/a", "https", "2001:db8::1", 8443),
    ],
)
def test_network_addresses(url: str, scheme: str, host: str, port: int | None) -> None:
    source = parse_source(url)
    assert (source.scheme, source.host, source.port, source.path) == (scheme, host, port, None)
    assert source.open_as.lower() == url.lower()
    assert source.rtsp == scheme.startswith("rtsp")


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("/films/a b.mp4", "/films/a b.mp4"),
        ("films/a.mp4", f"{Path.cwd()}/films/a.mp4"),
        ("./pipe:0", f"{Path.cwd()}/pipe:0"),
        ("file:///films/a%20b.mp4", "/films/a b.mp4"),
        ("file://localhost/films/a.mp4", "/films/a.mp4"),
        ("file:/films/a.mp4", "/films/a.mp4"),
    ],
)
def test_paths_become_absolute_and_never_a_protocol_of_ffmpeg(url: str, path: str) -> None:
    source = parse_source(url)
    assert (source.scheme, source.path, source.display) == ("file", Path(path), path)
    assert source.open_as == f"file:{path}"


@pytest.mark.parametrize("scheme", ["gopher", "ftp", "concat", "pipe", "data", "tcp"])
def test_other_schemes_are_refused_by_name(scheme: str) -> None:
    with pytest.raises(UnsupportedUrlError, match=f"'{scheme}' is not read; accepted: rtsp://"):
        parse_source(f"{scheme}://x" if scheme in ("gopher", "ftp", "tcp") else f"{scheme}:x")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "empty"),
        ("  ", "empty"),
        ("rtsp://camera/a\nb", "control characters"),
        ("a\x00b.mp4", "control characters"),
        ("a\x9bb.mp4", "control characters"),
        ("rtsp://h/" + "a" * MAX_LENGTH, f"at most {MAX_LENGTH}"),
        ("rtsp://", "no host"),
        ("rtsp:/camera", "no host"),
        ("http:///a.mp4", "no host"),
        ("http://[::1/a", "host .* cannot be read"),
        ("rtsp://ca mera/a", "space"),
        ("rtsp://camera:0/", "port"),
        ("rtsp://camera:65536/", "port"),
        ("rtsp://camera:abc/", "port"),
        ("rtsp://camera:/a", "port"),
        ("file://server/a.mp4", "no host"),
        ("file://", "absolute path"),
        ("file:a.mp4", "absolute path"),
        ("file:///a%00b", "absolute path"),
    ],
)
def test_malformed_addresses_say_what_is_wrong(url: str, words: str) -> None:
    with pytest.raises(MalformedUrlError, match=words):
        parse_source(url)


@pytest.mark.parametrize(
    ("url", "display"),
    [
        ("rtsp://bob:s3cret@camera:554/live", "rtsp://***@camera:554/live"),
        ("rtsp://bob:s3cr@et@camera/live", "rtsp://***@camera/live"),
        ("http://camera/v?user=bob&pwd=s3cret&ch=1", "http://camera/v?user=***&pwd=***&ch=1"),
        ("https://camera/v?access_token=s3cret", "https://camera/v?access_token=***"),
        ("rtsp://camera/user=bob_password=s3cret_channel=1", "rtsp://camera/user=***"),
        ("rtsp://camera/live#s3cret", "rtsp://camera/live"),
    ],
)
def test_credentials_are_not_shown(url: str, display: str) -> None:
    source = parse_source(url)
    assert source.display == display
    assert "s3cr" not in repr(source)


@pytest.mark.parametrize("url", ["rtsp://bob:s3cret/x@camera/", "rtsp://bob:s3cret#x@camera/"])
def test_an_unescaped_password_is_not_repeated(url: str) -> None:
    with pytest.raises(MalformedUrlError) as refused:
        parse_source(url)
    assert "s3cret" not in str(refused.value.body())
