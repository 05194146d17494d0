#pragma once
// Memory for any container that is counted, can be limited, and says what was not given back.

#include <weir/export.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <memory_resource>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

/// A `std::pmr::memory_resource` that counts what passes through it.
///
/// \code
/// weir::counting_resource memory;
/// weir::counting_resource::label names(memory, "names");
/// std::pmr::vector<std::pmr::string> list(&names);
/// \endcode
/// Where many small objects die together, put `std::pmr::monotonic_buffer_resource` upon it.
/// \par Thread-safety
/// All functions but construction and destruction: any threads, as far as `upstream` allows it.
/// \par Cost
/// A lock and an entry in a table for each allocation: for bookkeeping and tests, not for inner loops.
class WEIR_API counting_resource final : public std::pmr::memory_resource {
public:
    static constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();

    /// \param limit  bytes held at a time; an allocation that would pass it throws `std::bad_alloc`
    explicit counting_resource(std::size_t limit = unlimited,
                               std::pmr::memory_resource* upstream = std::pmr::get_default_resource());
    counting_resource(const counting_resource&) = delete;
    counting_resource& operator=(const counting_resource&) = delete;
    ~counting_resource() override;

    /// The same memory under a name, which the leak report shows. Outlives what is allocated through it.
    class label;

    /// Allocations of one name that are still held.
    struct held {
        std::string name; ///< empty for those made without a label
        std::size_t count = 0;
        std::size_t bytes = 0;
    };

    [[nodiscard]] std::size_t current_bytes() const;    ///< held now
    [[nodiscard]] std::size_t peak_bytes() const;       ///< the most held at a time
    [[nodiscard]] std::size_t current_count() const;    ///< allocations that are held now
    [[nodiscard]] std::uint64_t total_count() const;    ///< allocations made so far
    [[nodiscard]] std::uint64_t refused_count() const;  ///< allocations that the limit refused

    /// What is held now, by name, the largest first.
    [[nodiscard]] std::vector<held> held_now() const;

    /// `held_now()` as lines for people, such as `names: 4096 bytes in 2 allocations`; empty if nothing is.
    [[nodiscard]] std::string leak_report() const;

private:
    struct state;

    void* do_allocate(std::size_t bytes, std::size_t alignment) override;
    void do_deallocate(void* memory, std::size_t bytes, std::size_t alignment) override;
    bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override { return this == &other; }
    void* allocate_named(std::size_t bytes, std::size_t alignment, const std::string* name);

    std::unique_ptr<state> state_;
};

class WEIR_API counting_resource::label final : public std::pmr::memory_resource {
public:
    label(counting_resource& counter, std::string_view name);
    label(const label&) = delete;
    label& operator=(const label&) = delete;
    ~label() override;

private:
    void* do_allocate(std::size_t bytes, std::size_t alignment) override;
    void do_deallocate(void* memory, std::size_t bytes, std::size_t alignment) override;
    /// What one label of a counter allocated, another of the same may free.
    bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override;

    counting_resource& counter_;
    const std::string* name_; // lives in the counter
};

} // namespace weir
