#include <weir/testing/script.hpp>

#include "script_data.hpp"

#include <algorithm>
#include <array>

namespace weir::testing {
namespace {

using namespace detail;

std::string_view usual_reason(unsigned status)
{
    struct known {
        unsigned status;
        std::string_view reason;
    };
    static constexpr std::array table = {
        known{100, "Continue"},
        known{102, "Processing"},
        known{103, "Early Hints"},
        known{200, "OK"},
        known{201, "Created"},
        known{204, "No Content"},
        known{206, "Partial Content"},
        known{301, "Moved Permanently"},
        known{302, "Found"},
        known{303, "See Other"},
        known{304, "Not Modified"},
        known{307, "Temporary Redirect"},
        known{308, "Permanent Redirect"},
        known{400, "Bad Request"},
        known{401, "Unauthorized"},
        known{403, "Forbidden"},
        known{404, "Not Found"},
        known{407, "Proxy Authentication Required"},
        known{412, "Precondition Failed"},
        known{416, "Range Not Satisfiable"},
        known{417, "Expectation Failed"},
        known{429, "Too Many Requests"},
        known{500, "Internal Server Error"},
        known{502, "Bad Gateway"},
        known{503, "Service Unavailable"},
    };
    const auto* const found = std::ranges::find(table, status, &known::status);
    return found == table.end() ? std::string_view() : found->reason;
}

void check_status(const script_data& script, unsigned status)
{
    if (status < 100 || status > 999)
        refuse(script, "a status has three digits");
}

/// The answer that a statement describes, which is the last step.
answer_step& described(const script_data& script, rule_data& data, std::string_view statement)
{
    auto* const answer = data.steps.empty() ? nullptr : std::get_if<answer_step>(&data.steps.back());
    if (!answer)
        refuse(script, std::string(statement) + " belongs behind answer, serve or redirect");
    return *answer;
}

void check_is_for_requests(const script_data& script, const rule_data& data, std::string_view statement)
{
    if (data.at_accept)
        refuse(script, std::string(statement) + " makes no sense in accept, where there is no request");
}

const std::shared_ptr<const object>& find(const script_data& script, std::string_view name)
{
    const auto found = script.objects.find(name);
    if (found == script.objects.end())
        refuse(script, "no object is called '" + std::string(name) + "' above");
    return found->second;
}

number_range checked(const script_data& script, std::uint64_t first, std::uint64_t last)
{
    if (first == 0 || last < first)
        refuse(script, "numbers begin with 1, and do not run backwards");
    return {first, last};
}

void check_time(const script_data& script, rule::duration time)
{
    if (time < rule::duration::zero())
        refuse(script, "a time cannot be negative");
}

} // namespace

rule& rule::requests(std::uint64_t first, std::uint64_t last)
{
    check_is_for_requests(*script_, *data_, "request");
    data_->requests = checked(*script_, first, last);
    return *this;
}

rule& rule::connections(std::uint64_t first, std::uint64_t last)
{
    data_->connections = checked(*script_, first, last);
    return *this;
}

rule& rule::with(std::string_view name, std::optional<std::string_view> value)
{
    check_is_for_requests(*script_, *data_, "with");
    data_->headers.push_back({std::string(name), std::nullopt, true});
    if (value)
        data_->headers.back().value = std::string(*value);
    return *this;
}

rule& rule::without(std::string_view name)
{
    check_is_for_requests(*script_, *data_, "without");
    data_->headers.push_back({std::string(name), std::nullopt, false});
    return *this;
}

rule& rule::answer(unsigned status, std::string_view reason)
{
    check_is_for_requests(*script_, *data_, "answer");
    check_status(*script_, status);
    answer_step step;
    step.status = status;
    step.reason = reason.empty() ? usual_reason(status) : reason;
    data_->steps.emplace_back(std::move(step));
    return *this;
}

rule& rule::serve(std::string_view object)
{
    check_is_for_requests(*script_, *data_, "serve");
    answer_step step;
    step.served = find(*script_, object);
    data_->steps.emplace_back(std::move(step));
    return *this;
}

rule& rule::redirect(unsigned status, std::string_view location) { return answer(status).header("Location", location); }

rule& rule::tunnel(std::optional<std::string_view> authority)
{
    check_is_for_requests(*script_, *data_, "tunnel");
    tunnel_step step;
    if (authority)
        step.authority = std::string(*authority);
    data_->steps.emplace_back(std::move(step));
    return *this;
}

rule& rule::status(unsigned status, std::string_view reason)
{
    check_status(*script_, status);
    answer_step& answer = described(*script_, *data_, "status");
    answer.other_status = status;
    answer.reason = reason.empty() ? usual_reason(status) : reason;
    return *this;
}

rule& rule::header(std::string_view name, std::string_view value)
{
    described(*script_, *data_, "header").headers.push_back({std::string(name), std::string(value)});
    return *this;
}

rule& rule::no_header(std::string_view name)
{
    described(*script_, *data_, "no-header").left_out.emplace_back(name);
    return *this;
}

rule& rule::body(std::string_view content)
{
    answer_step& answer = described(*script_, *data_, "body");
    if (answer.served)
        refuse(*script_, "the body of serve is the object");
    answer.body += content;
    return *this;
}

rule& rule::chunked(std::uint64_t chunk_bytes)
{
    if (chunk_bytes == 0)
        refuse(*script_, "a chunk has a byte at least");
    answer_step& answer = described(*script_, *data_, "chunked");
    answer.how = answer_step::framing::chunked;
    answer.chunk_bytes = chunk_bytes;
    return *this;
}

rule& rule::trailer(std::string_view name, std::string_view value)
{
    answer_step& answer = described(*script_, *data_, "trailer");
    if (answer.how != answer_step::framing::chunked)
        refuse(*script_, "trailer belongs behind chunked");
    answer.trailers.push_back({std::string(name), std::string(value)});
    return *this;
}

rule& rule::until_close()
{
    described(*script_, *data_, "until-close").how = answer_step::framing::until_close;
    return *this;
}

rule& rule::no_ranges()
{
    described(*script_, *data_, "no-ranges").ranges = false;
    return *this;
}

rule& rule::becomes(std::string_view object, std::uint64_t offset)
{
    answer_step& answer = described(*script_, *data_, "becomes");
    if (!answer.served)
        refuse(*script_, "becomes belongs behind serve");
    answer.becomes = answer_step::change{find(*script_, object), offset};
    return *this;
}

rule& rule::send(std::string_view bytes)
{
    data_->steps.emplace_back(send_step{std::string(bytes), 1});
    return *this;
}

rule& rule::repeat(std::uint64_t times, std::string_view bytes)
{
    if (bytes.empty())
        refuse(*script_, "nothing cannot be repeated");
    data_->steps.emplace_back(send_step{std::string(bytes), times});
    return *this;
}

rule& rule::data(std::uint64_t size, std::uint64_t seed, std::uint64_t from)
{
    data_->steps.emplace_back(data_step{size, seed, from});
    return *this;
}

rule& rule::stall(std::optional<duration> time)
{
    check_time(*script_, time.value_or(duration::zero()));
    data_->steps.emplace_back(stall_step{time});
    return *this;
}

rule& rule::hold(std::string_view name)
{
    data_->steps.emplace_back(hold_step{std::string(name)});
    return *this;
}

rule& rule::early()
{
    check_is_for_requests(*script_, *data_, "early");
    data_->early = true;
    return *this;
}

rule& rule::receive(std::optional<std::uint64_t> size)
{
    if (!data_->early)
        refuse(*script_, "receive belongs behind early");
    data_->steps.emplace_back(receive_step{size});
    return *this;
}

rule& rule::close()
{
    data_->steps.emplace_back(end_step::close);
    return *this;
}

rule& rule::cut_off()
{
    data_->steps.emplace_back(end_step::cut_off);
    return *this;
}

rule& rule::reset()
{
    data_->steps.emplace_back(end_step::reset);
    return *this;
}

rule& rule::half_close()
{
    data_->steps.emplace_back(end_step::half_close);
    return *this;
}

rule& rule::stall(position where, std::optional<duration> time)
{
    check_time(*script_, time.value_or(duration::zero()));
    data_->events.push_back({where, stall_step{time}});
    return *this;
}

rule& rule::hold(position where, std::string_view name)
{
    data_->events.push_back({where, hold_step{std::string(name)}});
    return *this;
}

rule& rule::close(position where)
{
    data_->events.push_back({where, end_step::close});
    return *this;
}

rule& rule::cut_off(position where)
{
    data_->events.push_back({where, end_step::cut_off});
    return *this;
}

rule& rule::reset(position where)
{
    data_->events.push_back({where, end_step::reset});
    return *this;
}

rule& rule::half_close(position where)
{
    data_->events.push_back({where, end_step::half_close});
    return *this;
}

rule& rule::split_every(std::uint64_t bytes, duration pause)
{
    if (bytes == 0)
        refuse(*script_, "a piece has a byte at least");
    check_time(*script_, pause);
    data_->split = {bytes, {}, pause};
    return *this;
}

rule& rule::split_at(std::vector<std::uint64_t> offsets, duration pause)
{
    check_time(*script_, pause);
    std::ranges::sort(offsets);
    data_->split = {0, std::move(offsets), pause};
    return *this;
}

rule& rule::pace(std::uint64_t bytes, duration per)
{
    if (bytes == 0)
        refuse(*script_, "a pace of 0 bytes is a stall");
    check_time(*script_, per);
    data_->pace = rate{bytes, per};
    return *this;
}

rule& rule::round_trip(duration time)
{
    if (!data_->at_accept)
        refuse(*script_, "round-trip belongs in accept: it is the whole connection's");
    check_time(*script_, time);
    data_->round_trip = time;
    return *this;
}

} // namespace weir::testing
