// A libcuda.so.1 that is not one: device memory is the machine's, streams work at once and in order, kernels run in the emulator.
//
// Memory lies between pages that nobody may touch and ends (to 16 bytes) where the page behind it begins, so that a kernel that reads
// or writes beyond a buffer is told of; fresh memory is filled with 0xFF, not a number in any float type.
//
//   FAKE_CUDA=no_device     the driver finds no device
//   FAKE_CUDA=old_driver    a driver of CUDA 12.2
//   FAKE_CUDA_MEMORY=n      a device with n bytes of memory
//   FAKE_CUDA_BACKWARDS=1   threads and blocks run from the last to the first
//   FAKE_CUDA_LOG=1         every launch on stderr
#include <chrono>
#include <csetjmp>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <map>
#include <mutex>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

#define API extern "C" __attribute__((visibility("default"))) int

namespace {

enum { OK = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NO_DEVICE = 100, INVALID_DEVICE = 101, INVALID_IMAGE = 200, UNSUPPORTED_PTX = 222, NOT_FOUND = 500, NOT_READY = 600, ILLEGAL_ADDRESS = 700, LAUNCH_FAILED = 719, NOT_SUPPORTED = 801 };

constexpr size_t PAGE = 4096;
std::recursive_mutex lock;

bool is(const char* what) {
    const char* mode = getenv("FAKE_CUDA");
    return mode && !strcmp(mode, what);
}

size_t memory_size() {
    const char* text = getenv("FAKE_CUDA_MEMORY");
    return text ? strtoull(text, nullptr, 10) : size_t(8) << 30;
}

struct Block {
    char* mapped;
    size_t n_mapped;
    size_t size;
    size_t slack; // bytes behind it, up to the end of the page
};
std::map<uintptr_t, Block> blocks;
size_t n_used = 0, n_launches = 0;
int at_start = 0, backwards = -1;

/// A context is an address that means nothing.
int context, current_device;
thread_local void* current_context = nullptr;

int allocate(uintptr_t* to, size_t size) {
    std::lock_guard<std::recursive_mutex> guard(lock);
    if (!size) return INVALID_VALUE;
    if (n_used + size > memory_size()) return OUT_OF_MEMORY;
    size_t inner = (size + PAGE - 1) / PAGE * PAGE, n_mapped = inner + 2 * PAGE;
    void* mapped = mmap(nullptr, n_mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED || mprotect((char*)mapped + PAGE, inner, PROT_READ | PROT_WRITE)) return OUT_OF_MEMORY;
    char* first = (char*)mapped + PAGE;
    memset(first, 0xFF, inner);
    size_t offset = at_start ? 0 : inner - (size + 15) / 16 * 16;
    *to = (uintptr_t)first + offset;
    blocks[*to] = {(char*)mapped, n_mapped, size, inner - offset - size};
    n_used += size;
    return OK;
}

/// What was written beside a block, within its pages.
const char* damage(uintptr_t at, const Block& block) {
    const unsigned char* first = (unsigned char*)block.mapped + PAGE;
    for (const unsigned char* p = first; p < (unsigned char*)at; p++)
        if (*p != 0xFF) return "before";
    for (size_t i = 0; i < block.slack; i++)
        if (((unsigned char*)at)[block.size + i] != 0xFF) return "behind";
    return nullptr;
}

int release(uintptr_t at) {
    std::lock_guard<std::recursive_mutex> guard(lock);
    if (!at) return OK;
    auto found = blocks.find(at);
    if (found == blocks.end()) {
        fprintf(stderr, "fake CUDA: memory at %p is freed, but nobody was given it\n", (void*)at);
        return INVALID_VALUE;
    }
    const char* where = damage(at, found->second);
    if (where) fprintf(stderr, "fake CUDA: something was written %s a buffer of %zu bytes\n", where, found->second.size);
    n_used -= found->second.size;
    munmap(found->second.mapped, found->second.n_mapped);
    blocks.erase(found);
    return where ? ILLEGAL_ADDRESS : OK;
}

/// Whether a copy stays within device memory.
bool within(uintptr_t at, size_t n) {
    std::lock_guard<std::recursive_mutex> guard(lock);
    auto next = blocks.upper_bound(at);
    if (next == blocks.begin()) return false;
    const auto& [start, block] = *--next;
    return at + n <= start + block.size;
}

int copy(uintptr_t to, uintptr_t from, size_t n, bool to_device, bool from_device) {
    if ((to_device && n && !within(to, n)) || (from_device && n && !within(from, n))) {
        fprintf(stderr, "fake CUDA: a copy of %zu bytes leaves its buffer\n", n);
        return INVALID_VALUE;
    }
    memmove((void*)to, (void*)from, n);
    return OK;
}

/// As in emulator.h.
struct Launch {
    unsigned grid[3], block[3];
    void** arguments;
    int backwards;
};

struct Function {
    std::string name;
    int (*call)(const Launch*);
    void* module;
};

sigjmp_buf broken;
void* touched;

void on_fault(int, siginfo_t* info, void*) {
    touched = info->si_addr;
    siglongjmp(broken, 1);
}

int run(Function* function, const Launch& launch) {
    std::lock_guard<std::recursive_mutex> guard(lock);
    n_launches++;
    if (getenv("FAKE_CUDA_LOG"))
        fprintf(stderr, "fake CUDA: %s <<<(%u, %u, %u), (%u, %u, %u)>>>\n", function->name.c_str(), launch.grid[0], launch.grid[1], launch.grid[2], launch.block[0], launch.block[1], launch.block[2]);
    for (int i = 0; i < 3; i++)
        if (!launch.grid[i] || !launch.block[i]) return INVALID_VALUE;
    if (launch.grid[0] > 0x7fffffff || launch.grid[1] > 65535 || launch.grid[2] > 65535 || size_t(launch.block[0]) * launch.block[1] * launch.block[2] > 1024) return INVALID_VALUE;
    struct sigaction action = {}, before_segv, before_bus;
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    sigaction(SIGSEGV, &action, &before_segv);
    sigaction(SIGBUS, &action, &before_bus);
    int result;
    if (sigsetjmp(broken, 1)) {
        fprintf(stderr, "fake CUDA: %s touched %p", function->name.c_str(), touched);
        for (const auto& [at, block] : blocks)
            if ((char*)touched >= block.mapped && (char*)touched < block.mapped + block.n_mapped)
                fprintf(stderr, ", byte %td of a buffer of %zu bytes", (char*)touched - (char*)at, block.size);
        fprintf(stderr, "\n");
        result = ILLEGAL_ADDRESS;
    } else {
        result = function->call(&launch) ? LAUNCH_FAILED : OK;
    }
    sigaction(SIGSEGV, &before_segv, nullptr);
    sigaction(SIGBUS, &before_bus, nullptr);
    return result;
}

struct Error {
    int code;
    const char *name, *words;
} const ERRORS[] = {
    {OK, "CUDA_SUCCESS", "no error"},
    {INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {NO_DEVICE, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {INVALID_IMAGE, "CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"},
    {UNSUPPORTED_PTX, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION", "the provided PTX was compiled with an unsupported toolchain."},
    {NOT_FOUND, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {NOT_READY, "CUDA_ERROR_NOT_READY", "device not ready"},
    {ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"},
    {LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
    {NOT_SUPPORTED, "CUDA_ERROR_NOT_SUPPORTED", "operation not supported"},
};

} // namespace

// What tests set and ask.
/// 0: buffers start (1) or end (0) at a page's edge; 1: threads run backwards.
extern "C" __attribute__((visibility("default"))) void fake_cuda_set(int what, int value) { (what ? backwards : at_start) = value; }
/// 0: launches so far; 1: bytes in use; 2: buffers in use.
extern "C" __attribute__((visibility("default"))) size_t fake_cuda_get(int what) {
    std::lock_guard<std::recursive_mutex> guard(lock);
    return what == 0 ? n_launches : what == 1 ? n_used : blocks.size();
}
/// Buffers beside which something was written.
extern "C" __attribute__((visibility("default"))) size_t fake_cuda_damaged() {
    std::lock_guard<std::recursive_mutex> guard(lock);
    size_t n = 0;
    for (const auto& [at, block] : blocks) n += damage(at, block) != nullptr;
    return n;
}

API cuInit(unsigned) { return is("no_device") ? NO_DEVICE : OK; }
API cuDriverGetVersion(int* version) { *version = is("old_driver") ? 12020 : 13000; return OK; }
API cuGetErrorName(int code, const char** text) {
    for (const Error& e : ERRORS) if (e.code == code) { *text = e.name; return OK; }
    *text = nullptr;
    return INVALID_VALUE;
}
API cuGetErrorString(int code, const char** text) {
    for (const Error& e : ERRORS) if (e.code == code) { *text = e.words; return OK; }
    *text = nullptr;
    return INVALID_VALUE;
}

API cuDeviceGetCount(int* n) { *n = is("no_device") ? 0 : 1; return OK; }
API cuDeviceGet(int* device, int ordinal) { *device = ordinal; return is("no_device") ? NO_DEVICE : ordinal == 0 ? OK : INVALID_DEVICE; }
API cuDeviceGetName(char* name, int n, int) { snprintf(name, n, "Emulated GPU"); return OK; }
API cuDeviceGetUuid(char* uuid, int) { memset(uuid, 7, 16); return OK; }
API cuDeviceGetUuid_v2(char* uuid, int) { memset(uuid, 7, 16); return OK; }
API cuDeviceTotalMem_v2(size_t* n, int) { *n = memory_size(); return OK; }
API cuDeviceGetAttribute(int* value, int attribute, int) {
    switch (attribute) {
    case 1: *value = 1024; break;            // threads of a block
    case 2: case 3: *value = 1024; break;
    case 4: *value = 64; break;
    case 5: *value = 0x7fffffff; break;      // blocks of a grid
    case 6: case 7: *value = 65535; break;
    case 8: *value = 49152; break;           // shared memory of a block
    case 10: *value = 32; break;             // lanes of a warp
    case 13: *value = 1000000; break;        // kHz
    case 16: *value = 4; break;              // multiprocessors
    case 33: *value = 10; break;             // bus
    case 36: *value = 1000000; break;        // memory's kHz
    case 37: *value = 64; break;             // memory's bus in bits
    case 39: *value = 2048; break;           // threads of a multiprocessor
    case 75: *value = 9; break;              // compute capability
    case 76: *value = 0; break;
    case 97: *value = 232448; break;         // shared memory of a block that asks for it
    case 115: *value = 1; break;             // memory pools
    default: *value = 0;
    }
    return OK;
}
API cuDeviceGetDefaultMemPool(void** pool, int) { *pool = &context; return OK; }
API cuDeviceGetMemPool(void** pool, int) { *pool = &context; return OK; }
API cuMemPoolSetAttribute(void*, int, void*) { return OK; }
API cuMemPoolGetAttribute(void*, int attribute, uint64_t* value) { *value = attribute >= 5 ? n_used : 0; return OK; }
API cuMemPoolTrimTo(void*, size_t) { return OK; }
API cuDevicePrimaryCtxRetain(void** to, int) { *to = &context; return OK; }
API cuDevicePrimaryCtxRelease_v2(int) { return OK; }
API cuCtxSetCurrent(void* c) { current_context = c; return OK; }
API cuCtxGetCurrent(void** c) { *c = current_context; return OK; }
API cuCtxGetDevice(int* device) { *device = current_device; return OK; }
API cuCtxSynchronize() { return OK; }
API cuCtxSetFlags(unsigned) { return OK; }
API cuCtxGetStreamPriorityRange(int* low, int* high) { *low = *high = 0; return OK; }

API cuStreamCreate(void** stream, unsigned) { *stream = malloc(1); return OK; }
API cuStreamCreateWithPriority(void** stream, unsigned, int) { *stream = malloc(1); return OK; }
API cuStreamDestroy_v2(void* stream) { free(stream); return OK; }
API cuStreamSynchronize(void*) { return OK; }
API cuStreamQuery(void*) { return OK; }
API cuStreamWaitEvent(void*, void*, unsigned) { return OK; }
API cuStreamIsCapturing(void*, int* status) { *status = 0; return OK; }
API cuLaunchHostFunc(void*, void (*f)(void*), void* data) { f(data); return OK; }

using Clock = std::chrono::steady_clock;
API cuEventCreate(void** event, unsigned) { *event = new Clock::time_point; return OK; }
API cuEventDestroy_v2(void* event) { delete (Clock::time_point*)event; return OK; }
API cuEventRecord(void* event, void*) { *(Clock::time_point*)event = Clock::now(); return OK; }
API cuEventQuery(void*) { return OK; }
API cuEventSynchronize(void*) { return OK; }
API cuEventElapsedTime(float* ms, void* start, void* end) {
    *ms = std::chrono::duration<float, std::milli>(*(Clock::time_point*)end - *(Clock::time_point*)start).count();
    return OK;
}
API cuEventElapsedTime_v2(float* ms, void* start, void* end) { return cuEventElapsedTime(ms, start, end); }

API cuMemGetInfo_v2(size_t* unused, size_t* total) {
    std::lock_guard<std::recursive_mutex> guard(lock);
    *total = memory_size();
    *unused = n_used < *total ? *total - n_used : 0;
    return OK;
}
API cuMemAlloc_v2(uintptr_t* to, size_t n) { return allocate(to, n); }
API cuMemAllocAsync(uintptr_t* to, size_t n, void*) { return allocate(to, n); }
API cuMemFree_v2(uintptr_t at) { return release(at); }
API cuMemFreeAsync(uintptr_t at, void*) { return release(at); }
API cuMemHostAlloc(void** to, size_t n, unsigned) { *to = aligned_alloc(PAGE, (n + PAGE - 1) / PAGE * PAGE); return *to ? OK : OUT_OF_MEMORY; }
API cuMemAllocHost_v2(void** to, size_t n) { return cuMemHostAlloc(to, n, 0); }
API cuMemFreeHost(void* at) { free(at); return OK; }
API cuMemcpyHtoD_v2(uintptr_t to, const void* from, size_t n) { return copy(to, (uintptr_t)from, n, true, false); }
API cuMemcpyHtoDAsync_v2(uintptr_t to, const void* from, size_t n, void*) { return copy(to, (uintptr_t)from, n, true, false); }
API cuMemcpyDtoH_v2(void* to, uintptr_t from, size_t n) { return copy((uintptr_t)to, from, n, false, true); }
API cuMemcpyDtoHAsync_v2(void* to, uintptr_t from, size_t n, void*) { return copy((uintptr_t)to, from, n, false, true); }
API cuMemcpyDtoD_v2(uintptr_t to, uintptr_t from, size_t n) { return copy(to, from, n, true, true); }
API cuMemcpyDtoDAsync_v2(uintptr_t to, uintptr_t from, size_t n, void*) { return copy(to, from, n, true, true); }
API cuMemsetD8_v2(uintptr_t at, unsigned char value, size_t n) {
    if (n && !within(at, n)) return INVALID_VALUE;
    memset((void*)at, value, n);
    return OK;
}
API cuMemsetD8Async(uintptr_t at, unsigned char value, size_t n, void*) { return cuMemsetD8_v2(at, value, n); }
API cuMemsetD32_v2(uintptr_t at, unsigned value, size_t n) {
    if (n && !within(at, 4 * n)) return INVALID_VALUE;
    for (size_t i = 0; i < n; i++) ((unsigned*)at)[i] = value;
    return OK;
}
API cuMemsetD32Async(uintptr_t at, unsigned value, size_t n, void*) { return cuMemsetD32_v2(at, value, n); }

/// The image is what the fake NVRTC wrote: a first line, and in the second the path of a shared object.
API cuModuleLoadData(void** module, const void* image) {
    static const char MARK[] = "// emulated kernels\n";
    if (is("old_driver")) return UNSUPPORTED_PTX;
    if (strncmp((const char*)image, MARK, sizeof MARK - 1)) {
        fprintf(stderr, "fake CUDA: the image was not made by the fake NVRTC\n");
        return INVALID_IMAGE;
    }
    std::string path((const char*)image + sizeof MARK - 1);
    path = path.substr(0, path.find('\n'));
    *module = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!*module) fprintf(stderr, "fake CUDA: %s\n", dlerror());
    return *module ? OK : INVALID_IMAGE;
}
API cuModuleUnload(void*) { return OK; } // its functions may still be held
API cuModuleGetFunction(void** to, void* module, const char* name) {
    auto call = (int (*)(const Launch*))dlsym(module, (std::string(name) + "__call").c_str());
    if (!call) return NOT_FOUND;
    *to = new Function{name, call, module};
    return OK;
}
API cuModuleGetGlobal_v2(uintptr_t*, size_t*, void*, const char*) { return NOT_FOUND; }
API cuFuncSetAttribute(void*, int, int) { return OK; }
API cuFuncGetAttribute(int* value, int, void*) { *value = 0; return OK; }
API cuOccupancyMaxActiveBlocksPerMultiprocessor(int* n, void*, int, size_t) { *n = 8; return OK; }
API cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* n, void*, int, size_t, unsigned) { *n = 8; return OK; }
API cuLaunchKernel(void* function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned, void*, void** arguments, void**) {
    if (backwards < 0) backwards = getenv("FAKE_CUDA_BACKWARDS") != nullptr;
    return run((Function*)function, {{gx, gy, gz}, {bx, by, bz}, arguments, backwards});
}
