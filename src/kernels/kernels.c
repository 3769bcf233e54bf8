/* SPDX-License-Identifier: Apache-2.0 */
/* Fills the kernel table: scalar rows first, better ones over them. */
#include "kernels/kernels.h"

#define ONR_KERNEL_FAMILY(family)                                                                  \
    void onr_fill_##family##__scalar(struct onr_kernels *kernels);                                 \
    void onr_fill_##family##__avx2(struct onr_kernels *kernels);                                   \
    void onr_fill_##family##__avx512(struct onr_kernels *kernels);
#define ONR_SCALAR_FAMILY(family) void onr_fill_##family##__scalar(struct onr_kernels *kernels);
#include "kernels/kernel_list.h"
#undef ONR_KERNEL_FAMILY
#undef ONR_SCALAR_FAMILY

void onr_kernels_init(struct onr_kernels *kernels, enum onr_isa isa)
{
    *kernels = (struct onr_kernels){.isa = isa};
#define ONR_KERNEL_FAMILY(family) onr_fill_##family##__scalar(kernels);
#define ONR_SCALAR_FAMILY(family) onr_fill_##family##__scalar(kernels);
#include "kernels/kernel_list.h"
#undef ONR_KERNEL_FAMILY
#undef ONR_SCALAR_FAMILY
#define ONR_SCALAR_FAMILY(family)
    if (isa >= ONR_ISA_AVX2) {
#define ONR_KERNEL_FAMILY(family) onr_fill_##family##__avx2(kernels);
#include "kernels/kernel_list.h"
#undef ONR_KERNEL_FAMILY
    }
    if (isa >= ONR_ISA_AVX512) {
#define ONR_KERNEL_FAMILY(family) onr_fill_##family##__avx512(kernels);
#include "kernels/kernel_list.h"
#undef ONR_KERNEL_FAMILY
    }
#undef ONR_SCALAR_FAMILY
}

const char *onr_kernels_part(uint32_t at)
{
#define PART_NAME(name)                                                                            \
    if (at < ONR_KERNEL_AT(name) + sizeof(struct onr_##name##_kernels)) {                          \
        return #name;                                                                              \
    }
    ONR_KERNELS_LIST(PART_NAME)
#undef PART_NAME
    return "";
}
