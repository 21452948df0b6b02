// A libnvidia-ml.so.1 that is not one: knows the one device of cuda.cpp by its place on the bus, and says that it is busy for 73 % of the time.
//
//   FAKE_CUDA_BUSY=n        for n % of the time
//   FAKE_CUDA=no_device     there is none
#include <cstdlib>
#include <cstring>

#define API extern "C" __attribute__((visibility("default"))) int

enum { OK = 0, INVALID_ARGUMENT = 2, NOT_FOUND = 6 };

namespace {
int gpu;
}

API nvmlInit_v2() { return OK; }

API nvmlDeviceGetHandleByPciBusId_v2(const char* place, void** handle) {
    const char* mode = getenv("FAKE_CUDA");
    if ((mode && !strcmp(mode, "no_device")) || strcmp(place, "00000000:0A:00.0")) return NOT_FOUND;
    *handle = &gpu;
    return OK;
}

API nvmlDeviceGetUtilizationRates(void* handle, unsigned int rates[2]) {
    if (handle != &gpu) return INVALID_ARGUMENT;
    const char* busy = getenv("FAKE_CUDA_BUSY");
    rates[0] = busy ? (unsigned)atoi(busy) : 73;
    rates[1] = 21;
    return OK;
}
