#pragma once
// Blocks from a descriptor and to one, for commands that do one thing after the other.

#include <array>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace tool {

/// Whether a call that failed, by `errno`, is to be made again: it was interrupted, or the descriptor does not wait by
/// itself, since others who share it have set its mode, and now it is ready.
/// \param event  of poll(2): `POLLIN` or `POLLOUT`
[[nodiscard]] bool is_worth_another(int descriptor, short event) noexcept;

/// Reads a descriptor to its end; waits where there is nothing yet.
class block_reader {
public:
    /// \param descriptor  stays the caller's
    block_reader(int descriptor, std::string name) : name_(std::move(name)), descriptor_(descriptor) {}

    /// Reads until `room` holds `least` bytes or the end has come.
    /// \returns  what was read; fewer than `least` only at the end
    /// \throws weir::error  system category, with name and offset
    std::span<const std::byte> read(std::span<std::byte> room, std::size_t least);

    /// Appends up to `most` bytes, or all to the end; takes memory for what is there, not for what might be.
    /// \throws weir::error  as `read`
    void append_to(std::vector<std::byte>& target, std::size_t most);

    [[nodiscard]] const std::string& name() const noexcept { return name_; }

private:
    std::size_t read_some(std::span<std::byte> room);

    std::string name_;
    std::uint64_t position_ = 0;
    int descriptor_;
};

/// Writes to a descriptor, in a thread of its own as soon as there is more than one block: the next is made meanwhile.
/// \par Thread-safety
/// One thread.
class block_writer {
public:
    static constexpr int nowhere = -1; ///< a descriptor that takes everything

    /// \param descriptor  stays open, and the caller's
    /// \param name        for messages
    block_writer(int descriptor, std::string name);
    block_writer(const block_writer&) = delete;
    block_writer& operator=(const block_writer&) = delete;
    /// Waits until what was handed over is written.
    ~block_writer();

    /// Where the next bytes go; waits until a block is free.
    /// \throws output_error  what an earlier write reported
    [[nodiscard]] std::span<std::byte> room();
    /// So many of them are there.
    void commit(std::size_t count);
    /// Copies bytes that are elsewhere: `room` and `commit` as often as it takes.
    /// \throws output_error  what an earlier write reported
    void write(std::span<const std::byte> bytes);
    /// Writes what is there while more is made.
    void flush();
    /// Writes the rest.
    /// \returns  when all is written
    /// \throws output_error
    void finish();

private:
    static constexpr std::size_t block_count = 3;

    struct block {
        std::unique_ptr<std::byte[]> memory;
        std::size_t size = 0;
    };

    block& filling() { return blocks_[filling_]; }
    void hand_over();
    bool has_writer();
    void write_queued();
    [[nodiscard]] std::error_code write(const block& full) const noexcept;
    void check() const;

    std::array<block, block_count> blocks_; // a ring: those that are queued are the writer's, the others ours
    std::size_t filling_ = 0;
    std::mutex mutex_; // for what follows
    std::condition_variable changed_;
    std::size_t queued_ = 0; // blocks before `filling_`
    bool ended_ = false;
    std::error_code failure_; // the first; what follows it is dropped
    std::thread writer_;
    std::string name_;
    int descriptor_;
};

} // namespace tool
