#include <weir/http/response_source.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <utility>

namespace weir::http {

namespace asio = boost::asio;

namespace {

class body_stream final : public weir::detail::stream_reader {
public:
    body_stream(response answer, std::shared_ptr<fields> trailer)
        : answer_(std::move(answer)), executor_(answer_.executor()), trailer_(std::move(trailer))
    {}

    asio::any_io_executor executor() override { return executor_; }
    asio::awaitable<weir::detail::transfer> read_some(std::span<std::byte> into) override
    {
        const std::size_t got = co_await answer_.read_some(into);
        if (got == 0)
            *trailer_ = answer_.trailer();
        co_return weir::detail::transfer{{}, got, got == 0};
    }

private:
    response answer_;
    const asio::any_io_executor executor_;
    const std::shared_ptr<fields> trailer_;
};

std::optional<std::uint64_t> size_of(const response& answer) noexcept
{
    const framing& how = answer.how();
    if (how.end == body_end::none || how.end == body_end::length)
        return how.length - answer.received();
    return std::nullopt;
}

} // namespace

response_source::response_source(response answer)
    : response_source(answer.from().to_string(), size_of(answer), answer, std::make_shared<fields>())
{}

response_source::response_source(std::string name, std::optional<std::uint64_t> size, response& answer,
                                 const std::shared_ptr<fields>& trailer)
    : stream_source_base(std::make_unique<body_stream>(std::move(answer), trailer), std::move(name)), size_(size),
      trailer_(trailer)
{}

std::optional<std::uint64_t> response_source::size() const noexcept { return size_; }

} // namespace weir::http
