/* A gate for parameters that many threads read and one thread at a time changes.

   Readers enter at the same time. The writer closes the gate, waits until the readers inside have
   left, changes the parameters, and opens the gate again. No Python code runs inside. */

#ifndef SKLSTM_GATE_H
#define SKLSTM_GATE_H

#include "atomic.h"

typedef struct {
    atomic_number readers; /* inside, or about to leave because the gate is closed */
    atomic_number closed;
} gate_t;

static inline void gate_reset(gate_t *gate) {
    atomic_write(&gate->readers, 0);
    atomic_write(&gate->closed, 0);
}

static inline void gate_leave(gate_t *gate) {
    if (gate) atomic_add(&gate->readers, -1);
}

static inline void gate_enter(gate_t *gate) {
    if (!gate) return;
    for (;;) {
        atomic_add(&gate->readers, 1);
        if (!atomic_read(&gate->closed)) return;
        gate_leave(gate); /* the writer goes first */
        while (atomic_read(&gate->closed)) let_others_run();
    }
}

/* Called by one thread at a time, which holds a lock. */
static inline void gate_close(gate_t *gate) {
    if (!gate) return;
    atomic_write(&gate->closed, 1);
    while (atomic_read(&gate->readers)) let_others_run();
}

static inline void gate_open(gate_t *gate) {
    if (gate) atomic_write(&gate->closed, 0);
}

#endif
