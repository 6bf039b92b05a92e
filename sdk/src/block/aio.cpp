// SPDX-License-Identifier: MIT
#include "backplane/aio.h"

namespace backplane {

std::unique_ptr<AioEngine> create_aio_engine(std::string_view name, IoContext& loop) {
  auto engine = create_object<AioEngine>(class_of_kind(kAioKind, name).name);
  engine->start(loop);
  return engine;
}

BACKPLANE_REGISTER_ABSTRACT(AioEngine)

}  // namespace backplane
