/** What a view shows in place of its object's own members. */
interface ViewOptions<T extends object> {
  /** The members that stand in for the object's own of these names. */
  readonly instead: Readonly<Record<PropertyKey, unknown>>;

  /** Calls one of the object's other methods, and returns what its caller gets. */
  readonly call: (method: Method, args: unknown[], place: Place<T>) => unknown;
}

/** A method that is called on a view. */
interface Place<T extends object> {
  readonly property: PropertyKey;
  readonly source: T;
  readonly view: T;
}

export type Method = (this: unknown, ...args: unknown[]) => unknown;

/**
 * A view on an object that shows some members of its own. All else is the object's: its class, its members, what is set
 * on it, and the `this` of its getters and methods, so that private members work.
 */
export function viewOf<T extends object>(source: T, { instead, call }: ViewOptions<T>): T {
  const view: T = new Proxy(changeable(source, Reflect.ownKeys(instead)), {
    get(_shown, property) {
      if (Object.hasOwn(instead, property)) return instead[property];
      const value: unknown = Reflect.get(source, property, source);
      if (typeof value !== "function" || property === "constructor") return value;
      return fixedValue(source, property) ?? caller(value as Method, property);
    },
    set: (_shown, property, value) => Reflect.set(source, property, value, source),
  });
  const caller =
    (method: Method, property: PropertyKey): Method =>
    (...args) =>
      call(method, args, { property, source, view });
  return view;
}

/** A proxy has to show a fixed property as its target has it: that one gets a copy as its target. */
function changeable<T extends object>(source: T, properties: readonly PropertyKey[]): T {
  if (properties.every((property) => fixedValue(source, property) === undefined)) return source;
  const descriptors = Object.getOwnPropertyDescriptors(source) as PropertyDescriptorMap;
  for (const property of Reflect.ownKeys(descriptors)) {
    (descriptors[property as string] as PropertyDescriptor).configurable = true;
  }
  return Object.create(Object.getPrototypeOf(source) as object | null, descriptors) as T;
}

/** The value of a property that can neither be changed nor shown as something else. */
function fixedValue(source: object, property: PropertyKey): unknown {
  const { configurable, writable, value } = Object.getOwnPropertyDescriptor(source, property) ?? {};
  return configurable === false && writable === false ? (value as unknown) : undefined;
}
