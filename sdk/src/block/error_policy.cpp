// SPDX-License-Identifier: MIT
#include "block/error_policy.h"

#include <fmt/format.h>

#include <cerrno>
#include <utility>

#include "backplane/event.h"
#include "backplane/log.h"

namespace backplane {

namespace {

std::string name_of(const BlockRequest& request) {
  const auto at = [&](const char* what) {
    return fmt::format("{} of {} bytes at {}", what, request.size, request.offset);
  };
  switch (request.op) {
    case BlockOp::Read:
      return at("a read");
    case BlockOp::Write:
      return at("a write");
    case BlockOp::Discard:
      return at("a discard");
    case BlockOp::WriteZeroes:
      return at("a write of zeroes");
    case BlockOp::Flush:
      break;
  }
  return "a flush";
}

bool is_out_of_room(int result) {
#ifdef EDQUOT  // Windows has none.
  if (result == -EDQUOT) return true;
#endif
  return result == -ENOSPC;
}

}  // namespace

ErrorPolicy::ErrorPolicy(const BlockNode& node, ErrorActions actions, std::function<void()> stop,
                         std::function<void(const Value& failure)> tell,
                         std::unique_ptr<RequestStage> next)
    : node_(node),
      actions_(actions),
      stop_(std::move(stop)),
      tell_(std::move(tell)),
      next_(std::move(next)) {
  if (actions_.read == ErrorAction::Auto) actions_.read = ErrorAction::Report;
  if (actions_.write == ErrorAction::Auto) actions_.write = ErrorAction::Enospc;
}

void ErrorPolicy::submit(BlockRequest request) {
  // The guest's own mistakes stay what they are.
  if (check_request(node_, request) != 0) return next_->submit(std::move(request));
  attempt(std::make_shared<const BlockRequest>(std::move(request)));
}

void ErrorPolicy::hold(BlockRequest request) {
  waiting_.push_back({std::make_shared<const BlockRequest>(std::move(request)), -EIO});
}

void ErrorPolicy::attempt(std::shared_ptr<const BlockRequest> request) {
  BlockRequest copy = *request;
  copy.done = [this, request = std::move(request)](int result) {
    if (result != 0) return fail({request, result});
    if (request->done) request->done(0);
  };
  next_->submit(std::move(copy));
}

ErrorAction ErrorPolicy::action_for(const Failed& failed) const {
  ErrorAction action = failed.request->op == BlockOp::Read ? actions_.read : actions_.write;
  if (action == ErrorAction::Enospc)
    action = is_out_of_room(failed.result) ? ErrorAction::Stop : ErrorAction::Report;
  return action == ErrorAction::Stop && giving_up_ ? ErrorAction::Report : action;
}

void ErrorPolicy::fail(Failed failed) {
  ++failures_;
  const std::string reason = node_.explain(failed.result);
  last_failure_ = fmt::format("{}: {}", name_of(*failed.request), reason);
  const std::string line =
      fmt::format("drive {}: {} failed: {}", node_.id(), name_of(*failed.request), reason);
  const ErrorAction action = action_for(failed);
  tell_(event_of(failed, action, reason));
  switch (action) {
    case ErrorAction::Stop: {
      const bool first = waiting_.empty();
      waiting_.push_back(std::move(failed));
      if (!first) return;
      log::warn(line + "; the guest is stopped, 'cont' in the monitor tries again");
      return stop_();
    }
    case ErrorAction::Ignore:
      say_once(reason, line + "; it is ignored, and so are others like it");
      failed.result = 0;
      break;
    default:
      say_once(reason, line + "; the guest is told, of others like it as well");
  }
  if (failed.request->done) failed.request->done(failed.result);
}

Value ErrorPolicy::event_of(const Failed& failed, ErrorAction action,
                            const std::string& reason) const {
  const bool is_read = failed.request->op == BlockOp::Read;
  const auto word = action == ErrorAction::Stop     ? kBlockErrorActions[2]
                    : action == ErrorAction::Ignore ? kBlockErrorActions[0]
                                                    : kBlockErrorActions[1];
  return Value::Record{{"device", node_.id()},
                       {"node-name", node_.id()},
                       {"operation", kBlockOperations[is_read ? 0 : 1]},
                       {"action", word},
                       {"nospace", is_out_of_room(failed.result)},
                       {"reason", reason}};
}

void ErrorPolicy::say_once(const std::string& reason, const std::string& line) {
  if (said_.insert(reason).second) log::warn(line);
}

void ErrorPolicy::retry() {
  for (const Failed& failed : std::exchange(waiting_, {})) submit(*failed.request);
}

void ErrorPolicy::drain() {
  const bool outermost = !std::exchange(giving_up_, true);
  next_->drain();
  while (!waiting_.empty()) {
    for (const Failed& failed : std::exchange(waiting_, {}))
      if (failed.request->done) failed.request->done(failed.result);
    next_->drain();
  }
  if (outermost) giving_up_ = false;
}

std::string ErrorPolicy::describe() const {
  std::string text =
      fmt::format("rerror={}, werror={}", PropertyTraits<ErrorAction>::print(actions_.read),
                  PropertyTraits<ErrorAction>::print(actions_.write));
  if (failures_ != 0) text += fmt::format(", {} failed, the last {}", failures_, last_failure_);
  if (!waiting_.empty()) text += fmt::format(", {} wait for 'cont'", waiting_.size());
  return text;
}

}  // namespace backplane
