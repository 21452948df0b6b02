// A libcudnn.so.9 with two-dimensional convolutions and their gradients as plain loops: NCHW and NHWC, float and bf16, added up in float.
// As the real one it answers a heuristic's question with several algorithms and asks for a workspace, and refuses descriptors that do
// not fit together.
#include "bf16.h"
#include <cstdio>
#include <cstring>
#include <vector>

#define API extern "C" __attribute__((visibility("default"))) int

namespace {

enum { OK = 0, BAD_PARAM = 2000, NOT_SUPPORTED = 3000 };
enum { FLOAT = 0, BFLOAT16 = 9 };
constexpr size_t WORKSPACE = 4096;

/// A tensor or a filter: sizes and strides of four axes, batch (or outputs), channels, height, width.
struct Tensor {
    int type = FLOAT, sizes[4] = {}, strides[4] = {};

    int set(int new_type, int format, const int* s) {
        if (new_type != FLOAT && new_type != BFLOAT16) return NOT_SUPPORTED;
        if (format != 0 && format != 1) return NOT_SUPPORTED;
        for (int i = 0; i < 4; i++)
            if (s[i] <= 0) return BAD_PARAM;
        type = new_type;
        memcpy(sizes, s, sizeof sizes);
        if (format == 0) {
            const int to[4] = {s[1] * s[2] * s[3], s[2] * s[3], s[3], 1};
            memcpy(strides, to, sizeof to);
        } else {
            const int to[4] = {s[1] * s[2] * s[3], 1, s[3] * s[1], s[1]};
            memcpy(strides, to, sizeof to);
        }
        return OK;
    }
    size_t at(int n, int c, int h, int w) const { return size_t(n) * strides[0] + size_t(c) * strides[1] + size_t(h) * strides[2] + size_t(w) * strides[3]; }
    size_t count() const { return size_t(sizes[0]) * sizes[1] * sizes[2] * sizes[3]; }
    Numbers numbers(const void* data) const { return {const_cast<void*>(data), type == BFLOAT16}; }
};

struct Convolution {
    int padding[2] = {}, stride[2] = {1, 1}, dilation[2] = {1, 1}, mode = 1, math = 0, groups = 1, compute = FLOAT;
};

/// The layout of cudnnConvolution*AlgoPerf_t.
struct Performance {
    int algorithm, status;
    float time;
    size_t memory;
    int determinism, math, reserved[3];
};

int out_size(const Convolution& c, const Tensor& x, const Tensor& w, int axis) {
    const int reach = c.dilation[axis] * (w.sizes[2 + axis] - 1) + 1;
    return (x.sizes[2 + axis] + 2 * c.padding[axis] - reach) / c.stride[axis] + 1;
}

int check(const Convolution& c, const Tensor& x, const Tensor& w, const Tensor& y) {
    const bool fits = x.sizes[1] == w.sizes[1] * c.groups && y.sizes[0] == x.sizes[0] && y.sizes[1] == w.sizes[0] && y.sizes[2] == out_size(c, x, w, 0) && y.sizes[3] == out_size(c, x, w, 1);
    if (!fits || c.groups != 1 || c.mode != 1 || x.type != w.type || y.type != x.type || c.compute != FLOAT) {
        fprintf(stderr, "fake cuDNN: a convolution of [%d, %d, %d, %d] with [%d, %d, %d, %d] to [%d, %d, %d, %d], types %d %d %d in %d, %d groups, mode %d\n", x.sizes[0], x.sizes[1], x.sizes[2], x.sizes[3], w.sizes[0], w.sizes[1], w.sizes[2], w.sizes[3], y.sizes[0], y.sizes[1], y.sizes[2], y.sizes[3], x.type, w.type, y.type, c.compute, c.groups, c.mode);
        return BAD_PARAM;
    }
    return OK;
}

/// Calls `visit(index of y, of x, of w)` for every product.
template <class F> void each_product(const Convolution& c, const Tensor& x, const Tensor& w, const Tensor& y, F visit) {
    for (int b = 0; b < y.sizes[0]; b++)
        for (int oh = 0; oh < y.sizes[2]; oh++)
            for (int ow = 0; ow < y.sizes[3]; ow++)
                for (int kh = 0; kh < w.sizes[2]; kh++)
                    for (int kw = 0; kw < w.sizes[3]; kw++) {
                        const int h = oh * c.stride[0] + kh * c.dilation[0] - c.padding[0], v = ow * c.stride[1] + kw * c.dilation[1] - c.padding[1];
                        if (h < 0 || v < 0 || h >= x.sizes[2] || v >= x.sizes[3]) continue;
                        for (int o = 0; o < w.sizes[0]; o++)
                            for (int i = 0; i < w.sizes[1]; i++) visit(y.at(b, o, oh, ow), x.at(b, i, h, v), w.at(o, i, kh, kw));
                    }
}

std::vector<float> read(const Tensor& t, const void* data) {
    const Numbers numbers = t.numbers(data);
    std::vector<float> values(t.count());
    for (size_t i = 0; i < values.size(); i++) values[i] = numbers.get(i);
    return values;
}

void write(const Tensor& t, void* data, const std::vector<float>& values, const void* alpha, const void* beta) {
    const Numbers numbers = t.numbers(data);
    const float a = *(const float*)alpha, b = *(const float*)beta;
    for (size_t i = 0; i < values.size(); i++) numbers.set(i, a * values[i] + (b == 0 ? 0 : b * numbers.get(i)));
}

int suggest(const Convolution& c, int asked, int* n, Performance* to, int first) {
    *n = asked < 2 ? asked : 2;
    for (int i = 0; i < *n; i++) to[i] = {i == 0 ? first : 0, OK, -1.0f, i == 0 ? WORKSPACE : 0, 1, c.math, {}};
    return OK;
}

int workspace(const void* at, size_t n) {
    if (n == 0 || at) return OK;
    fprintf(stderr, "fake cuDNN: a workspace of %zu bytes at address 0\n", n);
    return BAD_PARAM;
}

} // namespace

extern "C" __attribute__((visibility("default"))) const char* cudnnGetErrorString(int code) { return code == OK ? "CUDNN_STATUS_SUCCESS" : code == BAD_PARAM ? "CUDNN_STATUS_BAD_PARAM" : "CUDNN_STATUS_NOT_SUPPORTED"; }
extern "C" __attribute__((visibility("default"))) size_t cudnnGetVersion() { return 91000; }
extern "C" __attribute__((visibility("default"))) size_t cudnnGetCudartVersion() { return 13000; }
API cudnnCreate(void** handle) { *handle = new char; return OK; }
API cudnnDestroy(void* handle) { delete (char*)handle; return OK; }
API cudnnSetStream(void*, void*) { return OK; }

API cudnnCreateTensorDescriptor(Tensor** t) { *t = new Tensor; return OK; }
API cudnnDestroyTensorDescriptor(Tensor* t) { delete t; return OK; }
API cudnnSetTensor4dDescriptor(Tensor* t, int format, int type, int n, int c, int h, int w) {
    const int sizes[4] = {n, c, h, w};
    return t->set(type, format, sizes);
}
API cudnnSetTensor4dDescriptorEx(Tensor* t, int type, int n, int c, int h, int w, int sn, int sc, int sh, int sw) {
    const int sizes[4] = {n, c, h, w};
    if (int status = t->set(type, 0, sizes)) return status;
    const int strides[4] = {sn, sc, sh, sw};
    memcpy(t->strides, strides, sizeof strides);
    return OK;
}
API cudnnSetTensorNdDescriptor(Tensor* t, int type, int n, const int* sizes, const int* strides) {
    if (n != 4) return NOT_SUPPORTED;
    return cudnnSetTensor4dDescriptorEx(t, type, sizes[0], sizes[1], sizes[2], sizes[3], strides[0], strides[1], strides[2], strides[3]);
}
API cudnnSetTensorNdDescriptorEx(Tensor* t, int format, int type, int n, const int* sizes) { return n == 4 ? t->set(type, format, sizes) : NOT_SUPPORTED; }
API cudnnCreateFilterDescriptor(Tensor** t) { *t = new Tensor; return OK; }
API cudnnDestroyFilterDescriptor(Tensor* t) { delete t; return OK; }
API cudnnSetFilter4dDescriptor(Tensor* t, int type, int format, int k, int c, int h, int w) {
    const int sizes[4] = {k, c, h, w};
    return t->set(type, format, sizes);
}
API cudnnSetFilterNdDescriptor(Tensor* t, int type, int format, int n, const int* sizes) { return n == 4 ? t->set(type, format, sizes) : NOT_SUPPORTED; }
API cudnnCreateConvolutionDescriptor(Convolution** c) { *c = new Convolution; return OK; }
API cudnnDestroyConvolutionDescriptor(Convolution* c) { delete c; return OK; }
API cudnnSetConvolution2dDescriptor(Convolution* c, int ph, int pw, int sh, int sw, int dh, int dw, int mode, int compute) {
    if (ph < 0 || pw < 0 || sh < 1 || sw < 1 || dh < 1 || dw < 1) return BAD_PARAM;
    *c = {{ph, pw}, {sh, sw}, {dh, dw}, mode, c->math, c->groups, compute};
    return OK;
}
API cudnnSetConvolutionNdDescriptor(Convolution* c, int n, const int* p, const int* s, const int* d, int mode, int compute) {
    return n == 2 ? cudnnSetConvolution2dDescriptor(c, p[0], p[1], s[0], s[1], d[0], d[1], mode, compute) : NOT_SUPPORTED;
}
API cudnnSetConvolutionMathType(Convolution* c, int math) { c->math = math; return OK; }
API cudnnSetConvolutionGroupCount(Convolution* c, int groups) { c->groups = groups; return OK; }

API cudnnGetConvolutionForwardAlgorithm_v7(void*, Tensor* x, Tensor* w, Convolution* c, Tensor* y, int asked, int* n, Performance* to) {
    if (int status = check(*c, *x, *w, *y)) return status;
    return suggest(*c, asked, n, to, 1);
}
API cudnnGetConvolutionBackwardDataAlgorithm_v7(void*, Tensor* w, Tensor* y, Convolution* c, Tensor* x, int asked, int* n, Performance* to) {
    if (int status = check(*c, *x, *w, *y)) return status;
    return suggest(*c, asked, n, to, 1);
}
API cudnnGetConvolutionBackwardFilterAlgorithm_v7(void*, Tensor* x, Tensor* y, Convolution* c, Tensor* w, int asked, int* n, Performance* to) {
    if (int status = check(*c, *x, *w, *y)) return status;
    return suggest(*c, asked, n, to, 1);
}
API cudnnFindConvolutionForwardAlgorithmEx(void* h, Tensor* x, const void*, Tensor* w, const void*, Convolution* c, Tensor* y, void*, int asked, int* n, Performance* to, void*, size_t) { return cudnnGetConvolutionForwardAlgorithm_v7(h, x, w, c, y, asked, n, to); }
API cudnnFindConvolutionBackwardDataAlgorithmEx(void* h, Tensor* w, const void*, Tensor* y, const void*, Convolution* c, Tensor* x, void*, int asked, int* n, Performance* to, void*, size_t) { return cudnnGetConvolutionBackwardDataAlgorithm_v7(h, w, y, c, x, asked, n, to); }
API cudnnFindConvolutionBackwardFilterAlgorithmEx(void* h, Tensor* x, const void*, Tensor* y, const void*, Convolution* c, Tensor* w, void*, int asked, int* n, Performance* to, void*, size_t) { return cudnnGetConvolutionBackwardFilterAlgorithm_v7(h, x, y, c, w, asked, n, to); }
API cudnnGetConvolutionForwardWorkspaceSize(void*, Tensor* x, Tensor* w, Convolution* c, Tensor* y, int algorithm, size_t* n) { *n = algorithm ? WORKSPACE : 0; return check(*c, *x, *w, *y); }
API cudnnGetConvolutionBackwardDataWorkspaceSize(void*, Tensor* w, Tensor* y, Convolution* c, Tensor* x, int algorithm, size_t* n) { *n = algorithm ? WORKSPACE : 0; return check(*c, *x, *w, *y); }
API cudnnGetConvolutionBackwardFilterWorkspaceSize(void*, Tensor* x, Tensor* y, Convolution* c, Tensor* w, int algorithm, size_t* n) { *n = algorithm ? WORKSPACE : 0; return check(*c, *x, *w, *y); }

API cudnnConvolutionForward(void*, const void* alpha, Tensor* x, const void* x_data, Tensor* w, const void* w_data, Convolution* c, int algorithm, void* space, size_t n_space, const void* beta, Tensor* y, void* y_data) {
    if (int status = check(*c, *x, *w, *y)) return status;
    if (algorithm && n_space < WORKSPACE) return BAD_PARAM;
    if (int status = workspace(space, n_space)) return status;
    const std::vector<float> X = read(*x, x_data), W = read(*w, w_data);
    std::vector<float> Y(y->count());
    each_product(*c, *x, *w, *y, [&](size_t yi, size_t xi, size_t wi) { Y[yi] += X[xi] * W[wi]; });
    write(*y, y_data, Y, alpha, beta);
    return OK;
}
API cudnnConvolutionBackwardData(void*, const void* alpha, Tensor* w, const void* w_data, Tensor* y, const void* y_data, Convolution* c, int algorithm, void* space, size_t n_space, const void* beta, Tensor* x, void* x_data) {
    if (int status = check(*c, *x, *w, *y)) return status;
    if (algorithm && n_space < WORKSPACE) return BAD_PARAM;
    if (int status = workspace(space, n_space)) return status;
    const std::vector<float> Y = read(*y, y_data), W = read(*w, w_data);
    std::vector<float> X(x->count());
    each_product(*c, *x, *w, *y, [&](size_t yi, size_t xi, size_t wi) { X[xi] += Y[yi] * W[wi]; });
    write(*x, x_data, X, alpha, beta);
    return OK;
}
API cudnnConvolutionBackwardFilter(void*, const void* alpha, Tensor* x, const void* x_data, Tensor* y, const void* y_data, Convolution* c, int algorithm, void* space, size_t n_space, const void* beta, Tensor* w, void* w_data) {
    if (int status = check(*c, *x, *w, *y)) return status;
    if (algorithm && n_space < WORKSPACE) return BAD_PARAM;
    if (int status = workspace(space, n_space)) return status;
    const std::vector<float> Y = read(*y, y_data), X = read(*x, x_data);
    std::vector<float> W(w->count());
    each_product(*c, *x, *w, *y, [&](size_t yi, size_t xi, size_t wi) { W[wi] += X[xi] * Y[yi]; });
    write(*w, w_data, W, alpha, beta);
    return OK;
}
