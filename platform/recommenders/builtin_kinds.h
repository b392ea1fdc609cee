#ifndef OPENP5_PLATFORM_RECOMMENDERS_BUILTIN_KINDS_H_
#define OPENP5_PLATFORM_RECOMMENDERS_BUILTIN_KINDS_H_

#include "platform/recommenders/kinds.h"

namespace openp5::recommenders {

// The kinds this program brings. A new one is a file that defines it and a line in kinds.cc.
RecommenderKind GenerativeKind();
RecommenderKind SasrecKind();
RecommenderKind PopularityKind();
RecommenderKind ItemKnnKind();
RecommenderKind TransitionsKind();

}  // namespace openp5::recommenders

#endif  // OPENP5_PLATFORM_RECOMMENDERS_BUILTIN_KINDS_H_
