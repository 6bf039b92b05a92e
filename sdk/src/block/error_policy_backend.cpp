// SPDX-License-Identifier: MIT
#include "block/error_policy_backend.h"

#include <fmt/format.h>

#include <cerrno>
#include <utility>

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

ErrorPolicyBackend::ErrorPolicyBackend(std::function<void()> stop, ErrorActions actions,
                                       std::unique_ptr<BlockBackend> inner)
    : BlockBackend(inner->id(), inner->serial()), stop_(std::move(stop)), inner_(std::move(inner)) {
  set_error_actions(actions);
}

void ErrorPolicyBackend::submit(BlockRequest request) {
  // The guest's own mistakes stay what they are.
  if (check(request) != 0) return inner_->submit(std::move(request));
  attempt(std::make_shared<const BlockRequest>(std::move(request)));
}

void ErrorPolicyBackend::attempt(std::shared_ptr<const BlockRequest> request) {
  BlockRequest copy = *request;
  copy.done = [this, request = std::move(request)](int result) {
    if (result != 0) return fail({request, result});
    if (request->done) request->done(0);
  };
  inner_->submit(std::move(copy));
}

ErrorAction ErrorPolicyBackend::action_for(const Failed& failed) const {
  const ErrorActions& actions = error_actions();
  ErrorAction action = failed.request->op == BlockOp::Read ? actions.read : actions.write;
  if (action == ErrorAction::Enospc)
    action = is_out_of_room(failed.result) ? ErrorAction::Stop : ErrorAction::Report;
  return action == ErrorAction::Stop && giving_up_ ? ErrorAction::Report : action;
}

void ErrorPolicyBackend::fail(Failed failed) {
  ++failures_;
  const std::string reason = explain(failed.result);
  last_failure_ = fmt::format("{}: {}", name_of(*failed.request), reason);
  const std::string line =
      fmt::format("drive {}: {} failed: {}", id(), name_of(*failed.request), reason);
  switch (action_for(failed)) {
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

void ErrorPolicyBackend::say_once(const std::string& reason, const std::string& line) {
  if (said_.insert(reason).second) log::warn(line);
}

void ErrorPolicyBackend::retry() {
  for (Failed& failed : std::exchange(waiting_, {})) attempt(std::move(failed.request));
}

void ErrorPolicyBackend::drain() {
  const bool outermost = !std::exchange(giving_up_, true);
  inner_->drain();
  while (!waiting_.empty()) {
    for (const Failed& failed : std::exchange(waiting_, {}))
      if (failed.request->done) failed.request->done(failed.result);
    inner_->drain();
  }
  if (outermost) giving_up_ = false;
}

std::string ErrorPolicyBackend::describe() const {
  std::string text = fmt::format("{}, rerror={}, werror={}", inner_->describe(),
                                 PropertyTraits<ErrorAction>::print(error_actions().read),
                                 PropertyTraits<ErrorAction>::print(error_actions().write));
  if (failures_ != 0) text += fmt::format(", {} failed, the last {}", failures_, last_failure_);
  if (!waiting_.empty()) text += fmt::format(", {} wait for 'cont'", waiting_.size());
  return text;
}

std::unique_ptr<BlockBackend> make_error_policy(std::function<void()> stop, ErrorActions actions,
                                                std::unique_ptr<BlockBackend> backend) {
  return std::make_unique<ErrorPolicyBackend>(std::move(stop), actions, std::move(backend));
}

}  // namespace backplane
