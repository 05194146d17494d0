#pragma once
// Memory as a source: a buffer of the caller's, a map, a string.

#include <weir/export.hpp>
#include <weir/source.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace weir {

/// Gives memory that is there already, without copying it and without taking blocks.
class WEIR_API memory_source final : public source {
public:
    /// \param owner  kept as long as any slice of the memory exists; without one the memory outlives the source and
    ///               all its chunks
    explicit memory_source(std::span<const std::byte> memory, std::shared_ptr<const void> owner = nullptr,
                           std::string name = "memory");

    /// A share in memory that has an owner already.
    explicit memory_source(slice memory, std::string name = "memory");

    /// Keeps the text itself.
    explicit memory_source(std::string text, std::string name = "memory");

    /// \throws weir::error  `errc::closed` after `close`
    [[nodiscard]] boost::asio::awaitable<bytes> read(reservation& memory, std::size_t max_bytes) override;
    [[nodiscard]] std::optional<std::uint64_t> size() const noexcept override;
    [[nodiscard]] std::string_view name() const noexcept override;
    [[nodiscard]] boost::asio::awaitable<void> close() override;

private:
    slice rest_;
    std::uint64_t size_;
    std::string name_;
    bool closed_ = false;
};

} // namespace weir
