#include "platform/app/command.h"

namespace openp5::app {
}  // namespace openp5::app
