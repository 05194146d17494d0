#pragma once
// Whether a stream's directory tells the same of its entries as was found before it, in constant memory.

#include "archives/zip_format.hpp"

#include <weir/hasher.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace weir::codecs::zip {

/// What both say of an entry.
struct entry_numbers {
    std::uint64_t offset = 0; ///< of its local header
    std::uint16_t flags = 0;
    std::uint16_t method = 0;
    std::uint32_t crc = 0;
    std::uint64_t compressed = 0;
    std::uint64_t size = 0;
};

/// A set of entries as a number of them and the sum of their digests, which begin with a secret of this object: who
/// does not know that cannot make two sets that look the same.
class zip_tally {
public:
    zip_tally();

    void find(const entry_numbers& entry, std::string_view names) { found_.add(digest_of_entry(entry, names)); }
    void tell(const entry_numbers& entry, std::string_view names) { told_.add(digest_of_entry(entry, names)); }

    [[nodiscard]] std::uint64_t found() const noexcept { return found_.count; }
    [[nodiscard]] std::uint64_t told() const noexcept { return told_.count; }
    [[nodiscard]] bool agrees() const noexcept { return found_ == told_; }

private:
    using words = std::array<std::uint64_t, 4>;

    struct sum {
        std::uint64_t count = 0;
        words digests{};

        void add(const words& digest) noexcept
        {
            ++count;
            for (std::size_t i = 0; i < digest.size(); ++i)
                digests[i] += digest[i];
        }
        friend bool operator==(const sum&, const sum&) noexcept = default;
    };

    [[nodiscard]] words digest_of_entry(const entry_numbers& entry, std::string_view names);

    words secret_;
    hasher hasher_;
    sum found_;
    sum told_;
};

} // namespace weir::codecs::zip
