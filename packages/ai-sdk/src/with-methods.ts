type Method = (...args: never[]) => unknown;

/**
 * A view on an object that shows other methods in place of some of its own. All else is the object's: its keys, its
 * class, and the `this` of its other methods and getters, so that private members work.
 */
export function withMethods<T extends object>(
  target: T,
  methods: Readonly<Record<string, Method>>,
): T {
  const view: T = new Proxy(changeable(target, methods), {
    get(_shown, property) {
      if (typeof property === "string" && Object.hasOwn(methods, property))
        return methods[property];
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== "function" || property === "constructor") return value;
      return Object.hasOwn(target, property) ? value : ownThis(value as Method, target, () => view);
    },
  });
  return view;
}

/** A method of a class, which may use private members of its `this`. */
function ownThis(method: Method, target: object, view: () => object): Method {
  return new Proxy(method, {
    apply: (original, self: unknown, args) =>
      Reflect.apply(original, self === view() ? target : self, args) as unknown,
  });
}

/** A proxy must show a frozen property as its target has it: it then gets a copy as its target. */
function changeable<T extends object>(target: T, methods: Readonly<Record<string, Method>>): T {
  const isFrozen = (name: string): boolean => {
    const { configurable, writable } = Object.getOwnPropertyDescriptor(target, name) ?? {};
    return configurable === false && writable === false;
  };
  if (!Object.keys(methods).some(isFrozen)) return target;

  const descriptors = Object.getOwnPropertyDescriptors(target) as PropertyDescriptorMap;
  for (const descriptor of Object.values(descriptors)) descriptor.configurable = true;
  return Object.create(Object.getPrototypeOf(target) as object | null, descriptors) as T;
}
