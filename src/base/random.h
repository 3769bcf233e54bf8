/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random numbers as a function of a key and a counter: number i is computed without those before it, so that any
 * number of threads makes the same ones. The function is Philox 4x32 with 10 rounds: Salmon, Moraes, Dror, Shaw,
 * "Parallel random numbers: as easy as 1, 2, 3", SC 2011. Not for cryptography.
 */
#ifndef ONR_BASE_RANDOM_H
#define ONR_BASE_RANDOM_H

#include <stdint.h>

/* 128 random bits. */
struct onr_random_block {
    uint64_t bits[2];
};

#define ONR_PHILOX_ROUNDS 10

/* The block at counter high * 2^64 + low of the stream that key names. */
static inline struct onr_random_block onr_random_block(uint64_t key, uint64_t low, uint64_t high)
{
    uint32_t counter[4] = {(uint32_t)low, (uint32_t)(low >> 32), (uint32_t)high,
                           (uint32_t)(high >> 32)};
    uint32_t key0 = (uint32_t)key;
    uint32_t key1 = (uint32_t)(key >> 32);
    for (int round = 0; round < ONR_PHILOX_ROUNDS; round++) {
        uint64_t product0 = (uint64_t)0xd2511f53u * counter[0];
        uint64_t product1 = (uint64_t)0xcd9e8d57u * counter[2];
        uint32_t next0 = (uint32_t)(product1 >> 32) ^ counter[1] ^ key0;
        uint32_t next2 = (uint32_t)(product0 >> 32) ^ counter[3] ^ key1;
        counter[0] = next0;
        counter[1] = (uint32_t)product1;
        counter[2] = next2;
        counter[3] = (uint32_t)product0;
        key0 += 0x9e3779b9u;
        key1 += 0xbb67ae85u;
    }
    return (struct onr_random_block){
        {(uint64_t)counter[1] << 32 | counter[0], (uint64_t)counter[3] << 32 | counter[2]}};
}

/* A key that depends on another key and two numbers. */
static inline uint64_t onr_random_derive(uint64_t key, uint64_t a, uint64_t b)
{
    return onr_random_block(key, a, b).bits[0];
}

#endif
