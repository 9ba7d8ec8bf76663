"""The questions of a run, each with what there is of its video."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flashstream.errors import BenchmarkDataError
from flashstream.evals.published.benchmark import Benchmark
from flashstream.evals.published.evaluation import Job
from flashstream.evals.published.media import Medium, locate, looked_for
from flashstream.evals.published.question import Annotations, Question

_TOLD = 5


@dataclass(frozen=True, slots=True)
class Options:
    """How a benchmark is run.

    data: the folder of its annotations; out: the run's folder; videos: a folder of videos in
    place of the benchmark's own; fps: frames a second shown; folder_fps: pictures a second in
    folders of pictures; limit: so many questions, spread evenly over all; max_tokens: an answer's
    longest length; skip_missing: leave out questions whose video is missing; again_unjudged: put
    answers to the judge again whose verdicts could not be read.
    """

    data: Path
    out: Path
    part: str
    videos: Path | None = None
    fps: float = 1.0
    folder_fps: float = 1.0
    limit: int | None = None
    max_tokens: int = 64
    skip_missing: bool = False
    again_unjudged: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """The questions to ask with what there is of their videos, and those whose video is missing."""

    annotations: Annotations
    jobs: tuple[Job, ...]
    missing: tuple[Question, ...]

    @property
    def questions(self) -> tuple[Question, ...]:
        return tuple(question for job in self.jobs for question in job.questions)


def find(benchmark: Benchmark, options: Options) -> Found:
    """The questions and their videos; raises `BenchmarkDataError` naming what is missing."""
    annotations = benchmark.annotations(options.data, options.part)
    places = (
        benchmark.places(options.data, options.part)
        if options.videos is None
        else (options.videos,)
    )
    if options.videos is not None and not options.videos.is_dir():
        raise BenchmarkDataError(f"there is no folder {options.videos} with videos")
    jobs: dict[tuple[Medium, float], list[Question]] = {}
    media: dict[tuple[str, ...], Medium | None] = {}
    missing = []
    for question in _spread(annotations.questions, options.limit):
        if question.media not in media:
            media[question.media] = locate(question, places)
        medium = media[question.media]
        if medium is None:
            missing.append(question)
        else:
            jobs.setdefault((medium, question.begin_s), []).append(question)
    if missing and (not options.skip_missing or not jobs):
        videos = {question.video: question for question in missing}
        told = "; ".join(looked_for(q, places) for q in list(videos.values())[:_TOLD])
        raise BenchmarkDataError(
            f"{len(videos)} of {benchmark.name}'s videos are missing; looked for {told}"
            + (" …" if len(videos) > _TOLD else "")
            + "; --skip-missing leaves their questions out",
            missing=sorted(videos)[:100],
        )
    return Found(
        annotations,
        tuple(Job(medium, tuple(asked)) for (medium, _), asked in jobs.items()),
        tuple(missing),
    )


def _spread(questions: Sequence[Question], limit: int | None) -> Sequence[Question]:
    """`limit` questions at even distances, so that no kind is left out for being last."""
    if limit is None or limit >= len(questions):
        return questions
    return [questions[number * len(questions) // limit] for number in range(limit)]
