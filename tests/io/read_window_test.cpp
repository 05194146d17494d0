#include "files/read_window.hpp"

#include "files/fault_injection.hpp"
#include "support/allocation_counter.hpp"

#include <weir/buffer_pool.hpp>
#include <weir/file_handle.hpp>

#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string>

#include <unistd.h>

namespace {

namespace asio = boost::asio;
using weir::detail::read_service;
using weir::detail::read_window;

constexpr std::size_t block = 64 * 1024;

/// Reads that wait until somebody cancels them: nobody writes to the pipe.
class waiting_reads {
public:
    explicit waiting_reads(read_service& service) : service_(service)
    {
        int ends[2];
        REQUIRE(::pipe(ends) == 0);
        out_ = std::make_shared<weir::file_handle>(ends[0]);
        in_ = weir::file_handle(ends[1]);
    }
    void push() { window.push(service_, out_, pool_.try_acquire(block).value(), 0, block, false); }
    [[nodiscard]] std::uint64_t bytes_in_use() { return pool_.statistics().in_use_bytes; }

private:
    read_service& service_;
    weir::buffer_pool pool_;
    std::shared_ptr<const weir::file_handle> out_;
    weir::file_handle in_;

public:
    read_window window;
};

/// From the moment that it is told to, there is no memory for a turn of the ring.
class no_memory final : public weir::detail::fault_injector {
public:
    bool on_turn() override { return is_so; }
    bool is_so = false;
};

/// The ring; null where there is none.
read_service* ring_or_skip(asio::io_context& context)
{
    std::string reason;
    read_service* ring = weir::detail::find_ring(context.get_executor(), reason);
    if (!ring)
        MESSAGE("skipped: ", reason);
    return ring;
}

/// Runs until all reads are back.
void run_down(asio::io_context& context, read_window& window)
{
    while (!window.all_done())
        REQUIRE(context.run_one_for(std::chrono::seconds(60)) != 0);
}

TEST_CASE("read window: reads of the ring are cancelled and forgotten without memory, with the kernel or before")
{
    for (const bool with_kernel : {false, true}) {
        CAPTURE(with_kernel);
        asio::io_context context;
        read_service* ring = ring_or_skip(context);
        if (!ring)
            return;
        waiting_reads reads(*ring);
        no_memory faults;
        const weir::detail::scoped_faults installed(faults);
        for (int i = 0; i != 300; ++i) // more than the ring takes
            reads.push();
        if (with_kernel)
            context.poll();
        CHECK_FALSE(reads.window.all_done());
        faults.is_so = true;
        test::fail_allocation_after(0);
        reads.window.cancel(); // these would end the process
        test::fail_allocation_after(0);
        reads.window.clear();
        test::allow_allocations();
        faults.is_so = false;
        context.restart();
        run_down(context, reads.window);
        CHECK(reads.bytes_in_use() == 0);
        CHECK(ring->counters().in_flight == 0);
    }
}

TEST_CASE("read window: a read that there is no memory for leaves nothing behind")
{
    asio::io_context context;
    read_service* ring = ring_or_skip(context);
    if (!ring)
        return;
    waiting_reads reads(*ring);
    no_memory faults;
    faults.is_so = true;
    const weir::detail::scoped_faults installed(faults);
    CHECK_THROWS_AS(reads.push(), std::bad_alloc);
    CHECK(reads.window.all_done());
    CHECK(ring->counters().in_flight == 0);
    faults.is_so = false;
    reads.push();
    reads.window.clear();
    run_down(context, reads.window);
    CHECK(reads.bytes_in_use() == 0);
}

} // namespace
