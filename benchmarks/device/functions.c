/* The largest errors of the functions of net.h in float, in units in the last place. */
#include <stdio.h>
#include "net.h"

static double error(float found, double exact)
{
    int exponent;
    frexp(exact, &exponent);
    if (exponent < -125) exponent = -125;
    return fabs(found - exact) / ldexp(1.0, exponent - 24);
}

int main(void)
{
    double worst[3] = {0, 0, 0};
    uint32_t magnitude;
    int sign, k;
    for (magnitude = 0; magnitude < 0x7F800000u; magnitude += 1009) {
        for (sign = 0; sign < 2; sign++) {
            const uint32_t bits = magnitude | (uint32_t)sign << 31;
            double errors[3];
            float x;
            memcpy(&x, &bits, sizeof x);
            if (fabsf(x) > 87) continue;
            errors[0] = error(net_exp(x), exp(x));
            errors[1] = error(net_tanh(x), tanh(x));
            errors[2] = error(net_sigmoid(x), 1 / (1 + exp(-(double)x)));
            for (k = 0; k < 3; k++) {
                if (errors[k] > worst[k]) worst[k] = errors[k];
            }
        }
    }
    for (k = 0; k < 3; k++) printf("%.2f ", worst[k]);
    return 0;
}
