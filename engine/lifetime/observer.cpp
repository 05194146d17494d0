#include <weir/observer.hpp>

#include <utility>

namespace weir {

std::string_view to_string(event_kind kind) noexcept
{
    switch (kind) {
    case event_kind::acquire:
        return "acquire";
    case event_kind::read:
        return "read";
    case event_kind::stage:
        return "stage";
    case event_kind::flow:
        return "flow";
    case event_kind::cleanup:
        return "cleanup";
    case event_kind::stalled:
        return "stalled";
    }
    return "unknown";
}

observer::~observer() = default;

void observer::on_event(const event&) noexcept {}

void timed_event::start(event_kind kind, std::string_view operation, std::string_view subject) noexcept
{
    kind_ = kind;
    operation_ = operation;
    subject_ = subject;
    started_ = std::chrono::steady_clock::now();
}

void timed_event::send(std::error_code outcome, std::uint64_t bytes, std::uint64_t count) noexcept
{
    const auto duration = std::chrono::steady_clock::now() - started_;
    std::exchange(target_, nullptr)->on_event({kind_, operation_, subject_, duration, outcome, bytes, count});
}

} // namespace weir
