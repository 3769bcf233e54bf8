/* SPDX-License-Identifier: Apache-2.0 */
/* CPU detection; the compiler's builtin also asks the operating system for the register state. */
#include "kernels/cpu.h"

#include <stddef.h>
#include <string.h>

static const char *const isa_names[ONR_ISA_COUNT] = {"scalar", "avx2", "avx512"};

enum onr_isa onr_cpu_isa(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_cpu_init();
    int has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                   __builtin_cpu_supports("bmi2");
    int has_avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                     __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    if (has_avx2) {
        return has_avx512 ? ONR_ISA_AVX512 : ONR_ISA_AVX2;
    }
#endif
    return ONR_ISA_SCALAR;
}

bool onr_cpu_has_vnni(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512vnni") != 0;
#else
    return false;
#endif
}

enum onr_isa onr_cpu_isa_capped(const char *max_isa)
{
    enum onr_isa best = onr_cpu_isa();
    for (int i = 0; max_isa != NULL && i < ONR_ISA_COUNT; i++) {
        if (strcmp(max_isa, isa_names[i]) == 0 && (enum onr_isa)i < best) {
            return (enum onr_isa)i;
        }
    }
    return best;
}

const char *onr_isa_name(enum onr_isa isa)
{
    return isa_names[isa];
}
