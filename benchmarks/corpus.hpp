#pragma once
// Inputs for the benchmarks of chunkers: random bytes, a tree in one piece, and an edited version of it.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

namespace bench {

using byte_vector = std::vector<std::uint8_t>;

inline byte_vector random_bytes(std::size_t size, std::uint64_t seed)
{
    std::mt19937_64 random(seed);
    byte_vector bytes(size / 8 * 8);
    for (std::size_t i = 0; i < bytes.size(); i += 8) {
        const std::uint64_t word = random();
        std::memcpy(bytes.data() + i, &word, sizeof word);
    }
    return bytes;
}

struct file {
    std::string name;
    byte_vector content;
};

/// Regular files below `root` in the order of their paths, until they are `most` bytes together.
inline std::vector<file> read_tree(const std::filesystem::path& root, std::size_t most)
{
    std::vector<std::filesystem::path> paths;
    const auto lenient = std::filesystem::directory_options::skip_permission_denied;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root, lenient))
        if (entry.is_regular_file() && !entry.is_symlink())
            paths.push_back(entry.path());
    std::sort(paths.begin(), paths.end());
    std::vector<file> files;
    std::size_t total = 0;
    for (const auto& path : paths) {
        std::ifstream in(path, std::ios::binary);
        byte_vector content{std::istreambuf_iterator<char>(in), {}};
        total += content.size();
        files.push_back({path.string(), std::move(content)});
        if (total >= most)
            break;
    }
    return files;
}

/// A tree in one piece as tar lays it out: a header of 512 bytes, the content, zeros up to the next multiple of 512.
inline byte_vector archive(const std::vector<file>& files)
{
    byte_vector bytes;
    for (const file& each : files) {
        const std::size_t header = bytes.size();
        bytes.resize(header + 512);
        std::memcpy(bytes.data() + header, each.name.data(), std::min<std::size_t>(each.name.size(), 100));
        std::snprintf(reinterpret_cast<char*>(bytes.data() + header + 124), 12, "%011zo", each.content.size());
        bytes.insert(bytes.end(), each.content.begin(), each.content.end());
        bytes.resize((bytes.size() + 511) / 512 * 512);
    }
    return bytes;
}

/// The next version of a tree: of its files 10% are edited, 2% removed, 2% renamed, and 1% new ones come in.
inline std::vector<file> edited(const std::vector<file>& files, std::uint64_t seed)
{
    std::mt19937_64 random(seed);
    std::vector<file> next;
    for (const file& old : files) {
        const unsigned fate = random() % 100;
        if (fate < 2)
            continue;
        file copy = old;
        if (fate < 4)
            copy.name += ".renamed";
        if (fate >= 4 && fate < 14) {
            const byte_vector fresh = random_bytes(8 + random() % 256, random());
            const auto at = static_cast<std::ptrdiff_t>(random() % (copy.content.size() + 1));
            const auto end = copy.content.begin()
                + std::min<std::ptrdiff_t>(at + static_cast<std::ptrdiff_t>(random() % 256),
                                           static_cast<std::ptrdiff_t>(copy.content.size()));
            if (random() % 3 != 0)
                copy.content.erase(copy.content.begin() + at, end);
            if (random() % 3 != 0)
                copy.content.insert(copy.content.begin() + at, fresh.begin(), fresh.end());
        }
        next.push_back(std::move(copy));
        if (fate == 99)
            next.push_back({old.name + ".new", random_bytes(64 + random() % 20000, random())});
    }
    return next;
}

} // namespace bench
