#include "archives/tar_archive.hpp"

#include "archives/archive_input.hpp"
#include "archives/content_budget.hpp"
#include "archives/entry_name.hpp"
#include "archives/stream_state.hpp"
#include "archives/tar_parser.hpp"
#include "flow/fair_turns.hpp"
#include "memory/zeros.hpp"

#include <weir/error.hpp>

#include <algorithm>
#include <limits>
#include <utility>

namespace weir::codecs {

namespace asio = boost::asio;

namespace {

using tar::tar_parser;

/// What the source of a content has of its own.
struct content_state {
    std::uint64_t turn = 0; ///< which entry of the archive it is; 0 once it is closed
    std::uint64_t size = 0;
    std::string name;
    block_filler copies; ///< in the memory of who reads
};

/// What an archive and the source of its present entry share: either may go first.
class tar_stream {
public:
    tar_stream(std::unique_ptr<source> input, const archive_options& options,
               std::shared_ptr<random_access_input> places)
        : name_(input->name()),
          input_(std::move(input), std::move(places)),
          parser_(name_, options.limits, options.refuse_unsafe_names),
          budget_(options)
    {}

    static asio::awaitable<std::optional<archive_entry>> next(std::shared_ptr<tar_stream> self);
    static asio::awaitable<bytes> read(std::shared_ptr<tar_stream> self, content_state& of, reservation& memory,
                                       std::size_t max_bytes);
    static asio::awaitable<void> close(std::shared_ptr<tar_stream> self);

    /// \throws weir::error  as `archive::open`
    [[nodiscard]] content_state begin_content(const archive_entry& which);
    void shut() noexcept { state_.shut(); }

private:
    asio::awaitable<std::optional<archive_entry>> find_next();
    asio::awaitable<void> leave_content();
    asio::awaitable<void> read_to_end();
    asio::awaitable<bytes> read_content(content_state& of, reservation& memory, std::size_t max_bytes);
    [[nodiscard]] tar_parser::outcome parse();
    [[nodiscard]] archive_entry begin_entry();
    [[noreturn]] void fail(errc code, std::string_view subject, std::string_view why) const;

    const std::string name_;
    archive_input input_;
    tar_parser parser_;
    content_budget budget_;
    std::vector<std::byte> gathered_; ///< of what the parser wants
    std::uint64_t to_skip_ = 0;       ///< of contents that are left, and their padding
    std::uint64_t content_left_ = 0;  ///< of the entry's, in the archive
    std::uint64_t padding_ = 0;       ///< behind that
    tar::sparse_cursor cursor_;       ///< in the entry's content
    std::uint64_t turn_ = 0;
    std::uint64_t entry_offset_ = 0;
    bool may_open_ = false; ///< the entry's content, once
    bool has_ended_ = false;
    stream_state state_;
};

asio::awaitable<std::optional<archive_entry>> tar_stream::next(std::shared_ptr<tar_stream> self)
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

asio::awaitable<std::optional<archive_entry>> tar_stream::find_next()
{
    co_await leave_content();
    detail::fair_turns turns;
    while (!has_ended_) {
        if (turns.is_over()) // headers that are at hand do not wait
            co_await turns.give_way();
        if (!co_await input_.gather(gathered_, parser_.wanted())) {
            if (!gathered_.empty() || !parser_.may_end())
                fail(errc::truncated, name_, "it ends in the headers of an entry");
            has_ended_ = true; // as other readers take it
            break;
        }
        const tar_parser::outcome found = parse();
        if (found == tar_parser::outcome::entry)
            co_return begin_entry();
        has_ended_ = found == tar_parser::outcome::end;
    }
    co_await read_to_end();
    co_return std::nullopt;
}

asio::awaitable<void> tar_stream::leave_content()
{
    ++turn_;
    may_open_ = false;
    to_skip_ += std::exchange(content_left_, 0) + std::exchange(padding_, 0);
    co_await input_.skip(to_skip_);
    if (to_skip_ != 0)
        fail(errc::truncated, name_, "it ends in the content of an entry");
}

tar_parser::outcome tar_stream::parse()
{
    const tar_parser::outcome found = parser_.take(gathered_, input_.position() - gathered_.size());
    gathered_.clear();
    return found;
}

archive_entry tar_stream::begin_entry()
{
    content_left_ = parser_.content_bytes();
    padding_ = parser_.padding_bytes();
    cursor_.start(parser_.extents(), parser_.file_bytes());
    may_open_ = true;
    archive_entry out = parser_.take_entry();
    entry_offset_ = out.offset;
    const char* const passed =
        out.refusal ? nullptr : budget_.add(parser_.file_bytes(), input_.position() + content_left_);
    if (passed)
        out.refusal = std::make_exception_ptr(
            error(errc::limit_exceeded, "read", name_of_content(name_, out.name), out.offset, passed));
    return out;
}

/// What follows the marked end is of no account, as for other readers; but all is read, since an input that is decoded
/// or fetched is checked at its end. An archive of nothing has to be nothing but zeros: other files begin with some
/// too.
asio::awaitable<void> tar_stream::read_to_end()
{
    while (parser_.entries() == 0 && co_await input_.fill()) {
        for (const slice& each : input_.at_hand())
            if (!tar::is_zero(each))
                fail(errc::bad_format, name_, "no known archive begins so");
        std::uint64_t zeros = input_.at_hand().size();
        co_await input_.skip(zeros);
    }
    std::uint64_t everything = std::numeric_limits<std::uint64_t>::max();
    co_await input_.skip(everything);
}

content_state tar_stream::begin_content(const archive_entry& which)
{
    content_state out;
    out.name = name_of_content(name_, which.name);
    if (state_.is_shut() || !may_open_ || which.offset != entry_offset_)
        throw error(errc::closed, "open", out.name, std::nullopt, "it is another entry's turn");
    if (which.refusal)
        std::rethrow_exception(which.refusal);
    may_open_ = false;
    out.turn = turn_;
    out.size = parser_.file_bytes();
    return out;
}

asio::awaitable<bytes> tar_stream::read(std::shared_ptr<tar_stream> self, content_state& of, reservation& memory,
                                        std::size_t max_bytes)
{
    self->state_.require_usable(of.name, of.turn == self->turn_);
    try {
        bytes piece = co_await self->read_content(of, memory, max_bytes);
        self->state_.require_usable(of.name);
        co_return piece;
    }
    catch (...) {
        self->state_.note_failure();
        throw;
    }
}

asio::awaitable<bytes> tar_stream::read_content(content_state& of, reservation& memory, std::size_t max_bytes)
{
    bytes out;
    if (cursor_.at_end()) {
        of.copies.reset();
        co_return out;
    }
    if (const std::uint64_t hole = cursor_.hole(); hole != 0) {
        const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(hole, max_bytes));
        detail::append_zeros(count, out);
        cursor_.advance(count);
        co_return out;
    }
    if (!co_await input_.fill())
        fail(errc::truncated, of.name, "the archive ends in its content");
    const auto room = static_cast<std::size_t>(std::min<std::uint64_t>(cursor_.data(), max_bytes));
    out = co_await input_.take(of.copies, memory, room);
    cursor_.advance(out.size());
    content_left_ -= out.size();
    co_return out;
}

asio::awaitable<void> tar_stream::close(std::shared_ptr<tar_stream> self)
{
    self->state_.shut();
    co_await self->input_.close();
}

void tar_stream::fail(errc code, std::string_view subject, std::string_view why) const
{
    throw error(code, "read", subject, input_.position(), why);
}

class tar_content final : public source {
public:
    tar_content(std::shared_ptr<tar_stream> from, content_state state) noexcept
        : stream_(std::move(from)), state_(std::move(state))
    {}

    asio::awaitable<bytes> read(reservation& memory, std::size_t max_bytes) override
    {
        return tar_stream::read(stream_, state_, memory, max_bytes);
    }
    std::optional<std::uint64_t> size() const noexcept override { return state_.size; }
    std::string_view name() const noexcept override { return state_.name; }
    asio::awaitable<void> close() override
    {
        state_.turn = 0;
        state_.copies.reset();
        co_return;
    }

private:
    const std::shared_ptr<tar_stream> stream_;
    content_state state_;
};

class tar_archive final : public archive {
public:
    tar_archive(std::unique_ptr<source> input, const archive_options& options,
                std::shared_ptr<random_access_input> places)
        : stream_(std::make_shared<tar_stream>(std::move(input), options, std::move(places)))
    {}
    ~tar_archive() override { stream_->shut(); }

    archive_format format() const noexcept override { return archive_format::tar; }
    bool reads_in_any_order() const noexcept override { return false; }
    asio::awaitable<std::optional<archive_entry>> next() override { return tar_stream::next(stream_); }
    std::unique_ptr<source> open(const archive_entry& which) override
    {
        content_state state = stream_->begin_content(which);
        return std::make_unique<tar_content>(stream_, std::move(state));
    }
    asio::awaitable<void> close() override { return tar_stream::close(stream_); }

private:
    const std::shared_ptr<tar_stream> stream_;
};

} // namespace

std::unique_ptr<archive> make_tar_archive(std::unique_ptr<source> input, const archive_options& options,
                                          std::shared_ptr<random_access_input> places)
{
    return std::make_unique<tar_archive>(std::move(input), options, std::move(places));
}

} // namespace weir::codecs
