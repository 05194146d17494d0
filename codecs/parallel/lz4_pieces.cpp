// lz4 in pieces: one frame, of blocks that do not refer to each other.
//
//   magic (4)  FLG (1)  BD (1)  header's checksum (1)  blocks  0 (4)  checksum of the content (4)
//   block:     size, or with the highest bit set that of bytes as they are (4)  bytes
//
// See lz4_Frame_format.md of lz4, version 1.6.3.

#include "compression/lz4.hpp"
#include "compression/lz4_frame.hpp"
#include "parallel/piece_format.hpp"

#include <lz4.h>
#include <lz4hc.h>

#include <algorithm>
#include <bit>
#include <new>
#include <utility>

namespace weir::codecs {
namespace {

constexpr std::size_t size_bytes = 4;
constexpr std::size_t smallest_block = std::size_t{64} << 10;
constexpr std::size_t largest_block = std::size_t{4} << 20; // which lz4's own tool makes

/// As BD has it: 4 for 64 KiB, each more is four times that.
std::uint32_t number_of_block(std::size_t bytes) noexcept
{
    return 4 + static_cast<std::uint32_t>(std::countr_zero(bytes) - std::countr_zero(smallest_block)) / 2;
}

class lz4_piece_encoder final : public piece_encoder {
public:
    lz4_piece_encoder(int level, std::shared_ptr<context_pool> contexts)
        : piece_encoder(work_on::whole), level_(level), contexts_(std::move(contexts)), memory_(contexts_->memory()),
          state_(memory_.take(static_cast<std::size_t>(is_thorough() ? LZ4_sizeofStateHC() : LZ4_sizeofState())))
    {
        if (!state_)
            throw std::bad_alloc();
    }
    ~lz4_piece_encoder() override { memory_.give_back(state_); }

private:
    [[nodiscard]] bool is_thorough() const noexcept { return level_ >= LZ4HC_CLEVEL_MIN; }

    void run(std::span<const std::byte>& input, std::span<std::byte>& room, bool /*ends*/) override
    {
        if (input.empty())
            return;
        const std::span<std::byte> body = room.subspan(size_bytes);
        auto size = static_cast<std::uint32_t>(compress(input, body));
        if (size == 0) { // it does not get smaller
            std::ranges::copy(input, body.begin());
            size = static_cast<std::uint32_t>(input.size());
            write_size(room, size | lz4_stored_block);
        }
        else
            write_size(room, size);
        room = body.subspan(size);
        input = {};
    }

    /// \returns  0: it takes as many bytes as there are
    int compress(std::span<const std::byte> input, std::span<std::byte> room)
    {
        const auto* const from = reinterpret_cast<const char*>(input.data());
        auto* const to = reinterpret_cast<char*>(room.data());
        const int size = static_cast<int>(input.size());
        if (is_thorough())
            return LZ4_compress_HC_extStateHC(state_, from, to, size, size - 1, level_);
        const int acceleration = level_ < 0 ? 1 - level_ : 1;
        return LZ4_compress_fast_extState(state_, from, to, size, size - 1, acceleration);
    }

    static void write_size(std::span<std::byte> to, std::uint32_t size) noexcept
    {
        for (std::size_t i = 0; i < size_bytes; ++i)
            to[i] = static_cast<std::byte>(size >> (8 * i));
    }

    const int level_;
    const std::shared_ptr<context_pool> contexts_; // has the memory
    library_memory memory_;
    void* const state_;
};

class lz4_pieces final : public piece_format {
public:
    lz4_pieces(const sizes& of, int level, bool checksum, std::shared_ptr<context_pool> contexts)
        : piece_format(of), level_(level), checksum_(checksum), contexts_(std::move(contexts))
    {}

    std::unique_ptr<piece_encoder> make_encoder() const override
    {
        return std::make_unique<lz4_piece_encoder>(level_, contexts_);
    }

    std::vector<std::byte> head() const override
    {
        constexpr std::uint32_t version_and_independent = 0x60;
        constexpr std::uint32_t has_checksum = 0x04;
        std::vector<std::byte> out;
        append_little_endian(out, lz4_magic, magic_size);
        append_little_endian(out, version_and_independent | (checksum_ ? has_checksum : 0), 1);
        append_little_endian(out, number_of_block(piece_bytes()) << 4, 1);
        out.push_back(lz4_checksum::of_header(std::span(out).subspan(magic_size)));
        return out;
    }

    void join(const piece& whole, const encoded_piece& /*encoded*/) override
    {
        if (checksum_)
            content_.add(whole.content);
    }

    std::vector<std::byte> tail() const override
    {
        std::vector<std::byte> out;
        append_little_endian(out, 0, size_bytes);
        if (checksum_)
            append_little_endian(out, content_.value(), 4);
        return out;
    }

private:
    static constexpr std::size_t magic_size = 4;

    const int level_;
    const bool checksum_;
    const std::shared_ptr<context_pool> contexts_;
    lz4_checksum content_;
};

} // namespace

std::unique_ptr<piece_format> make_lz4_pieces(codec which, const encoder_settings& settings, std::size_t piece_bytes,
                                              std::shared_ptr<context_pool> contexts)
{
    const std::size_t block = piece_bytes == 0 ? largest_block : piece_bytes;
    const bool is_size_of_block = std::has_single_bit(block) && block >= smallest_block && block <= largest_block
        && std::countr_zero(block) % 2 == 0;
    if (!is_size_of_block)
        refuse_setting(which, "pieces", "of 64 KiB, 256 KiB, 1 MiB or 4 MiB are possible");
    piece_format::sizes sizes;
    sizes.piece = block;
    sizes.room = size_bytes + block;
    return std::make_unique<lz4_pieces>(sizes, lz4_level(settings), settings.checksum, std::move(contexts));
}

} // namespace weir::codecs
