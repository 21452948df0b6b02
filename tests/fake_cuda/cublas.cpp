// A libcublas.so.13 of plain loops: matrix products of float and bf16, added up in float (double for double). Column-major, as cuBLAS.
#include "bf16.h"
#include <cstdio>
#include <vector>

#define API extern "C" __attribute__((visibility("default"))) int

namespace {

enum { OK = 0, INVALID_VALUE = 7, NOT_SUPPORTED = 15 };
enum { R_32F = 0, R_16BF = 14 };

bool known(int type) { return type == R_32F || type == R_16BF; }

int gemm(bool ta, bool tb, int m, int n, int k, float alpha, Numbers a, size_t a0, int lda, Numbers b, size_t b0, int ldb, float beta, Numbers c, size_t c0, int ldc) {
    if (m < 0 || n < 0 || k < 0 || lda < (ta ? k : m) || ldb < (tb ? n : k) || ldc < m) {
        fprintf(stderr, "fake cuBLAS: sizes %d %d %d with leading dimensions %d %d %d\n", m, n, k, lda, ldb, ldc);
        return INVALID_VALUE;
    }
    std::vector<float> column(k);
    std::vector<float> whole(size_t(m) * k);
    for (int i = 0; i < m; i++)
        for (int l = 0; l < k; l++) whole[size_t(i) * k + l] = a.get(a0 + (ta ? size_t(i) * lda + l : size_t(l) * lda + i));
    for (int j = 0; j < n; j++) {
        for (int l = 0; l < k; l++) column[l] = b.get(b0 + (tb ? size_t(l) * ldb + j : size_t(j) * ldb + l));
        for (int i = 0; i < m; i++) {
            float sum = 0;
            const float* row = whole.data() + size_t(i) * k;
            for (int l = 0; l < k; l++) sum += row[l] * column[l];
            size_t at = c0 + size_t(j) * ldc + i;
            // beta = 0: what is in c is not read, it may be no number.
            c.set(at, alpha * sum + (beta == 0 ? 0 : beta * c.get(at)));
        }
    }
    return OK;
}

int batched(int ta, int tb, int m, int n, int k, const void* alpha, const void* a, int ta_type, int lda, long long sa, const void* b, int tb_type, int ldb, long long sb, const void* beta, void* c, int tc_type, int ldc, long long sc, int count) {
    if (!known(ta_type) || !known(tb_type) || !known(tc_type) || ta_type != tb_type) {
        fprintf(stderr, "fake cuBLAS: types %d %d %d\n", ta_type, tb_type, tc_type);
        return NOT_SUPPORTED;
    }
    Numbers A{(void*)a, ta_type == R_16BF}, B{(void*)b, tb_type == R_16BF}, C{c, tc_type == R_16BF};
    for (int i = 0; i < count; i++)
        if (int status = gemm(ta, tb, m, n, k, *(const float*)alpha, A, size_t(i * sa), lda, B, size_t(i * sb), ldb, *(const float*)beta, C, size_t(i * sc), ldc)) return status;
    return OK;
}

} // namespace

extern "C" __attribute__((visibility("default"))) const char* cublasGetStatusString(int code) { return code == OK ? "CUBLAS_STATUS_SUCCESS" : code == INVALID_VALUE ? "CUBLAS_STATUS_INVALID_VALUE" : "CUBLAS_STATUS_NOT_SUPPORTED"; }
extern "C" __attribute__((visibility("default"))) const char* cublasGetStatusName(int code) { return cublasGetStatusString(code); }
API cublasCreate_v2(void** handle) { *handle = new char; return OK; }
API cublasDestroy_v2(void* handle) { delete (char*)handle; return OK; }
API cublasSetStream_v2(void*, void*) { return OK; }
API cublasSetMathMode(void*, int) { return OK; }
API cublasGetMathMode(void*, int* mode) { *mode = 0; return OK; }
API cublasSetWorkspace_v2(void*, void*, size_t) { return OK; }
API cublasSetAtomicsMode(void*, int) { return OK; }
API cublasSetPointerMode_v2(void*, int mode) { return mode == 0 ? OK : NOT_SUPPORTED; }
API cublasGetVersion_v2(void*, int* version) { *version = 130000; return OK; }

API cublasGemmEx(void*, int ta, int tb, int m, int n, int k, const void* alpha, const void* a, int a_type, int lda, const void* b, int b_type, int ldb, const void* beta, void* c, int c_type, int ldc, int, int) {
    return batched(ta, tb, m, n, k, alpha, a, a_type, lda, 0, b, b_type, ldb, 0, beta, c, c_type, ldc, 0, 1);
}
API cublasGemmStridedBatchedEx(void*, int ta, int tb, int m, int n, int k, const void* alpha, const void* a, int a_type, int lda, long long sa, const void* b, int b_type, int ldb, long long sb, const void* beta, void* c, int c_type, int ldc, long long sc, int count, int, int) {
    return batched(ta, tb, m, n, k, alpha, a, a_type, lda, sa, b, b_type, ldb, sb, beta, c, c_type, ldc, sc, count);
}
API cublasSgemm_v2(void*, int ta, int tb, int m, int n, int k, const float* alpha, const float* a, int lda, const float* b, int ldb, const float* beta, float* c, int ldc) {
    return batched(ta, tb, m, n, k, alpha, a, R_32F, lda, 0, b, R_32F, ldb, 0, beta, c, R_32F, ldc, 0, 1);
}
API cublasSgemmStridedBatched(void*, int ta, int tb, int m, int n, int k, const float* alpha, const float* a, int lda, long long sa, const float* b, int ldb, long long sb, const float* beta, float* c, int ldc, long long sc, int count) {
    return batched(ta, tb, m, n, k, alpha, a, R_32F, lda, sa, b, R_32F, ldb, sb, beta, c, R_32F, ldc, sc, count);
}
