#pragma once
// A disk that gets full: the limit of a process's files.

#include <csignal>

#include <sys/resource.h>

namespace test {

/// Files of this process grow no further, for a while.
class full_disk {
public:
    explicit full_disk(rlim_t bytes) : before_(std::signal(SIGXFSZ, SIG_IGN))
    {
        ::getrlimit(RLIMIT_FSIZE, &limit_);
        rlimit now = limit_;
        now.rlim_cur = bytes;
        ::setrlimit(RLIMIT_FSIZE, &now);
    }
    full_disk(const full_disk&) = delete;
    full_disk& operator=(const full_disk&) = delete;
    ~full_disk()
    {
        ::setrlimit(RLIMIT_FSIZE, &limit_);
        std::signal(SIGXFSZ, before_);
    }

private:
    rlimit limit_{};
    void (*before_)(int);
};

} // namespace test
