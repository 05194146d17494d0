#pragma once
// A script as it is played: what the functions of `rule` have written down.

#include "object.hpp"

#include <weir/testing/script.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace weir::testing::detail {

using duration = rule::duration;

struct number_range {
    std::uint64_t first = 0;
    std::uint64_t last = rule::no_end;

    [[nodiscard]] bool holds(std::uint64_t number) const noexcept { return first <= number && number <= last; }
};

struct header_condition {
    std::string name;
    std::optional<std::string> value; // nothing: any
    bool present = true;
};

struct field_line {
    std::string name;
    std::string value;
};

// Steps.

struct send_step {
    std::string bytes;
    std::uint64_t times = 1; // 0: for ever
};

struct data_step {
    std::uint64_t size = 0;
    std::uint64_t seed = 1;
    std::uint64_t from = 0;
};

struct receive_step {
    std::optional<std::uint64_t> size;
};

struct tunnel_step {
    std::optional<std::string> authority;
};

struct stall_step {
    std::optional<duration> time;
};

struct hold_step {
    std::string name;
};

enum class end_step { close, cut_off, reset, half_close };

struct answer_step {
    enum class framing { length, chunked, until_close };
    struct change {
        std::shared_ptr<const object> to;
        std::uint64_t at = 0;
    };

    unsigned status = 200;
    std::string reason;
    std::string body;
    std::shared_ptr<const object> served;
    std::optional<change> becomes;
    std::optional<unsigned> other_status;
    bool ranges = true;
    framing how = framing::length;
    std::uint64_t chunk_bytes = 0;
    std::vector<field_line> headers;
    std::vector<std::string> left_out;
    std::vector<field_line> trailers;
};

using step =
    std::variant<send_step, data_step, receive_step, tunnel_step, stall_step, hold_step, end_step, answer_step>;

// What happens in the middle of what is sent.

using event = std::variant<stall_step, hold_step, end_step>;

struct placed_event {
    position where;
    event what;
};

struct splitting {
    std::uint64_t every = 0; // 0: nowhere
    std::vector<std::uint64_t> at;
    duration pause{};
};

struct rate {
    std::uint64_t bytes = 0;
    duration per{};
};

struct rule_data {
    std::uint64_t line = 0; // of the script's text
    bool at_accept = false;
    std::string method; // empty: any
    std::string pattern;
    number_range requests;
    number_range connections;
    std::vector<header_condition> headers;
    bool early = false;

    std::vector<step> steps;
    std::vector<placed_event> events;
    splitting split;
    std::optional<rate> pace;
    duration round_trip{};
};

struct tls_files {
    std::string certificate;
    std::string key;
};

struct script_data {
    std::string name = "script"; // for errors
    std::uint64_t line = 0;      // that is being read; 0: none is

    std::string address = "127.0.0.1:0";
    std::optional<tls_files> tls;
    std::map<std::string, std::shared_ptr<const object>, std::less<>> objects;
    std::vector<std::unique_ptr<rule_data>> rules;
};

/// \throws script_error  `errc::bad_configuration`, at the script's line
[[noreturn]] void refuse(const script_data& script, std::string_view why);

} // namespace weir::testing::detail
