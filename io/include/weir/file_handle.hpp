#pragma once
// An open file's descriptor with an owner, and what the system says about a file.

#include <weir/error.hpp>
#include <weir/export.hpp>

#include <cstdint>
#include <filesystem>
#include <utility>

namespace weir {

enum class file_type : std::uint8_t { regular, directory, link, fifo, socket, character_device, block_device, unknown };

/// What can be said of a file without reading it.
struct file_info {
    file_type type = file_type::unknown;
    std::uint64_t size = 0;             ///< in bytes; 0 for what has none (a pipe, most of /proc)
    std::uint64_t allocated_bytes = 0;  ///< on the disk; less than `size` where the file has holes
    std::uint64_t device = 0;           ///< with `inode` the identity of the file
    std::uint64_t inode = 0;
    std::uint64_t links = 0;            ///< names that it has
    std::int64_t modified = 0;          ///< its content, in nanoseconds since 1970
    std::int64_t changed = 0;           ///< anything of it, likewise
};

/// How a file is opened: always for reading, never inherited by a program that is started. Flags join with `|`.
enum class open_flags : unsigned {
    none = 0,
    direct = 1,        ///< around the page cache (O_DIRECT); `EINVAL` where the file system has no such thing
    no_follow = 2,     ///< a link is an error (`ELOOP`)
    directory = 4,     ///< anything but a directory is an error (`ENOTDIR`)
    non_blocking = 8,  ///< a FIFO without a writer opens at once; reads give `EAGAIN` instead of waiting
};
[[nodiscard]] constexpr open_flags operator|(open_flags a, open_flags b) noexcept
{
    return static_cast<open_flags>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
[[nodiscard]] constexpr bool contains(open_flags flags, open_flags flag) noexcept
{
    return (static_cast<unsigned>(flags) & static_cast<unsigned>(flag)) != 0;
}

/// Owns one descriptor; closes it when dropped.
/// \par Thread-safety
/// Distinct objects: any threads. One object: const members from any thread.
class WEIR_API file_handle {
public:
    file_handle() noexcept = default;
    /// Takes over an open descriptor; a negative one makes an empty handle.
    explicit file_handle(int descriptor) noexcept : descriptor_(descriptor < 0 ? none : descriptor) {}
    file_handle(file_handle&& other) noexcept : descriptor_(std::exchange(other.descriptor_, none)) {}
    file_handle& operator=(file_handle&& other) noexcept;
    ~file_handle() { close(); }

    /// Opens for reading. A path that is too long for the system is opened part by part.
    /// \throws weir::error, with the path: what `open(2)` reports; `EINVAL` where there is a NUL in it.
    [[nodiscard]] static file_handle open(const std::filesystem::path& path, open_flags flags = open_flags::none);
    /// The same without exceptions: an empty handle and `failure` on error.
    [[nodiscard]] static file_handle open(const char* path, open_flags flags, std::error_code& failure) noexcept;
    /// Opens `name` below this directory; works where the whole path would be too long for the system.
    [[nodiscard]] file_handle open_below(const char* name, open_flags flags, std::error_code& failure) const noexcept;
    /// Another descriptor of the same open file: it shares the position.
    [[nodiscard]] file_handle duplicate(std::error_code& failure) const noexcept;

    [[nodiscard]] explicit operator bool() const noexcept { return descriptor_ != none; }
    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
    /// Gives the descriptor up; the caller closes it.
    [[nodiscard]] int release() noexcept { return std::exchange(descriptor_, none); }
    void close() noexcept;

    /// \throws weir::error, with `subject`: what `fstat(2)` reports.
    [[nodiscard]] file_info info(std::string_view subject = {}) const;
    [[nodiscard]] file_info info(std::error_code& failure) const noexcept;

private:
    static constexpr int none = -1;
    int descriptor_ = none;
};

/// What is at `name` below `directory` (an empty handle: the working directory), links followed or not.
[[nodiscard]] WEIR_API file_info info_below(const file_handle& directory, const char* name, bool follow_link,
                                            std::error_code& failure) noexcept;

} // namespace weir
