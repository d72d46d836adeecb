#include "guest/facts.hpp"

#include <algorithm>

namespace dstack::guest {

Identity identify(ByteView app_compose,
                  const InstanceInfo& known,
                  InstanceIds ids,
                  Continuity continuity,
                  ByteView fresh_seed)
{
  Identity out;
  out.compose_hash = compose::compose_hash(app_compose);
  out.app_id = compose::app_id(out.compose_hash);
  if (known.app_id.size() == out.app_id.size())
    std::copy(known.app_id.begin(), known.app_id.end(), out.app_id.begin());
  const bool keep = continuity == Continuity::persistent && !known.instance_id_seed.empty();
  out.seed = keep ? known.instance_id_seed : to_bytes(fresh_seed);
  if (ids == InstanceIds::wanted) {
    const compose::InstanceId id = compose::instance_id(out.seed, out.app_id);
    out.instance_id = to_bytes(ByteView{id});
  }
  return out;
}

} // namespace dstack::guest
