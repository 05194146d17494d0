#pragma once
// What the connections of an origin share: the script, the counts of its rules, and what has been seen.

#include "latch.hpp"
#include "script_data.hpp"
#include "tls.hpp"

#include <weir/testing/origin.hpp>

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace weir::testing::detail {

/// A rule that is played. It lives as long as this, although another script may be played meanwhile.
struct chosen_rule {
    std::shared_ptr<const script_data> script;
    const rule_data* rule = nullptr;
    std::optional<std::size_t> number; // nothing: none of the script's
};

struct request_id {
    std::uint64_t connection = 0;
    std::uint64_t number = 0; // on it
};

/// \par Thread-safety
/// All functions.
class stage {
public:
    stage(std::shared_ptr<const script_data> script, origin_options options);

    /// Ends every wait of every connection.
    [[nodiscard]] latch& stop() noexcept { return stop_; }

    void play(std::shared_ptr<const script_data> script);
    [[nodiscard]] chosen_rule choose_for_connection(std::uint64_t connection);
    [[nodiscard]] chosen_rule choose(const received_request& request);

    /// \returns  the number of the new connection
    [[nodiscard]] std::uint64_t connected();
    void sent(std::uint64_t connection, std::size_t bytes);
    void secured(std::uint64_t connection, const tls_session& session);
    void ended(std::uint64_t connection, connection_end how);

    void arrived(const received_request& request);
    /// More of a body has come; nothing: its end.
    void received(request_id request, std::string_view body);
    /// Its rule, or its connection, has ended. \param answered  all steps were taken
    void finished(request_id request, std::uint64_t answer_bytes, bool answered);

    /// The latch that `release(name)` opens.
    [[nodiscard]] std::shared_ptr<const latch> gate(const std::string& name);
    void release(std::string_view name);
    void holds(const std::string& name, bool begins);

    [[nodiscard]] origin_record record() const;
    bool wait_until(const std::function<bool(const origin_record&)>& condition,
                    std::chrono::milliseconds patience) const;

private:
    [[nodiscard]] std::shared_ptr<latch>& gate_of(std::string_view name);
    [[nodiscard]] accepted_connection& connection_of(std::uint64_t number);
    [[nodiscard]] received_request* find(request_id request) noexcept;
    void forget_old();

    const origin_options options_;
    latch stop_;

    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    std::shared_ptr<const script_data> script_;
    std::vector<std::uint64_t> met_;       // by each rule of the script: requests that its other conditions let through
    std::uint64_t connections_before_ = 0; // the script was played
    std::uint64_t connections_ = 0;
    std::map<std::string, std::shared_ptr<latch>, std::less<>> gates_;
    origin_record record_;
};

} // namespace weir::testing::detail
