#pragma once
// A stream that is read while what came before is worked on.

#include <weir/buffer.hpp>
#include <weir/bytes.hpp>
#include <weir/detail/async_event.hpp>
#include <weir/detail/stream_reader.hpp>
#include <weir/reservation.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>
#include <vector>

namespace weir::detail {

class child_control;

/// Two sides meet here. The pump, a coroutine on the stream's executor, reads into the current block as long as one has
/// room, and ends when none has. The reader, on the flow's executor, takes what is there, brings blocks, and starts the
/// pump again. Each run of the pump owns the pump object: a source may be dropped while a read is under way.
class read_pump {
public:
    read_pump(std::unique_ptr<stream_reader> stream, std::string name);
    ~read_pump();

    /// As `source::read`; memory is taken by the caller's side only.
    /// \par Cancellation
    /// terminal, partial, total: nothing is lost, the read under way goes on for the next call.
    [[nodiscard]] static boost::asio::awaitable<bytes> read(std::shared_ptr<read_pump> self, reservation& memory,
                                                            std::size_t max_bytes);
    /// Cancels the run under way, waits for its end, and drops what was read.
    [[nodiscard]] static boost::asio::awaitable<void> close(std::shared_ptr<read_pump> self);
    /// Ends the run under way, if there is one; there will be no other.
    static void stop(const std::shared_ptr<read_pump>& self);

    [[nodiscard]] const std::string& name() const noexcept { return name_; }

private:
    class under_way;

    void bring_what_is_free(reservation& memory);
    void bring(buffer block);
    [[nodiscard]] std::size_t blocks_at_hand();
    [[nodiscard]] bool needs_block();
    static void start_if_possible(const std::shared_ptr<read_pump>& self);
    [[nodiscard]] bytes take(std::size_t max_bytes, bool& ended);
    [[nodiscard]] bool running();
    void drop_memory();

    static boost::asio::awaitable<void> run(under_way mine);
    void end_run(std::error_code failed) noexcept;
    [[nodiscard]] std::span<std::byte> room();
    bool commit(const transfer& read);
    void give_up(std::exception_ptr cause);
    void append(std::size_t count);
    [[nodiscard]] buffer take_next();

    const std::unique_ptr<stream_reader> stream_;
    const std::string name_;
    async_event progress_; ///< something to take, the end, or no run any more
    async_event stopped_;  ///< a run has ended

    std::mutex mutex_;         // guards what follows
    bytes ready_;              ///< read and not yet given
    buffer current_;           ///< being filled, never full
    std::vector<buffer> next_; ///< filled after it, all empty
    std::uint64_t position_ = 0;
    std::shared_ptr<child_control> child_; ///< of the run under way
    bool ended_ = false;
    bool closed_ = false;
    std::error_code failed_;
    std::exception_ptr broken_;
};

} // namespace weir::detail
