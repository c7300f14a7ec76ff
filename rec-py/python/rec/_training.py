"""What training runs share: their settings, adapters, and how they went."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypedDict, Union

from . import _native
from ._progress import Progress, reporter

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    StrPath = Union[str, os.PathLike[str]]


@dataclass(frozen=True)
class LoRA:
    """Low-rank adapters (Hu et al. 2021), which learn in place of a model's weights.

    >>> tuned = enc.pretrain(texts, "shop", lora=rec.LoRA(r=8, alpha=16, targets=["query", "value"]))
    >>> peft.PeftModel.from_pretrained(transformers.AutoModel.from_pretrained(base), "shop/lora")

    What is trained has them merged into its weights; they lie apart in its folder ``lora``, in the
    layout of ``peft``.
    """

    r: int = 8
    """The rank of what is added to a weight."""
    alpha: float = 16.0
    """What is added is multiplied by ``alpha / r``."""
    dropout: float = 0.0
    """The share of an adapter's input that is dropped while training."""
    targets: Sequence[str] = ()
    """The last names of linear layers (``"query"``): the query and value layers by default."""

    def _settings(self) -> dict[str, Any]:
        return {
            "rank": self.r,
            "alpha": float(self.alpha),
            "dropout": float(self.dropout),
            "targets": list(self.targets),
        }

    @staticmethod
    def merge(base: StrPath, adapter: StrPath, to: StrPath) -> None:
        """Writes the encoder of the folder ``base`` to ``to``, with the adapter merged.

        ``adapter`` is a folder as ``peft`` writes it.
        """
        _native.TextEncoder.merge(base, adapter, to)


class Training(TypedDict, total=False):
    """Settings of a training run."""

    epochs: int
    """Passes over the texts: 1 of an encoder, 3 of a language model."""
    learning_rate: float
    """At its peak: 3e-5 of an encoder, 5e-4 of a language model."""
    warmup: float
    """The share of all steps over which the rate rises: 0.06."""
    schedule: Literal["linear", "cosine", "constant"]
    """How the rate goes after its rise."""
    batch_size: int
    """Texts (or pairs) of a pass: 64. With contrastive objectives, more is better."""
    batch_tokens: int
    """Tokens of a pass at most: 16,384 of an encoder, 4,096 of a language model."""
    accumulation: int
    """Passes of a step: 1."""
    dropout: float
    """Share of hidden values and attention weights dropped: 0.1."""
    layer_decay: float
    """What each lower layer's rate is multiplied by: 1."""
    frozen: Sequence[str]
    """Parts that stay as they are, such as ``"embeddings"`` or ``"encoder.layer.0"``."""
    lora: LoRA
    """Adapters that learn in place of the weights."""
    gradient_checkpointing: bool
    """Keep less memory: compute each layer's activations again in the backward pass."""
    evaluate_every: int
    """Steps between measurements on the validation texts: an epoch's."""
    patience: int
    """Measurements without a better one after which training stops and the best model is kept."""
    max_len: int
    """Tokens of a text, special ones included."""
    seed: int
    """Seed of all that is drawn: 0."""
    device: str
    """Where to train: ``"cpu"``."""
    dtype: Literal["float32", "bfloat16"]
    """Type of weights and activations."""
    num_threads: int
    """Threads: all cores."""
    checkpoints: StrPath
    """A folder of states; a run that finds its own there goes on from it."""
    checkpoint_every: int
    """Steps between states: 100."""
    metrics: StrPath
    """A file that gets a line of JSON for every step."""
    progress: bool | Progress
    """Whether to show a bar, or who is told."""


class TrainingHistory(NamedTuple):
    """How training went."""

    losses: list[float]
    """The mean loss of every epoch, in nats a prediction."""
    validation: list[tuple[int, float]]
    """Step and loss of every measurement on the validation texts."""


def run(settings: Training, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The settings as the native module takes them, ``defaults`` for those left out."""
    given: dict[str, Any] = dict(settings)
    unknown = given.keys() - Training.__annotations__.keys()
    if unknown:
        known = ", ".join(sorted(Training.__annotations__))
        raise TypeError(f"unknown setting {sorted(unknown)[0]!r}; there are {known}")
    given = {**defaults, **given}
    dropout, lora = given.pop("dropout", 0.1), given.pop("lora", None)
    if lora is not None and not isinstance(lora, LoRA):
        raise TypeError(f"lora: pass rec.LoRA(...), not {type(lora).__name__}")
    checkpoints, every = given.pop("checkpoints", None), given.pop("checkpoint_every", 100)
    progress = given.pop("progress", False)
    surroundings = {
        "device": given.pop("device", "cpu"),
        "dtype": given.pop("dtype", "float32"),
        "seed": given.pop("seed", 0),
        "checkpoints": None if checkpoints is None else (checkpoints, every),
        **{name: given.pop(name, None) for name in ("max_len", "num_threads", "metrics")},
    }
    training = {
        "batch_rows": given.pop("batch_size", 64),
        "dropout": {"hidden": dropout, "attention": dropout},
        "lora": None if lora is None else lora._settings(),
        **given,
    }
    return {"settings": training, "surroundings": surroundings, "progress": reporter(progress)}
