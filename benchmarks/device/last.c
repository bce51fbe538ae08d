/* The predictions of net.h for sequences on stdin: for each its number of steps, then these. */
#include <stdio.h>
#include "net.h"

int main(void)
{
    net_state state;
    net_real x[NET_FEATURES];
    int n_steps, k;
    double value;
    while (scanf("%d", &n_steps) == 1) {
        net_reset(&state);
        while (n_steps--) {
            for (k = 0; k < NET_FEATURES; k++) {
                if (scanf("%lf", &value) != 1) return 1;
                x[k] = (net_real)value;
            }
            if (!net_step(&state, x)) return 2;
        }
        printf("%d ", net_predict(&state));
    }
    return 0;
}
