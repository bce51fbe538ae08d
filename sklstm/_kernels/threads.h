/* How many threads a parallel region may have here, and what time it is.
 *
 * GNU's OpenMP waits for ever for threads that a fork has left behind, and ends the process where
 * it cannot start one. So the first region of a thread that asks for more than any before starts
 * and ends as many by itself: those that the system refuses are not asked for.
 */
#ifndef SKLSTM_THREADS_H
#define SKLSTM_THREADS_H

#ifdef _OPENMP
#include <omp.h>
/* No wall clock: that may jump. */
static double sklstm_seconds(void) { return omp_get_wtime(); }
#else
static double sklstm_seconds(void) { return 0; } /* asked for where there are several threads */
#endif

#if defined(_OPENMP) && !defined(_WIN32)
#include <pthread.h>
#include <stdlib.h>

static int sklstm_is_child = 0;
static void sklstm_in_child(void) { sklstm_is_child = 1; }
__attribute__((constructor)) static void sklstm_watch_forks(void) {
    pthread_atfork(NULL, NULL, sklstm_in_child);
}

static void *sklstm_wait(void *gate) {
    pthread_mutex_lock((pthread_mutex_t *) gate);
    pthread_mutex_unlock((pthread_mutex_t *) gate);
    return NULL;
}

/* As many of n threads as can be there at the same time, this one among them. */
static int sklstm_startable(int n) {
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    pthread_t *others = malloc((size_t) n * sizeof *others);
    int k, started = 0;
    if (!others) return 1;
    pthread_mutex_lock(&gate);
    while (started < n - 1 && pthread_create(&others[started], NULL, sklstm_wait, &gate) == 0)
        started++;
    pthread_mutex_unlock(&gate);
    for (k = 0; k < started; k++) pthread_join(others[k], NULL);
    free(others);
    return started + 1;
}

static inline int sklstm_threads_here(int n) {
    static __thread int known = 1; /* of this thread, whose pool is its own */
    if (n <= 1 || sklstm_is_child) return 1;
    if (n > known) {
        int found = sklstm_startable(n);
        if (found < n) return found;
        known = n;
    }
    return n;
}
#else
static inline int sklstm_threads_here(int n) { return n > 1 ? n : 1; }
#endif

#endif
