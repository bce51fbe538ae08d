/* A gate in front of parameters that many threads read, and one at a time moves.

   Readers go in side by side. Who moves the parameters closes the gate, waits until the readers
   inside have left, and opens it again. Nothing of Python runs inside. */

#ifndef SKLSTM_GATE_H
#define SKLSTM_GATE_H

#if defined(_WIN32)
#include <windows.h>
#define sklstm_let_others_run() SwitchToThread()
#else
#include <sched.h>
#define sklstm_let_others_run() sched_yield()
#endif

#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#define sklstm_add(place, n) _InterlockedExchangeAdd(place, n)
#define sklstm_read(place) _InterlockedExchangeAdd(place, 0)
#define sklstm_write(place, value) _InterlockedExchange(place, value)
#else
#define sklstm_add(place, n) __atomic_fetch_add(place, n, __ATOMIC_SEQ_CST)
#define sklstm_read(place) __atomic_load_n(place, __ATOMIC_SEQ_CST)
#define sklstm_write(place, value) __atomic_store_n(place, value, __ATOMIC_SEQ_CST)
#endif

typedef struct {
    volatile long readers; /* that are inside, or about to leave since it is closed */
    volatile long closed;
} gate_t;

static inline void gate_reset(gate_t *gate) {
    sklstm_write(&gate->readers, 0);
    sklstm_write(&gate->closed, 0);
}

static inline void gate_leave(gate_t *gate) {
    if (gate) sklstm_add(&gate->readers, -1);
}

static inline void gate_enter(gate_t *gate) {
    if (!gate) return;
    for (;;) {
        sklstm_add(&gate->readers, 1);
        if (!sklstm_read(&gate->closed)) return;
        gate_leave(gate); /* who moves the parameters goes first */
        while (sklstm_read(&gate->closed)) sklstm_let_others_run();
    }
}

/* Only one thread at a time, which holds a lock. */
static inline void gate_close(gate_t *gate) {
    if (!gate) return;
    sklstm_write(&gate->closed, 1);
    while (sklstm_read(&gate->readers)) sklstm_let_others_run();
}

static inline void gate_open(gate_t *gate) {
    if (gate) sklstm_write(&gate->closed, 0);
}

#endif
