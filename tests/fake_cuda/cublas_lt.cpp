// A libcublasLt.so.13 that is only there: nothing of it is called, but programs look whether they find it.
#include <cstddef>

#define API extern "C" __attribute__((visibility("default")))

API int cublasLtCreate(void** handle) { *handle = new char; return 0; }
API int cublasLtDestroy(void* handle) { delete (char*)handle; return 0; }
API size_t cublasLtGetVersion() { return 130000; }
