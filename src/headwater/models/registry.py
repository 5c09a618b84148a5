"""The models of this deployment: the one that comes with Headwater, and those in the operator's folder."""

from __future__ import annotations

from pathlib import Path

from headwater.errors import NotEnabledError, NotFoundError
from headwater.models.interface import ModelInfo, Task
from headwater.models.manifest import Definition, in_folder, minilm


class Registry:
    """Read once: a model that is added later is known after the next start."""

    def __init__(self, directory: Path | None = None) -> None:
        self._definitions: dict[str, Definition] = {}
        # The one that comes with Headwater is last: a folder of its name would be other weights under a known name.
        for definition in (*map(in_folder, _folders(directory)), minilm()):
            self._definitions[_key(definition.name)] = definition

    def find(self, name: str) -> ModelInfo | None:
        found = self._definitions.get(_key(name))
        return found.info() if found else None

    def list(self) -> list[ModelInfo]:
        return [definition.info() for definition in self._definitions.values()]

    def usable(self, name: str, task: Task) -> Definition:
        """Raises ``NotFoundError`` and ``NotEnabledError``."""
        found = self._definitions.get(_key(name))
        if found is None:
            raise self._unknown(name, task)
        if found.problem:
            raise NotEnabledError(found.problem, details={"feature": "models", "model": found.name})
        if found.manifest.task != task:
            raise self._unknown(name, task)
        return found

    def _unknown(self, name: str, task: Task) -> NotFoundError:
        names = [info.name for info in self.list() if info.task == task]
        have = f"there are: {', '.join(names)}" if names else "there is none; put one into HEADWATER_MODELS_DIR"
        return NotFoundError(
            f"no model {name!r} for the task {task!r}; {have}",
            details={"resource": "model", "id": name, "models": names},
            code="model_not_found",
        )


def _folders(directory: Path | None) -> list[Path]:
    if directory is None or not directory.is_dir():
        return []
    return sorted(path for path in directory.iterdir() if path.is_dir() and not path.name.startswith("."))


def _key(name: str) -> str:
    """Feature URIs spell the same model in several ways: ``BAAI/bge-reranker``, ``baai__bge_reranker``."""
    return name.lower().replace("/", "__").replace("-", "_")
