/** An adapter that lacks a feature, or refuses one that it does not list. */
export function withoutFeature(feature: GPUFeatureName, adapter: GPUAdapter): GPUAdapter {
  return new Proxy(adapter, {
    get(_, name) {
      if (name === "features") {
        return new Set([...adapter.features].filter((had) => had !== feature));
      }
      if (name !== "requestDevice") return Reflect.get(adapter, name, adapter);
      return (descriptor: GPUDeviceDescriptor) =>
        [...descriptor.requiredFeatures ?? []].includes(feature)
          ? Promise.reject(new TypeError(`${feature} is not there`))
          : adapter.requestDevice(descriptor);
    },
  });
}
