/* Number of threads that a parallel region may have, and a clock.
 *
 * After a fork, GNU's OpenMP waits forever for the threads of the parent. If it cannot start a
 * thread, it ends the process. Therefore, when a thread first asks for more threads than before,
 * this number of threads is started and ended once. Threads that the system refuses are not used.
 */
#ifndef SKLSTM_THREADS_H
#define SKLSTM_THREADS_H

#ifdef _OPENMP
#include <omp.h>
/* A monotonic clock, because a wall clock may jump. */
static double sklstm_seconds(void) { return omp_get_wtime(); }
#else
static double sklstm_seconds(void) { return 0; } /* only needed with several threads */
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

/* Number of threads, of at most n, that can run at the same time, including this one. */
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
