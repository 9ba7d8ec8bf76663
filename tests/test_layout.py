"""The top-level folders are import packages of `flashstream` and shadow nothing."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_each_room_is_linked_into_the_package() -> None:
    links = {p.name: p.resolve() for p in (ROOT / "src/flashstream").iterdir() if p.is_symlink()}
    assert links == {
        n: ROOT / n for n in ("actors", "deployments", "kernels", "loadtests", "memory_store")
    }


def test_kernels_does_not_shadow_the_package_that_transformers_imports() -> None:
    code = "import importlib.util as u; s = u.find_spec('kernels'); print(s.origin if s else None)"
    out = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert str(ROOT) not in out.stdout


def test_a_stream_actor_s_code_imports_no_torch() -> None:
    """Its process is one per camera: torch would cost 130 MiB in each."""
    code = (
        "import sys, flashstream.actors.ray_actors\n"
        "from flashstream.models.registry import family\n"
        "family('demo').fingerprint()\n"
        "heavy = [m for m in ('torch', 'vllm', 'transformers') if m in sys.modules]\n"
        "sys.exit(f'imports {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
