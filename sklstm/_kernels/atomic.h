/* Sequentially consistent atomic numbers that threads share, and ways to wait. */
#ifndef SKLSTM_ATOMIC_H
#define SKLSTM_ATOMIC_H

#ifdef _MSC_VER
#define WIN32_LEAN_AND_MEAN
#define NOMINMAX
#include <windows.h>
typedef volatile LONG64 atomic_number;
static __inline long long atomic_read(atomic_number *x) { return InterlockedOr64(x, 0); }
static __inline void atomic_write(atomic_number *x, long long y) { InterlockedExchange64(x, y); }
/* The number before. */
static __inline long long atomic_add(atomic_number *x, long long n) {
    return InterlockedExchangeAdd64(x, n);
}
static __inline void let_others_run(void) { SwitchToThread(); }
static __inline void short_sleep(double seconds) { Sleep(1 + (DWORD)(1000 * seconds)); }
#else
#include <sched.h>
#include <time.h>
typedef long long atomic_number;
static inline long long atomic_read(atomic_number *x) {
    return __atomic_load_n(x, __ATOMIC_SEQ_CST);
}
static inline void atomic_write(atomic_number *x, long long y) {
    __atomic_store_n(x, y, __ATOMIC_SEQ_CST);
}
static inline long long atomic_add(atomic_number *x, long long n) {
    return __atomic_fetch_add(x, n, __ATOMIC_SEQ_CST);
}
static inline void let_others_run(void) { sched_yield(); }
static inline void short_sleep(double seconds) {
    struct timespec pause = {0, (long)(1e9 * seconds)};
    nanosleep(&pause, 0);
}
#endif

/* The number before. */
static inline long long atomic_count(atomic_number *x) { return atomic_add(x, 1); }

#endif
