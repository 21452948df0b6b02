//! Sixteen numbers side by side, whatever the processor: AVX-512 has one register for them, AVX2 two, others what the compiler finds.
//!
//! A kernel is written once, over [`Lanes`], and compiled three times; which copy runs is decided when it is called
//! ([`dispatch`]), not when Attune is built. `a * b + c` is fused where the processor can, so results may differ in the last
//! bit between processors; on one processor they never differ.
#![expect(unsafe_code, reason = "vector instructions")]

use std::sync::atomic::{AtomicU8, Ordering};

/// Numbers in a [`Lanes`], and channels in a block of feature maps.
pub(crate) const LANES: usize = 16;

/// Sixteen `f32`.
///
/// # Safety
/// Every function may only be called where the processor has the instructions of the implementing type: inside of a kernel that
/// [`dispatch`] runs. Pointers must be valid for sixteen numbers; they need no alignment.
pub(crate) trait Lanes: Copy {
    /// Rows of a matrix product to keep in registers, for one block of columns.
    const ROWS: usize;
    /// The same for two blocks of columns side by side; 0 if one is all that fits.
    const ROWS_OF_PAIR: usize;
    /// Rows of a sum of outer products to keep in registers; divides [`LANES`].
    const OUTER_ROWS: usize;
    /// The same for two blocks of columns; 0 if one is all that fits.
    const OUTER_ROWS_OF_PAIR: usize;

    unsafe fn load(from: *const f32) -> Self;
    unsafe fn store(self, to: *mut f32);
    /// The first `n` numbers from memory, the others those of `rest`.
    unsafe fn load_first(n: usize, from: *const f32, rest: Self) -> Self;
    /// Stores the first `n` numbers.
    unsafe fn store_first(self, n: usize, to: *mut f32);
    unsafe fn splat(value: f32) -> Self;
    unsafe fn plus(self, other: Self) -> Self;
    unsafe fn minus(self, other: Self) -> Self;
    unsafe fn times(self, other: Self) -> Self;
    /// `self * factor + term`
    unsafe fn times_plus(self, factor: Self, term: Self) -> Self;
    /// The larger of each pair; where `self` is not a number, `self`.
    unsafe fn or_larger(self, other: Self) -> Self;
    /// `self` where `condition` is above 0, else 0.
    unsafe fn where_positive(self, condition: Self) -> Self;
    /// `self` where `a > b`, else `other`.
    unsafe fn where_greater(self, a: Self, b: Self, other: Self) -> Self;
    /// `self` where the byte at `from + lane` is `value`, else 0.
    unsafe fn where_byte_is(self, from: *const u8, value: u8) -> Self;

    /// Stores whole numbers from 0 to 255 as bytes.
    unsafe fn store_bytes(self, to: *mut u8);
    /// The sum of all sixteen.
    unsafe fn sum(self) -> f32;
    /// The largest of all sixteen.
    unsafe fn largest(self) -> f32;

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: the caller's promise.
        unsafe { Self::splat(0.0) }
    }

    /// `f` of each number. The compiler puts it into registers if `f` has no branches.
    #[inline(always)]
    unsafe fn map(self, f: impl Fn(f32) -> f32) -> Self {
        // SAFETY: the caller's promise.
        unsafe {
            let mut array = self.array();
            for number in &mut array {
                *number = f(*number);
            }
            Self::load(array.as_ptr())
        }
    }

    /// As an array.
    #[inline(always)]
    unsafe fn array(self) -> [f32; LANES] {
        let mut array = [0.0; LANES];
        // SAFETY: sixteen numbers of room.
        unsafe { self.store(array.as_mut_ptr()) };
        array
    }
}

/// For any processor.
#[derive(Clone, Copy)]
pub(crate) struct Portable([f32; LANES]);

macro_rules! each_lane {
    (|$i:ident| $value:expr) => {{
        let mut result = [0f32; LANES];
        for $i in 0..LANES {
            result[$i] = $value;
        }
        Portable(result)
    }};
}

impl Lanes for Portable {
    const ROWS: usize = 2;
    const ROWS_OF_PAIR: usize = 0;
    const OUTER_ROWS: usize = 2;
    const OUTER_ROWS_OF_PAIR: usize = 0;

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller's promise.
        unsafe { Self(from.cast::<[f32; LANES]>().read_unaligned()) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller's promise.
        unsafe { to.cast::<[f32; LANES]>().write_unaligned(self.0) }
    }
    #[inline(always)]
    unsafe fn load_first(n: usize, from: *const f32, rest: Self) -> Self {
        let mut numbers = rest.0;
        // SAFETY: the caller's promise.
        unsafe { from.copy_to_nonoverlapping(numbers.as_mut_ptr(), n) };
        Self(numbers)
    }
    #[inline(always)]
    unsafe fn store_first(self, n: usize, to: *mut f32) {
        // SAFETY: the caller's promise.
        unsafe { to.copy_from_nonoverlapping(self.0.as_ptr(), n) }
    }
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Self([value; LANES])
    }
    #[inline(always)]
    unsafe fn plus(self, other: Self) -> Self {
        each_lane!(|i| self.0[i] + other.0[i])
    }
    #[inline(always)]
    unsafe fn minus(self, other: Self) -> Self {
        each_lane!(|i| self.0[i] - other.0[i])
    }
    #[inline(always)]
    unsafe fn times(self, other: Self) -> Self {
        each_lane!(|i| self.0[i] * other.0[i])
    }
    #[inline(always)]
    unsafe fn times_plus(self, factor: Self, term: Self) -> Self {
        each_lane!(|i| self.0[i] * factor.0[i] + term.0[i])
    }
    #[inline(always)]
    unsafe fn or_larger(self, other: Self) -> Self {
        each_lane!(|i| if other.0[i] > self.0[i] {
            other.0[i]
        } else {
            self.0[i]
        })
    }
    #[inline(always)]
    unsafe fn where_positive(self, condition: Self) -> Self {
        each_lane!(|i| if condition.0[i] > 0.0 { self.0[i] } else { 0.0 })
    }
    #[inline(always)]
    unsafe fn where_greater(self, a: Self, b: Self, other: Self) -> Self {
        each_lane!(|i| if a.0[i] > b.0[i] {
            self.0[i]
        } else {
            other.0[i]
        })
    }
    #[inline(always)]
    unsafe fn where_byte_is(self, from: *const u8, value: u8) -> Self {
        // SAFETY: the caller's promise.
        let bytes = unsafe { from.cast::<[u8; LANES]>().read_unaligned() };
        each_lane!(|i| if bytes[i] == value { self.0[i] } else { 0.0 })
    }
    #[inline(always)]
    unsafe fn store_bytes(self, to: *mut u8) {
        let mut bytes = [0u8; LANES];
        for i in 0..LANES {
            bytes[i] = self.0[i] as u8;
        }
        // SAFETY: the caller's promise.
        unsafe { to.cast::<[u8; LANES]>().write_unaligned(bytes) }
    }
    #[inline(always)]
    unsafe fn sum(self) -> f32 {
        let mut half = [0f32; LANES / 2];
        for i in 0..LANES / 2 {
            half[i] = self.0[i] + self.0[i + LANES / 2];
        }
        half.iter().sum()
    }
    #[inline(always)]
    unsafe fn largest(self) -> f32 {
        let larger = |a: f32, b: f32| if b > a { b } else { a };
        self.0.into_iter().fold(self.0[0], larger)
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{LANES, Lanes};
    use std::arch::x86_64::{
        __m256, __m256i, __m512, _CMP_GT_OQ, _mm_add_ps, _mm_add_ss, _mm_cmpeq_epi8, _mm_cvtss_f32,
        _mm_loadu_si128, _mm_max_ps, _mm_max_ss, _mm_movehl_ps, _mm_movemask_epi8,
        _mm_packus_epi16, _mm_set1_epi8, _mm_shuffle_ps, _mm_srli_si128, _mm_storeu_si128,
        _mm256_add_ps, _mm256_and_ps, _mm256_blendv_ps, _mm256_castps256_ps128,
        _mm256_castsi256_ps, _mm256_castsi256_si128, _mm256_cmp_ps, _mm256_cvtepi8_epi32,
        _mm256_cvtps_epi32, _mm256_extractf128_ps, _mm256_extracti128_si256, _mm256_fmadd_ps,
        _mm256_loadu_ps, _mm256_loadu_si256, _mm256_maskload_ps, _mm256_maskstore_ps,
        _mm256_max_ps, _mm256_mul_ps, _mm256_packs_epi32, _mm256_permute4x64_epi64, _mm256_set1_ps,
        _mm256_setzero_ps, _mm256_storeu_ps, _mm256_sub_ps, _mm512_add_ps, _mm512_cmp_ps_mask,
        _mm512_cvtepi32_epi8, _mm512_cvtps_epi32, _mm512_fmadd_ps, _mm512_loadu_ps,
        _mm512_mask_loadu_ps, _mm512_mask_mov_ps, _mm512_mask_storeu_ps, _mm512_maskz_mov_ps,
        _mm512_max_ps, _mm512_mul_ps, _mm512_reduce_add_ps, _mm512_reduce_max_ps, _mm512_set1_ps,
        _mm512_setzero_ps, _mm512_storeu_ps, _mm512_sub_ps,
    };

    /// One register.
    #[derive(Clone, Copy)]
    pub(crate) struct Avx512(__m512);

    /// The mask of the first `n` numbers.
    #[inline(always)]
    fn first(n: usize) -> u16 {
        ((1u32 << n) - 1) as u16
    }

    impl Lanes for Avx512 {
        const ROWS: usize = 24;
        const ROWS_OF_PAIR: usize = 12;
        const OUTER_ROWS: usize = 16;
        const OUTER_ROWS_OF_PAIR: usize = 8;

        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            // SAFETY: the caller's promise.
            unsafe { Self(_mm512_loadu_ps(from)) }
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            // SAFETY: the caller's promise.
            unsafe { _mm512_storeu_ps(to, self.0) }
        }
        #[inline(always)]
        unsafe fn load_first(n: usize, from: *const f32, rest: Self) -> Self {
            // SAFETY: the caller's promise; numbers that the mask leaves out are not touched.
            unsafe { Self(_mm512_mask_loadu_ps(rest.0, first(n), from)) }
        }
        #[inline(always)]
        unsafe fn store_first(self, n: usize, to: *mut f32) {
            // SAFETY: as above.
            unsafe { _mm512_mask_storeu_ps(to, first(n), self.0) }
        }
        #[inline(always)]
        unsafe fn splat(value: f32) -> Self {
            // SAFETY: the caller's promise.
            unsafe { Self(_mm512_set1_ps(value)) }
        }
        #[inline(always)]
        unsafe fn plus(self, other: Self) -> Self {
            // SAFETY: the caller's promise.
            unsafe { Self(_mm512_add_ps(self.0, other.0)) }
        }
        #[inline(always)]
        unsafe fn minus(self, other: Self) -> Self {
            // SAFETY: the caller's promise.
            unsafe { Self(_mm512_sub_ps(self.0, other.0)) }
        }
        #[inline(always)]
        unsafe fn times(self, other: Self) -> Self {
            // SAFETY: the caller's promise.
            unsafe { Self(_mm512_mul_ps(self.0, other.0)) }
        }
        #[inline(always)]
        unsafe fn times_plus(self, factor: Self, term: Self) -> Self {
            // SAFETY: the caller's promise.
            unsafe { Self(_mm512_fmadd_ps(self.0, factor.0, term.0)) }
        }
        #[inline(always)]
        unsafe fn or_larger(self, other: Self) -> Self {
            // SAFETY: the caller's promise. The instruction gives its second operand where one is not a number.
            unsafe { Self(_mm512_max_ps(other.0, self.0)) }
        }
        #[inline(always)]
        unsafe fn where_positive(self, condition: Self) -> Self {
            // SAFETY: the caller's promise.
            unsafe {
                let mask = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(condition.0, _mm512_setzero_ps());
                Self(_mm512_maskz_mov_ps(mask, self.0))
            }
        }
        #[inline(always)]
        unsafe fn where_greater(self, a: Self, b: Self, other: Self) -> Self {
            // SAFETY: the caller's promise.
            unsafe {
                let mask = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(a.0, b.0);
                Self(_mm512_mask_mov_ps(other.0, mask, self.0))
            }
        }
        #[inline(always)]
        unsafe fn where_byte_is(self, from: *const u8, value: u8) -> Self {
            // SAFETY: the caller's promise: sixteen bytes.
            unsafe {
                let bytes = _mm_loadu_si128(from.cast());
                let equal = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(value as i8));
                let mask = _mm_movemask_epi8(equal) as u16;
                Self(_mm512_maskz_mov_ps(mask, self.0))
            }
        }
        #[inline(always)]
        unsafe fn store_bytes(self, to: *mut u8) {
            // SAFETY: the caller's promise: room for sixteen bytes.
            unsafe { _mm_storeu_si128(to.cast(), _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(self.0))) }
        }
        #[inline(always)]
        unsafe fn sum(self) -> f32 {
            // SAFETY: the caller's promise.
            unsafe { _mm512_reduce_add_ps(self.0) }
        }
        #[inline(always)]
        unsafe fn largest(self) -> f32 {
            // SAFETY: the caller's promise.
            unsafe { _mm512_reduce_max_ps(self.0) }
        }
    }

    /// Two registers.
    #[derive(Clone, Copy)]
    pub(crate) struct Avx2(__m256, __m256);

    /// The masks of the first `n` numbers.
    #[inline(always)]
    unsafe fn both_first(n: usize) -> [__m256i; 2] {
        const MASKS: [i32; 2 * LANES] = {
            let mut masks = [0; 2 * LANES];
            let mut i = 0;
            while i < LANES {
                masks[i] = -1;
                i += 1;
            }
            masks
        };
        assert!(n <= LANES, "more numbers than lanes");
        // SAFETY: the caller's promise; sixteen masks from `LANES - n` on lie in the table.
        unsafe {
            let masks = MASKS.as_ptr().add(LANES - n);
            [
                _mm256_loadu_si256(masks.cast()),
                _mm256_loadu_si256(masks.add(LANES / 2).cast()),
            ]
        }
    }

    impl Lanes for Avx2 {
        const ROWS: usize = 6;
        const ROWS_OF_PAIR: usize = 0;
        const OUTER_ROWS: usize = 4;
        const OUTER_ROWS_OF_PAIR: usize = 0;

        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            // SAFETY: the caller's promise.
            unsafe { Self(_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(LANES / 2))) }
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            // SAFETY: the caller's promise.
            unsafe {
                _mm256_storeu_ps(to, self.0);
                _mm256_storeu_ps(to.add(LANES / 2), self.1);
            }
        }
        #[inline(always)]
        unsafe fn load_first(n: usize, from: *const f32, rest: Self) -> Self {
            // SAFETY: the caller's promise; numbers that the masks leave out are not touched.
            unsafe {
                let [low, high] = both_first(n);
                let at = from.wrapping_add(LANES / 2);
                Self(
                    _mm256_blendv_ps(
                        rest.0,
                        _mm256_maskload_ps(from, low),
                        _mm256_castsi256_ps(low),
                    ),
                    _mm256_blendv_ps(
                        rest.1,
                        _mm256_maskload_ps(at, high),
                        _mm256_castsi256_ps(high),
                    ),
                )
            }
        }
        #[inline(always)]
        unsafe fn store_first(self, n: usize, to: *mut f32) {
            // SAFETY: as above.
            unsafe {
                let [low, high] = both_first(n);
                _mm256_maskstore_ps(to, low, self.0);
                _mm256_maskstore_ps(to.wrapping_add(LANES / 2), high, self.1);
            }
        }
        #[inline(always)]
        unsafe fn splat(value: f32) -> Self {
            // SAFETY: the caller's promise.
            unsafe { Self(_mm256_set1_ps(value), _mm256_set1_ps(value)) }
        }
        #[inline(always)]
        unsafe fn plus(self, other: Self) -> Self {
            // SAFETY: the caller's promise.
            unsafe {
                Self(
                    _mm256_add_ps(self.0, other.0),
                    _mm256_add_ps(self.1, other.1),
                )
            }
        }
        #[inline(always)]
        unsafe fn minus(self, other: Self) -> Self {
            // SAFETY: the caller's promise.
            unsafe {
                Self(
                    _mm256_sub_ps(self.0, other.0),
                    _mm256_sub_ps(self.1, other.1),
                )
            }
        }
        #[inline(always)]
        unsafe fn times(self, other: Self) -> Self {
            // SAFETY: the caller's promise.
            unsafe {
                Self(
                    _mm256_mul_ps(self.0, other.0),
                    _mm256_mul_ps(self.1, other.1),
                )
            }
        }
        #[inline(always)]
        unsafe fn times_plus(self, factor: Self, term: Self) -> Self {
            // SAFETY: the caller's promise.
            unsafe {
                Self(
                    _mm256_fmadd_ps(self.0, factor.0, term.0),
                    _mm256_fmadd_ps(self.1, factor.1, term.1),
                )
            }
        }
        #[inline(always)]
        unsafe fn or_larger(self, other: Self) -> Self {
            // SAFETY: the caller's promise. The instruction gives its second operand where one is not a number.
            unsafe {
                Self(
                    _mm256_max_ps(other.0, self.0),
                    _mm256_max_ps(other.1, self.1),
                )
            }
        }
        #[inline(always)]
        unsafe fn where_positive(self, condition: Self) -> Self {
            // SAFETY: the caller's promise.
            unsafe {
                let zero = _mm256_setzero_ps();
                Self(
                    _mm256_and_ps(self.0, _mm256_cmp_ps::<_CMP_GT_OQ>(condition.0, zero)),
                    _mm256_and_ps(self.1, _mm256_cmp_ps::<_CMP_GT_OQ>(condition.1, zero)),
                )
            }
        }
        #[inline(always)]
        unsafe fn where_greater(self, a: Self, b: Self, other: Self) -> Self {
            // SAFETY: the caller's promise.
            unsafe {
                Self(
                    _mm256_blendv_ps(other.0, self.0, _mm256_cmp_ps::<_CMP_GT_OQ>(a.0, b.0)),
                    _mm256_blendv_ps(other.1, self.1, _mm256_cmp_ps::<_CMP_GT_OQ>(a.1, b.1)),
                )
            }
        }
        #[inline(always)]
        unsafe fn where_byte_is(self, from: *const u8, value: u8) -> Self {
            // SAFETY: the caller's promise: sixteen bytes.
            unsafe {
                let bytes = _mm_loadu_si128(from.cast());
                let equal = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(value as i8));
                let low = _mm256_castsi256_ps(_mm256_cvtepi8_epi32(equal));
                let high = _mm256_castsi256_ps(_mm256_cvtepi8_epi32(_mm_srli_si128::<8>(equal)));
                Self(_mm256_and_ps(self.0, low), _mm256_and_ps(self.1, high))
            }
        }
        #[inline(always)]
        unsafe fn store_bytes(self, to: *mut u8) {
            // SAFETY: the caller's promise: room for sixteen bytes.
            unsafe {
                let (low, high) = (_mm256_cvtps_epi32(self.0), _mm256_cvtps_epi32(self.1));
                // Packing works within halves of a register: put the quarters in order between the two steps.
                let words =
                    _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packs_epi32(low, high));
                let bytes = _mm_packus_epi16(
                    _mm256_castsi256_si128(words),
                    _mm256_extracti128_si256::<1>(words),
                );
                _mm_storeu_si128(to.cast(), bytes);
            }
        }
        #[inline(always)]
        unsafe fn sum(self) -> f32 {
            // SAFETY: the caller's promise.
            unsafe {
                let eight = _mm256_add_ps(self.0, self.1);
                let four = _mm_add_ps(
                    _mm256_castps256_ps128(eight),
                    _mm256_extractf128_ps::<1>(eight),
                );
                let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
                _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps::<1>(two, two)))
            }
        }
        #[inline(always)]
        unsafe fn largest(self) -> f32 {
            // SAFETY: the caller's promise.
            unsafe {
                let eight = _mm256_max_ps(self.0, self.1);
                let four = _mm_max_ps(
                    _mm256_castps256_ps128(eight),
                    _mm256_extractf128_ps::<1>(eight),
                );
                let two = _mm_max_ps(four, _mm_movehl_ps(four, four));
                _mm_cvtss_f32(_mm_max_ss(two, _mm_shuffle_ps::<1>(two, two)))
            }
        }
    }
}

/// Work to be compiled for each kind of processor. `run` must be `#[inline(always)]`, and so must all that it calls in its inner loops.
pub(crate) trait Kernel {
    type Output;

    /// # Safety
    /// The processor has the instructions of `L`.
    unsafe fn run<L: Lanes>(self) -> Self::Output;
}

/// The instructions that kernels use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Level {
    Portable = 1,
    Avx2 = 2,
    Avx512 = 3,
}

/// The best there is, once it is known; 0 before.
static BEST: AtomicU8 = AtomicU8::new(0);

#[cfg(test)]
thread_local! {
    /// What a test runs this thread with.
    static FORCED: std::cell::Cell<Option<Level>> = const { std::cell::Cell::new(None) };
}

impl Level {
    /// What this processor can do, the best first.
    pub(crate) fn available() -> Vec<Self> {
        let mut levels = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            if avx2
                && is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
            {
                levels.push(Self::Avx512);
            }
            if avx2 {
                levels.push(Self::Avx2);
            }
        }
        levels.push(Self::Portable);
        levels
    }

    fn current() -> Self {
        #[cfg(test)]
        if let Some(level) = FORCED.get() {
            return level;
        }
        match BEST.load(Ordering::Relaxed) {
            1 => Self::Portable,
            2 => Self::Avx2,
            3 => Self::Avx512,
            _ => {
                let best = Self::available()[0];
                BEST.store(best as u8, Ordering::Relaxed);
                best
            }
        }
    }

    /// Runs `work` on worker threads whose kernels use this level, which the processor must have.
    #[cfg(test)]
    pub(crate) fn run<R: Send>(self, work: impl FnOnce() -> R + Send) -> R {
        assert!(Self::available().contains(&self));
        rayon::ThreadPoolBuilder::new()
            .num_threads(2)
            .start_handler(move |_| FORCED.set(Some(self)))
            .build()
            .unwrap()
            .install(work)
    }
}

/// Runs a kernel with the best instructions there are.
pub(crate) fn dispatch<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")]
        unsafe fn with_avx512<K: Kernel>(kernel: K) -> K::Output {
            // SAFETY: this function's own features.
            unsafe { kernel.run::<x86::Avx512>() }
        }
        #[target_feature(enable = "avx2,fma")]
        unsafe fn with_avx2<K: Kernel>(kernel: K) -> K::Output {
            // SAFETY: this function's own features.
            unsafe { kernel.run::<x86::Avx2>() }
        }
        match Level::current() {
            // SAFETY: the processor was asked.
            Level::Avx512 => return unsafe { with_avx512(kernel) },
            // SAFETY: the processor was asked.
            Level::Avx2 => return unsafe { with_avx2(kernel) },
            Level::Portable => {}
        }
    }
    // SAFETY: plain numbers.
    unsafe { kernel.run::<Portable>() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every operation on awkward numbers, as bits.
    struct Everything;

    impl Kernel for Everything {
        type Output = Vec<u32>;
        #[inline(always)]
        unsafe fn run<L: Lanes>(self) -> Vec<u32> {
            let a: [f32; LANES] = std::array::from_fn(|i| (i as f32 - 7.0) * 1.5);
            let mut b: [f32; LANES] = std::array::from_fn(|i| 4.0 - i as f32);
            b[3] = f32::NAN;
            let bytes: [u8; LANES] = std::array::from_fn(|i| (i % 3) as u8 * 127);
            let mut out = Vec::new();
            // SAFETY: arrays of sixteen.
            unsafe {
                let (x, y) = (L::load(a.as_ptr()), L::load(b.as_ptr()));
                let small = L::splat(2.0).times_plus(L::splat(3.0), L::splat(1.0));
                for value in [
                    x.plus(y),
                    x.minus(y),
                    x.times(y),
                    x.or_larger(y),
                    y.or_larger(x),
                    x.where_positive(y),
                    x.where_greater(x, y, y),
                    x.where_byte_is(bytes.as_ptr(), 254),
                    small,
                    L::load_first(0, a.as_ptr(), y),
                    L::load_first(5, a.as_ptr(), y),
                    L::load_first(11, a.as_ptr(), y),
                    L::load_first(16, a.as_ptr(), y),
                    L::splat(x.largest()),
                    x.map(|number| number * 2.0),
                ] {
                    // One pattern for all that is not a number.
                    out.extend(
                        value
                            .array()
                            .map(|v| if v.is_nan() { 1 } else { v.to_bits() }),
                    );
                }
                let whole: [f32; LANES] = std::array::from_fn(|i| (i * 17) as f32);
                let mut to = [0u8; LANES];
                L::load(whole.as_ptr()).store_bytes(to.as_mut_ptr());
                out.extend(to.map(u32::from));
                for n in [0, 3, 8, 13, 16] {
                    let mut to = [1f32; LANES];
                    x.store_first(n, to.as_mut_ptr());
                    out.extend(to.map(f32::to_bits));
                }
            }
            out
        }
    }

    #[test]
    fn every_level_gives_the_portable_results() {
        // SAFETY: plain numbers.
        let expected = unsafe { Everything.run::<Portable>() };
        assert_eq!(expected[15 * LANES + 15], 255);
        for level in Level::available() {
            assert_eq!(level.run(|| dispatch(Everything)), expected, "{level:?}");
        }
    }
}
