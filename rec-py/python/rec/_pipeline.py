"""The whole job in one object."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

from . import _native
from ._estimator import Model
from ._progress import Progress, reporter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray
    from typing_extensions import Self

    from ._estimator import Ids, StrPath
    from ._native import Dataset, Leaderboard, Recommendations


class Pipeline(Model):
    """From files (or a data set) to explained recommendations, stage by stage.

    The configuration is a dictionary of the sections that the TOML file has: ``data``, ``split``,
    ``text``, ``vectors``, ``clusters``, ``keywords``, ``tags``, ``recommenders``, ``fusion``, ``rerank``,
    ``rules``, ``profile``, and the keys ``metrics``, ``refit`` and ``seed``. What is left out has its
    default; the guide describes each.

    >>> pipeline = rec.Pipeline.from_toml("shop.toml", folder="work").fit(progress=True)
    >>> pipeline.leaderboard
    >>> pipeline.recommend(["alice"], k=10)
    >>> pipeline.explain("alice", "P00017").sentence("zh", domain="shop")

    Args:
        config: The sections.
        folder: Where stages keep what they made: a run after a change, or after it was killed, does
            only what is not there yet. Without one nothing is kept.
    """

    _kind = "pipeline"
    # The configuration has the seed.
    random_state: int | None = 0

    def __init__(
        self,
        *,
        config: Mapping[str, Any] | None = None,
        folder: StrPath | None = None,
        num_threads: int | None = None,
        device: str = "cpu",
    ) -> None:
        self.config: Mapping[str, Any] | None
        self.folder: StrPath | None
        self._set(locals())

    @classmethod
    def from_toml(
        cls,
        path: StrPath,
        *,
        folder: StrPath | None = None,
        num_threads: int | None = None,
        device: str = "cpu",
    ) -> Self:
        """A pipeline written down as TOML; paths in it count from the file's folder."""
        config = _native.pipeline_from_toml(path)
        return cls(config=config, folder=folder, num_threads=num_threads, device=device)

    def to_toml(self) -> str:
        """The configuration as TOML, with every default written out."""
        return _native.pipeline_to_toml(self._config())

    def _config(self) -> dict[str, Any]:
        return dict(self.config or {})

    @classmethod
    def _params(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        return {"config": config["pipeline"]}

    def _check_config(self) -> None:
        _native.pipeline_config(self._config())

    def fit(  # type: ignore[override]
        self, dataset: Dataset | None = None, *, progress: bool | Progress = False
    ) -> Self:
        """Does every stage: on this data set, or on the files of the section ``data``."""
        self._fitted = _native.run_pipeline(
            self._config(),
            dataset,
            folder=self.folder,
            num_threads=self.num_threads,
            device=self.device,
            progress=reporter(progress),
        )
        return self

    @property
    def report(self) -> dict[str, Any]:
        """How it was made: ``stages`` with seconds, peak memory and whether they were kept; the
        ``split``; what was learned of the ``fusion``; the ``leaderboard``."""
        report: dict[str, Any] = _native.pipeline_report(self._model())
        return report

    @property
    def leaderboard(self) -> Leaderboard | None:
        """The recommenders, the ``fusion`` and the ``shown`` lists on the test part; ``None`` where
        nothing was held out."""
        return _native.pipeline_leaderboard(self._model())

    def profiles(
        self,
        users: Ids | None = None,
        *,
        by: Literal["tags", "keywords", "clusters"] | None = None,
    ) -> list[dict[str, Any]]:
        """What users (all unless given) are interested in, as ``rec.profiles`` tells it: by the
        items' tags, their keywords or the clusters of their content; unless told, by the first of
        these that there is."""
        found: list[dict[str, Any]] = json.loads(
            _native.pipeline_profiles(self._model(), users, by)
        )
        return found

    def recommend_texts(self, texts: Iterable[str], *, k: int = 10) -> Recommendations:
        """The ``k`` best items for people who only said in words what they like, a text each.

        The items whose texts and tags match the words best, popular ones before others, stand in
        for a past (:meth:`stand_ins` tells which), and may themselves be recommended.
        """
        return _native.pipeline_recommend_texts(
            self._model(), texts, k, num_threads=self.num_threads
        )

    def stand_ins(self, texts: Iterable[str]) -> list[NDArray[Any]]:
        """The items, ten at most, that stand in for the past of who says each text; best first."""
        return _native.pipeline_stand_ins(self._model(), texts)

    def nearest_users(self, users: Ids, *, k: int = 10) -> list[list[tuple[int | str, float]]]:
        """The ``k`` users most like each of these by what they had, with the cosine, best first."""
        return _native.pipeline_nearest_users(self._model(), users, k)

    def keywords(self, items: Ids) -> list[list[str]]:
        """The keywords of these items, best first."""
        return _native.pipeline_keywords(self._model(), items)

    def set_catalogue(self, items: Ids) -> dict[str, Any]:
        """Shows only these items from now on.

        Returns how many of them are ``known``, how many known ones are ``gone``, and the ``new``
        ones, which need another run to be shown.
        """
        return _native.pipeline_set_catalogue(self._model(), items)

    def __repr__(self) -> str:
        names = [one.get("name") or one["model"] for one in self._config().get("recommenders", [])]
        return f"Pipeline(recommenders={names or 'those that fit the data'})"
