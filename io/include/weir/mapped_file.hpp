#pragma once
// A file in the address space. The danger is another program that truncates it: touching what is gone raises SIGBUS.

#include <weir/export.hpp>
#include <weir/file_handle.hpp>
#include <weir/registry.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace weir {

enum class map_advice : std::uint8_t { normal, sequential, random, will_need };

struct map_options {
    std::uint64_t offset = 0;               ///< of the window in the file; need not be aligned
    std::optional<std::size_t> length = {}; ///< none: to the end of the file; trimmed to it
    bool populate = false;                  ///< read it all while mapping
    map_advice advice = map_advice::normal;
    /// Allow `view()`: needs `install_mapping_guard()`, else `errc::backend_unavailable`.
    bool direct_access = false;
    /// Where the map is registered as long as it lives; never unmapped from there, since others may look at it.
    registry* resources = nullptr;
};

/// Lets truncated maps be survived, in the whole process: from now on a SIGBUS in a window with direct access puts
/// zeros over the lost part and marks the window broken. Every other SIGBUS goes to the handler that was there before.
///
/// Opt-in, because a library does not own the signals of its process. Call it once, after other handlers are installed.
/// \par Thread-safety
/// Any thread; a second call does nothing.
WEIR_API void install_mapping_guard();
[[nodiscard]] WEIR_API bool mapping_guard_installed() noexcept;

/// A read-only map of a file or of a window of it. The file stays open as long as the map.
///
/// Two ways to the bytes. `copy()` is always there and never raises a signal: what was truncated is an error. `view()`
/// gives the memory itself to who has opted in; then `verify()` after use says whether what was seen was the file.
/// \par Thread-safety
/// Const members from any thread.
class WEIR_API mapped_file {
public:
    /// \throws weir::error, with the path
    ///   `errc::invalid_size`: the window begins behind the end of the file.
    ///   `errc::backend_unavailable`: direct access without the guard.
    ///   `errc::exhausted`: too many windows with direct access in this process (4,096).
    ///   system category: what opening or mapping reports, `ENODEV` for what cannot be mapped.
    [[nodiscard]] static mapped_file open(const std::filesystem::path& path, const map_options& options = {});
    /// The same of a file that is open already; `name` is for messages. Throws as `open`, but nothing of opening.
    mapped_file(file_handle file, std::string name, const map_options& options = {});
    /// One of several windows of a file, which share its descriptor. \pre `file` is not null
    mapped_file(std::shared_ptr<const file_handle> file, std::string name, const map_options& options = {});
    mapped_file(mapped_file&& other) noexcept;
    mapped_file& operator=(mapped_file&& other) noexcept;
    ~mapped_file();

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; }
    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] const file_handle& file() const noexcept { return *file_; }

    /// Copies `out.size()` bytes that begin at `at` of the window.
    /// \throws weir::error, with path and offset
    ///   `errc::invalid_size`: not inside the window.
    ///   `errc::mapping_broken`: the file has become shorter than that.
    void copy(std::size_t at, std::span<std::byte> out) const;

    /// The memory itself, valid as long as this object. Whoever reads it calls `verify()` afterwards.
    /// \throws weir::error, with path and offset
    ///   `errc::invalid_size`: not inside the window.
    ///   `errc::backend_unavailable`: mapped without direct access.
    [[nodiscard]] std::span<const std::byte> view(std::size_t at, std::size_t count) const;
    [[nodiscard]] std::span<const std::byte> view() const { return view(0, size_); }

    /// Whether the file still reaches the end of the window, and no part of it was ever lost.
    [[nodiscard]] bool valid() const noexcept;
    /// \throws weir::error: `errc::mapping_broken` if not `valid()`.
    void verify() const;

private:
    void map(const map_options& options);
    void unmap() noexcept;
    void check_range(std::size_t at, std::size_t count) const;

    registration entry_;
    std::shared_ptr<const file_handle> file_;
    std::string name_;
    std::uint64_t offset_ = 0;
    std::size_t size_ = 0;
    std::byte* memory_ = nullptr;       // of the whole pages
    std::size_t memory_bytes_ = 0;
    std::size_t skipped_ = 0;           // from the start of the first page to the window
    std::atomic<bool>* broken_ = nullptr; // of the guard; null without direct access
};

} // namespace weir
