#pragma once
// What has no positions as a source: a pipe, a socket, a terminal, a device.

#include "files/descriptor_watch.hpp"

#include <weir/detail/async_event.hpp>
#include <weir/detail/parking_lot.hpp>
#include <weir/file_source.hpp>

#include <atomic>
#include <optional>
#include <string>

namespace weir::detail {

/// Reads what is there on the worker, and sleeps on the io_context's reactor while nothing is.
class descriptor_source final : public source {
public:
    descriptor_source(engine& owner, file_handle file, std::string name);

    [[nodiscard]] boost::asio::awaitable<bytes> read(reservation& memory, std::size_t max_bytes) override;
    [[nodiscard]] std::string_view name() const noexcept override { return name_; }
    [[nodiscard]] boost::asio::awaitable<void> close() override;

private:
    [[nodiscard]] long read_now(std::span<std::byte> memory) noexcept;
    void watch();

    boost::asio::any_io_executor executor_;
    std::shared_ptr<parking_lot> lot_; ///< of its context, which the worker may only touch in a visit
    registration entry_;
    file_handle file_;
    std::string name_;
    std::uint64_t position_ = 0;
    bool ended_ = false;
    std::error_code failure_;
    block_filler filler_;
    class watch_end;
    struct watch_state {
        std::atomic<bool> under_way = false; ///< a wait is with the reactor
        async_event ended;
    };
    std::shared_ptr<watch_state> watch_ = std::make_shared<watch_state>(); // the wait shares it
    std::optional<descriptor_watch> watched_;
};

} // namespace weir::detail
