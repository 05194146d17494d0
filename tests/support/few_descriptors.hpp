#pragma once
// A process that may open hardly anything more.

#include <sys/resource.h>

namespace test {

/// Descriptors up to this number, for a while: 0 is none at all.
class few_descriptors {
public:
    explicit few_descriptors(rlim_t most)
    {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        rlimit now = before_;
        now.rlim_cur = most;
        ::setrlimit(RLIMIT_NOFILE, &now);
    }
    few_descriptors(const few_descriptors&) = delete;
    few_descriptors& operator=(const few_descriptors&) = delete;
    ~few_descriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

private:
    rlimit before_{};
};

} // namespace test
