/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"
#include "support/test.h"

/* The known answers that the authors distribute with their library (Random123, kat_vectors). */
static void philox_gives_the_known_answers(void **state)
{
    (void)state;
    struct onr_random_block block = onr_random_block(0, 0, 0);
    assert_true(block.bits[0] == 0xe169c58d6627e8d5u && block.bits[1] == 0x9b00dbd8bc57ac4cu);
    block = onr_random_block(UINT64_MAX, UINT64_MAX, UINT64_MAX);
    assert_true(block.bits[0] == 0x41c83b0e408f276du && block.bits[1] == 0x6d5451fda20bc7c6u);
    block = onr_random_block(0x299f31d0a4093822u, 0x85a308d3243f6a88u, 0x0370734413198a2eu);
    assert_true(block.bits[0] == 0x94fdccebd16cfe09u && block.bits[1] == 0x24126ea15001e420u);
}

static void derived_keys_depend_on_all_numbers(void **state)
{
    (void)state;
    uint64_t keys[] = {onr_random_derive(1, 0, 0), onr_random_derive(0, 1, 0),
                       onr_random_derive(0, 0, 1), onr_random_derive(0, 0, 0)};
    for (int i = 0; i < 4; i++) {
        for (int k = 0; k < i; k++) {
            assert_true(keys[i] != keys[k]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_gives_the_known_answers),
        cmocka_unit_test(derived_keys_depend_on_all_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
