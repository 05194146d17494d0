#include "files/read_window.hpp"

#include <weir/error.hpp>

#include <boost/asio/use_awaitable.hpp>

namespace weir::detail {
namespace {

class piece_read final : public read_operation {
public:
    piece_read(std::shared_ptr<window_piece> piece, std::shared_ptr<const file_handle> file,
               std::shared_ptr<read_window::reads> all) noexcept
        : piece_(std::move(piece)), file_(std::move(file)), all_(std::move(all))
    {
        descriptor = file_->descriptor();
        ++all_->under_way;
    }
    ~piece_read() override
    {
        if (piece_)
            complete(errc::closed, 0);
    }

    void complete(std::error_code failure, std::size_t count) noexcept override
    {
        piece_->failure = failure;
        piece_->count = count;
        piece_->done.store(true, std::memory_order_release);
        piece_.reset();
        file_.reset();
        --all_->under_way; // only now: who waits for that has block and file back
        all_->ended.set();
    }

private:
    std::shared_ptr<window_piece> piece_; // and with it the block
    std::shared_ptr<const file_handle> file_; // a number that was closed may be another file's already
    std::shared_ptr<read_window::reads> all_;
};

} // namespace

void read_window::push(read_service& service, std::shared_ptr<const file_handle> file, buffer memory,
                       std::uint64_t offset, std::size_t wanted, bool may_be_cached)
{
    auto piece = std::make_shared<window_piece>();
    piece->given = memory.size();
    piece->memory = std::move(memory);
    piece->wanted = wanted;
    auto read = std::make_unique<piece_read>(piece, std::move(file), shared_);
    piece->id = read->id = service.next_id();
    read->offset = offset;
    read->data = piece->memory.spare().data();
    read->size = wanted;
    read->may_be_cached = may_be_cached;
    service_ = &service;
    pieces_.push_back(std::move(piece));
    service.start(std::move(read));
}

boost::asio::awaitable<void> read_window::wait()
{
    co_await shared_->ended.async_wait(boost::asio::use_awaitable);
    shared_->ended.reset(); // before the caller's look: what ends after it is not lost
}

void read_window::cancel() noexcept
{
    for (const auto& piece : pieces_)
        if (!piece->done.load(std::memory_order_acquire))
            service_->cancel(piece->id);
}

void read_window::clear() noexcept
{
    cancel();
    pieces_.clear();
}

} // namespace weir::detail
