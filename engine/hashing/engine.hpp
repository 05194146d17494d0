#pragma once
// How a multi_hasher works its batches off.

#include <weir/multi_hasher.hpp>

namespace weir {

class multi_hasher::engine {
public:
    engine() = default;
    engine(const engine&) = delete;
    engine& operator=(const engine&) = delete;
    virtual ~engine() = default;

    virtual void start(std::span<const message> batch) = 0;
    virtual bool run(std::size_t max_bytes) = 0;
    virtual std::string_view kernel() const noexcept = 0;
    virtual std::size_t lanes() const noexcept = 0;
};

} // namespace weir
