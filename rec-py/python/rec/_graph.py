"""Models that learn from the graph of who had what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

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
        loss: ``"bpr"`` (pairs, as in the paper), ``"softmax"`` (cosines against the items of the
            batch) or ``"sampled_softmax"`` (cosines against items drawn uniformly).
        temperature: What a softmax divides cosines by.
        negatives: Items that ``"sampled_softmax"`` draws a step.
        score_by: What the fitted model ranks by, whatever the loss: ``"product"`` of the embeddings or
            their ``"cosine"``.
        positives: ``"events"``: every interaction once an epoch; ``"users"``: a user with equal
            chance, then one of their items.
        tags: Weight of the edges between items and their tags (``ds.items``), whose nodes then
            stand in the graph too; 0 for none. Items without interactions are known by their tags.
        content: Name of a table of the items' vectors (``ds.items``) that item nodes start from;
            items without interactions get the embedding that a ridge regression of the others' on
            their vectors predicts.
        content_l2: Weight of the squares of that regression.
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
        loss: Literal["bpr", "softmax", "sampled_softmax"] = "bpr",
        temperature: float = 0.1,
        negatives: int = 1024,
        score_by: Literal["product", "cosine"] = "product",
        positives: Literal["events", "users"] = "events",
        tags: float = 0.0,
        content: str | None = None,
        content_l2: float = 1.0,
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
        self.loss: Literal["bpr", "softmax", "sampled_softmax"]
        self.temperature: float
        self.negatives: int
        self.score_by: Literal["product", "cosine"]
        self.positives: Literal["events", "users"]
        self.tags: float
        self.content: str | None
        self.content_l2: float
        self.max_memory: int
        self._set(locals())

    def _config(self) -> dict[str, Any]:
        config = super()._config()
        temperature, negatives = config.pop("temperature"), config.pop("negatives")
        if self.loss == "softmax":
            config["loss"] = {"softmax": {"temperature": temperature}}
        elif self.loss == "sampled_softmax":
            of_loss = {"temperature": temperature, "negatives": negatives}
            config["loss"] = {"sampled_softmax": of_loss}
        return config

    @classmethod
    def _params(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        params = super()._params(config)
        if isinstance(params["loss"], dict):
            ((name, of_loss),) = params["loss"].items()
            params |= {"loss": name, **of_loss}
        return params

    @classmethod
    def _class_of(cls, config: Mapping[str, Any]) -> type[Model]:
        if config.get("contrast") is not None:
            return _BY_VIEWS[next(iter(config["contrast"]["views"]))]
        return LightGCNPP if config.get("unit_rows") else LightGCN


class LightGCNPP(LightGCN):
    """LightGCN++ (Lee, Kim and Shin 2024): LightGCN with free powers of degrees.

    Embeddings are scaled to length 1 before each step along the graph; the first ones have a share
    of their own in the mean.

    Args:
        alpha: Power of a node's own degree that edges are divided by.
        beta: Power of its neighbour's degree.
        gamma: Share of the initial embeddings in the mean.

    The others are those of ``LightGCN``.
    """

    def __init__(
        self,
        *,
        factors: int = 64,
        layers: int = 2,
        learning_rate: float = 0.001,
        l2: float = 1e-4,
        epochs: int = 100,
        batch_size: int = 2048,
        loss: Literal["bpr", "softmax", "sampled_softmax"] = "bpr",
        temperature: float = 0.1,
        negatives: int = 1024,
        score_by: Literal["product", "cosine"] = "product",
        positives: Literal["events", "users"] = "events",
        alpha: float = 0.6,
        beta: float = -0.1,
        gamma: float = 0.2,
        tags: float = 0.0,
        content: str | None = None,
        content_l2: float = 1.0,
        max_memory: int = 8 << 30,
        random_state: int | None = 0,
        num_threads: int | None = None,
        device: str = "cpu",
    ) -> None:
        self.alpha: float
        self.beta: float
        self.gamma: float
        self._set(locals())

    def _config(self) -> dict[str, Any]:
        config = super()._config()
        powers = {"left": config.pop("alpha"), "right": config.pop("beta")}
        return config | {
            "normalization": {"powers": powers},
            "unit_rows": True,
            "residual": config.pop("gamma"),
        }

    @classmethod
    def _params(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        params = super()._params(config)
        powers, gamma = config["normalization"], config["residual"]
        if isinstance(powers, dict) and gamma is not None:
            left, right = powers["powers"]["left"], powers["powers"]["right"]
            params |= {"alpha": left, "beta": right, "gamma": gamma}
        return params


class _Contrasted(LightGCN):
    """What the self-supervised models share: parameters of the contrast."""

    _views: ClassVar[str]
    _of_views: ClassVar[dict[str, str]]
    _residual: ClassVar[float | None] = 0.0

    contrast_weight: float
    contrast_temperature: float

    def _config(self) -> dict[str, Any]:
        config = super()._config()
        views = {theirs: config.pop(ours) for ours, theirs in self._of_views.items()}
        config["contrast"] = {
            "views": {self._views: views},
            "weight": config.pop("contrast_weight"),
            "temperature": config.pop("contrast_temperature"),
        }
        config["residual"] = self._residual
        return config

    @classmethod
    def _params(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        params = super()._params(config)
        contrast = config["contrast"]
        (views,) = contrast["views"].values()
        params |= {ours: views[theirs] for ours, theirs in cls._of_views.items()}
        params["contrast_weight"] = contrast["weight"]
        params["contrast_temperature"] = contrast["temperature"]
        return params


class XSimGCL(_Contrasted):
    """LightGCN with a contrast between layers of one noisy pass (Yu et al. 2023).

    Args:
        contrast_weight: Weight of the contrast beside the loss.
        contrast_temperature: What the contrast divides cosines by.
        noise: Length of the noise added to each embedding on each layer.
        contrast_layer: The layer, from 1, that the final embeddings are set against.

    The others are those of ``LightGCN``.
    """

    _views = "cross_layer"
    _of_views: ClassVar[dict[str, str]] = {"noise": "noise", "contrast_layer": "layer"}

    def __init__(
        self,
        *,
        factors: int = 64,
        layers: int = 2,
        learning_rate: float = 0.001,
        l2: float = 1e-4,
        epochs: int = 20,
        batch_size: int = 2048,
        loss: Literal["bpr", "softmax", "sampled_softmax"] = "bpr",
        temperature: float = 0.1,
        negatives: int = 1024,
        score_by: Literal["product", "cosine"] = "product",
        positives: Literal["events", "users"] = "events",
        contrast_weight: float = 0.2,
        contrast_temperature: float = 0.15,
        noise: float = 0.2,
        contrast_layer: int = 1,
        tags: float = 0.0,
        content: str | None = None,
        content_l2: float = 1.0,
        max_memory: int = 8 << 30,
        random_state: int | None = 0,
        num_threads: int | None = None,
        device: str = "cpu",
    ) -> None:
        self.noise: float
        self.contrast_layer: int
        self._set(locals())


class SimGCL(_Contrasted):
    """LightGCN with a contrast between two noisy passes (Yu et al. 2022).

    Args:
        contrast_weight: Weight of the contrast beside the loss.
        contrast_temperature: What the contrast divides cosines by.
        noise: Length of the noise added to each embedding on each layer.

    The others are those of ``LightGCN``.
    """

    _views = "noise"
    _of_views: ClassVar[dict[str, str]] = {"noise": "noise"}

    def __init__(
        self,
        *,
        factors: int = 64,
        layers: int = 3,
        learning_rate: float = 0.001,
        l2: float = 1e-4,
        epochs: int = 20,
        batch_size: int = 2048,
        loss: Literal["bpr", "softmax", "sampled_softmax"] = "bpr",
        temperature: float = 0.1,
        negatives: int = 1024,
        score_by: Literal["product", "cosine"] = "product",
        positives: Literal["events", "users"] = "events",
        contrast_weight: float = 0.5,
        contrast_temperature: float = 0.2,
        noise: float = 0.1,
        tags: float = 0.0,
        content: str | None = None,
        content_l2: float = 1.0,
        max_memory: int = 8 << 30,
        random_state: int | None = 0,
        num_threads: int | None = None,
        device: str = "cpu",
    ) -> None:
        self.noise: float
        self._set(locals())


class SGL(_Contrasted):
    """LightGCN with a contrast between two graphs that lack something (Wu et al. 2021).

    Args:
        contrast_weight: Weight of the contrast beside the loss.
        contrast_temperature: What the contrast divides cosines by.
        augmentation: What the two graphs, drawn anew every epoch, lack: ``"edge_dropout"`` a share
            of the edges, ``"node_dropout"`` all edges of a share of the nodes, ``"random_walk"``
            other edges in each layer.
        drop_rate: That share.

    The others are those of ``LightGCN``.
    """

    _views = "edge_dropout"
    _of_views: ClassVar[dict[str, str]] = {"drop_rate": "rate"}
    _residual: ClassVar[float | None] = None

    def __init__(
        self,
        *,
        factors: int = 64,
        layers: int = 3,
        learning_rate: float = 0.001,
        l2: float = 1e-4,
        epochs: int = 50,
        batch_size: int = 2048,
        loss: Literal["bpr", "softmax", "sampled_softmax"] = "bpr",
        temperature: float = 0.1,
        negatives: int = 1024,
        score_by: Literal["product", "cosine"] = "product",
        positives: Literal["events", "users"] = "events",
        contrast_weight: float = 0.1,
        contrast_temperature: float = 0.2,
        augmentation: Literal["edge_dropout", "node_dropout", "random_walk"] = "edge_dropout",
        drop_rate: float = 0.1,
        tags: float = 0.0,
        content: str | None = None,
        content_l2: float = 1.0,
        max_memory: int = 8 << 30,
        random_state: int | None = 0,
        num_threads: int | None = None,
        device: str = "cpu",
    ) -> None:
        self.augmentation: Literal["edge_dropout", "node_dropout", "random_walk"]
        self.drop_rate: float
        self._set(locals())

    def _config(self) -> dict[str, Any]:
        config = super()._config()
        (views,) = config["contrast"]["views"].values()
        config["contrast"]["views"] = {config.pop("augmentation"): views}
        return config

    @classmethod
    def _params(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        augmentation = next(iter(config["contrast"]["views"]))
        return super()._params(config) | {"augmentation": augmentation}


_BY_VIEWS: dict[str, type[Model]] = {
    "cross_layer": XSimGCL,
    "noise": SimGCL,
    "edge_dropout": SGL,
    "node_dropout": SGL,
    "random_walk": SGL,
}


class UltraGCN(FactorModel):
    """Embeddings trained towards where endless propagation would leave them (Mao et al. 2021).

    Nothing is propagated: weights of user, item and item-item pairs stand for the graph.

    Args:
        factors: Length of an embedding.
        learning_rate: Step of Adam.
        l2: Weight of the squares of all embeddings, at every step.
        epochs: Passes over the data.
        batch_size: Interactions a step.
        negatives: Items drawn for each interaction.
        negative_weight: Weight of their mean.
        w1: Weight of every interaction.
        w2: Weight of an interaction's constraint.
        w3: Weight of every item drawn.
        w4: Weight of its constraint.
        item_weight: Weight of the items had together with the interaction's.
        neighbours: How many of them; the item itself counts.
        max_memory: Bytes that fitting may take.
    """

    _kind = "ultragcn"

    def __init__(
        self,
        *,
        factors: int = 64,
        learning_rate: float = 0.001,
        l2: float = 1e-4,
        epochs: int = 60,
        batch_size: int = 1024,
        negatives: int = 200,
        negative_weight: float = 200.0,
        w1: float = 1e-6,
        w2: float = 1.0,
        w3: float = 1e-6,
        w4: float = 1.0,
        item_weight: float = 5e-4,
        neighbours: int = 10,
        max_memory: int = 8 << 30,
        random_state: int | None = 0,
        num_threads: int | None = None,
        device: str = "cpu",
    ) -> None:
        self.factors: int
        self.learning_rate: float
        self.l2: float
        self.epochs: int
        self.batch_size: int
        self.negatives: int
        self.negative_weight: float
        self.w1: float
        self.w2: float
        self.w3: float
        self.w4: float
        self.item_weight: float
        self.neighbours: int
        self.max_memory: int
        self._set(locals())


class NGCF(FactorModel):
    """Neural graph collaborative filtering (Wang et al. 2019).

    Embeddings pass along the graph through layers with weights, in which what both ends of an edge
    have in common counts apart; all layers of a node stand side by side.

    Args:
        factors: Length of an embedding and of each layer's rows; a final embedding has
            ``(layers + 1) * factors`` numbers.
        layers: Layers of propagation.
        learning_rate: Step of Adam.
        l2: Weight of the squared norms of the initial embeddings.
        epochs: Passes over the data.
        batch_size: Interactions a step. Each step goes through the whole graph.
        message_dropout: Share of the numbers of each layer's rows that a step drops.
        node_dropout: Share of the nodes whose messages a step drops in each layer.
        max_memory: Bytes that fitting may take.
    """

    _kind = "ngcf"

    def __init__(
        self,
        *,
        factors: int = 64,
        layers: int = 3,
        learning_rate: float = 0.001,
        l2: float = 1e-5,
        epochs: int = 100,
        batch_size: int = 2048,
        message_dropout: float = 0.1,
        node_dropout: float = 0.0,
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
        self.message_dropout: float
        self.node_dropout: float
        self.max_memory: int
        self._set(locals())
