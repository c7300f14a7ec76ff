"""Filters of the graph in closed form: nothing is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from ._estimator import Model

if TYPE_CHECKING:
    from collections.abc import Mapping


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


class SGFCF(Model):
    """A graph filter whose normalisation and response are free (Peng et al. 2024): nothing is trained.

    With degrees to the power ``epsilon`` in place of their roots frequent items keep more of their
    weight. The leading singular vectors count by powers of their values, and beside them stands a
    linear filter.

    Args:
        factors: Singular vectors, at most as many as there are users or items.
        epsilon: What degrees are raised to; 0.5 is the symmetric normalisation.
        alpha: What is added to degrees first.
        betas: Exponents of the singular values for users and items whose neighbours have least and
            most to do with each other.
        gamma: Weight of the linear filter.
        max_memory: Bytes that fitting may take.
    """

    _kind = "sgfcf"

    def __init__(
        self,
        *,
        factors: int = 64,
        epsilon: float = 0.34,
        alpha: float = 0.0,
        betas: tuple[float, float] = (0.8, 0.8),
        gamma: float = 0.3,
        max_memory: int = 8 << 30,
        random_state: int | None = 0,
        num_threads: int | None = None,
        device: str = "cpu",
    ) -> None:
        self.factors: int
        self.epsilon: float
        self.alpha: float
        self.betas: tuple[float, float]
        self.gamma: float
        self.max_memory: int
        self._set(locals())

    @classmethod
    def _params(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        params = super()._params(config)
        return params | {"betas": tuple(params["betas"])}


class BSPM(Model):
    """A blurring-sharpening process (Choi et al. 2023): nothing is trained.

    A user's items are blurred along the graph as by ``GFCF``, and what was blurred is sharpened by
    a differential equation that runs the blurring backwards.

    Args:
        factors: Singular vectors, at most as many as there are users or items; 0 leaves the ideal
            filter out.
        beta: Weight of the ideal filter.
        sharpening: How long it is sharpened; 0 for not at all.
        steps: Steps of the solver.
        solver: ``"rk4"`` or ``"euler"``.
        merge: Whether the ideal filter's part is added ``"early"``, before sharpening, or ``"late"``.
        mean: Whether scores are the mean over blurring and all steps of sharpening rather than the
            last.
        max_memory: Bytes that fitting may take.
    """

    _kind = "bspm"

    def __init__(
        self,
        *,
        factors: int = 448,
        beta: float = 0.2,
        sharpening: float = 2.5,
        steps: int = 1,
        solver: Literal["rk4", "euler"] = "rk4",
        merge: Literal["early", "late"] = "early",
        mean: bool = False,
        max_memory: int = 8 << 30,
        random_state: int | None = 0,
        num_threads: int | None = None,
        device: str = "cpu",
    ) -> None:
        self.factors: int
        self.beta: float
        self.sharpening: float
        self.steps: int
        self.solver: Literal["rk4", "euler"]
        self.merge: Literal["early", "late"]
        self.mean: bool
        self.max_memory: int
        self._set(locals())
