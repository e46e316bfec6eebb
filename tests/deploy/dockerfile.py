"""A reader of our Dockerfile, and a builder that carries out its lines in a folder instead of an image.

Knows the instructions we use and refuses every other: a line that were skipped would not be tested.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath


@dataclass(frozen=True)
class Instruction:
    """One instruction: its keyword and the rest of its (joined) line."""

    keyword: str
    rest: str


@dataclass
class Stage:
    """One stage of the build, carried out in `root` as if that were the root of its file system."""

    root: Path
    folder: str = "/"
    environment: dict[str, str] = field(default_factory=dict)
    user: str = "root"
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)

    def place(self, path: str) -> Path:
        """Where a path of the image lies."""
        return self.root / os.path.normpath(PurePosixPath(self.folder) / path).lstrip("/")

    def translated(self, text: str) -> str:
        """The text with the paths that this image owns replaced by where they lie."""
        return re.sub(r"(?<![\w.])/(opt|app|build)\b", lambda found: f"{self.root}/{found[1]}", text)


def parse(source: str) -> list[Instruction]:
    """The instructions of a Dockerfile, comments dropped and continued lines joined."""
    joined = re.sub(r"\\\n", " ", re.sub(r"^\s*#.*\n", "", source, flags=re.MULTILINE))
    lines = (line.strip() for line in joined.splitlines())
    return [Instruction(*re.split(r"\s+", line, maxsplit=1)) for line in lines if line]


def build(instructions: list[Instruction], *, context: Path, into: Path) -> Stage:
    """Carry the instructions out; the last stage. Raises when a command fails or an instruction is unknown."""
    stages: dict[str, Stage] = {}
    stage: Stage | None = None
    for instruction in instructions:
        if instruction.keyword == "FROM":
            image, *name = re.split(r"\s+AS\s+", instruction.rest)
            assert re.fullmatch(r"python:3\.\d+-slim(-\w+)?", image), f"unexpected base image {image}"
            stage = Stage(into / f"stage-{len(stages)}")
            stages[name[0] if name else "last"] = stage
        else:
            assert stage, "an instruction before FROM"
            carry_out(instruction, stage, stages, context)
    assert stage
    return stage


def carry_out(instruction: Instruction, stage: Stage, stages: dict[str, Stage], context: Path) -> None:
    """Change the stage as the instruction says."""
    match instruction:
        case Instruction("ENV", rest):
            stage.environment |= dict(pair.split("=", 1) for pair in shlex.split(rest))
        case Instruction("WORKDIR", rest):
            stage.folder = rest
            stage.place(rest).mkdir(parents=True, exist_ok=True)
        case Instruction("COPY", rest):
            copy(shlex.split(rest), stage, stages, context)
        case Instruction("RUN", rest):
            run(rest, stage)
        case Instruction("USER", rest):
            stage.user = rest
        case Instruction("ENTRYPOINT", rest):
            stage.entrypoint = json.loads(rest)
        case Instruction("CMD", rest):
            stage.command = json.loads(rest)
        case Instruction("EXPOSE" | "STOPSIGNAL", _):
            pass
        case _:
            raise AssertionError(f"the test does not know {instruction.keyword}")


def copy(words: list[str], stage: Stage, stages: dict[str, Stage], context: Path) -> None:
    """COPY, from the context or from another stage: a folder's content, or files into a folder."""
    origin = None
    if words[0].startswith("--from="):
        origin = stages[words.pop(0).removeprefix("--from=")]
    *sources, target = words
    for source in sources:
        found = origin.place(source) if origin else context / source
        place = stage.place(target)
        if found.is_dir():
            shutil.copytree(
                found, place, symlinks=True, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__")
            )
        elif target.endswith("/"):
            place.mkdir(parents=True, exist_ok=True)
            shutil.copy2(found, place)
        else:
            shutil.copy2(found, place)
    if origin:
        relocate(stage, origin)


def relocate(stage: Stage, origin: Stage) -> None:
    """Programs of a copied environment name their interpreter by its full path, which is the same in every stage."""
    for program in stage.root.glob("opt/*/bin/*"):
        if program.is_file() and not program.is_symlink():
            program.write_bytes(program.read_bytes().replace(bytes(origin.root), bytes(stage.root)))


def run(command: str, stage: Stage) -> None:
    """RUN, with the interpreter of the base image being the one that runs the tests."""
    finished = subprocess.run(
        ["/bin/sh", "-c", stage.translated(command)],
        cwd=stage.place("."),
        env=process_environment(stage),
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, f"RUN {command}\n{finished.stdout}\n{finished.stderr}"


def process_environment(stage: Stage, **variables: str) -> dict[str, str]:
    """The environment of a process in the image: what ENV sets and `variables`, nothing of ours but the index's."""
    base = {"PATH": "/usr/local/bin:/usr/bin:/bin", **stage.environment}
    path = stage.translated(base["PATH"]).split(":")
    interpreter = str(interpreter_folder(stage.root.parent))
    inherited = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    return {**inherited, **base, "PATH": ":".join([*own(path, stage), interpreter, *path]), **variables}


def own(path: list[str], stage: Stage) -> Iterator[str]:
    """The folders of PATH that lie in the image."""
    return (folder for folder in path if folder.startswith(str(stage.root)))


def interpreter_folder(folder: Path) -> Path:
    """A folder whose only program is `python`, the base interpreter of the running tests."""
    programs = folder / "interpreter"
    if not programs.exists():
        programs.mkdir()
        base = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
        (programs / "python").symlink_to(base)
    return programs
