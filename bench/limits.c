/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this machine can do at most: float32 multiply-adds and bytes read from memory per second.
 *
 *     bench_limits            a table: each instruction set and thread count up to the default
 *     bench_limits THREADS    answers requests on the standard input, one per line:
 *                             "flops" with GFLOP/s of a short loop of multiply-adds, "bytes" with
 *                             GB/s of reading some megabytes, "isa" with the instruction set
 *
 * The short loop also is the canary of side_by_side.py and gate.py: it is slower whenever something
 * else uses the processors.
 */
#include "common/limits.h"

#include "base/os.h"
#include "kernels/cpu.h"

#include <string.h>

#define TABLE_SAMPLES 101
#define BLOCK_BYTES   ((size_t)256 << 20)

static void print_table(struct limits *limits, unsigned max_threads)
{
    printf("| threads | limit | best of %d |\n|---:|---|---:|\n", TABLE_SAMPLES);
    for (unsigned threads = 1; threads <= max_threads; threads++) {
        for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
            const char *name = onr_isa_name((enum onr_isa)isa);
            double best = 0;
            for (int i = 0; i < TABLE_SAMPLES; i++) {
                double rate = limits_sample_gflops(limits, name, threads);
                best = rate > best ? rate : best;
            }
            printf("| %u | float32, %s | %.1f GFLOP/s |\n", threads, isa == 0 ? "SSE" : name, best);
        }
        double best = 0;
        for (int i = 0; i < TABLE_SAMPLES; i++) {
            double rate = limits_sample_gbytes(limits, threads);
            best = rate > best ? rate : best;
        }
        printf("| %u | read, %d streams per thread | %.1f GB/s |\n", threads, LIMITS_STREAMS, best);
    }
}

static int serve(struct limits *limits, unsigned threads)
{
    char request[16];
    const char *isa = onr_isa_name(onr_cpu_isa());
    while (fgets(request, sizeof request, stdin) != NULL) {
        if (strcmp(request, "flops\n") == 0) {
            printf("%.3f\n", limits_sample_gflops(limits, isa, threads));
        } else if (strcmp(request, "bytes\n") == 0) {
            printf("%.3f\n", limits_sample_gbytes(limits, threads));
        } else if (strcmp(request, "isa\n") == 0) {
            printf("%s\n", isa);
        } else {
            tool_error("requests are \"flops\", \"bytes\" and \"isa\"");
            return EXIT_CODE_USAGE;
        }
        fflush(stdout);
    }
    return EXIT_CODE_OK;
}

int main(int argc, char **argv)
{
    int64_t threads = onr_os_default_threads();
    int code = EXIT_CODE_OK;
    tool_begin("bench_limits");
    if (argc > 1 && !tool_parse_int(argv[1], 1, LIMITS_MAX_THREADS, &threads)) {
        tool_error("usage: bench_limits [THREADS], 1 to %d", LIMITS_MAX_THREADS);
        return EXIT_CODE_USAGE;
    }
    struct limits *limits = limits_open((unsigned)threads, BLOCK_BYTES);
    if (argc > 1) {
        code = serve(limits, (unsigned)threads);
    } else {
        print_table(limits, (unsigned)threads);
    }
    limits_close(limits);
    return tool_end(code);
}
