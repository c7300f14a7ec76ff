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


def test_analogies_and_mean_vectors(tmp_path):
    rng = np.random.default_rng(2)
    words = [f"Word{k}" for k in range(40)] + [f"word{k}" for k in range(20)]
    values = rng.normal(size=(60, 5)).astype(np.float32)
    theirs = gensim.models.KeyedVectors(5)
    theirs.add_vectors(words, values)
    ours = rec.KeyedVectors.from_arrays(words, values)
    lines = [": one"]
    for k in range(400):
        a, b, c = rng.choice(40, 3, replace=False)
        # Half of the questions ask for what the table answers.
        best = theirs.most_similar([words[b], words[c]], [words[a]], topn=5)
        known = [w for w, _ in best if w.upper() not in {f"WORD{n}" for n in (a, b, c)}]
        d = known[0] if k % 2 and known else words[rng.integers(60)]
        lines += [": two"] if k == 200 else []
        lines.append(f"{words[a]} {words[b]} {words[c]} {d}")
    path = tmp_path / "questions.txt"
    path.write_text("\n".join(lines) + "\n")
    for insensitive in (True, False):
        asked = dict(case_insensitive=insensitive, restrict_vocab=50)
        mine = ours.evaluate_word_analogies(path, **asked)
        want = theirs.evaluate_word_analogies(str(path), **asked)
        assert mine[0] == pytest.approx(want[0], abs=0.01)
        for section, other in zip(mine[1], want[1]):
            for kind in ("correct", "incorrect"):
                assert abs(len(section[kind]) - len(other[kind])) <= 2
    mean = ours.get_mean_vector(words[:7], weights=[1, 2, 3, 4, 5, 6, 7])
    theirs_mean = theirs.get_mean_vector(words[:7], weights=np.arange(1.0, 8.0))
    np.testing.assert_allclose(mean, theirs_mean, atol=1e-5)


def test_ngrams_of_fasttext_are_gensims():
    settings = dict(vector_size=8, min_count=1, sg=1, epochs=1, workers=1, bucket=1 << 30)
    sentences = [["été", "手机", "手机壳", "a"]] * 10
    ours = rec.FastText(**settings).fit(sentences).wv
    from gensim.models.fasttext_inner import compute_ngrams_bytes

    seen = {gram for word in ours.key_to_index for gram in compute_ngrams_bytes(word, 3, 6)}
    for word in ("étés", "壳手机", "b", "手", "été!"):
        has = bool(seen & set(compute_ngrams_bytes(word, 3, 6)))
        assert (word in ours) == has, word
