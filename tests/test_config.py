"""Settings: sources in order, and refusals that say what is accepted."""

from math import inf, nan
from pathlib import Path

import pytest

from flashstream.config import load, parsed
from flashstream.errors import SettingError
from flashstream.models.demo.family import DemoFamily
from flashstream.models.registry import configured


def test_command_line_beats_environment_beats_file_beats_default(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("http: {port: 1111, host: '::1'}\nstreams: {fps: 3}\n")
    environ = {"FLASHSTREAM_HTTP__PORT": "2222", "FLASHSTREAM_STREAMS__FPS": "4"}
    settings = load(file, {"streams.fps": 5.0, "http.max_body_bytes": None}, environ)
    assert settings.http.host == "::1"
    assert settings.http.port == 2222
    assert settings.streams.fps == 5.0
    assert settings.http.max_body_bytes == 65_536


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({"FLASHSTREAM_HTTP__PROT": "1"}, "unknown key 'http.prot' (did you mean 'port'?)"),
        ({"FLASHSTREAM_MODLE": "demo"}, "unknown key 'modle' (did you mean 'model'?)"),
        ({"FLASHSTREAM_HTTP__PORT": "eighty"}, "'http.port' = 'eighty'"),
        ({"FLASHSTREAM_HTTP__PORT": "70000"}, "less than or equal to 65535"),
        ({"FLASHSTREAM_ENCODER__PLACEMENT": "both"}, "'shared' or 'own'"),
        ({"FLASHSTREAM_STORE__DURABILITY": "never"}, "'everysec' or 'strict'"),
    ],
)
def test_a_wrong_setting_is_named_with_what_is_accepted(environ: dict[str, str], says: str) -> None:
    with pytest.raises(SettingError) as refused:
        load(environ=environ)
    assert says in refused.value.message


def test_unknown_key_lists_the_keys_accepted_there() -> None:
    with pytest.raises(SettingError, match="accepted there: host, max_body_bytes, port"):
        load(environ={"FLASHSTREAM_HTTP__X": "1"})


@pytest.mark.parametrize(
    ("text", "says"),
    [("- a list\n", "keys and values"), ("http: [unclosed\n", "is not YAML")],
)
def test_a_file_that_is_no_settings_is_refused(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(text)
    with pytest.raises(SettingError, match=says):
        load(file, environ={})


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"nowhere\.yaml: No such file"):
        load(tmp_path / "nowhere.yaml", environ={})


def test_a_redis_password_is_not_shown() -> None:
    settings = load(environ={"FLASHSTREAM_STORE__REDIS_URL": "redis://:hushed@h:1/0"})
    assert "hushed" not in repr(settings)
    assert settings.store_url() == "redis://:hushed@h:1/0"


def test_secrets_of_cameras_are_no_settings_and_settings_no_secrets() -> None:
    environ = {"FLASHSTREAM_SECRET_CAM7": "hidden", "FLASHSTREAM_SECRET__X": "hidden"}
    assert load(environ=environ) == load(environ={})
    assert load(overrides={"streams.secret_env_prefix": "CAM_"}, environ={}).streams
    for key, wrong, says in (
        ("secret_env_prefix", "FLASHSTREAM_", "settings begin so too"),
        ("secret_env_prefix", "FLASHSTREAM_STORE_", "settings begin so too"),
        ("secret_env_prefix", "", "should match"),
        ("secret_env_prefix", "F", "should match"),
        ("secret_dirs", ["secrets"], "absolute"),
        ("frozen_after_s", -1, "greater than or equal to 0"),
        ("frozen_after_s", inf, "finite"),
        ("decoder", "vaapi", "'auto', 'software' or 'cuda'"),
        ("decode", "keys", "'auto' or 'all'"),
    ):
        with pytest.raises(SettingError, match=says):
            load(overrides={f"streams.{key}": wrong}, environ={})


def test_the_memory_is_as_the_settings_want_it() -> None:
    family = configured(load(environ={}))
    assert family.memory == DemoFamily.memory
    wanted = {"detail": "rare", "temper": 0.5, "foresight": 4.0, "saturation": inf}
    wanted |= {"candidates": 3, "thumbnail_bytes": 9000}
    settings = load(
        overrides={f"memory.{name}": value for name, value in wanted.items()}, environ={}
    )
    memory = configured(settings).memory
    assert {name: getattr(memory, name) for name in wanted} == wanted
    assert memory.geometry() == DemoFamily.memory.geometry()
    assert DemoFamily().memory == DemoFamily.memory  # of this configuration alone
    for name, wrong in (("detail", "newest"), ("saturation", nan), ("temper", 2)):
        with pytest.raises(SettingError, match=f"memory.{name}"):
            load(overrides={f"memory.{name}": wrong}, environ={})


def test_a_value_that_is_no_yaml_is_refused_by_name() -> None:
    with pytest.raises(SettingError, match=r"--set streams.fps: '\[' cannot be read; accepted"):
        parsed(["streams.fps=["])
    with pytest.raises(SettingError, match=r"FLASHSTREAM_STREAMS__FPS: '\[' cannot be read"):
        load(environ={"FLASHSTREAM_STREAMS__FPS": "["})
    with pytest.raises(SettingError, match=r"memory\.thumbnail_bytes"):
        load(overrides={"memory.thumbnail_bytes": 2047}, environ={})


def test_of_two_settings_with_one_key_the_later_counts() -> None:
    assert parsed(["streams.fps=2", "http.port=1", "streams.fps=3"]) == {
        "streams.fps": 3,
        "http.port": 1,
    }
