#include "base/cgroup.hpp"

#include "support/temp_dir.hpp"

#include <doctest/doctest.h>

namespace {

using weir::detail::cgroup_cores;
using weir::detail::cgroup_memory_bytes;

TEST_CASE("cgroup: the least limit of version 2 counts, of the own group and of those above")
{
    const test::temp_dir root;
    root.write("proc/self/cgroup", "0::/user/session 1/job\n");
    root.write("sys/fs/cgroup/user/session 1/job/cpu.max", "max 100000\n");
    root.write("sys/fs/cgroup/user/session 1/cpu.max", "150000 100000\n");
    root.write("sys/fs/cgroup/user/cpu.max", "400000 100000\n");
    root.write("sys/fs/cgroup/user/session 1/job/memory.max", "1000000\n");
    root.write("sys/fs/cgroup/user/memory.max", "max\n");
    CHECK(cgroup_cores(root.path()) == 1.5);
    CHECK(cgroup_memory_bytes(root.path()) == 1'000'000);
}

TEST_CASE("cgroup: version 1 has a hierarchy for each controller, and says -1 or a huge number where it has no limit")
{
    const test::temp_dir root;
    root.write("proc/self/cgroup", "9:memory:/a\n4:cpuacct,cpu:/a/b\n1:name=systemd:/\n0::/a\n");
    root.write("sys/fs/cgroup/cpu/a/b/cpu.cfs_quota_us", "-1\n");
    root.write("sys/fs/cgroup/cpu/a/b/cpu.cfs_period_us", "100000\n");
    root.write("sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "50000\n");
    root.write("sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000\n");
    root.write("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "50331648\n");
    root.write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    CHECK(cgroup_cores(root.path()) == 0.5);
    CHECK(cgroup_memory_bytes(root.path()) == 50'331'648);
}

TEST_CASE("cgroup: in a container the group's name is the host's, and its files are at the root")
{
    const test::temp_dir root;
    root.write("proc/self/cgroup", "0::/docker/0123\n");
    root.write("sys/fs/cgroup/cpu.max", "200000 100000\n");
    CHECK(cgroup_cores(root.path()) == 2);
    CHECK_FALSE(cgroup_memory_bytes(root.path()).has_value());
}

TEST_CASE("cgroup: what is not there or says nothing limits nothing")
{
    const test::temp_dir root;
    CHECK_FALSE(cgroup_cores(root.path()).has_value());
    root.write("proc/self/cgroup", "nothing\n0::\n0::/a\n");
    root.write("sys/fs/cgroup/a/cpu.max", "0 100000\n");
    root.write("sys/fs/cgroup/a/memory.max", "\n");
    CHECK_FALSE(cgroup_cores(root.path()).has_value());
    CHECK_FALSE(cgroup_memory_bytes(root.path()).has_value());
}

} // namespace
