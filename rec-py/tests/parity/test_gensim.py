"""Tables of vectors against gensim: the same files both ways, the same answers."""

import numpy as np
import pytest

import rec

gensim = pytest.importorskip("gensim", reason="gensim is not installed")


@pytest.fixture
def tables():
    rng = np.random.default_rng(1)
    words = [f"词{k}" for k in range(300)]
    values = rng.normal(size=(300, 33)).astype(np.float32)
    theirs = gensim.models.KeyedVectors(33)
    theirs.add_vectors(words, values)
    return rec.KeyedVectors.from_arrays(words, values), theirs


def close(ours, theirs):
    assert [word for word, _ in ours] == [word for word, _ in theirs]
    np.testing.assert_allclose([s for _, s in ours], [s for _, s in theirs], atol=2e-5)


def test_the_same_answers(tables):
    ours, theirs = tables
    asked = dict(positive=["词1", "词2"], negative=["词3"], topn=20)
    close(ours.most_similar(**asked), theirs.most_similar(**asked))
    close(ours.most_similar_cosmul(**asked), theirs.most_similar_cosmul(**asked))
    close(ours.most_similar("词7"), theirs.most_similar("词7"))
    vector = np.ones(33, np.float32)
    close(ours.similar_by_vector(vector), theirs.similar_by_vector(vector))
    assert ours.similarity("词1", "词9") == pytest.approx(theirs.similarity("词1", "词9"), abs=1e-5)
    words = [f"词{k}" for k in range(40, 50)]
    assert ours.doesnt_match(words) == theirs.doesnt_match(words)


@pytest.mark.parametrize("binary", [True, False])
def test_files_go_both_ways(tables, binary, tmp_path):
    ours, theirs = tables
    ours.save_word2vec_format(tmp_path / "ours", binary)
    read = gensim.models.KeyedVectors.load_word2vec_format(tmp_path / "ours", binary=binary)
    assert read.index_to_key == ours.index_to_key
    np.testing.assert_array_equal(read.vectors, ours.vectors)
    theirs.save_word2vec_format(str(tmp_path / "theirs"), binary=binary)
    back = rec.KeyedVectors.load_word2vec_format(tmp_path / "theirs", binary)
    assert back.index_to_key == theirs.index_to_key
    np.testing.assert_array_equal(back.vectors, theirs.vectors)
