// CUDA C++ on the CPU: what a kernel's source needs to be compiled by g++, and the scheduler that runs its threads.
//
// Each thread of a block runs on a fibre until it meets a barrier or a warp exchange; whoever waits is parked, and goes on when all
// that must come have come. So a barrier that only some threads reach is found, and reported, instead of hanging. A kernel without
// barriers runs on one fibre from its first thread to its last. One block runs after the other; threads and blocks run forwards or
// backwards, as the launch says: a kernel whose results differ between the two has a race.
//
// Shared memory is filled with 0xFF (not a number in any float type) before each block.
#pragma once
#include <csetjmp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <tuple>
#include <ucontext.h>
#include <utility>
#include <vector>

#define EMULATED 1
#define __global__
#define __device__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __constant__ static const
#define __shared__ static __attribute__((section("shared_memory")))

// Bounds of the section, given by the linker.
extern "C" char __start_shared_memory[] __attribute__((weak, visibility("hidden")));
extern "C" char __stop_shared_memory[] __attribute__((weak, visibility("hidden")));

struct uint3 {
    unsigned x, y, z;
};
static uint3 threadIdx, blockIdx, blockDim, gridDim;

namespace emulator {

/// What the driver hands over. The layout is known to `cuda.cpp` as well.
struct Launch {
    unsigned grid[3], block[3];
    void** arguments;
    int backwards;
};

enum State { IDLE, RUNNING, READY, AT_BLOCK, AT_WARP, DONE };

struct Fibre {
    ucontext_t context;
    jmp_buf place;
    bool started = false;
    void* stack = nullptr;
    unsigned thread = 0;
    State state = IDLE;
};

static std::vector<Fibre*> fibres;
static Fibre* current;
static jmp_buf scheduler;
static unsigned n_threads, n_started;
static bool backwards;
static void (*body)(void*);
static void* body_data;
static std::vector<State> states;
/// What lanes give each other: two buffers, as a lane can be one exchange ahead of another.
static std::vector<uint64_t> slots[2];
static std::vector<unsigned char> parity;

constexpr size_t STACK = 96 << 10;

static unsigned nth(unsigned i, unsigned n) { return backwards ? n - 1 - i : i; }

static void place_thread(unsigned thread) {
    threadIdx = {thread % blockDim.x, thread / blockDim.x % blockDim.y, thread / (blockDim.x * blockDim.y)};
}

/// Runs threads that nobody has begun, until there are none or one has to wait.
static void fibre_main() {
    for (;;) {
        while (n_started < n_threads) {
            current->thread = nth(n_started++, n_threads);
            current->state = RUNNING;
            states[current->thread] = RUNNING;
            place_thread(current->thread);
            body(body_data);
            states[current->thread] = DONE;
        }
        current->state = IDLE;
        if (!_setjmp(current->place)) _longjmp(scheduler, 1);
    }
}

static void resume(Fibre* fibre) {
    current = fibre;
    place_thread(fibre->thread);
    if (_setjmp(scheduler)) return;
    if (fibre->started) _longjmp(fibre->place, 1);
    fibre->started = true;
    getcontext(&fibre->context);
    if (!fibre->stack) fibre->stack = malloc(STACK);
    fibre->context.uc_stack.ss_sp = fibre->stack;
    fibre->context.uc_stack.ss_size = STACK;
    fibre->context.uc_link = nullptr;
    makecontext(&fibre->context, fibre_main, 0);
    setcontext(&fibre->context);
}

static void wait_at(State where) {
    Fibre* self = current;
    self->state = where;
    states[self->thread] = where;
    if (!_setjmp(self->place)) _longjmp(scheduler, 1);
    self->state = RUNNING;
    states[self->thread] = RUNNING;
}

/// Lets go on who waits at `where`, if all live threads of `first..end` do.
static bool release(State where, unsigned first, unsigned end) {
    bool any = false;
    for (unsigned i = first; i < end; i++) {
        if (states[i] == DONE) continue;
        if (states[i] != where) return false;
        any = true;
    }
    for (unsigned i = first; any && i < end; i++)
        if (states[i] == where) states[i] = READY;
    return any;
}

/// True if all threads of the block ran to their end.
static bool run_block() {
    n_started = 0;
    states.assign(n_threads, IDLE);
    parity.assign(n_threads, 0);
    if (__start_shared_memory) memset(__start_shared_memory, 0xFF, __stop_shared_memory - __start_shared_memory);
    while (n_started < n_threads) {
        Fibre* free = nullptr;
        for (Fibre* fibre : fibres)
            if (fibre->state == IDLE) {
                free = fibre;
                break;
            }
        if (!free) fibres.push_back(free = new Fibre);
        resume(free);
    }
    for (;;) {
        bool released = false;
        for (unsigned first = 0; first < n_threads; first += 32)
            released |= release(AT_WARP, first, first + 32 < n_threads ? first + 32 : n_threads);
        if (!released) released = release(AT_BLOCK, 0, n_threads);
        if (!released) {
            for (unsigned i = 0; i < n_threads; i++)
                if (states[i] != DONE) {
                    fprintf(stderr, "emulator: thread %u waits for others that never come (block %u %u %u)\n", i, blockIdx.x, blockIdx.y, blockIdx.z);
                    return false;
                }
            return true;
        }
        for (unsigned i = 0; i < fibres.size(); i++) {
            Fibre* fibre = fibres[nth(i, fibres.size())];
            if (fibre->state != IDLE && states[fibre->thread] == READY) resume(fibre);
        }
    }
}

template <class F> int launch(const Launch& l, F f) {
    for (Fibre* fibre : fibres) {
        // What a launch that broke off has left.
        fibre->started = false;
        fibre->state = IDLE;
    }
    gridDim = {l.grid[0], l.grid[1], l.grid[2]};
    blockDim = {l.block[0], l.block[1], l.block[2]};
    backwards = l.backwards;
    n_threads = blockDim.x * blockDim.y * blockDim.z;
    for (auto& buffer : slots) buffer.assign(n_threads, 0);
    body = [](void* data) { (*static_cast<F*>(data))(); };
    body_data = &f;
    size_t n_blocks = size_t(gridDim.x) * gridDim.y * gridDim.z;
    for (size_t i = 0; i < n_blocks; i++) {
        size_t block = backwards ? n_blocks - 1 - i : i;
        blockIdx = {unsigned(block % gridDim.x), unsigned(block / gridDim.x % gridDim.y), unsigned(block / (size_t(gridDim.x) * gridDim.y))};
        if (!run_block()) return 1;
    }
    return 0;
}

template <class... A, size_t... I> void apply(void (*kernel)(A...), void** arguments, std::index_sequence<I...>) {
    kernel(*static_cast<A*>(arguments[I])...);
}
template <class... A> void apply(void (*kernel)(A...), void** arguments) {
    apply(kernel, arguments, std::index_sequence_for<A...>());
}

template <class V> V exchange(V value, unsigned lane_of_other) {
    unsigned self = current->thread, at = parity[self] ^= 1;
    uint64_t bits = 0;
    static_assert(sizeof(V) <= sizeof bits);
    memcpy(&bits, &value, sizeof value);
    slots[at][self] = bits;
    wait_at(AT_WARP);
    unsigned other = self / 32 * 32 + lane_of_other;
    // A lane outside the block gives rubbish, as on a device.
    bits = lane_of_other < 32 && other < n_threads ? slots[at][other] : ~uint64_t(0);
    memcpy(&value, &bits, sizeof value);
    return value;
}

} // namespace emulator

static inline void __syncthreads() { emulator::wait_at(emulator::AT_BLOCK); }
static inline void __syncwarp(unsigned = ~0u) { emulator::wait_at(emulator::AT_WARP); }
template <class V> static inline V __shfl_xor_sync(unsigned, V value, unsigned mask) {
    return emulator::exchange(value, (emulator::current->thread % 32) ^ mask);
}
template <class V> static inline V __shfl_down_sync(unsigned, V value, unsigned by) {
    unsigned lane = emulator::current->thread % 32;
    return emulator::exchange(value, lane + by < 32 ? lane + by : lane);
}
template <class V> static inline V __shfl_sync(unsigned, V value, unsigned lane) { return emulator::exchange(value, lane); }

static inline unsigned __float_as_uint(float x) { unsigned u; memcpy(&u, &x, 4); return u; }
static inline float __uint_as_float(unsigned u) { float x; memcpy(&x, &u, 4); return x; }
static inline unsigned __umulhi(unsigned a, unsigned b) { return unsigned((uint64_t(a) * b) >> 32); }
static inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }
