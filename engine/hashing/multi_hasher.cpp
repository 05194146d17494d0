#include <weir/multi_hasher.hpp>

#include "engine.hpp"
#include "sha256_lanes.hpp"
#include "stream.hpp"

#include <weir/error.hpp>

#include <algorithm>

namespace weir {
namespace {

std::string_view name_of_stream(hash_algorithm algorithm) noexcept
{
    switch (algorithm) {
    case hash_algorithm::sha256: return "sha256-openssl";
    case hash_algorithm::sha512_256: return "sha512-256-openssl";
    case hash_algorithm::xxh3_128: return "xxh3-128-xxhash";
    }
    return "unknown";
}

/// One message after the other.
class sequential final : public multi_hasher::engine {
public:
    explicit sequential(hash_algorithm algorithm)
        : stream_(hashing::make_stream(algorithm)), name_(name_of_stream(algorithm))
    {}

    void start(std::span<const multi_hasher::message> batch) override
    {
        batch_ = batch;
        stream_->reset();
        open_front();
    }

    bool run(std::size_t max_bytes) override
    {
        std::size_t budget = std::max<std::size_t>(max_bytes, 1);
        while (!batch_.empty() && budget != 0) {
            budget -= update(budget);
            if (piece_.empty() && content_.empty())
                finish_front();
        }
        return batch_.empty();
    }

    std::string_view kernel() const noexcept override { return name_; }
    std::size_t lanes() const noexcept override { return 1; }

private:
    void open_front() noexcept
    {
        piece_ = {};
        content_ = batch_.empty() ? std::span<const slice>() : batch_.front().content;
    }

    std::size_t update(std::size_t max_bytes)
    {
        if (piece_.empty() && !content_.empty()) {
            piece_ = content_.front().span();
            content_ = content_.subspan(1);
        }
        const std::size_t size = std::min(max_bytes, piece_.size());
        stream_->update(piece_.first(size));
        piece_ = piece_.subspan(size);
        return size;
    }

    void finish_front()
    {
        *batch_.front().out = stream_->finish();
        stream_->reset();
        batch_ = batch_.subspan(1);
        open_front();
    }

    std::unique_ptr<hasher::stream> stream_;
    std::string_view name_;
    std::span<const multi_hasher::message> batch_; // the first one is in work
    std::span<const slice> content_;               // its slices not yet begun
    std::span<const std::byte> piece_;             // what is left of the one begun
};

void check_available(cpu_level level)
{
    const auto available = available_cpu_levels();
    if (std::ranges::find(available, level) == available.end())
        throw error(errc::kernel_unavailable, "use", to_string(level));
}

} // namespace

multi_hasher::multi_hasher(hash_algorithm algorithm, cpu_level level)
    : algorithm_(algorithm), sequential_(std::make_unique<sequential>(algorithm)), current_(sequential_.get())
{
    check_available(level);
    if (algorithm != hash_algorithm::sha256)
        return;
    if (const hashing::sha256_plan* plan = hashing::sha256_plan_for(level)) {
        lanes_ = std::make_unique<hashing::sha256_lanes>(*plan);
        smallest_batch_ = plan->smallest_batch;
    }
}

multi_hasher::multi_hasher(multi_hasher&&) noexcept = default;
multi_hasher& multi_hasher::operator=(multi_hasher&&) noexcept = default;
multi_hasher::~multi_hasher() = default;

void multi_hasher::start(std::span<const message> batch)
{
    current_ = lanes_ && batch.size() >= smallest_batch_ ? lanes_.get() : sequential_.get();
    current_->start(batch);
}

bool multi_hasher::run(std::size_t max_bytes) { return current_->run(max_bytes); }

std::string_view multi_hasher::kernel() const noexcept { return (lanes_ ? lanes_ : sequential_)->kernel(); }
std::size_t multi_hasher::lanes() const noexcept { return (lanes_ ? lanes_ : sequential_)->lanes(); }

} // namespace weir
