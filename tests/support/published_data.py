"""Small data sets in the formats of the published ones; every question is about a colour."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image
from support.published_model import COLOURS

FPS = 4
SIZE = (32, 32)
OPTIONS = ["blue", "green", "red", "violet", "brown"]
ASKED = "which colour is there now"


def write_video(path: Path, colours: Sequence[str]) -> None:
    """A second of each colour, as MPEG-4 in a container of the path's ending."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for colour in colours:
            picture = np.full((*SIZE, 3), COLOURS[colour], np.uint8)
            for _ in range(FPS):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode())


def write_pictures(folder: Path, pictures: dict[str, str]) -> None:
    """{name without ending: colour}."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, colour in pictures.items():
        Image.new("RGB", SIZE, COLOURS[colour]).save(folder / f"{name}.jpg")


def write_json(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def write_lines(path: Path, entries: Sequence[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))


def write_csv(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def vs_ego(data: Path) -> None:
    write_json(
        data / "vstream/test_qa_ego4d.json",
        [
            _vstream("0", "000001", "red", "Scene Summary", duration=2),
            _vstream("1", "000001", "green", "Event Occurrence", duration=2),
        ],
    )
    write_video(data / "vstream/ego4d_videos/000001.mp4", ["red", "green"])


def vs_movie(data: Path) -> None:
    write_json(
        data / "vstream/test_qa_movienet.json",
        [_vstream("0", "tt1_0001_0002", "blue", "Scene Summary")],
    )
    # By their names shot_0010 would come before shot_0009_…; by their numbers it does not.
    write_pictures(
        data / "vstream/movienet_frames/tt1_0001_0002",
        {"shot_9_img_0": "red", "shot_9_img_1": "green", "shot_10_img_0": "blue"},
    )


def rvs_ego(data: Path) -> None:
    folder = data / "vstream-realtime"
    write_json(
        folder / "rvs_ego.json",
        [{"video_id": "000000", "original_video": "e5", "start_time": 2430, "end_time": 2433}],
    )
    write_json(
        folder / "test_qa_ego4d.json",
        [
            _vstream("0", "000000", "blue", "Scene Summary", start_time=2430, end_time=2433),
            _vstream("1", "000000", "red", "Action Description", start_time=2430, end_time=2431),
            _vstream("2", "000000", "green", "Event Occurrence", start_time=2430, end_time=2432),
        ],
    )
    write_pictures(
        folder / "ego4d_frames/000000", {"000001": "red", "000002": "green", "000003": "blue"}
    )


def rvs_movie(data: Path) -> None:
    folder = data / "vstream-realtime"
    write_json(
        folder / "test_qa_movienet.json",
        [
            _vstream("0", "tt1_0008_0009", "green", "a", end_time="shot_0001_img_1.jpg"),
            _vstream("1", "tt1_0008_0009", "blue", "a", end_time="shot_0002_img_0.jpg"),
        ],
    )
    frames = folder / "movienet_frames"
    write_pictures(frames / "tt1_0008_0008", {"shot_0001_img_0": "red", "shot_0001_img_1": "green"})
    write_pictures(frames / "tt1_0009_0009", {"shot_0002_img_0": "blue", "shot_0002_img_1": "red"})
    write_pictures(frames / "tt1_0010_0010", {"shot_0003_img_0": "red"})


def _vstream(number: str, video: str, answer: str, kind: str, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "video_id": video,
        "question": f"{ASKED}, {number}?",
        "answer": answer,
        "answer_type": kind,
        **more,
    }


def activitynet(data: Path) -> None:
    write_json(
        data / "test_q.json",
        [
            {"video_name": "1QI", "question": f"{ASKED} {n}", "question_id": f"v_1QI_{n}"}
            for n in range(3)
        ],
    )
    write_json(
        data / "test_a.json",
        [
            {"answer": "green", "type": 0, "question_id": "v_1QI_0"},
            {"answer": "yes", "type": 3, "question_id": "v_1QI_1"},
            {"answer": "green", "type": 4, "question_id": "v_1QI_2"},
        ],
    )
    write_video(data / "videos/v_1QI.mp4", ["red", "green"])


def nextqa_mc(data: Path) -> None:
    rows = [
        _nextqa("24", "8", "TN", 1) | {f"a{n}": option for n, option in enumerate(OPTIONS)},
        _nextqa("24", "9", "CW", 0) | {f"a{n}": option for n, option in enumerate(OPTIONS)},
    ]
    write_csv(data / "NExT-QA/dataset/nextqa/test.csv", rows)
    write_json(data / "NExT-QA/dataset/nextqa/map_vid_vidorID.json", {"24": "0101/24"})
    write_video(data / "videos/0101/24.mp4", ["red", "green"])


def nextqa_oe(data: Path) -> None:
    write_csv(
        data / "oe/test.csv",
        [_nextqa("24", "8", "DL", "lawn"), _nextqa("24", "9", "CH", "with a spoon")],
    )
    write_json(data / "oe/add_reference_answer_test.json", {"24": {"8": "green"}})
    write_video(data / "videos/24.mp4", ["red", "green"])


def _nextqa(video: str, number: str, kind: str, answer: Any) -> dict[str, Any]:
    return {
        "video": video,
        "frame_count": 8,
        "width": 32,
        "height": 32,
        "question": f"{ASKED} {number}",
        "answer": answer,
        "qid": number,
        "type": kind,
    }


def msvd(data: Path) -> None:
    write_json(
        data / "test_qa.json",
        [
            {"answer": "blue", "id": 40000, "question": f"what {ASKED}?", "video_id": 1301},
            {"answer": "man", "id": 40001, "question": "who is there?", "video_id": 1301},
        ],
    )
    (data / "youtube_mapping.txt").write_text("-4wsuPCjDBc_5_15 vid1301\n")
    write_video(data / "YouTubeClips/-4wsuPCjDBc_5_15.avi", ["red", "blue"])


def msrvtt(data: Path) -> None:
    write_json(
        data / "test_qa.json",
        [
            {
                "answer": "red",
                "category_id": 9,
                "id": 158581,
                "question": f"what {ASKED}?",
                "video_id": 7010,
            }
        ],
    )
    write_video(data / "video/video7010.mp4", ["blue", "red"])


def egoschema(data: Path) -> None:
    options = {f"option {n}": option for n, option in enumerate(OPTIONS)}
    write_json(
        data / "questions.json",
        [
            {"q_uid": uid, "google_drive_id": "x", "question": f"{ASKED} {uid}?", **options}
            for uid in ("0074f737", "00aa7247", "00b9a0de")
        ],
    )
    write_json(data / "subset_answers.json", {"0074f737": 1, "00b9a0de": 0})
    for uid in ("0074f737", "00aa7247", "00b9a0de"):
        write_video(data / f"videos/{uid}.mp4", ["red", "green"])


def mlvu(data: Path) -> None:
    tasks = {
        "1_plotQA": ["green", "green", "green"],
        "2_needle": ["red"],
        "3_ego": ["red"],
        "4_count": ["red"],
        "5_order": ["red"],
        "6_anomaly_reco": ["red"],
        "7_topic_reasoning": ["red"],
    }
    for task, answers in tasks.items():
        kind = task[2:] if task != "2_needle" else "findNeedle"
        write_json(
            data / f"json/{task}.json",
            [
                {
                    "video": f"{task}_1.mp4",
                    "duration": 2,
                    "question": f"{ASKED}, {task} {number}?",
                    "candidates": OPTIONS[:4],
                    "answer": answer,
                    "question_type": kind,
                }
                for number, answer in enumerate(answers)
            ],
        )
        write_video(data / f"video/{task}/{task}_1.mp4", ["red", "green"])


def lvbench(data: Path) -> None:
    listed = "\n(A) blue\n(B) green\n(C) red\n(D) violet"
    write_lines(
        data / "video_info.meta.jsonl",
        [
            {
                "key": "Cm73ma6Ibcs",
                "type": "cartoon",
                "video_info": {"duration_minutes": 61.1, "fps": 24.0},
                "qa": [
                    {
                        "uid": "55",
                        "question": f"{ASKED}?{listed}",
                        "answer": "B",
                        "question_type": ["entity recognition", "reasoning"],
                        "time_reference": "00:15-00:19",
                    },
                    {
                        "uid": "56",
                        "question": f"{ASKED}, then?{listed}",
                        "answer": "A",
                        "question_type": ["reasoning"],
                        "time_reference": "00:00-01:16",
                    },
                ],
            }
        ],
    )
    write_video(data / "videos/Cm73ma6Ibcs.mp4", ["red", "green"])


def mvbench(data: Path) -> None:
    from flashstream.evals.published.loaders.candidates import MVBENCH_TASKS

    for name, task in MVBENCH_TASKS.items():
        entry: dict[str, Any] = {
            "video": "a.mp4",
            "question": f"{ASKED}, {name}?",
            "candidates": OPTIONS[:3],
            "answer": "blue",
        }
        if name == "episodic_reasoning":
            # At three pictures a second: the second second is green.
            entry |= {"video": "s01_seg02", "start": 0.0, "end": 2.0, "answer": "green"}
            colours = ["red"] * 3 + ["green"] * 3 + ["blue"] * 3
            write_pictures(
                data / "video" / task.folder / "s01_seg02",
                {f"{n:05d}": colour for n, colour in enumerate(colours, 1)},
            )
        elif task.cut:
            entry |= {"start": 0.5, "end": 1.9, "answer": "green"}
        write_json(data / f"json/{name}.json", [entry])
        path = data / "video" / task.folder / "a.mp4"
        if name != "episodic_reasoning" and not path.exists():
            write_video(path, ["red", "green", "blue"])


def videomme_rows(data: Path) -> None:
    options = ["A. Blue.", "B. green", "C. red", "D. violet"]
    write_lines(
        data / "test.jsonl",
        [
            {
                "video_id": "001",
                "duration": duration,
                "domain": "Knowledge",
                "sub_category": "Astronomy",
                "url": "https://www.youtube.com/watch?v=fFjv93ACGo8",
                "videoID": "fFjv93ACGo8",
                "question_id": f"001-{number}",
                "task_type": "Counting Problem",
                "question": f"{ASKED}, {number}?",
                "options": options,
                "answer": answer,
            }
            for number, (duration, answer) in enumerate((("short", "B"), ("long", "C")), 1)
        ],
    )
    write_video(data / "data/fFjv93ACGo8.mp4", ["red", "green"])
    (data / "subtitle").mkdir(exist_ok=True)
    (data / "subtitle/fFjv93ACGo8.srt").write_text(
        "1\n00:00:00,000 --> 00:00:01,000\n<i>Once upon</i>\na time\n\n"
        "2\n00:00:01,000 --> 00:00:02,000\nthe end\n"
    )


def videomme_nested(data: Path) -> None:
    write_json(
        data / "video_mme.json",
        [
            {
                "video_id": "001",
                "duration_category": "medium",
                "video_category": "Life Record",
                "video_sub_category": "Travel",
                "url": "https://www.youtube.com/watch?v=fFjv93ACGo8",
                "questions": [
                    {
                        "question_id": "001-1",
                        "task_type": "OCR Problems",
                        "question": f"{ASKED}?",
                        "choices": ["A. blue", "B. green", "C. red", "D. violet"],
                        "answer": "C",
                    }
                ],
            }
        ],
    )
    write_video(data / "videos/001.mp4", ["green", "red"])
