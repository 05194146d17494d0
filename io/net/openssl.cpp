#include "net/openssl.hpp"

#include <openssl/err.h>

#include <system_error>

namespace weir::net::detail {

std::string openssl_reason()
{
    const unsigned long first = ERR_get_error(); // the cause; what follows says where it passed
    ERR_clear_error();
    if (first == 0)
        return "no reason given";
    if (ERR_SYSTEM_ERROR(first))
        return std::generic_category().message(ERR_GET_REASON(first));
    if (const char* reason = ERR_reason_error_string(first))
        return reason;
    return "error " + std::to_string(first);
}

} // namespace weir::net::detail
