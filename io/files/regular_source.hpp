#pragma once
// A file with positions as a source.
//
//   position_      given so far; the front of the window, if there is one, begins here
//   issued_        up to here reads are with the back end
//   end_           the size at the opening; looked at once more when it is reached, unless it is that of a part

#include "files/file_part.hpp"
#include "files/hole_finder.hpp"
#include "files/read_window.hpp"

#include <weir/file_source.hpp>

#include <optional>
#include <string>

namespace weir::detail {

class regular_source final : public source {
public:
    /// Reads from `start` on. `direct` says that the handle was opened with `open_flags::direct`.
    regular_source(engine& owner, file_handle file, std::string name, const file_source_options& options,
                   std::uint64_t start, bool direct);
    /// Reads a part of a regular file, never directly.
    regular_source(engine& owner, file_part part, std::string name, const file_source_options& options);

    [[nodiscard]] boost::asio::awaitable<bytes> read(reservation& memory, std::size_t max_bytes) override;
    [[nodiscard]] std::optional<std::uint64_t> size() const noexcept override;
    [[nodiscard]] std::size_t read_ahead_blocks() const noexcept override { return options_.read_ahead_blocks; }
    [[nodiscard]] std::string_view name() const noexcept override { return name_; }
    [[nodiscard]] boost::asio::awaitable<void> close() override;

private:
    enum class step { progress, needs_memory, needs_wait, end };

    regular_source(engine& owner, std::shared_ptr<const file_handle> file, std::string name,
                   const file_source_options& options, std::uint64_t start, bool direct);

    [[nodiscard]] step advance(reservation& memory, std::size_t room, bytes& out);
    [[nodiscard]] step read_cached(reservation& memory, std::size_t room, bytes& out);
    [[nodiscard]] step missed();
    void advise_ahead() noexcept;
    [[nodiscard]] step read_through_window(reservation& memory, std::size_t room, bytes& out);
    void fill_window(reservation& memory);
    [[nodiscard]] step book(window_piece& piece);
    [[nodiscard]] step leave_front();
    [[nodiscard]] step reach_end();
    [[nodiscard]] bool take_block(reservation& memory);
    void give(buffer& block, std::size_t start, std::size_t count, bytes& out);
    void give_zeros(std::uint64_t count, std::size_t room, bytes& out);
    void stop_direct();
    [[nodiscard]] bool may_read_cached() const noexcept { return !direct_ && nowait_; }
    [[nodiscard]] read_service& service();
    [[nodiscard]] step fail(std::error_code code);

    boost::asio::any_io_executor executor_;
    registration entry_;
    std::shared_ptr<const file_handle> file_; // shared with the reads that are under way
    std::string name_;
    file_source_options options_;
    bool direct_;
    bool nowait_ = true;             // until the file system says that it cannot
    bool endless_ = false;           // no size is known: /proc, devices
    bool end_seen_ = false;          // `end_` was looked at again, or is that of a part
    bool end_doubted_ = false;       // a read found nothing where there should be something
    bool ended_ = false;
    std::uint64_t start_;
    std::uint64_t position_;
    std::uint64_t issued_;
    std::uint64_t end_ = 0;
    std::uint64_t cold_until_ = 0;   // a miss was not far behind, so the kernel is asked for what comes
    std::uint64_t advised_ = 0;      // it was asked up to here
    hole_finder holes_;
    buffer block_;                   // being filled by this worker
    read_service* service_ = nullptr; // found at the first miss
    read_counters* counters_;        // of what this worker reads itself
    std::error_code failure_;        // which ended the source, at `position_`
    read_window window_;
};

} // namespace weir::detail
