#include "archives/zip_content.hpp"

#include "compression/stream_start.hpp"

#include <weir/decoder.hpp>
#include <weir/engine.hpp>

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

namespace weir::codecs::zip {

namespace asio = boost::asio;

namespace {

constexpr std::size_t input_bytes = std::size_t{64} << 10; // of a decoder, at a time
constexpr std::size_t most_digested_bytes = std::size_t{1} << 20; // at a time: a millisecond at most

/// Turns the header of method 14 (section 5.8.8: two bytes of version, two of size, five of properties) into that of
/// LZMA alone, which has the properties and eight bytes of size. It reads no further ahead than its reader does.
class lzma_data final : public source {
public:
    static constexpr std::uint64_t until_marker = std::numeric_limits<std::uint64_t>::max();

    lzma_data(std::unique_ptr<source> from, std::uint64_t size)
        : name_(from->name()), size_(size), input_(std::move(from))
    {}

    asio::awaitable<bytes> read(reservation& memory, std::size_t max_bytes) override
    {
        if (!begun_) {
            const std::span<const std::byte> start = co_await input_.peek(memory, head_bytes);
            header_ = make_header(start);
            input_.consume(start.size());
            begun_ = true;
        }
        if (!header_.empty())
            co_return header_.take_front(std::min(header_.size(), max_bytes));
        co_return co_await input_.take(memory, max_bytes);
    }
    std::string_view name() const noexcept override { return name_; }
    asio::awaitable<void> close() override { return input_.close(); }

private:
    static constexpr std::size_t head_bytes = 9;
    static constexpr std::size_t properties_at = 4;

    bytes make_header(std::span<const std::byte> start) const
    {
        if (start.size() < head_bytes)
            throw error(errc::truncated, "decode", name_, start.size(), "lzma: in its header");
        if (little_endian(start.subspan(2, 2)) != head_bytes - properties_at)
            throw error(errc::corrupt_data, "decode", name_, 2, "lzma: the size of its properties");
        const auto header = std::make_shared<std::vector<std::byte>>(start.begin() + properties_at, start.end());
        for (unsigned shift = 0; shift < 64; shift += 8)
            header->push_back(static_cast<std::byte>(size_ >> shift));
        return bytes(slice::adopt(*header, header));
    }

    const std::string name_;
    const std::uint64_t size_;
    zip_input input_;
    bytes header_;
    bool begun_ = false;
};

/// The compressed bytes of an entry, behind its local header.
class range_data final : public source {
public:
    range_data(std::unique_ptr<source> from, std::shared_ptr<const content_place> place, std::string name)
        : name_(std::move(name)), place_(std::move(place)), input_(std::move(from)), left_(place_->compressed)
    {}

    asio::awaitable<bytes> read(reservation& memory, std::size_t max_bytes) override
    {
        if (!begun_)
            co_await begin(memory);
        if (left_ == 0)
            co_return bytes();
        const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(left_, max_bytes));
        bytes piece = co_await input_.take(memory, wanted);
        if (piece.empty())
            throw error(errc::truncated, "read", name_, place_->compressed - left_);
        left_ -= piece.size();
        co_return piece;
    }
    std::string_view name() const noexcept override { return name_; }
    asio::awaitable<void> close() override { return input_.close(); }

private:
    asio::awaitable<void> begin(reservation& memory)
    {
        const std::span<const std::byte> start = co_await input_.peek(memory, local_header_bytes);
        if (start.size() < local_header_bytes)
            throw error(errc::truncated, "read", name_, std::nullopt, "in its header");
        if (signature_of(start) != local_signature)
            throw error(errc::corrupt_data, "read", name_, std::nullopt, "no header where the directory says");
        const std::size_t size = size_of_local_header(start);
        const std::uint64_t room = place_->limit - place_->header_at;
        if (size > room || place_->compressed > room - size)
            throw error(errc::corrupt_data, "read", name_, std::nullopt, "it reaches into what follows");
        const std::span<const std::byte> record = co_await input_.peek(memory, size);
        if (record.size() < size)
            throw error(errc::truncated, "read", name_, std::nullopt, "in its header");
        require_agreement(parse_local_header(record), *place_, name_);
        input_.consume(size);
        begun_ = true;
    }

    const std::string name_;
    const std::shared_ptr<const content_place> place_;
    zip_input input_;
    std::uint64_t left_;
    bool begun_ = false;
};

/// A content that has to be as its place says.
class checked_content final : public source {
public:
    checked_content(std::unique_ptr<source> content, std::shared_ptr<const content_place> place, std::string name)
        : content_(std::move(content)), place_(std::move(place)), check_(std::move(name))
    {}

    asio::awaitable<bytes> read(reservation& memory, std::size_t max_bytes) override
    {
        bytes piece = co_await content_->read(memory, std::min(max_bytes, most_digested_bytes));
        check_.add(piece);
        if (piece.empty())
            check_.require(place_->size, place_->crc);
        else
            check_.require_within(place_->size);
        co_return piece;
    }
    std::optional<std::uint64_t> size() const noexcept override { return place_->size; }
    std::string_view name() const noexcept override { return check_.name(); }
    asio::awaitable<void> close() override { return content_->close(); }

private:
    const std::unique_ptr<source> content_;
    const std::shared_ptr<const content_place> place_;
    content_check check_;
};

} // namespace

void content_check::add(const bytes& piece)
{
    for (const slice& each : piece)
        checksum_.update(each.span());
    size_ += piece.size();
}

void content_check::require_within(std::uint64_t declared) const
{
    if (size_ > declared)
        throw error(errc::corrupt_data, "read", name_, declared, "the content is longer than declared");
}

void content_check::require(std::uint64_t size, std::uint32_t crc) const
{
    require_within(size);
    if (size_ != size)
        throw error(errc::corrupt_data, "read", name_, size_, "the content is shorter than declared");
    if (checksum_.value() != crc)
        throw error(errc::checksum_mismatch, "read", name_, size_, "of the content");
}

std::unique_ptr<decoding_source> decode(engine& owner, std::unique_ptr<source> data, std::uint16_t method,
                                        std::uint16_t flags, std::optional<std::uint64_t> size, bool finds_end,
                                        const archive_options& options)
{
    decoding_options how;
    how.codec = codec_of(method);
    how.contexts = options.contexts;
    how.settings = settings_for(how.codec.value(), options.decoder);
    how.settings.concatenated = !finds_end;
    how.keep_unused = finds_end;
    if (finds_end) // it may have to go on without its reader, who waits for all of the engine's blocks: none of those
        how.buffer_bytes = owner.block_bytes() == input_bytes ? 2 * input_bytes : input_bytes;
    how.settings.max_output_bytes = most_content_bytes(options);
    if (method == lzma_method) {
        const bool marked = (flags & lzma_marker_flag) != 0;
        data = std::make_unique<lzma_data>(std::move(data), marked ? lzma_data::until_marker : size.value());
    }
    return std::make_unique<decoding_source>(owner, std::move(data), how);
}

void require_agreement(const header& local, const content_place& directory, std::string_view name)
{
    const auto require = [name](bool same, const char* what) {
        if (!same)
            throw error(errc::corrupt_data, "read", name, std::nullopt,
                        std::string("its header and the directory disagree about ") + what);
    };
    require(local.name == directory.name, "its name");
    require(local.method == directory.method, "the method");
    require(((local.flags ^ directory.flags) & compared_flags) == 0, "its flags");
    require(!local.fault, "its size");
    // Where they follow the content, the header has zeros, or what is right.
    const bool follow = local.has(descriptor_flag);
    const auto same = [follow](std::uint64_t here, std::uint64_t there) { return here == there || (follow && here == 0); };
    require(same(local.compressed, directory.compressed) && same(local.size, directory.size), "its size");
    require(same(local.crc, directory.crc), "the checksum");
}

std::unique_ptr<source> open_content(engine& owner, random_access_input& input,
                                     std::shared_ptr<const content_place> place, std::string name,
                                     const archive_options& options)
{
    constexpr std::uint64_t most_header_bytes = local_header_bytes + 2 * 0xffff;
    const std::uint64_t room = place->limit - place->header_at;
    const std::uint64_t length
        = place->compressed < unlimited - most_header_bytes ? std::min(room, most_header_bytes + place->compressed) : room;
    std::unique_ptr<source> content
        = std::make_unique<range_data>(input.open(place->header_at, length), place, name);
    if (place->method != stored_method)
        content = decode(owner, std::move(content), place->method, place->flags, place->size, false, options);
    return std::make_unique<checked_content>(std::move(content), std::move(place), std::move(name));
}

} // namespace weir::codecs::zip
