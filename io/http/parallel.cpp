#include "parallel.hpp"

#include "digest_checker.hpp"

#include <weir/as_result.hpp>
#include <weir/detail/async_event.hpp>
#include <weir/detail/run_on.hpp>
#include <weir/error.hpp>
#include <weir/http/etag.hpp>
#include <weir/http/framing.hpp>

#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <cassert>
#include <chrono>
#include <deque>
#include <mutex>
#include <utility>
#include <vector>

namespace weir::http {

namespace asio = boost::asio;

namespace {

/// Bytes of the object that one connection fetches, and the blocks for them, which were taken before: so the part that
/// the consumer waits for never waits for memory that later parts hold.
///
/// The fetching side fills blocks in order; the consumer takes what is filled. The fetching side runs on a strand of
/// the client's executor, and keeps the part alive.
class part {
public:
    part(byte_span span, std::vector<buffer> blocks, std::shared_ptr<detail::async_event> changed)
        : span_(span), changed_(std::move(changed)), wanted_(span.size()), blocks_(std::move(blocks))
    {
    }

    /// \param work  of what is `left`  \param others  what the other parts have brought so far
    /// \pre it is not running, and `is_waiting`
    static void start(const std::shared_ptr<part>& self, std::shared_ptr<download> work, std::uint64_t others,
                      const asio::any_io_executor& executor)
    {
        self->work_ = std::move(work);
        self->child_ = std::make_shared<detail::child_control>(executor);
        self->others_at_start_ = others;
        self->set_running();
        auto at_end = [mine = under_way(self)](const result<void>& outcome) mutable { mine.end(outcome.exception()); };
        detail::async_run_child(self->child_, fetch(self), std::move(at_end));
    }
    /// \pre it was started
    void cancel() { detail::child_control::cancel(child_, asio::cancellation_type::terminal); }

    /// What is there, at most `max_bytes`.
    /// \throws  what ended it, after all that came before
    [[nodiscard]] bytes take(std::size_t max_bytes)
    {
        const std::lock_guard lock(mutex_);
        bytes got = ready_.take_front(std::min(max_bytes, ready_.size()));
        given_ += got.size();
        if (got.empty() && broken_)
            std::rethrow_exception(broken_);
        return got;
    }
    /// Whether all was taken, and the answer's end found it right.
    [[nodiscard]] bool is_over() const
    {
        const std::lock_guard lock(mutex_);
        return given_ == wanted_ && !running_ && !broken_;
    }
    /// \pre it is over
    [[nodiscard]] const fields& trailer() const noexcept { return work_->trailer(); }
    [[nodiscard]] bool is_running() const
    {
        const std::lock_guard lock(mutex_);
        return running_;
    }

    /// Whether it ended because the server serves nobody more just now.
    [[nodiscard]] bool was_refused() const
    {
        const std::lock_guard lock(mutex_);
        return refused_;
    }
    /// Forgets the refusal. \pre `was_refused`
    void set_aside()
    {
        const std::lock_guard lock(mutex_);
        refused_ = false;
        broken_ = nullptr;
    }
    /// Whether it can be started, for the first time or after it was set aside.
    [[nodiscard]] bool is_waiting() const
    {
        const std::lock_guard lock(mutex_);
        return !running_ && !broken_ && filled_ < wanted_;
    }
    [[nodiscard]] std::uint64_t filled() const
    {
        const std::lock_guard lock(mutex_);
        return filled_;
    }
    [[nodiscard]] byte_span left() const { return {span_.first + filled(), span_.last}; }
    [[nodiscard]] std::uint64_t others_at_start() const noexcept { return others_at_start_; }

private:
    // However the fetching ends, also with a handler that is destroyed: the consumer hears of it.
    class under_way {
    public:
        explicit under_way(std::shared_ptr<part> of) noexcept : of_(std::move(of)) {}
        under_way(under_way&&) noexcept = default;
        under_way& operator=(under_way&&) = delete;
        ~under_way()
        {
            if (of_)
                of_->end(std::make_exception_ptr(error(errc::closed, "read", of_->work_->from().to_string())));
        }
        void end(std::exception_ptr failure) { std::exchange(of_, nullptr)->end(std::move(failure)); }

    private:
        std::shared_ptr<part> of_;
    };

    static asio::awaitable<void> fetch(std::shared_ptr<part> self)
    {
        for (;;) {
            const std::span<std::byte> room = self->room();
            if (room.empty()) {
                static_cast<void>(co_await self->work_->read_some(room)); // the answer ends, and was a success
                co_return;
            }
            const std::size_t got = co_await self->work_->read_some(room);
            if (got == 0)
                throw error(errc::ended_early, "read", self->work_->from().to_string());
            self->commit(got);
        }
    }

    void set_running()
    {
        const std::lock_guard lock(mutex_);
        running_ = true;
    }

    std::span<std::byte> room()
    {
        const std::lock_guard lock(mutex_);
        if (filled_ == wanted_)
            return {};
        const std::span<std::byte> spare = blocks_.front().spare();
        return spare.first(static_cast<std::size_t>(std::min<std::uint64_t>(spare.size(), wanted_ - filled_)));
    }

    void commit(std::size_t count)
    {
        {
            const std::lock_guard lock(mutex_);
            buffer& block = blocks_.front();
            const std::size_t start = block.size();
            block.commit(count);
            ready_.append(block.freeze(start, count));
            filled_ += count;
            if (block.spare().empty() || filled_ == wanted_)
                blocks_.erase(blocks_.begin());
        }
        changed_->set();
    }

    void end(std::exception_ptr failure)
    {
        {
            const std::lock_guard lock(mutex_);
            refused_ = failure && work_->was_refused();
            broken_ = std::move(failure);
            if (!refused_)
                blocks_.clear();
            running_ = false;
        }
        changed_->set();
    }

    const byte_span span_;
    const std::shared_ptr<detail::async_event> changed_;
    const std::uint64_t wanted_;
    // Changed by `start` alone.
    std::shared_ptr<download> work_;
    std::shared_ptr<detail::child_control> child_;
    std::uint64_t others_at_start_ = 0;

    mutable std::mutex mutex_; // guards what follows
    std::vector<buffer> blocks_; ///< to be filled, the front one first
    bytes ready_;                ///< filled and not yet given
    std::uint64_t filled_ = 0;
    std::uint64_t given_ = 0;
    std::exception_ptr broken_;
    bool refused_ = false; ///< what broke it
    bool running_ = false;
};

class parallel_source final : public http_source {
public:
    parallel_source(download_target target, std::shared_ptr<download> first, response_head described,
                    std::shared_ptr<download_counters> counters, const source_options& options)
        : target_(std::move(target)), first_(std::move(first)), described_(std::move(described)),
          counters_(std::move(counters)),
          connections_(options.parallel), part_bytes_(options.part_bytes), length_(*first_->version()->length),
          size_(size_behind(options, *first_->version())), name_(first_->from().to_string()),
          digests_(checker_for(described_, true, options)), begun_(length_ - *size_)
    {
    }
    ~parallel_source() override { cancel(); }

    asio::awaitable<bytes> read(reservation& memory, std::size_t max_bytes) override
    {
        for (;;) {
            changed_->reset(); // before every look: what is set after it is not lost
            if (closed_)
                throw error(errc::closed, "read", name_);
            set_refused_aside();
            start_waiting();
            begin_parts(memory);
            if (parts_.empty() && begun_ < length_) {
                buffer block = co_await memory.async_take(asio::use_awaitable);
                begin_part(with_more(memory, std::move(block)));
                continue;
            }
            if (parts_.empty()) {
                finish();
                co_return bytes();
            }
            bytes got = parts_.front()->take(max_bytes);
            const bool is_over = parts_.front()->is_over();
            if (is_over) {
                trailer_ = parts_.front()->trailer();
                over_ += parts_.front()->filled();
                parts_.pop_front();
            }
            for (const slice& piece : got)
                digests_.update({piece.data(), piece.size()});
            if (!got.empty())
                co_return got;
            if (!is_over)
                co_await changed_->async_wait(asio::use_awaitable);
        }
    }

    std::optional<std::uint64_t> size() const noexcept override { return size_; }
    known_version version() const override { return *first_->version(); }
    std::vector<stated_digest> stated() const override { return stated_in(described_); }
    std::size_t read_ahead_blocks() const noexcept override { return connections_ * blocks_a_connection; }
    std::string_view name() const noexcept override { return name_; }

    asio::awaitable<void> close() override
    {
        closed_ = true;
        cancel();
        for (const std::shared_ptr<part>& each : parts_) {
            while (each->is_running()) {
                changed_->reset();
                if (each->is_running())
                    co_await changed_->async_wait(asio::use_awaitable);
            }
        }
        parts_.clear();
    }

    source_report report() const override
    {
        const download_counters::values counted = counters_->read();
        return {first_->from(),
                first_->head().status,
                true,
                with_others(digests_.checked(), counters_->checked()),
                digests_.ignored(),
                first_->content_codings(),
                counted.attempts,
                counted.failures,
                counted.discarded_bytes};
    }

private:
    // Below that the requests cost more than the connections win.
    static constexpr std::uint64_t least_part = std::uint64_t{1} << 20;
    // With blocks of 256 KiB a connection has a megabyte on its way: the product of 160 Mbit/s and 50 ms.
    static constexpr std::size_t blocks_a_connection = 4;

    /// A server may serve fewer connections at a time than were asked for: as long as others bring something, one that is refused
    /// is one too many. Its part is set aside, to go on when another is over. As each takes a connection from the rest, and the
    /// last one has no others, this has an end.
    void set_refused_aside()
    {
        for (const std::shared_ptr<part>& each : parts_) {
            if (!each->was_refused() || (running() == 0 && brought_by_others(*each) == each->others_at_start()))
                continue;
            each->set_aside();
            at_a_time_ = std::max<std::size_t>(at_a_time_ - 1, 1);
        }
    }

    /// What the consumer needs first goes first.
    void start_waiting()
    {
        for (const std::shared_ptr<part>& each : parts_)
            if (each->is_waiting() && running() < at_a_time_) // the second looks at all of them
                start(each);
    }

    [[nodiscard]] std::size_t running() const
    {
        return static_cast<std::size_t>(std::ranges::count_if(parts_, [](const auto& each) { return each->is_running(); }));
    }
    [[nodiscard]] std::uint64_t brought_by_others(const part& one) const
    {
        std::uint64_t sum = over_;
        for (const std::shared_ptr<part>& each : parts_)
            sum += each.get() == &one ? 0 : each->filled();
        return sum;
    }

    void start(const std::shared_ptr<part>& which)
    {
        auto work = std::make_shared<download>(target_, which->left(), first_->version(), counters_);
        part::start(which, std::move(work), brought_by_others(*which), target_.from->executor);
    }

    /// Begins what there is memory for. Ahead of the first part only whole ones: many small requests would be slower.
    void begin_parts(reservation& memory)
    {
        while (parts_.size() < connections_ && running() < at_a_time_ && begun_ < length_) {
            const std::size_t wanted = blocks_of_next(memory);
            if (!parts_.empty() && memory.free_blocks() < wanted)
                return;
            std::optional<buffer> block = memory.try_take();
            if (!block)
                return;
            begin_part(with_more(memory, std::move(*block)));
        }
    }

    /// Of the next part. Connections share what memory there is.
    [[nodiscard]] std::size_t blocks_of_next(const reservation& memory) const
    {
        const std::uint64_t block = memory.block_bytes();
        const std::uint64_t share = std::max<std::uint64_t>(memory.blocks() / connections_, 1) * block;
        const std::uint64_t even = std::max(length_ / connections_ + 1, least_part);
        const std::uint64_t bytes = std::min({std::max(part_bytes_, block), even, share, length_ - begun_});
        return static_cast<std::size_t>((bytes + block - 1) / block);
    }

    [[nodiscard]] std::vector<buffer> with_more(reservation& memory, buffer first) const
    {
        const std::size_t wanted = blocks_of_next(memory);
        std::vector<buffer> blocks;
        blocks.reserve(wanted);
        blocks.push_back(std::move(first));
        while (blocks.size() < wanted) {
            std::optional<buffer> block = memory.try_take();
            if (!block)
                break;
            blocks.push_back(std::move(*block));
        }
        return blocks;
    }

    void begin_part(std::vector<buffer> blocks)
    {
        std::uint64_t room = 0;
        for (const buffer& block : blocks)
            room += block.capacity();
        const std::uint64_t count = std::min(room, length_ - begun_);
        const byte_span span{begun_, begun_ + count - 1};
        const auto made = std::make_shared<part>(span, std::move(blocks), changed_);
        begun_ += count;
        parts_.push_back(made);
        start(made);
    }

    void cancel()
    {
        for (const std::shared_ptr<part>& each : parts_)
            each->cancel();
    }

    void finish()
    {
        if (!ended_) {
            digests_.ignore(counters_->ignored());
            digests_.finish(trailer_, answer_share::part, name_);
        }
        ended_ = true;
    }

    const download_target target_;
    const std::shared_ptr<download> first_;
    const response_head described_; ///< what states digests
    const std::shared_ptr<download_counters> counters_;
    const std::size_t connections_;
    const std::uint64_t part_bytes_;
    const std::uint64_t length_;
    const std::optional<std::uint64_t> size_; ///< of what is given
    const std::string name_;
    digest_checker digests_;
    fields trailer_; ///< of the part that was over last
    const std::shared_ptr<detail::async_event> changed_ = std::make_shared<detail::async_event>();
    std::deque<std::shared_ptr<part>> parts_; ///< in the order of the object
    std::uint64_t begun_;                     ///< bytes that parts were made for, or that nobody asks for
    std::uint64_t over_ = 0;                  ///< bytes of the parts that are no longer here
    std::size_t at_a_time_ = connections_;    ///< parts that may run
    bool closed_ = false;
    bool ended_ = false;
};

/// Of an answer to HEAD, whose length nobody has judged.
bool is_of(const known_version& known, const response_head& head)
{
    try {
        return known.validator.certainly_same(validator::of(head.header)) && known.codings == codings_of(head.header)
            && content_length(head.header).value_or(*known.length) == *known.length;
    }
    catch (const error&) {
        return false;
    }
}

} // namespace

bool can_be_parallel(const download& first) noexcept
{
    return first.is_part() && first.version()->length && first.version()->validator.is_strong();
}

asio::awaitable<response_head> describe_whole(std::shared_ptr<download> first, download_target target,
                                              std::shared_ptr<download_counters> counters)
{
    constexpr std::chrono::seconds patience(5);
    request_head ask = std::move(target.ask);
    ask.method = "HEAD";
    ask.header.set("Connection", "close"); // servers exist that send a body: it must not be read as another answer
    const known_version& known = *first->version();
    (void)known.validator.demand_in(ask.header);
    const client::clock::time_point deadline = std::min(target.deadline, client::clock::now() + patience);
    counters->attempted();
    result<response> told = co_await as_result(target.from->send(std::move(ask), deadline));
    if (!told && told.code() == condition::cancelled)
        told.value();
    response_head head;
    std::string failure;
    if (!told)
        failure = message_of(told.exception());
    else if (head = told->head(); head.status != 200)
        failure = std::to_string(head.status);
    else if (!is_of(known, head))
        failure = "of another version"; // the parts will find out
    if (!failure.empty()) {
        counters->ignored({"digests of the whole, asked for by HEAD: " + failure});
        co_return first->head();
    }
    head.header.erase("Content-Digest"); // of no content. RFC 9530, appendix B.2
    co_return head;
}

std::unique_ptr<http_source> make_parallel_source(download_target target, std::shared_ptr<download> first,
                                                  response_head described,
                                                  std::shared_ptr<download_counters> counters,
                                                  const source_options& options)
{
    return std::make_unique<parallel_source>(std::move(target), std::move(first), std::move(described),
                                             std::move(counters), options);
}

} // namespace weir::http
