#include "opened_container.hpp"

#include <weir/as_result.hpp>
#include <weir/coding_source.hpp>
#include <weir/decoder.hpp>
#include <weir/error.hpp>
#include <weir/file_handle.hpp>
#include <weir/file_source.hpp>
#include <weir/open_archive.hpp>
#include <weir/random_access.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <span>
#include <utility>

#include <unistd.h>

namespace tool {
namespace {

using std::chrono_literals::operator""ms;

constexpr std::size_t most_read_at_once = std::size_t{1} << 20;
// Of an archive whose entries are read side by side: what one reads at a time, unless it is more than so many bytes.
constexpr std::size_t entries_at_once = 32;
constexpr std::uint64_t bytes_at_once = std::uint64_t{8} << 20;
// Listed files of one name that a content may be: what is as listed has them in about the same order, and an archive that
// has nothing but one name must not be compared with all of them each time.
constexpr std::size_t most_twins = 64;
constexpr std::size_t most_looked_at = 64 * most_twins; // with those between them that were found

/// Others' turn, now and then, of what never waits: whoever cancels it waits no longer.
class turns {
public:
    [[nodiscard]] asio::awaitable<void> give_way()
    {
        if (clock::now() - began_ < 10ms)
            co_return;
        const auto here = co_await asio::this_coro::executor;
        co_await asio::post(here, asio::use_awaitable);
        began_ = clock::now();
    }

private:
    using clock = std::chrono::steady_clock;
    clock::time_point began_ = clock::now();
};

/// Of what a user gave up no file is to blame.
void rethrow_if_cancelled(const std::exception_ptr& failure)
{
    if (weir::code_of(failure) == weir::condition::cancelled)
        std::rethrow_exception(failure);
}

/// What an exception says, without the name, which stands before it in a verdict.
std::string reason(const std::exception_ptr& failure)
{
    try {
        std::rethrow_exception(failure);
    }
    catch (const weir::error& known) {
        const std::string_view text = known.what();
        const std::string start = known.operation() + " " + known.subject();
        return text.starts_with(start) ? known.operation() + std::string(text.substr(start.size())) : std::string(text);
    }
    catch (...) {
        return weir::message_of(failure);
    }
}

/// \throws weir::error  what opening reports; also for what would be waited for
weir::file_handle open_regular(const std::string& path)
{
    std::error_code failure;
    weir::file_handle file = weir::file_handle::open(path.c_str(), weir::open_flags::non_blocking, failure);
    if (failure)
        throw weir::error(failure, "open", path);
    if (file.info(path).type != weir::file_type::regular)
        throw weir::error(weir::errc::not_seekable, "open", path, std::nullopt, "it is no regular file");
    return file;
}

std::unique_ptr<weir::source> open_stream(weir::engine& owner, const std::string& path)
{
    if (path == "-")
        return weir::open_descriptor(owner, STDIN_FILENO, path);
    return weir::open_file(owner, open_regular(path), path);
}

} // namespace

opened_container::opened_container(container listed, const container_settings& settings)
    : what_(std::move(listed)), settings_(settings), outcomes_(what_.files.size()), unsettled_(what_.files.size())
{
    // No hash: names are chosen by who made the archive.
    by_name_.resize(what_.files.size());
    std::iota(by_name_.begin(), by_name_.end(), std::size_t{0});
    std::ranges::stable_sort(by_name_, {}, [this](std::size_t each) -> std::string_view { return what_.files[each].name; });
}

bool opened_container::has(std::string_view name) const
{
    const auto name_of = [this](std::size_t each) -> std::string_view { return what_.files[each].name; };
    return std::ranges::binary_search(by_name_, name, {}, name_of);
}

/// Those of a name that no content was found for yet, the first `most_twins` of them.
std::vector<std::size_t> opened_container::unsettled_of(std::string_view name)
{
    const auto name_of = [this](std::size_t each) -> std::string_view { return what_.files[each].name; };
    const std::span<const std::size_t> twins(std::ranges::lower_bound(by_name_, name, {}, name_of),
                                             std::ranges::upper_bound(by_name_, name, {}, name_of));
    std::vector<std::size_t> found;
    if (twins.empty())
        return found;
    const std::lock_guard lock(mutex_);
    std::size_t& passed = outcomes_[twins.front()].passed;
    while (passed != twins.size() && outcomes_[twins[passed]].is_as_listed)
        ++passed;
    for (std::size_t i = passed; i != twins.size() && i - passed != most_looked_at && found.size() != most_twins; ++i)
        if (!outcomes_[twins[i]].is_as_listed)
            found.push_back(twins[i]);
    return found;
}

bool opened_container::is_settled()
{
    const std::lock_guard lock(mutex_);
    return unsettled_ == 0;
}

/// \param why  the content is not that file's; empty: it is
void opened_container::settle(std::size_t file, std::string why)
{
    const std::lock_guard lock(mutex_);
    outcome& of = outcomes_[file];
    if (why.empty() && !std::exchange(of.is_as_listed, true))
        --unsettled_;
    if (of.failure.empty())
        of.failure = std::move(why);
}

std::vector<verdict> opened_container::verdicts()
{
    archive_.reset();
    std::vector<verdict> all;
    all.reserve(outcomes_.size());
    for (std::size_t i = 0; i != outcomes_.size(); ++i) {
        outcome& of = outcomes_[i];
        std::string failure = of.failure.empty() ? failure_ : std::move(of.failure);
        all.push_back({what_.path_of(what_.files[i]), of.is_as_listed ? std::string() : std::move(failure)});
    }
    return all;
}

asio::awaitable<void> opened_container::go_through(weir::reservation& memory, helper help)
{
    weir::result<void> read;
    if (what_.codec)
        read = co_await weir::as_result(read_compressed(memory));
    else
        read = co_await weir::as_result(read_archive(memory, std::move(help)));
    if (!read)
        rethrow_if_cancelled(read.exception());
    failure_ = "no such entry";
    if (!read)
        failure_ = what_.codec ? reason(read.exception()) : read.message();
    if (archive_ && !archive_->reads_in_any_order())
        co_await archive_->close();
}

asio::awaitable<void> opened_container::read_entries(const std::vector<weir::archive_entry>& entries,
                                                     weir::reservation& memory)
{
    for (const weir::archive_entry& each : entries)
        co_await read_entry(each, memory);
}

asio::awaitable<std::unique_ptr<weir::archive>> opened_container::open()
{
    std::unique_ptr<weir::archive> opened;
    if (what_.path == "-") {
        opened = co_await weir::open_archive(settings_.engine, open_stream(settings_.engine, "-"), settings_.archive);
    }
    else {
        auto input = weir::open_random_access(settings_.engine, open_regular(what_.path), what_.path);
        opened = co_await weir::open_archive(settings_.engine, std::move(input), settings_.archive);
    }
    co_return opened;
}

asio::awaitable<void> opened_container::read_archive(weir::reservation& memory, helper help)
{
    archive_ = co_await open();
    const bool in_any_order = archive_->reads_in_any_order();
    turns mine;
    std::vector<weir::archive_entry> entries;
    std::uint64_t bytes = 0;
    bool has_ended = false;
    while (!has_ended && !is_settled()) {
        co_await mine.give_way();
        std::optional<weir::archive_entry> next = co_await archive_->next();
        has_ended = !next;
        if (next && has(weir::plain_entry_name(next->name))) {
            bytes += next->size.value_or(0);
            entries.push_back(std::move(*next));
        }
        const bool is_enough = !in_any_order || entries.size() == entries_at_once || bytes >= bytes_at_once;
        if (!is_enough && !has_ended)
            continue;
        bytes = 0;
        if (in_any_order && !has_ended && help(entries))
            continue;
        co_await read_entries(entries, memory);
        entries.clear();
    }
}

asio::awaitable<void> opened_container::read_entry(const weir::archive_entry& entry, weir::reservation& memory)
{
    std::vector<std::size_t> files = unsettled_of(weir::plain_entry_name(entry.name));
    std::string failure;
    if (entry.refusal)
        failure = reason(entry.refusal);
    else if (entry.type != weir::archive_entry_type::file)
        failure = "is no file in the archive";
    std::erase_if(files, [&](std::size_t file) {
        const std::uint64_t listed = what_.files[file].size;
        const bool has_size = !entry.size || *entry.size == listed;
        if (!failure.empty())
            settle(file, failure);
        else if (!has_size)
            settle(file, fmt::format("has {} bytes, and {} in the list", *entry.size, listed));
        return !failure.empty() || !has_size;
    });
    if (files.empty())
        co_return;
    std::unique_ptr<weir::source> input;
    try {
        input = archive_->open(entry);
    }
    catch (...) {
        for (const std::size_t file : files)
            settle(file, reason(std::current_exception()));
    }
    if (input)
        co_await compare(std::move(files), std::move(input), memory);
}

asio::awaitable<void> opened_container::read_compressed(weir::reservation& memory)
{
    weir::decoding_options how;
    how.codec = what_.codec;
    how.settings = weir::settings_for(*what_.codec, settings_.archive.decoder);
    auto stream = open_stream(settings_.engine, what_.path);
    auto input = std::make_unique<weir::decoding_source>(settings_.engine, std::move(stream), how);
    std::vector<std::size_t> only(1, 0);
    co_await compare(std::move(only), std::move(input), memory);
}

/// Reads a content once, whatever number of listed files it may be that of.
asio::awaitable<void> opened_container::compare(std::vector<std::size_t> files, std::unique_ptr<weir::source> input,
                                                weir::reservation& memory)
{
    std::vector<content_comparison> all;
    for (const std::size_t file : files)
        all.emplace_back(what_.files[file]);
    const weir::result<void> fed = co_await weir::as_result(feed(all, *input, memory));
    if (!fed)
        rethrow_if_cancelled(fed.exception());
    co_await input->close();
    for (std::size_t i = 0; i != files.size(); ++i) {
        const bool is_broken = !fed && !all[i].has_failed();
        settle(files[i], is_broken ? reason(fed.exception()) : all[i].finish());
    }
}

asio::awaitable<void> opened_container::feed(std::vector<content_comparison>& all, weir::source& input,
                                             weir::reservation& memory)
{
    turns mine;
    const auto has_failed = [](const content_comparison& each) { return each.has_failed(); };
    while (!std::ranges::all_of(all, has_failed)) {
        co_await mine.give_way();
        const weir::bytes piece = co_await input.read(memory, most_read_at_once);
        if (piece.empty())
            co_return;
        for (const weir::slice& part : piece)
            for (content_comparison& each : all)
                each.update(part.span());
        settings_.bytes_read += piece.size();
    }
}

} // namespace tool
