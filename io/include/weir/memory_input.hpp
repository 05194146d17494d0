#pragma once
// Memory whose parts are sources: an archive that was received, or mapped.

#include <weir/archive.hpp>
#include <weir/export.hpp>
#include <weir/slice.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace weir {

/// Gives memory that is there already, without copying it and without taking blocks.
class WEIR_API memory_input final : public random_access_input {
public:
    /// \param owner  kept as long as any slice of the memory exists; without one the memory outlives all that is opened
    ///               and its slices
    /// \throws std::bad_alloc  and nothing else, as `open`
    explicit memory_input(std::span<const std::byte> memory, std::shared_ptr<const void> owner = nullptr,
                          std::string name = "memory");

    [[nodiscard]] std::uint64_t size() const noexcept override { return memory_.size(); }
    [[nodiscard]] std::string_view name() const noexcept override { return name_; }
    [[nodiscard]] std::unique_ptr<source> open(std::uint64_t offset, std::uint64_t length) override;

private:
    slice memory_;
    std::string name_;
};

} // namespace weir
