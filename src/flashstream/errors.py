"""Every error a caller can meet: one root, a stable code, an HTTP status and one sentence each.

A message always names what was wrong and what is accepted. `details` holds the same facts for
programs. An error crosses Ray by its fields alone (see `__reduce__`).
"""

from typing import Any, ClassVar


class FlashstreamError(Exception):
    """Something went wrong that the caller can be told about."""

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.message, self.details))

    @property
    def exit_code(self) -> int:
        """Of a command that ends with this error: 2 if the caller can mend it, else 1."""
        return 2 if self.status < 500 or self.code == "port_in_use" else 1

    def body(self) -> dict[str, Any]:
        """The JSON body of the HTTP answer: {"error": {code, message, details}}."""
        return {"error": {"code": self.code, "message": self.message, "details": self.details}}


def _rebuild(
    kind: type[FlashstreamError], message: str, details: dict[str, Any]
) -> FlashstreamError:
    return kind(message, **details)


# --- settings and start-up (the CLI exits with 2) ---------------------------------------------


class SettingError(FlashstreamError):
    """A configuration key is unknown, or its value has the wrong type or range."""

    code, status = "invalid_setting", 400


class PortInUseError(FlashstreamError):
    """A port that the service must listen on belongs to another process."""

    code, status = "port_in_use", 503


class MissingPackageError(FlashstreamError):
    """A package that ships model files or media is not installed."""

    code, status = "missing_package", 503


class GpuRequiredError(FlashstreamError):
    """What was asked for says something only on a CUDA GPU, and there is none."""

    code, status = "gpu_required", 503


class UnreachableServiceError(FlashstreamError):
    """No flashstream service answers at the address that the client was given."""

    code, status = "service_unreachable", 503


class EmbeddedStoreError(FlashstreamError):
    """The embedded Valkey server did not start."""

    code, status = "embedded_store_failed", 503


# --- evaluations -------------------------------------------------------------------------------


class BenchmarkDataError(FlashstreamError):
    """A published data set's file, entry or video is missing or not what was published."""

    code, status = "benchmark_data", 422


class RunFolderError(FlashstreamError):
    """A run's folder holds another run, belongs to another process, or is damaged."""

    code, status = "run_folder", 409


class JudgeRefusedError(FlashstreamError):
    """The judge's address refused the request: key, model or address are not right."""

    code, status = "judge_refused", 424


class JudgeFailedError(FlashstreamError):
    """The judge did not answer, or not in a form that can be read, after all attempts."""

    code, status = "judge_failed", 502


# --- a stream's address ------------------------------------------------------------------------


class SourceError(FlashstreamError):
    """The video source of a stream cannot be used."""

    code, status = "source_error", 422


class MalformedUrlError(SourceError):
    """The address cannot be read as a URL or path."""

    code, status = "malformed_url", 400


class UnsupportedUrlError(SourceError):
    """The address has a scheme that is not read here."""

    code, status = "unsupported_url", 400


class SecretReferenceError(SourceError):
    """The address names a secret that may not be named, is not there, or cannot be used."""

    code, status = "secret_refused", 400


class UnreachableSourceError(SourceError):
    """Nothing answered at the address in time, or the file is not there."""

    code = "source_unreachable"


class EmptySourceError(SourceError):
    """The file has no bytes."""

    code = "source_empty"


class NotVideoError(SourceError):
    """The bytes at the address are in no video format that is known."""

    code = "source_not_video"


class NoVideoTrackError(SourceError):
    """The source is media, but has no video track (sound only)."""

    code = "source_no_video_track"


# --- requests ----------------------------------------------------------------------------------


class InvalidRequestError(FlashstreamError):
    """A field of the request is missing, unknown, or has the wrong type or range."""

    code, status = "invalid_request", 422


class InvalidStreamIdError(FlashstreamError):
    """A stream id has characters or a length that are not accepted."""

    code, status = "invalid_stream_id", 422


class InvalidLabelError(FlashstreamError):
    """A stream has too many labels, or one with characters or a length that are not accepted."""

    code, status = "invalid_label", 422


class StreamExistsError(FlashstreamError):
    """A stream of that id is there already."""

    code, status = "stream_exists", 409


class UnknownStreamError(FlashstreamError):
    """No stream has that id."""

    code, status = "unknown_stream", 404


class UnknownNodeError(FlashstreamError):
    """No node of the cluster, or more than one, is called so."""

    code, status = "unknown_node", 404


class UnknownEvidenceError(FlashstreamError):
    """No evidence picture has that id."""

    code, status = "unknown_evidence", 404


class EmptyQuestionError(FlashstreamError):
    """The question has no words."""

    code, status = "empty_question", 422


class QuestionTooLongError(FlashstreamError):
    """The question is longer than the model or the limit takes."""

    code, status = "question_too_long", 422


class NoMemoryYetError(FlashstreamError):
    """The stream has not seen its first frame."""

    code, status = "no_memory_yet", 409


class BodyTooLargeError(FlashstreamError):
    """The request's body is larger than the limit."""

    code, status = "body_too_large", 413


class OverloadedError(FlashstreamError):
    """More is asked at once than the service takes."""

    code, status = "overloaded", 429


class DeadlineExceededError(FlashstreamError):
    """The answer was not complete within the question's deadline."""

    code, status = "deadline_exceeded", 504


class NotReadyError(FlashstreamError):
    """A part of the service is still starting or has gone."""

    code, status = "not_ready", 503


class EngineError(FlashstreamError):
    """The language model's engine refused or failed a request."""

    code, status = "engine_error", 500


# --- memory and its store ----------------------------------------------------------------------


class MemoryShapeError(FlashstreamError):
    """Features have another shape, type or value (NaN, infinity) than the memory takes."""

    code, status = "memory_shape", 500


class KernelMismatchError(FlashstreamError):
    """A GPU kernel's result differs from its reference's."""

    code, status = "kernel_mismatch", 500


class StoreError(FlashstreamError):
    """The memory store did not answer or refused."""

    code, status = "store_unavailable", 503


class DurabilityError(StoreError):
    """The store cannot keep writes as `store.durability` asks, or did not tell in time that it
    kept one; that write is not acknowledged."""

    code, status = "not_durable", 503


class CorruptRecordError(StoreError):
    """A stored record is truncated, altered or of an unknown version."""

    code, status = "corrupt_record", 500


class FingerprintError(StoreError):
    """A stored memory is of another encoder, of another kind or of other sizes."""

    code, status = "wrong_fingerprint", 409


class SupersededError(StoreError):
    """Another owner has claimed this stream; this one must stop writing."""

    code, status = "superseded", 409


class ArchiveError(FlashstreamError):
    """A file of exported memories cannot be written, or not be read: it is damaged, cut short or
    of another format."""

    code, status = "archive_failed", 422
