#include <weir/http/journaled_source.hpp>

#include "error_detail.hpp"
#include "transfer_journal.hpp"

#include <weir/as_result.hpp>
#include <weir/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace weir::http {

namespace asio = boost::asio;

namespace {

constexpr std::size_t most_at_once = 4096; // known chunks
constexpr std::uint64_t no_place = std::uint64_t(-1);

/// Everything that chunks and their digests depend on.
std::string text_of(const ingest_options& settings)
{
    const chunker_options& how = settings.chunker;
    std::string text = fmt::format("ingest {} {} {} {} {} {} {}", to_string(settings.hash), to_string(how.algorithm),
                                   how.min, how.average, how.max, how.normalization, how.seed);
    if (how.secret)
        text += " secret " + digest(*how.secret).to_hex();
    if (const auto& by_size = settings.sizes)
        text += fmt::format(" sizes {} {} {} {} {} {} {}", by_size->small_file_chunk_size, by_size->small_file_threshold,
                            by_size->medium_file_chunk_size, by_size->medium_file_threshold,
                            by_size->large_file_chunk_size, by_size->huge_file_threshold, by_size->huge_file_chunk_size);
    return text;
}

bool is_sha256(const stated_digest& each) { return each.algorithm == checksum_algorithm::sha256; }

/// What the journal tells, and is told. The source's side says only from where on it is wrong, and that from another thread.
class journaled_history final : public stream_history {
public:
    journaled_history(const url& target, const ingest_options& settings, const journaled_source_options& options)
        : path_(options.journal), name_(target.to_string()), expected_(options.source.expected),
          sync_interval_(options.sync_interval), notice_(options.notice),
          file_digest_(settings.file_digest.has_value()), journal_(path_, target, text_of(settings)),
          synced_(std::chrono::steady_clock::now())
    {
    }
    ~journaled_history() override
    {
        if (wrong_from_ == no_place)
            return;
        try {
            journal_.flush();
            if (wrong_from_ == 0)
                journal_.clear();
            else
                journal_.drop_behind(wrong_from_);
            journal_.sync();
        }
        catch (const std::exception&) {
            // It is found wrong again, then.
        }
    }

    /// Decides where this run goes on: behind all that is known, or where there is a state of SHA-256, if one is wanted.
    /// \returns  nothing to begin with the first byte
    std::optional<resume_point> find_start()
    {
        if (!journal_.version())
            return std::nullopt;
        version_ = *journal_.version();
        wanted_ = all_wanted(journal_.stated());
        kept_ = journal_.kept_bytes();
        if (wants_sum() && kept_ != 0) {
            if (const auto state = journal_.back_to_sha256())
                sum_.emplace(*state);
            else
                say("the journal has no SHA-256 of what was read, which is wanted now: it starts anew");
            kept_ = sum_ ? sum_->state().size : 0;
        }
        if (kept_ == 0)
            return std::nullopt;
        return resume_point{kept_, version_};
    }

    /// What is known is of no use.
    void forget()
    {
        say("the object has changed since it was begun: it starts anew");
        kept_ = 0;
        journal_.clear();
    }

    /// The source is there.
    void begin(const http_source& opened)
    {
        if (kept_ == 0)
            begin_anew(opened);
        else if (const auto other = std::ranges::find_if_not(wanted_, is_sha256); other != wanted_.end())
            say(fmt::format("{} cannot be checked over more than one run", other->field));
        journal_.rewind();
    }

    /// From this byte of the object on.
    void set_wrong(std::uint64_t place) noexcept { wrong_from_ = place; }

    std::optional<std::uint64_t> total_bytes() const noexcept override { return version_.length; }

    std::span<const chunk_record> known() override
    {
        records_.clear();
        while (records_.size() < most_at_once && journal_.kept_bytes() < kept_) {
            const std::optional<chunk_record> next = journal_.next();
            if (!next) // it was there when the journal was opened
                throw error(errc::damaged, "resume", path_.native());
            records_.push_back(*next);
        }
        return records_;
    }

    void found(std::span<const chunk> chunks) override
    {
        for (const chunk& each : chunks)
            take(each);
        if (!keeps_ || chunks.empty())
            return;
        if (sum_)
            journal_.add(sum_->state());
        journal_.flush();
        if (std::chrono::steady_clock::now() - synced_ < sync_interval_)
            return;
        journal_.sync();
        synced_ = std::chrono::steady_clock::now();
    }

    std::optional<digest> finish() override
    {
        if (!sum_)
            return std::nullopt;
        const digest whole = sum_->value();
        for (const stated_digest& each : wanted_) {
            if (!is_sha256(each) || std::ranges::equal(each.value, whole.span()))
                continue;
            wrong_from_ = 0; // nobody can say which of it
            throw error(errc::mismatch, "check", name_, std::nullopt, each.field);
        }
        return file_digest_ ? std::optional(whole) : std::nullopt;
    }

private:
    void begin_anew(const http_source& opened)
    {
        version_ = opened.version();
        const std::vector<stated_digest> stated = opened.stated();
        wanted_ = all_wanted(stated);
        sum_.reset();
        if (wants_sum())
            sum_.emplace();
        keeps_ = can_be_kept(version_);
        if (keeps_) {
            journal_.begin(version_, stated);
            return;
        }
        journal_.clear();
        say("the server gives no strong validator, or no length: this cannot be resumed");
    }

    void take(const chunk& found)
    {
        if (sum_)
            for (const slice& part : found.content)
                sum_->update(part.span());
        if (keeps_)
            journal_.add(found.size(), found.digest);
    }

    [[nodiscard]] std::vector<stated_digest> all_wanted(std::vector<stated_digest> stated) const
    {
        if (expected_)
            stated.push_back(*expected_);
        return stated;
    }
    [[nodiscard]] bool wants_sum() const { return file_digest_ || std::ranges::any_of(wanted_, is_sha256); }

    void say(std::string_view text) const
    {
        if (notice_)
            notice_(fmt::format("{}: {}", name_, text));
    }

    const std::filesystem::path path_;
    const std::string name_;
    const std::optional<stated_digest> expected_;
    const std::chrono::milliseconds sync_interval_;
    const std::function<void(std::string_view)> notice_;
    const bool file_digest_;
    transfer_journal journal_;
    known_version version_;
    std::vector<stated_digest> wanted_;            ///< of the whole
    std::optional<hashing::resumable_sha256> sum_; ///< of what was known and found
    std::uint64_t kept_ = 0;                       ///< what is known from before
    bool keeps_ = true;
    std::vector<chunk_record> records_;
    std::chrono::steady_clock::time_point synced_;
    std::atomic<std::uint64_t> wrong_from_{no_place};
};

class journaled_source final : public resumable_source {
public:
    journaled_source(std::unique_ptr<http_source> from, std::shared_ptr<journaled_history> history)
        : from_(std::move(from)), history_(std::move(history))
    {
    }

    asio::awaitable<bytes> read(reservation& memory, std::size_t max_bytes) override
    {
        result<bytes> got = co_await as_result(from_->read(memory, max_bytes));
        if (got.code() == errc::mismatch)
            history_->set_wrong(offset_of(got.exception()).value_or(0));
        bytes content = std::move(got).value();
        co_return content;
    }
    std::optional<std::uint64_t> size() const noexcept override { return from_->size(); }
    std::size_t read_ahead_blocks() const noexcept override { return from_->read_ahead_blocks(); }
    std::string_view name() const noexcept override { return from_->name(); }
    asio::awaitable<void> close() override { return from_->close(); }
    std::shared_ptr<stream_history> history() const override { return history_; }

private:
    const std::unique_ptr<http_source> from_;
    const std::shared_ptr<journaled_history> history_;
};

asio::awaitable<std::unique_ptr<http_source>> open_at(client& from, url target, source_options how,
                                                      std::optional<resume_point> start)
{
    how.check_whole = !start; // else nobody has all of it
    if (start)
        how.expected.reset();
    how.resume = std::move(start);
    return open(from, std::move(target), std::move(how));
}

} // namespace

asio::awaitable<std::unique_ptr<source>> open_journaled(client& from, url target, ingest_options settings,
                                                        journaled_source_options options)
{
    if (settings.file_digest && *settings.file_digest != hash_algorithm::sha256)
        throw error(errc::bad_configuration, "open", target.to_string(), std::nullopt,
                    "of the digests of whole files only sha256 goes with a journal");
    if (options.source.header.contains("Range"))
        throw error(errc::bad_configuration, "open", target.to_string(), std::nullopt, "a Range cannot be resumed");
    const auto history = std::make_shared<journaled_history>(target, settings, options);
    const std::optional<resume_point> start = history->find_start();
    result<std::unique_ptr<http_source>> opened = co_await as_result(open_at(from, target, options.source, start));
    if (opened.code() == errc::version_changed && start) {
        history->forget();
        opened = co_await as_result(open_at(from, target, options.source, std::nullopt));
    }
    std::unique_ptr<http_source> input = std::move(opened).value();
    history->begin(*input);
    std::unique_ptr<source> out = std::make_unique<journaled_source>(std::move(input), history);
    co_return out;
}

} // namespace weir::http
