// The URLs of a lane: small bodies join a batch, larger ones have a stream each.

#include "lane.hpp"

#include <weir/as_result.hpp>
#include <weir/error.hpp>
#include <weir/http/url.hpp>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>

namespace weir::detail {

namespace asio = boost::asio;

namespace {

// What has more is read last, and is not kept open beside another such: a server does not wait for ever.
constexpr std::uint64_t soon_read_bytes = std::uint64_t{4} << 20;

// Of `batch_files`, that a lane asks for at a time: its connections stand still at the end of them.
constexpr std::size_t url_batches = 4;

bool is_soon_read(const url_request& request)
{
    const std::optional<std::uint64_t> size = request.input->size();
    return size && *size <= soon_read_bytes;
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
        const bool all_were_small = opened_.empty();
        urls_at_once_ = all_were_small ? std::min(2 * urls_at_once_, url_batches * work_.options.batch_files) : least_urls;
        std::stable_partition(opened_.begin(), opened_.end(), is_soon_read);
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
        && (is_encoded || work_.is_archive(path, content.span()));
    if (may_be_archive || is_encoded || work_.is_coded(content.span()))
        held_.push_back({std::move(path), copy_of(content), std::move(answer.content_codings), !may_be_archive});
    else
        batch_.add(content_name(std::move(path)), bytes(content));
}

/// Reports what failed, digests what came whole, and keeps what is to be read.
/// \returns  what is to be asked again
asio::awaitable<std::vector<std::string>> ingest_lane::take_answers(std::vector<url_request> answers)
{
    std::vector<std::string> again;
    co_await start_report();
    for (url_request& each : answers) {
        const bool keeps = each.input && (is_soon_read(each) || std::ranges::all_of(opened_, is_soon_read));
        if (each.failure)
            fail(http::redacted(each.url), each.failure);
        else if (each.is_whole)
            take_whole(std::move(each));
        else if (keeps)
            opened_.push_back(std::move(each));
        else
            again.push_back(std::move(each.url));
    }
    answers.clear();
    if (!batch_.empty())
        co_await digest_batch();
    send_report();
    co_return again;
}

} // namespace weir::detail
