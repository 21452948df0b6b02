//! One output that several tasks fill, each its own part.
#![expect(
    unsafe_code,
    reason = "tasks write disjoint, interleaved parts of one buffer"
)]

/// A mutable slice that tasks share. Who writes where is the kernel's business.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shared<T> {
    start: *mut T,
    len: usize,
}

// SAFETY: it is a borrowed slice in disguise; access goes through the unsafe `part`, whose callers promise disjoint parts.
unsafe impl<T: Send> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Shared<T> {}

impl<T> Shared<T> {
    /// Shares `slice`, which must outlive all use of the result.
    pub(crate) fn new(slice: &mut [T]) -> Self {
        Self {
            start: slice.as_mut_ptr(),
            len: slice.len(),
        }
    }

    /// `len` numbers from `start` on.
    ///
    /// # Safety
    /// They are valid for writing as long as the result is used.
    pub(crate) unsafe fn of(start: *mut T, len: usize) -> Self {
        Self { start, len }
    }

    /// How many numbers it has.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The part `start..start + len`.
    ///
    /// # Safety
    /// The slice is still borrowed, and no other part that overlaps this one is alive.
    #[expect(
        clippy::mut_from_ref,
        reason = "disjoint parts are the caller's promise"
    )]
    pub(crate) unsafe fn part(&self, start: usize, len: usize) -> &mut [T] {
        assert!(
            start <= self.len && len <= self.len - start,
            "part outside of the buffer"
        );
        // SAFETY: inside the slice (checked above), alive and disjoint (promised by the caller).
        unsafe { std::slice::from_raw_parts_mut(self.start.add(start), len) }
    }

    /// Pointer to element `index`, for kernels that write with strides.
    pub(crate) fn pointer(&self, index: usize) -> *mut T {
        assert!(index <= self.len, "pointer outside of the buffer");
        self.start.wrapping_add(index)
    }
}
