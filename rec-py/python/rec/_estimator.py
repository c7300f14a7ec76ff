"""The base of all models: parameters, fitting, asking, saving."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar, Union

from . import _native
from ._native import Dataset, Explanation, Recommendations
from ._params import Parameters, _is_count
from ._progress import Progress, reporter
from .errors import NotFittedError, ParameterError, UnsupportedError

if TYPE_CHECKING:
    import tempfile
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from typing_extensions import Self

    from ._native import Items

    Id = Union[int, str]
    Ids = Union[Sequence[Id], NDArray[Any], Iterable[Id]]
    OnUnknown = Union[Literal["raise", "skip"], "Model"]
    StrPath = Union[str, os.PathLike[str]]

_KINDS: dict[str, type[Model]] = {}


class Model(Parameters):
    """A recommender: parameters at construction, ``fit``, then ``recommend``."""

    _kind: ClassVar[str]
    _own: ClassVar[frozenset[str]] = frozenset({"random_state", "num_threads", "device"})
    _fitted: _native.FittedModel | None = None

    device: str

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "_kind" in cls.__dict__:
            _KINDS[cls._kind] = cls

    # -- parameters

    def _check_config(self) -> None:
        _native.check_params(self._kind, self._config())

    def _check(self) -> None:
        self._check_config()
        self._check_run()
        _native.check_device(self.device)

    def _config(self) -> dict[str, Any]:
        """The parameters as the library's estimator spells them."""
        return {n: v for n, v in self.get_params().items() if n not in self._own}

    @classmethod
    def _params(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        """The inverse of ``_config``."""
        return {name: value for name, value in config.items() if name in cls._defaults()}

    @classmethod
    def _class_of(cls, config: Mapping[str, Any]) -> type[Model]:
        """The class of a saved model, where several share a kind."""
        return cls

    # -- fitting

    def fit(
        self,
        dataset: Dataset,
        *,
        validation: Dataset | None = None,
        metric: str = "ndcg@10",
        patience: int | None = None,
        every: int = 1,
        progress: bool | Progress = False,
        checkpoints: StrPath | None = None,
    ) -> Self:
        """Trains on a data set and returns itself.

        With ``validation`` the ``metric`` is measured on it after ``every`` so many epochs, and
        with ``patience`` training stops after so many measurements without a better one and keeps
        the best. ``checkpoints`` names a folder for states to resume from. Ctrl-C stops training.
        """
        self._fitted = _native.fit(
            self._kind,
            self._config(),
            dataset,
            seed=self._seed(),
            num_threads=self.num_threads,
            device=self.device,
            validation=validation,
            metric=metric,
            patience=patience,
            every=every,
            progress=reporter(progress),
            checkpoints=checkpoints,
        )
        return self

    def _model(self) -> _native.FittedModel:
        if self._fitted is None:
            raise NotFittedError(f"this {type(self).__name__} is not fitted; call fit(dataset) first")
        return self._fitted

    def __sklearn_is_fitted__(self) -> bool:
        return self._fitted is not None

    # -- asking

    def recommend(
        self,
        users: Ids | None = None,
        *,
        k: int = 10,
        filter_seen: bool = True,
        items: Ids | None = None,
        exclude: Ids | None = None,
        candidates: Iterable[Ids] | None = None,
        on_unknown: OnUnknown = "raise",
    ) -> Recommendations:
        """The ``k`` best items for each of these users, or for all users of the training data.

        ``filter_seen`` leaves out what the user had in training; only ``items`` may be recommended
        where given, never those in ``exclude``, and for each user only their own ``candidates``.
        Users never seen raise ``UnknownIdError``, are left out (``"skip"``), or are answered by
        another fitted model, such as ``Popular``.
        """
        return self._model().recommend(
            users,
            k=k,
            filter_seen=filter_seen,
            items=items,
            exclude=exclude,
            candidates=candidates,
            on_unknown=_policy(on_unknown),
            num_threads=self.num_threads,
        )

    def recommend_histories(
        self,
        histories: Iterable[Any],
        *,
        k: int = 10,
        filter_seen: bool = True,
        items: Ids | None = None,
        exclude: Ids | None = None,
        candidates: Iterable[Ids] | None = None,
        on_unknown: Literal["raise", "skip"] = "raise",
    ) -> Recommendations:
        """The ``k`` best items for users known only by what they had.

        Each history is a list of item ids, or of ``(item, weight)`` pairs, in order of time. The
        rows are numbered from 0. ``on_unknown="skip"`` leaves out unknown items of a history.
        """
        return self._model().recommend_histories(
            histories,
            k=k,
            filter_seen=filter_seen,
            items=items,
            exclude=exclude,
            candidates=candidates,
            on_unknown=on_unknown,
            num_threads=self.num_threads,
        )

    def similar_items(self, items: Ids, *, k: int = 10) -> Recommendations:
        """The ``k`` items most like each of these, itself left out."""
        return self._model().similar_items(items, k=k, num_threads=self.num_threads)

    def explain(
        self,
        user: Id,
        item: Id,
        *,
        items: Items | None = None,
        keywords: Items | None = None,
        train: Dataset | None = None,
    ) -> Explanation:
        """Why the item has its score: what each of the user's past items adds, and more.

        ``items`` brings titles and tags, ``keywords`` a table whose tags are the items' keywords;
        what the item shares with the user's interests in them is part of the explanation. ``train``
        is the data the model was fitted on: it knows the order and the times of the user's past
        (and its ``items``, unless others are given). Models that explain nothing by themselves are
        asked again without each of the user's last 50 items.
        """
        return self._model().explain(
            item, user=user, history=None, items=items, keywords=keywords, train=train
        )

    def explain_history(
        self,
        history: Iterable[Any],
        item: Id,
        *,
        items: Items | None = None,
        keywords: Items | None = None,
    ) -> Explanation:
        """The same for a user known only by what they had, as in ``recommend_histories``."""
        return self._model().explain(
            item, user=None, history=list(history), items=items, keywords=keywords, train=None
        )

    @property
    def user_ids(self) -> NDArray[Any]:
        """The users of the training data."""
        return self._model().user_ids

    @property
    def item_ids(self) -> NDArray[Any]:
        """The items of the training data."""
        return self._model().item_ids

    @property
    def training(self) -> Any:
        """How training went (seed, epochs, measurements), where the model keeps it."""
        return self._model().training

    # -- keeping

    def save(self, path: StrPath) -> None:
        """Writes the fitted model as a folder, whole or not at all; ``rec.load`` reads it."""
        self._model().save(path)

    def __getstate__(self) -> dict[str, Any]:
        files = None if self._fitted is None else _to_bytes(self._fitted)
        return {"params": self.get_params(), "files": files}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._set(state["params"])
        files: dict[str, bytes] | None = state["files"]
        if files is not None:
            self._fitted, _ = _from_bytes(files, _native.load)


class FactorModel(Model):
    """A model that scores by the product of a user's and an item's factors."""

    @property
    def user_factors(self) -> NDArray[np.float32]:
        """``[n_users, factors]``, in the order of ``user_ids``."""
        return self._factors()[0]

    @property
    def item_factors(self) -> NDArray[np.float32]:
        """``[n_items, factors]``, in the order of ``item_ids``."""
        return self._factors()[1]

    def _factors(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        factors = self._model().factors
        if factors is None:
            raise UnsupportedError(f"this {type(self).__name__} has no factors")
        return factors


def load(path: StrPath) -> Any:
    """Loads a model folder as the class that saved it: a recommender, a ``TagClassifier``, or a
    ``GruLanguageModel``."""
    kind = _native.folder_kind(path)
    if kind == "tags":
        from ._tags import TagClassifier

        return TagClassifier._load(path)
    if kind == "gru_language_model":
        from ._gru_language import GruLanguageModel

        return GruLanguageModel._load(path)
    fitted = _native.load(path)
    cls = _KINDS[fitted.kind]._class_of(fitted.config)
    params = cls._params(fitted.config)
    training = fitted.training
    if isinstance(training, dict) and _is_count(training.get("seed"), 0):
        params["random_state"] = training["seed"]
    model = cls(**params)
    model._fitted = fitted
    return model


def _to_bytes(
    fitted: _native.FittedModel | _native.FittedTags | _native.FittedGruLanguage,
) -> dict[str, bytes]:
    """The files of the model's folder."""
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory(prefix="rec-pickle-") as folder:
        path = Path(folder) / "model"
        fitted.save(path)
        files = (file for file in path.rglob("*") if file.is_file())
        return {file.relative_to(path).as_posix(): file.read_bytes() for file in files}


_Fitted = TypeVar("_Fitted")


def _from_bytes(
    files: dict[str, bytes], load: Callable[[str], _Fitted]
) -> tuple[_Fitted, tempfile.TemporaryDirectory[str]]:
    """What ``load`` makes of the files of a folder, and the folder, which goes when it is dropped."""
    import tempfile
    from pathlib import Path

    folder = tempfile.TemporaryDirectory(prefix="rec-pickle-")
    for name, content in files.items():
        path = Path(folder.name) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return load(folder.name), folder


def _policy(on_unknown: OnUnknown) -> str | _native.FittedModel:
    return on_unknown._model() if isinstance(on_unknown, Model) else on_unknown
