// How a registry ends a stream whose consumer may know nothing of it yet.

#include "pipeline.hpp"

#include <weir/error.hpp>

#include <boost/asio/use_awaitable.hpp>

#include <utility>

namespace weir {

namespace asio = boost::asio;

void chunk_stream::pipeline::enlist(engine& owner)
{
    ledger_->enter(*this);
    // First the entry, then the look: whoever closes the engine meanwhile finds the one or is seen by the other.
    registration entry = resources_.add({.kind = resource_kind::flow, .name = name_, .target = weak_from_this()});
    owner.ensure_accepting("stream", name_);
    std::lock_guard lock(mutex_);
    if (refused_ != refusal::abandoned)
        entry_ = std::move(entry);
}

std::unique_ptr<source> chunk_stream::pipeline::refuse_next()
{
    std::lock_guard lock(mutex_);
    if (refused_ == refusal::none)
        refused_ = refusal::closed;
    return producer_ == producer::unstarted ? std::move(source_) : nullptr;
}

void chunk_stream::pipeline::abandon()
{
    std::unique_ptr<source> unread;
    {
        std::lock_guard lock(mutex_);
        refused_ = refusal::abandoned;
        if (producer_ == producer::unstarted)
            unread = std::move(source_); // nobody else will close it
    }
    cancel(shared_from_this());
    ready.set();
}

bool chunk_stream::pipeline::lends() const
{
    std::lock_guard lock(mutex_);
    return lent_ != nullptr;
}

void chunk_stream::pipeline::strike_off() noexcept
{
    registration gone; // without the lock
    std::lock_guard lock(mutex_);
    gone = std::move(entry_);
}

asio::awaitable<void> chunk_stream::pipeline::release()
{
    abandon();
    while (!finished()) // once set it stays so
        co_await drained.async_wait(asio::use_awaitable);
    drop_queue();
    while (lends())
        co_await returned_.async_wait(asio::use_awaitable);
    strike_off();
}

bool chunk_stream::pipeline::force_release() noexcept
{
    try {
        abandon();
    }
    catch (...) { // no memory to ask it: it goes on
    }
    if (!finished())
        return false;
    drop_queue();
    strike_off();
    return true;
}

} // namespace weir
