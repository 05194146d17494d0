// gzip, zlib and raw deflate decoded by ISA-L: several times as fast as zlib. It only inflates. Headers, checksums and
// sizes are looked at here, so that all is accepted, refused and counted as with zlib.
//
// ISA-L works ahead of what it gives, in both directions: up to eight bytes of input are in its bit buffer, and up to
// 64 KiB of output wait in its state. The bytes of input go back as soon as it has all that it can use. An error is
// told when the output before it has been given, so that limits apply as they would without that.

#include "compression/deflate_decoder.hpp"
#include "compression/deflate_header.hpp"

#include <isa-l.h>

#include <algorithm>
#include <cassert>
#include <new>
#include <optional>

namespace weir::codecs {
namespace {

constexpr std::size_t most_input_at_once = std::size_t{1} << 30; // it counts in 32 bits, and adds to that

const unsigned char* as_chars(std::span<const std::byte> bytes) noexcept
{
    return reinterpret_cast<const unsigned char*>(bytes.data());
}

failure failure_of(int result) noexcept
{
    switch (result) {
    case ISAL_INVALID_BLOCK: return {errc::corrupt_data, "invalid block"};
    case ISAL_INVALID_SYMBOL: return {errc::corrupt_data, "invalid code"};
    case ISAL_INVALID_LOOKBACK: return {errc::corrupt_data, "invalid distance too far back"};
    default: return {errc::internal, "isal_inflate"};
    }
}

/// The checksum behind a stream, and of gzip the size.
class deflate_trailer {
public:
    deflate_trailer(codec which, bool verify) noexcept : which_(which), verify_(verify) {}

    void start() noexcept
    {
        bytes_.clear();
        checksum_ = which_ == codec::zlib ? 1 : 0; // as Adler-32 begins, and CRC-32
        size_ = 0;
    }

    void add(std::span<const std::byte> content) noexcept
    {
        if (which_ == codec::deflate || !verify_)
            return;
        size_ += static_cast<std::uint32_t>(content.size());
        checksum_ = which_ == codec::gzip ? crc32_gzip_refl(checksum_, as_chars(content), content.size())
                                          : isal_adler32(checksum_, as_chars(content), content.size());
    }

    /// \returns  whether it is whole
    /// \throws failure
    bool read(std::span<const std::byte>& input)
    {
        if (which_ == codec::deflate)
            return true;
        if (!bytes_.fill(input, 4))
            return false;
        const auto checksum = static_cast<std::uint32_t>(little_endian(bytes_.bytes().first(4)));
        if (verify_ && (which_ == codec::gzip ? checksum : __builtin_bswap32(checksum)) != checksum_)
            throw failure{errc::checksum_mismatch, "incorrect data check"};
        if (which_ == codec::zlib)
            return true;
        if (!bytes_.fill(input, 8))
            return false;
        if (verify_ && little_endian(bytes_.bytes().subspan(4)) != size_)
            throw failure{errc::checksum_mismatch, "incorrect length check"};
        return true;
    }

private:
    const codec which_;
    const bool verify_;
    stream_start<8> bytes_;
    std::uint32_t checksum_ = 0;
    std::uint32_t size_ = 0; // modulo 2^32, as gzip has it
};

class isal_decoder final : public deflate_decoder {
public:
    isal_decoder(codec which, const decoder_settings& settings, std::pmr::memory_resource& from)
        : deflate_decoder(which, settings, from),
          header_(which, settings.verify_checksum),
          trailer_(which, settings.verify_checksum)
    {
        void* const memory = memory_.take(sizeof(inflate_state));
        if (!memory)
            throw std::bad_alloc();
        state_ = ::new (memory) inflate_state{};
        isal_inflate_init(state_);
    }
    ~isal_decoder() override { memory_.give_back(state_); }

private:
    enum class part { header, content, trailer };

    void begin_member() override
    {
        isal_inflate_reset(state_);
        header_.start();
        trailer_.start();
        failure_.reset();
        part_ = part::header;
    }

    bool inflate_member(std::span<const std::byte>& input, std::span<std::byte>& output) override
    {
        if (part_ == part::header) {
            if (!header_.read(input))
                return false;
            part_ = part::content;
        }
        if (part_ == part::content) {
            if (!inflate_content(input, output))
                return false;
            part_ = part::trailer;
        }
        return trailer_.read(input);
    }

    /// \returns  whether all of it was given
    bool inflate_content(std::span<const std::byte>& input, std::span<std::byte>& output)
    {
        const std::span<std::byte> room = output;
        if (!failure_)
            inflate_some(input, output);
        if (failure_)
            give_waiting(output);
        trailer_.add(room.first(room.size() - output.size()));
        if (failure_ && !output.empty())
            throw *failure_;
        return state_->block_state == ISAL_BLOCK_FINISH;
    }

    /// One call of the library.
    void inflate_some(std::span<const std::byte>& input, std::span<std::byte>& output)
    {
        const std::span<const std::byte> in = input.first(std::min(input.size(), most_input_at_once));
        state_->next_in = const_cast<unsigned char*>(as_chars(in));
        state_->avail_in = static_cast<std::uint32_t>(in.size());
        state_->next_out = reinterpret_cast<unsigned char*>(output.data());
        state_->avail_out = static_cast<std::uint32_t>(output.size());
        const int result = isal_inflate(state_);
        // After an error only the places are right: what is left may lack the margins of the inner loop.
        std::size_t given = static_cast<std::size_t>(state_->next_out - reinterpret_cast<unsigned char*>(output.data()));
        if (result < 0) {
            failure_ = failure_of(result);
            if (result != ISAL_INVALID_BLOCK)
                given = without_doubtful(output.first(given));
        }
        const auto taken = static_cast<std::size_t>(state_->next_in - as_chars(in));
        input = input.subspan(taken - unread(taken, given == output.size()));
        output = output.subspan(given);
    }

    /// Takes bytes of input out of the bit buffer that are not needed now: it has all of the stream, or no room for
    /// what they would give. Where it wants more, they belong to a symbol that is not whole.
    /// \returns  how many of those that were `taken`
    std::size_t unread(std::size_t taken, bool is_full) noexcept
    {
        const auto state = state_->block_state;
        const bool at_end = state == ISAL_BLOCK_INPUT_DONE || state == ISAL_BLOCK_FINISH || failure_;
        const bool has_bytes = state_->read_in_length >= 8;
        if (!has_bytes || state == ISAL_BLOCK_HDR || !(at_end || is_full))
            return 0;
        const std::size_t count = std::min(taken, static_cast<std::size_t>(state_->read_in_length) / 8);
        state_->read_in_length -= static_cast<std::int32_t>(8 * count);
        if (count != 0) // what is beyond would be there twice
            state_->read_in &= (std::uint64_t{1} << state_->read_in_length) - 1;
        return count;
    }

    /// After an error in a match its bytes may have been counted and not written. Nothing tells how many they are, so
    /// that as many as a match may have are left out, right or not.
    /// \returns  how many of those that were `given` stay
    std::size_t without_doubtful(std::span<std::byte> given) noexcept
    {
        const auto waiting = static_cast<std::size_t>(state_->tmp_out_valid - state_->tmp_out_processed);
        const std::size_t of_waiting = std::min<std::size_t>(waiting, ISAL_DEF_MAX_MATCH);
        const std::size_t of_given = std::min<std::size_t>(given.size(), ISAL_DEF_MAX_MATCH - of_waiting);
        state_->tmp_out_valid -= static_cast<std::int32_t>(of_waiting);
        std::ranges::fill(given.last(of_given), std::byte{0}); // they may be of another stream
        return given.size() - of_given;
    }

    /// After an error: what was there before it.
    void give_waiting(std::span<std::byte>& output) noexcept
    {
        const auto waiting = static_cast<std::size_t>(state_->tmp_out_valid - state_->tmp_out_processed);
        const std::size_t count = std::min(waiting, output.size());
        std::copy_n(reinterpret_cast<const std::byte*>(state_->tmp_out_buffer) + state_->tmp_out_processed, count,
                    output.data());
        state_->tmp_out_processed += static_cast<std::int32_t>(count);
        output = output.subspan(count);
    }

    inflate_state* state_ = nullptr;
    deflate_header header_;
    deflate_trailer trailer_;
    part part_ = part::header;
    std::optional<failure> failure_; // that is told when all before it was given
};

} // namespace

std::unique_ptr<context> make_deflate_decoder(codec which, const decoder_settings& settings,
                                              std::pmr::memory_resource& from)
{
    return std::make_unique<isal_decoder>(which, settings, from);
}

std::size_t deflate_decoder_memory() noexcept { return sizeof(inflate_state); }

std::string deflate_decoder_version()
{
    constexpr int parts[] = {ISAL_MAJOR_VERSION, ISAL_MINOR_VERSION, ISAL_PATCH_VERSION};
    return "ISA-L " + std::to_string(parts[0]) + '.' + std::to_string(parts[1]) + '.' + std::to_string(parts[2]);
}

} // namespace weir::codecs
