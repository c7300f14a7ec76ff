"""A recommender library in Rust: from an event log to measured recommendations.

>>> ds = rec.Dataset.from_frame(df, user="user_id", item="item_id", time="timestamp")
>>> train, valid, test = rec.split.leave_last_out(ds)
>>> model = rec.EASE(l2=500.0).fit(train)
>>> model.recommend(["alice"], k=10).to_frame()
>>> rec.evaluate(model, test, train=train, metrics=["recall@20", "ndcg@20"])
"""

try:
    from . import _native
except ImportError as error:  # The build with LibTorch, which lies where torch is installed.
    from . import _torch

    if not _torch.is_missing(error):
        raise
    _torch.load()
    from . import _native  # noqa: F401

from . import errors, metrics, rerank, sampling, split, text
from ._content import Content
from ._encoder import TextEncoder
from ._estimator import Model, load
from ._evaluate import Report, compare, evaluate, leaderboard
from ._filters import BSPM, GFCF, SGFCF
from ._fusion import Fusion
from ._graph import NGCF, SGL, LightGCN, LightGCNPP, SimGCL, UltraGCN, XSimGCL
from ._gru_language import GruLanguageModel
from ._language import LanguageModel
from ._models import (
    ALS,
    BPR,
    EASE,
    SLIM,
    CoTransition,
    Item2Vec,
    ItemKNN,
    Popular,
    UserKNN,
)
from ._native import (
    Circles,
    Dataset,
    DecodeStream,
    Encoding,
    Explanation,
    Graph,
    Items,
    Leaderboard,
    PairedTest,
    Recommendations,
    SocialGraph,
    Tokenizer,
    Vocab,
    __version__,
)
from ._pipeline import Pipeline
from ._profiles import profiles
from ._read import read, read_split
from ._social import SEPT, LinkPredictor, SocialLightGCN
from ._tags import TagClassifier
from ._training import LoRA
from ._vectors import SIF, FastTextKeyedVectors, KeyedVectors, VectorIndex
from ._word_models import ContextReconstruction, FastText, GloVe, Word2Vec
from .errors import (
    DataError,
    FormatError,
    IdMismatchError,
    NotFittedError,
    ParameterError,
    RecError,
    ShapeError,
    TooLargeError,
    UnknownIdError,
    UnsupportedError,
    VersionError,
)

__all__ = [
    "ALS",
    "BPR",
    "BSPM",
    "Circles",
    "CoTransition",
    "Content",
    "ContextReconstruction",
    "DataError",
    "Dataset",
    "DecodeStream",
    "EASE",
    "Encoding",
    "Explanation",
    "FastText",
    "FastTextKeyedVectors",
    "FormatError",
    "Fusion",
    "GFCF",
    "GloVe",
    "Graph",
    "GruLanguageModel",
    "IdMismatchError",
    "Item2Vec",
    "ItemKNN",
    "Items",
    "LanguageModel",
    "Leaderboard",
    "LightGCN",
    "LinkPredictor",
    "LoRA",
    "LightGCNPP",
    "KeyedVectors",
    "Model",
    "NGCF",
    "NotFittedError",
    "PairedTest",
    "ParameterError",
    "Pipeline",
    "Popular",
    "RecError",
    "Recommendations",
    "Report",
    "SEPT",
    "SGFCF",
    "SGL",
    "SIF",
    "SLIM",
    "ShapeError",
    "SimGCL",
    "SocialGraph",
    "SocialLightGCN",
    "TagClassifier",
    "TextEncoder",
    "Tokenizer",
    "TooLargeError",
    "UltraGCN",
    "UnknownIdError",
    "UnsupportedError",
    "UserKNN",
    "VectorIndex",
    "VersionError",
    "Vocab",
    "Word2Vec",
    "XSimGCL",
    "__version__",
    "compare",
    "errors",
    "evaluate",
    "leaderboard",
    "load",
    "metrics",
    "profiles",
    "read",
    "read_split",
    "rerank",
    "sampling",
    "split",
    "text",
]
