"""Builds the Serve application: gateway → answerer."""

from typing import Any

from fastapi import FastAPI
from ray import serve

from flashstream.config import Settings
from flashstream.deployments.answerer import answerer_deployment
from flashstream.deployments.answerer_client import AnswererClient
from flashstream.deployments.gateway import create_app
from flashstream.deployments.loopback import keep_replica_on_loopback
from flashstream.deployments.service import Service
from flashstream.logs import configure_logs
from flashstream.memory_store.open import open_store
from flashstream.models.registry import configured
from flashstream.telemetry import RayTelemetry

APP = "flashstream"


class Gateway:
    """The gateway's replica; Serve takes its ASGI application."""

    def __init__(self, settings: Settings, answerer: Any) -> None:
        configure_logs()
        keep_replica_on_loopback()
        self._settings = settings
        self._service = Service(
            settings,
            configured(settings),
            open_store(settings.store_url(), settings.store.durability),
            AnswererClient(answerer),
            RayTelemetry(),
        )

    def __serve_build_asgi_app__(self) -> FastAPI:  # the name is Serve's
        return create_app(self._service, max_body_bytes=self._settings.http.max_body_bytes)


def build(settings: Settings) -> Any:
    """The bound application, ready for `serve.run`."""
    gateway = serve.deployment(
        name="gateway",
        num_replicas=1,
        # Lists, health checks and pictures are let in besides the questions.
        max_ongoing_requests=settings.answers.max_ongoing * 2 + 64,
        # Beside the proxy, which is on the head alone: no other node's death breaks a request off.
        ray_actor_options={"num_cpus": 0, "resources": {"node:__internal_head__": 0.001}},
    )(serve.ingress()(Gateway))
    return gateway.bind(settings, answerer_deployment(settings))
