"""Several models as one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from . import _native
from ._estimator import Model
from .errors import ParameterError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Self

    from ._estimator import StrPath
    from ._native import Dataset

METHODS = ("rrf", "weighted_sum", "switch")


class Fusion(Model):
    """Fuses the scores of several models over one catalogue, user by user.

    Fit the models and pass them, or pass them unfitted and call ``fit``, which fits each.

    Args:
        models: The models.
        method: ``"rrf"``, reciprocal rank fusion (Cormack, Clarke, Büttcher 2009);
            ``"weighted_sum"`` of scaled scores; ``"switch"``, the first model that knows the user
            and asks for no more distinct items than the user had.
        weights: One a model, for the weighted sum; equal unless given.
        normalize: How each model's scores are scaled for the weighted sum: ``"none"``,
            ``"min_max"``, ``"z_score"`` or ``"rank"``.
        constant: The constant of reciprocal rank fusion.
        min_items: For switching: the distinct items a user must have had, one a model.
    """

    def __init__(
        self,
        models: Sequence[Model],
        *,
        method: Literal["rrf", "weighted_sum", "switch"] = "rrf",
        weights: Sequence[float] | None = None,
        normalize: Literal["none", "min_max", "z_score", "rank"] = "min_max",
        constant: float = 60.0,
        min_items: Sequence[int] | None = None,
        num_threads: int | None = None,
    ) -> None:
        self.models = models
        self.method: Literal["rrf", "weighted_sum", "switch"]
        self.weights: Sequence[float] | None
        self.normalize: Literal["none", "min_max", "z_score", "rank"]
        self.constant: float
        self.min_items: Sequence[int] | None
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

    def _config(self) -> dict[str, Any]:
        n = len(self.models)
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

    def _model(self) -> _native.FittedModel:
        if self._fitted is None:
            self._fitted = _native.fuse([model._model() for model in self.models], self._config())
        return self._fitted

    def __sklearn_is_fitted__(self) -> bool:
        return all(model._fitted is not None for model in self.models)

    def save(self, path: StrPath) -> None:
        """Not there: save the models, and fuse them again where they are loaded."""
        raise UnsupportedError("a fusion is not saved; save its models and fuse them again")

    def __getstate__(self) -> dict[str, Any]:
        return {"params": self.get_params()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        params = dict(state["params"])
        self.models = params.pop("models")
        self._set(params)
