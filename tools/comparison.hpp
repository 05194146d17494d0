#pragma once
// What two sets of files have in common: chunks by their digests, files by their names and roots.

#include <weir/digest.hpp>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tool {

/// What was read of one side: 48 bytes a chunk, and the files.
class inventory {
public:
    struct part {
        weir::digest digest;
        std::uint64_t length = 0;
    };
    struct file {
        weir::digest root;
        std::uint64_t size = 0;
        bool operator==(const file&) const = default;
    };

    void add_chunk(const weir::digest& digest, std::uint64_t length);
    void add_file(std::string name, const file& entry);
    /// What could not be read, in part or at all; a directory or an archive too.
    void add_failed(std::string name);

    /// All chunks, each once, in the order of their digests.
    [[nodiscard]] const std::vector<part>& unique_parts();
    [[nodiscard]] const std::map<std::string, file, std::less<>>& files() const noexcept { return files_; }
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
    /// Whether `name` may be there although no file of the name is: it, or what it lies in, could not be read.
    [[nodiscard]] bool may_have(std::string_view name) const;

private:
    std::vector<part> parts_;
    bool sorted_ = true; // and every digest there once
    std::map<std::string, file, std::less<>> files_;
    std::set<std::string, std::less<>> failed_;
    std::uint64_t bytes_ = 0;
};

/// Different chunks, and their bytes.
struct tally {
    std::uint64_t chunks = 0;
    std::uint64_t bytes = 0;
    bool operator==(const tally&) const = default;
};

struct chunk_comparison {
    tally shared;
    tally only_a;
    tally only_b;
};

[[nodiscard]] chunk_comparison compare_chunks(inventory& a, inventory& b);

enum class change { added, removed, changed, identical };

/// `added`, `removed`, `changed`, `identical`.
[[nodiscard]] std::string_view to_string(change value) noexcept;

struct file_change {
    change what = change::identical;
    std::string name;
};

/// Every name of both, in order: on one side only, or on both with equal or different content. What could not be read of
/// the other side is neither added nor removed.
[[nodiscard]] std::vector<file_change> compare_files(const inventory& a, const inventory& b);

} // namespace tool
