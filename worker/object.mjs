// objectStub reaches an object. Objects of the bindings SPACE… are created where variables say.
export function objectStub(env, binding, name) {
  let objects = env[binding];
  if (!binding.startsWith("SPACE")) return objects.get(objects.idFromName(name));
  if (env.SPACES_JURISDICTION) objects = objects.jurisdiction(env.SPACES_JURISDICTION);
  const locationHint = env.SPACES_LOCATION || undefined;
  return objects.get(objects.idFromName(name), { locationHint });
}
