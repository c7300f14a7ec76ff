"""Models that learn from the graph of who had what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from ._estimator import FactorModel, Model

if TYPE_CHECKING:
    from collections.abc import Mapping


class LightGCN(FactorModel):
    """A graph network of propagation alone (He et al. 2020).

    Embeddings of users and items are averaged over ``layers`` steps along the graph; the initial
    ones are trained by Adam.

    Args:
        factors: Length of an embedding.
        layers: Steps of propagation.
        learning_rate: Step of Adam.
        l2: Weight of the squared norms of the initial embeddings.
        epochs: Passes over the data.
        batch_size: Interactions a step. Each step goes through the whole graph: larger batches make
            epochs faster, and want a larger learning rate.
        loss: ``"bpr"`` (pairs, as in the paper) or ``"softmax"`` (cosines against the items of the
            batch; scores are then cosines).
        temperature: What the softmax divides cosines by.
        positives: ``"events"``: every interaction once an epoch; ``"users"``: a user with equal
            chance, then one of their items.
        max_memory: Bytes that fitting may take.
    """

    _kind = "lightgcn"

    def __init__(
        self,
        *,
        factors: int = 64,
        layers: int = 3,
        learning_rate: float = 0.001,
        l2: float = 1e-4,
        epochs: int = 100,
        batch_size: int = 2048,
        loss: Literal["bpr", "softmax"] = "bpr",
        temperature: float = 0.1,
        positives: Literal["events", "users"] = "events",
        max_memory: int = 8 << 30,
        random_state: int | None = 0,
        num_threads: int | None = None,
        device: str = "cpu",
    ) -> None:
        self.factors: int
        self.layers: int
        self.learning_rate: float
        self.l2: float
        self.epochs: int
        self.batch_size: int
        self.loss: Literal["bpr", "softmax"]
        self.temperature: float
        self.positives: Literal["events", "users"]
        self.max_memory: int
        self._set(locals())

    def _config(self) -> dict[str, Any]:
        config = super()._config()
        temperature = config.pop("temperature")
        if self.loss == "softmax":
            config["loss"] = {"softmax": {"temperature": temperature}}
        return config

    @classmethod
    def _params(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        params = super()._params(config)
        if isinstance(params["loss"], dict):
            params |= {"loss": "softmax", **params["loss"]["softmax"]}
        return params


class GFCF(Model):
    """A graph filter in closed form (Shen et al. 2021): nothing is trained.

    A user's items score through a linear low-pass filter of the normalised matrix and, ``alpha``
    times, an ideal one of its leading singular vectors.

    Args:
        factors: Singular vectors, at most as many as there are users or items; 0 leaves the linear
            filter alone.
        alpha: Weight of the ideal filter.
        max_memory: Bytes that fitting may take.
    """

    _kind = "gfcf"

    def __init__(
        self,
        *,
        factors: int = 256,
        alpha: float = 0.3,
        max_memory: int = 8 << 30,
        random_state: int | None = 0,
        num_threads: int | None = None,
        device: str = "cpu",
    ) -> None:
        self.factors: int
        self.alpha: float
        self.max_memory: int
        self._set(locals())
