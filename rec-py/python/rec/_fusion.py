"""Several models as one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from . import _native
from ._estimator import Model
from .errors import NotFittedError, ParameterError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from typing_extensions import Self

    from ._estimator import Id, StrPath
    from ._native import Dataset, Items


class _Trees(NamedTuple):
    """Learned trees, and what they are told."""

    ranker: str
    candidates: int
    items: Items | None
    ages: dict[Id, float] | None


METHODS = ("rrf", "weighted_sum", "switch", "learned", "trees")


class Fusion(Model):
    """Fuses the scores of several models over one catalogue, user by user.

    Fit the models and pass them, or pass them unfitted and call ``fit``, which fits each.

    Args:
        models: The models.
        method: ``"rrf"``, reciprocal rank fusion (Cormack, Clarke, Büttcher 2009);
            ``"weighted_sum"`` of scaled scores; ``"switch"``, the first model that knows the user
            and asks for no more distinct items than the user had; ``"learned"``, weights by the
            user's activity that ``learn`` found on a held-out part; ``"trees"``, gradient-boosted
            trees over the models' shortlists that ``learn_trees`` found there.
        weights: One a model, for the weighted sum; equal unless given.
        normalize: How each model's scores are scaled for the weighted sum: ``"none"``,
            ``"min_max"``, ``"z_score"`` or ``"rank"``.
        constant: The constant of reciprocal rank fusion.
        min_items: For switching: the distinct items a user must have had, one a model.
        names: What explanations call the models; their classes unless given.
    """

    def __init__(
        self,
        models: Sequence[Model],
        *,
        method: Literal["rrf", "weighted_sum", "switch", "learned", "trees"] = "rrf",
        weights: Sequence[float] | None = None,
        normalize: Literal["none", "min_max", "z_score", "rank"] = "min_max",
        constant: float = 60.0,
        min_items: Sequence[int] | None = None,
        names: Sequence[str] | None = None,
        num_threads: int | None = None,
    ) -> None:
        self.models = models
        self.learnt: dict[str, Any] | None = None
        self._trees: _Trees | None = None
        self.method: Literal["rrf", "weighted_sum", "switch", "learned", "trees"]
        self.weights: Sequence[float] | None
        self.normalize: Literal["none", "min_max", "z_score", "rank"]
        self.constant: float
        self.min_items: Sequence[int] | None
        self.names: Sequence[str] | None
        self._set(locals())

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        return {"models": self.models, **super().get_params(deep)}

    def set_params(self, **params: Any) -> Self:
        if "models" in params:
            self.models = params.pop("models")
        return super().set_params(**params)

    def __repr__(self) -> str:
        return f"Fusion({list(self.models)!r}, method={self.method!r})"

    def _check(self) -> None:
        self._fitted = None
        if self.method not in METHODS:
            raise ParameterError(
                f"parameter method = {self.method!r}: choose {', '.join(METHODS)}"
            )
        if self.names is not None and len(self.names) != len(self.models):
            raise ParameterError(
                f"parameter names: {len(self.names)} for {len(self.models)} models; name each"
            )

    def _config(self) -> dict[str, Any]:
        n = len(self.models)
        if self.method == "learned":
            if self.learnt is None:
                raise NotFittedError("a learned fusion has no weights yet; call learn(validation)")
            fusion: dict[str, Any] = self.learnt["fusion"]
            return fusion
        if self.method == "rrf":
            return {"fusion": "reciprocal_rank", "k": float(self.constant)}
        if self.method == "switch":
            least = [0] * n if self.min_items is None else list(self.min_items)
            return {"fusion": "switch", "min_items": least}
        weights = [1.0] * n if self.weights is None else [float(w) for w in self.weights]
        return {"fusion": "weighted_sum", "weights": weights, "normalize": self.normalize}

    def fit(self, dataset: Dataset, **options: Any) -> Self:
        """Fits each of the models with these options and fuses them."""
        for model in self.models:
            model.fit(dataset, **options)
        self._fitted = None
        self._model()
        return self

    def learn(
        self,
        validation: Dataset,
        *,
        k: int = 10,
        levels: Sequence[int] = (0, 5, 20, 100),
        candidates: int = 100,
        min_users: int = 100,
        max_users: int = 10_000,
        seed: int = 0,
    ) -> dict[str, Any]:
        """Learns each model's weight by the user's activity, and fuses by them from then on.

        ``validation`` holds what users did after what the models were fitted on. The weights of a
        level (users with at least so many distinct items) maximise NDCG@k by coordinate ascent
        (Metzler, Croft 2007). Returns what was found: the NDCG of each model ``alone``, of
        ``reciprocal_rank`` fusion, and of weights ``learnt`` on the other half of the users. Where
        they do no better than reciprocal ranks, those are the fusion.
        """
        learner = {
            "levels": list(levels),
            "k": k,
            "candidates": candidates,
            "normalize": self.normalize,
            "min_users": min_users,
            "max_users": max_users,
            "rank_constant": float(self.constant),
            "seed": seed,
        }
        fitted = [model._model() for model in self.models]
        self.learnt = json.loads(_native.learn_fusion(fitted, validation, learner))
        self.method = "learned"
        self._fitted = None
        return self.learnt

    def learn_trees(
        self,
        validation: Dataset,
        *,
        items: Items | None = None,
        ages: Mapping[Id, float] | None = None,
        k: int = 10,
        candidates: int = 100,
        negatives: int = 50,
        trees: int = 100,
        leaves: int = 15,
        learning_rate: float = 0.1,
        levels: Sequence[int] = (0, 5, 20, 100),
        max_users: int = 10_000,
        seed: int = 0,
    ) -> dict[str, Any]:
        """Learns to rank the models' best ``candidates`` by gradient-boosted trees.

        Trees see each model's score and rank, popularity, the user's activity, and where given the
        ``ages`` of items and how far their tags in ``items`` cover the user's interests. Returns
        what was found on the same halves of the users: ``weights`` as ``learn`` finds them within
        shortlists, and NDCG@k of ``trees``. Where trees do not beat both weights and reciprocal
        ranks, weights are learned by ``learn`` and used instead.
        """
        learner = {
            "negatives": negatives,
            "trees": trees,
            "leaves": leaves,
            "learning_rate": float(learning_rate),
            "weights": {
                "levels": list(levels),
                "k": k,
                "max_users": max_users,
                "normalize": self.normalize,
                "rank_constant": float(self.constant),
                "seed": seed,
            },
        }
        fitted = [model._model() for model in self.models]
        ages = None if ages is None else dict(ages)
        found: dict[str, Any] = json.loads(
            _native.learn_trees(fitted, validation, learner, candidates, items, ages)
        )
        ranker = found.pop("ranker")
        found["used"] = "weights" if ranker is None else "trees"
        if ranker is None:
            self.learn(
                validation,
                k=k,
                levels=levels,
                candidates=candidates,
                max_users=max_users,
                seed=seed,
            )
            return found
        self._trees = _Trees(json.dumps(ranker), candidates, items, ages)
        self.method = "trees"
        self._fitted = None
        return found

    def _model(self) -> _native.FittedModel:
        if self._fitted is None and self.method == "trees":
            if self._trees is None:
                raise NotFittedError("no trees are learned yet; call learn_trees(validation)")
            fitted = [model._model() for model in self.models]
            self._fitted = _native.rank_by_trees(fitted, *self._trees)
        if self._fitted is None:
            fitted = [model._model() for model in self.models]
            self._fitted = _native.fuse(fitted, self._names(), self._config())
        return self._fitted

    def _names(self) -> list[str]:
        """The given names, or the classes; a second of a class is numbered."""
        if self.names is not None:
            return list(self.names)
        classes = [type(model).__name__ for model in self.models]
        seen = [classes[:at].count(name) + 1 for at, name in enumerate(classes)]
        return [name if n == 1 else f"{name} {n}" for name, n in zip(classes, seen)]

    def __sklearn_is_fitted__(self) -> bool:
        return all(model._fitted is not None for model in self.models)

    def save(self, path: StrPath) -> None:
        """Not there: save the models, and fuse them again where they are loaded."""
        raise UnsupportedError("a fusion is not saved; save its models and fuse them again")

    def __getstate__(self) -> dict[str, Any]:
        if self._trees is not None and self._trees.items is not None:
            raise UnsupportedError("trees that read items are not pickled; learn them again")
        return {"params": self.get_params(), "learnt": self.learnt, "trees": self._trees}

    def __setstate__(self, state: dict[str, Any]) -> None:
        params = dict(state["params"])
        self.models = params.pop("models")
        self.learnt = state["learnt"]
        self._trees = state["trees"]
        self._set(params)
