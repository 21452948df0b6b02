// Functions of single numbers, and what goes number by number. All "each": n numbers are read from each argument and written once, in
// packs of 16 bytes where all arguments begin at a multiple of 16.

/// y[i] = f(x[i]): 2 n sizeof(T) bytes.
template <class F> __device__ __forceinline__ void map(const T* x, T* y, i64 n, F f) {
    i64 done = 0;
    if (is_aligned(x) && is_aligned(y)) {
        i64 packs = n / VECTOR;
        for (i64 i = first_of_each(); i < packs; i += stride_of_each()) {
            Pack a = ((const Pack*)x)[i], b;
#pragma unroll
            for (int k = 0; k < VECTOR; k++) b.v[k] = of_float<T>(f(to_float(a.v[k])));
            ((Pack*)y)[i] = b;
        }
        done = packs * VECTOR;
    }
    for (i64 i = done + first_of_each(); i < n; i += stride_of_each()) y[i] = of_float<T>(f(to_float(x[i])));
}

/// z[i] = f(x[i], y[i]): 3 n sizeof(T) bytes.
template <class F> __device__ __forceinline__ void map(const T* x, const T* y, T* z, i64 n, F f) {
    i64 done = 0;
    if (is_aligned(x) && is_aligned(y) && is_aligned(z)) {
        i64 packs = n / VECTOR;
        for (i64 i = first_of_each(); i < packs; i += stride_of_each()) {
            Pack a = ((const Pack*)x)[i], b = ((const Pack*)y)[i], c;
#pragma unroll
            for (int k = 0; k < VECTOR; k++) c.v[k] = of_float<T>(f(to_float(a.v[k]), to_float(b.v[k])));
            ((Pack*)z)[i] = c;
        }
        done = packs * VECTOR;
    }
    for (i64 i = done + first_of_each(); i < n; i += stride_of_each()) z[i] = of_float<T>(f(to_float(x[i]), to_float(y[i])));
}

struct Relu { __device__ float operator()(float x) const { return x < 0.0f ? 0.0f : x; } };
struct Gelu { __device__ float operator()(float x) const { return gelu_of(x); } };
struct Sigmoid { __device__ float operator()(float x) const { return logistic(x); } };
struct Tanh { __device__ float operator()(float x) const { return tanhf(x); } };
struct Scaled {
    float factor;
    __device__ float operator()(float x) const { return x * factor; }
};
/// What is not a number stays so.
struct Decibels { __device__ float operator()(float x) const { return 4.3429448190325183f * logf(x < 1e-10f ? 1e-10f : x); } };
struct ReluGradient { __device__ float operator()(float y, float dy) const { return y > 0.0f ? dy : 0.0f; } };
struct GeluGradient { __device__ float operator()(float x, float dy) const { return dy * gelu_slope(x); } };
struct SigmoidGradient { __device__ float operator()(float y, float dy) const { return dy * y * (1.0f - y); } };
struct TanhGradient { __device__ float operator()(float y, float dy) const { return dy * (1.0f - y * y); } };
struct DecibelsGradient { __device__ float operator()(float x, float dy) const { return x < 1e-10f ? 0.0f : 4.3429448190325183f / x * dy; } };
struct Sum { __device__ float operator()(float a, float b) const { return a + b; } };
struct SumRelu { __device__ float operator()(float a, float b) const { return a + b < 0.0f ? 0.0f : a + b; } };

KERNEL relu(const T* x, T* y, i64 n) { map(x, y, n, Relu()); }
/// x Phi(x), with erf.
KERNEL gelu(const T* x, T* y, i64 n) { map(x, y, n, Gelu()); }
KERNEL sigmoid(const T* x, T* y, i64 n) { map(x, y, n, Sigmoid()); }
KERNEL tanh_of(const T* x, T* y, i64 n) { map(x, y, n, Tanh()); }
/// 10 log10(max(x, 1e-10)).
KERNEL decibels(const T* x, T* y, i64 n) { map(x, y, n, Decibels()); }
/// From the output: where it is 0 nothing passes. Also the gradient of add_relu for both its arguments.
KERNEL relu_gradient(const T* y, const T* dy, T* dx, i64 n) { map(y, dy, dx, n, ReluGradient()); }
/// From the input.
KERNEL gelu_gradient(const T* x, const T* dy, T* dx, i64 n) { map(x, dy, dx, n, GeluGradient()); }
/// From the output.
KERNEL sigmoid_gradient(const T* y, const T* dy, T* dx, i64 n) { map(y, dy, dx, n, SigmoidGradient()); }
/// From the output.
KERNEL tanh_gradient(const T* y, const T* dy, T* dx, i64 n) { map(y, dy, dx, n, TanhGradient()); }
/// From the input; below the floor no gradient passes.
KERNEL decibels_gradient(const T* x, const T* dy, T* dx, i64 n) { map(x, dy, dx, n, DecibelsGradient()); }
/// to += from.
KERNEL add_into(T* to, const T* from, i64 n) { map(to, from, to, n, Sum()); }
/// y = relu(a + b): the end of a residual block without pooling.
KERNEL add_relu(const T* a, const T* b, T* y, i64 n) { map(a, b, y, n, SumRelu()); }
/// x *= factor.
KERNEL scale(T* x, float factor, i64 n) {
    Scaled f = {factor};
    map(x, x, n, f);
}
/// x = value; n sizeof(T) bytes written.
KERNEL fill(T* x, float value, i64 n) {
    T v = of_float<T>(value);
    for (i64 i = first_of_each(); i < n; i += stride_of_each()) x[i] = v;
}
/// y = slope * factor[0], where the factor lies on the device: the gradient of a loss by its logits.
KERNEL scale_by(const float* slope, const float* factor, T* y, i64 n) {
    float f = factor[0];
    for (i64 i = first_of_each(); i < n; i += stride_of_each()) y[i] = of_float<T>(slope[i] * f);
}
