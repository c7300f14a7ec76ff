"""Recommending by what items are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from ._estimator import Model

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Content(Model):
    """Content-based recommending: the mean cosine with the items of a user's past.

    The data set needs its items' texts, tags or vectors: ``dataset.items = rec.Items(...)``. Items
    of that table without any event are recommended too, once they are in the data set's id map:
    ``dataset = dataset.with_items()``.

    Args:
        by: ``"words"`` (TF-IDF of the items' texts), ``"tags"``, or ``"vectors"`` (a table of
            vectors of a text encoder, of images, …).
        fields: The text fields to read by ``"words"``; all unless given.
        vectors: The table's name by ``"vectors"``; the first unless given.
        half_life: After so many events of a user, an event counts half; ``None`` for all alike.
    """

    _kind = "content"

    def __init__(
        self,
        *,
        by: Literal["words", "tags", "vectors"] = "words",
        fields: Sequence[str] | None = None,
        vectors: str | None = None,
        half_life: float | None = None,
        random_state: int | None = 0,
        num_threads: int | None = None,
        device: str = "cpu",
    ) -> None:
        self.by: Literal["words", "tags", "vectors"]
        self.fields: Sequence[str] | None
        self.vectors: str | None
        self.half_life: float | None
        self._set(locals())

    def _config(self) -> dict[str, Any]:
        features: dict[str, Any] = {"by": self.by}
        if self.by == "words":
            features["fields"] = list(self.fields or [])
        elif self.by == "vectors":
            features["field"] = self.vectors
        half_life = None if self.half_life is None else float(self.half_life)
        return {"features": features, "half_life": half_life}

    @classmethod
    def _params(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        features = config["features"]
        return {
            "by": features["by"],
            "fields": features.get("fields") or None,
            "vectors": features.get("field"),
            "half_life": config["half_life"],
        }
