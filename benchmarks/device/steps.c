/* On a Cortex-M4: instructions of a step of net.h, bytes of its state and of the stack, an output.
 *
 * Under QEMU's "-icount shift=0" an instruction takes a nanosecond. */
#include <stdio.h>
#include "net.h"

#define STEPS 1000
#define NANOSECONDS 40 /* of a tick: 25 MHz */
#define TIMER ((volatile uint32_t *)0xE000E010) /* SysTick: control, reload, value */
#define FILLED 4096 /* bytes of stack in which a step leaves its marks */

__attribute__((noinline)) void reset(net_state *s) { net_reset(s); }
__attribute__((noinline)) int step(net_state *s, const net_real *x) { return net_step(s, x); }
__attribute__((noinline)) net_real predict(const net_state *s) { return net_predict(s); }

/* How deep a step goes: what it leaves of a pattern below this function. */
__attribute__((noinline)) static int stack_of_a_step(net_state *s, const net_real *x)
{
    volatile unsigned char *top, *p;
    __asm__ volatile("mov %0, sp" : "=r"(top));
    for (p = top - FILLED; p < top; p++) *p = 0xA5;
    step(s, x);
    for (p = top - FILLED; *p == 0xA5; p++) continue;
    return (int)(top - p);
}

int main(void)
{
    static net_state state;
    net_real x[NET_FEATURES];
    uint32_t before, after;
    int t, k, stack;
    for (k = 0; k < NET_FEATURES; k++) x[k] = (net_real)(k - 3);
    reset(&state);
    stack = stack_of_a_step(&state, x);
    TIMER[1] = 0xFFFFFF;
    TIMER[2] = 0;
    TIMER[0] = 5;
    while (TIMER[2] == 0) continue;
    before = TIMER[2];
    for (t = 0; t < STEPS; t++) step(&state, x);
    after = TIMER[2];
    printf("%lu %u %d %g\n", (unsigned long)((before - after) & 0xFFFFFF) * NANOSECONDS / STEPS,
           (unsigned)sizeof state, stack, (double)predict(&state));
    return 0;
}
