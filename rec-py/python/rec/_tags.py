"""Labels of texts."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Literal, Union

from . import _native
from ._encoder import TextEncoder
from ._estimator import _from_bytes, _to_bytes
from ._params import Parameters
from ._progress import Progress, reporter
from ._training import LoRA
from .errors import NotFittedError, ParameterError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from typing_extensions import Self

    Texts = Union[Iterable[str], NDArray[Any]]
    Label = Union[int, str]
    Labels = Union[Sequence[Label], Sequence[Sequence[Label]], NDArray[Any], Iterable[Any]]
    Learner = Union[str, Mapping[str, Any]]
    StrPath = Union[str, os.PathLike[str]]

_LEARNERS: dict[str, dict[str, Any]] = {
    "svm": {"c": 1.0},
    "logistic": {"c": 10.0},
    "nb_svm": {"c": 0.5, "alpha": 1.0},
    "naive_bayes": {"alpha": 0.1},
    "fasttext": {},
    "cnn": {},
    "gru": {},
}


class TagClassifier(Parameters):
    """Predicts the labels of texts: classes, tags, paths of categories.

    >>> clf = rec.TagClassifier().fit(texts, labels)
    >>> clf.predict(["屏幕很清晰"])
    array(['手机'], dtype=object)

    TF-IDF of words and characters, several learners on it, and their calibrated probabilities mixed:
    it trains in seconds and needs no other weights. With ``encoder`` it is logistic regression on the
    encoder's vectors, and with ``epochs`` too the encoder is trained together with it. Same seed, same
    result, on any number of threads.

    >>> clf = rec.TagClassifier(encoder=enc, epochs=3).fit(texts, labels)

    Args:
        multi_label: Whether a text has any number of labels; then they are lists, each label is
            decided by itself, and the thresholds are tuned for F1 on held-out texts.
        separator: The sign between the parts of label paths such as ``"phones/accessories"``, which
            bring the labels above them where a text may have several; where it has one, figures
            and :meth:`predict_proba_at` sum what lies below.
        encoder: A :class:`TextEncoder`, or the folder of one; the n-grams are then not used.
        epochs: Passes over the texts that the encoder is trained with its classifier; ``None``
            leaves it as it is. A tenth of the texts (``validation_share``) are held out: the best
            epoch on them is kept, and probabilities are calibrated on them.
        learning_rate: AdamW's at its peak, while the encoder is trained.
        batch_size: Texts of a step.
        dropout: The share of hidden values and attention weights dropped while training.
        label_smoothing: The share of a label's target given to the others.
        focal_gamma: γ of the focal loss, in place of label smoothing.
        layer_decay: What each layer's learning rate is multiplied by, from the top down.
        frozen: Parts of the encoder that stay as they are, ``["embeddings", "encoder.layer.0"]``.
        lora: Adapters that learn in place of the encoder's weights, ``rec.LoRA(r=8)``; they want a
            greater ``learning_rate``.
        learners: By name (``"svm"``, ``"logistic"``, ``"nb_svm"``, ``"naive_bayes"``,
            ``"fasttext"``, ``"cnn"``, ``"gru"``) or with parameters, ``{"learner": "svm", "c": 0.5}``.
            ``"cnn"``, a convolutional network, and ``"gru"``, a recurrent one, see the order of
            words; they take minutes. With
            ``{"learner": "cnn", "pretraining": 10, "fixed_channel": True}`` it starts from word
            vectors of the texts themselves, and of those given as ``unlabelled``; ``"tokens":
            "words"`` reads words rather than characters. ``{"learner": "gru", "language_passes": 10}``
            learns from all of them to predict the next token before it sees a label, and ``"language":
            "folder"`` starts from a :class:`GruLanguageModel` that did so once for many labellings.
            ``{"learner": "joint", "of": "svm"}`` learns pairs of a label and an auxiliary one (see
            :meth:`fit`), and a label is as probable as its pairs.
        words: Word n-grams up to this length; 0 for none.
        ideographs: Shortest and longest n-gram of characters with an ideograph; ``(0, 0)`` for none.
        letters: The same of other characters, within words.
        min_df: N-grams in fewer texts than this are dropped.
        class_weight: ``"balanced"``, or weights by label: what an error in its texts costs.
        folds: Parts held out in turn to calibrate probabilities and mix learners; 0 for neither.
        stacking: Whether the mixture is corrected by a regression on the learners' probabilities of all
            labels, where that makes held-out texts likelier; it sees which labels learners confuse.
        tune: Chooses learners and n-grams by cross-validation (takes several times as long);
            ``learners`` and n-grams given here are then not used.
    """

    _fitted: _native.FittedTags | None = None

    def __init__(
        self,
        *,
        multi_label: bool = False,
        separator: str | None = None,
        learners: Sequence[Learner] = ("svm", "nb_svm", "naive_bayes"),
        words: int = 2,
        ideographs: tuple[int, int] = (1, 3),
        letters: tuple[int, int] = (2, 5),
        min_df: int = 1,
        class_weight: Literal["balanced"] | Mapping[Any, float] | None = None,
        folds: int = 4,
        stacking: bool = True,
        tune: bool = False,
        encoder: TextEncoder | StrPath | None = None,
        epochs: int | None = None,
        learning_rate: float = 2e-5,
        batch_size: int = 32,
        dropout: float = 0.1,
        label_smoothing: float = 0.0,
        focal_gamma: float = 0.0,
        layer_decay: float = 1.0,
        frozen: Sequence[str] = (),
        lora: LoRA | None = None,
        validation_share: float = 0.1,
        random_state: int | None = 0,
        num_threads: int | None = None,
    ) -> None:
        self.multi_label = multi_label
        self.separator = separator
        self.learners = learners
        self.words = words
        self.ideographs = ideographs
        self.letters = letters
        self.min_df = min_df
        self.class_weight = class_weight
        self.folds = folds
        self.stacking = stacking
        self.tune = tune
        self.encoder = encoder
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.dropout = dropout
        self.label_smoothing = label_smoothing
        self.focal_gamma = focal_gamma
        self.layer_decay = layer_decay
        self.frozen = frozen
        self.lora = lora
        self.validation_share = validation_share
        self.random_state = random_state
        self.num_threads = num_threads
        self._check()

    # -- parameters

    def _check(self) -> None:
        _native.check_tag_params(self._config())
        self._check_run()
        if self.separator is not None and len(self.separator) != 1:
            raise ParameterError(f"parameter separator = {self.separator!r}: give one character")
        if self.epochs is not None and self.encoder is None:
            raise ParameterError("parameter epochs: it trains an encoder; give encoder= too")
        if self.lora is not None and not isinstance(self.lora, LoRA):
            raise TypeError(f"lora: pass rec.LoRA(...), not {type(self.lora).__name__}")
        if self.lora is not None and self.epochs is None:
            raise ParameterError("parameter lora: adapters learn in epochs; give epochs= too")
        weight = self.class_weight
        if isinstance(weight, str) and weight != "balanced":
            raise ParameterError(f"parameter class_weight = {weight!r}: choose 'balanced' or a dict")

    def _config(self) -> dict[str, Any]:
        return {
            "features": {
                "words": self.words,
                "ideographs": list(self.ideographs),
                "letters": list(self.letters),
                "min_df": self.min_df,
            },
            "learners": [_learner(learner) for learner in self.learners],
            "folds": self.folds,
            "stacking": self.stacking,
            "class_weights": "balanced" if self.class_weight == "balanced" else "uniform",
        }

    # -- fitting

    def fit(
        self,
        texts: Texts,
        labels: Labels,
        *,
        unlabelled: Texts | None = None,
        auxiliary: Sequence[Label] | NDArray[Any] | None = None,
        progress: bool | Progress = False,
    ) -> Self:
        """Trains on texts and their labels, and returns itself.

        ``unlabelled`` are further texts, whose labels nobody knows: a network with ``pretraining``
        learns from them too. ``auxiliary`` are labels of another kind, one of each text, known while
        training alone, such as the category where the label is a sentiment: every learner is then
        trained a second time, on pairs of both, unless ``learners`` has some of ``"joint"`` already.
        Empty texts are no error as long as others have words. Ctrl-C stops training.
        """
        if auxiliary is not None and self.encoder is not None:
            raise ParameterError(
                "parameter auxiliary: learners on n-grams learn from it; leave out encoder"
            )
        if unlabelled is not None and (self.encoder is not None or self.tune):
            raise ParameterError(
                "parameter unlabelled: only learners such as "
                "{'learner': 'cnn', 'pretraining': 10} read texts without labels; "
                "leave out encoder and tune"
            )
        weight = self.class_weight
        weights = None if weight is None or isinstance(weight, str) else list(weight.items())
        common: dict[str, Any] = {
            "several": self.multi_label,
            "separator": self.separator,
            "class_weight": weights,
            "seed": self._seed(),
            "num_threads": self.num_threads,
        }
        run = (common, reporter(progress))
        if self.encoder is None:
            beside: dict[str, Any] = {"unlabelled": unlabelled, "auxiliary": auxiliary, "tune": self.tune}
            self._fitted = _native.FittedTags.fit(texts, labels, self._config(), *run, **beside)
            return self
        encoder = _encoder(self.encoder)._native
        if self.epochs is None:
            named = {name: self._config()[name] for name in ("folds", "class_weights")}
            self._fitted = _native.FittedTags.fit_head(texts, labels, encoder, named, *run)
            return self
        tuned = _native.FittedTags.fine_tune(texts, labels, encoder, self._training(), *run)
        self._fitted, self.losses_, self.validation_losses_ = tuned
        return self

    losses_: list[float]
    """The mean training loss of every epoch, where an encoder was trained."""
    validation_losses_: list[float]
    """The loss on the held-out texts after every epoch."""

    def _training(self) -> dict[str, Any]:
        return {
            "epochs": self.epochs,
            "learning_rate": float(self.learning_rate),
            "batch_size": self.batch_size,
            "dropout": float(self.dropout),
            "patience": 2,
            "label_smoothing": float(self.label_smoothing),
            "focal_gamma": float(self.focal_gamma),
            "layer_decay": float(self.layer_decay),
            "frozen": list(self.frozen),
            "lora": None if self.lora is None else self.lora._settings(),
            "validation_share": float(self.validation_share),
            "class_weights": self._config()["class_weights"],
        }

    @classmethod
    def zero_shot(
        cls,
        labels: Iterable[Label],
        encoder: TextEncoder | StrPath,
        *,
        template: str = "{}",
        temperature: float = 0.05,
        least_cosine: float = 0.3,
        multi_label: bool = False,
        separator: str | None = None,
        num_threads: int | None = None,
    ) -> TagClassifier:
        """A classifier of labels that no text has been seen with, by the vectors of their names.

        ``template`` is what is encoded for a label, such as ``"this text is about {}"``. Scores are
        cosines over ``temperature``; with ``multi_label`` a label is given from ``least_cosine`` on.
        """
        options = {
            "template": template,
            "temperature": float(temperature),
            "least_cosine": float(least_cosine),
        }
        classifier = cls(
            multi_label=multi_label,
            separator=separator,
            encoder=encoder,
            num_threads=num_threads,
        )
        classifier._fitted = _native.FittedTags.zero_shot(
            list(labels),
            _encoder(encoder)._native,
            options,
            several=multi_label,
            separator=separator,
            num_threads=num_threads,
        )
        return classifier

    @classmethod
    def mixture(
        cls,
        members: Iterable[TagClassifier],
        texts: Texts,
        labels: Labels,
        *,
        num_threads: int | None = None,
    ) -> TagClassifier:
        """Fitted classifiers of the same labels as one.

        Their probabilities are mixed by the weights that make the labels of ``texts`` most
        probable; these must be texts that no member was trained on. N-grams and an encoder err on
        different texts, so that the two together are better than each.

        >>> both = rec.TagClassifier.mixture([ngrams, tuned], held_out_texts, held_out_labels)
        """
        fitted = [member._model() for member in members]
        mixed = _native.FittedTags.mixture(fitted, texts, labels, num_threads=num_threads)
        classifier = cls(
            multi_label=mixed.several, separator=mixed.separator, num_threads=num_threads
        )
        classifier._fitted = mixed
        return classifier

    def add_labels(self, labels: Iterable[Label]) -> Self:
        """Adds labels to a classifier made by :meth:`zero_shot`, and returns itself."""
        self._fitted = self._model().with_labels(list(labels))
        return self

    def _model(self) -> _native.FittedTags:
        if self._fitted is None:
            raise NotFittedError("this TagClassifier is not fitted; call fit(texts, labels) first")
        return self._fitted

    def __sklearn_is_fitted__(self) -> bool:
        return self._fitted is not None

    # -- asking

    @property
    def classes_(self) -> NDArray[Any]:
        """The labels, in the order of the columns of ``predict_proba``."""
        return self._model().classes

    @property
    def thresholds_(self) -> NDArray[np.float32]:
        """From which probability on each label is given, where a text may have several."""
        return self._model().thresholds

    def predict(self, texts: Texts) -> Any:
        """The label of each text as an array, or with ``multi_label`` a list of lists of labels,
        the most probable first."""
        model = self._model()
        if not model.several:
            return model.predict_one(texts, self.num_threads)
        found = model.predict_tags(texts, self.num_threads)
        return [[label for label, _ in tags] for tags in found]

    def predict_proba(self, texts: Texts) -> NDArray[np.float32]:
        """The probability of each label: float32 ``[texts, labels]``, in the order of
        ``classes_``."""
        return self._model().predict_proba(texts, self.num_threads)

    def predict_proba_at(
        self, texts: Texts, depth: int
    ) -> tuple[list[str], NDArray[np.float32]]:
        """The names of one level of label paths, 1 being the top, and the probability of each:
        float32 ``[texts, names]``."""
        return self._model().predict_proba_at(texts, depth, self.num_threads)

    def top_k(self, texts: Texts, k: int = 5) -> list[list[tuple[Label, float]]]:
        """The ``k`` most probable labels of each text, ``(label, probability)``."""
        return self._model().top_k(texts, k, self.num_threads)

    def evaluate(self, texts: Texts, labels: Labels) -> dict[str, Any]:
        """Figures on labelled texts: accuracy, F1, mAP, ROC-AUC, precision@k, calibration error.

        Labels never seen in training count as missed, and are listed under ``unseen_labels``. With
        label paths, ``levels`` has the figures of every level, from the top.
        """
        return self._model().evaluate(texts, labels, self.num_threads)

    def score(self, texts: Texts, labels: Labels) -> float:
        """The share of texts whose label, or whole set of labels, is predicted."""
        accuracy: float = self.evaluate(texts, labels)["accuracy"]
        return accuracy

    # -- keeping

    def save(self, path: StrPath) -> None:
        """Writes the fitted classifier as a folder, whole or not at all; ``rec.load`` reads it."""
        self._model().save(path)

    def __getstate__(self) -> dict[str, Any]:
        files = None if self._fitted is None else _to_bytes(self._fitted)
        params = self.get_params()
        if isinstance(self.encoder, TextEncoder):
            params["encoder"] = str(self.encoder._native.folder)
        return {"params": params, "files": files}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state["params"].items():
            setattr(self, name, value)
        files: dict[str, bytes] | None = state["files"]
        if files is not None:
            self._fitted, self._folder = _from_bytes(files, _native.FittedTags.load)

    # An encoder's files, kept as long as the classifier that may save them again.
    _folder: Any = None

    @classmethod
    def _load(cls, path: StrPath) -> TagClassifier:
        fitted = _native.FittedTags.load(path)
        classifier = cls(multi_label=fitted.several, separator=fitted.separator)
        classifier._fitted = fitted
        return classifier


def _encoder(encoder: TextEncoder | StrPath) -> TextEncoder:
    return encoder if isinstance(encoder, TextEncoder) else TextEncoder.from_pretrained(encoder)


def _learner(learner: Learner) -> dict[str, Any]:
    if not isinstance(learner, str):
        learner = dict(learner)
        if isinstance(learner.get("language"), os.PathLike):
            learner["language"] = os.fspath(learner["language"])
        if "of" in learner:
            learner["of"] = _learner(learner["of"])
        return learner
    if learner not in _LEARNERS:
        raise ParameterError(f"learner {learner!r}: choose among {', '.join(_LEARNERS)}")
    return {"learner": learner, **_LEARNERS[learner]}
