#include "archives/zip_stream.hpp"

#include "archives/archive_input.hpp"
#include "archives/content_budget.hpp"
#include "archives/entry_name.hpp"
#include "archives/stream_state.hpp"
#include "archives/zip_content.hpp"
#include "archives/zip_descriptor.hpp"
#include "archives/zip_sequence.hpp"
#include "flow/fair_turns.hpp"
#include "streams/coding_memory.hpp"

#include <weir/engine.hpp>
#include <weir/error.hpp>

#include <algorithm>
#include <utility>
#include <vector>

namespace weir::codecs {

namespace asio = boost::asio;

namespace {

using namespace zip;

/// The entry that was told last.
struct present_entry {
    entry_numbers numbers;
    std::string names; ///< as the header has it, and as it is told
    std::exception_ptr refusal;
    bool sized = true;       ///< else a descriptor follows the content
    std::uint64_t taken = 0; ///< of the compressed bytes
    std::optional<content_check> check;
    bool is_open = false;
    bool is_decoded = false; ///< and what is not of it was given back
    bool is_done = false;    ///< nothing of it is left in the input
};

/// What an archive and the source of its present entry share: either may go first.
class zip_stream {
public:
    zip_stream(engine& owner, std::unique_ptr<source> input, archive_options options)
        : owner_(owner), options_(std::move(options)), budget_(options_), name_(input->name()), input_(std::move(input))
    {}

    static asio::awaitable<std::optional<archive_entry>> next(std::shared_ptr<zip_stream> self);
    static asio::awaitable<bytes> read(std::shared_ptr<zip_stream> self, std::uint64_t turn, block_filler& copies,
                                       reservation& memory, std::size_t max_bytes);
    static asio::awaitable<void> close(std::shared_ptr<zip_stream> self);

    /// \returns  whose turn it is
    /// \throws weir::error  as `archive::open`
    [[nodiscard]] std::uint64_t begin_content(const archive_entry& which);
    void leave_content(std::uint64_t turn) noexcept;
    void shut() noexcept { state_.shut(); }
    [[nodiscard]] std::string name_of(const archive_entry& which) const { return name_of_content(name_, which.name); }

private:
    class entry_data;

    asio::awaitable<std::optional<archive_entry>> find_next();
    asio::awaitable<void> pass_padding();
    asio::awaitable<void> pass_over();
    asio::awaitable<void> decode_rest();
    asio::awaitable<bytes> read_content(reservation& memory, std::size_t max_bytes);
    asio::awaitable<bytes> read_unsized(block_filler& copies, reservation& memory, std::size_t max_bytes);
    asio::awaitable<void> finish_content();
    asio::awaitable<void> read_descriptor();
    asio::awaitable<bytes> read_data(block_filler& copies, reservation& memory, std::size_t max_bytes);
    asio::awaitable<void> gather_record();
    asio::awaitable<void> require_gathered(std::size_t size);
    asio::awaitable<std::size_t> look_for_nothing();
    void put_back(std::vector<std::byte> gathered, std::size_t used);
    archive_entry begin_entry(std::size_t behind);
    void make_content();
    void take_record();
    void require_within_limit(std::uint64_t coming) const;
    [[noreturn]] void fail(errc code, const char* why) const;
    template <class Check> void named(Check check) const;

    engine& owner_;
    const archive_options options_;
    content_budget budget_;
    const std::string name_;
    archive_input input_;
    std::vector<std::byte> record_; ///< as far as it was gathered
    std::vector<std::byte> ahead_;  ///< of what follows it, likewise
    record_sequence records_;
    std::optional<present_entry> present_;
    std::unique_ptr<source> content_;    ///< of the present entry, decoded; refers to this
    decoding_source* decoder_ = nullptr; ///< the same, where it finds its own end
    std::optional<coding_memory> passing_; ///< for contents that are decoded to find their end
    bytes decoded_;                        ///< of one of those, and not given
    std::uint64_t to_skip_ = 0; ///< of contents that are left
    std::uint64_t turn_ = 0;
    bool has_ended_ = false;
    stream_state state_;
};

/// The compressed bytes of the present entry, and what follows where it is not known how many they are.
class zip_stream::entry_data final : public source {
public:
    explicit entry_data(zip_stream& of) noexcept : of_(of) {}

    asio::awaitable<bytes> read(reservation& memory, std::size_t max_bytes) override
    {
        return of_.read_data(copies_, memory, max_bytes);
    }
    std::string_view name() const noexcept override { return of_.present_->check->name(); }

private:
    zip_stream& of_;
    block_filler copies_;
};

asio::awaitable<std::optional<archive_entry>> zip_stream::next(std::shared_ptr<zip_stream> self)
{
    self->state_.require_usable(self->name_);
    try {
        std::optional<archive_entry> found = co_await self->find_next();
        co_return found;
    }
    catch (...) {
        self->state_.note_failure();
        throw;
    }
}

asio::awaitable<std::optional<archive_entry>> zip_stream::find_next()
{
    detail::fair_turns turns;
    ++turn_;
    co_await pass_over();
    while (!records_.at_end()) {
        require_within_limit(0);
        co_await gather_record();
        if (signature_of(record_) == local_signature) {
            const std::size_t behind = co_await look_for_nothing();
            co_return begin_entry(behind);
        }
        take_record();
        if (turns.is_over())
            co_await turns.give_way();
    }
    if (!has_ended_)
        co_await pass_padding();
    has_ended_ = true;
    co_return std::nullopt;
}

/// To the end of the input, which only zeros may fill.
asio::awaitable<void> zip_stream::pass_padding()
{
    const std::uint64_t end = input_.position();
    for (;;) {
        const bool any = co_await input_.fill();
        if (!any)
            co_return;
        const bytes& next = input_.at_hand();
        const bool is_zeros = std::ranges::all_of(next, [](const slice& each) { return is_padding(each.span()); });
        if (!is_zeros || input_.position() - end + next.size() > most_padding_bytes)
            fail(errc::trailing_data, "behind the archive");
        std::uint64_t count = next.size();
        co_await input_.skip(count);
    }
}

/// The record that begins here, whole.
asio::awaitable<void> zip_stream::gather_record()
{
    co_await require_gathered(signature_bytes);
    const std::uint32_t first = signature_of(record_);
    if (!records_.has_begun() && input_.position() == signature_bytes
        && (first == descriptor_signature || first == one_segment_signature)) {
        record_.clear(); // of an archive that could have had several parts
        co_await require_gathered(signature_bytes);
    }
    named([&] { records_.require(signature_of(record_), input_.position()); });
    for (std::size_t size = size_of_record(record_); record_.size() < size; size = size_of_record(record_))
        co_await require_gathered(size);
}

asio::awaitable<void> zip_stream::require_gathered(std::size_t size)
{
    const bool enough = co_await input_.gather(record_, size);
    if (!enough)
        fail(errc::truncated, "before the end of its directory");
}

/// Info-ZIP stores empty files, and a descriptor behind them. Where one of nothing follows at once, that is what it is;
/// the directory will tell.
/// \returns  the size of that descriptor, or 0
asio::awaitable<std::size_t> zip_stream::look_for_nothing()
{
    const header from = parse_local_header(record_);
    if (from.method != stored_method || !from.has(descriptor_flag) || from.compressed != 0)
        co_return 0;
    static_cast<void>(co_await input_.gather(ahead_, most_descriptor_bytes + signature_bytes));
    const descriptor_match found = match_descriptor(ahead_, entry_numbers{});
    put_back(std::exchange(ahead_, {}), 0);
    co_return found.fits ? found.size : 0;
}

void zip_stream::put_back(std::vector<std::byte> gathered, std::size_t used)
{
    const auto rest = std::make_shared<const std::vector<std::byte>>(std::move(gathered));
    input_.put_back(bytes(slice::adopt(std::span(*rest).subspan(used), rest)));
}

/// `behind`: bytes of the descriptor of an entry that is known to be empty.
archive_entry zip_stream::begin_entry(std::size_t behind)
{
    if (options_.limits.max_entries <= records_.entries_found())
        fail(errc::limit_exceeded, "the number of entries");
    const header from = parse_local_header(record_);
    present_entry now;
    now.sized = !from.has(descriptor_flag) || behind != 0;
    to_skip_ += behind;
    if (now.sized && from.fault)
        fail(errc::corrupt_data, from.fault);
    archive_entry out = entry_of(from);
    out.offset = input_.position() - record_.size();
    if (!now.sized) {
        out.size.reset();
        out.stored_bytes = 0;
    }
    out.refusal = refusal_of(from, out, now.sized, options_, name_);
    now.numbers = {.offset = out.offset, .flags = from.flags, .method = from.method};
    if (now.sized) {
        now.numbers.crc = from.crc;
        now.numbers.compressed = from.compressed;
        now.numbers.size = from.size;
    } else if (!tells_its_end(from.method, from.flags) && (!out.refusal || code_of(out.refusal) == errc::unsafe_name)) {
        out.refusal = std::make_exception_ptr(error(errc::unsupported_format, "open", name_of(out), std::nullopt,
                                                    out.method + ", with its size behind it"));
    }
    if (now.sized && !out.refusal)
        if (const char* const passed = budget_.add(from.size, input_.position() + from.compressed))
            out.refusal = refusal_by_limit(name_, out.name, passed);
    now.names = names_of(from);
    now.refusal = out.refusal;
    now.check.emplace(name_of(out));
    if (now.sized)
        records_.find(now.numbers, now.names);
    present_ = std::move(now);
    take_record();
    return out;
}

/// The sources that read the present entry.
void zip_stream::make_content()
{
    const entry_numbers& numbers = present_->numbers;
    auto data = std::make_unique<entry_data>(*this);
    if (numbers.method == stored_method) {
        content_ = std::move(data);
        return;
    }
    const auto size = present_->sized ? std::optional(numbers.size) : std::nullopt;
    auto decoded = decode(owner_, std::move(data), numbers.method, numbers.flags, size, !present_->sized, options_);
    decoder_ = present_->sized ? nullptr : decoded.get();
    if (decoder_ && !passing_)
        passing_.emplace(own_blocks{2, std::size_t{64} << 10});
    content_ = std::move(decoded);
}

std::uint64_t zip_stream::begin_content(const archive_entry& which)
{
    const bool has_turn = present_ && !present_->is_open && which.offset == present_->numbers.offset;
    if (state_.is_shut() || state_.has_failed() || !has_turn)
        throw error(errc::closed, "open", name_of(which), std::nullopt, "it is another entry's turn");
    if (which.refusal || present_->refusal)
        std::rethrow_exception(which.refusal ? which.refusal : present_->refusal);
    make_content();
    present_->is_open = true;
    return turn_;
}

/// Its reader's memory goes. What has to be decoded all the same has none of it.
void zip_stream::leave_content(std::uint64_t turn) noexcept
{
    if (turn == turn_ && present_ && present_->sized)
        content_.reset();
}

asio::awaitable<bytes> zip_stream::read(std::shared_ptr<zip_stream> self, std::uint64_t turn, block_filler& copies,
                                        reservation& memory, std::size_t max_bytes)
{
    self->state_.require_usable(self->name_, turn == self->turn_);
    bytes piece;
    if (self->present_->is_done)
        co_return piece;
    try {
        if (self->present_->sized)
            piece = co_await self->read_content(memory, max_bytes);
        else
            piece = co_await self->read_unsized(copies, memory, max_bytes);
    }
    catch (...) {
        if (!self->present_->sized) // nobody knows where it ends
            self->state_.note_failure();
        throw;
    }
    co_return piece;
}

asio::awaitable<bytes> zip_stream::read_content(reservation& memory, std::size_t max_bytes)
{
    present_entry& now = *present_;
    bytes piece;
    if (!now.is_decoded) {
        piece = co_await content_->read(memory, max_bytes);
        now.check->add(piece);
        if (now.sized)
            now.check->require_within(now.numbers.size);
        else if (const char* const passed = budget_.add(piece.size(), input_.position()))
            throw error(errc::limit_exceeded, "read", now.check->name(), now.check->size(), passed);
    }
    if (piece.empty())
        co_await finish_content();
    co_return piece;
}

/// Decodes into blocks of the archive's, so that it can go on when the reader has gone, and copies.
asio::awaitable<bytes> zip_stream::read_unsized(block_filler& copies, reservation& memory, std::size_t max_bytes)
{
    bytes out;
    if (decoded_.empty())
        decoded_ = co_await read_content(passing_->blocks(), passing_->blocks().block_bytes());
    if (decoded_.empty())
        co_return out;
    const std::span<std::byte> room = co_await copies.spare(memory);
    const bytes piece = decoded_.take_front(std::min({decoded_.size(), room.size(), max_bytes}));
    piece.copy_to(room);
    out.append(copies.commit(piece.size()));
    co_return out;
}

asio::awaitable<void> zip_stream::finish_content()
{
    present_entry& now = *present_;
    if (!std::exchange(now.is_decoded, true) && decoder_) {
        bytes unused = decoder_->take_unused();
        now.taken -= unused.size();
        input_.put_back(std::move(unused));
    }
    if (!now.sized)
        co_await read_descriptor();
    now.check->require(now.numbers.size, now.numbers.crc);
    now.is_done = true;
    decoder_ = nullptr;
    content_.reset();
}

asio::awaitable<void> zip_stream::read_descriptor()
{
    present_entry& now = *present_;
    static_cast<void>(co_await input_.gather(record_, most_descriptor_bytes + signature_bytes));
    now.numbers.crc = now.check->crc();
    now.numbers.compressed = now.taken;
    now.numbers.size = now.check->size();
    const descriptor_match found = match_descriptor(record_, now.numbers);
    if (!found.fits)
        throw error(found.size != 0 ? errc::checksum_mismatch : errc::corrupt_data, "read", now.check->name(),
                    now.numbers.size, "what follows the content says something else of it");
    put_back(std::exchange(record_, {}), found.size);
    records_.find(now.numbers, now.names);
}

asio::awaitable<bytes> zip_stream::read_data(block_filler& copies, reservation& memory, std::size_t max_bytes)
{
    present_entry& now = *present_;
    bytes piece;
    std::size_t room = max_bytes;
    if (now.sized)
        room = static_cast<std::size_t>(std::min<std::uint64_t>(room, now.numbers.compressed - now.taken));
    if (room == 0)
        co_return piece;
    const bool any = co_await input_.fill();
    if (!any)
        throw error(errc::truncated, "read", now.check->name(), now.taken, "the archive ends in its content");
    require_within_limit(0);
    piece = co_await input_.take(copies, memory, room);
    now.taken += piece.size();
    co_return piece;
}

/// To the end of the present entry.
asio::awaitable<void> zip_stream::pass_over()
{
    if (!present_)
        co_return;
    if (present_->sized) {
        decoder_ = nullptr;
        content_.reset();
        to_skip_ += present_->numbers.compressed - std::exchange(present_->taken, present_->numbers.compressed);
        require_within_limit(to_skip_);
        co_await input_.skip(to_skip_);
        if (to_skip_ != 0)
            fail(errc::truncated, "it ends in the content of an entry");
    } else if (!present_->is_done) {
        co_await decode_rest();
    }
    present_.reset();
}

asio::awaitable<void> zip_stream::decode_rest()
{
    present_entry& now = *present_;
    if (!tells_its_end(now.numbers.method, now.numbers.flags) || (now.refusal && code_of(now.refusal) != errc::unsafe_name))
        std::rethrow_exception(now.refusal);
    if (!content_ && !now.is_decoded)
        make_content();
    decoded_.clear();
    while (!now.is_done)
        static_cast<void>(co_await read_content(passing_->blocks(), passing_->blocks().block_bytes()));
}

void zip_stream::take_record()
{
    named([&] { records_.take(record_, input_.position() - record_.size()); });
    record_.clear();
}

asio::awaitable<void> zip_stream::close(std::shared_ptr<zip_stream> self)
{
    self->state_.shut();
    self->content_.reset();
    self->decoded_.clear();
    self->passing_.reset();
    co_await self->input_.close();
}

/// Gives the faults that `check` throws the archive's name.
template <class Check> void zip_stream::named(Check check) const
{
    try {
        check();
    }
    catch (const fault& found) {
        throw found.as_error(name_);
    }
}

/// \param coming  bytes, as they are declared
void zip_stream::require_within_limit(std::uint64_t coming) const
{
    const std::uint64_t most = options_.limits.max_archive_bytes;
    if (input_.position() > most || coming > most - input_.position())
        fail(errc::limit_exceeded, "the size of the archive");
}

void zip_stream::fail(errc code, const char* why) const { throw error(code, "read", name_, input_.position(), why); }

class stream_content final : public source {
public:
    stream_content(std::shared_ptr<zip_stream> from, std::uint64_t turn, std::string name,
                   std::optional<std::uint64_t> size) noexcept
        : stream_(std::move(from)), turn_(turn), name_(std::move(name)), size_(size)
    {}
    ~stream_content() override { stream_->leave_content(turn_); }

    asio::awaitable<bytes> read(reservation& memory, std::size_t max_bytes) override
    {
        return zip_stream::read(stream_, turn_, copies_, memory, max_bytes);
    }
    std::optional<std::uint64_t> size() const noexcept override { return size_; }
    std::string_view name() const noexcept override { return name_; }
    asio::awaitable<void> close() override
    {
        stream_->leave_content(std::exchange(turn_, 0));
        copies_.reset();
        co_return;
    }

private:
    const std::shared_ptr<zip_stream> stream_;
    std::uint64_t turn_; ///< 0 once it is closed
    const std::string name_;
    const std::optional<std::uint64_t> size_;
    block_filler copies_; ///< in the memory of who reads
};

class zip_stream_archive final : public archive {
public:
    zip_stream_archive(engine& owner, std::unique_ptr<source> input, const archive_options& options)
        : stream_(std::make_shared<zip_stream>(owner, std::move(input), options))
    {}
    ~zip_stream_archive() override { stream_->shut(); }

    archive_format format() const noexcept override { return archive_format::zip; }
    bool reads_in_any_order() const noexcept override { return false; }
    asio::awaitable<std::optional<archive_entry>> next() override { return zip_stream::next(stream_); }
    std::unique_ptr<source> open(const archive_entry& which) override
    {
        const std::uint64_t turn = stream_->begin_content(which);
        return std::make_unique<stream_content>(stream_, turn, stream_->name_of(which), which.size);
    }
    asio::awaitable<void> close() override { return zip_stream::close(stream_); }

private:
    const std::shared_ptr<zip_stream> stream_;
};

} // namespace

std::unique_ptr<archive> make_zip_stream(engine& owner, std::unique_ptr<source> input, const archive_options& options)
{
    return std::make_unique<zip_stream_archive>(owner, std::move(input), options);
}

} // namespace weir::codecs
