"""TextRank and TF-IDF on single words against jieba's own."""

from __future__ import annotations

import pytest

import rec

analyse = pytest.importorskip("jieba.analyse", reason="needs the package jieba")

TEXTS = [
    "推荐系统利用用户行为数据学习用户兴趣。图神经网络用于推荐系统，能够建模用户与物品的高阶关系。"
    "实验表明，图神经网络提高了推荐系统的准确率。",
    "此外，公司拟对全资子公司吉林欧亚置业有限公司增资4.3亿元，增资后，吉林欧亚置业注册资本由7000万元"
    "增加到5亿元。吉林欧亚置业主要经营范围为房地产开发及百货零售等业务。目前在建吉林欧亚城市商业"
    "综合体项目。2013年，实现营业收入0万元，实现净利润-139.13万元。",
    "线程是程序执行时的最小单位，它是进程的一个执行流，是CPU调度和分派的基本单位，一个进程可以由很多个"
    "线程组成，线程间共享进程的所有资源，每个线程有自己的堆栈和局部变量。",
]
STOP = ["the", "of", "is", "and", "to", "in", "that", "we", "for", "an", "are", "by", "be", "as",
        "on", "with", "can", "if", "from", "which", "you", "it", "this", "then", "at", "have",
        "all", "not", "one", "has", "or", "that"]


@pytest.mark.parametrize("text", TEXTS)
def test_textrank_ranks_as_jieba_does(text: str) -> None:
    """Of jieba's best five words ours has four at least: jieba stops after ten rounds, links a word
    with itself, and counts white space as words."""
    extractor = rec.text.KeywordExtractor(
        "textrank", unit="words", pos=["ns", "n", "vn", "v"], stop_words=STOP
    )
    ours = extractor.extract(text, 5)
    assert len(set(ours) & set(analyse.textrank(text, topK=5))) >= 4


@pytest.mark.parametrize("text", TEXTS)
def test_tfidf_scores_are_jiebas(text: str) -> None:
    """jieba divides by the number of words; the rest is the same, its table included."""
    pos = ["ns", "n", "vn", "v", "nr", "nt", "nz"]
    extractor = rec.text.KeywordExtractor("tfidf", unit="words", pos=pos, stop_words=STOP)
    ours = dict(extractor.extract(text, 100, with_scores=True))
    theirs = dict(analyse.extract_tags(text, topK=100, withWeight=True, allowPOS=pos))
    shared = [word for word in ours if word in theirs]
    assert len(shared) >= 0.9 * len(theirs)
    ratio = ours[shared[0]] / theirs[shared[0]]
    for word in shared:
        assert ours[word] / theirs[word] == pytest.approx(ratio), word
