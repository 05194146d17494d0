#include "files/read_service.hpp"

#include <weir/error.hpp>

#include <cerrno>

namespace weir {
namespace detail {

void operation_list::push_back(std::unique_ptr<read_operation> operation) noexcept
{
    read_operation* added = operation.release();
    added->previous_ = last_;
    added->next_ = nullptr;
    (last_ ? last_->next_ : first_) = added;
    last_ = added;
    ++size_;
}

void operation_list::push_front(std::unique_ptr<read_operation> operation) noexcept
{
    read_operation* added = operation.release();
    added->previous_ = nullptr;
    added->next_ = first_;
    (first_ ? first_->previous_ : last_) = added;
    first_ = added;
    ++size_;
}

std::unique_ptr<read_operation> operation_list::remove(read_operation& operation) noexcept
{
    (operation.previous_ ? operation.previous_->next_ : first_) = operation.next_;
    (operation.next_ ? operation.next_->previous_ : last_) = operation.previous_;
    operation.previous_ = operation.next_ = nullptr;
    --size_;
    return std::unique_ptr<read_operation>(&operation);
}

read_operation* operation_list::find(std::uint64_t id) const noexcept
{
    read_operation* found = first_;
    while (found && found->id != id)
        found = found->next_;
    return found;
}

void operation_list::complete_all() noexcept
{
    while (std::unique_ptr<read_operation> operation = pop_front())
        operation->complete(operation->failure_, operation->count_);
}

void read_counters::started() noexcept
{
    const std::uint64_t now = in_flight.fetch_add(1, std::memory_order_relaxed) + 1;
    std::uint64_t peak = peak_in_flight.load(std::memory_order_relaxed);
    while (peak < now && !peak_in_flight.compare_exchange_weak(peak, now, std::memory_order_relaxed)) {
    }
}

void read_counters::finished(std::error_code failure, std::size_t count) noexcept
{
    in_flight.fetch_sub(1, std::memory_order_relaxed);
    reads.fetch_add(1, std::memory_order_relaxed);
    bytes.fetch_add(count, std::memory_order_relaxed);
    if (failure)
        failures.fetch_add(1, std::memory_order_relaxed);
}

void read_counters::read_directly(std::size_t count) noexcept
{
    direct_reads.fetch_add(1, std::memory_order_relaxed);
    reads.fetch_add(1, std::memory_order_relaxed);
    bytes.fetch_add(count, std::memory_order_relaxed);
}

bool is_passing_failure(long result) noexcept
{
    return result == -ECANCELED || result == -EINTR || result == -EAGAIN;
}

read_service& find_backend(const boost::asio::any_io_executor& executor, backend wanted)
{
    if (wanted == backend::threads)
        return find_threads(executor);
    if (wanted == backend::mmap)
        throw error(errc::backend_unavailable, "open", {}, std::nullopt, "mmap serves sources only");
    std::string reason;
    if (read_service* ring = find_ring(executor, reason))
        return *ring;
    if (wanted == backend::uring)
        throw error(errc::backend_unavailable, "open", "io_uring", std::nullopt, reason);
    return find_threads(executor);
}

} // namespace detail

backend resolve_backend(const boost::asio::any_io_executor& executor, backend wanted)
{
    return wanted == backend::mmap ? wanted : detail::find_backend(executor, wanted).kind();
}

reader_statistics file_statistics(const boost::asio::any_io_executor& executor)
{
    reader_statistics sum;
    const auto add = [&](detail::read_service& service) {
        const detail::read_counters& from = service.counters();
        sum.reads += from.reads;
        sum.bytes += from.bytes;
        sum.direct_reads += from.direct_reads;
        sum.direct_refused += from.direct_refused;
        sum.retries += from.retries;
        sum.failures += from.failures;
        sum.in_flight += from.in_flight;
        sum.peak_in_flight += from.peak_in_flight;
    };
    detail::read_service* ring = detail::find_ring(executor, sum.fallback);
    if (ring)
        add(*ring);
    add(detail::find_threads(executor));
    sum.backend = to_string(ring ? backend::uring : backend::threads);
    return sum;
}

} // namespace weir
