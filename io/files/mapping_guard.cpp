#include "files/mapping_guard.hpp"

#include <weir/mapped_file.hpp>

#include <array>
#include <cerrno>
#include <cstdint>
#include <mutex>

#include <csignal>
#include <sys/mman.h>
#include <unistd.h>

namespace weir {
namespace detail {
namespace {

struct window {
    std::atomic<bool> taken = false;
    std::atomic<bool> broken = false;
    std::atomic<std::uintptr_t> begin = 0;
    std::atomic<std::uintptr_t> end = 0;   // 0: not entered; written last, cleared first
};

std::array<window, max_guarded_windows> windows;
std::atomic<bool> installed = false;
struct sigaction previous;
std::uintptr_t page_mask;

window* find_window(std::uintptr_t address) noexcept
{
    for (window& candidate : windows)
        if (address < candidate.end.load(std::memory_order_acquire) && address >= candidate.begin.load())
            return &candidate;
    return nullptr;
}

void call_previous(int signal, siginfo_t* info, void* context) noexcept
{
    if (previous.sa_flags & SA_SIGINFO)
        return previous.sa_sigaction(signal, info, context);
    if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN)
        return previous.sa_handler(signal);
    // The instruction faults again when the handler returns, and ends the process as it would have.
    struct sigaction by_default = {};
    by_default.sa_handler = SIG_DFL;
    ::sigaction(SIGBUS, &by_default, nullptr);
    if (info->si_code <= 0)
        ::raise(SIGBUS); // sent by kill(2): there is no instruction to fault
}

void on_sigbus(int signal, siginfo_t* info, void* context)
{
    const int saved = errno;
    const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
    window* hit = info->si_code > 0 ? find_window(address) : nullptr;
    if (hit) {
        const std::uintptr_t page = address & page_mask;
        void* zeros = ::mmap(reinterpret_cast<void*>(page), hit->end.load() - page, PROT_READ,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        if (zeros == MAP_FAILED)
            hit = nullptr;
        else
            hit->broken.store(true);
    }
    if (!hit)
        call_previous(signal, info, context);
    errno = saved;
}

} // namespace

std::atomic<bool>* guard_window(const std::byte* memory, std::size_t bytes) noexcept
{
    for (window& candidate : windows) {
        if (candidate.taken.load(std::memory_order_relaxed) || candidate.taken.exchange(true))
            continue;
        const auto begin = reinterpret_cast<std::uintptr_t>(memory);
        candidate.broken.store(false);
        candidate.begin.store(begin);
        candidate.end.store(begin + bytes, std::memory_order_release);
        return &candidate.broken;
    }
    return nullptr;
}

void unguard_window(std::atomic<bool>* broken) noexcept
{
    for (window& candidate : windows) {
        if (&candidate.broken != broken)
            continue;
        candidate.end.store(0);
        candidate.taken.store(false);
        return;
    }
}

} // namespace detail

void install_mapping_guard()
{
    static std::once_flag once;
    std::call_once(once, [] {
        detail::page_mask = ~(static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE)) - 1);
        struct sigaction handler = {};
        handler.sa_sigaction = detail::on_sigbus;
        handler.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
        if (::sigaction(SIGBUS, nullptr, &detail::previous) != 0 || ::sigaction(SIGBUS, &handler, nullptr) != 0)
            throw_system_error(errno, "install the handler of SIGBUS");
        detail::installed.store(true);
    });
}

bool mapping_guard_installed() noexcept { return detail::installed.load(); }

} // namespace weir
