#pragma once
// A file that is read from its start to its end, as Asio reads a socket.

#include <weir/random_access_file.hpp>

namespace weir {

/// Reads a file in order; meets Asio's AsyncReadStream, so that `boost::asio::async_read` and `async_read_until` work
/// on it. The position is this object's own: that of the descriptor is neither used nor moved.
/// \par Thread-safety
/// Distinct objects: any threads. One object: one read at a time.
class WEIR_API stream_file {
public:
    using executor_type = random_access_file::executor_type;

    /// \throws weir::error as the constructor of `random_access_file`.
    stream_file(executor_type executor, const std::filesystem::path& path, const file_open_options& options = {});
    stream_file(executor_type executor, file_handle file, std::string name, const file_open_options& options = {});

    [[nodiscard]] executor_type get_executor() const noexcept { return file_.get_executor(); }
    [[nodiscard]] const std::string& name() const noexcept { return file_.name(); }
    [[nodiscard]] weir::backend backend() const noexcept { return file_.backend(); }
    [[nodiscard]] std::uint64_t size() const { return file_.size(); }
    [[nodiscard]] std::uint64_t position() const noexcept;
    void seek(std::uint64_t position) noexcept;

    /// Reads some bytes into the first buffer that is not empty, and moves the position behind them.
    ///
    /// Completes with `void(error_code, std::size_t)`: `boost::asio::error::eof` at the end of the file.
    /// \par Cancellation
    /// As for `random_access_file::async_read_some_at`; the position moves only over what was read.
    /// \par Executor
    /// Completes on the handler's, or the file's; never inside the call.
    template <class MutableBufferSequence,
              boost::asio::completion_token_for<void(boost::system::error_code, std::size_t)> ReadToken>
    auto async_read_some(const MutableBufferSequence& buffers, ReadToken&& token)
    {
        return boost::asio::async_initiate<ReadToken, void(boost::system::error_code, std::size_t)>(
            [](auto handler, const executor_type& executor, const std::shared_ptr<detail::file_state>& file,
               boost::asio::mutable_buffer memory) {
                detail::start_read_next(file, memory, detail::read_completion(std::move(handler), executor));
            },
            token, get_executor(), file_.state_, detail::first_buffer(buffers));
    }

private:
    random_access_file file_;
};

} // namespace weir
