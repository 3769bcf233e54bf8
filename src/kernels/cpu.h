/* SPDX-License-Identifier: Apache-2.0 */
/* Which instruction sets this machine has. */
#ifndef ONR_KERNELS_CPU_H
#define ONR_KERNELS_CPU_H

#include <stdbool.h>

enum onr_isa {
    ONR_ISA_SCALAR,
    ONR_ISA_AVX2,   /* AVX2, FMA, F16C, BMI2 */
    ONR_ISA_AVX512, /* and AVX-512 F, BW, DQ, VL */
};
#define ONR_ISA_COUNT 3

/* The highest set that machine and operating system support. */
enum onr_isa onr_cpu_isa(void);

/*
 * The same, capped by a name ("scalar", "avx2", "avx512", "amx"); NULL or an unknown name does not
 * cap.
 */
enum onr_isa onr_cpu_isa_capped(const char *max_isa);

/* Whether a machine with AVX-512 also multiplies bytes with it (VNNI). */
bool onr_cpu_has_vnni(void);

/* "scalar", "avx2" or "avx512". */
const char *onr_isa_name(enum onr_isa isa);

#endif
