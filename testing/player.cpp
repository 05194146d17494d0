#include "player.hpp"

#include "tunnel.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <variant>

namespace weir::testing::detail {
namespace {

constexpr std::size_t piece_bytes = 256 * 1024;

std::string chunk_head(std::uint64_t size)
{
    std::array<char, 16> digits;
    char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), size, 16).ptr;
    return std::string(digits.data(), end) + "\r\n";
}

/// \param behind_data  the end of the data of another chunk is still to be sent
std::string last_chunk(const answer_step& step, bool behind_data)
{
    std::string text = behind_data ? "\r\n0\r\n" : "0\r\n";
    for (const field_line& line : step.trailers)
        text.append(line.name).append(": ").append(line.value).append("\r\n");
    return text + "\r\n";
}

/// What is served from `offset` on, also where one object becomes another one.
void read_object(const answer_step& step, std::uint64_t offset, std::span<char> into)
{
    step.served->read(offset, into);
    if (!step.becomes || offset + into.size() <= step.becomes->at)
        return;
    const std::uint64_t kept = step.becomes->at - std::min(step.becomes->at, offset);
    step.becomes->to->read(offset + kept, into.subspan(kept));
}

} // namespace

player::player(stage& shared, wire& peer, std::uint64_t connection)
    : shared_(shared), peer_(peer), connection_(connection), in_(peer), out_(peer, [this](const std::string& name) {
          hold(name);
      })
{}

connection_end player::run()
{
    try {
        play_all();
        return connection_end::by_peer;
    }
    catch (const connection_over& over) {
        if (over.politely)
            peer_.say_goodbye();
        return over.how;
    }
    catch (const std::exception&) { // memory, descriptors or threads ran out
        return connection_end::by_origin;
    }
}

void player::play_all()
{
    const chosen_rule at_accept = shared_.choose_for_connection(connection_);
    if (at_accept.rule->pace)
        out_.set_pace(*at_accept.rule->pace);
    round_trip_ = at_accept.rule->round_trip;
    play(*at_accept.rule);
    while (auto request = in_.next_head()) {
        answer(std::move(*request));
        if (last_)
            peer_.close();
    }
}

void player::answer(received_request request)
{
    const auto arrival = clock::now();
    request_ = std::move(request);
    request_.connection = connection_;
    request_.number = ++requests_;
    if (const tls_session* const session = peer_.tls(); session && requests_ == 1)
        shared_.secured(connection_, *session);
    const chosen_rule chosen = shared_.choose(request_);
    request_.rule = chosen.number;
    request_.rule_line = chosen.rule->line;
    shared_.arrived(request_);

    const request_id id{connection_, requests_};
    out_.begin(*chosen.rule);
    try {
        follow(*chosen.rule, arrival);
    }
    catch (const connection_over& over) {
        shared_.finished(id, out_.sent(), over.how == connection_end::by_script);
        throw;
    }
    shared_.finished(id, out_.sent(), true);
    if (!last_)
        receive(rule::no_end); // what an early rule has left
}

void player::follow(const rule_data& rule, clock::time_point arrival)
{
    if (!rule.early) {
        if (has_token(request_, "Expect", "100-continue"))
            peer_.write("HTTP/1.1 100 Continue\r\n\r\n");
        receive(rule::no_end);
    }
    if (round_trip_ != duration::zero())
        peer_.wait_until(arrival + round_trip_);
    play(rule);
}

void player::play(const rule_data& rule)
{
    out_.begin(rule);
    for (const step& next : rule.steps)
        std::visit([this](const auto& typed) { take(typed); }, next);
    out_.finish();
}

void player::hold(const std::string& name)
{
    const std::shared_ptr<const latch> gate = shared_.gate(name);
    shared_.holds(name, true);
    try {
        peer_.stall(std::nullopt, gate.get());
    }
    catch (const connection_over&) {
        shared_.holds(name, false);
        throw;
    }
    shared_.holds(name, false);
}

void player::receive(std::uint64_t at_most)
{
    while (at_most != 0) {
        const std::string_view bytes = in_.read_body(at_most);
        shared_.received({connection_, requests_}, bytes);
        if (bytes.empty())
            return;
        at_most -= bytes.size();
    }
}

void player::take(const send_step& step)
{
    for (std::uint64_t done = 0; (step.times == 0 || done != step.times) && !peer_.is_half_closed(); ++done)
        out_.send(step.bytes);
}

void player::take(const data_step& step)
{
    std::string piece;
    for (std::uint64_t done = 0; done != step.size && !peer_.is_half_closed(); done += piece.size()) {
        piece.resize(std::min<std::uint64_t>(piece_bytes, step.size - done));
        generate(step.seed, step.from + done, std::as_writable_bytes(std::span(piece)));
        out_.send(piece);
    }
}

void player::take(const receive_step& step)
{
    out_.flush();
    receive(step.size.value_or(rule::no_end));
}

void player::take(const tunnel_step& step)
{
    if (run_tunnel(step.authority.value_or(request_.target), shared_.stop(), peer_, out_, in_))
        peer_.close();
    answer_step failed;
    failed.status = 502;
    failed.reason = "Bad Gateway";
    take(failed);
}

void player::take(const answer_step& step)
{
    const composed_answer answer = compose(step, request_);
    last_ = last_ || answer.last;
    out_.send(answer.head);
    if (!answer.has_body)
        return;
    const bool chunked = step.how == answer_step::framing::chunked;
    const std::uint64_t largest = chunked ? step.chunk_bytes : answer.size;
    for (std::uint64_t done = 0; done != answer.size && !peer_.is_half_closed();) {
        const std::uint64_t size = std::min(largest, answer.size - done);
        if (chunked)
            out_.send(chunk_head(size));
        send_content(step, answer.first + done, size);
        done += size;
        if (chunked && done != answer.size)
            out_.send("\r\n");
    }
    out_.end_body();
    if (chunked)
        out_.send(last_chunk(step, answer.size != 0));
}

void player::send_content(const answer_step& step, std::uint64_t from, std::uint64_t size)
{
    std::string piece;
    for (std::uint64_t done = 0; done != size && !peer_.is_half_closed(); done += piece.size()) {
        piece.resize(std::min<std::uint64_t>(piece_bytes, size - done));
        const std::uint64_t offset = from + done;
        if (!step.served)
            piece.assign(step.body, offset, piece.size());
        else
            read_object(step, offset, piece);
        out_.send_body(piece, step.served ? std::optional(offset) : std::nullopt);
    }
}

} // namespace weir::testing::detail
