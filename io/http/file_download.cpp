#include <weir/http/file_download.hpp>

#include "error_detail.hpp"
#include "partial_file.hpp"

#include <weir/as_result.hpp>
#include <weir/detail/run_on.hpp>

#include <fmt/format.h>

#include <utility>

namespace weir::http {

namespace asio = boost::asio;

file_error::~file_error() = default;

namespace {

/// \throws file_error  for what `call` throws
template <class Call> decltype(auto) of_file(Call call)
{
    try {
        return call();
    }
    catch (const error& failure) {
        throw file_error(failure);
    }
}

} // namespace

class file_download::impl {
public:
    impl(client& from, url what, std::filesystem::path to, asio::any_io_executor workers, file_download_options options)
        : from_(from), what_(std::move(what)), workers_(std::move(workers)), options_(std::move(options))
    {
        if (options_.resume && options_.source.header.contains("Range"))
            throw error(errc::bad_configuration, "open", what_.to_string(), std::nullopt, "a Range cannot be resumed");
        of_file([&] { file_.emplace(std::move(to), what_, options_.resume, options_.sync_interval); });
    }

    asio::awaitable<void> open(const std::shared_ptr<impl>& self)
    {
        co_await detail::run_on(workers_, check_kept(self));
        const result<void> asked = co_await as_result(ask());
        if (asked.code() == errc::version_changed && kept_ != 0) {
            say("the object has changed since it was begun: it starts anew");
            kept_ = 0;
            of_file([&] { file_->forget(); });
            co_await ask();
        }
        else if (!asked) {
            std::rethrow_exception(asked.exception());
        }
        begin();
    }

    [[nodiscard]] std::optional<std::uint64_t> size() const noexcept
    {
        const auto rest = source_ ? source_->size() : std::nullopt;
        return rest ? std::optional(kept_ + *rest) : std::nullopt;
    }
    [[nodiscard]] std::uint64_t kept_bytes() const noexcept { return kept_; }

    asio::awaitable<std::size_t> write_some(const std::shared_ptr<impl>& self, reservation& memory,
                                            std::size_t max_bytes)
    {
        result<bytes> got = co_await as_result(source_->read(memory, max_bytes));
        if (got.code() == errc::mismatch)
            co_await detail::run_on(workers_, give_up(self, offset_of(got.exception())));
        bytes piece = std::move(got).value();
        const std::size_t size = piece.size();
        if (size != 0)
            co_await detail::run_on(workers_, write(self, std::move(piece)));
        co_return size;
    }

    asio::awaitable<source_report> finish(const std::shared_ptr<impl>& self)
    {
        co_await source_->close();
        try {
            whole_->finish({}, answer_share::part, what_.to_string());
        }
        catch (const error&) {
            file_->discard(); // nobody can say which of it is wrong
            throw;
        }
        co_await detail::run_on(workers_, commit(self));
        source_report report = source_->report();
        report.checked.insert(report.checked.end(), whole_->checked().begin(), whole_->checked().end());
        report.ignored.insert(report.ignored.end(), whole_->ignored().begin(), whole_->ignored().end());
        co_return report;
    }

private:
    static asio::awaitable<void> check_kept(std::shared_ptr<impl> self)
    {
        const transfer_journal* const journal = self->file_->journal();
        if (!journal || !journal->version())
            co_return;
        self->version_ = *journal->version();
        self->wanted_ = journal->stated();
        self->whole_.emplace(self->all_wanted());
        const auto strand = co_await asio::this_coro::executor;
        while (of_file([&] { return self->file_->check_some(*self->whole_); }))
            co_await asio::post(strand, asio::use_awaitable); // others have their turn, and a cancellation its chance
        self->kept_ = self->file_->size();
    }

    asio::awaitable<void> ask()
    {
        source_options options = options_.source;
        if (kept_ != 0) { // what is kept is checked here, together with the rest
            options.check_whole = false;
            options.expected.reset();
            options.resume = resume_point{kept_, version_};
        }
        source_ = co_await http::open(from_, what_, std::move(options));
    }

    /// What is kept, and the source behind it, are one object from here on.
    void begin()
    {
        if (kept_ == 0) {
            version_ = source_->version();
            wanted_ = source_->stated();
            whole_.emplace(std::vector<stated_digest>()); // the source checks all
        }
        of_file([&] { file_->begin(version_, wanted_); });
        if (options_.resume && !can_be_kept(version_))
            say("the server gives no strong validator, or no length: this cannot be resumed");
    }

    [[nodiscard]] std::vector<stated_digest> all_wanted() const
    {
        std::vector<stated_digest> all = wanted_;
        if (options_.source.expected) {
            all.push_back(*options_.source.expected);
            all.back().scope = digest_scope::representation;
        }
        return all;
    }

    static asio::awaitable<void> write(std::shared_ptr<impl> self, bytes piece)
    {
        of_file([&] { self->file_->write(piece); });
        for (const slice& part : piece)
            self->whole_->update(part.span());
        co_return;
    }

    /// \param place  of the answer that is wrong; nothing: nobody can say which of all that is there
    static asio::awaitable<void> give_up(std::shared_ptr<impl> self, std::optional<std::uint64_t> place)
    {
        try {
            self->file_->give_up(place.value_or(0));
        }
        catch (const error&) {
            self->file_->discard();
        }
        co_return;
    }

    static asio::awaitable<void> commit(std::shared_ptr<impl> self)
    {
        of_file([&] { self->file_->commit(); });
        co_return;
    }

    void say(std::string_view text) const
    {
        if (options_.notice)
            options_.notice(fmt::format("{}: {}", what_.to_string(), text));
    }

    client& from_;
    const url what_;
    const asio::any_io_executor workers_;
    const file_download_options options_;
    std::optional<partial_file> file_;
    std::unique_ptr<http_source> source_;
    std::uint64_t kept_ = 0;
    known_version version_;
    std::vector<stated_digest> wanted_; ///< digests of the whole
    std::optional<digest_checker> whole_;
};

file_download::file_download(client& from, url what, std::filesystem::path to, asio::any_io_executor workers,
                             file_download_options options)
    : impl_(std::make_shared<impl>(from, std::move(what), std::move(to), std::move(workers), std::move(options)))
{
}

file_download::~file_download() = default;

asio::awaitable<void> file_download::open() { return impl_->open(impl_); }
std::optional<std::uint64_t> file_download::size() const noexcept { return impl_->size(); }
std::uint64_t file_download::kept_bytes() const noexcept { return impl_->kept_bytes(); }

asio::awaitable<std::size_t> file_download::write_some(reservation& memory, std::size_t max_bytes)
{
    return impl_->write_some(impl_, memory, max_bytes);
}

asio::awaitable<source_report> file_download::finish() { return impl_->finish(impl_); }

} // namespace weir::http
