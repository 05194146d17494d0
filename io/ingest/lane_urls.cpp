// The URLs of a lane: small bodies join a batch, larger ones have a stream each.

#include "lane.hpp"

#include <weir/as_result.hpp>
#include <weir/error.hpp>
#include <weir/http/url.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <iterator>
#include <limits>
#include <utility>

namespace weir::detail {

namespace asio = boost::asio;

namespace {

// Bodies that are open wait for the smaller ones. So many bytes before them, and no more: servers wait for about a minute.
constexpr std::uint64_t most_before = std::uint64_t{256} << 20;
constexpr std::uint64_t usual_size = std::uint64_t{4} << 20; // of a body that does not tell

// What opened bodies may take to be read, for the next batch to be larger.
constexpr auto soon = std::chrono::milliseconds(100);

// Of `batch_files`, that a lane asks for at a time: its connections stand still at the end of them.
constexpr std::size_t url_batches = 4;

std::uint64_t size_of(const url_request& opened) { return opened.input->size().value_or(usual_size); }

/// Those that do not tell come last: one may be endless.
std::uint64_t place_of(const url_request& opened)
{
    return opened.input->size().value_or(std::numeric_limits<std::uint64_t>::max());
}

/// Puts the smallest first. \returns  the URLs of those that would wait too long, which are closed
std::vector<std::string> keep_soon_read(std::vector<url_request>& opened)
{
    std::ranges::stable_sort(opened, {}, place_of);
    std::uint64_t before = 0;
    std::size_t kept = 0;
    while (kept < opened.size() && before <= most_before)
        before += std::min(size_of(opened[kept++]), most_before + 1);
    std::vector<std::string> again;
    for (std::size_t i = kept; i < opened.size(); ++i)
        again.push_back(std::move(opened[i].url));
    opened.erase(opened.begin() + static_cast<std::ptrdiff_t>(kept), opened.end());
    return again;
}

std::string name_of(url_request& answered)
{
    return answered.shown.empty() ? http::redacted(answered.url) : std::move(answered.shown);
}

} // namespace

asio::awaitable<void> ingest_lane::read_urls(std::vector<std::string> urls)
{
    while (!urls.empty()) {
        check_cancelled();
        std::vector<url_request> requests = requests_for(urls);
        std::vector<std::string> asked(urls.begin(), urls.begin() + static_cast<std::ptrdiff_t>(requests.size()));
        urls.erase(urls.begin(), urls.begin() + static_cast<std::ptrdiff_t>(requests.size()));
        result<std::vector<url_request>> answers = co_await as_result(open_urls(std::move(requests)));
        memory_.reset(); // rooms keep their blocks; never held while a stream waits for its own
        std::vector<std::string> again;
        if (answers)
            again = co_await take_answers(std::move(*answers));
        const bool stuck = answers && again.size() == asked.size();
        check_cancelled();
        if (!stuck)
            urls.insert(urls.begin(), std::make_move_iterator(again.begin()), std::make_move_iterator(again.end()));
        if (!answers || stuck) {
            const std::exception_ptr cause
                = stuck ? std::make_exception_ptr(error(errc::closed, "open")) : answers.exception();
            co_await start_report();
            for (const std::string& each : asked)
                fail(http::redacted(each), cause);
        }
        const auto began = std::chrono::steady_clock::now();
        for (url_request& each : opened_) {
            stream from;
            from.path = name_of(each);
            from.input = std::move(each.input);
            from.content_codings = std::move(each.content_codings);
            from.is_plain = !work_.reads_archives_of_urls();
            co_await read_stream(std::move(from));
        }
        opened_.clear();
        co_await read_held();
        const bool were_small = std::chrono::steady_clock::now() - began < soon;
        urls_at_once_ = were_small ? std::min(2 * urls_at_once_, url_batches * work_.options.batch_files) : least_urls;
    }
}

/// For the first of them, as many as there is memory for; for all, without any, where there is none.
std::vector<url_request> ingest_lane::requests_for(const std::vector<std::string>& urls)
{
    std::vector<buffer> rooms;
    for (std::size_t count = urls.size(); count > 0 && rooms.empty(); count /= 2)
        rooms = reserve_slots(count, 0);
    if (rooms.empty())
        rooms.resize(urls.size());
    std::vector<url_request> requests;
    requests.reserve(rooms.size());
    for (std::size_t i = 0; i < rooms.size(); ++i) {
        url_request& next = requests.emplace_back();
        next.url = urls[i];
        next.room = std::move(rooms[i]);
    }
    return requests;
}

asio::awaitable<std::vector<url_request>> ingest_lane::open_urls(std::vector<url_request> requests)
{
    if (!work_.options.open_urls) {
        for (url_request& each : requests)
            each.failure = std::make_exception_ptr(error(errc::unsupported_scheme, "open", http::redacted(each.url)));
        co_return requests;
    }
    std::vector<url_request> answers = co_await work_.options.open_urls(std::move(requests));
    co_return answers;
}

void ingest_lane::take_whole(url_request answer)
{
    const slice content = std::move(answer.room).freeze();
    std::string path = name_of(answer);
    const bool is_encoded = work_.options.decode && !answer.content_codings.empty();
    const bool may_be_archive = work_.reads_archives_of_urls()
        && (is_encoded || work_.judge_archive(path, content.span(), true) == archive_verdict::archive);
    if (may_be_archive || is_encoded || work_.is_coded(content.span()))
        held_.push_back({std::move(path), copy_of(content), std::move(answer.content_codings), !may_be_archive});
    else
        batch_.add(content_name(std::move(path)), bytes(content));
}

/// Reports what failed, digests what came whole, and keeps what is to be read.
/// \returns  what is to be asked again
asio::awaitable<std::vector<std::string>> ingest_lane::take_answers(std::vector<url_request> answers)
{
    std::vector<std::string> again; // not begun, or given up
    co_await start_report();
    for (url_request& each : answers) {
        if (each.failure)
            fail(http::redacted(each.url), each.failure);
        else if (each.is_whole)
            take_whole(std::move(each));
        else if (each.input)
            opened_.push_back(std::move(each));
        else
            again.push_back(std::move(each.url));
    }
    answers.clear();
    std::ranges::move(keep_soon_read(opened_), std::back_inserter(again));
    if (!batch_.empty())
        co_await digest_batch();
    send_report();
    co_return again;
}

} // namespace weir::detail
