import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { trace } from "@opentelemetry/api";
import { configureWaybill, traced, withSpan } from "@waybill/core";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, expectTypeOf, it, vi } from "vitest";

import { startRecording } from "../support/recording.ts";
import type { Recording } from "../support/recording.ts";
import { spanNamed, spanTree } from "../support/span-tree.ts";

let recording: Recording;
beforeEach(() => {
  recording = startRecording();
});
afterEach(async () => {
  configureWaybill({ captureContent: false });
  await recording.stop();
});

describe("a traced function", () => {
  it("keeps the function's type, name, length and members", () => {
    function greet(who: string, _how: "loudly" | "kindly"): string {
      return `Hello ${who}`;
    }
    const withMembers = Object.assign(greet, { language: "en" });

    const wrapper = traced()(withMembers);

    expectTypeOf(wrapper).toEqualTypeOf(withMembers);
    expect([wrapper.name, wrapper.length, wrapper.language]).toEqual(["greet", 2, "en"]);
  });

  it("keeps `this`, also by `call`, `apply` and `bind`", () => {
    class Shop {
      readonly name: string;
      constructor(name: string) {
        this.name = name;
      }
      greet = traced()(function greet(this: Shop, who: string): string {
        return `${this.name} greets ${who}`;
      });
    }
    const shop = new Shop("corner shop");
    const other = new Shop("market");

    expect(shop.greet("Ada")).toBe("corner shop greets Ada");
    expect(shop.greet.call(other, "Ada")).toBe("market greets Ada");
    expect(shop.greet.apply(other, ["Ada"])).toBe("market greets Ada");
    expect(shop.greet.bind(other, "Ada")()).toBe("market greets Ada");
    expect(recording.spans()).toHaveLength(4);
  });

  it("has a span of the function's name, of a given name, or of none", () => {
    traced()(function named() {})();
    traced("given")(function named() {})();
    traced({ name: "given, too" })(() => {})();
    traced()(() => {})();

    expect(
      recording.spans().map(({ name, attributes }) => [name, attributes["code.function.name"]]),
    ).toEqual([
      ["named", "named"],
      ["given", "named"],
      ["given, too", "anonymous"],
      ["anonymous", "anonymous"],
    ]);
  });

  it("nests what it calls, in all kinds of functions", async () => {
    const inside = () => withSpan("inside", () => {});

    traced("sync")(inside)();
    await traced("async")(async () => {
      await Promise.resolve();
      inside();
    })();
    Array.from(
      traced("generator")(function* () {
        yield 1;
        inside();
      })(),
    );
    await Array.fromAsync(
      traced("async generator")(async function* () {
        yield 1;
        await Promise.resolve();
        inside();
      })(),
    );

    expect(spanTree(recording.spans())).toBe(`
sync
  inside
async
  inside
generator
  inside
async generator
  inside
`);
    expect(trace.getActiveSpan()).toBeUndefined();
  });

  it("fails by the function's error, which it throws on", async () => {
    const error = new TypeError("no");
    const fail = () => {
      throw error;
    };

    expect(caughtFrom(traced("sync")(fail))).toBe(error);
    await expect(traced("async")(async () => fail())()).rejects.toBe(error);
    const generator = traced("generator")(function* () {
      yield fail();
    })();
    expect(caughtFrom(() => generator.next())).toBe(error);
    const later = traced("async generator")(async function* () {
      yield fail();
    })();
    await expect(later.next()).rejects.toBe(error);

    expect(spanTree(recording.spans())).toBe(`
sync error: TypeError
async error: TypeError
generator error: TypeError
async generator error: TypeError
`);
  });

  it("ends as cancelled when its generator is left", () => {
    for (const value of traced("endless")(function* () {
      for (;;) yield 1;
    })()) {
      expect(value).toBe(1);
      break;
    }

    expect(spanTree(recording.spans())).toBe("\nendless cancelled\n");
  });

  it("makes the attributes that are given, or that a function chooses of the arguments", () => {
    const choose = vi.fn((id: string, count: number) => ({ "order.id": id, count }));
    traced({ name: "fixed", attributes: { tenant: "acme" } })(() => {})();
    traced({ name: "chosen", attributes: choose })((_id: string, _count: number) => {})("A-1", 2);

    const attributes = (name: string) => spanNamed(recording.spans(), name).attributes;
    expect(attributes("fixed")).toMatchObject({ tenant: "acme" });
    expect(attributes("chosen")).toMatchObject({ "order.id": "A-1", count: 2 });
    expect(choose.mock.calls).toEqual([["A-1", 2]]);
  });

  it("runs although the choice of its attributes fails", () => {
    const choose = () => {
      throw new Error("no choice");
    };

    expect(traced({ name: "work", attributes: choose })(() => "done")()).toBe("done");
    expect(spanNamed(recording.spans(), "work").attributes).toEqual({
      "code.function.name": "anonymous",
    });
  });

  it("records neither arguments nor result unless content is on", () => {
    const lookUp = vi.fn((_query: object) => ({ found: "secret" }));

    traced("look up")(lookUp)({ query: "secret" });

    expect(lookUp).toHaveBeenCalledOnce();
    expect(JSON.stringify(recording.spans().map(({ attributes }) => attributes))).not.toContain(
      "secret",
    );
  });

  it.each([
    [{ input: true }, { "waybill.function.arguments": '["A-1",{"deep":true}]' }],
    [{ output: true }, { "waybill.function.result": '{"found":true}' }],
    [
      true,
      {
        "waybill.function.arguments": '["A-1",{"deep":true}]',
        "waybill.function.result": '{"found":true}',
      },
    ],
  ])("records as content what %j allows", async (captureContent, expected) => {
    const lookUp = async (_id: string, _options: object) => ({ found: true });

    await traced({ name: "look up", captureContent })(lookUp)("A-1", { deep: true });

    expect(spanNamed(recording.spans(), "look up").attributes).toEqual({
      "code.function.name": "lookUp",
      ...expected,
    });
  });

  it("can still be constructed, untraced", () => {
    class Order {
      readonly id: string;
      constructor(id: string) {
        this.id = id;
      }
    }
    const Wrapped = traced()(Order as unknown as () => void) as unknown as typeof Order;

    const order = new Wrapped("A-1");

    expect(order).toBeInstanceOf(Order);
    expect(order.id).toBe("A-1");
    expect(recording.spans()).toEqual([]);
  });
});

describe("traced, used wrongly", () => {
  it.each(["class", "field", "getter", "setter", "accessor"])("does not decorate a %s", (kind) => {
    const decorate = () => traced()(() => {}, { kind, name: "member" });

    expect(decorate).toThrow(TypeError);
    expect(decorate).toThrow(`traced: decorates methods, not a ${kind}`);
  });

  it.each([undefined, null, "look up", {}])("does not wrap %j", (target) => {
    expect(() => traced()(target as () => void)).toThrow(TypeError);
  });
});

describe("a traced function behaves as the plain one", () => {
  /** What a function does when it is called: it returns, or throws. */
  const behaviour = fc.record({ returns: fc.anything(), throws: fc.boolean() });
  const call = { self: fc.anything(), args: fc.array(fc.anything(), { maxLength: 4 }) };

  /** What there is to see of a call, whoever made it. */
  type Seen = { self?: unknown; args?: unknown; given?: unknown; thrown?: unknown };

  it("if it is synchronous", () => {
    fc.assert(
      fc.property(behaviour, call.self, call.args, ({ returns, throws }, self, args) => {
        const seenBy = (wrap: <F extends () => unknown>(fn: F) => F): Seen => {
          const seen: Seen = {};
          const fn = wrap(function fn(this: unknown, ...received: unknown[]): unknown {
            seen.self = this;
            seen.args = received;
            if (throws) throw returns;
            return returns;
          });
          try {
            seen.given = Reflect.apply(fn, self, args);
          } catch (error) {
            seen.thrown = error;
          }
          return seen;
        };

        expectSame(seenBy(traced("work")), seenBy(plain));
      }),
    );
    expect(recording.open()).toBe(0);
  });

  it("if it is asynchronous", async () => {
    await fc.assert(
      fc.asyncProperty(behaviour, call.self, call.args, async (behaves, self, args) => {
        const seenBy = async (wrap: <F extends () => unknown>(fn: F) => F): Promise<Seen> => {
          const seen: Seen = {};
          const fn = wrap(async function fn(this: unknown, ...received: unknown[]) {
            seen.self = this;
            seen.args = received;
            if (behaves.throws) throw behaves.returns;
            return behaves.returns;
          });
          try {
            const promise: unknown = Reflect.apply(fn, self, args);
            expect(promise).toBeInstanceOf(Promise);
            seen.given = await promise;
          } catch (error) {
            seen.thrown = error;
          }
          return seen;
        };

        expectSame(await seenBy(traced("work")), await seenBy(plain));
      }),
    );
    expect(recording.open()).toBe(0);
  });

  /** What a caller does with a generator. */
  const step = fc.record({
    method: fc.constantFrom("next", "next", "next", "return", "throw"),
    value: fc.anything(),
  });
  /** What a generator does at each step: it yields, and may catch what is thrown in, or clean up. */
  const script = fc.record({
    yields: fc.array(fc.anything(), { maxLength: 4 }),
    fails: fc.boolean(),
    catches: fc.boolean(),
    cleansUp: fc.boolean(),
    returns: fc.anything(),
  });

  it("if it is a generator, whatever its caller does", () => {
    fc.assert(
      fc.property(script, fc.array(step, { maxLength: 8 }), call.args, (acts, steps, args) => {
        const seenBy = (wrap: <F extends () => unknown>(fn: F) => F): unknown[] => {
          const seen: unknown[] = [];
          const fn = wrap(function* (this: unknown, ...received: unknown[]) {
            seen.push(this, received);
            try {
              for (const value of acts.yields) {
                try {
                  seen.push(yield value);
                } catch (error) {
                  if (!acts.catches) throw error;
                  seen.push(error);
                }
              }
              if (acts.fails) throw acts.returns;
              return acts.returns;
            } finally {
              seen.push("left");
              if (acts.cleansUp) yield "cleaning up";
            }
          });
          const generator = Reflect.apply(fn, "this", args) as Generator;
          expect(Object.prototype.toString.call(generator)).toBe("[object Generator]");
          expect(generator[Symbol.iterator]() === generator).toBe(true);
          for (const { method, value } of steps) {
            try {
              seen.push(generator[method as "next"](value));
            } catch (error) {
              seen.push({ thrown: error });
            }
          }
          return seen;
        };

        expectSame(seenBy(traced("work")), seenBy(plain));
      }),
      { numRuns: 500 },
    );
  });

  it("if it is an async generator, whatever its caller does, at once or one by one", async () => {
    await fc.assert(
      fc.asyncProperty(
        script,
        fc.array(step, { maxLength: 8 }),
        fc.boolean(),
        async (acts, steps, atOnce) => {
          const seenBy = async (wrap: <F extends () => unknown>(fn: F) => F) => {
            const seen: unknown[] = [];
            const fn = wrap(async function* (this: unknown) {
              seen.push(this);
              try {
                for (const value of acts.yields) {
                  try {
                    seen.push(yield value);
                  } catch (error) {
                    if (!acts.catches) throw error;
                    seen.push(error);
                  }
                }
                if (acts.fails) throw acts.returns;
                return acts.returns;
              } finally {
                await Promise.resolve();
                seen.push("left");
                if (acts.cleansUp) yield "cleaning up";
              }
            });
            const generator = Reflect.apply(fn, "this", []) as AsyncGenerator;
            expect(generator[Symbol.asyncIterator]() === generator).toBe(true);
            const settled: Promise<unknown>[] = [];
            for (const { method, value } of steps) {
              const promise = generator[method as "next"](value).then(
                (given) => ({ given }),
                (thrown: unknown) => ({ thrown }),
              );
              settled.push(promise);
              if (!atOnce) await promise;
            }
            return [await Promise.all(settled), seen];
          };

          expectSame(await seenBy(traced("work")), await seenBy(plain));
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe("traced, as a decorator", () => {
  it("traces public, static and private methods of every kind", async () => {
    const { results, recorded } = await compiledAndRun("use-decorated-methods");

    expect(results).toEqual([
      1,
      "corner shop greets Ada",
      "3 for tea",
      ["corner shop apples", "corner shop pears"],
      ["8"],
      "corner shop",
      ["greet", 1, "open"],
    ]);
    const names = ["name", "function", "parent"] as const;
    expect(recorded.map((span) => names.map((key) => span[key] ?? "-").join(", "))).toEqual([
      "open, open, -",
      "count shops, #count, -",
      "greet, greet, -",
      "#price, #price, sell",
      "sell, sell, -",
      "shelves, shelves, -",
      "#price, #price, deliveries",
      "deliveries, deliveries, -",
      "computed name, computed name, -",
    ]);
    expect(recorded[2]?.customer).toBe("Ada");
  });
});

function plain<F>(fn: F): F {
  return fn;
}

function caughtFrom(fn: () => unknown): unknown {
  try {
    fn();
  } catch (error) {
    return error;
  }
  return "nothing was thrown";
}

function expectSame(actual: unknown, expected: unknown): void {
  expect(isSame(actual, expected), "what was seen is the same").toBe(true);
}

/** Equal, down to the very same values: what is recorded of a value must not make another one of it. */
function isSame(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (!isPlain(one) || !isPlain(other)) return false;
  const [keys, otherKeys] = [Object.keys(one), Object.keys(other)];
  return keys.join() === otherKeys.join() && keys.every((key) => isSame(one[key], other[key]));
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) return false;
  return Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
}

/** Vitest and Node know no decorators: the TypeScript compiler makes them into what they run. */
async function compiledAndRun(
  program: string,
): Promise<{ results: unknown[]; recorded: Readonly<Record<string, string | undefined>>[] }> {
  const run = promisify(execFile);
  const root = fileURLToPath(new URL("../../", import.meta.url));
  const fixtures = fileURLToPath(new URL("fixtures", import.meta.url));
  // Inside the repository, so that packages are found from there.
  const cache = `${root}node_modules/.cache`;
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(`${cache}/decorated-`);
  try {
    await run(
      process.execPath,
      [
        `${root}node_modules/typescript/bin/tsc`,
        ..."--target es2023 --module nodenext --lib es2024,esnext.array,esnext.iterator --types node".split(
          " ",
        ),
        ..."--customConditions @waybill/source --rewriteRelativeImportExtensions".split(" "),
        ..."--strict --skipLibCheck --noEmitOnError --ignoreConfig".split(" "),
        "--rootDir",
        fixtures,
        "--outDir",
        folder,
        `${fixtures}/${program}.ts`,
      ],
      { cwd: root },
    );
    const { stdout } = await run(
      process.execPath,
      ["--conditions=@waybill/source", `${folder}/${program}.js`],
      { cwd: root },
    );
    return JSON.parse(stdout) as Awaited<ReturnType<typeof compiledAndRun>>;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
