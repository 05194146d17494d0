#pragma once
// A file that is read at any offset, as Asio reads: completion tokens, executors, cancellation slots.

#include <weir/detail/pending.hpp>
#include <weir/export.hpp>
#include <weir/reading.hpp>
#include <weir/file_handle.hpp>
#include <weir/observer.hpp>
#include <weir/registry.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/system/error_code.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace weir {
namespace detail {

struct file_state; // the descriptor, its name and its back end; lives as long as any read
using read_completion = completion<boost::system::error_code, std::size_t>;

WEIR_API void start_read_at(const std::shared_ptr<file_state>& file, std::uint64_t offset,
                            boost::asio::mutable_buffer memory, read_completion handler);
WEIR_API void start_read_next(const std::shared_ptr<file_state>& file, boost::asio::mutable_buffer memory,
                              read_completion handler);

/// The first buffer of a sequence that is not empty.
template <class MutableBufferSequence>
boost::asio::mutable_buffer first_buffer(const MutableBufferSequence& buffers)
{
    const auto end = boost::asio::buffer_sequence_end(buffers);
    for (auto at = boost::asio::buffer_sequence_begin(buffers); at != end; ++at)
        if (const boost::asio::mutable_buffer buffer(*at); buffer.size() > 0)
            return buffer;
    return {};
}

} // namespace detail

/// How a low-level file is opened.
struct file_open_options {
    weir::backend backend = weir::backend::auto_;
    /// Around the page cache: offset, size and memory of every read must be aligned as the file system asks.
    bool direct = false;
    /// Where the file is registered as long as it is open. A clean-up closes it when its last read has ended; reads that
    /// are started after that complete with `errc::closed`.
    registry* resources = nullptr;
    /// Told of every read, where set; must outlive the file and its reads.
    weir::observer* observer = nullptr;
};

/// Reads a regular file, or what else has positions, at any offset; meets Asio's AsyncRandomAccessReadDevice, so that
/// `boost::asio::async_read_at` works on it. Dropped or closed while reads are in flight, it lets them complete.
/// \par Thread-safety
/// Distinct objects: any threads. One object: const members and `async_read_some_at` from any thread.
class WEIR_API random_access_file {
public:
    using executor_type = boost::asio::any_io_executor;

    /// \throws weir::error, with the path
    ///   `errc::backend_unavailable`: `backend` was named, and cannot be used here.
    ///   `errc::not_seekable`: a pipe or a socket.
    ///   system category: what `open(2)` reports.
    random_access_file(executor_type executor, const std::filesystem::path& path,
                       const file_open_options& options = {});
    random_access_file(executor_type executor, file_handle file, std::string name,
                       const file_open_options& options = {});
    random_access_file(random_access_file&&) noexcept;
    random_access_file& operator=(random_access_file&&) noexcept;
    ~random_access_file();

    [[nodiscard]] executor_type get_executor() const noexcept { return executor_; }
    [[nodiscard]] const std::string& name() const noexcept;
    [[nodiscard]] const file_handle& handle() const noexcept;
    [[nodiscard]] weir::backend backend() const noexcept;
    /// \throws weir::error: what `fstat(2)` reports.
    [[nodiscard]] std::uint64_t size() const;

    /// Reads some bytes at `offset` into the first buffer that is not empty.
    ///
    /// Completes with `void(error_code, std::size_t)`: `boost::asio::error::eof` at the end of the file. The memory is
    /// lent to the operating system until then.
    /// \par Cancellation
    /// terminal, partial, total: completes with `operation_aborted` when the system has given the memory back, or with
    /// bytes where the read could not be stopped (O_DIRECT, a thread that is in it).
    /// \par Executor
    /// Completes on the handler's, or the file's; never inside the call.
    template <class MutableBufferSequence,
              boost::asio::completion_token_for<void(boost::system::error_code, std::size_t)> ReadToken>
    auto async_read_some_at(std::uint64_t offset, const MutableBufferSequence& buffers, ReadToken&& token)
    {
        return boost::asio::async_initiate<ReadToken, void(boost::system::error_code, std::size_t)>(
            [](auto handler, const executor_type& executor, const std::shared_ptr<detail::file_state>& file,
               std::uint64_t at, boost::asio::mutable_buffer memory) {
                detail::start_read_at(file, at, memory, detail::read_completion(std::move(handler), executor));
            },
            token, executor_, state_, offset, detail::first_buffer(buffers));
    }

private:
    friend class stream_file;
    executor_type executor_;
    std::shared_ptr<detail::file_state> state_;
};

} // namespace weir
