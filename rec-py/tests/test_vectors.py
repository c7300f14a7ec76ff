"""Word vectors and item2vec: training, asking, files, bad input."""

import pickle
import random
from pathlib import Path

import numpy as np
import pytest

import rec


def topics(n=1500, seed=0):
    """Sentences of two topics that share one word."""
    draw = random.Random(seed)
    for k in range(n):
        topic = "xy"[k % 2]
        yield [f"{topic}{draw.randrange(10)}" for _ in range(8)] + ["both"]


def small(**more):
    settings = dict(vector_size=20, epochs=30, alpha=0.1, sample=0.0, min_count=1, workers=1)
    return rec.Word2Vec(**{**settings, **more})


@pytest.fixture(scope="module")
def wv():
    return small(sg=1).fit(list(topics())).wv


def test_words_of_a_topic_come_together(wv):
    assert wv["x1"].shape == (20,) and wv[["x1", "y2"]].shape == (2, 20)
    assert wv.similarity("x1", "x4") > wv.similarity("x1", "y4") + 0.3
    near = wv.most_similar("y3", topn=5)
    assert len(near) == 5 and not any(word.startswith("x") for word, _ in near)
    assert wv.doesnt_match(["x1", "x2", "y5", "x3"]) == "y5"
    assert len(wv) == 21 and "both" in wv and "z" not in wv
    assert wv.get_vecattr("both", "count") == 1500
    assert wv.index_to_key[0] == "both" and wv.key_to_index["both"] == 0


def test_cosines_are_those_of_numpy(wv):
    unit = wv.vectors / np.linalg.norm(wv.vectors, axis=1, keepdims=True)
    query = unit[wv.get_index("x1")] + unit[wv.get_index("x2")] - unit[wv.get_index("y1")]
    cosines = unit @ (query / np.linalg.norm(query))
    for word in ("x1", "x2", "y1"):
        cosines[wv.get_index(word)] = -np.inf
    best = np.argsort(-cosines)[:6]
    found = wv.most_similar(positive=["x1", "x2"], negative=["y1"], topn=6)
    assert [word for word, _ in found] == [wv.index_to_key[row] for row in best]
    np.testing.assert_allclose([score for _, score in found], cosines[best], atol=1e-5)
    by_vector = wv.similar_by_vector(wv["x1"], topn=1)
    assert by_vector[0][0] == "x1" and by_vector[0][1] == pytest.approx(1.0, abs=1e-5)
    assert np.linalg.norm(wv.get_vector("x1", norm=True)) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize(
    "settings",
    [{"sg": 1}, {"sg": 0}, {"sg": 0, "cbow_mean": 0}, {"sg": 1, "hs": 1, "negative": 0}],
)
def test_a_generator_trains_as_a_list_and_one_worker_is_deterministic(settings, tmp_path):
    sentences = list(topics(300))
    first = small(**settings).fit(sentences).wv.vectors
    np.testing.assert_array_equal(first, small(**settings).fit(topics(300)).wv.vectors)
    path = tmp_path / "corpus.txt"
    path.write_text("\n".join(" ".join(words) for words in sentences), encoding="utf-8")
    np.testing.assert_array_equal(first, small(**settings).fit(corpus_file=path).wv.vectors)
    np.testing.assert_array_equal(first, small(**settings).fit(corpus_file=str(path)).wv.vectors)
    assert not np.array_equal(first, small(seed=2, **settings).fit(sentences).wv.vectors)


def test_training_goes_on_after_saving(tmp_path):
    model = small(sg=1).fit(topics(200))
    model.save(tmp_path / "model")
    loaded = rec.Word2Vec.load(tmp_path / "model")
    assert loaded.sg == 1 and loaded.vector_size == 20
    before = loaded.wv["x1"]
    loaded.min_count = 1
    loaded.fit_more([["x1", "fresh", "x2"]] * 50)
    assert "fresh" in loaded.wv and not np.array_equal(loaded.wv["x1"], before)
    np.testing.assert_array_equal(loaded.wv["y1"], model.wv["y1"])
    np.testing.assert_array_equal(rec.KeyedVectors.load(tmp_path / "model")["x1"], before)


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("name", ["vectors", "vectors.gz"])
def test_files_and_pickles_read_back_the_same(wv, tmp_path, binary, name):
    path = tmp_path / name
    wv.save_word2vec_format(path, binary)
    again = rec.KeyedVectors.load_word2vec_format(path, binary)
    assert again.index_to_key == wv.index_to_key
    np.testing.assert_array_equal(again.vectors, wv.vectors)
    assert len(rec.KeyedVectors.load_word2vec_format(path, binary, limit=3)) == 3
    pickled = pickle.loads(pickle.dumps(wv))
    np.testing.assert_array_equal(pickled.vectors, wv.vectors)
    assert pickled.get_vecattr("both", "count") == 1500


def test_bad_files_are_refused(tmp_path):
    path = tmp_path / "vectors.txt"
    for text, says in [
        ("2 2\na 1 2\n", "2 words announced"),
        ("2 2\na 1 2\na 1 2\n", "twice"),
        ("2 2\na 1 2\nb 1 nan\n", "not finite"),
        ("a 1 2\n", "GloVe"),
    ]:
        path.write_text(text)
        with pytest.raises(rec.FormatError, match=says):
            rec.KeyedVectors.load_word2vec_format(path)
    path.write_text("a 1 2\nb 3 4\n")
    glove = rec.KeyedVectors.load_word2vec_format(path, no_header=True)
    np.testing.assert_array_equal(glove["b"], [3, 4])
    path.write_bytes(b"2 2\na \0\0")
    with pytest.raises(rec.FormatError, match="cut short"):
        rec.KeyedVectors.load_word2vec_format(path, binary=True)
    path.write_text("2 1\na 1\na 2\n")
    kept = rec.KeyedVectors.load_word2vec_format(path, duplicates="first")
    np.testing.assert_array_equal(kept["a"], [1])


def test_bad_input_is_refused(wv):
    with pytest.raises(KeyError, match="nowhere"):
        wv["nowhere"]
    with pytest.raises(rec.DataError, match="nowhere"):
        wv.most_similar("nowhere")
    with pytest.raises(rec.DataError, match="anew"):
        small().fit([])
    spent = topics(5)
    list(spent)
    with pytest.raises(rec.DataError, match="anew"):
        small().fit(spent)
    with pytest.raises(rec.DataError, match="lower min_count"):
        small(min_count=10).fit(topics(3))
    with pytest.raises(TypeError, match="list of words"):
        small().fit(["a sentence", "another"])
    with pytest.raises(TypeError, match="corpus_file"):
        small().fit("a sentence")
    with pytest.raises(TypeError):
        small().fit([[1, 2]])
    for bad in [{"vector_size": 0}, {"window": 0}, {"sg": 2}, {"hs": 2}, {"workers": 0}, {"min_count": -1}]:
        with pytest.raises(rec.ParameterError, match=next(iter(bad))):
            small(**bad).fit(topics(5))
    with pytest.raises(rec.NotFittedError):
        _ = small().wv
    with pytest.raises(rec.ShapeError):
        rec.KeyedVectors.from_arrays(["a"], np.zeros((2, 3)))


def test_hierarchical_softmax_brings_topics_together(tmp_path):
    model = small(sg=1, hs=1, negative=0).fit(topics())
    wv = model.wv
    assert wv.similarity("x1", "x4") > wv.similarity("x1", "y4") + 0.3
    model.save(tmp_path / "model")
    loaded = rec.Word2Vec.load(tmp_path / "model")
    assert (loaded.hs, loaded.negative) == (1, 0)
    loaded.fit_more(topics(50))
    with pytest.raises(rec.ParameterError, match="negative"):
        small(hs=1, negative=5).fit(topics(5))


def endings(n=1500, seed=0):
    """Sentences of two topics whose words begin alike."""
    draw = random.Random(seed)
    for k in range(n):
        start = ("river", "mountain")[k % 2]
        yield [f"{start}{'abcdefghi'[draw.randrange(9)]}" for _ in range(8)] + ["both"]


@pytest.mark.parametrize("sg", [0, 1])
def test_fasttext_knows_unseen_words(sg, tmp_path):
    settings = dict(vector_size=20, epochs=20, sample=0.0, min_count=1, workers=1, bucket=5000)
    model = rec.FastText(sg=sg, **settings).fit(endings())
    wv = model.wv
    assert "riverz" in wv and "riverz" not in wv.key_to_index and "qqq" not in wv
    assert wv["riverz"].shape == (20,) and wv[["riverz", "rivera"]].shape == (2, 20)
    assert wv.similarity("riverz", "rivera") > wv.similarity("riverz", "mountaina")
    assert all(word.startswith("river") for word, _ in wv.most_similar("riverz", topn=5))
    with pytest.raises(KeyError, match="n-grams"):
        wv["qqq"]
    model.save(tmp_path / "model")
    loaded = rec.FastText.load(tmp_path / "model")
    assert (loaded.bucket, loaded.min_n, loaded.sg) == (5000, 3, sg)
    np.testing.assert_array_equal(loaded.wv["riverz"], wv["riverz"])
    np.testing.assert_array_equal(rec.KeyedVectors.load(tmp_path / "model")["both"], wv["both"])
    with pytest.raises(rec.ParameterError, match="fasttext"):
        rec.Word2Vec.load(tmp_path / "model")
    with pytest.raises(rec.UnsupportedError):
        model.fit_more(endings(5))
    for bad in [{"min_n": 0}, {"bucket": 0}, {"vector_size": 0}]:
        with pytest.raises(rec.ParameterError, match=next(iter(bad))):
            rec.FastText(**{**settings, **bad}).fit(endings(5))


def test_glove_brings_topics_together(tmp_path):
    settings = dict(vector_size=16, window=6, x_max=20.0, epochs=30, min_count=1, workers=1)
    model = rec.GloVe(**settings).fit(topics())
    wv = model.wv
    assert wv.similarity("x1", "x4") > wv.similarity("x1", "y4") + 0.3
    assert len(model.losses) == 30 and model.losses[-1] < model.losses[0]
    again = rec.GloVe(**settings).fit(topics())
    np.testing.assert_array_equal(again.wv.vectors, wv.vectors)
    model.save(tmp_path / "model")
    loaded = rec.GloVe.load(tmp_path / "model")
    assert loaded.x_max == 20.0 and loaded.symmetric is True
    np.testing.assert_array_equal(loaded.wv.vectors, wv.vectors)
    for bad in [{"x_max": 0.0}, {"learning_rate": -1.0}, {"window": 0}]:
        with pytest.raises(rec.ParameterError, match=next(iter(bad))):
            rec.GloVe(**{**settings, **bad}).fit(topics(5))
    with pytest.raises(rec.DataError):
        rec.GloVe(**settings).fit([["a"], ["b"]])


def test_contexts_rebuild_words(tmp_path):
    settings = dict(vector_size=4, neighbours=8, l2=4.0, min_count=1)
    model = rec.ContextReconstruction(**settings).fit(topics())
    vectors = model.wv.vectors.astype(float)
    np.testing.assert_allclose(vectors.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(vectors.T @ vectors / len(vectors), np.eye(4), atol=1e-5)
    assert not any(word.startswith("x") for word, _ in model.wv.most_similar("y3", topn=5))
    assert all(b <= a + 1e-9 for a, b in zip(model.losses, model.losses[1:]))
    model.save(tmp_path / "model")
    loaded = rec.ContextReconstruction.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.wv.vectors, model.wv.vectors)
    for bad in [{"vector_size": 21}, {"l2": 0.0}, {"neighbours": 0}]:
        with pytest.raises(rec.ParameterError, match=next(iter(bad))):
            rec.ContextReconstruction(**{**settings, **bad}).fit(topics(50))


def test_an_index_finds_nearly_all_neighbours():
    rng = np.random.default_rng(1)
    centres = rng.normal(size=(30, 16))
    values = np.repeat(centres, 50, axis=0) + 0.3 * rng.normal(size=(1500, 16))
    wv = rec.KeyedVectors.from_arrays([str(k) for k in range(1500)], values)
    index = wv.build_index(num_threads=1)
    assert index.recall(k=10, queries=200) > 0.95
    exact = wv.most_similar(["3", "4"], ["900"], topn=5)
    found = wv.most_similar(["3", "4"], ["900"], topn=5, indexer=index)
    assert found[0][0] == exact[0][0]
    with pytest.raises(rec.ParameterError, match="ef_search"):
        index.most_similar("3", topn=500)
    with pytest.raises(rec.ParameterError, match="ef_construction"):
        wv.build_index(ef_construction=0)


def test_tables_open_in_place(wv, tmp_path):
    wv.save(tmp_path / "table")
    opened = rec.KeyedVectors.load(tmp_path / "table", mmap="r")
    np.testing.assert_array_equal(opened.vectors, wv.vectors)
    assert opened.most_similar("x1") == wv.most_similar("x1")
    assert opened.get_vecattr("both", "count") == 1500
    with pytest.raises(rec.ParameterError, match="mmap"):
        rec.KeyedVectors.load(tmp_path / "table", mmap="w")


def test_sentences_by_inverse_frequency(wv):
    sentences = [["x1", "x2", "both"], ["y1", "y5"], ["x3", "nowhere"], ["nowhere"]]
    sif = rec.SIF(wv, a=1e-2).fit(sentences)
    total = sum(wv.get_vecattr(word, "count") for word in wv.index_to_key)
    rows = np.zeros((4, 20))
    for row, words in zip(rows, sentences):
        known = [word for word in words if word in wv]
        for word in known:
            row += wv[word] * 1e-2 / (1e-2 + wv.get_vecattr(word, "count") / total) / len(known)
    common = np.linalg.svd(rows)[2][0]
    want = rows - np.outer(rows @ common, common)
    np.testing.assert_allclose(sif.transform(sentences), want, atol=1e-5)
    with pytest.raises(rec.NotFittedError):
        rec.SIF(wv).transform(sentences)
    with pytest.raises(rec.ParameterError, match="a"):
        rec.SIF(wv, a=0.0).fit(sentences)
    mean = wv.get_mean_vector(["x1", "x2", "nowhere"])
    both = wv.get_vector("x1", norm=True) + wv.get_vector("x2", norm=True)
    np.testing.assert_allclose(mean, both / 2, atol=1e-6)
    with pytest.raises(KeyError):
        wv.get_mean_vector(["nowhere"], ignore_missing=False)


def test_analogies_are_counted(tmp_path):
    words = ["man", "king", "woman", "queen", "far"]
    values = np.array([[1, 0, 0.2], [1, 1, 0.2], [-1, 0, 0.2], [-1, 1, 0.2], [0, -1, 0.2]])
    table = rec.KeyedVectors.from_arrays(words, values)
    path = tmp_path / "questions.txt"
    path.write_text(": a\nMan king woman queen\n: b\nman king woman far\nman king woman no\n")
    accuracy, sections = table.evaluate_word_analogies(path)
    assert accuracy == 0.5
    assert [section["section"] for section in sections] == ["a", "b", "Total accuracy"]
    assert sections[0]["correct"] == [("MAN", "KING", "WOMAN", "QUEEN")]
    path.write_text("a b c d\n")
    with pytest.raises(rec.FormatError):
        table.evaluate_word_analogies(path)


def test_item2vec_recommends(tmp_path):
    draw = random.Random(1)
    rows = [(u, 2 * draw.randrange(12) + u % 2) for u in range(150) for _ in range(8)]
    users, items = zip(*rows)
    import pandas as pd

    frame = pd.DataFrame({"user": users, "item": items, "time": range(len(rows))})
    data = rec.Dataset.from_frame(frame, user="user", item="item", time="time")
    settings = dict(vector_size=12, epochs=30, alpha=0.1, sample=0.0)
    for score in ("cosine", "output"):
        model = rec.Item2Vec(score=score, **settings).fit(data)
        best = model.recommend([0, 1], k=3).items
        assert (best[0] % 2 == 0).all() and (best[1] % 2 == 1).all()
        folded = model.recommend_histories([[0, 2, 4]], k=3).items
        assert (folded % 2 == 0).all()
    model.save(tmp_path / "model")
    loaded = rec.load(tmp_path / "model")
    assert isinstance(loaded, rec.Item2Vec) and loaded.get_params() == model.get_params()
    np.testing.assert_array_equal(loaded.recommend([0], k=3).items, model.recommend([0], k=3).items)
    with pytest.raises(rec.DataError, match="tags"):
        rec.Item2Vec(tags=True).fit(data)


def test_another_device_trains_the_same_objective():
    try:
        model = small(sg=1, epochs=8, device="libtorch")
    except rec.ParameterError as error:
        pytest.skip(str(error))
    wv = model.fit(list(topics())).wv
    assert wv.similarity("x1", "x4") > wv.similarity("x1", "y4") + 0.3
    with pytest.raises(rec.RecError, match="hs"):
        small(hs=1, negative=0, device="libtorch").fit(list(topics()))


def test_a_device_that_is_none_is_refused():
    with pytest.raises(rec.ParameterError, match="device"):
        small(device="abacus")
