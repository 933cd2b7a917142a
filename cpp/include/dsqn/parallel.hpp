// A loop over independent items, split over a few threads.
#pragma once

#include <cstddef>
#include <functional>

namespace dsqn {

// Calls work(worker, item) for every item < n_items. Worker 0 is the calling thread; workers
// take the next items as they finish theirs; where no more threads can be started, or others have
// done it all before they are awake, fewer do it. Threads are kept for the next loop. An exception
// in any worker stops the others and is thrown again here. While it only waits for the others, the
// calling thread calls idle() about every 20 ms; an exception from there stops them as well.
void parallel_for(int n_threads, std::size_t n_items,
                  const std::function<void(int, std::size_t)>& work,
                  const std::function<void()>& idle);

}  // namespace dsqn
