#pragma once
// Files of a list that lie in others: entries of archives, and contents of what is compressed. They are gathered by what
// they lie in, so that it is gone through once.

#include "list.hpp"

#include <weir/digest.hpp>
#include <weir/hasher.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tool {

/// What a list says of one of them.
struct contained_file {
    struct part {
        weir::digest digest;
        std::uint64_t length = 0;
    };

    std::string name; ///< of an entry, in its archive; else empty
    weir::hash_algorithm hash = weir::hash_algorithm::sha256; ///< of the parts
    std::vector<part> parts; ///< one behind the other, none of them empty
    std::uint64_t size = 0;  ///< of all of them
    std::optional<listed_digest> whole;
};

/// The memory of one, about.
[[nodiscard]] std::size_t bytes_of(const contained_file& file) noexcept;

/// An archive, or what is compressed, and what a list says of its content.
struct container {
    std::string path;
    std::optional<weir::codec> codec; ///< to undo; nothing: it is an archive
    std::vector<contained_file> files; ///< in the order of the list
    std::size_t bytes = 0; ///< of memory

    /// What the list calls one of the files.
    [[nodiscard]] std::string path_of(const contained_file& file) const;
};

/// Compares a content that comes in pieces with what is listed of it, up to the first difference.
class content_comparison {
public:
    /// \param with  outlives it
    explicit content_comparison(const contained_file& with);

    void update(std::span<const std::byte> piece);
    /// Whether the rest does not matter.
    [[nodiscard]] bool has_failed() const noexcept { return !failure_.empty(); }
    /// The content has ended.
    /// \returns  why it is not as listed; empty: it is
    [[nodiscard]] std::string finish();

private:
    const contained_file& with_;
    std::size_t next_ = 0;       // the part that is compared
    std::uint64_t compared_ = 0; // bytes of it
    std::uint64_t offset_ = 0;   // of the part
    weir::hasher hasher_;
    std::optional<weir::hasher> whole_;
    std::string failure_;
};

/// Gathers them in the order of the list.
class contained_files {
public:
    /// \param most_bytes  of memory, beyond which archives are given before all of the list was read
    explicit contained_files(std::size_t most_bytes = std::size_t{64} << 20) noexcept : most_bytes_(most_bytes) {}

    void add(const listed_origin& of, contained_file file);

    /// What is to be compared now: what is compressed, and the archive that nothing was added to for longest where there
    /// are too many files. Such an archive may be given again, with others of its entries. Standard input, which can be
    /// read once, is not.
    [[nodiscard]] std::optional<container> take_ready();
    /// Any of the rest.
    [[nodiscard]] std::optional<container> take_any();

private:
    struct gathered {
        container what;
        std::uint64_t last = 0; // when something was added
    };

    [[nodiscard]] container take(std::map<std::string, gathered, std::less<>>::iterator from);

    std::size_t most_bytes_;
    std::size_t bytes_ = 0; // of archives_
    std::uint64_t added_ = 0;
    std::map<std::string, gathered, std::less<>> archives_;
    std::vector<container> compressed_;
};

} // namespace tool
