//! Rows of matrices in other tensors' memory.

/// A matrix whose rows are contiguous and `stride` numbers apart.
#[derive(Clone, Copy)]
pub(in crate::ops) struct Rows<'a> {
    values: &'a [f32],
    stride: usize,
    columns: usize,
}

impl<'a> Rows<'a> {
    /// Of `rows × columns`; `values` begins with the first row.
    pub(in crate::ops) fn new(
        values: &'a [f32],
        [rows, columns]: [usize; 2],
        stride: usize,
    ) -> Self {
        let needed = if rows == 0 { 0 } else { (rows - 1) * stride + columns };
        assert!(values.len() >= needed, "{} numbers for {rows} × {columns}", values.len());
        Self { values, stride, columns }
    }

    /// Numbers in a row.
    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    /// Numbers from one row to the next.
    pub(super) fn stride(&self) -> usize {
        self.stride
    }

    /// Where a row's number lies.
    #[inline(always)]
    pub(super) fn at(&self, row: usize, column: usize) -> *const f32 {
        self.values.as_ptr().wrapping_add(row * self.stride + column)
    }
}

/// A matrix that several threads write, each its own rows and columns.
#[derive(Clone, Copy)]
pub(in crate::ops) struct RowsMut<'a> {
    start: *mut f32,
    stride: usize,
    life: std::marker::PhantomData<&'a mut [f32]>,
}

// SAFETY: a mutable borrow that lives as long as this; every task writes elements no other touches.
unsafe impl Send for RowsMut<'_> {}
// SAFETY: as above.
unsafe impl Sync for RowsMut<'_> {}

impl<'a> RowsMut<'a> {
    /// Of `rows × columns` without gaps.
    pub(in crate::ops) fn new(values: &'a mut [f32], [rows, columns]: [usize; 2]) -> Self {
        assert_eq!(values.len(), rows * columns, "{rows} × {columns}");
        Self { start: values.as_mut_ptr(), stride: columns, life: std::marker::PhantomData }
    }

    /// Numbers from one row to the next.
    pub(super) fn stride(&self) -> usize {
        self.stride
    }

    /// Where a row's number lies.
    #[inline(always)]
    pub(super) fn at(&self, row: usize, column: usize) -> *mut f32 {
        self.start.wrapping_add(row * self.stride + column)
    }
}
