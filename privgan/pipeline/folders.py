"""Find a release and a model in the folders that a run leaves; it imports nothing that computes."""

from __future__ import annotations

from pathlib import Path

RELEASE, INTERNAL = "release", "internal"


def release_folder(path: Path) -> Path:
    """The release of a folder: the folder itself, or the ``release`` inside it."""
    return path / RELEASE if (path / RELEASE).is_dir() else path


def model_folder(path: Path) -> Path:
    """The model of a release, of a candidate, or of a run's folder."""
    inside = [
        path,
        path / "model",
        path / RELEASE / "model",
        path / INTERNAL / "candidate" / "model",
    ]
    return next((folder for folder in inside if (folder / "model.json").exists()), path)
