"""scipy matrices in and out."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

import rec

DENSE = np.array([[0, 2, 0], [1, 0, 3]], dtype=np.float64)


@pytest.mark.parametrize("make", [sp.csr_matrix, sp.csc_matrix, sp.coo_matrix, sp.csr_array])
@pytest.mark.parametrize("dtype", ["float64", "float32", "int32", "uint8"])
def test_matrices_come_back(make, dtype):
    ds = rec.Dataset.from_csr(make(DENSE.astype(dtype)))
    assert (ds.n_users, ds.n_items, ds.n_interactions) == (2, 3, 3)
    got = ds.to_csr()
    assert sp.isspmatrix_csr(got) and got.dtype == np.float32
    np.testing.assert_array_equal(got.toarray(), DENSE)


def test_ids_name_rows_and_columns():
    ds = rec.Dataset.from_csr(sp.csr_matrix(DENSE), user_ids=["a", "b"], item_ids=np.array([7, 8, 9]))
    assert ds.history("b").tolist() == [7, 9]
    assert rec.Dataset.from_csr(sp.csr_matrix(DENSE)).history(1).tolist() == [0, 2]


def test_repeated_entries_add_up_and_the_callers_matrix_stays():
    m = sp.csr_matrix((np.array([1.0, 2.0, 4.0]), np.array([1, 0, 1]), np.array([0, 3])), shape=(1, 2))
    assert rec.Dataset.from_csr(m).to_csr().toarray().tolist() == [[2.0, 5.0]]
    assert m.nnz == 3 and m.indices.tolist() == [1, 0, 1]


def test_stored_zeros_are_no_events():
    m = sp.csr_matrix((np.array([1.0, 0.0]), np.array([0, 1]), np.array([0, 2])), shape=(1, 2))
    assert rec.Dataset.from_csr(m).n_interactions == 1


def test_bad_matrices():
    with pytest.raises(rec.DataError, match=r"entry \[1, 2\]"):
        rec.Dataset.from_csr(sp.csr_matrix(np.array([[1, 0, 0], [1, 0, np.nan]])))
    with pytest.raises(rec.DataError, match=r"entry \[0, 0\]"):
        rec.Dataset.from_csr(sp.csr_matrix(np.array([[1e300]])))
    with pytest.raises(rec.DataError, match="real numbers"):
        rec.Dataset.from_csr(sp.csr_matrix(np.array([[1j]])))
    with pytest.raises(rec.DataError, match="empty"):
        rec.Dataset.from_csr(sp.csr_matrix((3, 3)))
    with pytest.raises(TypeError, match="csr_matrix"):
        rec.Dataset.from_csr(DENSE)


def test_ids_must_fit_the_matrix():
    m = sp.csr_matrix(DENSE)
    with pytest.raises(rec.ShapeError, match="user ids of a matrix: expected 2, got 1"):
        rec.Dataset.from_csr(m, user_ids=["a"])
    with pytest.raises(rec.DataError, match="stands twice"):
        rec.Dataset.from_csr(m, user_ids=["a", "a"])
    with pytest.raises(TypeError, match="integer or a string"):
        rec.Dataset.from_csr(m, user_ids=[1.5, 2.5])
    with pytest.raises(TypeError, match="list of ids"):
        rec.Dataset.from_csr(m, user_ids="ab")
