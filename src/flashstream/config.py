"""All settings, read once at the process's edge: defaults < YAML file < environment < command line.

Environment variables are `FLASHSTREAM_SECTION__KEY`, e.g. `FLASHSTREAM_HTTP__PORT=9000`; those
that begin with `FLASHSTREAM_SECRET_` are cameras' secrets (`video/secrets.py`).
"""

import os
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

import platformdirs
import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from flashstream.deployments.engine.settings import EngineSettings
from flashstream.errors import SettingError
from flashstream.memory_store.detail import DetailName
from flashstream.memory_store.star_config import StarConfig
from flashstream.memory_store.store import Durability
from flashstream.video.choices import DecodeName, DecoderName
from flashstream.video.secrets import DIRS
from flashstream.video.secrets import ENV_PREFIX as SECRET_ENV_PREFIX

ENV_PREFIX = "FLASHSTREAM_"


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class HttpSettings(Section):
    host: str = Field("127.0.0.1", description="address the gateway listens on")
    port: int = Field(8000, ge=1, le=65535)
    max_body_bytes: int = Field(65_536, ge=1024, le=16_777_216)


class MetricsSettings(Section):
    port: int = Field(8090, ge=1, le=65535, description="Prometheus metrics of all Ray processes")


class StoreSettings(Section):
    redis_url: SecretStr | None = Field(
        None, description="an external Redis ≥ 7 or Valkey; unset starts the embedded Valkey"
    )
    durability: Durability = Field(
        "everysec",
        description="a commit is acknowledged when the server has it, or (strict) its disk",
    )
    data_dir: Path = Field(
        default_factory=lambda: platformdirs.user_data_path("flashstream"),
        description="where the embedded Valkey keeps its data",
    )
    picture_ttl_s: int = Field(86_400, ge=60, description="how long an answer's pictures stay")


class EncoderSettings(Section):
    placement: Literal["shared", "own"] = Field(
        "shared", description="one encoder actor a device for all streams, or one in each actor"
    )
    device: str = Field("auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$")
    max_batch: int = Field(16, ge=1, le=512)
    max_wait_ms: float = Field(5.0, ge=0, le=1000)
    queue_frames: int = Field(256, ge=1)
    gpus: float = Field(0.0, ge=0, description="GPUs (or a share) the encoder asks Ray for")
    threads: int = Field(1, ge=1, description="CPU threads of one encoder")
    workers: int = Field(
        1, ge=1, le=64, description="encoders side by side, a batch each; each has its own weights"
    )
    stall_s: float = Field(
        120.0, gt=0, description="a batch that takes longer hangs: its process is started anew"
    )


class StreamSettings(Section):
    fps: float = Field(1.0, gt=0, le=30, description="frames a second sampled by default")
    queue_frames: int = Field(4, ge=1, le=256, description="decoded frames waiting; oldest dropped")
    open_timeout_s: float = Field(10.0, gt=0)
    read_timeout_s: float = Field(10.0, gt=0)
    commit_interval_s: float = Field(1.0, ge=0, description="0 commits after every frame")
    reconnect_max_s: float = Field(30.0, gt=0, description="longest pause between attempts")
    thumbnail_width: int = Field(320, ge=32, le=1920)
    schemes: tuple[str, ...] = Field(
        ("rtsp", "rtsps", "http", "https", "file"), description="addresses that may be added"
    )
    limit: int = Field(256, ge=1, description="streams this service takes")
    memory_limit_mb: int = Field(
        0, ge=0, description="memories on one node, in MiB, past which none is added; 0: no limit"
    )
    stale_after_s: float = Field(
        10.0, gt=0, description="no new frame for so long (and 3 sampling periods) is stale"
    )
    degraded_after_s: float = Field(
        30.0, gt=0, description="no commit taken by the store for so long is degraded"
    )
    silent_after_s: float = Field(
        30.0, ge=1, description="a watcher that gives no answer for so long is started again"
    )
    starting_at_once: int = Field(8, ge=1, description="watchers that are started side by side")
    rebalance_after_s: float = Field(
        60.0, ge=0, description="streams move to emptier nodes after so long; 0: they stay"
    )
    per_process: int = Field(
        1, ge=1, le=64, description="streams one process watches; they crash together"
    )
    process_memory_mb: int = Field(
        4096, ge=0, description="MiB past which a process of streams is started anew; 0: no limit"
    )
    spare_processes: int = Field(
        1, ge=0, le=16, description="kept ready on each node, so that a start takes no seconds"
    )
    frozen_after_s: float = Field(
        60.0, ge=0, allow_inf_nan=False, description="without a new picture; 0: never called stale"
    )
    decoder: DecoderName = Field(
        "software",
        description="auto: an NVIDIA GPU if it opens; each stream takes some of its memory",
    )
    decode: DecodeName = Field(
        "auto", description="auto leaves out pictures that no sampled one needs; frames are equal"
    )
    secret_dirs: tuple[Path, ...] = Field(
        DIRS, description="folders whose files addresses may name as ${file:…}"
    )
    secret_env_prefix: str = Field(
        SECRET_ENV_PREFIX,
        pattern=r"^[A-Za-z][A-Za-z0-9_]*_$",
        description="how variables begin that addresses may name as ${env:…}",
    )

    @field_validator("secret_dirs")
    @classmethod
    def _absolute(cls, dirs: tuple[Path, ...]) -> tuple[Path, ...]:
        if wrong := [str(folder) for folder in dirs if not folder.is_absolute()]:
            raise ValueError(f"not absolute: {', '.join(wrong)}; accepted: absolute folders")
        return dirs

    @field_validator("secret_env_prefix")
    @classmethod
    def _no_setting(cls, prefix: str) -> str:
        if prefix.startswith(ENV_PREFIX) and not prefix.startswith(SECRET_ENV_PREFIX):
            raise ValueError(
                f"settings begin so too; accepted: {SECRET_ENV_PREFIX}…, or another first word"
            )
        return prefix


class MemorySettings(Section):
    """What may be chosen apart from the model; unset keeps what its family was made for."""

    detail: DetailName | None = Field(None, description="which slots are shown in detail")
    temper: float | None = Field(None, ge=0, le=1, description="β: weights count as w^β")
    foresight: float | None = Field(None, ge=1, le=1e9, description="frames the newest counts as")
    saturation: float | None = Field(
        None, ge=1, description="frames a slot counts as at most; .inf: no limit"
    )
    candidates: int | None = Field(None, ge=1, le=16, description="frames kept for each slot")
    thumbnail_bytes: int | None = Field(None, ge=2048, description="largest thumbnail kept")

    def applied_to(self, memory: StarConfig) -> StarConfig:
        """A family's sizes, with what is set here in their place."""
        return StarConfig.model_validate(memory.model_dump() | self.model_dump(exclude_none=True))


class AnswerSettings(Section):
    max_question_chars: int = Field(1000, ge=1)
    default_max_tokens: int = Field(64, ge=1)
    max_tokens: int = Field(256, ge=1, description="largest max_tokens a caller may ask for")
    deadline_s: float = Field(60.0, gt=0)
    max_ongoing: int = Field(64, ge=1, description="questions at once; more are refused with 429")
    replicas: int = Field(1, ge=1)
    gpus: float = Field(0.0, ge=0, description="GPUs the answerer asks Ray for, each replica")


class JudgeSettings(Section):
    """Who judges open-ended answers in evaluations: any OpenAI-compatible chat address."""

    base_url: str | None = Field(
        None, pattern=r"^https?://", description="up to and with /v1, e.g. http://127.0.0.1:8080/v1"
    )
    model: str | None = Field(None, min_length=1, description="as that address calls it")
    api_key: SecretStr | None = Field(None, description="sent as a bearer token; unset sends none")
    concurrency: int = Field(8, ge=1, le=256, description="verdicts asked for at once")
    attempts: int = Field(6, ge=1, le=50, description="of one verdict, when the judge is busy")
    timeout_s: float = Field(60.0, gt=0)
    max_tokens: int = Field(128, ge=16, description="longest verdict")

    @field_validator("api_key", "model", mode="before")
    @classmethod
    def _text_of_digits(cls, value: Any) -> Any:
        """YAML reads digits as a number; told as an error, a key would be shown."""
        return str(value) if isinstance(value, int | float) else value


class RaySettings(Section):
    address: str | None = Field(None, description="a running cluster; unset starts one, loopback")
    namespace: str = "flashstream"
    object_store_mb: int = Field(512, ge=100)


class Settings(Section):
    """The whole configuration."""

    model: str = Field("demo", description="model family")
    cache_dir: Path = Field(
        default_factory=lambda: platformdirs.user_cache_path("flashstream"),
        description="where converted models are kept",
    )
    http: HttpSettings = HttpSettings()
    metrics: MetricsSettings = MetricsSettings()
    store: StoreSettings = StoreSettings()
    encoder: EncoderSettings = EncoderSettings()
    streams: StreamSettings = StreamSettings()
    memory: MemorySettings = MemorySettings()
    answers: AnswerSettings = AnswerSettings()
    engine: EngineSettings = EngineSettings()
    ray: RaySettings = RaySettings()
    judge: JudgeSettings = JudgeSettings()

    def store_url(self) -> str:
        """The store's URL; set by then, also for the embedded server (see `Platform`)."""
        if self.store.redis_url is None:
            raise SettingError("store.redis_url is not set and no embedded server was started")
        return self.store.redis_url.get_secret_value()

    def device(self) -> str:
        """The encoder's device, "auto" resolved by whether it asks for a GPU."""
        if self.encoder.device != "auto":
            return self.encoder.device
        return "cuda:0" if self.encoder.gpus > 0 else "cpu"


def parsed(pairs: Iterable[str]) -> dict[str, Any]:
    """Settings out of KEY=VALUE, as `load` takes them; of two with one key, the later counts."""
    found: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise SettingError(f"--set {pair!r}: write KEY=VALUE, e.g. --set streams.fps=2")
        found[key.strip()] = _value(value, f"--set {key.strip()}")
    return found


def load(
    file: Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Merge file, environment and overrides ({"http.port": 1}) and check them.

    Raises `SettingError` naming the key, what was wrong, and what is accepted.
    """
    merged: dict[str, Any] = {}
    if file is not None:
        merged = _read(file)
    for name, value in (os.environ if environ is None else environ).items():
        if name.startswith(ENV_PREFIX) and not name.startswith(SECRET_ENV_PREFIX):
            path = name[len(ENV_PREFIX) :].lower().split("__")
            _put(merged, path, _value(value, name) if value else value, name)
    for key, value in (overrides or {}).items():
        if value is not None:
            _put(merged, key.split("."), value, key)
    try:
        return Settings.model_validate(merged)
    except ValidationError as failure:
        raise SettingError(*_explain(failure)) from None


def _value(text: str, name: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        raise SettingError(
            f"{name}: {text!r} cannot be read; accepted: a number, a text, or a list or map "
            "as YAML writes it"
        ) from None


def _read(file: Path) -> dict[str, Any]:
    try:
        text = file.read_text()
    except OSError as failure:
        raise SettingError(f"cannot read the config file {file}: {failure.strerror}") from None
    try:
        content = yaml.safe_load(text) or {}
    except yaml.YAMLError as failure:
        raise SettingError(f"{file} is not YAML: {failure}") from None
    if not isinstance(content, dict):
        raise SettingError(
            f"{file} must hold keys and values, e.g. 'http: {{port: 8000}}', "
            f"not a {type(content).__name__}"
        )
    return content


def _put(into: dict[str, Any], path: list[str], value: Any, name: str) -> None:
    for part in path[:-1]:
        into = into.setdefault(part, {})
        if not isinstance(into, dict):
            raise SettingError(f"{name}: '{part}' has a value of its own and no keys below it")
    into[path[-1]] = value


def _explain(failure: ValidationError) -> tuple[str]:
    lines = []
    for error in failure.errors():
        where = ".".join(str(part) for part in error["loc"])
        if error["type"] == "extra_forbidden":
            known = _keys_beside([str(part) for part in error["loc"]])
            near = get_close_matches(str(error["loc"][-1]), known, n=1)
            hint = f" (did you mean '{near[0]}'?)" if near else ""
            lines.append(f"unknown key '{where}'{hint}; accepted there: {', '.join(known)}")
        else:
            lines.append(f"'{where}' = {error['input']!r}: {error['msg']}")
    return ("; ".join(lines),)


def _keys_beside(path: list[str]) -> list[str]:
    model: Any = Settings
    for part in path[:-1]:
        model = model.model_fields[part].annotation
    return sorted(model.model_fields)
