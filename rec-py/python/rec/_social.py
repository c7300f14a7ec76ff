"""Models that learn from friends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from ._estimator import FactorModel
from ._graph import LightGCN
from .errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from ._estimator import Id, Model

    Loss = Literal["squared", "bce", "bpr", "info_nce", "cosine_contrastive"]


class SEPT(FactorModel):
    """Self-supervised tri-training with friends (Yu et al. 2021).

    LightGCN whose users learn, beside what they had, from which users look alike in three views: by
    interactions, by friends in common, and by items that friends share. The data set needs
    ``social``. Recommends as LightGCN does.

    Args:
        factors: Length of an embedding.
        layers: Steps of propagation.
        agreement: What agreement of the views counts beside the ranking loss.
        temperature: What agreement divides cosines by.
        positives: Users taken as alike for each.
        drop_rate: Share of interactions and friendships left out of the view that the others are
            compared with, anew each epoch.
        warm_up: Epochs before the views begin to teach each other.
        learning_rate: Step of Adam.
        l2: Weight of the squared norms of the initial embeddings.
        epochs: Passes over the data.
        batch_size: Interactions a step.
        max_memory: Bytes that fitting may take.
    """

    _kind = "sept"

    def __init__(
        self,
        *,
        factors: int = 64,
        layers: int = 2,
        agreement: float = 0.05,
        temperature: float = 0.1,
        positives: int = 10,
        drop_rate: float = 0.3,
        warm_up: int = 0,
        learning_rate: float = 0.005,
        l2: float = 1e-4,
        epochs: int = 30,
        batch_size: int = 2048,
        max_memory: int = 8 << 30,
        random_state: int | None = 0,
        num_threads: int | None = None,
        device: str = "cpu",
    ) -> None:
        self.factors: int
        self.layers: int
        self.agreement: float
        self.temperature: float
        self.positives: int
        self.drop_rate: float
        self.warm_up: int
        self.learning_rate: float
        self.l2: float
        self.epochs: int
        self.batch_size: int
        self.max_memory: int
        self._set(locals())


class SocialLightGCN(LightGCN):
    """LightGCN on the graph of interactions and friendships together (LightGCN-S, Yang et al. 2024).

    A user without interactions is known by their friends. The data set needs ``social``.

    Args:
        friends: Weight of a friendship against an interaction.
        by_taste: Whether a friendship counts as much as both friends' tastes agree: times the cosine
            of what they had.
        layers: Steps of propagation, at least 1.

    All others are :class:`LightGCN`'s.
    """

    _kind = "social_lightgcn"

    def __init__(
        self,
        *,
        factors: int = 64,
        layers: int = 3,
        friends: float = 1.0,
        by_taste: bool = False,
        learning_rate: float = 0.001,
        l2: float = 1e-4,
        epochs: int = 100,
        batch_size: int = 2048,
        loss: Literal["bpr", "softmax", "sampled_softmax"] = "bpr",
        temperature: float = 0.1,
        negatives: int = 1024,
        score_by: Literal["product", "cosine"] = "product",
        positives: Literal["events", "users"] = "events",
        max_memory: int = 8 << 30,
        random_state: int | None = 0,
        num_threads: int | None = None,
        device: str = "cpu",
    ) -> None:
        self.friends: float
        self.by_taste: bool
        self._set(locals())

    @classmethod
    def _class_of(cls, config: Mapping[str, Any]) -> type[Model]:
        return cls


class LinkPredictor(FactorModel):
    """Recommends friends: a GCN (Kipf & Welling 2017) or GraphSAGE (Hamilton et al. 2017) on who knows
    whom.

    Trained on the friendships of ``dataset.social``, with the items that users had as features.
    ``recommend`` gives users for users; those a user knows, and the user, are left out.

    Args:
        network: ``"gcn"`` sees the whole graph each step; ``"sage"`` samples neighbours.
        neighbours: Neighbours that ``"sage"`` draws for each node and layer.
        normalize: Rows of length 1 after each layer of ``"sage"``; for the cosine losses.
        hidden: Width of the layers but the last.
        factors: Length of an embedding.
        layers: How far in the graph a user sees.
        node_embeddings: Whether each user has trained numbers of their own beside the features.
        loss: ``"squared"`` and ``"bce"`` make of a score a probability, ``"bpr"`` orders, and
            ``"info_nce"`` and ``"cosine_contrastive"`` compare cosines.
        temperature: What ``"info_nce"`` divides cosines by.
        margin: Cosines below this are let be by ``"cosine_contrastive"``.
        negative_weight: What non-edges count in ``"cosine_contrastive"``.
        weighted: Whether the first two losses aim at an edge's weight over the largest, rather than 1.
        negatives: Non-edges drawn for each edge.
        learning_rate: Step of Adam.
        l2: Weight of the squared weights.
        epochs: Passes over the edges.
        batch_size: Edges a step.
        max_memory: Bytes that fitting may take.
    """

    _kind = "link_predictor"

    def __init__(
        self,
        *,
        network: Literal["gcn", "sage"] = "gcn",
        neighbours: int = 10,
        normalize: bool = False,
        hidden: int = 64,
        factors: int = 64,
        layers: int = 2,
        node_embeddings: bool = True,
        loss: Loss = "squared",
        temperature: float = 0.2,
        margin: float = 0.4,
        negative_weight: float = 1.0,
        weighted: bool = False,
        negatives: int = 1,
        learning_rate: float = 0.01,
        l2: float = 1e-5,
        epochs: int = 50,
        batch_size: int = 2048,
        max_memory: int = 8 << 30,
        random_state: int | None = 0,
        num_threads: int | None = None,
        device: str = "cpu",
    ) -> None:
        self.network: Literal["gcn", "sage"]
        self.neighbours: int
        self.normalize: bool
        self.hidden: int
        self.factors: int
        self.layers: int
        self.node_embeddings: bool
        self.loss: Loss
        self.temperature: float
        self.margin: float
        self.negative_weight: float
        self.weighted: bool
        self.negatives: int
        self.learning_rate: float
        self.l2: float
        self.epochs: int
        self.batch_size: int
        self.max_memory: int
        self._set(locals())

    def _config(self) -> dict[str, Any]:
        config = super()._config()
        neighbours, normalize = config.pop("neighbours"), config.pop("normalize")
        temperature = config.pop("temperature")
        margin, weight = config.pop("margin"), config.pop("negative_weight")
        if self.network == "sage":
            config["network"] = {"sage": {"neighbours": neighbours, "normalize": normalize}}
        if self.loss == "info_nce":
            config["loss"] = {"info_nce": {"temperature": temperature}}
        elif self.loss == "cosine_contrastive":
            config["loss"] = {"cosine_contrastive": {"margin": margin, "weight": weight}}
        return config

    @classmethod
    def _params(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        params = super()._params(config)
        if isinstance(params["network"], dict):
            params |= {"network": "sage", **params["network"]["sage"]}
        if isinstance(params["loss"], dict):
            [(name, inner)] = params["loss"].items()
            params |= {"loss": name, **inner}
            if "weight" in params:
                params["negative_weight"] = params.pop("weight")
        return params

    @property
    def node_factors(self) -> NDArray[np.float32]:
        """``[nodes, factors]``, in the order of ``user_ids``."""
        return self.user_factors

    def edge_factors(
        self, source: Sequence[Id] | NDArray[Any], target: Sequence[Id] | NDArray[Any]
    ) -> NDArray[np.float32]:
        """Embeddings of edges, ``[edges, factors]``: the products of their ends', number by number.

        A row's sum is the edge's score.
        """
        rows = {user: row for row, user in enumerate(self.user_ids.tolist())}
        nodes = self.node_factors

        def take(ids: Sequence[Id] | NDArray[Any]) -> NDArray[np.float32]:
            unknown = [user for user in ids if user not in rows]
            if unknown:
                raise DataError(f"user {unknown[0]!r}: not among the users of the training data")
            return nodes[[rows[user] for user in ids]]

        return take(source) * take(target)
