#pragma once
// A mapped file as a source: nothing is copied, and each window counts against the flow's memory.

#include "files/file_part.hpp"
#include "files/hole_finder.hpp"
#include "files/read_service.hpp"

#include <weir/file_source.hpp>
#include <weir/mapped_file.hpp>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace weir::detail {

class mapped_source final : public source {
public:
    mapped_source(engine& owner, file_handle file, std::string name, const file_source_options& options, std::uint64_t start);
    mapped_source(engine& owner, file_part part, std::string name, const file_source_options& options);

    [[nodiscard]] boost::asio::awaitable<bytes> read(reservation& memory, std::size_t max_bytes) override;
    [[nodiscard]] std::optional<std::uint64_t> size() const noexcept override { return end_ - start_; }
    [[nodiscard]] std::size_t read_ahead_blocks() const noexcept override { return read_ahead_blocks_; }
    [[nodiscard]] std::string_view name() const noexcept override { return name_; }
    /// \throws weir::error  `errc::mapping_broken`: so is a window, or was when its last slice was dropped
    [[nodiscard]] boost::asio::awaitable<void> close() override;

private:
    struct window;

    mapped_source(engine& owner, std::shared_ptr<const file_handle> file, std::string name,
                  const file_source_options& options, std::uint64_t start);
    void check_windows() const;
    void look_at_end();
    [[nodiscard]] slice map_window(std::vector<buffer> tokens, std::size_t count);
    [[nodiscard]] slice copy_window(buffer block, std::size_t most);

    registry& resources_;
    registration entry_;
    std::shared_ptr<const file_handle> file_;
    std::string name_;
    std::size_t read_ahead_blocks_;
    std::uint64_t start_;
    std::uint64_t position_;
    std::uint64_t end_ = 0;
    bool end_seen_ = false; // `end_` was looked at again, or is that of a part
    hole_finder holes_;
    std::shared_ptr<std::atomic<bool>> broken_; // set by windows when they end
    std::vector<std::weak_ptr<window>> windows_; // in use: not many more than the reservation has blocks
    read_counters* counters_;
};

} // namespace weir::detail
