#include <weir/chunker.hpp>

#include <chunking/boundary_scanner.hpp>
#include <weir/error.hpp>

#include <algorithm>

namespace weir {
namespace {

class fixed_scanner final : public detail::boundary_scanner {
public:
    explicit fixed_scanner(std::uint64_t size) : size_(size) {}

    std::optional<std::uint64_t> next(std::span<const std::uint8_t>& data) override
    {
        const std::uint64_t taken = std::min<std::uint64_t>(data.size(), size_ - pending_);
        data = data.subspan(taken);
        pending_ += taken;
        if (pending_ < size_)
            return std::nullopt;
        pending_ = 0;
        return size_;
    }

    std::uint64_t pending() const noexcept override { return pending_; }
    void reset() noexcept override { pending_ = 0; }
    std::string_view kernel() const noexcept override { return "fixed"; }

private:
    std::uint64_t size_;
    std::uint64_t pending_ = 0;
};

void require_available(cpu_level level)
{
    const std::vector<cpu_level> available = available_cpu_levels();
    if (std::find(available.begin(), available.end(), level) == available.end())
        throw error(errc::kernel_unavailable, "configure chunker", to_string(level));
}

std::unique_ptr<detail::boundary_scanner> make_scanner(const chunker_options& options, cpu_level level)
{
    require_available(level);
    switch (options.algorithm) {
    case chunk_algorithm::weir1: return detail::make_weir1_scanner(options, level);
    case chunk_algorithm::fastcdc2020: return detail::make_fastcdc2020_scanner(options);
    case chunk_algorithm::fixed: break;
    }
    return std::make_unique<fixed_scanner>(options.average);
}

} // namespace

struct chunker::state {
    chunker_options options;
    std::unique_ptr<detail::boundary_scanner> scanner;
    std::uint64_t start = 0; // of the chunk whose end is looked for
};

chunker::chunker(const chunker_options& options, cpu_level level)
    : state_(std::make_unique<state>(state{resolve(options), nullptr}))
{
    state_->scanner = make_scanner(state_->options, level);
}

chunker::chunker(chunker&&) noexcept = default;
chunker& chunker::operator=(chunker&&) noexcept = default;
chunker::~chunker() = default;

void chunker::push(std::span<const std::byte> data, std::vector<std::uint64_t>& ends)
{
    std::span<const std::uint8_t> rest(reinterpret_cast<const std::uint8_t*>(data.data()), data.size());
    while (const std::optional<std::uint64_t> length = state_->scanner->next(rest)) {
        state_->start += *length;
        ends.push_back(state_->start);
    }
}

void chunker::finish(std::vector<std::uint64_t>& ends)
{
    if (const std::uint64_t pending = state_->scanner->pending())
        ends.push_back(state_->start + pending);
    reset();
}

void chunker::reset() noexcept
{
    state_->scanner->reset();
    state_->start = 0;
}

const chunker_options& chunker::options() const noexcept { return state_->options; }
std::string_view chunker::id() const noexcept { return to_string(state_->options.algorithm); }
std::string_view chunker::kernel() const noexcept { return state_->scanner->kernel(); }

} // namespace weir
