/* SPDX-License-Identifier: Apache-2.0 */
/* parallel_for over OpenMP, or a plain loop in a build without it. */
#include "base/parallel.h"

#include "base/os.h"

void onr_parallel_init(struct onr_parallel *parallel, unsigned thread_count)
{
    unsigned count = thread_count != 0 ? thread_count : onr_os_default_threads();
    if (count > ONR_MAX_THREADS) {
        count = ONR_MAX_THREADS;
    }
#ifndef _OPENMP
    count = 1;
#endif
    *parallel = (struct onr_parallel){.thread_count = count, .owner_pid = onr_os_process_id()};
}

void onr_parallel_for(const struct onr_parallel *parallel, size_t count, size_t grain,
                      onr_task_fn fn, void *arg)
{
    if (count == 0) {
        return;
    }
    size_t ranges = grain > 1 ? count / grain : count;
    if (ranges > parallel->thread_count) {
        ranges = parallel->thread_count;
    }
    if (ranges <= 1 || onr_os_process_id() != parallel->owner_pid) {
        fn(arg, 0, count, 0);
        return;
    }
    size_t share = count / ranges;
    size_t rest = count % ranges;
#pragma omp parallel for num_threads((int)ranges) schedule(static, 1)
    for (size_t r = 0; r < ranges; r++) {
        size_t begin = r * share + (r < rest ? r : rest);
        fn(arg, begin, begin + share + (r < rest), (unsigned)r);
    }
}
