// What the tests use of the module `@std/assert`, whose registry is not needed this way.
import assertions from "node:assert";
import { isDeepStrictEqual } from "node:util";

type Thrower = new (...values: never[]) => Error;
type Wanted = Thrower | string | undefined;

export function fail(message = "failed"): never {
  throw new assertions.AssertionError({ message });
}

export function assert(value: unknown, message = `not true: ${value}`): asserts value {
  if (!value) fail(message);
}

export function assertFalse(value: unknown, message = `not false: ${value}`) {
  if (value) fail(message);
}

export function equal(left: unknown, right: unknown): boolean {
  return isDeepStrictEqual(left, right);
}

export function assertEquals<T>(left: T, right: T, message?: string) {
  assertions.deepStrictEqual(left, right, message);
}

export function assertNotEquals<T>(left: T, right: T, message?: string) {
  assertions.notDeepStrictEqual(left, right, message);
}

export function assertStrictEquals<T>(left: unknown, right: T, message?: string) {
  assertions.strictEqual(left, right, message);
}

export function assertExists<T>(value: T, message = "missing"): asserts value is NonNullable<T> {
  if (value === undefined || value === null) fail(message);
}

export function assertInstanceOf(value: unknown, type: new (...values: never[]) => unknown) {
  if (!(value instanceof type)) fail(`${value} is no ${type.name}`);
}

export function assertMatch(text: string, pattern: RegExp) {
  assertions.match(text, pattern);
}

export function assertStringIncludes(text: string, part: string) {
  if (!text.includes(part)) fail(`no ${part} in ${text}`);
}

export function assertArrayIncludes<T>(values: ArrayLike<T>, parts: ArrayLike<T>) {
  for (const part of Array.from(parts)) {
    if (!Array.from(values).some((value) => equal(value, part))) fail(`missing ${part}`);
  }
}

function check(error: unknown, type: Wanted, part?: string): Error {
  if (typeof type === "string" || type === undefined) return error as Error;
  if (!(error instanceof type)) fail(`${error} is no ${type.name}`);
  if (part && !error.message.includes(part)) fail(`no "${part}" in "${error.message}"`);
  return error;
}

export function assertThrows(work: () => unknown, type?: Wanted, part?: string): Error {
  try {
    work();
  } catch (error) {
    return check(error, type, part);
  }
  fail("nothing was thrown");
}

export async function assertRejects(work: () => PromiseLike<unknown>, type?: Wanted, part?: string): Promise<Error> {
  try {
    await work();
  } catch (error) {
    return check(error, type, part);
  }
  fail("nothing was rejected");
}
