"""The models. Each constructor takes keyword arguments only and checks them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from ._estimator import FactorModel, Model

if TYPE_CHECKING:
    from collections.abc import Mapping

Similarity = Literal["cosine", "jaccard", "bm25", "tf_idf", "dot"]


class Popular(Model):
    """What most people chose; the same for every user, known or not.

    ``s_i = sum over events of w * 2 ** (-age / half_life_days)``

    Args:
        half_life_days: Days after which an event counts half; ``None`` for no decay.
        weighted: Whether an event counts as much as it weighs, instead of 1.
    """

    _kind = "popular"

    def __init__(
        self,
        *,
        half_life_days: float | None = None,
        weighted: bool = False,
        random_state: int | None = 0,
        num_threads: int | None = None,
        device: str = "cpu",
    ) -> None:
        self.half_life_days: float | None
        self.weighted: bool
        self._set(locals())


class _Neighbours(Model):
    """Nearest neighbours by a similarity, whose parameters stand beside it."""

    similarity: Similarity
    k1: float
    b: float

    def _config(self) -> dict[str, Any]:
        config = super()._config()
        k1, b = config.pop("k1"), config.pop("b")
        if self.similarity == "bm25":
            config["similarity"] = {"bm25": {"k1": k1, "b": b}}
        return config

    @classmethod
    def _params(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        params = super()._params(config)
        if isinstance(params["similarity"], dict):
            params |= {"similarity": "bm25", **params["similarity"]["bm25"]}
        return params


class ItemKNN(_Neighbours):
    """Item-based nearest neighbours (Sarwar et al. 2001; Deshpande and Karypis 2004).

    ``score(u, t) = sum over the user's items s of x_us * sim(s, t)``, where ``t`` is one of the
    ``k`` items most similar to ``s``.

    Args:
        k: Neighbours kept for each item.
        similarity: ``"cosine"``, ``"jaccard"``, ``"bm25"``, ``"tf_idf"`` or ``"dot"``.
        shrinkage: Added to the denominator, so that similarities that rest on few users weigh
            less (cosine, Jaccard, TF-IDF).
        normalize: Makes the similarities of each item's neighbours add up to 1.
        k1: BM25's saturation of the weights.
        b: BM25's normalisation of lengths, 0 to 1.
    """

    _kind = "item_knn"

    def __init__(
        self,
        *,
        k: int = 100,
        similarity: Similarity = "cosine",
        shrinkage: float = 0.0,
        normalize: bool = False,
        k1: float = 100.0,
        b: float = 0.8,
        random_state: int | None = 0,
        num_threads: int | None = None,
        device: str = "cpu",
    ) -> None:
        self.k: int
        self.shrinkage: float
        self.normalize: bool
        self._set(locals())


class UserKNN(_Neighbours):
    """User-based nearest neighbours (Resnick et al. 1994; Herlocker et al. 1999).

    ``score(u, i) = sum over the k users v most similar to u of sim(u, v) * x_vi``

    Args:
        k: Neighbours kept for each user.
        similarity: ``"cosine"``, ``"jaccard"``, ``"bm25"``, ``"tf_idf"`` or ``"dot"``.
        shrinkage: Added to the denominator (cosine, Jaccard, TF-IDF).
        normalize: Makes the similarities of each user's neighbours add up to 1.
        k1: BM25's saturation of the weights.
        b: BM25's normalisation of lengths, 0 to 1.
    """

    _kind = "user_knn"

    def __init__(
        self,
        *,
        k: int = 100,
        similarity: Similarity = "cosine",
        shrinkage: float = 0.0,
        normalize: bool = False,
        k1: float = 100.0,
        b: float = 0.8,
        random_state: int | None = 0,
        num_threads: int | None = None,
        device: str = "cpu",
    ) -> None:
        self.k: int
        self.shrinkage: float
        self.normalize: bool
        self._set(locals())


class CoTransition(Model):
    """Sequence-aware neighbours: what follows what in the users' histories.

    The family of session neighbours and Markov models of Ludewig and Jannach 2018. Uses the order
    of events, neither their weights nor their times.

    Args:
        k: Neighbours kept for each item.
        window: How many events apart two items may stand.
        decay: How fast a transition's weight falls with the distance.
        backward: How much a transition counts for the opposite direction, 0 to 1.
        source_power: Exponent of the count of the source's events.
        target_power: Exponent of the count of the target's events.
        last_n: How many of a user's last events count in scoring.
        recency: How fast an event's weight in scoring falls with its age.
    """

    _kind = "co_transition"

    def __init__(
        self,
        *,
        k: int = 1000,
        window: int = 10,
        decay: float = 1.0,
        backward: float = 0.5,
        source_power: float = 0.5,
        target_power: float = 0.5,
        last_n: int = 10,
        recency: float = 1.0,
        random_state: int | None = 0,
        num_threads: int | None = None,
        device: str = "cpu",
    ) -> None:
        self.k: int
        self.window: int
        self.decay: float
        self.backward: float
        self.source_power: float
        self.target_power: float
        self.last_n: int
        self.recency: float
        self._set(locals())


class EASE(Model):
    """The embarrassingly shallow autoencoder (Steck 2019): a dense item × item regression.

    Cubic in the number of items; more than ``max_memory`` bytes are refused with
    ``TooLargeError``.

    Args:
        l2: Weight of the squares, above 0: 200 to 1000 for some ten thousand users.
        max_memory: Bytes that fitting may take.
    """

    _kind = "ease"

    def __init__(
        self,
        *,
        l2: float = 1000.0,
        max_memory: int = 8 << 30,
        random_state: int | None = 0,
        num_threads: int | None = None,
        device: str = "cpu",
    ) -> None:
        self.l2: float
        self.max_memory: int
        self._set(locals())


class SLIM(Model):
    """Sparse linear methods (Ning and Karypis 2011): one elastic net an item.

    In the terms of scikit-learn's ``ElasticNet``: ``l1 = n_users * alpha * l1_ratio`` and
    ``l2 = n_users * alpha * (1 - l1_ratio)``.

    Args:
        l1: Weight of the absolute values: the larger, the sparser.
        l2: Weight of the squares.
        max_iter: Passes over an item's coordinates at most.
        tol: An item is done when no coordinate moved by more than this part of the largest.
        k: Regresses on the so many most similar items only; ``None`` for all.
        non_negative: Whether weights below 0 are forbidden, as in the paper.
    """

    _kind = "slim"

    def __init__(
        self,
        *,
        l1: float = 1.0,
        l2: float = 100.0,
        max_iter: int = 100,
        tol: float = 1e-4,
        k: int | None = None,
        non_negative: bool = True,
        random_state: int | None = 0,
        num_threads: int | None = None,
        device: str = "cpu",
    ) -> None:
        self.l1: float
        self.l2: float
        self.max_iter: int
        self.tol: float
        self.k: int | None
        self.non_negative: bool
        self._set(locals())


class ALS(FactorModel):
    """Implicit matrix factorisation by alternating least squares (Hu, Koren, Volinsky 2008).

    Args:
        factors: Length of a factor.
        l2: Weight of the squared norms of the factors.
        alpha: Confidence of an interaction of weight 1.
        epochs: Passes over users and items.
        solver: ``"cg"`` (conjugate gradient) or ``"cholesky"`` (exact).
        cg_steps: Steps of the conjugate gradient.
    """

    _kind = "als"

    def __init__(
        self,
        *,
        factors: int = 64,
        l2: float = 0.01,
        alpha: float = 1.0,
        epochs: int = 15,
        solver: Literal["cg", "cholesky"] = "cg",
        cg_steps: int = 3,
        random_state: int | None = 0,
        num_threads: int | None = None,
        device: str = "cpu",
    ) -> None:
        self.factors: int
        self.l2: float
        self.alpha: float
        self.epochs: int
        self.solver: Literal["cg", "cholesky"]
        self.cg_steps: int
        self._set(locals())

    def _config(self) -> dict[str, Any]:
        config = super()._config()
        steps = config.pop("cg_steps")
        if self.solver == "cg":
            config["solver"] = {"cg": {"steps": steps}}
        return config

    @classmethod
    def _params(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        params = super()._params(config)
        if isinstance(params["solver"], dict):
            params |= {"solver": "cg", "cg_steps": params["solver"]["cg"]["steps"]}
        return params


class BPR(FactorModel):
    """Bayesian personalised ranking (Rendle et al. 2009): matrix factorisation on pairs.

    With one worker the result is the same at every run; more are lock-free and faster, and are
    not.

    Args:
        factors: Length of a factor.
        learning_rate: Step of the gradient descent.
        l2: Weight of the squared norms.
        epochs: Passes over the data.
        item_bias: Whether each item has a bias.
        negatives: How the items a user did not have are drawn: ``"uniform"``, or
            ``"popularity"``, in proportion to ``popularity ** alpha``.
        alpha: The power of popularity.
        workers: Parallel workers.
    """

    _kind = "bpr"

    def __init__(
        self,
        *,
        factors: int = 64,
        learning_rate: float = 0.01,
        l2: float = 0.01,
        epochs: int = 100,
        item_bias: bool = True,
        negatives: Literal["uniform", "popularity"] = "uniform",
        alpha: float = 1.0,
        workers: int = 1,
        random_state: int | None = 0,
        num_threads: int | None = None,
        device: str = "cpu",
    ) -> None:
        self.factors: int
        self.learning_rate: float
        self.l2: float
        self.epochs: int
        self.item_bias: bool
        self.negatives: Literal["uniform", "popularity"]
        self.alpha: float
        self.workers: int
        self._set(locals())

    def _config(self) -> dict[str, Any]:
        config = super()._config()
        alpha = config.pop("alpha")
        if self.negatives == "popularity":
            config["negatives"] = {"popularity": {"alpha": alpha}}
        return config

    @classmethod
    def _params(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        params = super()._params(config)
        if isinstance(params["negatives"], dict):
            params |= {"negatives": "popularity", **params["negatives"]["popularity"]}
        return params


class Item2Vec(FactorModel):
    """word2vec on what people did: each user's events are a sentence (Barkan, Koenigstein 2016).

    A user is the mean of the items they had, so ``recommend_histories`` works for anyone. With
    ``workers=1`` the result is the same at every run; more are lock-free and faster, and are not.

    Args:
        vector_size: Length of a vector.
        window: Events looked at each way; ``None`` for all of the user's, as in the paper, whose
            cost is the square of a history's length.
        shrink_windows: Draws each event's window uniformly from 1 to ``window``.
        shuffle: Reads each history in another order each epoch, so that a window of ``n`` draws
            ``2 n`` events of the whole history: as ``window=None``, at a fraction of the cost.
        architecture: ``"skip_gram"``, where each event of the window predicts the event, as in the
            paper; or ``"cbow"``, where their mean does, as a user is scored.
        max_gap: Seconds between two events that part two sessions; ``None`` for one a user.
        tags: Whether items' tags (``ds.items``) stand in the sentences after their items; items
            without events then get the mean of their tags' vectors.
        negative: Negatives a window.
        ns_exponent: Negatives are drawn in proportion to ``count ** ns_exponent``.
        sample: Relative frequency above which items are sub-sampled; 0 for none.
        alpha: Learning rate at the start.
        min_alpha: Learning rate at the end.
        epochs: Passes over the events.
        score: ``"cosine"``, or ``"output"`` for what training predicts from.
        workers: Parallel workers.
    """

    _kind = "item2vec"

    def __init__(
        self,
        *,
        vector_size: int = 64,
        window: int | None = None,
        shrink_windows: bool = False,
        shuffle: bool = False,
        architecture: Literal["skip_gram", "cbow"] = "skip_gram",
        max_gap: float | None = None,
        tags: bool = False,
        negative: int = 5,
        ns_exponent: float = 0.75,
        sample: float = 1e-3,
        alpha: float = 0.025,
        min_alpha: float = 1e-4,
        epochs: int = 20,
        score: Literal["cosine", "output"] = "cosine",
        workers: int = 1,
        random_state: int | None = 0,
        num_threads: int | None = None,
        device: str = "cpu",
    ) -> None:
        self.vector_size: int
        self.window: int | None
        self.shrink_windows: bool
        self.shuffle: bool
        self.architecture: Literal["skip_gram", "cbow"]
        self.max_gap: float | None
        self.tags: bool
        self.negative: int
        self.ns_exponent: float
        self.sample: float
        self.alpha: float
        self.min_alpha: float
        self.epochs: int
        self.score: Literal["cosine", "output"]
        self.workers: int
        self._set(locals())
